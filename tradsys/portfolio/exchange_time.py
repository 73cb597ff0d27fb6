"""UTC nanoseconds as an exchange's wall clock, for grouping by day and month and for people to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tradsys.core.units import DAY, HOUR, SECOND
from tradsys.portfolio.result import Integers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_wall_clock(at: Integers, zone: str) -> Integers:
    """Nanoseconds since 1970 on the wall clock of an IANA zone, same shape; `at` is in order."""
    if not len(at):
        return at
    first, last = int(at[0]) // HOUR, int(at[-1]) // HOUR
    shifts = _offsets(first, last, ZoneInfo(zone))
    moved: Integers = at + (shifts[0] if (shifts == shifts[0]).all() else shifts[at // HOUR - first])
    return moved


def dates_of(at: Integers, zone: str) -> Integers:
    """Days since 1970 on the exchange's wall clock."""
    days: Integers = to_wall_clock(at, zone) // DAY
    return days


def last_of_each(groups: Integers) -> Integers:
    """Index of the last element of every run of equal values; `groups` must not be empty."""
    return np.append(np.flatnonzero(np.diff(groups)), len(groups) - 1)


def text(at: int, zone: str, *, seconds: bool = False) -> str:
    """`2026-11-20 15:29 IST`, for people."""
    moment = (_EPOCH + timedelta(microseconds=at // 1000)).astimezone(ZoneInfo(zone))
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z" if seconds else "%Y-%m-%d %H:%M %Z")


def _offsets(first: int, last: int, zone: ZoneInfo) -> Integers:
    """Offset in each hour since 1970 from `first` to `last`: looked up by the day, by the hour where it changes."""
    shifts = np.empty(last - first + 1, np.int64)
    after = _offset(first, zone)
    for begin in range(first, last + 1, 24):
        before, after = after, _offset(begin + 24, zone)
        day = slice(begin - first, begin - first + 24)
        same = before == after
        shifts[day] = before if same else [_offset(hour, zone) for hour in range(begin, min(begin + 24, last + 1))]
    return shifts


def _offset(hour: int, zone: ZoneInfo) -> int:
    offset = (_EPOCH + timedelta(hours=hour)).astimezone(zone).utcoffset() or timedelta()
    return round(offset.total_seconds()) * SECOND
