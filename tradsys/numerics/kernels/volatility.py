"""Volatility: how wide price moves."""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array, ema_step, range_step, spread_step, true_range


@kernel
def atr(state: Array, window: Array, rows: Array, params: Array, out: Array) -> None:
    period, alpha = int(params[0]), 1.0 / params[0]
    count, mean, previous = int(state[0]), state[1], window[0]
    for i in range(rows.shape[1]):
        reach = true_range(rows[0, i], rows[1, i], previous)
        previous = rows[2, i]
        count, mean, out[0, i] = ema_step(count, mean, period, alpha, reach)
    state[0], state[1], window[0] = count, mean, previous


@kernel
def bollinger_bands(state: Array, window: Array, rows: Array, params: Array, out: Array) -> None:
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
def donchian_channel(state: Array, window: Array, rows: Array, params: Array, out: Array) -> None:
    period = int(params[0])
    head, top, bottom = int(state[0]), state[1], state[2]
    for i in range(rows.shape[1]):
        head, top, bottom, highest, lowest = range_step(
            window, 0, period, head, top, bottom, rows[0, i], rows[1, i]
        )
        out[0, i] = highest
        out[1, i] = 0.5 * (highest + lowest)
        out[2, i] = lowest
    state[0], state[1], state[2] = head, top, bottom
