"""Value at risk and expected shortfall of profits: by history, by a normal distribution, and by Cornish and Fisher.

`profits` are gains and losses by scenario, or returns by day: float64[n], oldest first, a loss below 0. What comes
out is in the same unit and has the other sign: **a loss is positive**, as limits are written.
(`statistics.value_at_risk`, the figure of a run, keeps the sign of returns.) One value that is NaN or infinite makes
the whole answer NaN, with its reason: a tail without its worst day would be a smaller risk than there is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import ConfigError
from tradsys.numerics.distributions import normal_density, normal_quantile

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

WEIGHT_ROUNDING = 1e-12
"""Five weights of 0.002 reach a tail of 1 - 0.99 although binary rounding leaves them a trifle short."""


class TailRisk(NamedTuple):
    """What is lost at a confidence; `undefined` says why where both figures are NaN.

    `value_at_risk`: the loss that is exceeded with probability 1 - confidence at most. `expected_shortfall`: the mean
    loss in that tail, never below it. A negative figure is a gain even there.
    """

    value_at_risk: float
    expected_shortfall: float
    undefined: str = ""


def not_defined(reason: str) -> TailRisk:
    """NaN for both figures, and why."""
    return TailRisk(math.nan, math.nan, reason)


def checked_confidence(confidence: float) -> float:
    """The confidence itself. Raises `ConfigError` unless it lies from 0.5 up to, not including, 1."""
    if not 0.5 <= confidence < 1.0:
        raise ConfigError(
            f"confidence {confidence} is not a fraction from 0.5 to 1", value=confidence, limit="0.5 to 1"
        )
    return confidence


def tail(profits: Array, *, confidence: float, weights: Array | None = None) -> tuple[Integers, Array]:
    """Scenarios of the tail, worst first, int[k], and their shares in it, float64[k], which add up to 1.

    The worst scenarios are taken until their probabilities reach 1 - confidence; the last, which is the value at
    risk, counts only with what was still missing (Acerbi and Tasche 2002, definition 2.6). All that adds up over
    positions adds up over these shares.

    Args:
        profits: float64[n] without NaN.
        weights: probability of each scenario, float64[n], adding up to 1; 1 / n each where not given.
    """
    order = np.argsort(profits, kind="stable")
    each = np.full(len(order), 1.0 / len(order)) if weights is None else weights[order]
    reached, size = np.cumsum(each), 1.0 - confidence
    last = min(int(np.searchsorted(reached, size - WEIGHT_ROUNDING)), len(order) - 1)
    shares = each[: last + 1] / size
    shares[last] = 1.0 - shares[:last].sum()
    return order[: last + 1], shares


def historical(profits: Array, *, confidence: float, weights: Array | None = None) -> TailRisk:
    """Of the scenarios as they are: VaR = -x of the last of `tail`, ES = -sum(share * x) over it.

    With n equal weights and n (1 - confidence) = k a whole number, VaR is the k-th worst loss and ES the mean of the
    k worst. Coherent in ES (Acerbi and Tasche 2002). Fewer than 1 / (1 - confidence) scenarios say nothing about that
    tail: NaN.
    """
    reason = _unusable(profits, least=math.ceil(1.0 / (1.0 - checked_confidence(confidence)) - 1e-6), what="scenarios")
    if not reason and weights is not None:
        reason = _unfit(weights, count=len(profits))
    if reason:
        return not_defined(reason)
    scenarios, shares = tail(profits, confidence=confidence, weights=weights)
    worst = profits[scenarios]
    return TailRisk(-float(worst[-1]), -float((shares * worst).sum()))


def age_weights(count: int, *, decay: float) -> Array:
    """decay^age (1 - decay) / (1 - decay^n), float64[n], oldest first (Boudoukh, Richardson and Whitelaw 1998)."""
    if not 0.0 < decay <= 1.0:
        raise ConfigError(f"decay {decay} is not above 0 and at most 1", value=decay, limit="above 0, at most 1")
    weights = decay ** np.arange(count - 1, -1, -1, dtype=np.float64)
    shares: Array = weights / weights.sum()
    return shares


def volatility_filtered(profits: Array, *, decay: float = 0.94) -> Array:
    """Each profit times the volatility forecast now over that of its day: float64[n] (Hull and White 1998).

    The forecast is v' = decay v + (1 - decay) x^2 (RiskMetrics 1996), begun at the mean square. NaN throughout where
    any profit is NaN or a forecast is 0.
    """
    squares = np.asarray(profits, np.float64) ** 2
    variances = np.empty(len(squares) + 1)
    variances[0] = squares.mean() if len(squares) else math.nan
    for day, square in enumerate(squares.tolist()):
        variances[day + 1] = decay * variances[day] + (1.0 - decay) * square
    if not (np.isfinite(variances) & (variances > 0.0)).all():
        return np.full(len(squares), math.nan)
    filtered: Array = profits * np.sqrt(variances[-1] / variances[:-1])
    return filtered


def normal_tail(mean: float, *, deviation: float, confidence: float) -> TailRisk:
    """VaR = z s - m, ES = s phi(z) / (1 - confidence) - m, z the normal quantile of the confidence (Jorion 2007)."""
    z = normal_quantile(checked_confidence(confidence))
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation >= 0.0):
        return not_defined(f"mean {mean} and deviation {deviation} are not those of a distribution")
    return TailRisk(z * deviation - mean, deviation * normal_density(z) / (1.0 - confidence) - mean)


def normal(profits: Array, *, confidence: float) -> TailRisk:
    """`normal_tail` of the mean and the sample deviation (n - 1) of the profits."""
    reason = _unusable(profits, least=2, what="profits")
    if reason:
        return not_defined(reason)
    return normal_tail(float(profits.mean()), deviation=float(profits.std(ddof=1)), confidence=confidence)


def cornish_fisher_is_valid(skewness: float, *, excess_kurtosis: float) -> bool:
    """Whether the expansion grows with z throughout, without which its quantiles are out of order (Maillard 2012).

    Its derivative a z^2 + (S / 3) z + c, with a = K / 8 - S^2 / 6 and c = 1 - K / 8 + 5 S^2 / 36, must have no sign
    change: a >= 0, c > 0 and S^2 / 9 <= 4 a c. NaN is not valid.
    """
    square = skewness * skewness
    curvature = excess_kurtosis / 8.0 - square / 6.0
    level = 1.0 - excess_kurtosis / 8.0 + 5.0 * square / 36.0
    return curvature >= 0.0 and level > 0.0 and square / 9.0 <= 4.0 * curvature * level


def cornish_fisher_tail(
    mean: float, *, deviation: float, skewness: float, excess_kurtosis: float, confidence: float
) -> TailRisk:
    """Normal quantiles bent by skewness and kurtosis; NaN outside the domain of `cornish_fisher_is_valid`.

    With z the normal quantile of 1 - confidence, VaR = -m - s w (Zangari 1996),
    w = z + (z^2 - 1) S / 6 + (z^3 - 3 z) K / 24 - (2 z^3 - 5 z) S^2 / 36.
    ES is -m - s times the mean of w over all quantiles below z, in closed form
    s phi(z) / (1 - confidence) (1 + S z / 6 + K (z^2 - 1) / 24 - S^2 (2 z^2 - 1) / 36) - m.

    Not modelled: S and K are parameters, not exactly the skewness and kurtosis of the bent distribution (Maillard
    2012).
    """
    checked_confidence(confidence)
    if not cornish_fisher_is_valid(skewness, excess_kurtosis=excess_kurtosis):
        return not_defined(
            f"skewness {skewness:.3g}, excess kurtosis {excess_kurtosis:.3g}: outside the expansion's domain"
        )
    z = -normal_quantile(confidence)
    square = skewness * skewness
    bent = z + (z * z - 1.0) * skewness / 6.0 + (z**3 - 3.0 * z) * excess_kurtosis / 24.0
    bent -= (2.0 * z**3 - 5.0 * z) * square / 36.0
    factor = 1.0 + skewness * z / 6.0 + excess_kurtosis * (z * z - 1.0) / 24.0 - square * (2.0 * z * z - 1.0) / 36.0
    shortfall = deviation * normal_density(z) / (1.0 - confidence) * factor - mean
    return TailRisk(-mean - deviation * bent, shortfall)


def cornish_fisher(profits: Array, *, confidence: float) -> TailRisk:
    """`cornish_fisher_tail` of the mean, sample deviation, population skewness and excess kurtosis of the profits."""
    reason = _unusable(profits, least=4, what="profits")
    if reason:
        return not_defined(reason)
    mean = float(profits.mean())
    away = profits - mean
    squares = away * away
    second = float(squares.mean())
    if not second > 0.0:
        return not_defined("the profits do not vary")
    return cornish_fisher_tail(
        mean,
        deviation=math.sqrt(second * len(profits) / (len(profits) - 1)),
        skewness=float((squares * away).mean()) / second**1.5,
        excess_kurtosis=float((squares * squares).mean()) / (second * second) - 3.0,
        confidence=confidence,
    )


def by_method(profits: Array, *, confidence: float, decay: float = 0.995) -> dict[str, TailRisk]:
    """The same profits by every method that needs no portfolio; `decay` weighs the scenarios of `age_weighted`."""
    weights = age_weights(len(profits), decay=decay)
    return {
        "historical": historical(profits, confidence=confidence),
        "age_weighted": historical(profits, confidence=confidence, weights=weights),
        "filtered": historical(volatility_filtered(profits), confidence=confidence),
        "normal": normal(profits, confidence=confidence),
        "cornish_fisher": cornish_fisher(profits, confidence=confidence),
    }


def square_root_of_time(risk: TailRisk, *, periods: float) -> TailRisk:
    """Both figures times sqrt(periods): right for independent normal periods of mean 0, and for nothing else."""
    factor = math.sqrt(periods) if periods > 0.0 else math.nan
    return TailRisk(risk.value_at_risk * factor, risk.expected_shortfall * factor, risk.undefined)


def overlapping(profits: Array, *, periods: int) -> Array:
    """Sums of every `periods` successive profits, float64[n - periods + 1]: longer holding without a distribution.

    Overlapping sums are not independent: a year of ten-day sums holds 25 of them, not 250.
    """
    sums: Array = np.lib.stride_tricks.sliding_window_view(np.asarray(profits, np.float64), periods).sum(axis=1)
    return sums


def _unusable(profits: Array, *, least: int, what: str) -> str:
    if len(profits) < least:
        return f"needs {least} {what}, there are {len(profits)}"
    missing = len(profits) - int(np.isfinite(profits).sum())
    return f"{missing} of {len(profits)} {what} are not known" if missing else ""


def _unfit(weights: Array, *, count: int) -> str:
    if len(weights) != count:
        return f"{len(weights)} weights for {count} scenarios"
    return "" if (weights >= 0.0).all() and abs(weights.sum() - 1.0) < 1e-9 else "weights below 0 or not adding up to 1"
