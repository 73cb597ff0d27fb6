"""Trend: which way, and how strongly."""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import (
    Array,
    ema_step,
    lag_step,
    latest_highest_step,
    parts,
    place,
    range_step,
    ratio,
    sum_step,
    true_range,
)


@kernel
def macd(memory: Array, rows: Array, out: Array) -> None:
    params, state, _ = parts(memory)
    fast, slow, signal = int(params[0]), int(params[1]), int(params[2])
    alpha_1, alpha_2, alpha_3 = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0), 2.0 / (signal + 1.0)
    count_1, mean_1, count_2, mean_2 = int(state[0]), state[1], int(state[2]), state[3]
    count_3, mean_3 = int(state[4]), state[5]
    for i in range(rows.shape[1]):
        count_1, mean_1, quick = ema_step(count_1, mean_1, fast, alpha_1, rows[0, i])
        count_2, mean_2, calm = ema_step(count_2, mean_2, slow, alpha_2, rows[0, i])
        line = quick - calm
        count_3, mean_3, average = ema_step(count_3, mean_3, signal, alpha_3, line)
        out[0, i] = line
        out[1, i] = average
        out[2, i] = line - average
    state[0], state[1], state[2], state[3] = count_1, mean_1, count_2, mean_2
    state[4], state[5] = count_3, mean_3


@kernel
def adx(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, alpha = int(params[0]), 1.0 / params[0]
    count, plus, minus, reach = int(state[0]), state[1], state[2], state[3]
    count_2, mean = int(state[4]), state[5]
    high, low, close = window[0], window[1], window[2]
    for i in range(rows.shape[1]):
        up, down, span = rows[0, i] - high, low - rows[1, i], true_range(rows[0, i], rows[1, i], close)
        high, low, close = rows[0, i], rows[1, i], rows[2, i]
        rise = up if up > down and up > 0.0 else 0.0
        fall = down if down > up and down > 0.0 else 0.0
        if math.isnan(up):
            rise, fall, span = up, up, up
        _, plus, average_plus = ema_step(count, plus, period, alpha, rise)
        _, minus, average_minus = ema_step(count, minus, period, alpha, fall)
        count, reach, average_reach = ema_step(count, reach, period, alpha, span)
        scale = ratio(100.0, average_reach, 0.0)
        index = ratio(100.0 * abs(average_plus - average_minus), average_plus + average_minus, 0.0)
        count_2, mean, out[0, i] = ema_step(count_2, mean, period, alpha, index)
        out[1, i] = scale * average_plus
        out[2, i] = scale * average_minus
    state[0], state[1], state[2], state[3], state[4], state[5] = count, plus, minus, reach, count_2, mean
    window[0], window[1], window[2] = high, low, close


@kernel
def aroon(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    bars, scale = int(params[0]) + 1, 100.0 / params[0]
    head, now = int(state[0]), state[1]
    top, top_at, bottom, bottom_at = state[2], state[3], state[4], state[5]
    for i in range(rows.shape[1]):
        _, top, top_at, highest_at = latest_highest_step(window, 0, bars, head, top, top_at, now, rows[0, i])
        head, bottom, bottom_at, lowest_at = latest_highest_step(
            window, 2 * bars, bars, head, bottom, bottom_at, now, -rows[1, i]
        )
        up, down = 100.0 - scale * (now - highest_at), 100.0 - scale * (now - lowest_at)
        now += 1.0
        out[0, i] = up
        out[1, i] = down
        out[2, i] = up - down
    state[0], state[1] = head, now
    state[2], state[3], state[4], state[5] = top, top_at, bottom, bottom_at


@kernel
def cci(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, forward = int(state[0]), state[1]
    for i in range(rows.shape[1]):
        typical = (rows[0, i] + rows[1, i] + rows[2, i]) / 3.0
        lag_step(window, period, period, head, typical)
        head, forward, total = sum_step(window, 0, period, head, forward, typical)
        mean = total / period
        # Four sums side by side: the processor adds them at once, in an order that is always the same.
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for k in range(period, 2 * period - 3, 4):
            a += abs(window[place(k)] - mean)
            b += abs(window[place(k + 1)] - mean)
            c += abs(window[place(k + 2)] - mean)
            d += abs(window[place(k + 3)] - mean)
        for k in range(2 * period - period % 4, 2 * period):
            a += abs(window[place(k)] - mean)
        deviation = ((a + b) + (c + d)) / period
        # In a flat window the deviation is rounding, not movement.
        flat = deviation <= 1e-13 * abs(mean)
        out[0, i] = 0.0 if flat else (typical - mean) / (0.015 * deviation)
    state[0], state[1] = head, forward


@kernel
def dpo(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, back = int(params[0]), int(params[0]) // 2 + 1
    head, forward, head_2 = int(state[0]), state[1], int(state[2])
    for i in range(rows.shape[1]):
        head, forward, total = sum_step(window, 0, period, head, forward, rows[0, i])
        head_2, lagged = lag_step(window, period, back, head_2, rows[0, i])
        out[0, i] = lagged - total / period
    state[0], state[1], state[2] = head, forward, head_2


@kernel
def ichimoku(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    short, middle, long = int(params[0]), int(params[1]), int(params[2])
    head_1, top_1, bottom_1 = int(state[0]), state[1], state[2]
    head_2, top_2, bottom_2 = int(state[3]), state[4], state[5]
    head_3, top_3, bottom_3 = int(state[6]), state[7], state[8]
    for i in range(rows.shape[1]):
        high, low = rows[0, i], rows[1, i]
        head_1, top_1, bottom_1, upper, lower = range_step(window, 0, short, head_1, top_1, bottom_1, high, low)
        conversion = 0.5 * (upper + lower)
        head_2, top_2, bottom_2, upper, lower = range_step(
            window, 2 * short, middle, head_2, top_2, bottom_2, high, low
        )
        baseline = 0.5 * (upper + lower)
        head_3, top_3, bottom_3, upper, lower = range_step(
            window, 2 * (short + middle), long, head_3, top_3, bottom_3, high, low
        )
        out[0, i] = conversion
        out[1, i] = baseline
        out[2, i] = 0.5 * (conversion + baseline)
        out[3, i] = 0.5 * (upper + lower)
    state[0], state[1], state[2] = head_1, top_1, bottom_1
    state[3], state[4], state[5] = head_2, top_2, bottom_2
    state[6], state[7], state[8] = head_3, top_3, bottom_3


@kernel
def kst(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    signal = int(params[0])
    h1, h2, h3, h4 = int(state[0]), int(state[1]), int(state[2]), int(state[3])
    g1, g2, g3, g4, g5 = int(state[4]), int(state[5]), int(state[6]), int(state[7]), int(state[8])
    s1, s2, s3, s4, s5 = state[9], state[10], state[11], state[12], state[13]
    for i in range(rows.shape[1]):
        value = rows[0, i]
        h1, l1 = lag_step(window, 0, 10, h1, value)
        h2, l2 = lag_step(window, 10, 15, h2, value)
        h3, l3 = lag_step(window, 25, 20, h3, value)
        h4, l4 = lag_step(window, 45, 30, h4, value)
        g1, s1, t1 = sum_step(window, 75, 10, g1, s1, ratio(value - l1, l1, 0.0))
        g2, s2, t2 = sum_step(window, 85, 10, g2, s2, ratio(value - l2, l2, 0.0))
        g3, s3, t3 = sum_step(window, 95, 10, g3, s3, ratio(value - l3, l3, 0.0))
        g4, s4, t4 = sum_step(window, 105, 15, g4, s4, ratio(value - l4, l4, 0.0))
        out[0, i] = 100.0 * (t1 / 10.0 + 2.0 * t2 / 10.0 + 3.0 * t3 / 10.0 + 4.0 * t4 / 15.0)
        g5, s5, total = sum_step(window, 120, signal, g5, s5, out[0, i])
        out[1, i] = total / signal
    state[0], state[1], state[2], state[3] = h1, h2, h3, h4
    state[4], state[5], state[6], state[7], state[8] = g1, g2, g3, g4, g5
    state[9], state[10], state[11], state[12], state[13] = s1, s2, s3, s4, s5


@kernel
def mass_index(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, bars, alpha = int(params[0]), int(params[1]), 2.0 / (params[0] + 1.0)
    count_1, mean_1, count_2, mean_2 = int(state[0]), state[1], int(state[2]), state[3]
    head, forward = int(state[4]), state[5]
    for i in range(rows.shape[1]):
        count_1, mean_1, once = ema_step(count_1, mean_1, period, alpha, rows[0, i] - rows[1, i])
        count_2, mean_2, twice = ema_step(count_2, mean_2, period, alpha, once)
        head, forward, out[0, i] = sum_step(window, 0, bars, head, forward, ratio(once, twice, 1.0))
    state[0], state[1], state[2], state[3] = count_1, mean_1, count_2, mean_2
    state[4], state[5] = head, forward


@kernel
def trix(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, alpha = int(params[0]), 2.0 / (params[0] + 1.0)
    count_1, mean_1, count_2, mean_2 = int(state[0]), state[1], int(state[2]), state[3]
    count_3, mean_3, previous = int(state[4]), state[5], window[0]
    for i in range(rows.shape[1]):
        count_1, mean_1, once = ema_step(count_1, mean_1, period, alpha, rows[0, i])
        count_2, mean_2, twice = ema_step(count_2, mean_2, period, alpha, once)
        count_3, mean_3, thrice = ema_step(count_3, mean_3, period, alpha, twice)
        out[0, i] = ratio(100.0 * (thrice - previous), previous, 0.0)
        previous = thrice
    state[0], state[1], state[2], state[3] = count_1, mean_1, count_2, mean_2
    state[4], state[5], window[0] = count_3, mean_3, previous


@kernel
def vortex(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, last = int(params[0]), 3 * int(params[0])
    head, plus, minus, reach = int(state[0]), state[1], state[2], state[3]
    high, low, close = window[last], window[last + 1], window[last + 2]
    for i in range(rows.shape[1]):
        rise, fall = abs(rows[0, i] - low), abs(rows[1, i] - high)
        span = true_range(rows[0, i], rows[1, i], close)
        high, low, close = rows[0, i], rows[1, i], rows[2, i]
        _, plus, rises = sum_step(window, 0, period, head, plus, rise)
        _, minus, falls = sum_step(window, period, period, head, minus, fall)
        head, reach, spans = sum_step(window, 2 * period, period, head, reach, span)
        out[0, i] = ratio(rises, spans, 1.0)
        out[1, i] = ratio(falls, spans, 1.0)
    state[0], state[1], state[2], state[3] = head, plus, minus, reach
    window[last], window[last + 1], window[last + 2] = high, low, close
