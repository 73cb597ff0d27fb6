"""The shipped sample: minute bars with an int date and a text time, labelled by their end (09:16 … 15:30)."""

from __future__ import annotations

from dataclasses import replace

from tradsys.core.units import MINUTE
from tradsys.market.readers.parquet import table_of
from tradsys.market.readers.raw import RawBars, Request, stem
from tradsys.market.readers.table import bars_of


def parse(content: bytes, request: Request) -> list[RawBars]:
    """Bars of the one instrument, named by the file: `FEDERALBNK_1min_2014-12_2015-10.parquet`."""
    name = stem(request.path).split("_1min")[0]
    return [replace(bars, instrument=name, label="end", span=MINUTE) for bars in bars_of(table_of(content), request)]
