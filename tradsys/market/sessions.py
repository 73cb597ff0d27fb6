"""An exchange's sessions as sorted arrays, for work on whole series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np

from tradsys.core.units import DAY
from tradsys.reference.clock import Int64s


class SessionHours(Protocol):
    """What is needed of a session: date, first and last instant of trading, pauses; UTC nanoseconds."""

    @property
    def date(self) -> date:
        """The session's date in the exchange's zone."""

    @property
    def open(self) -> int:
        """First instant of continuous trading."""

    @property
    def end(self) -> int:
        """Last instant of trading: the closing auction's end where there is one."""

    @property
    def breaks(self) -> tuple[tuple[int, int], ...]:
        """Pauses, as (start, end)."""


class SessionCalendar(Protocol):
    """What is needed of a calendar (`tradsys.reference.calendar` has them)."""

    def sessions(self, *, first: date, last: date) -> Sequence[SessionHours]:
        """Sessions from one date to another, both included."""


_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class SessionTable:
    """Stretches of trading as sorted arrays: `dates` (days since 1970), `opens` and `closes` (UTC nanoseconds).

    A session without pauses is one stretch; one that pauses is several of the same date. A closing auction belongs to
    its session: the last price is known when the auction ends.
    """

    dates: Int64s
    opens: Int64s
    closes: Int64s

    def __len__(self) -> int:
        return len(self.dates)

    def index_of_end(self, at: Int64s) -> Int64s:
        """Stretch in which an interval ending at each time lies (`open < at <= close`), -1 for none."""
        return self._inside(np.searchsorted(self.opens, at, side="left") - 1, at)

    def index_of_start(self, at: Int64s) -> Int64s:
        """Stretch in which an interval starting at each time lies (`open <= at < close`), -1 for none."""
        return self._inside(np.searchsorted(self.opens, at, side="right") - 1, at + 1)

    def index_of_date(self, days: Int64s) -> Int64s:
        """Last stretch of each date (days since 1970), -1 for none."""
        if not len(self):
            return np.full(len(days), -1, dtype=np.int64)
        index = np.maximum(np.searchsorted(self.dates, days, side="right") - 1, 0)
        return np.where(self.dates[index] == days, index, -1).astype(np.int64)

    def _inside(self, index: Int64s, at: Int64s) -> Int64s:
        if not len(self):
            return np.full(len(at), -1, dtype=np.int64)
        return np.where((index >= 0) & (at <= self.closes[np.maximum(index, 0)]), index, -1).astype(np.int64)


def session_table(calendar: SessionCalendar, times: Int64s) -> SessionTable:
    """Trading on every date that `times` (UTC nanoseconds, not empty) touch, and a day either side."""
    first, last = (_date(int(at)) for at in (times.min(), times.max()))
    rows = [
        (session.date.toordinal() - _EPOCH, start, end)
        for session in calendar.sessions(first=first - timedelta(days=1), last=last + timedelta(days=1))
        for start, end in _stretches(session)
    ]
    dates, opens, closes = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return SessionTable(dates, np.ascontiguousarray(opens), np.ascontiguousarray(closes))


def _stretches(session: SessionHours) -> list[tuple[int, int]]:
    edges = [session.open, *(instant for pause in session.breaks for instant in pause), session.end]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _date(at: int) -> date:
    return date.fromordinal(at // DAY + _EPOCH)
