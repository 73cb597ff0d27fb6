"""Files of ticks, Parquet or CSV, with recognisable column names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tradsys.core.errors import DataError
from tradsys.market.files import FileContent, read
from tradsys.market.readers.damage import damage_refused
from tradsys.market.readers.delimited import table_of as delimited_table
from tradsys.market.readers.parquet import table_of as parquet_table
from tradsys.market.readers.raw import Request
from tradsys.market.readers.table import SPELLINGS, floats, moments, plain
from tradsys.market.ticks import COLUMNS, TickSeries

_TIMES = {
    "time": (*SPELLINGS["moment"], "time", "receivedat", "receivetime"),
    "exchange_time": ("exchangetime", "exchangeat", "exchangetimestamp", "eventtime"),
}

_NUMBERS = {
    "last": ("last", "lastprice", "ltp", "price", "tradeprice"),
    "last_quantity": ("lastquantity", "lasttradedquantity", "lastqty", "ltq", "quantity", "qty", "size", "amount"),
    "bid": ("bid", "bidprice", "bestbid", "bestbidprice"),
    "bid_quantity": ("bidquantity", "bidqty", "bidsize", "bestbidqty"),
    "ask": ("ask", "askprice", "bestask", "bestaskprice", "offer"),
    "ask_quantity": ("askquantity", "askqty", "asksize", "bestaskqty"),
    "volume": ("volume", "totalvolume", "volumetraded", "dayvolume"),
}


PARQUET = b"PAR1"
"""What a Parquet file begins with."""


def read_ticks(path: Path, *, instrument: str, timezone: str) -> TickSeries:
    """Ticks of one instrument; times without offset are in `timezone`.

    Raises `MissingData` for a file that is not there or empty, `DataError` for a damaged one, columns that are missing
    or twice, and for ticks not fit to trade on (`TickSeries.validate`).
    """
    found = read(path)
    request = Request(path=path, zone=timezone)
    with damage_refused(path):
        return _series(found, instrument, request).validate()


def _series(found: FileContent, instrument: str, request: Request) -> TickSeries:
    path, parquet = request.path, found.content.startswith(PARQUET)
    table = parquet_table(found.content) if parquet else delimited_table(found.content, request)
    roles = roles_of(table.column_names, where=f"{path}: ")
    at = moments(table[roles["time"]], request, name=roles["time"]).at
    exchange_at = at
    if "exchange_time" in roles:
        exchange_at = moments(table[roles["exchange_time"]], request, name=roles["exchange_time"]).at
    return TickSeries(instrument, at, exchange_at, _matrix(table, roles), path, found.sha256)


def roles_of(names: list[str], *, where: str = "") -> dict[str, str]:
    """Which column plays which part: `{"time": "Time ", "last": "LTP", …}`.

    Raises `DataError`, its text beginning with `where`, for columns that are missing or twice.
    """
    roles: dict[str, str] = {}
    for role, spellings in {**_TIMES, **_NUMBERS}.items():
        found = [name for name in names if plain(name) in spellings]
        if len(found) > 1:
            raise DataError(f"{where}several columns could be the {role}", value=", ".join(found), fix="keep one")
        if found:
            roles[role] = found[0]
    if "time" not in roles or not ("last" in roles or {"bid", "ask"} <= roles.keys()):
        raise DataError(
            f"{where}not a file of ticks",
            value=", ".join(names),
            limit="time, and last or bid and ask (quantities, volume and exchange_time if there are)",
            fix="name the columns so, in a header row",
        )
    return roles


def _matrix(table: pa.Table, roles: dict[str, str]) -> NDArray[np.float64]:
    matrix = np.full((len(COLUMNS), table.num_rows), np.nan)
    for row, role in enumerate(COLUMNS):
        if role in roles:
            matrix[row] = floats(table[roles[role]], name=roles[role])
    return matrix
