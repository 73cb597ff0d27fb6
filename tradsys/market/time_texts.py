"""Times written as text, to int64 UTC nanoseconds: each distinct date and each distinct time of day is parsed once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.units import DAY, HOUR, MINUTE, SECOND
from tradsys.market.arrow import to_numpy
from tradsys.market.times import days_of_month, first_of_month
from tradsys.reference.clock import Int64s, to_utc

DATE_ORDERS = ("ymd", "dmy", "mdy")
MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
          "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}  # fmt: skip
_DATE = re.compile(r"(\d{1,4})[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ](\d{1,4})|(\d{4})(\d{2})(\d{2})")
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
)
_BETWEEN = re.compile(r"(?<=\d)(T|[ ,]+)(?=\d{1,2}:)")


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Parsed times: `at` int64[n] UTC nanoseconds; `mixed` bool[n] marks rows in another zone than the rest."""

    at: Int64s
    mixed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Distinct:
    """Different texts, and for each row which one it has."""

    texts: list[str]
    codes: Int64s

    def refuse_where(self, wrong: NDArray[np.bool_], what: str, *, fix: str = "correct the row") -> None:
        if wrong.any():
            row = int(np.argmax(wrong[self.codes]))
            raise DataError(f"row {row + 1}: {what}", value=self.texts[int(self.codes[row])], fix=fix)


def clock(texts: Any) -> Int64s:
    """`09:16`, `09:16:30.5`, `3:30 PM` (Arrow or list of texts) to nanoseconds since midnight."""
    return _times_of_day(_distinct(texts))[0]


def parse(texts: Any, *, zone: str, date_order: str | None = None) -> Times:
    """Texts (Arrow or list) to UTC: ISO-8601 with or without offset, `dd-mm-yyyy`, `mm/dd/yyyy`, `02-JAN-2023` …

    Naive times are in `zone`. Day and month are told apart over the whole column; where no row decides, `DataError`
    asks for `date_order` (`dmy` or `mdy`). Rows whose zone differs from the column's are marked, not corrected.
    """
    dates, clocks = _halves(texts)
    time_of_day, shifts, naive = _times_of_day(clocks)
    return _zoned(_days(dates, date_order) * DAY + time_of_day, shifts, naive, zone)


def _distinct(texts: Any) -> _Distinct:
    if isinstance(texts, list):
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return _Distinct(list(numbers), np.array([numbers[text] for text in texts], dtype=np.int64))
    flat = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    encoded = pc.dictionary_encode(pc.utf8_trim_whitespace(flat))
    return _Distinct(encoded.dictionary.to_pylist(), to_numpy(encoded.indices).astype(np.int64))


def _halves(texts: Any) -> tuple[_Distinct, _Distinct]:
    # Texts of one length split at one place, in Arrow: a million minutes are a few thousand dates and 375 times.
    if not isinstance(texts, list) and len(texts):
        lengths = pc.min_max(pc.utf8_length(texts))
        first = texts[0].as_py()
        gap = _BETWEEN.search(first)
        if gap and lengths["min"].as_py() == lengths["max"].as_py() == len(first):
            head = pc.utf8_slice_codeunits(texts, 0, gap.start())
            return _distinct(head), _distinct(pc.utf8_slice_codeunits(texts, gap.end(), len(first)))
    whole = _distinct(texts)
    parts = [_BETWEEN.split(text.strip(), maxsplit=1) for text in whole.texts]
    dates, clocks = (_distinct([part[place] if place < len(part) else "" for part in parts]) for place in (0, 2))
    return _Distinct(dates.texts, dates.codes[whole.codes]), _Distinct(clocks.texts, clocks.codes[whole.codes])


def _times_of_day(clocks: _Distinct) -> tuple[Int64s, Int64s, NDArray[np.bool_]]:
    matches = [_CLOCK.fullmatch(text.strip() or "0:00") for text in clocks.texts]
    values = np.array([_nanoseconds(match) if match else -1 for match in matches], dtype=np.int64)
    clocks.refuse_where(values < 0, "not a time of day such as 09:16:00")
    zones = [match["zone"] if match else None for match in matches]
    shifts = np.array([_shift(zone) for zone in zones], dtype=np.int64)
    naive = np.array([zone is None for zone in zones], dtype=bool)
    return values[clocks.codes], shifts[clocks.codes], naive[clocks.codes]


def _nanoseconds(match: re.Match[str]) -> int:
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    half = (match["half"] or "").lower()
    if hour > (12 if half else 23) or minute > 59 or second > 59 or (half and not hour):
        return -1
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * HOUR + minute * MINUTE + second * SECOND + int((match["fraction"] or "").ljust(9, "0"))


def _shift(zone: str | None) -> int:
    if zone in (None, "Z", "UTC"):
        return 0
    assert zone is not None
    return (-1 if zone[0] == "-" else 1) * (int(zone[1:3]) * HOUR + int(zone[-2:]) * MINUTE)


def _days(dates: _Distinct, date_order: str | None) -> Int64s:
    matches = [_DATE.fullmatch(text.strip()) for text in dates.texts]
    dates.refuse_where(np.array([match is None for match in matches]), "not a date such as 2024-04-22 09:15:00+05:30")
    parts = [[part for part in match.groups() if part] for match in matches if match]
    named = np.array([part[1].isalpha() for part in parts], dtype=bool)
    numbers = [[int(a), MONTHS.get(b[:3].lower(), 0) if b.isalpha() else int(b), int(c)] for a, b, c in parts]
    first, second, third = np.array(numbers, dtype=np.int64).reshape(-1, 3).T
    if named.any():
        dates.refuse_where(~named, "its date is spelt otherwise than the others")
        date_order = "ymd" if first.max() > 31 else "dmy"
    year, month, day = _arranged(date_order or _order(first, second), first, second, third)
    year = np.where(year < 100, year + 2000, year)
    wrong = (year > 2200) | (year < 1800) | (month < 1) | (month > 12) | (day < 1)
    wrong |= day > days_of_month(year, month)
    dates.refuse_where(wrong, "no such date", fix="correct it, or give date_order")
    result: Int64s = (first_of_month(year, month) + day - 1)[dates.codes]
    return result


def _arranged(order: str, first: Int64s, second: Int64s, third: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    if order not in DATE_ORDERS:
        raise ConfigError("unknown date order", value=order, limit=", ".join(DATE_ORDERS), fix="use ymd, dmy or mdy")
    if order == "ymd":
        return first, second, third
    return (third, second, first) if order == "dmy" else (third, first, second)


def _order(first: Int64s, second: Int64s) -> str:
    if not len(first) or first.max() > 31:
        return "ymd"
    if first.max() > 12:
        return "dmy"
    if second.max() > 12:
        return "mdy"
    _ambiguous(f"{first[0]}-{second[0]}")


def _ambiguous(value: str) -> NoReturn:
    raise DataError(
        "day and month cannot be told apart: no row has a number above 12",
        value=value,
        fix="give date_order: dmy or mdy",
    )


def _zoned(local: Int64s, shifts: Int64s, naive: NDArray[np.bool_], zone: str) -> Times:
    by_zone = to_utc(local, zone)
    at = np.where(naive, by_zone, local - shifts)
    mixed = np.zeros(len(at), dtype=bool)
    if naive.any() and not naive.all():
        mixed = naive if 2 * int(naive.sum()) <= len(naive) else ~naive
    elif len(at) and not naive.any() and np.ptp(shifts) and not np.array_equal(at, by_zone):
        # Offsets that change with the seasons of the named zone are one zone; these do not.
        values, counts = np.unique(shifts, return_counts=True)
        mixed = np.not_equal(shifts, int(values[np.argmax(counts)]))
    return Times(at, mixed)
