"""Files of single orders: LOBSTER's messages, and the commands of a simulated day (`orders.parquet`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from enum import IntEnum
from itertools import pairwise, starmap
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradsys.core.errors import DataError, MissingData
from tradsys.core.instruments import Instrument
from tradsys.core.matching import Action, BookPhase, BookSide, Command, Kind, TimeInForce
from tradsys.core.units import SCALE, SECOND
from tradsys.market.books import lobster
from tradsys.market.books.order_book import BID
from tradsys.market.files import read
from tradsys.market.readers.damage import damage_refused
from tradsys.market.readers.parquet import table_of

PRICE_COLUMNS = ("price", "trigger", "trail")
"""Prices among the columns of `orders.parquet`."""

_MOST_STEPS = 2.0**62

HIDDEN = 5
"""LOBSTER's number for an execution of what the book does not show; the others are in `books.lobster`."""

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})")
_NEW_YORK = "America/New_York"
_WORDS: dict[str, type[IntEnum]] = {"event": Action, "side": BookSide, "kind": Kind, "validity": TimeInForce}
_QUANTITIES = ("quantity", "display")
_FIELDS = (
    *("event", "order_id", "side", "price", "quantity", "kind", "validity", "flags", "instrument"),
    *("account", "trigger", "trail", "display", "expires_at", "at"),
)
"""Columns in the order of `Command`."""

_NUMBERS = ("at", "order_id", "flags", "account", "expires_at")


class RecordedChange(NamedTuple):
    """One message of a feed of orders: UTC nanoseconds, LOBSTER's number of what happened, the order's number, its side
    (+1 or -1), price in currency and quantity in units."""

    at: int
    kind: int
    number: int
    side: int
    price: float
    quantity: float


def read_lobster(path: Path, *, timezone: str = _NEW_YORK) -> tuple[list[RecordedChange], str]:
    """The changes of a message file, and its SHA-256. The order-book file lies beside it, and the day is in its name.

    The book of the order-book file's first row, which holds the first message, comes first: one order a level, its
    number below 0. What happens to an order from before the file happens to that of its level. Crosses and halts are
    left out. Raises `MissingData` without the file beside it, `DataError` for a name without a day or "message", times
    that go back, and lines that are not LOBSTER's.
    """
    midnight, messages, sha256 = _messages(path, timezone)
    first_row = read(book_beside(path)).content.split(b"\n", 1)[0]
    if not messages:
        raise MissingData(f"{path} has no message", value=str(path), fix="check the file")
    for number, (before, after) in enumerate(pairwise(messages), 2):
        if after.at < before.at:
            raise DataError(f"{path}: line {number} is older than the line before", value=after.at, fix="sort the file")
    opening = _opening(lobster.parse_row(first_row), at=midnight + messages[0].at)
    return [*opening, *_changes(messages[1:], midnight)], sha256


def book_beside(path: Path) -> Path:
    """The order-book file of a LOBSTER message file."""
    return path.with_name(path.name.replace("message", "orderbook"))


def messages_beside(path: Path) -> Path:
    """The message file of a LOBSTER order-book file."""
    return path.with_name(path.name.replace("orderbook", "message"))


def message_times(path: Path, *, timezone: str | None) -> NDArray[np.int64]:
    """int64[n]: UTC nanoseconds of each line of a message file. Raises `DataError` for one that is none."""
    midnight, messages, _ = _messages(path, timezone or _NEW_YORK)
    return np.array([midnight + each.at for each in messages], dtype=np.int64)


def _messages(path: Path, timezone: str) -> tuple[int, list[lobster.Message], str]:
    """When the file's day began, its messages, and its SHA-256."""
    found = _DAY.search(path.name)
    if found is None or "message" not in path.name:
        raise DataError(
            f"{path}: not the name of a LOBSTER message file", value=path.name, limit="SYMBOL_YYYY-MM-DD_…_message_…"
        )
    midnight = int(datetime.fromisoformat(found[1]).replace(tzinfo=ZoneInfo(timezone)).timestamp()) * SECOND
    content = read(path)
    return midnight, [lobster.parse(line) for line in content.content.splitlines()], content.sha256


def _opening(row: list[int], *, at: int) -> Iterator[RecordedChange]:
    for place in range(0, len(row), 2):
        side, price, size = (1 if place % 4 else -1), row[place], row[place + 1]
        if size > 0 and abs(price) != lobster.NO_PRICE:
            yield RecordedChange(at, lobster.NEW, _nobody(side, price), side, price / lobster.PRICE_UNIT, size)


def _nobody(side: int, price: int) -> int:
    """Number of what stood at a price before the file: below 0, where no order's is."""
    return -(2 * price + (side > 0))


def _changes(messages: list[lobster.Message], midnight: int) -> Iterator[RecordedChange]:
    known: set[int] = set()
    for message in messages:
        kind, number = message.kind, message.order_id
        side = 1 if message.side == BID else -1
        if kind > HIDDEN:
            continue
        if kind == lobster.NEW:
            known.add(number)
        elif number not in known:
            number = _nobody(side, message.price)
            kind = lobster.PARTIAL_CANCEL if kind == lobster.DELETE else kind
        yield RecordedChange(
            midnight + message.at, kind, number, side, message.price / lobster.PRICE_UNIT, message.size
        )


def first_price(path: Path, format: str) -> float:
    """The first price of a file in format `lobster` or `orders`, in currency. Raises `MissingData` where there is none,
    `DataError` for another file."""
    if format == "lobster":
        row = lobster.parse_row(read(book_beside(path)).content.split(b"\n", 1)[0])
        prices = np.array([price for price in row[::2] if abs(price) != lobster.NO_PRICE]) / lobster.PRICE_UNIT
    else:
        prices = _numbers(_table(path, read(path).content, {"price"}), "price", path)
    if not (prices > 0).any():
        raise MissingData(f"{path} has no price", value=str(path), fix="check the file")
    return float(prices[np.argmax(prices > 0)])


def read_orders(path: Path, instrument: Instrument) -> tuple[list[int], list[Command], str]:
    """The commands of a simulated day in the ticks and lots of their first instant, when they came, and the file's
    SHA-256. What befell orders by other commands is left out: the book says it again.

    Raises `MissingData` for an empty file, `DataError` for another file, times that go back, and prices or quantities
    off the instrument's tick or lot.
    """
    found = read(path)
    table = _table(path, found.content, {*_WORDS, *PRICE_COLUMNS, *_QUANTITIES, *_NUMBERS, "phase"})
    with damage_refused(path):
        table = table.filter(pc.is_in(table["event"].cast(pa.string()), pa.array(_names(Action))))
    if not table.num_rows:
        raise MissingData(f"{path} has no order", value=str(path), fix="check the file")
    at = _numbers(table, "at", path, whole=True)
    back = at[1:] < at[:-1]
    if back.any():
        row = int(np.argmax(back)) + 2
        raise DataError(f"{path}: row {row} is older than the row before", value=row, fix="sort the file")
    columns = _columns(table, tick=instrument.tick_at(int(at[0])), lot=instrument.lot_at(int(at[0])), path=path)
    columns["instrument"] = np.zeros(len(at), np.int64)
    rows = zip(*[columns[name].tolist() for name in _FIELDS], strict=True)
    return at.tolist(), list(starmap(Command, rows)), found.sha256


def _table(path: Path, content: bytes, wanted: set[str]) -> pa.Table:
    with damage_refused(path):
        table = table_of(content)
    if missing := wanted - set(table.column_names):
        raise DataError(
            f"{path}: not the orders of a simulated day",
            value=", ".join(table.column_names)[:200],
            limit=f"also {', '.join(sorted(missing))}",
            fix="give the orders.parquet of tradsys exchange simulate",
        )
    return table


def _numbers(table: pa.Table, name: str, path: Path, *, whole: bool = False) -> NDArray[Any]:
    """A column of numbers, each of them there."""
    column = table[name]
    fits = pa.types.is_integer(column.type) or (not whole and pa.types.is_floating(column.type))
    if not fits or column.null_count:
        limit = "whole numbers, none missing" if whole else "numbers, none missing"
        raise DataError(f"{path}: column {name} cannot be read", value=str(column.type), limit=limit)
    numbers: NDArray[Any] = column.to_numpy()
    return numbers


def _columns(table: pa.Table, *, tick: int, lot: int, path: Path) -> dict[str, NDArray[np.int64]]:
    columns = {name: _numbers(table, name, path, whole=True) for name in _NUMBERS}
    columns |= {name: _members(table[name], words, path) for name, words in _WORDS.items()}
    for names, step in ((PRICE_COLUMNS, tick), (_QUANTITIES, lot)):
        columns |= {name: steps_of(_numbers(table, name, path), step, f"{path}: {name}") for name in names}
    _undo_exchange_commands(columns, table, path)
    return columns


def _names(words: type[IntEnum]) -> list[str]:
    return [member.name.lower() for member in words]


def _members(column: pa.ChunkedArray, words: type[IntEnum], path: Path) -> NDArray[np.int64]:
    with damage_refused(path):
        codes = pc.index_in(column.cast(pa.string()), pa.array(_names(words)))
    if codes.null_count:
        raise DataError(f"{path}: a word that means nothing", value=words.__name__, limit=", ".join(_names(words)))
    return np.asarray(codes.to_numpy(), dtype=np.int64)


def steps_of(values: NDArray[np.float64], step: int, what: str) -> NDArray[np.int64]:
    """Prices or quantities as whole ticks or lots of `step` (1e-8). Raises `DataError` for one that is none."""
    exact = values * SCALE / step
    steps = np.rint(exact)
    # What is no number, or infinite, is no step either.
    with np.errstate(invalid="ignore"):
        off = ~(np.abs(exact - steps) <= 1e-3) | (np.abs(exact) >= _MOST_STEPS)
    if off.any():
        raise DataError(
            f"{what} is off the instrument's step", value=float(values[off][0]), limit=step / SCALE, fix="give its tick"
        )
    whole: NDArray[np.int64] = steps.astype(np.int64)
    return whole


def _undo_exchange_commands(columns: dict[str, NDArray[np.int64]], table: pa.Table, path: Path) -> None:
    """`flags` holds the rule of a band or the end of an auction, and the phase that a `SET_PHASE` left is a column."""
    action = columns["event"]
    ruled = np.isin(action, (Action.SET_BAND, Action.UNCROSS))
    columns["quantity"] = np.where(ruled, columns["flags"], columns["quantity"])
    columns["flags"] = np.where(ruled, 0, columns["flags"])
    phases = _members(table["phase"], BookPhase, path)
    columns["price"] = np.where(action == Action.SET_PHASE, phases, columns["price"])
