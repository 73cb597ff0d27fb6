"""Implied volatility, compiled: the deviation s = σ·√T of an option from its time value, bracketed all the way.

The time value is made that of the option out of the money and divided by √(A·B) (see `european_kernels`): b(s), which
rises from 0 to exp(-|x| / 2), convex up to its inflection at s = √(2|x|) and concave beyond (Manaster and Koehler,
Journal of Finance 37 (1982)). Newton's method runs on what is nearly straight on each piece: below the inflection on
ln b against 1 / s², above it on b against s, and in the upper half on the logarithm of what is missing to the bound.
Those are the pieces that Jäckel, Let's be rational, Wilmott (2015), tells apart; functions and steps are our own. A
step that leaves the bracket is replaced by bisection.
"""

from __future__ import annotations

import math

from tradsys.numerics.compilation import kernel
from tradsys.numerics.options.european_kernels import (
    RATE,
    RIGHT,
    SPOT,
    STRIKE,
    YEARS,
    YIELD,
    Array,
    log_moneyness,
    out_of_the_money,
)
from tradsys.numerics.options.normal import ROOT_TWO_PI

SOLVED, BAD_INPUT, EXPIRED, BELOW_LOWER_BOUND, AT_LOWER_BOUND, AT_UPPER_BOUND, UNRESOLVED = range(7)

EPSILON = 2.220446049250313e-16
RESOLUTION = 1e-6
MOST_STEPS = 100


@kernel
def deviation(target: float, missing: float, y: float) -> tuple[float, float]:
    """s and db/ds at it for b(s) = `target`, `missing` = exp(-y / 2) - target, y = |x|; NaN where nothing converges."""
    near, far = math.exp(-0.5 * y), math.exp(0.5 * y)
    s = math.sqrt(2.0 * y)
    at_inflection = out_of_the_money(near, far, -y / s, 0.5 * s)[0] if s > 0.0 else 0.0
    low, high = s, 40.0 + 2.0 * s
    convex, upper = target < at_inflection, target > missing
    if convex:
        low, high = y / 39.0, s
    elif upper:
        s = max(s, 1.3)
    elif s == 0.0:
        s = target * ROOT_TWO_PI
    for _ in range(MOST_STEPS):
        b, m, _, rest, minus = out_of_the_money(near, far, -y / s, 0.5 * s)
        if b < target:
            low = max(low, s)
        else:
            high = min(high, s)
        if convex:
            inverse = 1.0 / (s * s) + 2.0 * b / m * math.log(b / target) / (s * s * s)
            step = 1.0 / math.sqrt(inverse) if inverse > 0.0 else math.nan
        elif upper:
            left = near * rest + far * minus
            step = s + left / m * math.log(left / missing)
        else:
            step = s + (target - b) / m
        if abs(step - s) <= 2.0 * EPSILON * s:
            return s, m
        if not low < step < high:
            step = 0.5 * (low + high)
            if step <= low or step >= high:
                return s, m
        s = step
    return math.nan, math.nan


@kernel
def implied(market: Array, price: float, i: int) -> tuple[float, int]:
    """Volatility of option i at a price, and why there is none.

    A price stands for all numbers that round to it: where those differ by more than `RESOLUTION` of the volatility, or
    reach a bound, there is no answer.
    """
    spot, strike, years, right = market[SPOT, i], market[STRIKE, i], market[YEARS, i], market[RIGHT, i]
    share = spot * math.exp(-market[YIELD, i] * years)
    bond = strike * math.exp(-market[RATE, i] * years)
    carry = (market[RATE, i] - market[YIELD, i]) * years
    good = 0.0 < spot < math.inf and 0.0 < strike < math.inf and 0.0 <= years < math.inf and abs(right) == 1.0
    if not (good and 0.0 < share < math.inf and 0.0 < bond < math.inf and abs(price) < math.inf):
        return math.nan, BAD_INPUT
    if years == 0.0:
        return math.nan, EXPIRED
    x = log_moneyness(spot, strike, carry)
    y, near, far = abs(x), min(share, bond), max(share, bond)
    root = math.sqrt(near) * math.sqrt(far)
    value, noise = price, 4.0 * EPSILON * abs(price)
    if x * right > 0.0:
        value = price - (near * math.expm1(y) if y < 0.5 else far - near)
        noise += (share + bond) * EPSILON * (2.0 + abs(market[RATE, i] * years) + abs(market[YIELD, i] * years))
    if value <= noise:
        return math.nan, BELOW_LOWER_BOUND if value < -noise else AT_LOWER_BOUND
    missing = near - value
    if missing <= noise + 4.0 * EPSILON * near:
        return math.nan, AT_UPPER_BOUND
    if not value / root > 1e-290:
        return math.nan, UNRESOLVED
    s, slope = deviation(value / root, missing / root, y)
    plus = out_of_the_money(near, far, -y / s, 0.5 * s)[2] if s > 0.0 else math.nan
    noise += near * plus * 2.0 * EPSILON * (y + 2.0 * abs(carry))
    if missing < value:
        noise += near * 4.0 * EPSILON
    if not noise < RESOLUTION * root * slope * s:
        return math.nan, UNRESOLVED
    return s / math.sqrt(years), SOLVED


@kernel
def implied_volatilities(market: Array, prices: Array, out: Array) -> None:
    """Volatility and reason of each option into `out`, float64[2, n]."""
    for i in range(market.shape[1]):
        out[0, i], out[1, i] = implied(market, prices[i], i)
