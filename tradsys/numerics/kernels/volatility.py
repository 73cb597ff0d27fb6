"""Volatility: how wide price moves."""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import (
    Array,
    ema_step,
    lag_step,
    parts,
    range_step,
    ratio,
    spread_step,
    sum_step,
    true_range,
)


@kernel
def true_ranges(memory: Array, rows: Array, out: Array) -> None:
    _, _, window = parts(memory)
    previous = window[0]
    for i in range(rows.shape[1]):
        out[0, i] = true_range(rows[0, i], rows[1, i], previous)
        previous = rows[2, i]
    window[0] = previous


@kernel
def atr(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, alpha = int(params[0]), 1.0 / params[0]
    count, mean, previous = int(state[0]), state[1], window[0]
    for i in range(rows.shape[1]):
        reach = true_range(rows[0, i], rows[1, i], previous)
        previous = rows[2, i]
        count, mean, out[0, i] = ema_step(count, mean, period, alpha, reach)
    state[0], state[1], window[0] = count, mean, previous


@kernel
def bollinger_bands(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, deviations = int(params[0]), params[1]
    head, anchor, first, second = int(state[0]), state[1], state[2], state[3]
    for i in range(rows.shape[1]):
        head, anchor, first, second, mean, variance = spread_step(
            window, 0, period, head, anchor, first, second, rows[0, i]
        )
        reach = deviations * math.sqrt(variance)
        out[0, i] = mean + reach
        out[1, i] = mean
        out[2, i] = mean - reach
    state[0], state[1], state[2], state[3] = head, anchor, first, second


@kernel
def standard_deviation(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, anchor, first, second = int(state[0]), state[1], state[2], state[3]
    for i in range(rows.shape[1]):
        head, anchor, first, second, _, variance = spread_step(
            window, 0, period, head, anchor, first, second, rows[0, i]
        )
        out[0, i] = math.sqrt(variance)
    state[0], state[1], state[2], state[3] = head, anchor, first, second


@kernel
def keltner_channel(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, reach_period, multiple = int(params[0]), int(params[1]), params[2]
    alpha, reach_alpha = 2.0 / (period + 1.0), 1.0 / reach_period
    count, mean, reach_count, reach, previous = int(state[0]), state[1], int(state[2]), state[3], window[0]
    for i in range(rows.shape[1]):
        span = true_range(rows[0, i], rows[1, i], previous)
        previous = rows[2, i]
        count, mean, middle = ema_step(count, mean, period, alpha, previous)
        reach_count, reach, average = ema_step(reach_count, reach, reach_period, reach_alpha, span)
        out[0, i] = middle + multiple * average
        out[1, i] = middle
        out[2, i] = middle - multiple * average
    state[0], state[1], state[2], state[3], window[0] = count, mean, reach_count, reach, previous


@kernel
def donchian_channel(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, top, bottom = int(state[0]), state[1], state[2]
    for i in range(rows.shape[1]):
        head, top, bottom, highest, lowest = range_step(window, 0, period, head, top, bottom, rows[0, i], rows[1, i])
        out[0, i] = highest
        out[1, i] = 0.5 * (highest + lowest)
        out[2, i] = lowest
    state[0], state[1], state[2] = head, top, bottom


@kernel
def ulcer_index(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, top, bottom, forward = int(state[0]), state[1], state[2], state[3]
    for i in range(rows.shape[1]):
        value = rows[0, i]
        _, forward_top, bottom, peak, _ = range_step(window, 0, period, head, top, bottom, value, value)
        top = forward_top
        if math.isnan(peak):
            peak = top
        drawdown = ratio(100.0 * (value - peak), peak, 0.0)
        head, forward, total = sum_step(window, 2 * period, period, head, forward, drawdown * drawdown)
        out[0, i] = math.sqrt(total / period)
    state[0], state[1], state[2], state[3] = head, top, bottom, forward


@kernel
def chaikin_volatility(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, lag, alpha = int(params[0]), int(params[1]), 2.0 / (params[0] + 1.0)
    count, mean, head = int(state[0]), state[1], int(state[2])
    for i in range(rows.shape[1]):
        count, mean, reach = ema_step(count, mean, period, alpha, rows[0, i] - rows[1, i])
        head, lagged = lag_step(window, 0, lag, head, reach)
        out[0, i] = ratio(100.0 * (reach - lagged), lagged, 0.0)
    state[0], state[1], state[2] = count, mean, head


@kernel
def historical_volatility(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, last = int(params[0]), 2 * int(params[0])
    scale = params[1] * period / (period - 1.0)
    head, anchor, first, second = int(state[0]), state[1], state[2], state[3]
    previous = window[last]
    for i in range(rows.shape[1]):
        change, variance = rows[0, i] / previous, math.nan
        previous = rows[0, i]
        if not math.isnan(change):
            head, anchor, first, second, _, variance = spread_step(
                window, 0, period, head, anchor, first, second, math.log(change)
            )
        out[0, i] = math.sqrt(scale * variance)
    state[0], state[1], state[2], state[3], window[last] = head, anchor, first, second, previous


@kernel
def parkinson(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, scale = int(params[0]), params[1] / (4.0 * math.log(2.0) * params[0])
    head, forward = int(state[0]), state[1]
    for i in range(rows.shape[1]):
        reach = math.log(rows[0, i] / rows[1, i])
        head, forward, total = sum_step(window, 0, period, head, forward, reach * reach)
        out[0, i] = math.sqrt(scale * total)
    state[0], state[1] = head, forward


@kernel
def garman_klass(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, scale, weight = int(params[0]), params[1] / params[0], 2.0 * math.log(2.0) - 1.0
    head, forward = int(state[0]), state[1]
    for i in range(rows.shape[1]):
        reach, body = math.log(rows[1, i] / rows[2, i]), math.log(rows[3, i] / rows[0, i])
        head, forward, total = sum_step(window, 0, period, head, forward, 0.5 * reach * reach - weight * body * body)
        out[0, i] = math.sqrt(scale * total)
    state[0], state[1] = head, forward


@kernel
def choppiness(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, scale, last = int(params[0]), 100.0 / math.log(params[0]), 3 * int(params[0])
    head, top, bottom, forward, previous = int(state[0]), state[1], state[2], state[3], window[last]
    for i in range(rows.shape[1]):
        span = true_range(rows[0, i], rows[1, i], previous)
        previous = rows[2, i]
        _, top, bottom, highest, lowest = range_step(window, 0, period, head, top, bottom, rows[0, i], rows[1, i])
        head, forward, path = sum_step(window, 2 * period, period, head, forward, span)
        reach = highest - lowest
        out[0, i] = scale * math.log(path / reach) if reach != 0.0 else 100.0
    state[0], state[1], state[2], state[3], window[last] = head, top, bottom, forward, previous
