"""Parquet with open, high, low, close, volume and time columns under any of their usual names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from tradsys.core.errors import DataError
from tradsys.market.readers.raw import RawBars, Request
from tradsys.market.readers.table import bars_of


def table_of(content: bytes, request: Request) -> pa.Table:
    """The table in Parquet bytes. Raises `DataError` if they are not Parquet."""
    try:
        return pq.ParquetFile(pa.BufferReader(content)).read()
    except (pa.ArrowInvalid, OSError) as problem:
        raise DataError(
            f"{request.path}: not Parquet: {problem}", value=str(request.path), fix="check the file"
        ) from None


def parse(content: bytes, request: Request) -> list[RawBars]:
    """Bars of each instrument in the file."""
    return bars_of(table_of(content, request), request)
