"""Write the weekday holidays and exceptional hours that pandas_market_calendars knows into the package.

Run by `make sessions`. The package reads the file instead of the library: importing that takes over a second. Years for
which the library lists no holiday yet are left out, so that they are refused instead of shown as all open.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pandas_market_calendars as market_calendars

from tradsys.reference.dated import read_table

FIRST = date(2005, 1, 1)
LAST = date(2030, 12, 31)
EXCHANGES = ("NSE", "BSE")
OUTPUT = Path(__file__).resolve().parent.parent / "tradsys" / "reference" / "data" / "sessions.csv"
COLUMNS = ("exchange", "kind", "date", "open", "close")
Row = tuple[str, str, str, str, str]


def schedule(exchange: str) -> dict[date, tuple[str, str]]:
    """Session dates of the library with opening and closing time in India."""
    table = market_calendars.get_calendar(exchange).schedule(FIRST, LAST)
    local = table.apply(lambda column: column.dt.tz_convert("Asia/Kolkata").dt.strftime("%H:%M"))
    days = pd.DatetimeIndex(table.index).date
    return dict(zip(days, zip(local["market_open"], local["market_close"], strict=True), strict=True))


def weekdays(first: date, last: date) -> Iterator[date]:
    """Mondays to Fridays from `first` to `last`."""
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day.weekday() < 5:
            yield day


def last_known_day(sessions: dict[date, tuple[str, str]]) -> date:
    """The end of the last year in which the library closes the market on some weekday."""
    holidays = [day for day in weekdays(FIRST, LAST) if day not in sessions]
    return date(max(holidays).year, 12, 31)


def regular_hours(day: date, exchange: str) -> tuple[str, str]:
    """Opening and closing time of an ordinary day, from our dated rows."""
    hours = read_table("hours", "exchange", "segment", "item")
    return hours.on(day, exchange, "equity", "open").value, hours.on(day, exchange, "equity", "close").value


def rows(exchange: str) -> Iterator[Row]:
    """The rows of one exchange: what is covered, what is closed, and (NSE) hours that are not the regular ones."""
    sessions = schedule(exchange)
    last = last_known_day(sessions)
    yield exchange, "first", FIRST.isoformat(), "", ""
    yield exchange, "last", last.isoformat(), "", ""
    for day in weekdays(FIRST, last):
        if day not in sessions:
            yield exchange, "closed", day.isoformat(), "", ""
        # the library gives BSE one set of hours for all years, so its hours say nothing
        elif exchange == "NSE" and sessions[day] != regular_hours(day, exchange):
            yield exchange, "hours", day.isoformat(), *sessions[day]


def main() -> None:
    """Write the file; the version of the library goes to standard output."""
    with OUTPUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for exchange in EXCHANGES:
            writer.writerows(rows(exchange))
    sys.stdout.write(f"{OUTPUT} from pandas_market_calendars {market_calendars.__version__}\n")


if __name__ == "__main__":
    main()
