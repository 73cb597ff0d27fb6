"""Charts say what the run says: sums, extremes and counts survive the drawing."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.portfolio.runs import daily_run, minute_run
from tradsys.core.units import SCALE
from tradsys.portfolio import charts
from tradsys.portfolio.performance import measure


def unpacked(column: dict[str, str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    assert column["dtype"] == "f8"
    return np.frombuffer(base64.b64decode(column["bdata"]), "<f8")


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=400), st.integers(1, 30))
def test_thinning_keeps_first_last_and_extremes(values: list[float], steps: int) -> None:
    series = np.array(values)
    kept = charts.thin(series, steps=steps)
    assert kept[0] == 0 and kept[-1] == len(values) - 1
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= 4 * steps
    assert series[kept].min() == series.min() and series[kept].max() == series.max()


def test_equity_says_when_it_was_thinned() -> None:
    assert charts.equity(daily_run(50))["note"] == ""
    figure = charts.equity(minute_run(8_000))
    assert "8,000 points" in figure["note"]
    assert [trace["name"] for trace in figure["data"]] == ["net of charges", "before charges", "buy and hold"]


def test_gross_equity_is_net_plus_charges_paid() -> None:
    result = daily_run(50)
    net, gross, _ = (unpacked(trace["y"]) for trace in charts.equity(result)["data"])
    assert gross[-1] - net[-1] == pytest.approx(result.fills.charges.sum() / SCALE)
    assert gross[0] == net[0] == result.equity[0] / SCALE


def test_times_are_drawn_on_the_exchange_clock() -> None:
    drawn = unpacked(charts.equity(daily_run(3))["data"][0]["x"])
    assert str(drawn.astype("datetime64[ms]")[0]) == "2024-01-01T15:30:00.000"


def test_waterfall_leads_from_trading_profit_to_net_profit() -> None:
    result = daily_run(90, cash_moves={"dividend": 0})
    (trace,) = charts.cost_waterfall(result)["data"]
    assert trace["x"] == ["trading profit", "STT", "brokerage", "net profit"]
    assert sum(trace["y"][:-1]) == pytest.approx(trace["y"][-1], abs=1e-6)
    assert trace["y"][0] == pytest.approx(measure(result)["gross_pnl"])
    assert trace["y"][1] < 0 and trace["y"][2] == -len(result.fills)


def test_waterfall_names_charges_without_an_item() -> None:
    (trace,) = charts.cost_waterfall(daily_run(90, charge_items={}))["data"]
    assert trace["x"] == ["trading profit", "other charges", "net profit"]


def test_heat_map_compounds_months_to_years() -> None:
    result = daily_run(500)
    (trace,) = charts.monthly_heat_map(result)["data"]
    assert trace["y"] == ["2024", "2025"]
    whole = np.prod([1 + row[12] for row in trace["z"]])
    assert whole == pytest.approx(result.equity[-1] / result.start_cash)
    assert trace["z"][1][11] is None and trace["text"][1][11] == ""


def test_distribution_counts_every_closed_trade_and_no_range_spans_zero() -> None:
    result = daily_run(400, every=3)
    (trace,) = charts.trade_distribution(result.trades)["data"]
    assert sum(trace["y"]) == sum(not trip.is_open for trip in result.trades)
    assert all(low >= -1e-9 or high <= 1e-9 for low, high in trace["customdata"])


def test_candles_of_many_bars_equal_a_plain_loop() -> None:
    result = minute_run(2_000)
    (series,) = result.prices
    figure = charts.trades_on_price(series, result.trades, zone=result.zone)
    candles, size = figure["data"][0], 3
    assert figure["note"] == "Each candle stands for 3 bars."
    for number, start in enumerate(range(0, 2_000, size)):
        part = slice(start, start + size)
        assert unpacked(candles["open"])[number] == series.open[part][0]
        assert unpacked(candles["high"])[number] == series.high[part].max()
        assert unpacked(candles["low"])[number] == series.low[part].min()
        assert unpacked(candles["close"])[number] == series.close[part][-1]


def test_markers_stand_at_the_price_and_bar_of_the_trade() -> None:
    result = daily_run(60, every=7)
    (series,) = result.prices
    figure = charts.trades_on_price(series, result.trades, zone=result.zone)
    entries = next(trace for trace in figure["data"] if trace["name"] == "buy to open")
    assert unpacked(entries["x"]).tolist() == [6, 20, 34, 48]
    assert unpacked(entries["y"]) == pytest.approx(series.close[[6, 20, 34, 48]])
    exits = [trace for trace in figure["data"] if trace["name"].startswith("closed")]
    assert sum(len(trace["text"]) for trace in exits) == 4


def test_more_trades_than_can_be_drawn_is_said() -> None:
    result = daily_run(60, every=7)
    many = list(result.trades) * 1_000
    figure = charts.trades_on_price(result.prices[0], many, zone=result.zone)
    assert "first 2,000 of 4,000 trades" in figure["note"]


def test_profit_bars_fold_the_middle_into_one() -> None:
    profits = {f"S{number:02d}": (number - 25) * SCALE for number in range(50)}
    (trace,) = charts.profit_bars(profits)["data"]
    assert len(trace["x"]) == 21 and "30 others" in trace["y"]
    assert sum(trace["x"]) == pytest.approx(sum(profits.values()) / SCALE)


def test_names_cannot_carry_markup() -> None:
    (trace,) = charts.profit_bars({"<b>x</b>": SCALE})["data"]
    assert trace["y"] == ["&lt;b&gt;x&lt;/b&gt;"]


@pytest.mark.parametrize("days", [1, 2, 40])
@pytest.mark.parametrize("trade", [True, False])
def test_every_figure_is_json_without_nan(days: int, trade: bool) -> None:
    result = dataclasses.replace(daily_run(days, every=2, trade=trade), benchmark=None)
    for figure in (charts.equity(result), charts.drawdowns(result), charts.monthly_heat_map(result)):
        json.dumps(figure, allow_nan=False)
    for figure in (charts.cost_waterfall(result), charts.trade_distribution(result.trades)):
        json.dumps(figure, allow_nan=False)
