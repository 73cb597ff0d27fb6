"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.unit.market.made import nanos
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.units import HOUR, MINUTE, SECOND
from tradsys.market import time_texts
from tradsys.market.intervals import interval_of, span_of
from tradsys.market.times import from_clock_number, from_dates, from_epoch
from tradsys.reference.clock import iso, to_local, to_utc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-04-22 09:15:00+05:30", nanos(2024, 4, 22, 9, 15)),
        ("2017-12-15T09:15:00+0530", nanos(2017, 12, 15, 9, 15)),
        ("2024-04-22T03:45:00Z", nanos(2024, 4, 22, 9, 15)),
        ("2024-04-22 09:15", nanos(2024, 4, 22, 9, 15)),
        ("2015-09-23T20:57:42.146", nanos(2015, 9, 23, 20, 57, 42) + 146_000_000),
        ("22-04-2024 9:15", nanos(2024, 4, 22, 9, 15)),
        ("4/22/2024 3:30 PM", nanos(2024, 4, 22, 15, 30)),
        ("4/22/2024 12:05 AM", nanos(2024, 4, 22, 0, 5)),
        ("02-JAN-2023", nanos(2023, 1, 2)),
        ("29 Dec 2023", nanos(2023, 12, 29)),
        ("20040819 00:00", nanos(2004, 8, 19)),
        ("2024-02-29", nanos(2024, 2, 29)),
    ],
)
def test_a_text_is_the_instant_it_says(text: str, expected: int) -> None:
    assert time_texts.parse([text], zone="Asia/Kolkata").at.tolist() == [expected]


def test_day_and_month_are_told_apart_over_the_whole_column() -> None:
    parsed = time_texts.parse(["03-04-2024", "13-04-2024"], zone="UTC")
    assert parsed.at.tolist() == [nanos(2024, 4, 3, zone="UTC"), nanos(2024, 4, 13, zone="UTC")]


def test_ambiguous_dates_are_refused_until_the_order_is_given() -> None:
    with pytest.raises(DataError, match="cannot be told apart"):
        time_texts.parse(["03-04-2024", "05-06-2024"], zone="UTC")
    american = time_texts.parse(["03-04-2024"], zone="UTC", date_order="mdy")
    assert american.at.tolist() == [nanos(2024, 3, 4, zone="UTC")]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("2024-01-31", "2023-02-29"),
        ("2024-01-31", "2024-13-01"),
        ("31-12-2024", "31-04-2024"),
        ("2024-01-01 10:00", "2024-01-01 24:00"),
        ("2024-01-01", "yesterday"),
        ("2024-01-01", ""),
    ],
)
def test_a_time_that_does_not_exist_names_its_row(good: str, bad: str) -> None:
    with pytest.raises(DataError, match="row 2"):
        time_texts.parse([good, bad], zone="UTC")


def test_rows_in_another_zone_are_marked() -> None:
    mixed = time_texts.parse(["2024-04-22 09:15+05:30", "2024-04-22 09:16", "2024-04-22 09:17+05:30"], zone="UTC").mixed
    assert mixed.tolist() == [False, True, False]
    offsets = ["2024-04-22 09:15+05:30", "2024-04-22 09:16+05:30", "2024-04-22 03:47+00:00"]
    assert time_texts.parse(offsets, zone="Asia/Kolkata").mixed.tolist() == [False, False, True]


def test_offsets_that_follow_the_seasons_of_one_zone_are_one_zone() -> None:
    parsed = time_texts.parse(["2024-03-08 09:30-05:00", "2024-03-11 09:30-04:00"], zone="America/New_York")
    assert not parsed.mixed.any()


def test_wall_clocks_follow_the_zone_through_a_change_of_clocks() -> None:
    moments = [(2024, 3, 8, 9, 30), (2024, 3, 11, 9, 30), (2024, 11, 1, 16, 0), (2024, 11, 4, 16, 0)]
    expected = np.array([nanos(*moment, zone="America/New_York") for moment in moments])
    local = np.array([nanos(*moment, zone="UTC") for moment in moments])
    assert to_utc(local, "America/New_York").tolist() == expected.tolist()
    assert to_local(expected, "America/New_York").tolist() == local.tolist()


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_epoch_units_are_told_by_size(unit: int) -> None:
    seconds = np.array([1_513_309_500, 1_513_309_560])
    assert from_epoch(seconds * unit).tolist() == (seconds * SECOND).tolist()


def test_epochs_of_several_units_in_one_column_are_refused() -> None:
    with pytest.raises(DataError, match="several units"):
        from_epoch(np.array([1_513_309_500, 1_513_309_560_000]))


def test_numbers_can_be_dates_and_clocks() -> None:
    assert from_dates(np.array([20150703])).tolist() == [nanos(2015, 7, 3, zone="UTC")]
    assert from_clock_number(np.array([915, 1530])).tolist() == [9 * HOUR + 15 * MINUTE, 15 * HOUR + 30 * MINUTE]
    with pytest.raises(DataError, match="row 1"):
        from_dates(np.array([20150231]))
    with pytest.raises(DataError, match="row 2"):
        from_clock_number(np.array([915, 975]))


def test_iso_text_carries_the_offset() -> None:
    at = int(datetime(2024, 4, 22, 3, 45, tzinfo=UTC).timestamp()) * SECOND
    assert iso(at) == "2024-04-22T09:15:00+05:30"


@pytest.mark.parametrize(("text", "seconds"), [("1m", 60), ("minute", 60), ("5minute", 300), ("60minute", 3600),
                                               ("1h", 3600), ("1d", 86400), ("day", 86400), ("30s", 30)])  # fmt: skip
def test_intervals_are_read_in_both_spellings(text: str, seconds: int) -> None:
    assert span_of(text) == seconds * SECOND
    assert span_of(interval_of(span_of(text))) == span_of(text)


@pytest.mark.parametrize("text", ["", "0m", "m5", "2d", "1 fortnight", "-1m", "1.5h"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not one"):
        span_of(text)
