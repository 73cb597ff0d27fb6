"""Copies of recorded files as they stood at an instant: ticks, depth and single orders, in the files' own formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tradsys.core.errors import DataError
from tradsys.core.instruments import Instrument
from tradsys.core.units import to_float
from tradsys.engine.recorded_data import TICKS
from tradsys.engine.verify_feeds import BinaryOrders, FeedRows
from tradsys.engine.verify_files import ArrowRows, Int64s, Prices, Rows, lines, parquet, unpacked
from tradsys.market.books import databento, lobster
from tradsys.market.books.rebuild import VENUES
from tradsys.market.databento_orders import PRICES, is_binary, read_messages
from tradsys.market.files import read
from tradsys.market.order_records import PRICE_COLUMNS, book_beside, message_times, messages_beside
from tradsys.market.readers.parquet import table_of
from tradsys.market.tick_files import PARQUET, read_ticks, roles_of

LOBSTER_BOOK = "lobster_book"
"""The books beside a LOBSTER message file, a row for each message."""

_TICK_PRICES = ("last", "bid", "ask")
_MESSAGE_COLUMNS = ("time", "type", "order", "size", "price", "direction")


def files_of(path: Path, *, format: str) -> list[tuple[Path, str]]:
    """The files that a run reads for one path, each with its format."""
    return [(path, format), (book_beside(path), LOBSTER_BOOK)] if format == "lobster" else [(path, format)]


def step_of(instrument: Instrument, *, format: str) -> float:
    """The step of an instrument's prices in a file, in the file's own units. Its first tick counts."""
    tick = to_float(instrument.ticks[0].step)
    if format == "databento":
        return tick * databento.PRICE_UNIT
    return tick * lobster.PRICE_UNIT if format in ("lobster", LOBSTER_BOOK) else tick


def decode(content: bytes, *, format: str, step: float) -> Rows:
    """The rows of a recorded file whose prices are multiples of `step`."""
    plain, pack = unpacked(content)
    if format in VENUES:
        return FeedRows(plain.split(b"\n"), format, pack)
    if format == "databento":
        prices = Prices(step, databento.UNPRICED)
        return BinaryOrders.read(plain, prices) if is_binary(plain) else lines(plain, pack, places=_cost, prices=prices)
    if format in ("lobster", LOBSTER_BOOK):
        width = plain.split(b"\n", 1)[0].count(b",") + 1
        names = _MESSAGE_COLUMNS if format == "lobster" else [str(number) for number in range(width)]
        return lines(plain, pack, places=_levels, names=names, prices=Prices(step, lobster.NO_PRICE))
    if not plain.startswith(PARQUET):
        return lines(plain, pack, places=_tick_places, prices=Prices(step))
    table = table_of(plain)
    roles = _tick_prices(table.column_names) if format == TICKS else {each: each for each in PRICE_COLUMNS}
    return ArrowRows(table, parquet, roles, Prices(step))


def _cost(names: list[str]) -> dict[str, int]:
    return {"price": next(names.index(each) for each in PRICES if each in names)}


def _levels(names: list[str]) -> dict[str, int]:
    """Of a message its price; of a row of books the first of each two."""
    return {"price": names.index("price")} if "price" in names else {name: int(name) for name in names[::2]}


def _tick_prices(names: list[str]) -> dict[str, str]:
    roles = roles_of(names)
    return {role: roles[role] for role in _TICK_PRICES if role in roles}


def _tick_places(names: list[str]) -> dict[str, int]:
    return {role: names.index(name) for role, name in _tick_prices(names).items()}


def row_times(path: Path, *, format: str, timezone: str | None, zone: str) -> Int64s:
    """int64[n]: when each row of a recorded file is known, in file order. Times without a zone are in `timezone`, else
    the venue's, else in `zone`. Raises as the reader does, and `DataError` where it takes other rows than the file's.
    """
    rows = decode(path.read_bytes(), format=format, step=0.0)
    times = _times(path, rows, format, timezone, zone)
    if len(times) != len(rows):
        raise DataError(f"{path}: {len(rows)} rows, of which the reader takes {len(times)}", value=len(times))
    return times


def _times(path: Path, rows: Rows, format: str, timezone: str | None, zone: str) -> Int64s:
    if isinstance(rows, FeedRows):
        return rows.times()
    if format in ("lobster", LOBSTER_BOOK):
        return message_times(messages_beside(path) if format == LOBSTER_BOOK else path, timezone=timezone)
    if format == "databento":
        return np.array([each.at for each in read_messages(path)[0]], dtype=np.int64)
    if format == TICKS:
        return read_ticks(path, instrument=path.name, timezone=timezone or zone).at
    return np.asarray(table_of(read(path).content)["at"].to_numpy(), dtype=np.int64)
