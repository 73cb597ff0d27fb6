"""American options, compiled: the exercise boundary by collocation, then the premium of early exercise as an integral.

Andersen, Lake and Offengenden, High-performance American option pricing, Journal of Computational Finance 20 (2016),
after Kim (1990): with B(u) the boundary at time u to expiry, an American put is the European one plus

    ∫ r·K·exp(-r·v)·Φ(-d2) - q·S·exp(-q·v)·Φ(-d1) du,  v = T - u,  d1, d2 of S / B(u) over v,

and the boundary solves B(τ) = K·exp((q - r)·τ)·N / D, iterated from a guess to its fixed point: their system A (smooth
pasting), which settles sooner, and where it does not their system B (value matching). It is kept as H = ln(B / X)² with
X = B(0+) = K·min(1, r / q), at Chebyshev nodes of √τ. Integrals run over an angle a with √u = √τ·cos a and
√v = √τ·sin a, which leaves no root singular at either end. A call is the put with share and strike, rate and yield
exchanged (McDonald and Schroder, Journal of Computational Finance 1 (1998)). K = 1 throughout.
"""

from __future__ import annotations

import math

import numpy as np

from tradsys.numerics.compilation import kernel
from tradsys.numerics.options.european_kernels import (
    RATE,
    RIGHT,
    SPOT,
    STRIKE,
    VOLATILITY,
    YEARS,
    YIELD,
    Array,
    valued,
)
from tradsys.numerics.options.normal import ROOT_TWO_PI, mills

MOST_ROUNDS = 40, 400
CLOSE = 1e-10
"""The price depends on the boundary to second order only: it is the best one."""

LEAST_GAIN = 1e-15
"""Interest on the strike below which early exercise brings nothing that a price could show."""

# Rows of a rule: sine and cosine of the angle, weight.
SINE, COSINE, WEIGHT = range(3)


@kernel
def density(d: float) -> float:
    """φ(d)."""
    return math.exp(-0.5 * d * d) / ROOT_TWO_PI


@kernel
def below(d: float, phi: float) -> float:
    """Φ(d) where φ(d) is known."""
    tail = phi * mills(abs(d))
    return tail if d < 0.0 else 1.0 - tail


@kernel
def guess(tau: float, volatility: float, rate: float, carried: float, top: float) -> float:
    """A boundary to start from: between its limits, that at expiry and that of a perpetual put (Merton 1973)."""
    variance = volatility * volatility
    drift = rate - carried - 0.5 * variance
    root = (-drift - math.sqrt(drift * drift + 2.0 * rate * variance)) / variance
    perpetual = root / (root - 1.0)
    return perpetual + (top - perpetual) * math.exp(
        -(2.0 * volatility * math.sqrt(tau)) * top / max(top - perpetual, 1e-12)
    )


@kernel
def improved(
    i: int, tau: float, smooth: bool, terms: tuple[float, float, float], rule: Array, weights: Array, h: Array
) -> float:
    """The right side of the boundary's equation at node i: of system A where `smooth`, else of system B."""
    volatility, rate, carried = terms
    top = min(1.0, rate / carried) if carried > 0.0 else 1.0
    b, root, first, second = math.sqrt(h[i]), math.sqrt(tau), 0.0, 0.0
    for k in range(rule.shape[1]):
        interpolated = 0.0
        for j in range(h.shape[0]):
            interpolated += weights[i, k, j] * h[j]
        sine, cosine = rule[SINE, k], rule[COSINE, k]
        v, u = tau * sine * sine, tau * cosine * cosine
        s = volatility * root * sine
        d1 = (math.sqrt(max(interpolated, 0.0)) - b + (rate - carried) * v) / s + 0.5 * s
        phi = density(d1)
        # du = 2·τ·sin·cos da, and 1 / (σ·√v) = 1 / s.
        weight = 2.0 * tau * sine * cosine * rule[WEIGHT, k]
        other = density(d1 - s)
        first += weight * math.exp(rate * u) * (other / s if smooth else below(d1 - s, other))
        second += weight * math.exp(carried * u) * (below(d1, phi) + (phi / s if smooth else 0.0))
    s = volatility * root
    d1 = (math.log(top) - b + (rate - carried) * tau) / s + 0.5 * s
    phi, other = density(d1), density(d1 - s)
    numerator = (other / s if smooth else below(d1 - s, other)) + rate * first
    denominator = below(d1, phi) + (phi / s if smooth else 0.0) + carried * second
    return math.exp((carried - rate) * tau) * numerator / denominator


@kernel
def node(i: int, count: int) -> float:
    """√(τ / T) at Chebyshev node i of `count` + 1: 1 at the first, 0 at the last."""
    return 0.5 + 0.5 * math.cos(math.pi * i / count)


@kernel
def settle(
    years: float, smooth: bool, terms: tuple[float, float, float], rule: Array, weights: Array, h: Array
) -> bool:
    """H at the nodes into `h` by one of the systems; whether it came to rest."""
    volatility, rate, carried = terms
    top = min(1.0, rate / carried) if carried > 0.0 else 1.0
    count = h.shape[0] - 1
    h[count] = 0.0
    for i in range(count):
        b = math.log(top / guess(years * node(i, count) ** 2, volatility, rate, carried, top))
        h[i] = b * b
    for _ in range(MOST_ROUNDS[0] if smooth else MOST_ROUNDS[1]):
        change = 0.0
        for i in range(count):
            better = improved(i, years * node(i, count) ** 2, smooth, terms, rule, weights, h)
            if not better > 0.0:
                return False
            after = max(math.log(top / better), 0.0)
            change = max(change, abs(after - math.sqrt(h[i])))
            h[i] = after * after
        if change < CLOSE:
            return True
    return False


@kernel
def early_exercise(
    z: float, years: float, terms: tuple[float, float, float], last: Array, h: Array
) -> tuple[float, float, float]:
    """What early exercise adds to a put on a share at z times the strike, and its first two derivatives in z."""
    volatility, rate, carried = terms
    top = min(1.0, rate / carried) if carried > 0.0 else 1.0
    value, slope, bend = 0.0, 0.0, 0.0
    for k in range(last.shape[1]):
        interpolated = 0.0
        for j in range(h.shape[0]):
            interpolated += last[WEIGHT + 1 + j, k] * h[j]
        sine, cosine = last[SINE, k], last[COSINE, k]
        v, s = years * sine * sine, volatility * math.sqrt(years) * sine
        d1 = (math.log(z / top) + math.sqrt(max(interpolated, 0.0)) + (rate - carried) * v) / s + 0.5 * s
        d2 = d1 - s
        phi1, phi2 = density(d1), density(d2)
        weight = 2.0 * years * sine * cosine * last[WEIGHT, k]
        bond, share = weight * rate * math.exp(-rate * v), weight * carried * math.exp(-carried * v)
        value += bond * below(-d2, phi2) - z * share * below(-d1, phi1)
        slope += share * (phi1 / s - below(-d1, phi1)) - bond * phi2 / (z * s)
        bend += bond * phi2 * (d2 / s + 1.0) / (z * z * s) + share * phi1 * (1.0 - d1 / s) / (z * s)
    return value, slope, bend


@kernel
def american(
    market: Array, i: int, rule: Array, weights: Array, last: Array, h: Array
) -> tuple[float, float, float, float]:
    """Price, delta, gamma and theta of option i; NaN where an input is none, or there is no single boundary."""
    value, m, first, _, share, _, _, s = valued(market, i)
    spot, strike, years, right = market[SPOT, i], market[STRIKE, i], market[YEARS, i], market[RIGHT, i]
    volatility, rate, carried = market[VOLATILITY, i], market[RATE, i], market[YIELD, i]
    nothing = (math.nan, math.nan, math.nan, math.nan)
    exercised = max(right * (spot - strike), 0.0)
    if math.isnan(value) or (s == 0.0 and years > 0.0):
        return nothing
    if years == 0.0:
        return exercised, math.nan if spot == strike else right * (exercised > 0.0), 0.0, 0.0
    delta, gamma = right * (share / spot) * first, m / spot / (spot * s)
    # The call as a put: share for strike, yield for rate.
    gain, cost, z = (rate, carried, spot / strike) if right < 0.0 else (carried, rate, strike / spot)
    if gain < 0.0 and cost < gain:
        return nothing
    if gain * years > LEAST_GAIN or cost < gain:
        terms = (volatility, gain, cost)
        if not (settle(years, True, terms, rule, weights, h) or settle(years, False, terms, rule, weights, h)):
            return nothing
        top = min(1.0, gain / cost) if cost > 0.0 else 1.0
        if z <= top * math.exp(-math.sqrt(h[0])):
            return exercised, right, 0.0, 0.0
        more, slope, bend = early_exercise(z, years, terms, last, h)
        if right < 0.0:
            value, delta, gamma = value + strike * more, delta + slope, gamma + bend / strike
        else:
            value, delta, gamma = value + spot * more, delta + more - z * slope, gamma + z * z * bend / spot
    theta = rate * value - (rate - carried) * spot * delta - 0.5 * (volatility * spot) ** 2 * gamma
    return max(value, exercised), delta, gamma, theta


@kernel
def american_values(market: Array, rule: Array, weights: Array, last: Array, out: Array) -> None:
    """Price, delta, gamma and theta into `out`, float64[4, n]."""
    h = np.empty(weights.shape[2])
    for i in range(market.shape[1]):
        out[0, i], out[1, i], out[2, i], out[3, i] = american(market, i, rule, weights, last, h)
