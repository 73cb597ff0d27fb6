"""The few distributions that risk measures need, for single numbers. Arguments outside their range give NaN."""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def normal_quantile(probability: float) -> float:
    """z with P(Z <= z) = probability, Z standard normal; NaN unless 0 < probability < 1 (Wichura 1988, AS 241)."""
    return _NORMAL.inv_cdf(probability) if 0.0 < probability < 1.0 else math.nan


def normal_density(z: float) -> float:
    """exp(-z^2 / 2) / sqrt(2 pi)."""
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def chi_square_survival(statistic: float, *, degrees: int) -> float:
    """P(X > statistic) for a chi-square of 1 or 2 degrees of freedom, in closed form; else NaN."""
    if not statistic >= 0.0:
        return math.nan
    if degrees == 1:
        return math.erfc(math.sqrt(0.5 * statistic))
    return math.exp(-0.5 * statistic) if degrees == 2 else math.nan


def binomial_cumulative(successes: int, *, trials: int, probability: float) -> float:
    """P(X <= successes) of X binomial: the sum of C(n, k) p^k (1 - p)^(n - k) for k = 0 … successes."""
    if not 0.0 < probability < 1.0 or trials < 0:
        return math.nan
    terms = (_binomial_mass(k, trials, probability) for k in range(min(successes, trials) + 1))
    return min(math.fsum(terms), 1.0)


def _binomial_mass(k: int, trials: int, probability: float) -> float:
    ways = math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
    return math.exp(ways + k * math.log(probability) + (trials - k) * math.log1p(-probability))
