"""Moving averages."""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array, ema_step, lag_step, parts, place, ratio, sum_step, weighted_step


@kernel
def sma(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, forward = int(state[0]), state[1]
    for i in range(rows.shape[1]):
        head, forward, total = sum_step(window, 0, period, head, forward, rows[0, i])
        out[0, i] = total / period
    state[0], state[1] = head, forward


@kernel
def _exponential(memory: Array, rows: Array, out: Array, alpha: float) -> None:
    params, state, _ = parts(memory)
    period = int(params[0])
    count, mean = int(state[0]), state[1]
    for i in range(rows.shape[1]):
        count, mean, out[0, i] = ema_step(count, mean, period, alpha, rows[0, i])
    state[0], state[1] = count, mean


@kernel
def ema(memory: Array, rows: Array, out: Array) -> None:
    params, _, _ = parts(memory)
    _exponential(memory, rows, out, 2.0 / (params[0] + 1.0))


@kernel
def smma(memory: Array, rows: Array, out: Array) -> None:
    params, _, _ = parts(memory)
    _exponential(memory, rows, out, 1.0 / params[0])


@kernel
def wma(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, weights = int(params[0]), 0.5 * params[0] * (params[0] + 1.0)
    head, plain, weighted = int(state[0]), state[1], state[2]
    for i in range(rows.shape[1]):
        head, plain, weighted, total = weighted_step(window, 0, period, head, plain, weighted, rows[0, i])
        out[0, i] = total / weights
    state[0], state[1], state[2] = head, plain, weighted


@kernel
def dema(memory: Array, rows: Array, out: Array) -> None:
    params, state, _ = parts(memory)
    period, alpha = int(params[0]), 2.0 / (params[0] + 1.0)
    count_1, mean_1, count_2, mean_2 = int(state[0]), state[1], int(state[2]), state[3]
    for i in range(rows.shape[1]):
        count_1, mean_1, once = ema_step(count_1, mean_1, period, alpha, rows[0, i])
        count_2, mean_2, twice = ema_step(count_2, mean_2, period, alpha, once)
        out[0, i] = 2.0 * once - twice
    state[0], state[1], state[2], state[3] = count_1, mean_1, count_2, mean_2


@kernel
def tema(memory: Array, rows: Array, out: Array) -> None:
    params, state, _ = parts(memory)
    period, alpha = int(params[0]), 2.0 / (params[0] + 1.0)
    count_1, mean_1, count_2, mean_2 = int(state[0]), state[1], int(state[2]), state[3]
    count_3, mean_3 = int(state[4]), state[5]
    for i in range(rows.shape[1]):
        count_1, mean_1, once = ema_step(count_1, mean_1, period, alpha, rows[0, i])
        count_2, mean_2, twice = ema_step(count_2, mean_2, period, alpha, once)
        count_3, mean_3, thrice = ema_step(count_3, mean_3, period, alpha, twice)
        out[0, i] = 3.0 * (once - twice) + thrice
    state[0], state[1], state[2], state[3] = count_1, mean_1, count_2, mean_2
    state[4], state[5] = count_3, mean_3


@kernel
def trima(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    first, second = int(params[0] + 1) // 2, int(params[0]) // 2 + 1
    head_1, sum_1, head_2, sum_2 = int(state[0]), state[1], int(state[2]), state[3]
    for i in range(rows.shape[1]):
        head_1, sum_1, total = sum_step(window, 0, first, head_1, sum_1, rows[0, i])
        head_2, sum_2, total = sum_step(window, first, second, head_2, sum_2, total / first)
        out[0, i] = total / second
    state[0], state[1], state[2], state[3] = head_1, sum_1, head_2, sum_2


@kernel
def hma(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, half, root = int(params[0]), int(params[0]) // 2, int(math.sqrt(params[0]))
    head, plain, weighted = int(state[0]), state[1], state[2]
    head_2, plain_2, weighted_2 = int(state[3]), state[4], state[5]
    head_3, plain_3, weighted_3 = int(state[6]), state[7], state[8]
    for i in range(rows.shape[1]):
        head, plain, weighted, slow = weighted_step(window, 0, period, head, plain, weighted, rows[0, i])
        head_2, plain_2, weighted_2, fast = weighted_step(
            window, 2 * period, half, head_2, plain_2, weighted_2, rows[0, i]
        )
        early = 4.0 * fast / (half * (half + 1)) - 2.0 * slow / (period * (period + 1))
        head_3, plain_3, weighted_3, total = weighted_step(
            window, 2 * (period + half), root, head_3, plain_3, weighted_3, early
        )
        out[0, i] = 2.0 * total / (root * (root + 1))
    state[0], state[1], state[2] = head, plain, weighted
    state[3], state[4], state[5] = head_2, plain_2, weighted_2
    state[6], state[7], state[8] = head_3, plain_3, weighted_3


@kernel
def kama(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, fast, slow = int(params[0]), 2.0 / (params[1] + 1.0), 2.0 / (params[2] + 1.0)
    head, forward, head_2 = int(state[0]), state[1], int(state[2])
    mean, previous = window[2 * period], window[2 * period + 1]
    for i in range(rows.shape[1]):
        value = rows[0, i]
        head, forward, path = sum_step(window, 0, period, head, forward, abs(value - previous))
        head_2, lagged = lag_step(window, period, period, head_2, value)
        smoothing = ratio(abs(value - lagged), path, 0.0) * (fast - slow) + slow
        before = previous if math.isnan(mean) else mean
        mean = before + smoothing * smoothing * (value - before)
        previous = value
        out[0, i] = mean
    state[0], state[1], state[2] = head, forward, head_2
    window[2 * period], window[2 * period + 1] = mean, previous


@kernel
def t3(memory: Array, rows: Array, out: Array) -> None:
    params, state, _ = parts(memory)
    period, alpha, v = int(params[0]), 2.0 / (params[0] + 1.0), params[1]
    c1, c2, c3 = -v * v * v, 3.0 * v * v + 3.0 * v * v * v, -6.0 * v * v - 3.0 * v - 3.0 * v * v * v
    c4 = 1.0 + 3.0 * v + v * v * v + 3.0 * v * v
    n1, n2, n3, n4, n5, n6 = int(state[0]), int(state[1]), int(state[2]), int(state[3]), int(state[4]), int(state[5])
    m1, m2, m3, m4, m5, m6 = state[6], state[7], state[8], state[9], state[10], state[11]
    for i in range(rows.shape[1]):
        n1, m1, e1 = ema_step(n1, m1, period, alpha, rows[0, i])
        n2, m2, e2 = ema_step(n2, m2, period, alpha, e1)
        n3, m3, e3 = ema_step(n3, m3, period, alpha, e2)
        n4, m4, e4 = ema_step(n4, m4, period, alpha, e3)
        n5, m5, e5 = ema_step(n5, m5, period, alpha, e4)
        n6, m6, e6 = ema_step(n6, m6, period, alpha, e5)
        out[0, i] = c1 * e6 + c2 * e5 + c3 * e4 + c4 * e3
    state[0], state[1], state[2], state[3], state[4], state[5] = n1, n2, n3, n4, n5, n6
    state[6], state[7], state[8], state[9], state[10], state[11] = m1, m2, m3, m4, m5, m6


@kernel
def zlema(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, alpha, lag = int(params[0]), 2.0 / (params[0] + 1.0), int(params[0] - 1) // 2
    head, count, mean = int(state[0]), int(state[1]), state[2]
    for i in range(rows.shape[1]):
        head, lagged = lag_step(window, 0, lag, head, rows[0, i])
        count, mean, out[0, i] = ema_step(count, mean, period, alpha, 2.0 * rows[0, i] - lagged)
    state[0], state[1], state[2] = head, count, mean


@kernel
def vwma(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, money, volume = int(state[0]), state[1], state[2]
    for i in range(rows.shape[1]):
        _, money, paid = sum_step(window, 0, period, head, money, rows[0, i] * rows[1, i])
        head, volume, traded = sum_step(window, period, period, head, volume, rows[1, i])
        out[0, i] = ratio(paid, traded, rows[0, i])
    state[0], state[1], state[2] = head, money, volume


@kernel
def alma(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, head = params.shape[0], int(state[0])
    for i in range(rows.shape[1]):
        head, _ = lag_step(window, 0, period, head, rows[0, i])
        total = 0.0
        for k in range(period - head):
            total += params[place(k)] * window[place(head + k)]
        for k in range(head):
            total += params[place(period - head + k)] * window[place(k)]
        out[0, i] = total
    state[0] = head


@kernel
def mcginley(memory: Array, rows: Array, out: Array) -> None:
    params, state, _ = parts(memory)
    mean = state[0]
    for i in range(rows.shape[1]):
        value = rows[0, i]
        pace = value / mean if mean > 0.0 else 0.0
        square = pace * pace
        mean = mean + (value - mean) / (params[0] * square * square) if square > 0.0 else value
        out[0, i] = mean
    state[0] = mean
