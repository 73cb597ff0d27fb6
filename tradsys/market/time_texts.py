"""Times written as text, to int64 UTC nanoseconds: each distinct text is parsed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.units import DAY, HOUR, MINUTE, SECOND
from tradsys.market.times import Int64s, days_of_month, first_of_month, to_utc

DATE_ORDERS = ("ymd", "dmy", "mdy")
_MONTHS = dict(zip("jan feb mar apr may jun jul aug sep oct nov dec".split(), range(1, 13), strict=True))  # noqa: SIM905
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.](?P<fraction>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?"
)
_ZONE = r"(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
_DATE_AND_TIME = (
    rf"^\s*(?P<a>\d+)[-/. ](?P<b>\d{{1,2}}|[A-Za-z]{{3,9}})[-/. ](?P<c>\d+)(?:[T ,]+{_CLOCK})?\s*{_ZONE}\s*$"
)
_COMPACT = rf"^\s*(?P<a>\d{{4}})(?P<b>\d{{2}})(?P<c>\d{{2}})(?:[T ,]+{_CLOCK})?\s*{_ZONE}\s*$"


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Parsed times: `at` int64[n] UTC nanoseconds; `mixed` bool[n] marks rows in another zone than the rest."""

    at: Int64s
    mixed: NDArray[np.bool_]


class _Fields:
    """The parts of each distinct text, and for each row which text it is."""

    def __init__(self, texts: Any, pattern: str, *, wanted: str) -> None:
        flat = pc.cast(texts, pa.string())
        flat = flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat
        encoded = pc.dictionary_encode(pc.fill_null(flat, ""))
        self.texts = encoded.dictionary
        self.codes: Int64s = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        self.parts = pc.extract_regex(self.texts, pattern)
        self.refuse_where(pc.is_null(self.parts).to_numpy(zero_copy_only=False), f"not {wanted}")

    def text(self, name: str) -> Any:
        return pc.struct_field(self.parts, name)

    def number(self, name: str) -> Int64s:
        texts = self.text(name)
        if name == "fraction":
            texts = pc.utf8_rpad(texts, 9, "0")
        filled = pc.if_else(pc.equal(texts, ""), "0", texts)
        result: Int64s = pc.cast(filled, pa.int64()).to_numpy(zero_copy_only=False)
        return result

    def refuse_where(self, wrong: NDArray[np.bool_], what: str, *, fix: str = "correct the row") -> None:
        if wrong.any():
            row = int(np.argmax(wrong[self.codes]))
            raise DataError(f"row {row + 1}: {what}", value=self.texts[int(self.codes[row])].as_py(), fix=fix)


def clock(texts: Any) -> Int64s:
    """`09:16`, `09:16:30.5`, `3:30 PM` (pyarrow strings) to nanoseconds since midnight."""
    fields = _Fields(texts, rf"^\s*{_CLOCK}\s*$", wanted="a time of day such as 09:16")
    return _time_of_day(fields)[fields.codes]


def parse(texts: Any, *, zone: str, date_order: str | None = None) -> Times:
    """Texts (pyarrow strings) to UTC: ISO-8601 with or without offset, `dd-mm-yyyy`, `mm/dd/yyyy`, `02-JAN-2023` …

    Naive times are in `zone`. Day and month are told apart over the whole column; where no row decides, `DataError`
    asks for `date_order` (`dmy` or `mdy`). Rows whose zone differs from the column's are marked, not corrected.
    """
    compact = len(texts) > 0 and bool(pc.match_substring_regex(texts.slice(0, 1), r"^\s*\d{8}\b")[0].as_py())
    pattern = _COMPACT if compact else _DATE_AND_TIME
    fields = _Fields(texts, pattern, wanted="a date such as 2024-04-22 09:15:00+05:30")
    local = _days(fields, date_order) * DAY + _time_of_day(fields)
    return _zoned(fields, local, zone)


def _time_of_day(fields: _Fields) -> Int64s:
    hour, minute, second = (fields.number(name) for name in ("hour", "minute", "second"))
    half = np.asarray(pc.utf8_lower(fields.text("half")).to_pylist(), dtype="U2")
    wrong = (hour > 23) | (minute > 59) | (second > 59) | ((half != "") & ((hour < 1) | (hour > 12)))
    fields.refuse_where(wrong, "no such time of day")
    hour = np.where(half == "", hour, hour % 12 + 12 * (half == "pm"))
    result: Int64s = hour * HOUR + minute * MINUTE + second * SECOND + fields.number("fraction")
    return result


def _days(fields: _Fields, date_order: str | None) -> Int64s:
    first, third = fields.number("a"), fields.number("c")
    named = pc.match_substring_regex(fields.text("b"), "^[A-Za-z]").to_numpy(zero_copy_only=False)
    if named.any():
        fields.refuse_where(~named, "its date is spelt otherwise than the others")
        second = np.array([_MONTHS.get(name[:3].lower(), 0) for name in fields.text("b").to_pylist()], dtype=np.int64)
        order = "ymd" if first.max() > 31 else "dmy"
    else:
        second = fields.number("b")
        order = date_order or _order(first, second)
    year, month, day = _arranged(order, first, second, third)
    year = np.where(year < 100, year + 2000, year)
    wrong = (year > 2200) | (year < 1800) | (month < 1) | (month > 12)
    fields.refuse_where(
        wrong | (day < 1) | (day > days_of_month(year, month)), "no such date", fix="correct it, or give date_order"
    )
    result: Int64s = first_of_month(year, month) + day - 1
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


def _zoned(fields: _Fields, local: Int64s, zone: str) -> Times:
    texts = fields.text("zone").to_pylist()
    shifts = np.array([_shift(text) for text in texts], dtype=np.int64)
    naive = np.array([text == "" for text in texts], dtype=bool)
    by_zone = to_utc(local, zone)
    at = np.where(naive, by_zone, local - shifts)
    # Offsets that change with the seasons of the named zone are one zone; anything else is a mixture.
    mixed = _minority(naive)[fields.codes] if naive.any() and not naive.all() else np.zeros(len(fields.codes), bool)
    if not naive.any() and len(set(texts)) > 1 and not np.array_equal(at, by_zone):
        mixed = _uncommon(shifts[fields.codes])
    return Times(at[fields.codes], mixed)


def _minority(naive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return naive if 2 * int(naive.sum()) <= len(naive) else ~naive


def _uncommon(shifts: Int64s) -> NDArray[np.bool_]:
    values, counts = np.unique(shifts, return_counts=True)
    common = int(values[np.argmax(counts)])
    return np.not_equal(shifts, common)


def _shift(text: str) -> int:
    if text in ("", "Z", "UTC"):
        return 0
    sign = -1 if text[0] == "-" else 1
    return sign * (int(text[1:3]) * HOUR + int(text[-2:]) * MINUTE)
