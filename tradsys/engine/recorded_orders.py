"""Files of single orders as records of a run: what the venue's book follows, and the ticks that strategies see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tradsys.core.events import MarketEvent, Tick
from tradsys.core.instruments import Instrument
from tradsys.exchange.order_flow import OrderCommand
from tradsys.exchange.order_ticks import Flow, with_ticks
from tradsys.exchange.recorded_events import ChangeKind, OrderChange, Trade
from tradsys.market.books import lobster
from tradsys.market.order_records import HIDDEN, RecordedChange, read_lobster, read_orders, steps_of
from tradsys.market.ticks import TickSeries, series_of

_KINDS = {
    lobster.NEW: int(ChangeKind.ADD),
    lobster.PARTIAL_CANCEL: int(ChangeKind.REDUCE),
    lobster.DELETE: int(ChangeKind.DELETE),
    lobster.EXECUTION: int(ChangeKind.EXECUTE),
}


def read_orders_of(
    path: Path, format: str, instrument: Instrument, *, timezone: str | None
) -> tuple[list[MarketEvent], TickSeries]:
    """Records of a file in format `lobster` or `orders`, each followed by its ticks; and the ticks alone.

    Raises what `read_lobster` and `read_orders` raise, and `DataError` for prices or quantities off the instrument's
    tick or lot, and for ticks not fit to trade on.
    """
    name = instrument.id
    flow: list[Flow]
    if format == "lobster":
        changes, sha256 = read_lobster(path) if timezone is None else read_lobster(path, timezone=timezone)
        _on_steps(changes, instrument, path)
        flow = [_record(each, name) for each in changes]
    else:
        times, commands, sha256 = read_orders(path, instrument)
        flow = list(map(OrderCommand, times, times, [name] * len(times), commands))
    events: list[MarketEvent] = list(with_ticks(flow, instrument, at=flow[0].at))
    ticks = [event for event in events if type(event) is Tick]
    return events, series_of(ticks, instrument.id, source=path, sha256=sha256).validate()


def _on_steps(changes: list[RecordedChange], instrument: Instrument, path: Path) -> None:
    """Orders of the book are whole ticks and lots; prints of hidden ones need not be."""
    shown = np.array([(each.price, each.quantity) for each in changes if each.kind != HIDDEN], dtype=float)
    at = changes[0].at
    steps_of(shown[:, 0], instrument.tick_at(at), f"{path}: price")
    steps_of(shown[:, 1], instrument.lot_at(at), f"{path}: quantity")


def _record(change: RecordedChange, name: str) -> Flow:
    at, kind, number, side, price, quantity = change
    if kind == HIDDEN:
        return Trade(at, at, name, price, quantity, -side)
    return OrderChange(at, at, name, _KINDS[kind], number, side, price, quantity)
