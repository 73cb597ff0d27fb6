"""Sessions, hours, square-off and expiry typed in from exchange circulars and press, with real data beside them."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tradsys.core.instruments import Segment
from tradsys.reference.calendar import (
    Session,
    calendar_for,
    expiry_date,
    last_entry_at,
    square_off_at,
    weekly_expiry_date,
)

IST = timezone(timedelta(hours=5, minutes=30))
EQUITY = calendar_for("NSE", Segment.EQUITY)
AUCTION = calendar_for("NSE", Segment.EQUITY, closing_auction=True)
FUTURES = calendar_for("NFO", Segment.FUTURE)


def clock(at: int | None) -> str:
    assert at is not None
    return datetime.fromtimestamp(at // 10**9, UTC).astimezone(IST).strftime("%H:%M")


def hours(session: Session | None) -> tuple[str, str]:
    assert session is not None
    return clock(session.open), clock(session.close)


def nanoseconds(day: date, at: str) -> int:
    local = datetime.combine(day, time.fromisoformat(at), tzinfo=IST)
    return int(local.timestamp()) * 10**9


HOLIDAYS_2026 = """2026-01-15 2026-01-26 2026-03-03 2026-03-26 2026-03-31 2026-04-03 2026-04-14 2026-05-01 2026-05-28
2026-06-26 2026-09-14 2026-10-02 2026-10-20 2026-11-10 2026-11-24 2026-12-25"""


@pytest.mark.parametrize("exchange", ["NSE", "BSE", "NFO", "BFO"])
def test_weekday_holidays_of_2026_as_circulated(exchange: str) -> None:
    calendar = calendar_for(exchange, Segment.FUTURE if exchange in ("NFO", "BFO") else Segment.EQUITY)
    days = (date(2026, 1, 1) + timedelta(days=offset) for offset in range(365))
    closed = [day for day in days if day.weekday() < 5 and calendar.session(day) is None]
    assert closed == [date.fromisoformat(text) for text in HOLIDAYS_2026.split()]


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (date(2009, 12, 31), "09:55", "15:30"),
        (date(2010, 1, 4), "09:00", "15:30"),
        (date(2010, 10, 15), "09:00", "15:30"),
        (date(2010, 10, 18), "09:15", "15:30"),
        (date(2026, 11, 20), "09:15", "15:30"),
        # Muhurat, weekday and weekend
        (date(2012, 11, 13), "15:45", "17:00"),
        (date(2016, 10, 30), "18:30", "19:30"),
        (date(2019, 10, 27), "18:15", "19:15"),
        (date(2020, 11, 14), "18:15", "19:15"),
        (date(2023, 11, 12), "18:15", "19:15"),
        (date(2024, 11, 1), "18:00", "19:00"),
        (date(2025, 10, 21), "13:45", "14:45"),
        # weekend sessions
        (date(2015, 2, 28), "09:15", "15:30"),
        (date(2020, 2, 1), "09:15", "15:30"),
        (date(2024, 1, 20), "09:15", "15:30"),
        (date(2024, 3, 2), "09:15", "12:30"),
        (date(2024, 5, 18), "09:15", "12:30"),
        (date(2025, 2, 1), "09:15", "15:30"),
        (date(2026, 2, 1), "09:15", "15:30"),
    ],
)
def test_hours_by_date(day: date, opens: str, closes: str) -> None:
    for exchange in ("NSE", "BSE"):
        assert hours(calendar_for(exchange, Segment.EQUITY).session(day)) == (opens, closes)


@pytest.mark.parametrize("day", [date(2013, 11, 3), date(2026, 11, 8)])
def test_weekend_muhurat_whose_times_are_not_confirmed_is_a_session(day: date) -> None:
    session = EQUITY.session(day)
    assert session is not None
    assert session.name == "Muhurat"
    assert "unconfirmed" in session.source or "PROVISIONAL" in session.source


def test_closing_auction_from_3_august_2026() -> None:
    before, first = AUCTION.session(date(2026, 7, 31)), AUCTION.session(date(2026, 8, 3))
    assert before is not None
    assert first is not None
    assert hours(before) == ("09:15", "15:30")
    assert before.closing_auction is None
    assert hours(first) == ("09:15", "15:15")
    assert first.closing_auction is not None
    assert [clock(at) for at in first.closing_auction] == ["15:15", "15:35"]
    assert first.post_close is not None
    assert [clock(at) for at in first.post_close] == ["15:50", "16:00"]
    assert hours(EQUITY.session(date(2026, 8, 3))) == ("09:15", "15:30")


def test_derivatives_close_later_from_3_august_2026() -> None:
    assert hours(FUTURES.session(date(2026, 7, 31))) == ("09:15", "15:30")
    assert hours(FUTURES.session(date(2026, 8, 3))) == ("09:15", "15:40")


@pytest.mark.parametrize(
    ("day", "ends"), [(date(2026, 9, 4), "09:08"), (date(2026, 9, 7), "09:10"), (date(2015, 3, 2), "09:08")]
)
def test_pre_open_order_entry(day: date, ends: str) -> None:
    session = EQUITY.session(day)
    assert session is not None
    assert session.pre_open is not None
    assert [clock(at) for at in session.pre_open] == ["09:00", ends]


def test_outage_of_24_february_2021_is_a_break_on_nse_alone() -> None:
    nse, bse = EQUITY.session(date(2021, 2, 24)), calendar_for("BSE", Segment.EQUITY).session(date(2021, 2, 24))
    assert nse is not None
    assert bse is not None
    assert [(clock(start), clock(end)) for start, end in nse.breaks] == [("11:40", "15:45")]
    assert bse.breaks == ()
    assert clock(nse.close) == clock(bse.close) == "17:00"


@pytest.mark.parametrize(
    ("day", "segment", "auction", "flat", "last_entry"),
    [
        (date(2026, 7, 31), Segment.EQUITY, True, "15:20", "15:20"),
        (date(2026, 8, 3), Segment.EQUITY, True, "15:10", "15:05"),
        (date(2026, 8, 3), Segment.EQUITY, False, "15:20", "15:20"),
        (date(2015, 3, 2), Segment.EQUITY, False, "15:20", "15:20"),
        (date(2026, 8, 3), Segment.OPTION, False, "15:25", "15:25"),
        (date(2023, 11, 12), Segment.EQUITY, False, "19:05", "19:05"),
        (date(2024, 5, 18), Segment.EQUITY, False, "12:20", "12:20"),
    ],
)
def test_intraday_square_off(day: date, segment: Segment, auction: bool, flat: str, last_entry: str) -> None:
    session = calendar_for("NSE", segment, closing_auction=auction).session(day)
    assert session is not None
    assert clock(square_off_at(session, segment, auction)) == flat
    assert clock(last_entry_at(session, segment, auction)) == last_entry


@pytest.mark.parametrize(
    ("exchange", "year", "month", "day"),
    [
        ("NSE", 2015, 1, 29),
        ("NSE", 2021, 2, 25),
        ("NFO", 2024, 3, 28),
        ("NSE", 2025, 8, 28),
        ("NSE", 2025, 9, 30),
        ("NSE", 2025, 12, 30),
        # 31 Mar 2026 and 24 Nov 2026 are Tuesday holidays: the session before
        ("NSE", 2026, 3, 30),
        ("NSE", 2026, 11, 23),
        ("BSE", 2024, 12, 27),
        ("BFO", 2025, 1, 28),
        ("BSE", 2025, 9, 25),
    ],
)
def test_monthly_index_expiry(exchange: str, year: int, month: int, day: int) -> None:
    assert expiry_date(exchange, "index", year, month) == date(year, month, day)


@pytest.mark.parametrize(
    ("on", "expiry"),
    [
        (date(2025, 8, 28), date(2025, 8, 28)),
        # the rule changes from Thursday to Tuesday between the two
        (date(2025, 8, 29), date(2025, 9, 2)),
        (date(2026, 11, 20), date(2026, 11, 23)),
        (date(2026, 3, 3), date(2026, 3, 10)),
    ],
)
def test_weekly_nifty_expiry(on: date, expiry: date) -> None:
    assert weekly_expiry_date("NSE", on) == expiry


def test_the_2015_index_minutes_lie_in_our_sessions(shared_data: Path) -> None:
    table = pq.read_table(shared_data / "india/nse_1min_mit/NIFTY_1min_2015.parquet", columns=["date", "time"])
    days = {date(number // 10000, number // 100 % 100, number % 100) for number in pc.unique(table["date"]).to_pylist()}
    ours = {session.date for session in EQUITY.sessions(date(2015, 1, 1), date(2015, 12, 31))}
    # the file says 247 sessions in its own notes
    assert len(days) == 247
    # all but the Muhurat hour, which it leaves out; the Saturday of the Union Budget is there
    assert ours - days == {date(2015, 11, 11)}
    assert days - ours == set()


@pytest.mark.parametrize("symbol", ["HDFCBANK", "TCS"])
def test_daily_files_of_2017_to_2022_agree_with_our_sessions(shared_data: Path, symbol: str) -> None:
    table = pyarrow.csv.read_csv(
        shared_data / f"india/daily_2017_2022/{symbol}.csv.gz",
        read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types={"f0": "string"}),
    )
    days = {datetime.strptime(text, "%d%m%y").date() for text in table["f0"].to_pylist()}
    ours = {session.date for session in EQUITY.sessions(min(days), max(days))}
    assert days - ours == set()
    # two days that every one of the ten files lacks
    assert ours - days == {date(2018, 1, 2), date(2021, 8, 10)}


def test_the_nifty_file_of_2023_to_2025_has_exactly_our_sessions(shared_data: Path) -> None:
    path = shared_data / "india/index/NIFTY50_2023_2025.csv"
    with path.open(newline="", encoding="utf-8-sig") as file:
        days = {datetime.strptime(row["Date"], "%d %b %Y").date() for row in csv.DictReader(file)}
    assert {session.date for session in EQUITY.sessions(min(days), max(days))} == days
    assert len(days) == 647
    # Saturdays and Sundays that the market was open
    assert {day for day in days if day.weekday() >= 5} == {
        date(2023, 11, 12),
        date(2024, 1, 20),
        date(2024, 3, 2),
        date(2024, 5, 18),
        date(2025, 2, 1),
    }


def test_the_minutes_of_2024_lie_in_our_sessions(shared_data: Path) -> None:
    table = pq.read_table(shared_data / "india/minute/INFY-EQ_1min_2024-04_2025-04.parquet", columns=["timestamp"])
    starts = table["timestamp"].cast("int64").to_numpy()
    outside = EQUITY.outside(starts)
    assert not outside.any()
    index = EQUITY.session_index(starts)
    assert len(np.unique(index)) == 248
    drill = EQUITY.session(date(2024, 5, 18))
    assert drill is not None
    # 45 minutes before the switch to the other site, 60 after it
    assert int(((starts >= drill.open) & (starts < drill.close)).sum()) == 105


def test_regular_day_is_outside_before_the_open_and_from_the_close_on() -> None:
    day = date(2026, 11, 20)
    times = np.array([nanoseconds(day, text) for text in ("09:14", "09:15", "15:29", "15:30")], dtype=np.int64)
    assert EQUITY.outside(times).tolist() == [True, False, False, True]
