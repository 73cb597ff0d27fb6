"""The account's history, folded from the decision log alone: cash, positions and round trips after each event.

The fold uses a ledger of its own, so a run whose log does not explain its final account is caught (`reconcile`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import ActionKind, CashMoved, Charged, CorporateAction, Entry, Fill
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.market.series import BarSeries
from tradsys.portfolio.ledger import Ledger, Position
from tradsys.portfolio.trades import RoundTrips

Integers = NDArray[np.int64]


@dataclass(slots=True)
class History:
    """Rows of what happened, in order; money, prices and quantities in 1e-8."""

    ledger: Ledger
    trips: RoundTrips = field(default_factory=RoundTrips)
    fills: list[Fill] = field(default_factory=list)
    charges: list[int] = field(default_factory=list)
    cash: list[tuple[int, int]] = field(default_factory=list)
    positions: list[tuple[int, Position, int, int, int]] = field(default_factory=list)
    moves: dict[str, int] = field(default_factory=dict)
    actions: list[CorporateAction] = field(default_factory=list)


def fold(log: Sequence[Entry], instruments: Mapping[str, Instrument], *, cash: int, currency: str) -> History:
    """The history of a log, from an opening balance."""
    history = History(ledger=Ledger(cash, currency))
    pending: Fill | None = None
    carried = 0
    for entry in log:
        body = entry.body
        kind = type(body)
        if kind is Fill:
            pending = body  # type: ignore[assignment]  # kind says so
        elif kind is Charged and pending is not None:
            _book(history, pending, body, instruments[pending.instrument])  # type: ignore[arg-type]
        elif kind is CorporateAction:
            carried = len(history.ledger.apply(body, price=body.price))  # type: ignore[arg-type,union-attr]
            history.trips.apply(body)  # type: ignore[arg-type]
            history.actions.append(body)  # type: ignore[arg-type]
            _carry(history, body.instrument, entry.at)  # type: ignore[union-attr]
        elif kind is CashMoved:
            _move(history, body, booked=carried > 0)  # type: ignore[arg-type]
            carried = max(carried - 1, 0)
    return history


def _book(history: History, fill: Fill, charged: Charged, instrument: Instrument) -> None:
    ledger = history.ledger
    position = ledger.place(fill.strategy, instrument, fill.product)
    ledger.book(fill, charged.total, charged.items, position)
    history.fills.append(fill)
    history.charges.append(charged.total)
    history.trips.fill(fill, charged.total, instrument)
    history.cash.append((fill.at, ledger.cash))
    _record(history, fill.at, position)


def _record(history: History, at: int, held: Position) -> None:
    history.positions.append((at, held, held.quantity, held.cost, held.realised))


def _carry(history: History, instrument: str, at: int) -> None:
    history.cash.append((at, history.ledger.cash))
    for held in history.ledger.positions.values():
        if held.instrument.id == instrument:
            _record(history, at, held)


def _move(history: History, moved: CashMoved, *, booked: bool) -> None:
    """A corporate action books its own cash; its lines are only counted by reason."""
    history.moves[moved.reason] = history.moves.get(moved.reason, 0) + moved.amount
    if not booked:
        history.ledger.move_cash(moved)
    history.cash.append((moved.at, history.ledger.cash))


def reconcile(history: History, ledger: Ledger) -> None:
    """Raise `InvariantBroken` unless the log alone gives the account the run ended with."""
    mine, theirs = history.ledger, ledger
    pairs = {
        "cash": (mine.cash, theirs.cash),
        "realised": (mine.realised, theirs.realised),
        "charges": (mine.charges, theirs.charges),
        "cash moves": (mine.cash_moves, theirs.cash_moves),
    }
    for name, (folded, final) in pairs.items():
        if folded != final:
            raise InvariantBroken(f"the log does not explain the account's {name}", value=folded, limit=final)


def curves(
    history: History, series: Sequence[BarSeries], first: Sequence[int], *, start_cash: int, final_equity: int
) -> tuple[Integers, Integers, Integers]:
    """Times of every bar traded on, and cash and equity (1e-8) after each; the last equity is the ledger's own."""
    rows = [each.at[begin:] for each, begin in zip(series, first, strict=True)]
    at = rows[0].copy() if len(rows) == 1 else np.unique(np.concatenate(rows))
    cash = _steps(history.cash, at, start=start_cash)
    equity = cash.astype(np.float64)
    rows_of: dict[str, list[tuple[int, Position, int, int]]] = {}
    for when, held, quantity, cost, _ in history.positions:
        rows_of.setdefault(held.instrument.id, []).append((when, held, quantity, cost))
    for each in series:
        if each.instrument in rows_of:
            equity += _value(history, rows_of[each.instrument], each, at)
    exact = np.rint(equity).astype(np.int64)
    if len(exact):
        exact[-1] = final_equity
    return at, cash, exact


def _steps(points: Sequence[tuple[int, int]], at: Integers, *, start: int) -> Integers:
    """A step function's value at each time, `start` before its first point."""
    times = np.array([time for time, _ in points], dtype=np.int64)
    values = np.array([start, *(value for _, value in points)], dtype=np.int64)
    return values[np.searchsorted(times, at, side="right")]


def _value(
    history: History, rows: Sequence[tuple[int, Position, int, int]], series: BarSeries, at: Integers
) -> NDArray[np.float64]:
    """Worth of an instrument's positions at each time, at its last close known then, in the shares of then; 1e-8."""
    instrument = rows[0][1].instrument
    totals: dict[Position, tuple[int, int]] = {}
    quantities: list[tuple[int, int]] = []
    costs: list[tuple[int, int]] = []
    for when, held, quantity, cost in rows:
        totals[held] = (quantity, 0 if held.paid_in_full else cost)
        quantities.append((when, sum(each for each, _ in totals.values())))
        costs.append((when, sum(each for _, each in totals.values())))
    last = np.searchsorted(series.at, at, side="right") - 1
    close = np.where(last >= 0, series.close[np.maximum(last, 0)], 0.0)
    for action in history.actions:
        if action.instrument == series.instrument and action.kind is not ActionKind.DIVIDEND:
            stale = (at >= action.at) & (series.at[np.maximum(last, 0)] <= action.at)
            close = np.where(stale, close * action.old / action.new, close)
    held_units = _steps(quantities, at, start=0) / SCALE
    return held_units * close * instrument.multiplier * SCALE - _steps(costs, at, start=0)
