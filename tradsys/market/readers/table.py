"""An Arrow table with recognisable column names, to bars."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradsys.core.errors import DataError
from tradsys.core.units import DAY
from tradsys.market import time_texts
from tradsys.market.arrow import to_numpy
from tradsys.market.readers.raw import RawBars, Request, stem
from tradsys.market.time_texts import Times
from tradsys.market.times import from_clock_number, from_epoch
from tradsys.reference.clock import Int64s, to_utc

SPELLINGS: dict[str, tuple[str, ...]] = {
    "moment": ("datetime", "timestamp", "dateandtime", "opentime", "starttime", "ts", "at"),
    "date": ("date", "tradedate", "traddt", "day", "indexlevel0", "unnamed0", ""),
    "time": ("time", "tradetime"),
    "open": ("open", "o", "openprice", "opnpric", "first"),
    "high": ("high", "h", "highprice", "hghpric", "max"),
    "low": ("low", "l", "lowprice", "lwpric", "min"),
    "close": ("close", "c", "closeprice", "clspric"),
    "volume": (
        "volume",
        "vol",
        "v",
        "qty",
        "tottrdqty",
        "ttltradgvol",
        "sharestraded",
        "totaltradedquantity",
        "tickvolume",
    ),
    "symbol": ("symbol", "ticker", "tradingsymbol", "tckrsymb", "instrument", "indexname", "scrip"),
}
PRICES = ("open", "high", "low", "close")


def plain(name: str) -> str:
    """A column name without case, blanks and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def detect(names: list[str]) -> dict[str, str]:
    """Which column plays which part: `{"open": "Open ", …}`. Raises `DataError` for one missing or twice."""
    roles: dict[str, str] = {}
    for role, spellings in SPELLINGS.items():
        found = [name for name in names if plain(name) in spellings and name not in roles.values()]
        if len(found) > 1 and role != "date":
            raise DataError(f"several columns could be the {role}", value=", ".join(found), fix="keep one")
        if found:
            roles[role] = found[0]
    missing = [role for role in PRICES if role not in roles]
    if not {"moment", "date", "time"} & roles.keys():
        missing.append("time")
    if missing:
        raise DataError(
            f"no column for {', '.join(missing)}",
            value=", ".join(names),
            limit="date or time, open, high, low, close (volume and symbol if there are)",
            fix="name the columns so, in a header row",
        )
    return roles


def bars_of(table: pa.Table, request: Request) -> list[RawBars]:
    """Bars of each instrument in a table, in file order; columns by name, times naive in `request.zone`."""
    roles = detect(table.column_names)
    times = _times(table, roles, request)
    matrix, notes = _matrix(table, roles)
    name = stem(request.path)
    if "symbol" not in roles:
        return [
            RawBars(instrument=name, labels=times.at, matrix=matrix, zone=request.zone, mixed=times.mixed, notes=notes)
        ]
    return _by_symbol(table[roles["symbol"]], times, matrix, request, notes)


def _by_symbol(
    symbols: Any, times: Times, matrix: NDArray[np.float64], request: Request, notes: tuple[str, ...]
) -> list[RawBars]:
    if symbols.null_count:
        row = int(np.argmax(to_numpy(pc.is_null(symbols))))
        raise DataError(f"row {row + 1}: no symbol", fix="complete or remove the row")
    encoded = pc.dictionary_encode(pc.cast(symbols, pa.string()).combine_chunks())
    names, codes = encoded.dictionary.to_pylist(), to_numpy(encoded.indices)
    order = np.argsort(codes, kind="stable") if len(names) > 1 else None
    edges = np.searchsorted(codes[order], np.arange(len(names) + 1)) if order is not None else np.array([0, len(codes)])
    bars = []
    for number, name in enumerate(names):
        if len(names) > 1 and not request.wants(name.strip()):
            continue
        rows = slice(None) if order is None else order[edges[number] : edges[number + 1]]
        part = np.ascontiguousarray(matrix[:, rows])
        mixed = times.mixed[rows]
        zone = request.zone
        bars.append(
            RawBars(instrument=name.strip(), labels=times.at[rows], matrix=part, zone=zone, mixed=mixed, notes=notes)
        )
    return bars


def _matrix(table: pa.Table, roles: dict[str, str]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    matrix = np.zeros((5, table.num_rows))
    for row, role in enumerate(PRICES):
        matrix[row] = floats(table[roles[role]], name=roles[role])
    if "volume" not in roles or table[roles["volume"]].null_count == table.num_rows:
        return matrix, ("no volume: taken as 0",)
    matrix[4] = floats(table[roles["volume"]], name=roles["volume"])
    return matrix, ()


def floats(column: Any, *, name: str) -> NDArray[np.float64]:
    """A column as float64, NaN where empty; texts may group thousands. Raises `DataError` naming row and value."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _number_texts(column, name)
    elif not _is_numeric(column.type) and column.null_count != len(column):
        raise DataError(f"column {name!r} holds no numbers", value=str(column.type), fix="correct the column")
    numbers = pc.cast(column, pa.float64(), safe=False)
    result: NDArray[np.float64] = to_numpy(pc.fill_null(numbers, float("nan")) if numbers.null_count else numbers)
    return result


def _is_numeric(kind: Any) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _number_texts(column: Any, name: str) -> Any:
    texts = pc.replace_substring(pc.utf8_trim_whitespace(column), ",", "")
    blank = pc.or_(pc.equal(texts, ""), pc.equal(texts, "-"))
    texts = pc.if_else(blank, pa.scalar(None, texts.type), texts)
    good = pc.fill_null(
        pc.match_substring_regex(texts, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[Nn][Aa][Nn]$"), True
    )
    if not pc.all(good, min_count=0).as_py():
        row = int(np.argmin(to_numpy(good)))
        raise DataError(f"row {row + 1}: {name} is not a number", value=column[row].as_py(), fix="correct the row")
    return pc.cast(texts, pa.float64())


def _times(table: pa.Table, roles: dict[str, str], request: Request) -> Times:
    if "moment" in roles:
        return moments(table[roles["moment"]], request, name=roles["moment"])
    if "date" in roles and "time" in roles:
        return _date_and_time(table[roles["date"]], table[roles["time"]], request)
    name = roles.get("date", roles.get("time", ""))
    return moments(table[name], request, name=name)


def _date_and_time(dates: Any, times: Any, request: Request) -> Times:
    naive = Request(path=request.path, zone="UTC", date_order=request.date_order)
    day = moments(dates, naive, name="date").at // DAY * DAY
    if pa.types.is_time(times.type):
        clock = to_numpy(pc.cast(pc.cast(times, pa.time64("ns")), pa.int64()))
    elif pa.types.is_integer(times.type):
        clock = from_clock_number(to_numpy(times))
    else:
        clock = time_texts.clock(times)
    return _certain(to_utc(day + clock, request.zone))


def moments(column: Any, request: Request, *, name: str) -> Times:
    """A column of times in any of the ways people write them, to UTC. Raises `DataError` naming row and value."""
    if column.null_count:
        row = int(np.argmax(to_numpy(pc.is_null(column))))
        raise DataError(f"row {row + 1}: no {name or 'time'}", value=None, fix="complete or remove the row")
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _certain(_timestamps(column, request.zone))
    if pa.types.is_date(kind):
        days = to_numpy(pc.cast(pc.cast(column, pa.date32()), pa.int32())).astype(np.int64)
        return _certain(to_utc(days * DAY, request.zone))
    if pa.types.is_integer(kind):
        return _certain(from_epoch(to_numpy(column), column=name, zone=request.zone))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_texts(column, request, name)
    raise DataError(f"column {name!r} holds no times", value=str(kind), fix="give ISO-8601 texts or timestamps")


def _from_texts(column: Any, request: Request, name: str) -> Times:
    digits = pc.match_substring_regex(column, r"^\s*\d{8,19}\s*$")
    if len(column) and pc.all(digits).as_py():
        numbers = to_numpy(pc.cast(pc.utf8_trim_whitespace(column), pa.int64()))
        return _certain(from_epoch(numbers, column=name, zone=request.zone))
    return time_texts.parse(column, zone=request.zone, date_order=request.date_order)


def _timestamps(column: Any, zone: str) -> Int64s:
    unit = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}[column.type.unit]
    ticks = to_numpy(pc.cast(column, pa.int64()))
    at = ticks if unit == 1 else ticks * unit
    return at if column.type.tz else to_utc(at, zone)


def _certain(at: Int64s) -> Times:
    return Times(at, np.zeros(len(at), dtype=bool))
