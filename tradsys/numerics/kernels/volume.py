"""Volume: how much trades behind a move."""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array, ema_step, parts, ratio, sum_step


@kernel
def on_balance_volume(memory: Array, rows: Array, out: Array) -> None:
    _, state, window = parts(memory)
    total, previous = state[0], window[0]
    for i in range(rows.shape[1]):
        close, volume = rows[0, i], rows[1, i]
        signed = volume if close > previous else 0.0
        total += -volume if close < previous else signed
        previous = close
        out[0, i] = total
    state[0], window[0] = total, previous


@kernel
def accumulation_distribution(memory: Array, rows: Array, out: Array) -> None:
    _, state, _ = parts(memory)
    total = state[0]
    for i in range(rows.shape[1]):
        high, low, close = rows[0, i], rows[1, i], rows[2, i]
        total += ratio((close - low) - (high - close), high - low, 0.0) * rows[3, i]
        out[0, i] = total
    state[0] = total


@kernel
def chaikin_oscillator(memory: Array, rows: Array, out: Array) -> None:
    params, state, _ = parts(memory)
    fast, slow = int(params[0]), int(params[1])
    alpha_1, alpha_2 = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0)
    total, count_1, mean_1, count_2, mean_2 = state[0], int(state[1]), state[2], int(state[3]), state[4]
    for i in range(rows.shape[1]):
        high, low, close = rows[0, i], rows[1, i], rows[2, i]
        total += ratio((close - low) - (high - close), high - low, 0.0) * rows[3, i]
        count_1, mean_1, quick = ema_step(count_1, mean_1, fast, alpha_1, total)
        count_2, mean_2, calm = ema_step(count_2, mean_2, slow, alpha_2, total)
        out[0, i] = quick - calm
    state[0], state[1], state[2], state[3], state[4] = total, count_1, mean_1, count_2, mean_2


@kernel
def chaikin_money_flow(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, flow_sum, volume_sum = int(state[0]), state[1], state[2]
    for i in range(rows.shape[1]):
        high, low, close = rows[0, i], rows[1, i], rows[2, i]
        flow = ratio((close - low) - (high - close), high - low, 0.0) * rows[3, i]
        _, flow_sum, flows = sum_step(window, 0, period, head, flow_sum, flow)
        head, volume_sum, volumes = sum_step(window, period, period, head, volume_sum, rows[3, i])
        out[0, i] = ratio(flows, volumes, 0.0)
    state[0], state[1], state[2] = head, flow_sum, volume_sum


@kernel
def money_flow_index(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, last = int(params[0]), 2 * int(params[0])
    head, rise, fall, previous = int(state[0]), state[1], state[2], window[last]
    for i in range(rows.shape[1]):
        typical = (rows[0, i] + rows[1, i] + rows[2, i]) / 3.0
        flow = typical * rows[3, i]
        # Typical prices are rounded thirds: equal ones may differ in the last bits, and have not moved.
        change, rounding = typical - previous, 1e-13 * typical
        # The first bar has nothing to compare with: NaN on both sides until it has left the window.
        still = change * 0.0
        inflow = flow if change > rounding else still
        outflow = flow if change < -rounding else still
        previous = typical
        _, rise, risen = sum_step(window, 0, period, head, rise, inflow)
        head, fall, fallen = sum_step(window, period, period, head, fall, outflow)
        out[0, i] = ratio(100.0 * risen, risen + fallen, 50.0)
    state[0], state[1], state[2], window[last] = head, rise, fall, previous


@kernel
def force_index(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, alpha = int(params[0]), 2.0 / (params[0] + 1.0)
    count, mean, previous = int(state[0]), state[1], window[0]
    for i in range(rows.shape[1]):
        force = (rows[0, i] - previous) * rows[1, i]
        previous = rows[0, i]
        count, mean, out[0, i] = ema_step(count, mean, period, alpha, force)
    state[0], state[1], window[0] = count, mean, previous


@kernel
def ease_of_movement(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, scale = int(params[0]), params[1] / params[0]
    head, forward, previous = int(state[0]), state[1], window[period]
    for i in range(rows.shape[1]):
        middle = 0.5 * (rows[0, i] + rows[1, i])
        ease = ratio((middle - previous) * (rows[0, i] - rows[1, i]), rows[3, i], 0.0)
        if math.isnan(previous):
            ease = previous
        previous = middle
        head, forward, total = sum_step(window, 0, period, head, forward, ease)
        out[0, i] = scale * total
    state[0], state[1], window[period] = head, forward, previous


@kernel
def volume_price_trend(memory: Array, rows: Array, out: Array) -> None:
    _, state, window = parts(memory)
    total, previous = state[0], window[0]
    for i in range(rows.shape[1]):
        change = ratio(rows[0, i] - previous, previous, 0.0)
        total += 0.0 if math.isnan(change) else change * rows[1, i]
        previous = rows[0, i]
        out[0, i] = total
    state[0], window[0] = total, previous


@kernel
def _volume_index(memory: Array, rows: Array, out: Array, sign: float) -> None:
    """Follows the close on bars whose volume moved in the direction of `sign`."""
    _, _, window = parts(memory)
    index, close, volume = window[0], window[1], window[2]
    for i in range(rows.shape[1]):
        change = ratio(rows[0, i], close, 1.0)
        index = 1000.0 if math.isnan(index) else index * (change if sign * (rows[1, i] - volume) > 0.0 else 1.0)
        close, volume = rows[0, i], rows[1, i]
        out[0, i] = index
    window[0], window[1], window[2] = index, close, volume


@kernel
def negative_volume_index(memory: Array, rows: Array, out: Array) -> None:
    _volume_index(memory, rows, out, -1.0)


@kernel
def positive_volume_index(memory: Array, rows: Array, out: Array) -> None:
    _volume_index(memory, rows, out, 1.0)


@kernel
def vwap(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, money, volume = int(state[0]), state[1], state[2]
    for i in range(rows.shape[1]):
        typical = (rows[0, i] + rows[1, i] + rows[2, i]) / 3.0
        _, money, paid = sum_step(window, 0, period, head, money, typical * rows[3, i])
        head, volume, traded = sum_step(window, period, period, head, volume, rows[3, i])
        out[0, i] = ratio(paid, traded, typical)
    state[0], state[1], state[2] = head, money, volume
