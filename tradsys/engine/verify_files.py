"""Copies of data files as they stood at an instant, in the files' own formats.

A copy is read by the reader that read the original, and by whatever else a strategy may open it with.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tradsys.core.errors import DataError
from tradsys.market.arrow import from_numpy
from tradsys.market.loading import EXCHANGE_ZONE, RawFile, assemble, label_for, span_for
from tradsys.market.readers import format_of
from tradsys.market.readers.lean import COLUMNS as LEAN_COLUMNS
from tradsys.market.readers.nse_daily import COLUMNS as NSE_DAILY_COLUMNS
from tradsys.market.readers.raw import Request
from tradsys.market.readers.table import PRICES, detect, floats
from tradsys.market.sessions import SessionCalendar

Int64s = NDArray[np.int64]
Float64s = NDArray[np.float64]
GZIP = b"\x1f\x8b"
JUMPS = (3.0, 0.4, 1.7, 0.25)
"""What prices after the instant are multiplied by, eight rows each: far from what happened, and still valid data."""


class Rows(Protocol):
    """A data file as rows that can be picked and re-priced, and written again in the file's own format."""

    def __len__(self) -> int: ...

    def kept(self, rows: Int64s) -> Rows:
        """Only these rows, by number."""
        ...

    def poisoned(self, after: NDArray[np.bool_]) -> Rows:
        """The same rows with other prices in those marked in `after` (bool[n])."""
        ...

    def encode(self) -> bytes:
        """The file's bytes."""
        ...


class Prices(NamedTuple):
    """What a file's prices are like: whole multiples of `step` (0: any), above zero, below `most`; others are none."""

    step: float = 0.0
    most: float = math.inf


ANY = Prices()


class PricedRows(ABC):
    """Rows with columns of prices, `roles`."""

    def __init__(self, roles: Iterable[str], prices: Prices) -> None:
        self._priced = tuple(roles)
        self._prices = prices

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def price(self, role: str) -> Float64s:
        """A column of prices, float64[n]."""

    @abstractmethod
    def priced(self, prices: dict[str, Float64s]) -> Self:
        """The same rows with some columns of prices replaced."""

    def poisoned(self, after: NDArray[np.bool_]) -> Self:
        """The same rows with all prices of those marked changed together; first up or first down, in turn."""
        jumps = np.ones(len(self))
        turns = np.arange(int(after.sum())) // 8 + int((~after).sum()) % 2
        jumps[after] = np.array(JUMPS)[turns % len(JUMPS)]
        return self.priced({role: self._jumped(self.price(role), jumps) for role in self._priced})

    def _jumped(self, price: Float64s, jumps: Float64s) -> Float64s:
        step, most = self._prices
        there = price * jumps
        if step:
            there = np.maximum(np.rint(there / step), 1) * step
        return np.where((jumps != 1) & (price > 0) & (price < most), there, price)


class ArrowRows(PricedRows):
    """Rows of an Arrow table: Parquet and Feather; `roles` are columns of prices by what they hold."""

    def __init__(
        self, table: Any, encoder: Callable[[Any], bytes], roles: dict[str, str], prices: Prices = ANY
    ) -> None:
        super().__init__(roles, prices)
        self._table = table
        self._encoder = encoder
        self._roles = roles

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def price(self, role: str) -> Float64s:
        """A column of prices, float64[n]."""
        name = self._roles[role]
        return floats(self._table[name], name=name)

    def priced(self, prices: dict[str, Float64s]) -> ArrowRows:
        """The same rows with some columns of prices replaced, in the column's own type."""
        table = self._table
        for role, values in prices.items():
            index = table.column_names.index(self._roles[role])
            field = table.schema.field(index)
            whole = pa.types.is_integer(field.type)
            column = pc.cast(from_numpy(np.rint(values) if whole else values), field.type, safe=False)
            table = table.set_column(index, field, column)
        return ArrowRows(table, self._encoder, self._roles, self._prices)

    def kept(self, rows: Int64s) -> ArrowRows:
        """Only these rows, by number."""
        return ArrowRows(self._table.take(from_numpy(rows)), self._encoder, self._roles, self._prices)

    def encode(self) -> bytes:
        """The file's bytes."""
        return self._encoder(self._table)


class ListRows(PricedRows):
    """Rows of cells: CSV lines and JSON candles; `places` are columns of prices by what they hold."""

    def __init__(
        self,
        rows: list[list[Any]],
        places: dict[str, int],
        encoder: Callable[[Any], bytes],
        prices: Prices = ANY,
    ) -> None:
        super().__init__(places, prices)
        self._rows = rows
        self._places = places
        self._encoder = encoder

    def __len__(self) -> int:
        return len(self._rows)

    def price(self, role: str) -> Float64s:
        """A column of prices, float64[n]; NaN where a cell is no number."""
        place = self._places[role]
        return np.array([_number(row[place]) for row in self._rows], dtype=np.float64)

    def priced(self, prices: dict[str, Float64s]) -> ListRows:
        """The same rows with some columns of prices replaced, each cell written the way it was."""
        rows = [list(row) for row in self._rows]
        for role, values in prices.items():
            place = self._places[role]
            for row, value in zip(rows, values.tolist(), strict=True):
                row[place] = _like(row[place], value)
        return ListRows(rows, self._places, self._encoder, self._prices)

    def kept(self, rows: Int64s) -> ListRows:
        """Only these rows, by number."""
        kept = [self._rows[row] for row in rows.tolist()]
        return ListRows(kept, self._places, self._encoder, self._prices)

    def encode(self) -> bytes:
        """The file's bytes."""
        return self._encoder(self._rows)


def _number(cell: Any) -> float:
    try:
        return float(str(cell).replace(",", ""))
    except ValueError:
        return float("nan")


def _like(cell: Any, value: float) -> Any:
    """A number written as the cell's own kind: digits stay digits, text stays text. What is the same stays as it is."""
    if value != value or value == _number(cell):
        return cell
    if isinstance(cell, str):
        return str(round(value)) if cell.strip().isdigit() else repr(value)
    return round(value) if isinstance(cell, int) else value


def decode(content: bytes, *, format: str, name: str) -> ArrowRows | ListRows:
    """The rows of a file of bars. Raises `DataError` for a zip that does not hold one file of its day."""
    if format in ("parquet", "nse_1min_mit", "tradsys"):
        table = pq.ParquetFile(pa.BufferReader(content)).read()
        return ArrowRows(table, parquet, _roles(table.column_names))
    if format == "freqtrade":
        table = feather.read_table(pa.BufferReader(content))
        return ArrowRows(table, _feather, _roles(table.column_names))
    if format == "lean":
        return _zipped(content, name)
    text, pack = unpacked(content)
    if format in ("kite", "ccxt"):
        return _candles(text, pack)
    if format == "nse_daily":
        return lines(text, pack, places=_places, names=NSE_DAILY_COLUMNS)
    return lines(text, pack, places=_places)


def unpacked(content: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    """A file's bytes without their gzip, and what packs others as they were."""
    if content.startswith(GZIP):
        return gzip.decompress(content), lambda plain: gzip.compress(plain, mtime=0)
    return content, bytes


def _places(names: list[str]) -> dict[str, int]:
    return {role: names.index(name) for role, name in _roles(names).items()}


def _roles(names: list[str]) -> dict[str, str]:
    found = detect(names)
    return {role: found[role] for role in PRICES}


def parquet(table: Any) -> bytes:
    """The bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _feather(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    # pyarrow.feather's own writer imports pandas.
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _candles(text: bytes, pack: Callable[[bytes], bytes]) -> ListRows:
    whole = msgspec.json.decode(text)
    places = {role: place for place, role in enumerate(PRICES, 1)}
    if isinstance(whole, list):
        return ListRows(whole, places, lambda rows: pack(msgspec.json.encode(rows)))
    data = whole["data"]
    return ListRows(
        data["candles"], places, lambda rows: pack(msgspec.json.encode({**whole, "data": {**data, "candles": rows}}))
    )


def lines(
    text: bytes,
    pack: Callable[[bytes], bytes],
    *,
    places: Callable[[list[str]], dict[str, int]],
    names: Sequence[str] | None = None,
    prices: Prices = ANY,
) -> ListRows:
    """Rows of CSV text; `places` finds columns of prices among the names, which are the first row where not given."""
    plain = text.decode("utf-8-sig")
    delimiter = max(",;\t", key=plain.split("\n", 1)[0].count)
    rows = [row for row in csv.reader(io.StringIO(plain), delimiter=delimiter) if row]
    head = [] if names is not None else rows[:1]
    columns = list(names) if names is not None else rows[0]

    def encode(kept: list[list[Any]]) -> bytes:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(head + kept)
        return pack(out.getvalue().encode())

    return ListRows(rows[len(head) :], places(columns), encode, prices)


def _zipped(content: bytes, name: str) -> ListRows:
    """The one file of a LEAN zip that its reader reads; neighbouring days in the same zip are left out of copies."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [each for each in archive.namelist() if "_minute_" not in each or each.startswith(name[:8])]
        if len(entries) != 1:
            raise DataError(f"{name}: holds {len(entries)} files of its day", value=len(entries), limit=1)
        text = archive.read(entries[0])

    def pack(plain: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(entries[0]), plain)
        return out.getvalue()

    return lines(text, pack, places=_places, names=LEAN_COLUMNS)


def row_times(
    content: bytes,
    *,
    path: Path,
    format: str,
    interval: str | None,
    label: str | None,
    timezone: str | None,
    date_order: str | None,
    calendar: SessionCalendar,
) -> Int64s:
    """int64[n]: when each row of a file is known, in file order; empty for a file that its reader takes nothing from.

    The rows are numbered in the column of the opening price and read by the file's own reader, so that whatever order
    or instruments it gives them in, each finds its place. Raises as the reader does.
    """
    shape = format_of(format)
    rows = decode(content, format=format, name=path.name)
    numbered = rows.priced({"open": np.arange(1, len(rows) + 1, dtype=np.float64)}).encode()
    plain, _ = unpacked(numbered)
    request = Request(path=path, zone=timezone or shape.zone or EXCHANGE_ZONE, date_order=date_order)
    parts = shape.parse(plain, request)
    if not parts:
        return np.empty(0, np.int64)
    times = []
    for bars in parts:
        raw = RawFile(bars, path, "")
        span = span_for(raw, interval)
        times.append(assemble(raw, span=span, label=label_for(raw, label, span=span), calendar=calendar).at)
    numbers = np.concatenate([bars.matrix[0] for bars in parts])
    if len(numbers) != len(rows):
        raise DataError(f"{path}: {len(rows)} rows, of which the reader takes {len(numbers)}", value=len(numbers))
    return np.concatenate(times)[np.argsort(numbers, kind="stable")]
