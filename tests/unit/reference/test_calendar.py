"""The calendar's own laws: bounds are refused, single and vectorised answers agree, the tables are sound."""

from __future__ import annotations

import csv
import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from tradsys.core.errors import UncoveredDate, UnknownName
from tradsys.core.instruments import Segment
from tradsys.core.units import DAY, HOUR, MINUTE
from tradsys.reference.calendar import calendar_for, expiry_date, last_entry_at, square_off_at, weekly_expiry_date
from tradsys.reference.dated import DATA

CALENDARS = [
    calendar_for("NSE", Segment.EQUITY),
    calendar_for("BSE", Segment.EQUITY, closing_auction=True),
    calendar_for("NFO", Segment.OPTION),
]
CRYPTO = calendar_for("CRYPTO", Segment.CRYPTO_SPOT)


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda calendar: calendar.name)
def test_sessions_are_in_order_and_hold_their_phases(calendar: object) -> None:
    sessions = CALENDARS[CALENDARS.index(calendar)].sessions(date(2005, 1, 1), date(2026, 12, 31))  # type: ignore[arg-type]
    assert len(sessions) > 5400
    for session in sessions:
        assert session.open < session.close <= session.end
        assert session.source
        assert all(session.open < start < end < session.close for start, end in session.breaks)
        if session.pre_open:
            assert session.pre_open[0] < session.pre_open[1] < session.open
        if session.post_close:
            assert session.end < session.post_close[0] < session.post_close[1]
    assert all(before.end < after.open and before.date < after.date for before, after in pairwise(sessions))


def test_one_instant_and_many_give_the_same_answers() -> None:
    calendar = calendar_for("NSE", Segment.EQUITY, closing_auction=True)
    start = calendar.sessions(date(2024, 5, 13), date(2024, 5, 13))[0].open - HOUR
    times = np.arange(start, start + 9 * DAY, 7 * MINUTE, dtype=np.int64)
    index, opens, outside = calendar.session_index(times), calendar.session_opens(times), calendar.outside(times)
    for number, at in enumerate(times.tolist()):
        session = calendar.session_at(at)
        assert (session is None) == (index[number] == -1)
        assert opens[number] == (session.open if session else -1)
        assert outside[number] == (not calendar.is_open(at))
    # Monday to Friday, the Saturday drill and the Monday holiday of 20 May left out, Tuesday
    assert len(np.unique(index[index >= 0])) == 7


def test_auction_counts_as_session_but_not_as_continuous_trading() -> None:
    calendar = calendar_for("NSE", Segment.EQUITY, closing_auction=True)
    session = calendar.session(date(2026, 11, 20))
    assert session is not None
    assert session.closing_auction is not None
    during = session.closing_auction[0]
    assert calendar.session_at(during) == session
    assert not calendar.is_open(during)
    assert calendar.session_at(session.end) is None


def test_next_open_and_previous_session_step_over_holidays() -> None:
    calendar = calendar_for("NSE", Segment.EQUITY)
    # Tuesday 24 Nov 2026 is a holiday
    monday, wednesday = calendar.session(date(2026, 11, 23)), calendar.session(date(2026, 11, 25))
    assert monday is not None
    assert wednesday is not None
    assert calendar.next_open(monday.open) == wednesday.open
    assert calendar.next_open(monday.open - 1) == monday.open
    assert calendar.previous_session(date(2026, 11, 25)) == monday


@pytest.mark.parametrize("day", [date(2004, 12, 31), date(2027, 1, 1)])
def test_dates_beyond_the_table_are_refused(day: date) -> None:
    calendar = calendar_for("NSE", Segment.EQUITY)
    at = (day - date(1970, 1, 1)).days * DAY + 6 * HOUR
    for ask in (
        lambda: calendar.session(day),
        lambda: calendar.session_at(at),
        lambda: calendar.session_index(np.array([at], dtype=np.int64)),
        lambda: calendar.next_open(at),
        lambda: calendar.sessions(day, day),
        lambda: calendar.previous_session(day),
    ):
        with pytest.raises(UncoveredDate, match="2005-01-01 to 2026-12-31"):
            ask()


def test_no_session_follows_the_last_or_precedes_the_first() -> None:
    calendar = calendar_for("NSE", Segment.EQUITY)
    last = calendar.sessions(date(2026, 12, 1), date(2026, 12, 31))[-1]
    with pytest.raises(UncoveredDate):
        calendar.next_open(last.open)
    with pytest.raises(UncoveredDate):
        calendar.previous_session(date(2005, 1, 1))


def test_unknown_exchanges_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'NSE'"):
        calendar_for("NSEE", Segment.EQUITY)
    with pytest.raises(UnknownName):
        expiry_date("NASDAQ", "index", 2026, 1)
    with pytest.raises(UncoveredDate):
        expiry_date("BSE", "index", 2015, 1)
    with pytest.raises(UncoveredDate):
        weekly_expiry_date("NSE", date(2015, 1, 1))


def test_crypto_is_one_session_a_utc_day() -> None:
    day = date(2026, 11, 22)
    start = (day - date(1970, 1, 1)).days * DAY
    session = CRYPTO.session(day)
    assert session is not None
    assert (session.open, session.close) == (start, start + DAY)
    times = np.array([start - 1, start, start + DAY - 1, start + DAY], dtype=np.int64)
    assert np.diff(CRYPTO.session_index(times)).tolist() == [1, 0, 1]
    assert CRYPTO.session_opens(times).tolist() == [start - DAY, start, start, start + DAY]
    assert not CRYPTO.outside(times).any()
    assert CRYPTO.is_open(start)
    assert CRYPTO.next_open(start) == start + DAY
    assert CRYPTO.session_at(start - 1) == CRYPTO.previous_session(day)
    assert len(CRYPTO.sessions(day, day + timedelta(days=6))) == 7
    assert square_off_at(session, Segment.CRYPTO_PERPETUAL) is None
    assert last_entry_at(session, Segment.CRYPTO_SPOT) is None
    assert calendar_for("BINANCE", Segment.CRYPTO_SPOT) is CRYPTO


def test_overlay_agrees_with_every_odd_hour_the_library_knows() -> None:
    with (DATA / "sessions.csv").open(newline="") as file:
        generated = {(row["date"], row["open"], row["close"]) for row in csv.DictReader(file) if row["kind"] == "hours"}
    with (DATA / "overlay.csv").open(newline="") as file:
        ours = {(row["date"], row["open"], row["close"]) for row in csv.DictReader(file) if "NSE" in row["exchange"]}
    assert len(generated) >= 15
    assert generated <= ours


def test_the_calendar_loads_without_the_libraries_it_was_made_from() -> None:
    code = (
        "import sys; from tradsys.core.instruments import Segment; from tradsys.reference.calendar import calendar_for;"
        "calendar_for('NSE', Segment.EQUITY);"
        "print([name for name in ('pandas', 'pandas_market_calendars', 'pyarrow', 'numba') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
