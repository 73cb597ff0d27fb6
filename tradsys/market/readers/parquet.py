"""Parquet with open, high, low, close, volume and time columns under any of their usual names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from tradsys.market.readers.raw import RawBars, Request
from tradsys.market.readers.table import bars_of


def table_of(content: bytes) -> pa.Table:
    """The table in Parquet bytes."""
    # pq.read_table would import pandas.
    return pq.ParquetFile(pa.BufferReader(content)).read()


def parse(content: bytes, request: Request) -> list[RawBars]:
    """Bars of each instrument in the file."""
    return bars_of(table_of(content), request)
