"""Statistics of a rolling window: regression, correlation, order and shape.

Sums are of distances from an anchor inside the window (see `steps.spread_step`).
"""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array, lag_step, parts, place, ratio, spread_step


@kernel
def linear_regression(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    n = int(params[0])
    head, anchor, plain, weighted, squares = int(state[0]), state[1], state[2], state[3], state[4]
    middle, spread = 0.5 * (n + 1.0), n * (n * n - 1.0) / 12.0
    for i in range(rows.shape[1]):
        window[place(head)] = rows[0, i]
        distance = rows[0, i] - anchor
        head += 1
        plain += distance
        weighted += head * distance
        squares += distance * distance
        if head < n:
            total, square = window[place(head)] + plain, window[place(2 * n + head)] + squares
            product = window[place(n + head)] + weighted + (n - head) * plain
        else:
            head, anchor, total, product, square = 0, rows[0, i], 0.0, 0.0, 0.0
            plain, weighted, squares = 0.0, 0.0, 0.0
            for back in range(1, n + 1):
                distance = window[place(n - back)] - anchor
                total += distance
                product += total
                square += distance * distance
                window[place(n - back)], window[place(2 * n - back)] = total, product
                window[place(3 * n - back)] = square
        mean, covariance, variance = total / n, product - middle * total, square - total * total / n
        slope = covariance / spread
        out[0, i] = anchor + mean + slope * (n - middle)
        out[1, i] = slope
        out[2, i] = slope * covariance / variance if variance > 0.0 else variance * 0.0
    state[0], state[1], state[2], state[3], state[4] = head, anchor, plain, weighted, squares


@kernel
def correlation(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    n = int(params[0])
    head, anchor_x, anchor_y = int(state[0]), state[1], state[2]
    sx, sy, sxx, syy, sxy = state[3], state[4], state[5], state[6], state[7]
    for i in range(rows.shape[1]):
        window[place(head)], window[place(n + head)] = rows[0, i], rows[1, i]
        x, y = rows[0, i] - anchor_x, rows[1, i] - anchor_y
        sx, sy, sxx, syy, sxy = sx + x, sy + y, sxx + x * x, syy + y * y, sxy + x * y
        head += 1
        if head < n:
            tx, ty = window[place(head)] + sx, window[place(n + head)] + sy
            txx, tyy = window[place(2 * n + head)] + sxx, window[place(3 * n + head)] + syy
            txy = window[place(4 * n + head)] + sxy
        else:
            head, anchor_x, anchor_y, sx, sy, sxx, syy, sxy = 0, rows[0, i], rows[1, i], 0.0, 0.0, 0.0, 0.0, 0.0
            tx, ty, txx, tyy, txy = 0.0, 0.0, 0.0, 0.0, 0.0
            for back in range(1, n + 1):
                x, y = window[place(n - back)] - anchor_x, window[place(2 * n - back)] - anchor_y
                tx, ty, txx, tyy, txy = tx + x, ty + y, txx + x * x, tyy + y * y, txy + x * y
                window[place(n - back)], window[place(2 * n - back)] = tx, ty
                window[place(3 * n - back)], window[place(4 * n - back)] = txx, tyy
                window[place(5 * n - back)] = txy
        vx, vy = n * txx - tx * tx, n * tyy - ty * ty
        spread = vx * vy
        out[0, i] = (n * txy - tx * ty) / math.sqrt(spread) if vx > 0.0 and vy > 0.0 else spread * 0.0
    state[0], state[1], state[2] = head, anchor_x, anchor_y
    state[3], state[4], state[5], state[6], state[7] = sx, sy, sxx, syy, sxy


@kernel
def z_score(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period = int(params[0])
    head, anchor, first, second = int(state[0]), state[1], state[2], state[3]
    for i in range(rows.shape[1]):
        value = rows[0, i]
        head, anchor, first, second, mean, variance = spread_step(window, 0, period, head, anchor, first, second, value)
        out[0, i] = ratio(value - mean, math.sqrt(variance), 0.0)
    state[0], state[1], state[2], state[3] = head, anchor, first, second


@kernel
def percent_rank(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, head = int(params[0]), int(state[0])
    for i in range(rows.shape[1]):
        below = 0
        for k in range(period):
            below += window[place(k)] < rows[0, i]
        head, lagged = lag_step(window, 0, period, head, rows[0, i])
        out[0, i] = lagged if math.isnan(lagged) else 100.0 * below / period
    state[0] = head


@kernel
def median(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    period, head = int(params[0]), int(state[0])
    for i in range(rows.shape[1]):
        value = rows[0, i]
        head, lagged = lag_step(window, 0, period, head, value)
        # The second half is kept sorted: `value` takes the place of the one that leaves, or of a NaN at the end.
        at = period
        while at < 2 * period - 1 and window[place(at)] != lagged:
            at += 1
        if math.isnan(lagged):
            at = period
            while not math.isnan(window[place(at)]):
                at += 1
        while at > period and window[place(at - 1)] > value:
            window[place(at)] = window[place(at - 1)]
            at -= 1
        while at < 2 * period - 1 and window[place(at + 1)] < value:
            window[place(at)] = window[place(at + 1)]
            at += 1
        window[place(at)] = value
        if math.isnan(window[place(2 * period - 1)]):
            out[0, i] = math.nan
        else:
            out[0, i] = 0.5 * (window[place(period + period // 2)] + window[place(period + (period - 1) // 2)])
    state[0] = head


@kernel
def distribution_shape(memory: Array, rows: Array, out: Array) -> None:
    params, state, window = parts(memory)
    n = int(params[0])
    head, anchor, s1, s2, s3, s4 = int(state[0]), state[1], state[2], state[3], state[4], state[5]
    for i in range(rows.shape[1]):
        window[place(head)] = rows[0, i]
        d = rows[0, i] - anchor
        s1, s2, s3, s4 = s1 + d, s2 + d * d, s3 + d * d * d, s4 + d * d * d * d
        head += 1
        if head < n:
            t1, t2 = window[place(head)] + s1, window[place(n + head)] + s2
            t3, t4 = window[place(2 * n + head)] + s3, window[place(3 * n + head)] + s4
        else:
            head, anchor, s1, s2, s3, s4, t1, t2, t3, t4 = 0, rows[0, i], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for back in range(1, n + 1):
                d = window[place(n - back)] - anchor
                t1, t2, t3, t4 = t1 + d, t2 + d * d, t3 + d * d * d, t4 + d * d * d * d
                window[place(n - back)], window[place(2 * n - back)] = t1, t2
                window[place(3 * n - back)], window[place(4 * n - back)] = t3, t4
        m, q = t1 / n, t2 / n
        variance = q - m * m
        third = t3 / n - 3.0 * m * q + 2.0 * m * m * m
        fourth = t4 / n - 4.0 * m * t3 / n + 6.0 * m * m * q - 3.0 * m * m * m * m
        flat = variance <= 1e-14 * q
        out[0, i] = 0.0 if flat else third / (variance * math.sqrt(variance))
        out[1, i] = 0.0 if flat else fourth / (variance * variance) - 3.0
    state[0], state[1], state[2], state[3], state[4], state[5] = head, anchor, s1, s2, s3, s4
