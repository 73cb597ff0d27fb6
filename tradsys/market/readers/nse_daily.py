"""Headerless daily CSV of NSE stocks: ddmmyy, open, high, low, close, turnover, volume, trades."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from tradsys.core.units import DAY
from tradsys.market.readers.delimited import table_of
from tradsys.market.readers.raw import RawBars, Request
from tradsys.market.readers.table import bars_of

COLUMNS = ["date", "open", "high", "low", "close", "turnover", "volume", "trades"]


def parse(content: bytes, request: Request) -> list[RawBars]:
    """Bars of the one instrument, named by the file. Two-digit years are 20yy."""
    table = table_of(content, request, names=COLUMNS)
    pattern = r"^(\d{2})(\d{2})(\d{2})$"
    dates = pc.replace_substring_regex(table["date"], pattern, r"\1-\2-20\3")
    dated = table.set_column(0, "date", pc.cast(dates, pa.string()))
    request = replace(request, date_order="dmy")
    return [replace(bars, span=DAY) for bars in bars_of(dated, request)]
