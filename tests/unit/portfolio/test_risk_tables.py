"""The section Risk of a tear sheet: figures of the daily returns, a test of forecasts, the worst days."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.portfolio.runs import bar_run, daily_run
from tradsys.core.units import DAY, HOUR
from tradsys.numerics import coverage, tail_risk
from tradsys.portfolio.performance import daily_returns
from tradsys.portfolio.result import RunResult
from tradsys.portfolio.risk_tables import METHODS, section
from tradsys.portfolio.tear_sheet import render

MARCH_2020 = 18_320 * DAY
"""28 February 2020, midnight UTC."""


def over_march_2020() -> RunResult:
    return bar_run(MARCH_2020 + np.arange(60) * DAY + 10 * HOUR, every=7)


def test_figures_are_those_of_the_daily_returns() -> None:
    result = daily_run(300)
    found = section(result)
    assert [row[0].text for row in found.tails.rows] == list(METHODS.values())
    assert [column.name for column in found.tails.columns][1:3] == ["Value at risk 95%", "Expected shortfall 95%"]
    expected = tail_risk.historical(daily_returns(result), confidence=0.99)
    assert [cell.text for cell in found.tails.rows[0]][3:] == [f"{each:.2%}" for each in expected[:2]]


def test_a_long_run_tests_its_forecasts() -> None:
    result = daily_run(600)
    found = section(result)
    assert found.tested is not None
    daily = daily_returns(result)
    forecasts = coverage.rolling_value_at_risk(daily, window=250, confidence=0.95)
    hits = int((daily[250:] < -forecasts).sum())
    assert [cell.text for cell in found.tested.rows[0]][:4] == ["Historical, 95%", "350", f"{hits}", "17.5"]
    assert found.tested.rows[0][-1].text in {"green", "yellow", "red"}


def test_a_short_run_says_what_it_cannot_tell() -> None:
    found = section(daily_run(60))
    assert found.tested is None
    assert found.test_sentence == "Forecasts were not tested: that needs 350 daily returns, the run has 60."
    assert "Historical, 99% (needs 100 scenarios, there are 60)" in found.undefined
    assert [cell.text for cell in found.tails.rows[0]][3:] == ["–", "–"]


def test_worst_days_stand_beside_the_days_that_everybody_remembers() -> None:
    result = over_march_2020()
    rows = {row[0].text: row for row in section(result).worst.rows}
    assert {"2020-03-12", "2020-03-13", "2020-03-16", "2020-03-23"} <= set(rows)
    assert rows["2020-03-23"][2].text == "Lockdown: NIFTY -12.98%"
    assert rows["2020-03-12"][2].text == "Pandemic declared: BTC -26.68% NIFTY -8.30% SPX -9.51%"
    worst = np.sort(daily_returns(result))[:5]
    shown = {row[1].text for row in section(result).worst.rows}
    assert {f"{each:.2%}" for each in worst} <= shown
    assert list(rows) == sorted(rows)


def test_a_ruined_account_has_no_figure() -> None:
    result = daily_run(400)
    result.equity[100] = -1
    found = section(result)
    assert found.tested is None and "zero or below" in found.test_sentence
    assert all(cell.text == "–" for row in found.tails.rows for cell in row[1:])


@pytest.mark.parametrize("days", [20, 60, 400])
def test_it_stands_on_the_page(days: int) -> None:
    page = render(daily_run(days))
    assert "<h2>Risk</h2>" in page and "Expected shortfall 99%" in page


def test_a_run_without_trades_has_no_such_section() -> None:
    assert "<h2>Risk</h2>" not in render(daily_run(60, trade=False))
