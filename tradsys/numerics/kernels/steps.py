"""The steps that kernels are made of, each O(1) a value (rolling ones amortised over their window).

Rolling steps keep two part aggregates: `forward`, over the values since the window's ring last wrapped, and, in the
part of the ring not yet overwritten, suffix aggregates of the values before (van Herk 1992, Gil and Werman 1993).
Nothing is ever subtracted, so rounding errors do not pile up and a NaN or an outlier leaves with its bar. Because a
fresh ring is NaN, every rolling step answers NaN until its window is full.

`base` is the ring's first place in `window`; rings that advance together may share one `head`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tradsys.numerics.compilation import fused_multiply_add, kernel

Array = npt.NDArray[np.float64]

# Places in a ring are never negative: said so, the compiler leaves out the wrap-around of negative indices.
place = np.uint64


@kernel
def parts(memory: Array) -> tuple[Array, Array, Array]:
    """Views of a kernel's memory: (params, state, window). Its first two places say how long the first two are."""
    first = 2 + int(memory[0])
    second = first + int(memory[1])
    return memory[2:first], memory[first:second], memory[second:]


@kernel
def lag_step(window: Array, base: int, period: int, head: int, value: float) -> tuple[int, float]:
    """The value `period` bars ago: (head, lagged)."""
    lagged = window[place(base + head)]
    window[place(base + head)] = value
    head += 1
    return (head if head < period else 0), lagged


@kernel
def ema_step(count: int, mean: float, period: int, alpha: float, value: float) -> tuple[int, float, float]:
    """Exponential mean seeded by the plain mean of the first `period` values: (count, mean, output).

    While warming up, `mean` holds the sum so far, and NaN (an input not warm itself) is passed over. Wilder's
    smoothing is alpha = 1 / period.
    """
    if count >= period:
        # One fused operation on the path from bar to bar: the fastest form there is.
        mean = fused_multiply_add(1.0 - alpha, mean, alpha * value)
        return count, mean, mean
    if math.isnan(value):
        return count, mean, value
    count += 1
    mean += value
    if count < period:
        return count, mean, math.nan
    mean /= period
    return count, mean, mean


@kernel
def sum_step(
    window: Array, base: int, period: int, head: int, forward: float, value: float
) -> tuple[int, float, float]:
    """Sum of the last `period` values: (head, forward, total). Takes `period` places of `window`."""
    window[place(base + head)] = value
    forward += value
    head += 1
    if head < period:
        return head, forward, window[place(base + head)] + forward
    total = 0.0
    for back in range(1, period + 1):
        at = place(base + period - back)
        total += window[at]
        window[at] = total
    return 0, 0.0, total


@kernel
def range_step(
    window: Array, base: int, period: int, head: int, top: float, bottom: float, high: float, low: float
) -> tuple[int, float, float, float, float]:
    """Extremes of the last `period` bars: (head, top, bottom, highest, lowest). Takes 2 * `period` places."""
    window[place(base + head)] = high
    window[place(base + period + head)] = low
    top = high if high > top else top
    bottom = low if low < bottom else bottom
    head += 1
    if head < period:
        highest, lowest = window[place(base + head)], window[place(base + period + head)]
        return head, top, bottom, (top if top > highest else highest), (bottom if bottom < lowest else lowest)
    highest, lowest = high, low
    for back in range(1, period + 1):
        at, beside = place(base + period - back), place(base + 2 * period - back)
        highest = window[at] if window[at] > highest else highest
        lowest = window[beside] if window[beside] < lowest else lowest
        window[at], window[beside] = highest, lowest
    return 0, -math.inf, math.inf, highest, lowest


@kernel
def spread_step(
    window: Array, base: int, period: int, head: int, anchor: float, first: float, second: float, value: float
) -> tuple[int, float, float, float, float, float]:
    """Mean and population variance of the last `period` values: (head, anchor, first, second, mean, variance).

    Sums are of distances from `anchor`, a value inside the window, so that a constant window has variance 0 exactly
    and a high price level costs no digits. Takes 2 * `period` places.
    """
    window[place(base + head)] = value
    distance = value - anchor
    first += distance
    second += distance * distance
    head += 1
    if head < period:
        mean = (window[place(base + head)] + first) / period
        variance = (window[place(base + period + head)] + second) / period - mean * mean
        return head, anchor, first, second, anchor + mean, (0.0 if variance < 0.0 else variance)
    first, second = 0.0, 0.0
    for back in range(1, period + 1):
        at = place(base + period - back)
        distance = window[at] - value
        first += distance
        second += distance * distance
        window[at], window[place(base + 2 * period - back)] = first, second
    mean = first / period
    variance = second / period - mean * mean
    return 0, value, 0.0, 0.0, value + mean, (0.0 if variance < 0.0 else variance)


@kernel
def true_range(high: float, low: float, previous: float) -> float:
    """Wilder's true range; high - low where `previous` (the close before) is NaN."""
    top = previous if previous > high else high
    bottom = previous if previous < low else low
    return top - bottom


@kernel
def weighted_step(
    window: Array, base: int, period: int, head: int, plain: float, weighted: float, value: float
) -> tuple[int, float, float, float]:
    """Sum of the last `period` values weighted 1 (oldest) to `period`: (head, plain, weighted, total).

    Takes 2 * `period` places: suffix sums, and suffix sums weighted from 1.
    """
    window[place(base + head)] = value
    head += 1
    plain += value
    weighted += head * value
    if head < period:
        return head, plain, weighted, window[place(base + period + head)] + weighted + (period - head) * plain
    plain, weighted = 0.0, 0.0
    for back in range(1, period + 1):
        at = place(base + period - back)
        plain += window[at]
        weighted += plain
        window[at], window[place(base + 2 * period - back)] = plain, weighted
    return 0, 0.0, 0.0, weighted


@kernel
def latest_highest_step(
    window: Array, base: int, period: int, head: int, top: float, top_at: float, now: float, value: float
) -> tuple[int, float, float, float]:
    """When the highest of the last `period` values was, the latest of equals: (head, top, top_at, highest_at).

    Takes 2 * `period` places: suffix maxima, and when they were.
    """
    window[place(base + head)] = value
    window[place(base + period + head)] = now
    later = value >= top
    top, top_at = (value if later else top), (now if later else top_at)
    head += 1
    if head < period:
        return head, top, top_at, (top_at if top >= window[place(base + head)] else window[place(base + period + head)])
    highest, highest_at = value, now
    for back in range(2, period + 1):
        at, beside = place(base + period - back), place(base + 2 * period - back)
        if window[at] > highest:
            highest, highest_at = window[at], window[beside]
        window[at], window[beside] = highest, highest_at
    return 0, -math.inf, now, highest_at


@kernel
def ratio(numerator: float, denominator: float, otherwise: float) -> float:
    """numerator / denominator, or `otherwise` where the denominator is 0: what a flat market means."""
    return numerator / denominator if denominator != 0.0 else otherwise
