"""Was the value at risk right? Tests of how often, and how bunched, losses went beyond it.

`hits` is bool[n], one a day in order: the day's loss exceeded what was forecast for it the day before. A likelihood
ratio compares the observed frequencies with those the model promises; large means that the model is wrong.
"""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import DataError
from tradsys.numerics.distributions import binomial_cumulative, chi_square_survival
from tradsys.numerics.tail_risk import checked_confidence

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

YELLOW, RED = 0.95, 0.9999
"""Cumulative probabilities at which the zones begin (Basel Committee, January 1996, table 2)."""


class LikelihoodRatio(NamedTuple):
    """A statistic, chi-square of `degrees` under a right model, and the probability of one as large."""

    statistic: float
    degrees: int
    p_value: float

    def rejects(self, *, significance: float = 0.05) -> bool:
        """Whether the model fails the test; where there is no statistic it is not passed."""
        return not self.p_value > significance


class Zone(enum.StrEnum):
    """The traffic light of the Basel Committee."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Transitions(NamedTuple):
    """Days by what happened the day before and that day: `quiet_hit` is a hit after a day without one."""

    quiet_quiet: int
    quiet_hit: int
    hit_quiet: int
    hit_hit: int


def exceeded(profits: Array, *, value_at_risk: Array) -> Flags:
    """Days whose loss is beyond the forecast of the day, bool[n]: profit < -value at risk.

    Raises:
        DataError: the two differ in length, or a day's profit or forecast is not known.
    """
    if len(profits) != len(value_at_risk):
        raise DataError(f"{len(profits)} profits against {len(value_at_risk)} forecasts", value=len(profits))
    unknown = np.flatnonzero(~(np.isfinite(profits) & np.isfinite(value_at_risk)))
    if len(unknown):
        raise DataError(
            f"profit or forecast of day {unknown[0]} is not known", value=int(unknown[0]), limit="none missing"
        )
    flags: Flags = profits < -value_at_risk
    return flags


def rolling_value_at_risk(profits: Array, *, window: int, confidence: float) -> Array:
    """Historical value at risk of each day from the `window` days before it, float64[n - window].

    NaN where one of those days is NaN.
    """
    checked_confidence(confidence)
    if len(profits) <= window:
        return np.empty(0)
    worst = math.ceil(window * (1.0 - confidence) - 1e-9) - 1
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(profits, np.float64), window)[:-1]
    forecasts = -np.partition(windows, worst, axis=1)[:, worst]
    return np.where(np.isfinite(windows).all(axis=1), forecasts, math.nan)


def kupiec(hits: int, *, days: int, confidence: float) -> LikelihoodRatio:
    """Proportion of failures, 1 degree: are there as many hits as there should be? (Kupiec 1995)

    -2 ln[(1 - p)^(n - x) p^x] + 2 ln[(1 - x / n)^(n - x) (x / n)^x], p = 1 - confidence. Raises `DataError` where
    there is no day, or hits are no count of them.
    """
    promised = 1.0 - checked_confidence(confidence)
    _check_count(hits, days)
    return _ratio(_likelihood(hits, days - hits, promised), _own_likelihood(hits, days - hits), degrees=1)


def transitions(hits: Flags) -> Transitions:
    """How days with and without a hit follow each other; n days make n - 1 transitions."""
    before, after = hits[:-1], hits[1:]
    counts = np.bincount(2 * before.astype(np.intp) + after, minlength=4).tolist()
    return Transitions(*counts)


def christoffersen_independence(hits: Flags) -> LikelihoodRatio:
    """Independence, 1 degree: is a hit as likely after a hit as after a quiet day? (Christoffersen 1998)

    -2 ln[(1 - q)^(n00 + n10) q^(n01 + n11)] + 2 ln[(1 - q0)^n00 q0^n01 (1 - q1)^n10 q1^n11] with q, q0, q1 the
    observed frequencies of a hit: of all, after a quiet day, after a hit.
    """
    n = transitions(hits)
    together = _own_likelihood(n.quiet_hit + n.hit_hit, n.quiet_quiet + n.hit_quiet)
    apart = _own_likelihood(n.quiet_hit, n.quiet_quiet) + _own_likelihood(n.hit_hit, n.hit_quiet)
    return _ratio(together, apart if len(hits) > 1 else math.nan, degrees=1)


def christoffersen_coverage(hits: Flags, *, confidence: float) -> LikelihoodRatio:
    """Conditional coverage, 2 degrees: Kupiec's statistic plus that of independence (Christoffersen 1998)."""
    frequency = kupiec(int(hits.sum()), days=len(hits), confidence=confidence)
    statistic = frequency.statistic + christoffersen_independence(hits).statistic
    return LikelihoodRatio(statistic, 2, chi_square_survival(statistic, degrees=2))


def traffic_light(hits: int, *, days: int, confidence: float) -> Zone:
    """Yellow from where a right model has at most so many hits with 95 % probability, red from 99.99 % (Basel 1996).

    Of 250 days at 99 %: green to 4, yellow to 9, red from 10. Raises `DataError` where there is no day, or hits are
    no count of them.
    """
    _check_count(hits, days)
    reached = binomial_cumulative(hits, trials=days, probability=1.0 - checked_confidence(confidence))
    return Zone.RED if reached >= RED else Zone.YELLOW if reached >= YELLOW else Zone.GREEN


def _check_count(hits: int, days: int) -> None:
    if not 0 <= hits <= days or not days:
        raise DataError(f"{hits} hits in {days} days", value=hits, limit=f"0 to {days}")


def _likelihood(hits: int, quiet: int, probability: float) -> float:
    """Logarithm of the likelihood of so many hits and quiet days; 0 ln 0 = 0."""
    likely = hits * math.log(probability) if hits else 0.0
    return likely + (quiet * math.log1p(-probability) if quiet else 0.0)


def _own_likelihood(hits: int, quiet: int) -> float:
    return _likelihood(hits, quiet, hits / (hits + quiet)) if hits + quiet > 0 else 0.0


def _ratio(restricted: float, free: float, *, degrees: int) -> LikelihoodRatio:
    statistic = 2.0 * (free - restricted)
    statistic = max(statistic, 0.0) if statistic == statistic else math.nan
    return LikelihoodRatio(statistic, degrees, chi_square_survival(statistic, degrees=degrees))
