"""Numbers that stand for times, to int64 UTC nanoseconds."""

from __future__ import annotations

import numpy as np

from tradsys.core.errors import DataError
from tradsys.core.units import DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND
from tradsys.reference.clock import Int64s, to_utc

_EPOCH_UNITS = ((10**11, SECOND), (10**14, MILLISECOND), (10**17, MICROSECOND), (10**20, 1))


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
