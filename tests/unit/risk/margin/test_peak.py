"""The peak-margin rule by date, worked by hand."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.risk.margin.books import LAKH, ON, at
from tradsys.core.errors import MissingData, UncoveredDate
from tradsys.core.units import SCALE
from tradsys.risk.margin.peak import Snapshot, peak_margin


def day(*margins: int, available: int) -> list[Snapshot]:
    return [Snapshot(at=at() + i, margin=each * SCALE, available=available * SCALE) for i, each in enumerate(margins)]


def test_the_highest_snapshot_is_required() -> None:
    found = peak_margin(day(100, 400, 300, 200, available=400), on=ON)
    assert (found.required, found.shortfall, found.penalty) == (400 * SCALE, 0, 0)


@pytest.mark.parametrize(
    ("on", "required"),
    [(date(2020, 12, 1), 100), (date(2021, 3, 1), 200), (date(2021, 8, 31), 300), (date(2021, 9, 1), 400)],
)
def test_it_was_phased_in(on: date, required: int) -> None:
    assert peak_margin(day(100, 400, 300, 200, available=400), on=on).required == required * SCALE


@pytest.mark.parametrize(
    ("available", "days", "penalty"),
    [
        # 10 lakh needed. Missing 99,999 (below a lakh and below 10 %): 0.5 %.
        (900_001, (0, 0), 499.995),
        # Missing a lakh: 1 %.
        (900_000, (0, 0), 1_000),
        # The 3rd day in a row is 1 %, the 4th is 5 %; so is the 6th of a month.
        (900_000, (2, 4), 1_000),
        (900_000, (3, 4), 5_000),
        (900_000, (0, 5), 5_000),
    ],
)
def test_what_a_shortfall_costs(available: int, days: tuple[int, int], penalty: float) -> None:
    snapshots = day(1, 1_000_000, 2, 3, available=available)
    found = peak_margin(snapshots, on=ON, days_before=days[0], days_this_month=days[1])
    assert found.penalty == round(penalty * SCALE)
    assert found.required == 10 * LAKH


def test_a_share_of_a_small_margin_is_a_tenth() -> None:
    assert peak_margin(day(0, 100, 0, 0, available=90), on=ON).penalty == SCALE // 10


def test_refused() -> None:
    with pytest.raises(MissingData, match="too few snapshots"):
        peak_margin(day(1, 2, 3, available=9), on=ON)
    with pytest.raises(UncoveredDate):
        peak_margin(day(1, 2, 3, 4, available=9), on=date(2020, 11, 30))
