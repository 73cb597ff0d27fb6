"""Metrics against empyrical-reloaded, plain loops, and sums worked by hand."""

from __future__ import annotations

import dataclasses
import json

import empyrical
import numpy as np
import pytest

from tests.unit.portfolio.runs import daily_run, minute_run
from tradsys.core.errors import DataError
from tradsys.core.units import SCALE
from tradsys.portfolio.performance import charges_paid, daily_returns, drawdown, measure, monthly_returns


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("cagr", lambda returns: empyrical.cagr(returns, annualization=252)),
        ("volatility", lambda returns: empyrical.annual_volatility(returns, annualization=252)),
        ("sharpe", lambda returns: empyrical.sharpe_ratio(returns, annualization=252)),
        ("sortino", lambda returns: empyrical.sortino_ratio(returns, annualization=252)),
        ("calmar", lambda returns: empyrical.calmar_ratio(returns, annualization=252)),
        ("max_drawdown", empyrical.max_drawdown),
        ("value_at_risk_95", lambda returns: empyrical.value_at_risk(returns, 0.05)),
        ("value_at_risk_99", lambda returns: empyrical.value_at_risk(returns, 0.01)),
        ("conditional_value_at_risk_95", lambda returns: empyrical.conditional_value_at_risk(returns, 0.05)),
        ("conditional_value_at_risk_99", lambda returns: empyrical.conditional_value_at_risk(returns, 0.01)),
    ],
)
def test_equals_empyrical(name: str, oracle: object) -> None:
    result = daily_run(300)
    curve = np.concatenate([[result.start_cash], result.equity]) / SCALE
    assert callable(oracle)
    assert measure(result)[name] == pytest.approx(oracle(curve[1:] / curve[:-1] - 1), rel=1e-10)


def test_daily_returns_take_the_last_equity_of_each_exchange_date() -> None:
    result = minute_run(375 * 5 + 10)
    ends = result.equity[[374, 749, 1124, 1499, 1874, 1884]].astype(float)
    expected = ends / np.concatenate([[result.start_cash], ends[:-1]]) - 1
    assert daily_returns(result) == pytest.approx(expected, abs=1e-15)


def test_monthly_returns_chain_to_the_whole() -> None:
    result = daily_run(100)
    months = monthly_returns(result)
    assert [(year, month) for year, month, _ in months] == [(2024, 1), (2024, 2), (2024, 3), (2024, 4)]
    whole = np.prod([1 + value for _, _, value in months])
    assert whole == pytest.approx(result.equity[-1] / result.start_cash, rel=1e-12)


def test_money_adds_up_and_trades_are_counted() -> None:
    result = daily_run(100, every=7)
    metrics = measure(result)
    net = np.array([trip.net for trip in result.trades if not trip.is_open]) / SCALE
    assert metrics["net_pnl"] == pytest.approx((result.equity[-1] - result.start_cash) / SCALE)
    assert metrics["gross_pnl"] == pytest.approx(metrics["net_pnl"] + metrics["charges"])  # type: ignore[operator]
    assert metrics["charges"] == pytest.approx(sum(metrics["charges_by_item"].values()))  # type: ignore[attr-defined]
    assert (metrics["fills"], metrics["trades"], metrics["open_trades"]) == (14, 7, 0)
    assert metrics["win_rate"] == pytest.approx(sum(value > 0 for value in net) / 7)
    assert metrics["expectancy"] == pytest.approx(net.mean())
    assert metrics["profit_factor"] == pytest.approx(net[net > 0].sum() / -net[net < 0].sum())
    assert metrics["turnover"] == pytest.approx(result.fills.notional.sum() / 2 / result.equity.mean() * 252 / 100)
    assert metrics["break_even_move"] == pytest.approx(0.001 + 2 * 14 / (result.fills.notional.sum() / SCALE))


def test_exposure_counts_points_with_a_position() -> None:
    result = daily_run(100, every=10)
    held, inside = 0, 0
    for at in result.at.tolist():
        held += int((result.fills.side * (result.fills.at == at)).sum())
        inside += held != 0
    assert measure(result)["exposure"] == pytest.approx(inside / 100)


def test_drawdown_lengths_are_calendar_days_from_peak_to_recovery() -> None:
    curve = np.array([100, 110, 99, 104, 111, 105, 111], np.int64) * SCALE
    result = dataclasses.replace(daily_run(7, trade=False), equity=curve, start_cash=100 * SCALE)
    metrics = measure(result)
    assert metrics["max_drawdown"] == pytest.approx(-0.1)
    assert (metrics["max_drawdown_days"], metrics["max_drawdown_recovered"]) == (3.0, True)
    assert metrics["longest_drawdown_days"] == 3.0
    unfinished = measure(dataclasses.replace(result, equity=curve - 50 * SCALE))
    assert (unfinished["max_drawdown_days"], unfinished["max_drawdown_recovered"]) == (6.0, False)
    assert unfinished["longest_drawdown_days"] == 6.0


def test_losing_streak() -> None:
    result = daily_run(300)
    longest = streak = 0
    for trip in result.trades:
        streak = streak + 1 if trip.net < 0 and not trip.is_open else 0
        longest = max(longest, streak)
    assert measure(result)["longest_losing_streak"] == longest


def test_a_run_without_trades_has_reasons_and_no_nan() -> None:
    metrics = measure(daily_run(30, trade=False, benchmark=None))
    undefined = metrics["undefined"]
    assert isinstance(undefined, dict)
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["net_return"] == 0 and metrics["trades"] == 0
    assert undefined["win_rate"] == "no closed trade"
    assert undefined["break_even_move"] == "no trade was made"
    assert undefined["benchmark_return"] == "no benchmark was given"
    assert set(undefined) == {name for name, value in metrics.items() if value is None}


@pytest.mark.parametrize("equity", [[0, 0, 0], [5, -5, 5], [5, 0, 5]])
def test_ruin_is_not_a_number(equity: list[int]) -> None:
    result = dataclasses.replace(daily_run(3, trade=False), equity=np.array(equity, np.int64) * SCALE)
    metrics = measure(result)
    json.dumps(metrics, allow_nan=False)
    assert metrics["sharpe"] is None
    assert isinstance(metrics["undefined"], dict)
    assert metrics["undefined"]["sharpe"] == "equity fell to zero or below"


def test_charges_paid_step_up_at_each_fill() -> None:
    result = daily_run(20, every=7)
    paid = charges_paid(result)
    assert paid[5] == 0
    assert paid[6] == paid[12] == result.fills.charges[0] / SCALE
    assert paid[-1] == result.fills.charges.sum() / SCALE


def test_drawdown_measures_from_the_start_cash() -> None:
    assert drawdown(np.array([90, 120, 60]), 100).tolist() == pytest.approx([-0.1, 0.0, -0.5])


def test_curves_of_unequal_length_are_refused() -> None:
    result = daily_run(5)
    with pytest.raises(DataError, match="one length"):
        dataclasses.replace(result, cash=result.cash[:-1])
