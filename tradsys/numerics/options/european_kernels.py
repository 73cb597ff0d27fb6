"""European options under Black and Scholes, compiled: prices and derivatives that keep their digits in the wings.

Notation, here and in the kernels built on it: A = S·exp(-qT) and B = K·exp(-rT), the values today of the share and of
the strike; x = ln(A / B); s = σ·√T; d1 = x / s + s / 2 and d2 = x / s - s / 2; θ = +1 for a call and -1 for a put;
m = A·φ(d1) = B·φ(d2). An option on a future is one on a share with q = r.

Everything starts from the option that is out of the money (the call for x < 0, else the put), of value
min(A, B)·Φ(h + t) - max(A, B)·Φ(h - t), h = -|x| / s, t = s / 2. As m·(Y(h + t) - Y(h - t)) with Y = Φ / φ, it loses
nothing to exponents; the difference itself is taken directly, or for small t as the odd part of a Taylor series. The
one in the money adds |A - B|, taken as min(A, B)·(exp|x| - 1).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tradsys.numerics.compilation import kernel
from tradsys.numerics.options.normal import ROOT_TWO_PI, mills

Array = npt.NDArray[np.float64]

# Rows of the batch.
SPOT, STRIKE, YEARS, VOLATILITY, RATE, YIELD, RIGHT = range(7)

SMALL_HALF_DEVIATION = 0.05
FARTHEST = 50.0


@kernel
def log_moneyness(spot: float, strike: float, carry: float) -> float:
    """ln(S / K) + carry, with its relative accuracy kept where S is close to K."""
    if abs(spot - strike) < 0.5 * strike:
        return math.log1p((spot - strike) / strike) + carry
    return math.log(spot / strike) + carry


@kernel
def odd_and_even(h: float, t: float) -> tuple[float, float]:
    """(Y(h + t) - Y(h - t)) / 2 and (Y(h + t) + Y(h - t)) / 2 of Y = Φ / φ, for h of 0 or below and t under 0.05.

    Taylor's series in t. Y' = 1 + h·Y and Y[k + 1] = k·Y[k - 1] + h·Y[k]; terms beyond the ninth are below 1e-14.
    """
    y0 = mills(-h)
    y1 = 1.0 + h * y0
    y2 = y0 + h * y1
    y3 = 2.0 * y1 + h * y2
    y4 = 3.0 * y2 + h * y3
    y5 = 4.0 * y3 + h * y4
    y6 = 5.0 * y4 + h * y5
    y7 = 6.0 * y5 + h * y6
    y8 = 7.0 * y6 + h * y7
    y9 = 8.0 * y7 + h * y8
    v = t * t
    odd = t * (y1 + v * (y3 / 6.0 + v * (y5 / 120.0 + v * (y7 / 5040.0 + v * y9 / 362880.0))))
    even = y0 + v * (y2 / 2.0 + v * (y4 / 24.0 + v * (y6 / 720.0 + v * y8 / 40320.0)))
    return odd, even


@kernel
def out_of_the_money(near: float, far: float, h: float, t: float) -> tuple[float, float, float, float, float]:
    """Value, m, Φ(h + t), Φ(-h - t), Φ(h - t) of the option out of the money; `near` = min(A, B), `far` = max(A, B).

    h of 0 or below, t above 0. Probabilities keep their relative accuracy, however small.
    """
    h = max(h, -FARTHEST)
    m = math.sqrt(near) * math.sqrt(far) * (math.exp(-0.5 * (h * h + t * t)) / ROOT_TWO_PI)
    d = h + t
    if t < SMALL_HALF_DEVIATION:
        odd, even = odd_and_even(h, t)
        plus, minus = m / near * (even + odd), m / far * (even - odd)
        return 2.0 * m * odd, m, plus, 1.0 - plus, minus
    below = mills(t - h)
    minus = m / far * below
    if d <= 0.0:
        above = mills(-d)
        plus = m / near * above
        return m * (above - below), m, plus, 1.0 - plus, minus
    rest = m / near * mills(d)
    return near - near * rest - far * minus, m, 1.0 - rest, rest, minus


@kernel
def valued(market: Array, i: int) -> tuple[float, float, float, float, float, float, float, float]:
    """Price, m, Φ(θ·d1), Φ(θ·d2), A, B, x and s of option i; price NaN where an input is none.

    Without deviation (σ·√T = 0) the price is its limit, max(θ·(A - B), 0), and m is 0.
    """
    spot, strike, years, right = market[SPOT, i], market[STRIKE, i], market[YEARS, i], market[RIGHT, i]
    share = spot * math.exp(-market[YIELD, i] * years)
    bond = strike * math.exp(-market[RATE, i] * years)
    s = market[VOLATILITY, i] * math.sqrt(years)
    x = log_moneyness(spot, strike, (market[RATE, i] - market[YIELD, i]) * years)
    good = 0.0 < spot < math.inf and 0.0 < strike < math.inf and years >= 0.0 and market[VOLATILITY, i] >= 0.0
    if not (good and abs(right) == 1.0 and 0.0 < share < math.inf and 0.0 < bond < math.inf and s < math.inf):
        return math.nan, math.nan, math.nan, math.nan, share, bond, x, s
    near, far, inside = min(share, bond), max(share, bond), x * right > 0.0
    value, m, plus, rest, minus = 0.0, 0.0, 0.0, 1.0, 0.0
    if s > 0.0:
        value, m, plus, rest, minus = out_of_the_money(near, far, -abs(x) / s, 0.5 * s)
    if inside:
        value += near * math.expm1(abs(x)) if abs(x) < 0.5 else far - near
    # x <= 0: Φ(d1), Φ(d2) are plus, minus; above, Φ(-d2), Φ(-d1) are.
    if x <= 0.0:
        first, second = (plus, minus) if right > 0.0 else (rest, 1.0 - minus)
    else:
        first, second = (1.0 - minus, rest) if right > 0.0 else (minus, plus)
    return value, m, first, second, share, bond, x, s


@kernel
def prices(market: Array, out: Array) -> None:
    """Price into `out`, float64[n]."""
    for i in range(market.shape[1]):
        value, _, _, _, _, _, _, _ = valued(market, i)
        out[i] = value


@kernel
def first_order(market: Array, out: Array, on_future: bool) -> None:
    """Price, delta, gamma, vega, theta, rho, psi and dual delta into `out`, float64[8, n]."""
    for i in range(market.shape[1]):
        value, m, first, second, share, bond, x, s = valued(market, i)
        spot, strike, years, right = market[SPOT, i], market[STRIKE, i], market[YEARS, i], market[RIGHT, i]
        rate, carried = market[RATE, i], market[YIELD, i]
        # Exactly at the kink of an option without deviation there is no derivative.
        kink = math.nan if s == 0.0 and x == 0.0 else 0.0
        spread = 0.5 * m * market[VOLATILITY, i] / math.sqrt(years) if s > 0.0 else 0.0
        out[0, i] = value
        out[1, i] = right * (share / spot) * first + kink
        out[2, i] = m / spot / (spot * s) if m > 0.0 else m + kink
        out[3, i] = m * math.sqrt(years) + kink
        out[4, i] = carried * value + (carried - rate) * right * bond * second - spread + kink
        out[5, i] = (-years * value if on_future else right * years * bond * second) + kink
        out[6, i] = (0.0 * value if on_future else -right * years * share * first) + kink
        out[7, i] = -right * (bond / strike) * second + kink


@kernel
def second_order(market: Array, out: Array, on_future: bool) -> None:
    """Gamma, vanna, volga, charm, veta, vera and dual gamma into `out`, float64[7, n]."""
    for i in range(market.shape[1]):
        _, m, first, _, share, _, x, s = valued(market, i)
        spot, strike, years, right = market[SPOT, i], market[STRIKE, i], market[YEARS, i], market[RIGHT, i]
        volatility, carried = market[VOLATILITY, i], market[YIELD, i]
        charm = carried * right * (share / spot) * first
        if not m > 0.0:
            still = m + (math.nan if s == 0.0 and x == 0.0 else 0.0)
            for row in range(7):
                out[row, i] = still
            out[3, i] = charm + still
            continue
        d1, d2, root = x / s + 0.5 * s, x / s - 0.5 * s, math.sqrt(years)
        vega, drift = m * root, (market[RATE, i] - carried) / s - d2 / (2.0 * years)
        out[0, i] = m / spot / (spot * s)
        out[1, i] = -m / spot * d2 / volatility
        out[2, i] = vega * d1 * d2 / volatility
        out[3, i] = charm - m / spot * drift
        out[4, i] = vega * (carried + d1 * drift - 0.5 / years)
        out[5, i] = -years * vega if on_future else -years * m * d1 / volatility
        out[6, i] = m / strike / (strike * s)
