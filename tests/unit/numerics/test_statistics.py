"""Statistics against empyrical-reloaded and scipy, and by hand where those have none."""

from __future__ import annotations

import math
from collections.abc import Callable

import empyrical
import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats

from tradsys.core.errors import DataError
from tradsys.numerics import statistics

Array = npt.NDArray[np.float64]

ANNUAL = 252.0
PAIRS: dict[str, tuple[Callable[[Array], float], Callable[[Array], float]]] = {
    "total_return": (statistics.total_return, empyrical.cum_returns_final),
    "cagr": (lambda r: statistics.cagr(r, annualisation=ANNUAL), empyrical.cagr),
    "volatility": (lambda r: statistics.volatility(r, annualisation=ANNUAL), empyrical.annual_volatility),
    "sharpe": (
        lambda r: statistics.sharpe(r, annualisation=ANNUAL, risk_free=1e-4),
        lambda r: float(empyrical.sharpe_ratio(r, risk_free=1e-4)),
    ),
    "sortino": (lambda r: statistics.sortino(r, annualisation=ANNUAL), empyrical.sortino_ratio),
    "downside": (lambda r: statistics.downside_deviation(r, annualisation=ANNUAL), empyrical.downside_risk),
    "calmar": (lambda r: statistics.calmar(r, annualisation=ANNUAL), empyrical.calmar_ratio),
    "max_drawdown": (statistics.max_drawdown, empyrical.max_drawdown),
    "var": (lambda r: statistics.value_at_risk(r, level=0.95), lambda r: empyrical.value_at_risk(r, 0.05)),
    "cvar": (
        lambda r: statistics.conditional_value_at_risk(r, level=0.95),
        lambda r: empyrical.conditional_value_at_risk(r, 0.05),
    ),
    "tail_ratio": (statistics.tail_ratio, empyrical.tail_ratio),
    "skewness": (statistics.skewness, scipy.stats.skew),
    "kurtosis": (statistics.kurtosis, scipy.stats.kurtosis),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("count", [30, 101, 1000])
def test_agrees_with_the_library(name: str, count: int) -> None:
    ours, theirs = PAIRS[name]
    sample = np.random.default_rng(count).normal(0.0005, 0.01, count)
    assert ours(sample) == pytest.approx(theirs(sample), rel=1e-11, abs=1e-13)


def test_returns_undo_the_growth_of_equity() -> None:
    equity = np.array([100.0, 110.0, 99.0])
    assert statistics.returns(equity) == pytest.approx([0.1, -0.1])
    with pytest.raises(DataError, match="above 0"):
        statistics.returns(np.array([100.0, 0.0]))


def test_drawdown_periods_by_hand() -> None:
    sample = statistics.returns(np.array([100.0, 90.0, 80.0, 100.0, 120.0, 114.0]))
    first, second = statistics.drawdown_periods(sample)
    assert (first.start, first.valley, first.end) == (0, 1, 2)
    assert (second.start, second.valley, second.end) == (4, 4, None)
    assert [first.depth, second.depth] == pytest.approx([-0.2, -0.05])


def test_trades_by_hand() -> None:
    profits = np.array([30.0, -10.0, 0.0, 10.0])
    assert statistics.profit_factor(profits) == 4.0
    assert statistics.win_rate(profits) == 0.5
    assert math.isnan(statistics.profit_factor(np.array([1.0])))


def test_turnover_and_exposure_by_hand() -> None:
    equity, traded, gross = np.array([100.0, 100.0]), np.array([50.0, 150.0]), np.array([50.0, 0.0])
    assert statistics.turnover(traded=traded, equity=equity, annualisation=2.0) == 1.0
    assert statistics.exposure(gross=gross, equity=equity) == 0.25
    assert statistics.time_in_market(gross) == 0.5


@pytest.mark.parametrize("name", PAIRS)
def test_nothing_is_invented_where_there_is_no_answer(name: str) -> None:
    ours = PAIRS[name][0]
    assert name == "total_return" or math.isnan(ours(np.array([])))
    assert math.isnan(ours(np.array([0.01, math.nan, 0.02])))


def test_flat_returns_have_no_sharpe() -> None:
    flat = np.zeros(5)
    assert math.isnan(statistics.sharpe(flat, annualisation=ANNUAL))
    assert math.isnan(statistics.calmar(flat, annualisation=ANNUAL))
    assert statistics.max_drawdown(flat) == 0.0
