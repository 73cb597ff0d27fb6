"""Continuity across splits, bonuses and dividends, against real prices and LEAN's factor files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.unit.market.made import NSE, OPEN, minutes, nanos, series_of
from tradsys.core.errors import DataError
from tradsys.core.events import ActionKind, CorporateAction
from tradsys.core.units import DAY, MINUTE, from_float
from tradsys.market.adjust import back_adjusted, factor
from tradsys.market.loading import load


def bonus(at: int, *, old: int = 1, new: int = 2, instrument: str = "X") -> CorporateAction:
    return CorporateAction(at=at, instrument=instrument, kind=ActionKind.BONUS, old=old, new=new)


def dividend(at: int, cash: float) -> CorporateAction:
    return CorporateAction(at=at, instrument="X", kind=ActionKind.DIVIDEND, cash=from_float(cash))


def test_a_bonus_doubles_the_factor_from_its_open_on() -> None:
    at = minutes(4)
    assert factor(at, [bonus(OPEN + 2 * MINUTE)]).tolist() == [1.0, 1.0, 2.0, 2.0]
    assert factor(at, [bonus(OPEN + 2 * MINUTE), bonus(OPEN + 3 * MINUTE, old=5, new=1)]).tolist() == [1, 1, 2, 0.4]


def test_actions_outside_the_data_change_nothing() -> None:
    assert factor(minutes(4), [bonus(OPEN - DAY), bonus(OPEN + DAY)]).tolist() == [1.0] * 4


def test_the_factor_depends_on_the_past_alone() -> None:
    actions = [bonus(OPEN + 2 * MINUTE), dividend(OPEN + 5 * MINUTE, 3.0)]
    close = np.linspace(100.0, 110.0, 10)
    whole = factor(minutes(10), actions, close=close)
    for cut in range(1, 10):
        assert factor(minutes(cut), actions, close=close[:cut]).tolist() == whole[:cut].tolist()


def test_a_dividend_keeps_the_value_of_a_holder() -> None:
    close = np.array([100.0, 100.0, 96.0, 96.0])
    running = factor(minutes(4), [dividend(OPEN + 2 * MINUTE, 4.0)], close=close)
    assert running.tolist() == [1.0, 1.0, 100 / 96, 100 / 96]
    assert (close * running).tolist() == pytest.approx([100.0] * 4)
    assert factor(minutes(4), [dividend(OPEN + 2 * MINUTE, 4.0)]).tolist() == [1.0] * 4


def test_a_dividend_above_the_price_is_refused() -> None:
    with pytest.raises(DataError, match="not below the close"):
        factor(minutes(4), [dividend(OPEN + 2 * MINUTE, 100.0)], close=np.full(4, 100.0))


def test_reliance_is_continuous_through_its_bonus(shared_data: Path) -> None:
    series = load(shared_data / "india/daily_2017_2022/RELIANCE.csv.gz", format="nse_daily", calendar=NSE)
    day = int(np.searchsorted(series.at, nanos(2017, 9, 7, 15, 30)))
    running = factor(series.at, [bonus(nanos(2017, 9, 7, 9, 15))])
    assert (series.close[day - 1], series.open[day]) == (1645.40, 823.00)
    assert series.open[day] * running[day] == 1646.00
    adjusted = back_adjusted(series, [bonus(nanos(2017, 9, 7, 9, 15))], as_of=int(series.at[-1]))
    assert (adjusted.close[day - 1], adjusted.open[day]) == (822.70, 823.00)
    assert adjusted.volume[day - 1] == 2 * series.volume[day - 1]
    assert series.close[day - 1] == 1645.40


def test_before_its_announcement_takes_effect_nothing_is_adjusted() -> None:
    series = series_of(minutes(4))
    early = back_adjusted(series, [bonus(OPEN + 3 * MINUTE)], as_of=OPEN + 2 * MINUTE)
    assert early.close.tolist() == [100.0, 100.0]
    late = back_adjusted(series, [bonus(OPEN + DAY)], as_of=OPEN + 2 * DAY)
    assert late.close.tolist() == [50.0] * 4


# Apple's splits as the company announced them: 2:1, 2:1, 7:1, 4:1.
APPLE = [((2000, 6, 21), 2), ((2005, 2, 28), 2), ((2014, 6, 9), 7), ((2020, 8, 31), 4)]


def test_splits_of_apple_are_leans_factors(shared_data: Path) -> None:
    series = load(shared_data / "lean/equity/usa/daily/aapl.zip", format="lean")
    zone = "America/New_York"
    actions = [bonus(nanos(*day, 9, 30, zone=zone), new=new, instrument="AAPL") for day, new in APPLE]
    adjusted = back_adjusted(series, actions, as_of=int(series.at[-1]))
    with (shared_data / "lean/equity/usa/factor_files/aapl.csv").open(newline="") as file:
        rows = [(int(row[0]), float(row[2])) for row in csv.reader(file)]
    # A bar is known at New York's midnight, early next day in UTC.
    dates = (series.at - DAY // 2) // DAY * DAY
    days = dates.astype("datetime64[ns]").astype("datetime64[D]")
    numbers = np.array([int(str(day).replace("-", "")) for day in days])
    # A row dated D holds for bars up to and including D.
    row_of = np.searchsorted(np.array([day for day, _ in rows]), numbers, side="left")
    expected = np.array([split for _, split in rows])[row_of]
    assert np.allclose(adjusted.close / series.close, expected, rtol=1e-5)


def test_a_dividend_of_apple_is_leans_factor(shared_data: Path) -> None:
    series = load(shared_data / "lean/equity/usa/daily/aapl.zip", format="lean")
    # $2.65 a share, ex 2012-08-09; LEAN's price factors stand before and after it.
    action = dividend(nanos(2012, 8, 9, 9, 30, zone="America/New_York"), 2.65)
    running = factor(series.at, [action], close=series.close)
    assert 1 / running[-1] == pytest.approx(0.8613657 / 0.8650639, rel=1e-5)
