"""Trend followers that keep a side, and turn: parabolic SAR, SuperTrend, Schaff's trend cycle."""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array, ema_step, parts, range_step, true_range


@kernel
def parabolic_sar(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    step, most = params[0], params[1]
    side, sar, extreme, pace = state[0], state[1], state[2], state[3]
    high, low = window[0], window[1]
    for i in range(rows.shape[1]):
        last_high, last_low = high, low
        high, low = rows[0, i], rows[1, i]
        if math.isnan(last_high):
            out[0, i] = math.nan
            continue
        if side == 0.0:
            falling = last_low - low > 0.0 and last_low - low > high - last_high
            side, pace = (-1.0 if falling else 1.0), step
            sar, extreme = (-last_high, -low) if falling else (last_low, high)
            last_high, last_low = high, low
        # A short is a long in the mirror: prices negated, highs and lows exchanged.
        top, bottom = (high, low) if side > 0.0 else (-low, -high)
        last_top, last_bottom = (last_high, last_low) if side > 0.0 else (-last_low, -last_high)
        if bottom <= sar:
            sar = max(extreme, max(last_top, top))
            out[0, i] = side * sar
            side, sar, extreme, pace = -side, -sar, -bottom, step
            top, bottom, last_top, last_bottom = -bottom, -top, -last_bottom, -last_top
        else:
            out[0, i] = side * sar
            if top > extreme:
                extreme, pace = top, min(pace + step, most)
        sar = min(sar + pace * (extreme - sar), min(last_bottom, bottom))
    state[0], state[1], state[2], state[3] = side, sar, extreme, pace
    window[0], window[1] = high, low


@kernel
def supertrend(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, multiple, alpha = int(params[0]), params[1], 1.0 / params[0]
    count, mean, side = int(state[0]), state[1], state[2]
    close, upper, lower = window[0], window[1], window[2]
    for i in range(rows.shape[1]):
        span = true_range(rows[0, i], rows[1, i], close)
        count, mean, reach = ema_step(count, mean, period, alpha, span)
        middle = 0.5 * (rows[0, i] + rows[1, i])
        top, bottom = middle + multiple * reach, middle - multiple * reach
        if not (top > upper and close <= upper):
            upper = top
        if not (bottom < lower and close >= lower):
            lower = bottom
        close = rows[2, i]
        if side == 0.0 and not math.isnan(reach):
            side = 1.0
        if side > 0.0 and close < lower:
            side = -1.0
        elif side < 0.0 and close > upper:
            side = 1.0
        out[0, i] = lower if side > 0.0 else upper
        out[1, i] = math.nan if side == 0.0 else side
    state[0], state[1], state[2] = count, mean, side
    window[0], window[1], window[2] = close, upper, lower


@kernel
def schaff_trend_cycle(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    fast, slow, cycle, smoothing = int(params[0]), int(params[1]), int(params[2]), int(params[3])
    alpha_1, alpha_2, alpha_3 = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0), 2.0 / (smoothing + 1.0)
    count_1, mean_1, count_2, mean_2 = int(state[0]), state[1], int(state[2]), state[3]
    head_1, top_1, bottom_1, k_1 = int(state[4]), state[5], state[6], state[7]
    head_2, top_2, bottom_2, k_2 = int(state[8]), state[9], state[10], state[11]
    count_3, mean_3, count_4, mean_4 = int(state[12]), state[13], int(state[14]), state[15]
    for i in range(rows.shape[1]):
        out[0, i] = math.nan
        count_1, mean_1, quick = ema_step(count_1, mean_1, fast, alpha_1, rows[0, i])
        count_2, mean_2, calm = ema_step(count_2, mean_2, slow, alpha_2, rows[0, i])
        line = quick - calm
        if math.isnan(line):
            continue
        head_1, top_1, bottom_1, highest, lowest = range_step(window, 0, cycle, head_1, top_1, bottom_1, line, line)
        if math.isnan(highest):
            continue
        k_1 = 100.0 * (line - lowest) / (highest - lowest) if highest > lowest else k_1
        count_3, mean_3, d_1 = ema_step(count_3, mean_3, smoothing, alpha_3, k_1)
        if math.isnan(d_1):
            continue
        head_2, top_2, bottom_2, highest, lowest = range_step(
            window, 2 * cycle, cycle, head_2, top_2, bottom_2, d_1, d_1
        )
        if math.isnan(highest):
            continue
        k_2 = 100.0 * (d_1 - lowest) / (highest - lowest) if highest > lowest else k_2
        count_4, mean_4, out[0, i] = ema_step(count_4, mean_4, smoothing, alpha_3, k_2)
    state[0], state[1], state[2], state[3] = count_1, mean_1, count_2, mean_2
    state[4], state[5], state[6], state[7] = head_1, top_1, bottom_1, k_1
    state[8], state[9], state[10], state[11] = head_2, top_2, bottom_2, k_2
    state[12], state[13], state[14], state[15] = count_3, mean_3, count_4, mean_4
