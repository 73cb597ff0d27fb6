"""freqtrade's candles in Feather: UTC, labelled by their start, pair and interval in the file name."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.feather as feather

from tradsys.core.errors import DataError
from tradsys.market.intervals import span_of
from tradsys.market.readers.raw import RawBars, Request, stem
from tradsys.market.readers.table import bars_of

_NAME = re.compile(r"(?P<pair>.+?)-(?P<interval>\d+[smhd])(?:-(?P<kind>\w+))?")


def parse(content: bytes, request: Request) -> list[RawBars]:
    """Bars of the one pair: `ETH_BTC-5m.feather` → `ETH/BTC`, `XRP_USDT_USDT-1h-futures` → `XRP/USDT:USDT`."""
    name = _NAME.fullmatch(stem(request.path))
    if name is None:
        raise DataError(
            f"{request.path}: the name says no pair and interval", value=request.path.name, limit="ETH_BTC-5m.feather"
        )
    table = feather.read_table(pa.BufferReader(content))
    base, *quote = name["pair"].split("_")
    instrument = ":".join(["/".join([base, *quote[:1]]), *quote[1:]])
    span = span_of(name["interval"])
    return [replace(bars, instrument=instrument, label="start", span=span) for bars in bars_of(table, request)]
