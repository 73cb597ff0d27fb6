"""The phases of a trading day, from order entry to the last trade at the closing price, as dated rows.

Files: `data/phases.csv`, `data/venues.csv` (time zone and trading weekdays), `data/reference_windows.csv`. A start or
an end is a time of day at the venue, or names a bound of the `Session` (`data/hours.csv`), so that a time stands once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
import numpy as np

from tradsys.core.errors import UncoveredDate, UnknownName
from tradsys.core.events import Word
from tradsys.core.instruments import Segment
from tradsys.core.matching import BookPhase
from tradsys.core.units import DAY, HOUR, MINUTE
from tradsys.reference.calendar import calendar_for
from tradsys.reference.clock import to_utc
from tradsys.reference.dated import DatedRow, DatedTable, read_table
from tradsys.reference.sessions import Session, days_since_epoch


class Market(NamedTuple):
    """What the tables are keyed by.

    Kinds: `equity`, `closing_auction` (shares that close by auction), `index future`, `stock future`, `option`,
    `currency`, `commodity`, `international agri`, `agri`, `crypto`.
    """

    exchange: str
    kind: str


class Duty(Word):
    """What is done once when a phase begins or ends."""

    CANCEL_STOPS = "cancel_stops"
    CANCEL_DISPLAYED = "cancel_displayed"
    BAND_AUCTION = "band_auction"
    BAND_AUCTION_CANCEL = "band_auction_cancel"
    BAND_CLOSE = "band_close"
    UNCROSS_RELEASE = "uncross_release"
    UNCROSS_CANCEL_MARKET = "uncross_cancel_market"
    UNCROSS_CANCEL_ALL = "uncross_cancel_all"
    EXPIRE_DAY = "expire_day"


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of one day, UTC nanoseconds, half open.

    Where `random_from` is set, it ends at a random instant from there to `end`.
    """

    name: str
    start: int
    end: int
    phase: BookPhase
    random_from: int | None = None
    at_start: tuple[Duty, ...] = ()
    at_end: tuple[Duty, ...] = ()


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """How long before its instant a price is averaged over, nanoseconds; 0: the last trade instead.

    `auction`: the reference price of a closing auction; `close`: the closing price where no auction found one.
    """

    auction: int
    close: int


def clock_time(text: str) -> int:
    """Nanoseconds after midnight of `HH:MM`, `24:00` included."""
    hour, minute = text.split(":")
    return int(hour) * HOUR + int(minute) * MINUTE


def day_bounds(exchange: str, on: date) -> tuple[int, int]:
    """Midnight to midnight of a date at the venue, UTC nanoseconds. Raises `UnknownName`, `UncoveredDate`."""
    zone = _venue(exchange, on).value
    return _instant(on, 0, zone), _instant(on + timedelta(days=1), 0, zone)


def day_phases(market: Market, on: date) -> tuple[Phase, ...]:
    """The phases of a date, oldest first, gaps between them closed; none on a day without a session.

    A session with hours of its own (Muhurat, drills) is continuous trading alone. Raises `UnknownName`,
    `UncoveredDate`.
    """
    exchange, kind = market
    venue = _venue(exchange, on)
    rows = _rows(exchange, kind, on)
    if str(on.weekday()) not in venue.fields["weekdays"].split() and exchange not in _WITH_CALENDAR:
        return ()
    if exchange not in _WITH_CALENDAR:
        return _ordered(_phase(row, on, venue.value, {}) for row in rows)
    session = _session(exchange, kind, on)
    if session is None:
        return ()
    if session.special:
        return _special(session)
    return _ordered(_phase(row, on, venue.value, _bounds(session)) for row in rows)


def windows(market: Market, on: date) -> Windows:
    """The averaging windows of a kind on a date; the last trade where no row holds."""
    return Windows(auction=_window(*market, "auction", on), close=_window(*market, "close", on))


_WITH_CALENDAR = frozenset({"NSE", "BSE"})
_SEGMENTS = {
    "equity": Segment.EQUITY,
    "closing_auction": Segment.EQUITY,
    "index future": Segment.FUTURE,
    "stock future": Segment.FUTURE,
    "option": Segment.OPTION,
}


def _table() -> DatedTable:
    return read_table("phases", "exchange", "kind", "step")


def _venue(exchange: str, on: date) -> DatedRow:
    table = read_table("venues", "exchange")
    if not table.history(exchange):
        raise UnknownName("exchange", exchange, [key[0] for key in table.all_keys()], where="the phases of the day")
    return table.on(on, exchange, fix="choose later dates")


def _rows(exchange: str, kind: str, on: date) -> list[DatedRow]:
    known = [key for key in _table().all_keys() if key[:2] == (exchange, kind)]
    if not known:
        kinds = {key[1] for key in _table().all_keys() if key[0] == exchange}
        raise UnknownName("kind", kind, kinds, where=f"the phases of {exchange}")
    rows = [row for key in known for row in _table().history(*key)]
    in_force = [row for row in rows if row.effective_from <= on < row.until]
    if not in_force:
        first = min(row.effective_from for row in rows)
        raise UncoveredDate(
            f"no phases of {exchange} {kind} on {on}", value=on.isoformat(), limit=first, fix=f"covered from {first}"
        )
    return in_force


def _session(exchange: str, kind: str, on: date) -> Session | None:
    return calendar_for(exchange, _SEGMENTS[kind], closing_auction=kind == "closing_auction").session(on)


def _bounds(session: Session) -> dict[str, int]:
    bounds = {"open": session.open, "close": session.close}
    named = ("pre_open", session.pre_open), ("post_close", session.post_close)
    for name, window in named:
        if window is not None:
            bounds |= {name: window[0], f"{name}_end": window[1]}
    return bounds


def _phase(row: DatedRow, on: date, zone: str, bounds: dict[str, int]) -> Phase | None:
    """The phase of a row, None where the day has not the bound that it names."""
    cells = row.fields
    times = {item: _time(cells[item], on, zone, bounds) for item in ("start", "end")}
    if times["start"] is None or times["end"] is None:
        return None
    return Phase(
        name=cells["step"],
        start=times["start"],
        end=times["end"],
        phase=BookPhase[cells["phase"].upper()],
        random_from=_time(cells["random_from"], on, zone, bounds),
        at_start=tuple(Duty(duty) for duty in cells["at_start"].split()),
        at_end=tuple(Duty(duty) for duty in cells["at_end"].split()),
    )


def _time(cell: str, on: date, zone: str, bounds: dict[str, int]) -> int | None:
    if ":" not in cell:
        return bounds.get(cell)
    return _instant(on, clock_time(cell), zone)


def _instant(on: date, clock: int, zone: str) -> int:
    local = np.array([days_since_epoch(on) * DAY + clock], dtype=np.int64)
    return int(to_utc(local, zone)[0])


def _ordered(phases: Iterable[Phase | None]) -> tuple[Phase, ...]:
    return tuple(sorted((phase for phase in phases if phase is not None), key=lambda phase: phase.start))


def _special(session: Session) -> tuple[Phase, ...]:
    starts = [session.open, *(end for _, end in session.breaks)]
    ends = [*(start for start, _ in session.breaks), session.close]
    pieces = [
        Phase(name="continuous", start=start, end=end, phase=BookPhase.CONTINUOUS)
        for start, end in zip(starts, ends, strict=True)
    ]
    return (*pieces[:-1], msgspec.structs.replace(pieces[-1], at_end=(Duty.EXPIRE_DAY,)))


def _window(exchange: str, kind: str, item: str, on: date) -> int:
    rows = read_table("reference_windows", "exchange", "kind", "item").history(exchange, kind, item)
    return next((int(row.value) * MINUTE for row in rows if row.effective_from <= on < row.until), 0)
