"""When an exchange's trades settle and what an undelivered share costs. Rows: `data/settlement.csv`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Protocol

from tradsys.core.errors import UncoveredDate, UnknownName
from tradsys.reference.dated import DatedTable, read_table
from tradsys.reference.sessions import Session

_PARENT = {"NFO": "NSE", "BFO": "BSE"}
_LONGEST_BREAK = 20


class SessionDays(Protocol):
    """What settlement asks of a calendar (`tradsys.reference.calendar`)."""

    def session(self, day: date) -> Session | None:
        """The session of a date, or None."""


def _table() -> DatedTable:
    return read_table("settlement", "exchange", "item")


def sessions_to_settle(exchange: str, on: date) -> int:
    """Sessions from trade to settlement in force on a trade date: 1 is T+1, 0 delivers at the trade.

    Raises `UnknownName`, `UncoveredDate`.
    """
    known = {key[0] for key in _table().all_keys()}
    parent = _PARENT.get(exchange, exchange)
    if parent not in known:
        raise UnknownName("exchange", exchange, known | set(_PARENT), where="the settlement cycles")
    return int(_table().on(on, parent, "sessions_to_settle", fix="choose later dates").value)


def close_out_percent(exchange: str, on: date) -> int | None:
    """Percent above the settlement price that an undelivered share is closed out at; None without a rule."""
    rows = _table().history(_PARENT.get(exchange, exchange), "close_out_percent")
    in_force = [int(row.value) for row in rows if row.effective_from <= on < row.until]
    return in_force[0] if in_force else None


def next_session(calendar: SessionDays, after: date) -> date:
    """The first session date after a date. Raises `UncoveredDate` where the calendar ends."""
    for offset in range(1, _LONGEST_BREAK):
        day = after + timedelta(days=offset)
        if calendar.session(day) is not None:
            return day
    raise UncoveredDate(
        f"no session within {_LONGEST_BREAK} days of {after}",
        value=after.isoformat(),
        limit=_LONGEST_BREAK,
        fix="use a calendar that covers the dates",
    )


def settlement_date(exchange: str, calendar: SessionDays, *, traded: date) -> date:
    """The session on which trades of a date are paid and delivered. Raises as the functions above."""
    day = traded
    for _ in range(sessions_to_settle(exchange, traded)):
        day = next_session(calendar, day)
    return day
