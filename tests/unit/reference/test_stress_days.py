"""Every stress day has a source and one figure a market; what can be recomputed from closes that are here is."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date

import pytest

from tradsys.reference.stress_days import stress_days

# Closes of the day before and of the day: the S&P 500 series that skfolio ships, niftyindices, PTI of 13 March 2020.
CLOSES = {
    (date(1997, 10, 27), "SPX"): (941.64, 876.99),
    (date(1998, 8, 31), "SPX"): (1027.14, 957.28),
    (date(2008, 9, 29), "SPX"): (1213.27, 1106.42),
    (date(2008, 10, 13), "SPX"): (899.22, 1003.35),
    (date(2008, 10, 15), "SPX"): (998.01, 907.84),
    (date(2011, 8, 8), "SPX"): (1199.38, 1119.46),
    (date(2020, 3, 12), "SPX"): (2741.38, 2480.64),
    (date(2020, 3, 13), "SPX"): (2480.64, 2711.02),
    (date(2020, 3, 16), "SPX"): (2711.02, 2386.13),
    (date(2020, 3, 13), "NIFTY"): (9955.20 - 365.05, 9955.20),
    (date(2024, 6, 4), "NIFTY"): (23263.90, 21884.50),
    (date(2025, 4, 7), "NIFTY"): (22161.60 + 742.85, 22161.60),
}


def test_each_market_has_one_row_a_day_with_its_source() -> None:
    days = stress_days()
    assert max(Counter((each.day, each.market) for each in days).values()) == 1
    assert {each.market for each in days} == {"NIFTY", "SPX", "BTC"}
    assert all(len(each.source) > 10 and each.event and -0.5 < each.move < 0.5 and each.move for each in days)
    assert [each.day for each in days] == sorted(each.day for each in days)


@pytest.mark.parametrize(("day", "market"), CLOSES)
def test_move_is_that_of_the_closes(day: date, market: str) -> None:
    (row,) = [each for each in stress_days(market) if each.day == day]
    before, after = CLOSES[day, market]
    assert row.move == pytest.approx(after / before - 1.0, abs=5.1e-5)


def test_two_days_of_november_2022_make_the_fall_reported_for_both() -> None:
    first, second = (each.move for each in stress_days("BTC") if each.day.year == 2022)
    assert (1.0 + first) * (1.0 + second) - 1.0 == pytest.approx(-0.2361, abs=1e-4)


def test_a_change_of_volatility_that_no_source_gives_is_not_known() -> None:
    assert math.isnan(stress_days("BTC")[0].volatility)
    (election,) = [each for each in stress_days("NIFTY") if each.day == date(2024, 6, 4)]
    assert election.volatility == pytest.approx(0.0581)
