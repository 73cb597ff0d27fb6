"""Copies of data files as they stood at an instant, in the files' own formats.

A copy is read by the reader that read the original, and by whatever else a strategy may open it with.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

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
"""What prices after the instant are multiplied by, eight rows each: far from what happened, and still valid bars."""


class Rows(Protocol):
    """A data file as rows that can be picked and re-priced, and written again in the file's own format."""

    def __len__(self) -> int: ...

    def price(self, role: str) -> Float64s:
        """A column of prices, float64[n]."""
        ...

    def priced(self, prices: dict[str, Float64s]) -> Rows:
        """The same rows with some columns of prices replaced."""
        ...

    def kept(self, rows: Int64s) -> Rows:
        """Only these rows, by number."""
        ...

    def encode(self) -> bytes:
        """The file's bytes."""
        ...


class ArrowRows:
    """Rows of an Arrow table: Parquet and Feather."""

    def __init__(self, table: Any, encoder: Callable[[Any], bytes]) -> None:
        self._table = table
        self._encoder = encoder
        self._roles = detect(table.column_names)

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
        return ArrowRows(table, self._encoder)

    def kept(self, rows: Int64s) -> ArrowRows:
        """Only these rows, by number."""
        return ArrowRows(self._table.take(from_numpy(rows)), self._encoder)

    def encode(self) -> bytes:
        """The file's bytes."""
        return self._encoder(self._table)


class ListRows:
    """Rows of cells: CSV lines and JSON candles."""

    def __init__(self, rows: list[list[Any]], places: dict[str, int], encoder: Callable[[Any], bytes]) -> None:
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
        return ListRows(rows, self._places, self._encoder)

    def kept(self, rows: Int64s) -> ListRows:
        """Only these rows, by number."""
        return ListRows([self._rows[row] for row in rows.tolist()], self._places, self._encoder)

    def encode(self) -> bytes:
        """The file's bytes."""
        return self._encoder(self._rows)


def _number(cell: Any) -> float:
    try:
        return float(str(cell).replace(",", ""))
    except ValueError:
        return float("nan")


def _like(cell: Any, value: float) -> Any:
    """A number written as the cell's own kind: digits stay digits, text stays text, no number stays as it is."""
    if value != value:
        return cell
    if isinstance(cell, str):
        return str(round(value)) if cell.strip().isdigit() else repr(value)
    return round(value) if isinstance(cell, int) else value


def decode(content: bytes, *, format: str, name: str) -> Rows:
    """The rows of a data file. Raises `DataError` for a zip that does not hold one file of its day."""
    if format in ("parquet", "nse_1min_mit", "tradsys"):
        return ArrowRows(pq.ParquetFile(pa.BufferReader(content)).read(), _parquet)
    if format == "freqtrade":
        return ArrowRows(feather.read_table(pa.BufferReader(content)), _feather)
    if format == "lean":
        return _zipped(content, name)
    packed = content.startswith(GZIP)
    text = gzip.decompress(content) if packed else content
    pack: Callable[[bytes], bytes] = (lambda plain: gzip.compress(plain, mtime=0)) if packed else bytes
    if format in ("kite", "ccxt"):
        return _candles(text, pack)
    return _lines(text, pack, names=NSE_DAILY_COLUMNS if format == "nse_daily" else None)


def _parquet(table: Any) -> bytes:
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


def _lines(text: bytes, pack: Callable[[bytes], bytes], *, names: Sequence[str] | None) -> ListRows:
    plain = text.decode("utf-8-sig")
    delimiter = max(",;\t", key=plain.split("\n", 1)[0].count)
    rows = [row for row in csv.reader(io.StringIO(plain), delimiter=delimiter) if row]
    head = [] if names is not None else rows[:1]
    columns = list(names) if names is not None else rows[0]
    roles = detect(columns)

    def encode(kept: list[list[Any]]) -> bytes:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(head + kept)
        return pack(out.getvalue().encode())

    return ListRows(rows[len(head) :], {role: columns.index(roles[role]) for role in PRICES}, encode)


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

    return _lines(text, pack, names=LEAN_COLUMNS)


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
    plain = gzip.decompress(numbered) if numbered.startswith(GZIP) else numbered
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


def cut(content: bytes, *, format: str, name: str, after: NDArray[np.bool_]) -> bytes:
    """The file without the rows marked in `after` (bool[n])."""
    return decode(content, format=format, name=name).kept(np.flatnonzero(~after)).encode()


def poison(content: bytes, *, format: str, name: str, after: NDArray[np.bool_]) -> bytes:
    """The file with all prices changed in the rows marked in `after` (bool[n]); first up or first down, in turn."""
    rows = decode(content, format=format, name=name)
    jumps = np.ones(len(rows))
    steps = np.arange(int(after.sum())) // 8 + int((~after).sum()) % 2
    jumps[after] = np.array(JUMPS)[steps % len(JUMPS)]
    return rows.priced({role: np.where(after, rows.price(role) * jumps, rows.price(role)) for role in PRICES}).encode()
