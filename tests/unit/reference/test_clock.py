"""UTC to the wall clock of a zone and back, held against the standard library instant by instant."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.errors import ConfigError
from tradsys.core.units import DAY, HOUR, MINUTE, SECOND
from tradsys.reference.clock import iso, local_date, local_days, text, to_local, to_utc

ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Europe/London", "Australia/Lord_Howe")
SPRING = 1_710_054_000 * SECOND
"""2024-03-10 07:00 UTC: New York moves from -5 h to -4 h."""

instants = st.lists(st.integers(0, 2_000_000_000), min_size=1, max_size=40)


@given(instants, st.sampled_from(ZONES))
def test_each_instant_is_what_the_standard_library_says(seconds: list[int], zone: str) -> None:
    ours = to_local(np.array(seconds, dtype=np.int64) * SECOND, zone)
    walls = [datetime.fromtimestamp(each, ZoneInfo(zone)).replace(tzinfo=UTC) for each in seconds]
    assert ours.tolist() == [int(wall.timestamp()) * SECOND for wall in walls]


@given(instants)
def test_there_and_back_where_no_clock_is_set_back(seconds: list[int]) -> None:
    at = np.array(seconds, dtype=np.int64) * SECOND
    assert to_utc(to_local(at, "Asia/Kolkata"), "Asia/Kolkata").tolist() == at.tolist()


def test_days_across_a_change_of_clocks() -> None:
    at = np.array([SPRING - HOUR, SPRING, SPRING + 21 * HOUR - MINUTE, SPRING + 21 * HOUR])
    assert (to_local(at, "America/New_York") - at).tolist() == [-5 * HOUR, -4 * HOUR, -4 * HOUR, -4 * HOUR]
    assert local_days(at, "America/New_York").tolist() == [19_792, 19_792, 19_792, 19_793]
    assert to_utc(to_local(at, "America/New_York"), "America/New_York").tolist() == at.tolist()


def test_an_hour_that_comes_twice_is_the_earlier_one() -> None:
    autumn = int(datetime(2024, 11, 3, 5, 30, tzinfo=UTC).timestamp()) * SECOND
    twice = to_local(np.array([autumn, autumn + HOUR]), "America/New_York")
    assert twice[0] == twice[1]
    assert to_utc(twice, "America/New_York").tolist() == [autumn, autumn]


def test_dates_and_texts() -> None:
    assert local_date(SPRING, "Asia/Kolkata") == date(2024, 3, 10)
    assert local_date(SPRING + 12 * HOUR, "Asia/Kolkata") == date(2024, 3, 11)
    assert text(SPRING, "Asia/Kolkata") == "2024-03-10 12:30 IST"
    assert text(SPRING + SECOND, "UTC", seconds=True) == "2024-03-10 07:00:01 UTC"
    assert iso(SPRING) == "2024-03-10T12:30:00+05:30"
    assert iso(SPRING + SECOND // 4, "UTC") == "2024-03-10T07:00:00.250000+00:00"


def test_nothing_stays_nothing() -> None:
    none = np.array([], dtype=np.int64)
    assert to_local(none, "Asia/Kolkata").tolist() == to_utc(none, "Asia/Kolkata").tolist() == []
    assert local_days(np.array([DAY - 1, DAY]), "UTC").tolist() == [0, 1]


@pytest.mark.parametrize("zone", ["Asia/Bombai", "", "../etc"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ConfigError, match="unknown time zone"):
        to_utc(np.array([0]), zone)
    with pytest.raises(ConfigError, match="unknown time zone"):
        text(0, zone)
