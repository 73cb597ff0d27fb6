"""NSE's end-of-day file of the cash market: the format up to July 2024, and the UDiFF columns since."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from tradsys.core.errors import DataError
from tradsys.core.units import DAY
from tradsys.market.readers.delimited import table_of
from tradsys.market.readers.raw import RawBars, Request
from tradsys.market.readers.table import bars_of

# Series whose shares are the company's ordinary ones; others (bonds, preference shares …) are named SYMBOL-SERIES.
ORDINARY = ("EQ", "BE", "BZ", "SM", "ST")
OLD = {
    "SYMBOL": "symbol", "SERIES": "series", "OPEN": "open", "HIGH": "high", "LOW": "low", "CLOSE": "close",
    "TOTTRDQTY": "volume", "TIMESTAMP": "date",
}  # fmt: skip
UDIFF = {
    "TckrSymb": "symbol", "SctySrs": "series", "OpnPric": "open", "HghPric": "high", "LwPric": "low",
    "ClsPric": "close", "TtlTradgVol": "volume", "TradDt": "date",
}  # fmt: skip


def parse(content: bytes, request: Request) -> list[RawBars]:
    """One bar an instrument and day."""
    table = table_of(content, request)
    columns = next((map_ for map_ in (OLD, UDIFF) if set(map_) <= set(table.column_names)), None)
    if columns is None:
        raise DataError(
            f"{request.path}: not a cash-market bhavcopy",
            value=", ".join(table.column_names[:6]),
            limit=" or ".join(", ".join(list(names)[:3]) + " …" for names in (OLD, UDIFF)),
            fix="give the file as NSE publishes it",
        )
    plain = pa.table({name: table[source] for source, name in columns.items()})
    series = pc.utf8_trim_whitespace(pc.cast(plain["series"], pa.string()))
    symbol = pc.utf8_trim_whitespace(plain["symbol"])
    ordinary = pc.is_in(series, value_set=pa.array(ORDINARY))
    names = pc.if_else(ordinary, symbol, pc.binary_join_element_wise(symbol, series, "-"))
    plain = plain.drop_columns(["series", "symbol"]).append_column("symbol", names)
    return [replace(bars, span=DAY) for bars in bars_of(plain, request)]
