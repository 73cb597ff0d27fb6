"""Numbers that stand for times, to int64 UTC nanoseconds; the only place that knows time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.units import DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UNITS = ((10**11, SECOND), (10**14, MILLISECOND), (10**17, MICROSECOND), (10**20, 1))

Int64s = NDArray[np.int64]


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises `ConfigError` for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"unknown time zone {name!r}", value=name, fix="use a name such as Asia/Kolkata") from None


def iso(at: int, zone: str = "Asia/Kolkata") -> str:
    """A UTC nanosecond count as ISO-8601 with offset, to the second unless it has a fraction."""
    moment = (_EPOCH + timedelta(microseconds=at // 1000)).astimezone(zone_of(zone))
    return moment.isoformat()


@cache
def _shift(hour: int, zone: str, local: bool) -> int:
    moment = _EPOCH + timedelta(hours=hour)
    there = moment.replace(tzinfo=zone_of(zone)) if local else moment.astimezone(zone_of(zone))
    return round((there.utcoffset() or timedelta()).total_seconds()) * SECOND


def _shifts(times: Int64s, zone: str, *, local: bool) -> Int64s:
    hours = times // HOUR
    starts = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1))
    shifts = np.array([_shift(hour, zone, local) for hour in hours[starts].tolist()], dtype=np.int64)
    return np.repeat(shifts, np.diff(starts, append=len(hours)))


def to_utc(local: Int64s, zone: str) -> Int64s:
    """Wall-clock nanoseconds of a zone to UTC, the offset looked up by the hour (the earlier of two when a clock is set
    back)."""
    zone_of(zone)
    if zone == "UTC" or not len(local):
        return local
    return local - _shifts(local, zone, local=True)


def to_local(at: Int64s, zone: str) -> Int64s:
    """UTC nanoseconds to wall-clock nanoseconds of a zone."""
    if zone == "UTC" or not len(at):
        return at
    return at + _shifts(at, zone, local=False)


def from_epoch(numbers: Int64s, *, column: str = "time", zone: str = "UTC") -> Int64s:
    """Epoch counts in s, ms, us or ns, or dates written YYYYMMDD, told apart by size; all rows must agree."""
    if not len(numbers):
        return numbers.astype(np.int64)
    low, high = int(numbers.min()), int(numbers.max())
    if low >= 19_000_101 and high <= 21_001_231:
        return to_utc(from_dates(numbers), zone)
    for limit, unit in _EPOCH_UNITS:
        if low >= 10**8 and high < limit:
            return numbers.astype(np.int64) * unit
        if low < limit:
            break
    raise DataError(
        f"column {column!r}: numbers that are no times, or in several units",
        value=f"{low} … {high}",
        limit="seconds, milliseconds, microseconds or nanoseconds since 1970, one unit in a column",
        fix="convert the column",
    )


def from_dates(numbers: Int64s) -> Int64s:
    """YYYYMMDD to nanoseconds of that midnight on the same wall clock. Raises `DataError` for no such date."""
    numbers = numbers.astype(np.int64, copy=False)
    year, month, day = numbers // 10_000, numbers // 100 % 100, numbers % 100
    wrong = (month < 1) | (month > 12) | (day < 1) | (day > days_of_month(year, month))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"row {row + 1}: no such date", value=int(numbers[row]), limit="YYYYMMDD", fix="correct the row"
        )
    result: Int64s = (first_of_month(year, month) + day - 1) * DAY
    return result


def first_of_month(year: Int64s, month: Int64s) -> Int64s:
    """Days since 1970-01-01 of the first of a month (month 13 is next January)."""
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    result: Int64s = months.astype("datetime64[D]").astype(np.int64)
    return result


def days_of_month(year: Int64s, month: Int64s) -> Int64s:
    """How many days a month has."""
    return first_of_month(year, month + 1) - first_of_month(year, month)


def from_clock_number(numbers: Int64s) -> Int64s:
    """Times of day written as the numbers 916, 91600 or 153000 (HHMM or HHMMSS) to nanoseconds since midnight."""
    numbers = numbers.astype(np.int64)
    seconds = numbers if numbers.max(initial=0) > 2359 else numbers * 100
    hour, minute, second = seconds // 10_000, seconds // 100 % 100, seconds % 100
    wrong = (numbers < 0) | (hour > 23) | (minute > 59) | (second > 59)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"row {row + 1}: no such time of day",
            value=int(numbers[row]),
            limit="HHMM or HHMMSS",
            fix="correct the row",
        )
    return hour * HOUR + minute * MINUTE + second * SECOND
