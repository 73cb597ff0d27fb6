"""Databento's single orders as records of a run: what the venue's book follows, and the ticks that strategies see."""

from __future__ import annotations

from pathlib import Path

from tradsys.core.events import MarketEvent, Tick
from tradsys.core.instruments import Instrument
from tradsys.core.matching import Action, BookPhase, Command
from tradsys.exchange.order_flow import OrderCommand
from tradsys.exchange.order_ticks import Flow, with_ticks
from tradsys.exchange.recorded_events import ChangeKind, OrderChange, Trade
from tradsys.market.databento_orders import Told, ToldChange, read_databento
from tradsys.market.ticks import TickSeries, series_of

_KINDS = {Told.ADD: int(ChangeKind.ADD), Told.REDUCE: int(ChangeKind.REDUCE), Told.DELETE: int(ChangeKind.DELETE)}
_PHASES = {Told.COLLECT: int(BookPhase.AUCTION), Told.OPEN: int(BookPhase.CONTINUOUS)}
_NOBODY = 0
"""Number of the order that an execution is told of: the feed tells the order that came in, and then each it met."""


def read_databento_of(path: Path, instrument: Instrument) -> tuple[list[MarketEvent], TickSeries]:
    """Records of a file in Databento's format, each followed by its ticks; and the ticks alone.

    Raises what `read_databento` raises, and `DataError` for ticks not fit to trade on.
    """
    changes, sha256 = read_databento(path, instrument)
    flow = [_record(each, instrument.id) for each in changes]
    events: list[MarketEvent] = list(with_ticks(flow, instrument, at=flow[0].at))
    ticks = [event for event in events if type(event) is Tick]
    return events, series_of(ticks, instrument.id, source=path, sha256=sha256).validate()


def _record(change: ToldChange, name: str) -> Flow:
    at, happened, told, number, side, price, quantity = change
    if told in _PHASES:
        return OrderCommand(at, happened, name, Command(int(Action.SET_PHASE), price=_PHASES[told]))
    if told == Told.PRINT:
        return Trade(at, happened, name, price, quantity, 0)
    if told == Told.TRADE:
        return OrderChange(at, happened, name, int(ChangeKind.EXECUTE), _NOBODY, -side, price, quantity)
    return OrderChange(at, happened, name, _KINDS[told], number, side, price, quantity)
