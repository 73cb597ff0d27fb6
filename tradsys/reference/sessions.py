"""One trading day of an exchange segment, built from the generated holidays, our dated overlay and the dated hours.

Files: `data/sessions.csv` (written by `make sessions` from pandas_market_calendars), `data/overlay.csv` (ours, wins),
`data/hours.csv`. All times in them are exchange time, UTC+05:30 (India keeps no summer time).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradsys.core.units import DAY, MINUTE
from tradsys.reference.dated import DATA, DatedTable, read_table

INDIA_OFFSET = 330 * MINUTE
EPOCH = date(1970, 1, 1).toordinal()
GENERATED_SOURCE = "pandas_market_calendars 5.5.0"
NO_CLOCK = -1
Window = tuple[int, int]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One trading day; instants in UTC nanoseconds, windows half open.

    Continuous trading runs from `open` to `close` without the `breaks`; `end` is the end of the closing auction, or
    `close` without one. `pre_open` is order entry only. `name` is empty for a regular day; `special` days have hours of
    their own.
    """

    date: date
    open: int
    close: int
    pre_open: Window | None = None
    closing_auction: Window | None = None
    post_close: Window | None = None
    breaks: tuple[Window, ...] = ()
    name: str = ""
    special: bool = False
    source: str = GENERATED_SOURCE

    @property
    def end(self) -> int:
        """When the last trade at a price of its own can happen."""
        return self.closing_auction[1] if self.closing_auction else self.close

    def trades_at(self, at: int) -> bool:
        """Whether continuous trading is on."""
        return self.open <= at < self.close and not any(start <= at < end for start, end in self.breaks)


class SpecialDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day that is not like others: `hours` None keeps the regular ones, `closed` has no session."""

    closed: bool
    hours: tuple[str, str] | None
    breaks: str
    name: str
    source: str


class MarketDays(msgspec.Struct, frozen=True, kw_only=True):
    """Days since 1970 with a session, sorted; the covered range; the special days among them."""

    first: int
    last: int
    days: NDArray[np.int64]
    special: dict[int, SpecialDay]


def days_since_epoch(day: date) -> int:
    """Days from 1 Jan 1970."""
    return day.toordinal() - EPOCH


def to_date(days: int) -> date:
    """The date that many days after 1 Jan 1970."""
    return date.fromordinal(days + EPOCH)


def instant(days: int, clock: str) -> int:
    """UTC nanoseconds of a time of day in India, `HH:MM`."""
    hour, minute = clock.split(":")
    return days * DAY + (60 * int(hour) + int(minute)) * MINUTE - INDIA_OFFSET


def hours_table() -> DatedTable:
    """Regular hours, keyed (exchange, segment, item); a blank value says that there is no such phase."""
    return read_table("hours", "exchange", "segment", "item")


@cache
def market_days(*, exchange: str, segment: str) -> MarketDays:
    """Sessions of an Indian exchange's `equity` or `derivative` segment."""
    lines = [line for line in _lines("sessions") if line["exchange"] == exchange]
    bounds = {line["kind"]: days_since_epoch(date.fromisoformat(line["date"])) for line in lines}
    generated = (line for line in lines if line["kind"] in ("closed", "hours"))
    special = dict(_special_days(generated)) | dict(_special_days(_overlay(exchange, segment)))
    return MarketDays(
        first=bounds["first"],
        last=bounds["last"],
        days=_open_days(bounds["first"], bounds["last"], special),
        special={day: row for day, row in special.items() if not row.closed},
    )


def _lines(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _overlay(exchange: str, segment: str) -> Iterator[dict[str, str]]:
    for line in _lines("overlay"):
        if exchange in line["exchange"].split("|") and segment in line["segment"].split("|"):
            yield line


def _special_days(lines: Iterable[dict[str, str]]) -> Iterator[tuple[int, SpecialDay]]:
    for line in lines:
        yield (
            days_since_epoch(date.fromisoformat(line["date"])),
            SpecialDay(
                closed=line["kind"] == "closed",
                hours=(line["open"], line["close"]) if line["open"] else None,
                breaks=line.get("breaks", ""),
                name=line.get("name", ""),
                source=line.get("source", GENERATED_SOURCE),
            ),
        )


def _open_days(first: int, last: int, by_day: dict[int, SpecialDay]) -> NDArray[np.int64]:
    every = np.arange(first, last + 1, dtype=np.int64)
    # 1 Jan 1970 was a Thursday: Monday is 0
    is_open = (every + 3) % 7 < 5
    for day, row in by_day.items():
        is_open[day - first] = not row.closed
    return every[is_open]


def build_session(days: int, *, exchange: str, segment: str, closing_auction: bool) -> Session:
    """The session on a day that is known to have one."""
    row = market_days(exchange=exchange, segment=segment).special.get(days)
    if row is None or row.hours is None:
        return _regular(days, exchange=exchange, segment=segment, closing_auction=closing_auction, row=row)
    return Session(
        date=to_date(days),
        open=instant(days, row.hours[0]),
        close=instant(days, row.hours[1]),
        breaks=_breaks(days, row.breaks),
        name=row.name,
        special=True,
        source=row.source,
    )


def _breaks(days: int, text: str) -> tuple[Window, ...]:
    parts = (part.split("-") for part in text.split() if part)
    return tuple((instant(days, start), instant(days, end)) for start, end in parts)


def _regular(days: int, *, exchange: str, segment: str, closing_auction: bool, row: SpecialDay | None) -> Session:
    auction = _window(days, exchange, segment, "auction_open", "auction_end") if closing_auction else None
    return Session(
        date=to_date(days),
        open=_clock(days, exchange, segment, "open"),
        close=auction[0] if auction else _clock(days, exchange, segment, "close"),
        pre_open=_window(days, exchange, segment, "pre_open", "pre_open_end"),
        closing_auction=auction,
        post_close=_window(days, exchange, segment, "post_close", "post_close_end"),
        name=row.name if row else "",
        source=row.source if row else GENERATED_SOURCE,
    )


def _clock(days: int, exchange: str, segment: str, item: str) -> int:
    return instant(days, hours_table().on(to_date(days), exchange, segment, item).value)


def _window(days: int, exchange: str, segment: str, start: str, end: str) -> Window | None:
    day = to_date(days)
    rows = [_row_value(hours_table(), day, (exchange, segment, item)) for item in (start, end)]
    return (instant(days, rows[0]), instant(days, rows[1])) if all(rows) else None


def _row_value(table: DatedTable, day: date, key: tuple[str, ...]) -> str:
    in_force = (row.value for row in table.history(*key) if row.effective_from <= day < row.until)
    return next(in_force, "")


def clock_column(days: NDArray[np.int64], keys: Iterable[str]) -> NDArray[np.int64]:
    """Instants of a regular clock time (a key of `hours_table`) on many days at once; `NO_CLOCK` where it has none."""
    rows = hours_table().history(*keys)
    since = np.array([days_since_epoch(row.effective_from) for row in rows], dtype=np.int64)
    clocks = np.array([instant(0, row.value) if row.value else NO_CLOCK for row in rows], dtype=np.int64)
    times = clocks[np.searchsorted(since, days, side="right") - 1]
    return np.where(times == NO_CLOCK, NO_CLOCK, times + days * DAY)
