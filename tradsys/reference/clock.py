"""UTC nanoseconds and an exchange's wall clock, one into the other; the only place that knows time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import ConfigError
from tradsys.core.units import DAY, HOUR, SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Int64s = NDArray[np.int64]


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises `ConfigError` for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"unknown time zone {name!r}", value=name, fix="use a name such as Asia/Kolkata") from None


def to_utc(local: Int64s, zone: str) -> Int64s:
    """Wall-clock nanoseconds of a zone to UTC, the offset looked up by the hour (the earlier of two when a clock is set
    back)."""
    zone_of(zone)
    if zone == "UTC" or not len(local):
        return local
    return local - _offsets(local, zone, local=True)


def to_local(at: Int64s, zone: str) -> Int64s:
    """UTC nanoseconds to wall-clock nanoseconds of a zone, same shape; quickest in order."""
    if zone == "UTC" or not len(at):
        return at
    return at + _offsets(at, zone, local=False)


def local_days(at: Int64s, zone: str) -> Int64s:
    """Days since 1970 on the wall clock of a zone, same shape."""
    return to_local(at, zone) // DAY


def local_day(at: int, zone: str) -> tuple[int, int]:
    """The day around an instant on the wall clock of a zone: its midnight and the next (UTC nanoseconds)."""
    day, place = local_date(at, zone), zone_of(zone)
    midnights = (datetime(each.year, each.month, each.day, tzinfo=place) for each in (day, day + timedelta(days=1)))
    begins, ends = ((each - _EPOCH) // timedelta(seconds=1) * SECOND for each in midnights)
    return begins, ends


def local_date(at: int, zone: str) -> date:
    """The date of one instant on the wall clock of a zone."""
    return _moment(at, zone).date()


def iso(at: int, zone: str = "Asia/Kolkata") -> str:
    """A UTC nanosecond count as ISO-8601 with offset, to the second unless it has a fraction."""
    return _moment(at, zone).isoformat()


def text(at: int, zone: str, *, seconds: bool = False) -> str:
    """`2026-11-20 15:29 IST`, for people."""
    return _moment(at, zone).strftime("%Y-%m-%d %H:%M:%S %Z" if seconds else "%Y-%m-%d %H:%M %Z")


def _moment(at: int, zone: str) -> datetime:
    return (_EPOCH + timedelta(microseconds=at // 1000)).astimezone(zone_of(zone))


def _offsets(times: Int64s, zone: str, *, local: bool) -> Int64s | int:
    """One for all times where it never changes between them, as in India: a fourth of the time."""
    first, last = int(times.min()) // HOUR, int(times.max()) // HOUR
    known = {_offset_at(hour, zone, local) for hour in range(first - first % 24, last + 25, 24)}
    if len(known) == 1:
        return known.pop()
    hours = times // HOUR
    starts = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1))
    offsets = np.array([_offset(hour, zone, local) for hour in hours[starts].tolist()], dtype=np.int64)
    return np.repeat(offsets, np.diff(starts, append=len(hours)))


def _offset(hour: int, zone: str, local: bool) -> int:
    """Looked up by the day, and by the hour on a day at whose ends it differs."""
    begin = hour - hour % 24
    before = _offset_at(begin, zone, local)
    return before if before == _offset_at(begin + 24, zone, local) else _offset_at(hour, zone, local)


@cache
def _offset_at(hour: int, zone: str, local: bool) -> int:
    moment = _EPOCH + timedelta(hours=hour)
    there = moment.replace(tzinfo=zone_of(zone)) if local else moment.astimezone(zone_of(zone))
    return round((there.utcoffset() or timedelta()).total_seconds()) * SECOND
