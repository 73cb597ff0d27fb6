"""Statistics of a run: returns, risk, drawdowns, trades. Plain numpy; no figure is annualised without being told how.

`returns` are fractions a period, float64[n]; NaN is refused by giving NaN, never passed over. A ratio whose denominator
is zero, or which needs more values than there are, is NaN: not defined, and not to be shown as 0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import DataError

Array = npt.NDArray[np.float64]

ROUNDING = 1e-12
"""A fraction below the peak that is rounding, not a drawdown."""


def returns(equity: Array) -> Array:
    """Simple returns e[t] / e[t-1] - 1 of an equity curve, float64[n - 1].

    Raises:
        DataError: equity is not above zero throughout, so that a return means nothing.
    """
    curve = np.asarray(equity, dtype=np.float64)
    if curve.size and not curve.min() > 0.0:
        lowest = float(curve.min())
        raise DataError(f"equity falls to {lowest}; returns need it above 0", value=lowest, limit="above 0")
    return curve[1:] / curve[:-1] - 1.0


def total_return(returns: Array) -> float:
    """prod(1 + r) - 1, a fraction."""
    return float(np.prod(1.0 + returns) - 1.0)


def cagr(returns: Array, *, annualisation: float) -> float:
    """Compound annual growth rate: prod(1 + r) ** (annualisation / n) - 1; `annualisation` is periods a year."""
    if not len(returns):
        return math.nan
    growth = float(np.prod(1.0 + returns))
    return growth ** (annualisation / len(returns)) - 1.0 if growth >= 0.0 else math.nan


def volatility(returns: Array, *, annualisation: float) -> float:
    """Sample standard deviation (n - 1) times sqrt(annualisation), a fraction a year."""
    return _deviation(returns) * math.sqrt(annualisation)


def sharpe(returns: Array, *, annualisation: float, risk_free: float = 0.0) -> float:
    """Sharpe ratio (1994): mean(r - risk_free) / sample deviation * sqrt(annualisation); `risk_free` is a period's."""
    return _ratio(_mean(returns - risk_free), _deviation(returns - risk_free)) * math.sqrt(annualisation)


def downside_deviation(returns: Array, *, annualisation: float, required: float = 0.0) -> float:
    """sqrt(mean(min(r - required, 0)^2)) over all periods (Sortino), times sqrt(annualisation)."""
    below = np.minimum(returns - required, 0.0)
    return math.sqrt(_mean(below * below)) * math.sqrt(annualisation)


def sortino(returns: Array, *, annualisation: float, required: float = 0.0) -> float:
    """Sortino ratio (1994): mean(r - required) * annualisation over the downside deviation."""
    downside = downside_deviation(returns, annualisation=annualisation, required=required)
    return _ratio(_mean(returns - required) * annualisation, downside)


def calmar(returns: Array, *, annualisation: float) -> float:
    """Calmar ratio (Young 1991): the compound annual growth rate over the depth of the worst drawdown."""
    return _ratio(cagr(returns, annualisation=annualisation), -max_drawdown(returns))


def drawdowns(returns: Array) -> Array:
    """Fraction below the highest wealth so far, the start included: float64[n], 0 or below."""
    wealth = np.cumprod(1.0 + returns)
    return wealth / np.maximum.accumulate(np.maximum(wealth, 1.0)) - 1.0


def max_drawdown(returns: Array) -> float:
    """The worst of `drawdowns`, 0 or below."""
    return float(drawdowns(returns).min()) if len(returns) else math.nan


class Drawdown(NamedTuple):
    """One stretch under water: indices into returns, and its depth (below 0).

    `start` is the first period below the peak, `valley` the deepest, `end` the first back at the peak or above, None
    where the series ends under water.
    """

    start: int
    valley: int
    end: int | None
    depth: float


def drawdown_periods(returns: Array) -> list[Drawdown]:
    """Every stretch below a former peak, in order of time."""
    depths = drawdowns(returns)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], depths < -ROUNDING, [False]))))
    return [_drawdown(depths, int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def value_at_risk(returns: Array, *, level: float) -> float:
    """Historical value at risk: the (1 - level) quantile of returns, linearly interpolated; a loss is negative."""
    return float(np.quantile(returns, 1.0 - level)) if len(returns) else math.nan


def conditional_value_at_risk(returns: Array, *, level: float) -> float:
    """Expected shortfall: the mean of the worst 1 + floor((n - 1) * (1 - level)) returns; a loss is negative."""
    if not len(returns) or math.isnan(returns.sum()):
        return math.nan
    # The product is exact only in decimals: 0.05 * 20 must count as 1, not 0.99….
    worst = 1 + math.floor((len(returns) - 1) * (1.0 - level) + 1e-9)
    return float(np.partition(returns, worst - 1)[:worst].mean())


def skewness(returns: Array) -> float:
    """Population skewness m3 / m2^1.5, without bias correction (as scipy)."""
    second, third = _moment(returns, 2), _moment(returns, 3)
    return _ratio(third, second**1.5)


def kurtosis(returns: Array) -> float:
    """Population excess kurtosis m4 / m2^2 - 3, without bias correction (as scipy)."""
    return _ratio(_moment(returns, 4), _moment(returns, 2) ** 2) - 3.0


def tail_ratio(returns: Array) -> float:
    """|95th percentile| / |5th percentile| of returns."""
    if not len(returns):
        return math.nan
    low, high = np.quantile(returns, (0.05, 0.95))
    return _ratio(abs(float(high)), abs(float(low)))


def profit_factor(profits: Array) -> float:
    """Sum of winning trades over the sum of losing ones; `profits` is one value a closed trade."""
    return _ratio(float(profits[profits > 0.0].sum()), -float(profits[profits < 0.0].sum()))


def win_rate(profits: Array) -> float:
    """Fraction of closed trades with a profit above 0."""
    return float((profits > 0.0).mean()) if len(profits) else math.nan


def turnover(*, traded: Array, equity: Array, annualisation: float) -> float:
    """Value bought and sold a year, halved, over mean equity: 1 means all was replaced once a year.

    Args:
        traded: value of all fills a period, float64[n], 0 or above.
        equity: float64[n].
    """
    return _ratio(0.5 * _mean(np.asarray(traded)) * annualisation, _mean(np.asarray(equity)))


def exposure(*, gross: Array, equity: Array) -> float:
    """Mean of the gross position value over equity; both float64[n]."""
    return _mean(np.asarray(gross) / np.asarray(equity))


def time_in_market(gross: Array) -> float:
    """Fraction of periods with any position."""
    return float((np.asarray(gross) != 0.0).mean()) if len(gross) else math.nan


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else math.nan


def _deviation(values: Array) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _moment(values: Array, order: int) -> float:
    return _mean((values - _mean(values)) ** order)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator != 0.0 else math.nan


def _drawdown(depths: Array, start: int, end: int) -> Drawdown:
    valley = start + int(depths[start:end].argmin())
    return Drawdown(start, valley, end if end < len(depths) else None, float(depths[valley]))
