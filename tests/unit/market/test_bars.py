"""Resampling at the session's open, and bars from ticks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.market.made import NSE, OPEN, minutes, nanos, series_of
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.units import DAY, HOUR, MINUTE, SECOND
from tradsys.market.bars import resample, unfinished_of
from tradsys.market.tick_bars import ThresholdBars, TimeBars, Trade


def test_an_hourly_day_counts_from_the_open_and_ends_at_the_close() -> None:
    bars = resample(series_of(minutes(375), close=np.arange(1.0, 376.0)), "1h", calendar=NSE)
    clocks = [(10, 15), (11, 15), (12, 15), (13, 15), (14, 15), (15, 15), (15, 30)]
    assert bars.at.tolist() == [nanos(2015, 4, 1, *clock) for clock in clocks]
    assert bars.volume.tolist() == [60.0] * 6 + [15.0]
    assert bars.open[:2].tolist() == [1.0, 61.0]
    assert bars.close[-2:].tolist() == [360.0, 375.0]
    assert bars.span == HOUR


def test_special_sessions_have_their_own_open() -> None:
    muhurat = nanos(2024, 11, 1, 18)
    bars = resample(series_of(minutes(60, start=muhurat)), "15m", calendar=NSE)
    assert bars.at.tolist() == (muhurat + 15 * MINUTE * np.arange(1, 5)).tolist()


def test_a_pause_is_an_edge() -> None:
    # 2024-05-18: 09:15-10:00 and 11:30-12:30.
    day = [nanos(2024, 5, 18, 9, 15), nanos(2024, 5, 18, 11, 30)]
    at = np.concatenate([minutes(45, start=day[0]), minutes(60, start=day[1])])
    hourly = resample(series_of(at), "1h", calendar=NSE)
    assert hourly.at.tolist() == [nanos(2024, 5, 18, 10), nanos(2024, 5, 18, 12, 30)]
    assert hourly.volume.tolist() == [45.0, 60.0]
    daily = resample(series_of(at), "1d", calendar=NSE)
    assert daily.at.tolist() == [nanos(2024, 5, 18, 12, 30)]
    assert daily.volume.tolist() == [105.0]


def test_a_day_is_a_session() -> None:
    at = np.concatenate([minutes(375), minutes(375, start=nanos(2015, 4, 6, 9, 15))])
    bars = resample(series_of(at), "1d", calendar=NSE)
    assert bars.at.tolist() == [nanos(2015, 4, 1, 15, 30), nanos(2015, 4, 6, 15, 30)]
    assert bars.span == DAY


def test_an_unfinished_last_bar_is_dropped_with_a_note_or_kept() -> None:
    series = series_of(minutes(22))
    dropped = resample(series, "15m", calendar=NSE)
    assert dropped.volume.tolist() == [15.0]
    assert "not finished" in dropped.notes[-1]
    assert resample(series, "15m", calendar=NSE, unfinished="keep").volume.tolist() == [15.0, 7.0]
    with pytest.raises(ConfigError, match="unknown rule"):
        unfinished_of("guess")


def test_what_cannot_be_resampled_is_refused() -> None:
    series = series_of(minutes(30))
    with pytest.raises(ConfigError, match="do not add up"):
        resample(series_of(OPEN + 5 * MINUTE * np.arange(1, 4), span=5 * MINUTE), "1m", calendar=NSE)
    with pytest.raises(ConfigError, match="do not add up"):
        resample(series_of(OPEN + 2 * MINUTE * np.arange(1, 4), span=2 * MINUTE), "15m", calendar=NSE)
    with pytest.raises(DataError, match="outside the sessions"):
        resample(series_of(np.append(minutes(3), nanos(2015, 4, 2, 10))), "5m", calendar=NSE)
    with pytest.raises(DataError, match="across an edge"):
        resample(series_of(OPEN + 5 * MINUTE * np.arange(1, 9) + MINUTE, span=5 * MINUTE), "15m", calendar=NSE)
    assert len(series) == 30


def trade(second: float, price: float = 100.0, quantity: float = 1.0) -> Trade:
    return Trade(OPEN + int(second * SECOND), price, quantity)


def time_bars() -> TimeBars:
    return TimeBars("X", interval="1m", opens=OPEN, closes=nanos(2015, 4, 1, 15, 30))


def test_a_minute_is_complete_when_a_later_tick_or_the_clock_says_so() -> None:
    bars = time_bars()
    assert bars.add(trade(0, 10)) is None
    assert bars.add(trade(59.9, 12, 2)) is None
    first = bars.add(trade(60, 11))
    assert first is not None
    assert (first.at, first.open, first.high, first.low, first.close, first.volume) == (
        OPEN + MINUTE, 10, 12, 10, 12, 3,
    )  # fmt: skip
    assert bars.advance(OPEN + 119 * SECOND) is None
    second = bars.advance(OPEN + 2 * MINUTE)
    assert second is not None and second.close == 11


def test_a_late_tick_is_kept_apart_and_a_disordered_one_counts() -> None:
    bars = time_bars()
    bars.add(trade(70, 10))
    bars.add(trade(65, 12))
    late = trade(30, 99)
    assert bars.add(late) is None
    assert bars.late == [late]
    bar = bars.advance(OPEN + 2 * MINUTE)
    assert bar is not None
    assert (bar.open, bar.high, bar.close) == (12, 12, 10)


def test_ticks_outside_the_session_are_kept_apart_and_the_close_belongs_to_the_last_bar() -> None:
    close = nanos(2015, 4, 1, 15, 30)
    bars = TimeBars("X", interval="1h", opens=OPEN, closes=close)
    early, after = trade(-1), Trade(close + 1, 100.0, 1.0)
    bars.add(early)
    bars.add(Trade(nanos(2015, 4, 1, 15, 20), 10.0, 1.0))
    assert bars.add(Trade(close, 11.0, 1.0)) is None
    bars.add(after)
    assert bars.outside == [early, after]
    last = bars.advance(close)
    assert last is not None and (last.at, last.close, last.volume) == (close, 11.0, 2.0)
    bars.add(Trade(close, 12.0, 1.0))
    assert bars.late == [Trade(close, 12.0, 1.0)]


def test_threshold_bars_never_split_a_trade() -> None:
    bars = ThresholdBars("X", measure="volume", size=10)
    assert bars.add(trade(1, 10, 6)) is None
    full = bars.add(trade(2, 11, 9))
    assert full is not None and full.volume == 15
    dollars = ThresholdBars("X", measure="dollar", size=100)
    assert dollars.add(trade(1, 10, 9)) is None
    assert dollars.add(trade(2, 10, 1)) is not None


def test_threshold_bars_keep_late_ticks_apart() -> None:
    bars = ThresholdBars("X", measure="tick", size=2)
    bars.add(trade(5))
    assert bars.add(trade(6)) is not None
    bars.add(trade(5.5))
    assert bars.late == [trade(5.5)]
    assert bars.finish() is None


@pytest.mark.parametrize("bad", [trade(1, 0.0), trade(1, float("nan")), trade(1, 1.0, -1.0), trade(1, float("inf"))])
def test_impossible_ticks_are_refused(bad: Trade) -> None:
    with pytest.raises(DataError, match="cannot be traded on"):
        time_bars().add(bad)
    with pytest.raises(ConfigError, match="no such bars"):
        ThresholdBars("X", measure="tick", size=0)
