"""An exchange's sessions as sorted arrays, for work on whole series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import numpy as np

from tradsys.core.units import DAY
from tradsys.market.times import Int64s


class SessionHours(Protocol):
    """What is needed of a session: its date, and first and last instant of trading, UTC nanoseconds."""

    @property
    def date(self) -> date:
        """The session's date in the exchange's zone."""

    @property
    def open(self) -> int:
        """First instant of continuous trading."""

    @property
    def close(self) -> int:
        """Last instant of continuous trading."""


class SessionCalendar(Protocol):
    """What is needed of a calendar (`tradsys.reference.calendar` has them)."""

    def sessions(self, first: date, last: date) -> Sequence[SessionHours]:
        """Sessions from one date to another, both included."""


@dataclass(frozen=True, slots=True, eq=False)
class SessionTable:
    """Sessions as arrays of one length, sorted: `dates` (days since 1970), `opens` and `closes` (UTC nanoseconds)."""

    dates: Int64s
    opens: Int64s
    closes: Int64s

    def __len__(self) -> int:
        return len(self.dates)

    def index_of_end(self, at: Int64s) -> Int64s:
        """Session in which an interval ending at each time lies (`open < at <= close`), -1 for none."""
        index = np.searchsorted(self.opens, at, side="left") - 1
        return self._inside(index, at)

    def index_of_start(self, at: Int64s) -> Int64s:
        """Session in which an interval starting at each time lies (`open <= at < close`), -1 for none."""
        index = np.searchsorted(self.opens, at, side="right") - 1
        return self._inside(index, at - 1)

    def index_of_date(self, days: Int64s) -> Int64s:
        """Session of each date (days since 1970), -1 for none."""
        if not len(self):
            return np.full(len(days), -1, dtype=np.int64)
        index = np.minimum(np.searchsorted(self.dates, days), len(self) - 1)
        return np.where(self.dates[index] == days, index, -1).astype(np.int64)

    def _inside(self, index: Int64s, at: Int64s) -> Int64s:
        if not len(self):
            return np.full(len(at), -1, dtype=np.int64)
        return np.where((index >= 0) & (at <= self.closes[np.maximum(index, 0)]), index, -1).astype(np.int64)


def session_table(calendar: SessionCalendar, times: Int64s) -> SessionTable:
    """Sessions of every date that `times` (UTC nanoseconds) touch, and a day either side.

    A closing auction belongs to its session: the last price is known when the auction ends.
    """
    first, last = (_date(int(at)) for at in (times.min(), times.max()))
    rows = calendar.sessions(first - timedelta(days=1), last + timedelta(days=1))
    epoch = date(1970, 1, 1).toordinal()
    return SessionTable(
        np.array([row.date.toordinal() - epoch for row in rows], dtype=np.int64),
        np.array([row.open for row in rows], dtype=np.int64),
        np.array([_end(row) for row in rows], dtype=np.int64),
    )


def _end(session: SessionHours) -> int:
    auction = getattr(session, "closing_auction", None)
    return max(session.close, int(auction[1])) if auction else session.close


def _date(at: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=at // DAY)).date()
