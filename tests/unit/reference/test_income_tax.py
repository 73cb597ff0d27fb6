"""Rates, periods and thresholds of income tax, against the text of the law where it was seen."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from tradsys.core.errors import UncoveredDate
from tradsys.core.units import SCALE
from tradsys.reference.income_tax import (
    exemption,
    financial_year,
    instalment_periods,
    is_long_term,
    period_of,
    rate,
    year_name,
)


@pytest.mark.parametrize(("income", "before", "after"), [("short_term", "15", "20"), ("long_term", "10", "12.5")])
def test_rates_changed_on_23_july_2024(income: str, before: str, after: str) -> None:
    rows = [rate(income, date(2024, 7, day)) for day in (22, 23)]
    assert [row.value for row in rows if row] == [before, after]


def test_digital_assets_have_a_rate_from_april_2022_on() -> None:
    assert rate("virtual_digital_asset", date(2022, 3, 31)) is None
    row = rate("virtual_digital_asset", date(2022, 4, 1))
    assert row is not None and row.value == "30"
    assert rate("speculative", date(2024, 4, 1)) is None


def test_the_exemption_of_2024_25_is_that_of_the_whole_year() -> None:
    assert [exemption(year) // SCALE for year in (2016, 2018, 2023, 2024, 2025)] == [
        0,
        100_000,
        100_000,
        125_000,
        125_000,
    ]
    with pytest.raises(UncoveredDate, match="income tax"):
        exemption(1999)


def test_a_year_runs_from_april_to_march() -> None:
    assert [financial_year(day) for day in (date(2025, 3, 31), date(2025, 4, 1))] == [2024, 2025]
    assert (year_name(2024), year_name(1999)) == ("2024-25", "1999-00")


@pytest.mark.parametrize(
    ("bought", "last_short_term"),
    [
        (date(2023, 1, 10), date(2024, 1, 10)),
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2023, 2, 28), date(2024, 2, 28)),
        (date(2023, 12, 31), date(2024, 12, 31)),
    ],
)
def test_more_than_twelve_months_is_long_term(bought: date, last_short_term: date) -> None:
    assert not is_long_term(bought=bought, sold=last_short_term)
    assert is_long_term(bought=bought, sold=last_short_term + timedelta(days=1))


@pytest.mark.parametrize(("year", "count"), [(2015, 4), (2016, 5), (2023, 5), (2026, 5)])
def test_periods_cover_a_year_without_gap(year: int, count: int) -> None:
    periods = instalment_periods(year)
    assert len(periods) == count
    assert (periods[0][0], periods[-1][1]) == (date(year, 4, 1), date(year + 1, 3, 31))
    for (_, last), (first, _) in pairwise(periods):
        assert first == last + timedelta(days=1)


def test_a_due_day_belongs_to_the_period_it_ends() -> None:
    assert period_of(date(2024, 6, 15)) == (date(2024, 4, 1), date(2024, 6, 15))
    assert period_of(date(2025, 3, 16)) == (date(2025, 3, 16), date(2025, 3, 31))
