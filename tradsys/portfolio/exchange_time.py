"""UTC nanoseconds as an exchange's wall clock, for grouping by day and month and for people to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tradsys.core.units import DAY, HOUR, SECOND
from tradsys.portfolio.result import Integers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_wall_clock(at: Integers, zone: str) -> Integers:
    """Nanoseconds since 1970 on the wall clock of an IANA zone, same shape; offsets are looked up by the hour."""
    hours = at // HOUR
    changed = np.flatnonzero(np.diff(hours, prepend=hours[:1] - 1))
    place = ZoneInfo(zone)
    shifts = np.array([_offset(hour, place) for hour in hours[changed].tolist()], np.int64)
    return at + np.repeat(shifts, np.diff(changed, append=len(at)))


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


def _offset(hour: int, zone: ZoneInfo) -> int:
    offset = (_EPOCH + timedelta(hours=hour)).astimezone(zone).utcoffset() or timedelta()
    return round(offset.total_seconds()) * SECOND
