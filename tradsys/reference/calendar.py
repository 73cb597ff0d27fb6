"""When markets trade: sessions of NSE, BSE and their derivatives, crypto round the clock, square-off and expiry days.

Instants are int UTC nanoseconds, dates are `datetime.date` in exchange time (crypto: UTC). Tables and their sources:
`docs/calendar.md`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import InvariantBroken, UncoveredDate, UnknownName
from tradsys.core.instruments import Segment
from tradsys.core.units import DAY, MINUTE
from tradsys.reference.dated import read_table
from tradsys.reference.sessions import (
    INDIA_OFFSET,
    NO_CLOCK,
    Session,
    build_session,
    clock_column,
    days_since_epoch,
    instant,
    market_days,
    to_date,
)

__all__ = ["Calendar", "ExchangeCalendar", "RoundTheClock", "Session", "calendar_for", "expiry_date", "square_off_at"]

Times = NDArray[np.int64]
_PARENT = {"NSE": "NSE", "BSE": "BSE", "NFO": "NSE", "BFO": "BSE"}
_DERIVATIVES = frozenset({Segment.FUTURE, Segment.OPTION})
_CRYPTO = frozenset({Segment.CRYPTO_SPOT, Segment.CRYPTO_PERPETUAL})
_TWO_WEEKS = 14
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


class Calendar(Protocol):
    """Sessions of one segment. Dates and instants outside what is known raise `UncoveredDate`."""

    name: str

    def session(self, day: date) -> Session | None:
        """The session of a date, or None when the market is closed that day."""

    def sessions(self, first: date, last: date) -> list[Session]:
        """Sessions from `first` to `last`, both included, oldest first."""

    def session_at(self, at: int) -> Session | None:
        """The session whose trading (closing auction included) an instant falls in, or None."""

    def is_open(self, at: int) -> bool:
        """Whether continuous trading is on."""

    def next_open(self, at: int) -> int:
        """The first opening after an instant."""

    def previous_session(self, day: date) -> Session:
        """The last session before a date."""

    def session_index(self, times: Times) -> Times:
        """Number of the session each of n instants falls in, -1 outside: int64[n]. Numbers grow with time."""

    def session_opens(self, times: Times) -> Times:
        """Opening of the session each of n instants falls in, -1 outside: int64[n] UTC nanoseconds."""

    def outside(self, times: Times) -> NDArray[np.bool_]:
        """Which of n instants fall in no session, or in a break of one: bool[n]. Give a bar by its start."""


class ExchangeCalendar:
    """Sessions of an Indian exchange segment from the tables; `closing_auction` for the names that close by auction."""

    def __init__(self, *, exchange: str, segment: str, closing_auction: bool) -> None:
        self.name = f"{exchange} {segment}" + (" with closing auction" if closing_auction else "")
        self._exchange = exchange
        self._segment = segment
        self._closing_auction = closing_auction
        market = market_days(exchange=exchange, segment=segment)
        self._first, self._last = market.first, market.last
        self._days = market.days
        self._index = {day: number for number, day in enumerate(market.days.tolist())}
        self._built: dict[int, Session] = {}
        self._breaks: list[tuple[int, int]] = []
        self._opens, self._ends = self._regular_bounds()
        self._apply_special(sorted(market.special))

    def session(self, day: date) -> Session | None:
        """See `Calendar`."""
        number = self._index.get(self._checked(day))
        return None if number is None else self._session(number)

    def sessions(self, first: date, last: date) -> list[Session]:
        """See `Calendar`."""
        bounds = np.array([self._checked(first), self._checked(last) + 1], dtype=np.int64)
        start, stop = np.searchsorted(self._days, bounds)
        return [self._session(number) for number in range(start, stop)]

    def session_at(self, at: int) -> Session | None:
        """See `Calendar`."""
        number = int(self.session_index(np.array([at], dtype=np.int64))[0])
        return None if number < 0 else self._session(number)

    def is_open(self, at: int) -> bool:
        """See `Calendar`."""
        session = self.session_at(at)
        return session is not None and session.trades_at(at)

    def next_open(self, at: int) -> int:
        """See `Calendar`."""
        self._checked(to_date((at + INDIA_OFFSET) // DAY))
        number = int(np.searchsorted(self._opens, at, side="right"))
        if number == len(self._opens):
            raise self._uncovered(to_date(self._last + 1))
        return int(self._opens[number])

    def previous_session(self, day: date) -> Session:
        """See `Calendar`."""
        number = int(np.searchsorted(self._days, self._checked(day))) - 1
        if number < 0:
            raise self._uncovered(to_date(self._first - 1))
        return self._session(number)

    def session_index(self, times: Times) -> Times:
        """See `Calendar`."""
        self._check_range(times)
        number = np.searchsorted(self._opens, times, side="right") - 1
        inside = (number >= 0) & (times < self._ends[number])
        return np.where(inside, number, -1).astype(np.int64)

    def session_opens(self, times: Times) -> Times:
        """See `Calendar`."""
        number = self.session_index(times)
        return np.where(number >= 0, self._opens[number], -1)

    def outside(self, times: Times) -> NDArray[np.bool_]:
        """See `Calendar`."""
        mask: NDArray[np.bool_] = self.session_index(times) < 0
        for start, end in self._breaks:
            mask |= (times >= start) & (times < end)
        return mask

    def _session(self, number: int) -> Session:
        session = self._built.get(number)
        if session is None:
            session = self._built[number] = self._build(int(self._days[number]))
        return session

    def _build(self, days: int) -> Session:
        return build_session(
            days, exchange=self._exchange, segment=self._segment, closing_auction=self._closing_auction
        )

    def _regular_bounds(self) -> tuple[Times, Times]:
        key = (self._exchange, self._segment)
        ends = clock_column(self._days, (*key, "close"))
        if self._closing_auction:
            auction = clock_column(self._days, (*key, "auction_end"))
            ends = np.where(auction == NO_CLOCK, ends, auction)
        return clock_column(self._days, (*key, "open")), ends

    def _apply_special(self, special: list[int]) -> None:
        for day in special:
            number = self._index[day]
            session = self._session(number)
            self._opens[number], self._ends[number] = session.open, session.end
            self._breaks.extend(session.breaks)

    def _checked(self, day: date) -> int:
        days = days_since_epoch(day)
        if not self._first <= days <= self._last:
            raise self._uncovered(day)
        return days

    def _check_range(self, times: Times) -> None:
        if times.size:
            for extreme in (int(times.min()), int(times.max())):
                self._checked(to_date((extreme + INDIA_OFFSET) // DAY))

    def _uncovered(self, day: date) -> UncoveredDate:
        covered = f"{to_date(self._first)} to {to_date(self._last)}"
        return UncoveredDate(
            f"no session table of {self.name} for {day}",
            value=day.isoformat(),
            limit=covered,
            fix=f"covered: {covered}; choose dates inside, or extend the table with make sessions",
        )


class RoundTheClock:
    """A market that never closes: one session a UTC day, from midnight to midnight."""

    name = "round the clock"

    def session(self, day: date) -> Session:
        """See `Calendar`."""
        start = days_since_epoch(day) * DAY
        return Session(date=day, open=start, close=start + DAY, source="crypto venues trade 24 hours, seven days")

    def sessions(self, first: date, last: date) -> list[Session]:
        """See `Calendar`."""
        return [self.session(first + timedelta(days=offset)) for offset in range((last - first).days + 1)]

    def session_at(self, at: int) -> Session:
        """See `Calendar`."""
        return self.session(to_date(at // DAY))

    def is_open(self, at: int) -> bool:
        """Always."""
        return True

    def next_open(self, at: int) -> int:
        """See `Calendar`."""
        return (at // DAY + 1) * DAY

    def previous_session(self, day: date) -> Session:
        """See `Calendar`."""
        return self.session(day - timedelta(days=1))

    def session_index(self, times: Times) -> Times:
        """See `Calendar`; here the number of days since 1970."""
        return times // DAY

    def session_opens(self, times: Times) -> Times:
        """See `Calendar`."""
        return times // DAY * DAY

    def outside(self, times: Times) -> NDArray[np.bool_]:
        """Never."""
        return np.zeros(len(times), dtype=np.bool_)


def calendar_for(exchange: str, segment: Segment, *, closing_auction: bool = False) -> Calendar:
    """The calendar of an exchange and segment; `NFO` and `BFO` are the derivatives of NSE and BSE.

    `closing_auction` matters for shares alone. Crypto, on any exchange, trades round the clock. Raises `UnknownName`.
    """
    if exchange == "CRYPTO" or segment in _CRYPTO:
        return _round_the_clock()
    if exchange not in _PARENT:
        raise UnknownName("exchange", exchange, [*_PARENT, "CRYPTO"], where="the session calendar")
    kind = _kind(exchange, segment)
    return _exchange_calendar(_PARENT[exchange], kind, closing_auction and kind == "equity")


def _kind(exchange: str, segment: Segment) -> str:
    return "derivative" if segment in _DERIVATIVES or exchange in ("NFO", "BFO") else "equity"


@cache
def _round_the_clock() -> Calendar:
    return RoundTheClock()


@cache
def _exchange_calendar(exchange: str, segment: str, closing_auction: bool) -> Calendar:
    return ExchangeCalendar(exchange=exchange, segment=segment, closing_auction=closing_auction)


def square_off_at(session: Session, segment: Segment, closing_auction: bool = False) -> int | None:
    """When open intraday (MIS) positions of a session are closed, UTC nanoseconds; None for crypto, which has none.

    A special session with hours of its own: a fixed time before its close. Rows: `data/square_off.csv`.
    """
    return _intraday_limit(session, segment, closing_auction, item="flat_by")


def last_entry_at(session: Session, segment: Segment, closing_auction: bool = False) -> int | None:
    """From when on a session takes no new intraday (MIS) position, UTC nanoseconds; None for crypto."""
    return _intraday_limit(session, segment, closing_auction, item="last_entry")


def _intraday_limit(session: Session, segment: Segment, closing_auction: bool, *, item: str) -> int | None:
    if segment in _CRYPTO:
        return None
    table = read_table("square_off", "segment", "item")
    if session.special:
        minutes = int(table.on(session.date, "special", "minutes_before_close").value)
        return session.close - minutes * MINUTE
    kind = "derivative" if segment in _DERIVATIVES else "auction" if closing_auction else "equity"
    return instant(days_since_epoch(session.date), table.on(session.date, kind, item).value)


def expiry_date(exchange: str, underlying_kind: Literal["index", "stock"], year: int, month: int) -> date:
    """Expiry of the month's contracts: the last weekday of the rule in force; on a holiday the session before.

    Raises `UnknownName` for an exchange, `UncoveredDate` where no rule or session table covers the month.
    """
    last = date(year, month, monthrange(year, month)[1])
    weekday = _expiry_weekday(exchange, f"{underlying_kind} monthly", last)
    return _session_on_or_before(exchange, last - timedelta(days=(last.weekday() - weekday) % 7))


def weekly_expiry_date(exchange: str, on: date) -> date:
    """The next expiry of the exchange's weekly index options (NIFTY, SENSEX), `on` itself included.

    Raises as `expiry_date`.
    """
    for offset in range(_TWO_WEEKS):
        day = on + timedelta(days=offset)
        if day.weekday() == _expiry_weekday(exchange, "index weekly", day):
            expiry = _session_on_or_before(exchange, day)
            if expiry >= on:
                return expiry
    raise InvariantBroken(f"{exchange}: no weekly expiry within two weeks of {on}", value=on.isoformat())


def _expiry_weekday(exchange: str, contract: str, day: date) -> int:
    if exchange not in _PARENT:
        raise UnknownName("exchange", exchange, _PARENT, where="the expiry rules")
    table = read_table("expiry", "exchange", "contract")
    row = table.on(day, _PARENT[exchange], contract, fix="give the contract's expiry yourself")
    return _WEEKDAYS.index(row.value)


def _session_on_or_before(exchange: str, day: date) -> date:
    return calendar_for(exchange, Segment.FUTURE).previous_session(day + timedelta(days=1)).date
