"""Momentum: how fast price moves, and where it stands in its range."""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array, ema_step, lag_step, parts, range_step, ratio, sum_step, weighted_step


@kernel
def rsi(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, alpha = int(params[0]), 1.0 / params[0]
    count, gain, loss, previous = int(state[0]), state[1], state[2], window[0]
    for i in range(rows.shape[1]):
        change = rows[0, i] - previous
        previous = rows[0, i]
        _, gain, up = ema_step(count, gain, period, alpha, change if not change < 0.0 else 0.0)
        count, loss, down = ema_step(count, loss, period, alpha, -change if not change > 0.0 else 0.0)
        out[0, i] = ratio(100.0 * up, up + down, 50.0)
    state[0], state[1], state[2], window[0] = count, gain, loss, previous


@kernel
def stochastic(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, smoothing, signal = int(params[0]), int(params[1]), int(params[2])
    head, top, bottom = int(state[0]), state[1], state[2]
    head_k, sum_k, head_d, sum_d = int(state[3]), state[4], int(state[5]), state[6]
    for i in range(rows.shape[1]):
        head, top, bottom, highest, lowest = range_step(window, 0, period, head, top, bottom, rows[0, i], rows[1, i])
        place_in_range = ratio(100.0 * (rows[2, i] - lowest), highest - lowest, 50.0)
        head_k, sum_k, total = sum_step(window, 2 * period, smoothing, head_k, sum_k, place_in_range)
        out[0, i] = total / smoothing
        head_d, sum_d, total = sum_step(window, 2 * period + smoothing, signal, head_d, sum_d, out[0, i])
        out[1, i] = total / signal
    state[0], state[1], state[2] = head, top, bottom
    state[3], state[4], state[5], state[6] = head_k, sum_k, head_d, sum_d


@kernel
def stochastic_rsi(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, reach, smoothing, signal = int(params[0]), int(params[1]), int(params[2]), int(params[3])
    alpha, last = 1.0 / period, 2 * reach + smoothing + signal
    count, gain, loss, previous = int(state[0]), state[1], state[2], window[last]
    head, top, bottom = int(state[3]), state[4], state[5]
    head_k, sum_k, head_d, sum_d = int(state[6]), state[7], int(state[8]), state[9]
    for i in range(rows.shape[1]):
        change = rows[0, i] - previous
        previous = rows[0, i]
        _, gain, up = ema_step(count, gain, period, alpha, change if not change < 0.0 else 0.0)
        count, loss, down = ema_step(count, loss, period, alpha, -change if not change > 0.0 else 0.0)
        strength, place_in_range = ratio(100.0 * up, up + down, 50.0), math.nan
        if not math.isnan(strength):
            head, top, bottom, highest, lowest = range_step(window, 0, reach, head, top, bottom, strength, strength)
            place_in_range = ratio(100.0 * (strength - lowest), highest - lowest, 50.0)
        head_k, sum_k, total = sum_step(window, 2 * reach, smoothing, head_k, sum_k, place_in_range)
        out[0, i] = total / smoothing
        head_d, sum_d, total = sum_step(window, 2 * reach + smoothing, signal, head_d, sum_d, out[0, i])
        out[1, i] = total / signal
    state[0], state[1], state[2], window[last] = count, gain, loss, previous
    state[3], state[4], state[5] = head, top, bottom
    state[6], state[7], state[8], state[9] = head_k, sum_k, head_d, sum_d


@kernel
def williams_r(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, top, bottom = int(state[0]), state[1], state[2]
    for i in range(rows.shape[1]):
        head, top, bottom, highest, lowest = range_step(window, 0, period, head, top, bottom, rows[0, i], rows[1, i])
        out[0, i] = ratio(100.0 * (rows[2, i] - highest), highest - lowest, -50.0)
    state[0], state[1], state[2] = head, top, bottom


@kernel
def ultimate_oscillator(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    short, middle, long = int(params[0]), int(params[1]), int(params[2])
    base_2, base_3, last = 2 * short, 2 * (short + middle), 2 * (short + middle + long)
    head_1, buy_1, reach_1 = int(state[0]), state[1], state[2]
    head_2, buy_2, reach_2 = int(state[3]), state[4], state[5]
    head_3, buy_3, reach_3, previous = int(state[6]), state[7], state[8], window[last]
    for i in range(rows.shape[1]):
        # A sum with the NaN of the first bar stays NaN until that bar has left: Williams starts at the second.
        top = previous if not previous <= rows[0, i] else rows[0, i]
        bottom = previous if not previous >= rows[1, i] else rows[1, i]
        pressure, reach = rows[2, i] - bottom, top - bottom
        previous = rows[2, i]
        _, buy_1, bought_1 = sum_step(window, 0, short, head_1, buy_1, pressure)
        head_1, reach_1, range_1 = sum_step(window, short, short, head_1, reach_1, reach)
        _, buy_2, bought_2 = sum_step(window, base_2, middle, head_2, buy_2, pressure)
        head_2, reach_2, range_2 = sum_step(window, base_2 + middle, middle, head_2, reach_2, reach)
        _, buy_3, bought_3 = sum_step(window, base_3, long, head_3, buy_3, pressure)
        head_3, reach_3, range_3 = sum_step(window, base_3 + long, long, head_3, reach_3, reach)
        averages = 4.0 * ratio(bought_1, range_1, 0.5) + 2.0 * ratio(bought_2, range_2, 0.5)
        out[0, i] = 100.0 * (averages + ratio(bought_3, range_3, 0.5)) / 7.0
    state[0], state[1], state[2] = head_1, buy_1, reach_1
    state[3], state[4], state[5] = head_2, buy_2, reach_2
    state[6], state[7], state[8], window[last] = head_3, buy_3, reach_3, previous


@kernel
def true_strength_index(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    slow, fast = int(params[0]), int(params[1])
    alpha_1, alpha_2 = 2.0 / (slow + 1.0), 2.0 / (fast + 1.0)
    count_1, mean_1, size_1 = int(state[0]), state[1], state[2]
    count_2, mean_2, size_2, previous = int(state[3]), state[4], state[5], window[0]
    for i in range(rows.shape[1]):
        change = rows[0, i] - previous
        previous = rows[0, i]
        _, mean_1, once = ema_step(count_1, mean_1, slow, alpha_1, change)
        count_1, size_1, once_size = ema_step(count_1, size_1, slow, alpha_1, abs(change))
        _, mean_2, twice = ema_step(count_2, mean_2, fast, alpha_2, once)
        count_2, size_2, twice_size = ema_step(count_2, size_2, fast, alpha_2, once_size)
        out[0, i] = ratio(100.0 * twice, twice_size, 0.0)
    state[0], state[1], state[2] = count_1, mean_1, size_1
    state[3], state[4], state[5], window[0] = count_2, mean_2, size_2, previous


@kernel
def awesome_oscillator(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    fast, slow = int(params[0]), int(params[1])
    head_1, sum_1, head_2, sum_2 = int(state[0]), state[1], int(state[2]), state[3]
    for i in range(rows.shape[1]):
        middle = 0.5 * (rows[0, i] + rows[1, i])
        head_1, sum_1, quick = sum_step(window, 0, fast, head_1, sum_1, middle)
        head_2, sum_2, total = sum_step(window, fast, slow, head_2, sum_2, middle)
        out[0, i] = quick / fast - total / slow
    state[0], state[1], state[2], state[3] = head_1, sum_1, head_2, sum_2


@kernel
def rate_of_change(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, head = int(params[0]), int(state[0])
    for i in range(rows.shape[1]):
        head, lagged = lag_step(window, 0, period, head, rows[0, i])
        out[0, i] = ratio(100.0 * (rows[0, i] - lagged), lagged, 0.0)
    state[0] = head


@kernel
def momentum(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, head = int(params[0]), int(state[0])
    for i in range(rows.shape[1]):
        head, lagged = lag_step(window, 0, period, head, rows[0, i])
        out[0, i] = rows[0, i] - lagged
    state[0] = head


@kernel
def chande_momentum(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, last = int(params[0]), 2 * int(params[0])
    head, gain, loss, previous = int(state[0]), state[1], state[2], window[last]
    for i in range(rows.shape[1]):
        change = rows[0, i] - previous
        previous = rows[0, i]
        _, gain, up = sum_step(window, 0, period, head, gain, change if not change < 0.0 else 0.0)
        head, loss, down = sum_step(window, period, period, head, loss, -change if not change > 0.0 else 0.0)
        out[0, i] = ratio(100.0 * (up - down), up + down, 0.0)
    state[0], state[1], state[2], window[last] = head, gain, loss, previous


@kernel
def coppock_curve(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, long, short = int(params[0]), int(params[1]), int(params[2])
    head_1, head_2, head_3 = int(state[0]), int(state[1]), int(state[2])
    plain, weighted = state[3], state[4]
    for i in range(rows.shape[1]):
        head_1, lagged_1 = lag_step(window, 0, long, head_1, rows[0, i])
        head_2, lagged_2 = lag_step(window, long, short, head_2, rows[0, i])
        both = ratio(rows[0, i] - lagged_1, lagged_1, 0.0) + ratio(rows[0, i] - lagged_2, lagged_2, 0.0)
        head_3, plain, weighted, total = weighted_step(
            window, long + short, period, head_3, plain, weighted, 100.0 * both
        )
        out[0, i] = 2.0 * total / (period * (period + 1.0))
    state[0], state[1], state[2], state[3], state[4] = head_1, head_2, head_3, plain, weighted


@kernel
def fisher_transform(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, top, bottom, value, fisher = int(state[0]), state[1], state[2], state[3], state[4]
    for i in range(rows.shape[1]):
        middle = 0.5 * (rows[0, i] + rows[1, i])
        head, top, bottom, highest, lowest = range_step(window, 0, period, head, top, bottom, middle, middle)
        if math.isnan(highest):
            out[0, i], out[1, i] = math.nan, math.nan
            continue
        value = 0.66 * (ratio(middle - lowest, highest - lowest, 0.5) - 0.5) + 0.67 * value
        value = min(max(value, -0.999), 0.999)
        out[1, i] = fisher
        fisher = 0.5 * math.log((1.0 + value) / (1.0 - value)) + 0.5 * fisher
        out[0, i] = fisher
    state[0], state[1], state[2], state[3], state[4] = head, top, bottom, value, fisher


@kernel
def relative_vigor(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, last = int(params[0]), 2 * int(params[0])
    head, body_sum, reach_sum = int(state[0]), state[1], state[2]
    b1, b2, b3 = window[last], window[last + 1], window[last + 2]
    r1, r2, r3 = window[last + 3], window[last + 4], window[last + 5]
    v1, v2, v3 = window[last + 6], window[last + 7], window[last + 8]
    for i in range(rows.shape[1]):
        body, reach = rows[3, i] - rows[0, i], rows[1, i] - rows[2, i]
        _, body_sum, bodies = sum_step(window, 0, period, head, body_sum, body + 2.0 * (b1 + b2) + b3)
        head, reach_sum, ranges = sum_step(window, period, period, head, reach_sum, reach + 2.0 * (r1 + r2) + r3)
        vigor = ratio(bodies, ranges, 0.0)
        out[0, i] = vigor
        out[1, i] = (vigor + 2.0 * (v1 + v2) + v3) / 6.0
        b1, b2, b3, r1, r2, r3, v1, v2, v3 = body, b1, b2, reach, r1, r2, vigor, v1, v2
    state[0], state[1], state[2] = head, body_sum, reach_sum
    window[last], window[last + 1], window[last + 2] = b1, b2, b3
    window[last + 3], window[last + 4], window[last + 5] = r1, r2, r3
    window[last + 6], window[last + 7], window[last + 8] = v1, v2, v3


@kernel
def balance_of_power(memory: Array, rows: Array, out: Array) -> None:
    for i in range(rows.shape[1]):
        out[0, i] = ratio(rows[3, i] - rows[0, i], rows[1, i] - rows[2, i], 0.0)


@kernel
def efficiency_ratio(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, last = int(params[0]), 2 * int(params[0])
    head, forward, head_2, previous = int(state[0]), state[1], int(state[2]), window[last]
    for i in range(rows.shape[1]):
        head, forward, path = sum_step(window, 0, period, head, forward, abs(rows[0, i] - previous))
        head_2, lagged = lag_step(window, period, period, head_2, rows[0, i])
        previous = rows[0, i]
        out[0, i] = ratio(abs(previous - lagged), path, 0.0)
    state[0], state[1], state[2], window[last] = head, forward, head_2, previous
