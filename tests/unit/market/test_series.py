"""Series: windows and labels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.market.made import NSE, OPEN, minutes, nanos, series_of
from tradsys.core.errors import ConfigError, DataError, MissingData
from tradsys.core.instruments import Segment
from tradsys.core.units import DAY, HOUR, MINUTE
from tradsys.market.labels import contradiction, known_at, label_evidence, label_of
from tradsys.reference.calendar import calendar_for


def test_a_window_holds_what_becomes_known_inside_it() -> None:
    series = series_of(minutes(10))
    part = series.window(first=OPEN + 2 * MINUTE, last=OPEN + 5 * MINUTE)
    assert part.at.tolist() == (OPEN + MINUTE * np.array([3, 4, 5])).tolist()
    assert part.exchange_at is part.at
    assert part.matrix.flags.c_contiguous


def test_a_window_around_everything_shares_memory() -> None:
    series = series_of(minutes(10))
    assert series.window(first=0, last=OPEN + DAY) is series


def test_a_window_without_bars_is_an_error() -> None:
    with pytest.raises(MissingData, match="no bar in the window"):
        series_of(minutes(10)).window(first=OPEN + DAY, last=OPEN + 2 * DAY)


def test_an_empty_series_is_an_error() -> None:
    with pytest.raises(MissingData, match="has no bars"):
        series_of(minutes(0)).validate()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
@pytest.mark.parametrize("row", [0, 1, 2, 3])
def test_impossible_prices_are_refused(value: float, row: int) -> None:
    series = series_of(minutes(3))
    series.matrix[row, 1] = value
    with pytest.raises(DataError, match="in row 2"):
        series.validate()


def test_a_start_label_is_known_a_span_later_but_not_after_the_close() -> None:
    starts = np.array([OPEN, nanos(2015, 4, 1, 15, 15)])
    ends = known_at(starts, span=HOUR, label="start", calendar=NSE, zone="Asia/Kolkata")
    assert ends.tolist() == [OPEN + HOUR, nanos(2015, 4, 1, 15, 30)]


def test_an_end_label_is_known_at_once() -> None:
    ends = minutes(5)
    assert known_at(ends, span=MINUTE, label="end", calendar=NSE, zone="Asia/Kolkata").tolist() == ends.tolist()


def test_a_day_is_known_at_its_close() -> None:
    labels = np.array([nanos(2015, 4, 1), nanos(2015, 11, 11), nanos(2015, 4, 4)])
    ends = known_at(labels, span=DAY, label=None, calendar=NSE, zone="Asia/Kolkata")
    # The Muhurat hour of 2015 ended at 18:45; 4 April was a Saturday without a session.
    assert ends.tolist() == [nanos(2015, 4, 1, 15, 30), nanos(2015, 11, 11, 18, 45), nanos(2015, 4, 5)]


def test_a_day_of_a_coin_is_known_at_its_end() -> None:
    around_the_clock = calendar_for("CRYPTO", Segment.CRYPTO_SPOT)
    labels = np.array([nanos(2021, 1, 1, zone="UTC")])
    ends = known_at(labels, span=DAY, label=None, calendar=around_the_clock, zone="UTC")
    assert ends.tolist() == [nanos(2021, 1, 2, zone="UTC")]


def test_bars_say_how_they_are_labelled() -> None:
    ends = minutes(375)
    assert label_evidence(ends, NSE) == "end"
    assert label_evidence(ends - MINUTE, NSE) == "start"
    assert label_evidence(ends[50:100], NSE) is None
    assert label_evidence(np.append(ends, OPEN), NSE) is None
    assert contradiction(ends, label="end", calendar=NSE) is None
    assert "labelled by their end" in str(contradiction(ends, label="start", calendar=NSE))


def test_a_label_is_start_or_end() -> None:
    with pytest.raises(ConfigError, match="neither"):
        label_of("close")
