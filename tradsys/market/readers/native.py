"""Our own Parquet: int64 UTC nanoseconds at which bars are known; instrument and span in the file's metadata."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradsys.core.errors import DataError
from tradsys.market.arrow import from_numpy, to_numpy
from tradsys.market.readers.parquet import table_of
from tradsys.market.readers.raw import RawBars, Request
from tradsys.market.readers.table import PRICES
from tradsys.market.series import BarSeries

COLUMNS = ("at", *PRICES, "volume")


def parse(content: bytes, request: Request) -> list[RawBars]:
    """Bars of the one instrument the file was written for."""
    table = table_of(content)
    metadata = table.schema.metadata or {}
    written = metadata.get(b"tradsys.span", b"")
    if b"tradsys.instrument" not in metadata or not written.isdigit() or set(COLUMNS) - set(table.column_names):
        raise DataError(f"{request.path}: not written by TradSys", value=str(request.path), fix="give format = parquet")
    matrix = np.empty((5, table.num_rows))
    for row, name in enumerate(COLUMNS[1:]):
        matrix[row] = to_numpy(table[name])
    labels = to_numpy(table["at"]).copy()
    span = int(written)
    name = metadata[b"tradsys.instrument"].decode()
    zone = request.zone
    return [RawBars(instrument=name, labels=labels, matrix=matrix, zone=zone, label="end", span=span, exact=True)]


def encode(series: BarSeries) -> bytes:
    """The bytes of a series in this shape; the same series gives the same bytes."""
    columns = [from_numpy(series.at), *(from_numpy(row) for row in series.matrix)]
    metadata = {"tradsys.instrument": series.instrument, "tradsys.span": str(series.span)}
    table = pa.Table.from_arrays(columns, names=list(COLUMNS)).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", version="2.6")
    content: bytes = sink.getvalue().to_pybytes()
    return content
