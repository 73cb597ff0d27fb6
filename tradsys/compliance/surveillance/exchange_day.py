"""The exchange's own record of a day (`tradsys exchange simulate`) as events: everybody's orders and every trade.

Columns are those of `orders.parquet` and `trades.parquet`, in ticks and lots or as the files have them.

Not modelled: orders made smaller by the venue (`decremented`) keep their quantity until they trade or go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tradsys.compliance.surveillance.events import (
    AnyEvent,
    Cancelled,
    Changed,
    Entered,
    Rejected,
    Session,
    Traded,
)
from tradsys.core.errors import DataError, MissingData
from tradsys.core.events import Phase
from tradsys.core.matching import Action, BookPhase, BookSide, Status
from tradsys.core.units import SCALE

EVENTS = (*(action.name.lower() for action in Action), "triggered", "cancelled", "expired", "decremented")
_REMOVED = (EVENTS.index("cancelled"), EVENTS.index("expired"))
_SIGNS = {int(BookSide.BUY): 1, int(BookSide.SELL): -1}
_ORDER_FIELDS = (
    "at",
    "command",
    "event",
    "phase",
    "order_id",
    "account",
    "side",
    "price",
    "quantity",
    "status",
    "open",
)
_TRADE_FIELDS = ("at", "command", "side", "price", "quantity", "taker_id", "maker_id", "taker", "maker")
CROWD = ("noise", "noise_traders", "recorded_orders")
"""Participants that stand for many: each of their orders is an account of its own."""


class DayFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a day's rows do not say: the instrument, tick and lot (1e-8), the names of accounts, when trading ends."""

    instrument: str
    tick: int
    lot: int
    names: dict[int, str]
    closes_at: int
    crowd: tuple[str, ...] = CROWD


class _Row(NamedTuple):
    at: int
    command: int
    event: int
    phase: int
    order_id: int
    account: int
    side: int
    price: int
    quantity: int
    status: int
    open: int


class _Trade(NamedTuple):
    at: int
    command: int
    side: int
    price: int
    quantity: int
    taker_id: int
    maker_id: int
    taker: int
    maker: int


def events_of_day(facts: DayFacts, *, orders: Mapping[str, Any], trades: Mapping[str, Any]) -> Iterator[AnyEvent]:
    """The events of a day's columns (whole ticks and lots) in order: each command, then the trades it led to."""
    return _Day(facts).events(_rows(orders), _trades(trades))


def _rows(columns: Mapping[str, Any]) -> Iterator[_Row]:
    lists = [np.asarray(columns[name]).tolist() for name in _ORDER_FIELDS]
    return map(_Row._make, zip(*lists, strict=True))


def _trades(columns: Mapping[str, Any]) -> Iterator[_Trade]:
    lists = [np.asarray(columns[name]).tolist() for name in _TRADE_FIELDS]
    return map(_Trade._make, zip(*lists, strict=True))


_PHASES = {
    int(BookPhase.CONTINUOUS): Phase.OPEN,
    int(BookPhase.AUCTION): Phase.PRE_OPEN,
    int(BookPhase.AUCTION_LIMIT): Phase.PRE_OPEN,
    int(BookPhase.HALTED): Phase.CLOSED,
    int(BookPhase.CLOSED): Phase.CLOSED,
}


class _Day:
    """The rows of one day, one after the other."""

    def __init__(self, facts: DayFacts) -> None:
        self._facts = facts
        self._traded = 0
        self._opened = False
        self._names: dict[int, str] = {}

    def events(self, rows: Iterator[_Row], trades: Iterator[_Trade]) -> Iterator[AnyEvent]:
        """Commands with their trades; removals by other commands as they stand."""
        pending = next(trades, None)
        last = -1
        held: list[_Row] = []
        for row in rows:
            if row.command != last:
                while pending is not None and pending.command == last:
                    yield self._trade(pending)
                    pending = next(trades, None)
                yield from self._removals(held)
                held, last = [], row.command
                yield from self._command(row)
                if row.event <= Action.REPLACE and row.status == Status.CANCELLED and row.event != Action.CANCEL:
                    held.append(row)
            else:
                held.append(row)
        while pending is not None:
            yield self._trade(pending)
            pending = next(trades, None)
        yield from self._removals(held)

    def _account(self, account: int, order_id: int) -> str:
        name = self._names.get(account)
        if name is None:
            name = self._names[account] = self._facts.names.get(account, str(account))
        return f"{name}#{order_id}" if name in self._facts.crowd else f"{name}-{account}"

    def _command(self, row: _Row) -> Iterator[AnyEvent]:
        facts, name = self._facts, self._facts.instrument
        if row.event == Action.SET_PHASE:
            yield Session(at=row.at, instrument=name, phase=self._phase(row.phase), closes_at=facts.closes_at)
            return
        if row.event > Action.REPLACE:
            return
        account = self._account(row.account, row.order_id)
        if row.status == Status.REJECTED:
            yield Rejected(at=row.at, instrument=name, account=account, order_id=row.order_id)
        elif row.event == Action.NEW:
            yield Entered(
                at=row.at, instrument=name, account=account, order_id=row.order_id, side=_SIGNS[row.side],
                price=row.price * facts.tick, quantity=row.quantity * facts.lot,
            )  # fmt: skip
        elif row.event == Action.CANCEL:
            yield Cancelled(at=row.at, instrument=name, account=account, order_id=row.order_id)
        else:
            # a reduction names what is taken off, a replacement what is open from now on
            left = row.open if row.event == Action.REDUCE else row.quantity
            yield Changed(
                at=row.at, instrument=name, account=account, order_id=row.order_id,
                price=row.price * facts.tick, quantity=left * facts.lot,
            )  # fmt: skip

    def _phase(self, phase: int) -> Phase:
        """An auction after the day's trading is the closing one."""
        found = _PHASES[phase]
        self._opened = self._opened or found is Phase.OPEN
        return Phase.CLOSING_AUCTION if found is Phase.PRE_OPEN and self._opened else found

    def _removals(self, rows: Sequence[_Row]) -> Iterator[AnyEvent]:
        for row in rows:
            if row.event in _REMOVED or row.status == Status.CANCELLED:
                yield Cancelled(
                    at=row.at, instrument=self._facts.instrument, account=self._account(row.account, row.order_id),
                    order_id=row.order_id, by_owner=False,
                )  # fmt: skip

    def _trade(self, trade: _Trade) -> Traded:
        self._traded += 1
        taker, maker = self._account(trade.taker, trade.taker_id), self._account(trade.maker, trade.maker_id)
        buys = trade.side == BookSide.BUY
        return Traded(
            at=trade.at,
            instrument=self._facts.instrument,
            trade_id=self._traded,
            side=_SIGNS[trade.side],
            price=trade.price * self._facts.tick,
            quantity=trade.quantity * self._facts.lot,
            buyer=taker if buys else maker,
            seller=maker if buys else taker,
            buy_order=trade.taker_id if buys else trade.maker_id,
            sell_order=trade.maker_id if buys else trade.taker_id,
        )


def read_day(folder: Path) -> tuple[Iterator[AnyEvent], DayFacts]:
    """The events of a folder that `tradsys exchange simulate` wrote. Raises `MissingData`, `DataError`."""
    facts = _facts(folder)
    orders, trades = (_whole(_table(folder / f"{name}.parquet"), facts) for name in ("orders", "trades"))
    auctions = orders["at"][orders["event"] == Action.UNCROSS]
    ends = max(facts.closes_at, int(auctions.max()) if len(auctions) else 0)
    facts = msgspec.structs.replace(facts, closes_at=ends)
    return events_of_day(facts, orders=orders, trades=trades), facts


def _facts(folder: Path) -> DayFacts:
    path = folder / "simulation.json"
    try:
        said = msgspec.json.decode(path.read_bytes())
        return DayFacts(
            instrument=said["instrument"],
            tick=round(float(said["tick"]) * SCALE),
            lot=round(float(said["lot"]) * SCALE),
            names={int(account): name for account, name in said["accounts"].items()},
            closes_at=said["close"],
        )
    except FileNotFoundError:
        raise MissingData(
            f"{folder} is no simulated day: it has no {path.name}", value=str(folder), fix="tradsys exchange simulate"
        ) from None
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is damaged: {error!r}", value=str(path), fix="simulate the day again") from None


def _table(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read: {error}", value=str(path), fix="simulate the day again") from None


_WORDS: dict[str, tuple[str, ...]] = {
    "event": EVENTS,
    "side": tuple(each.name.lower() for each in BookSide),
    "phase": tuple(each.name.lower() for each in BookPhase),
    "status": tuple(each.name.lower() for each in Status),
}


def _whole(table: Any, facts: DayFacts) -> dict[str, Any]:
    """Words as numbers, prices as ticks, quantities as lots. Raises `DataError` for another file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = _TRADE_FIELDS if "taker_id" in table.column_names else _ORDER_FIELDS
    if missing := [name for name in wanted if name not in table.column_names]:
        raise DataError("not the record of a simulated day", value=", ".join(missing), limit=", ".join(wanted))
    columns: dict[str, Any] = {}
    for name in wanted:
        column = table[name]
        if name in _WORDS:
            columns[name] = pc.index_in(column.cast(pa.string()), pa.array(_WORDS[name])).to_numpy()
        elif pa.types.is_floating(column.type):
            step = facts.tick if name == "price" else facts.lot
            columns[name] = np.rint(column.to_numpy() * SCALE / step).astype(np.int64)
        else:
            columns[name] = column.to_numpy()
    return columns
