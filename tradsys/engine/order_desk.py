"""Orders from approval to their end: the gate, what they claim, and what the venue says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import (
    Accepted,
    Approved,
    Cancelled,
    CancelRequested,
    Charged,
    Entry,
    Expired,
    Fill,
    Order,
    OrderEvent,
    Refused,
    Rejected,
    Triggered,
)
from tradsys.core.instruments import Instrument
from tradsys.core.orders import TERMINAL, OrderState, step
from tradsys.core.ports import ChargePlan
from tradsys.core.units import to_float
from tradsys.engine.gate import Gate
from tradsys.engine.log import Log
from tradsys.engine.markets import Market
from tradsys.engine.runner import Desire, Runner
from tradsys.engine.standing import AccountStanding
from tradsys.portfolio.ledger import Key, Ledger
from tradsys.strategies.views import FillView, order_view

_APPROVED = OrderState.APPROVED

VenueWord = Accepted | Rejected | Triggered | Cancelled | Expired

Ask = Callable[[Runner, Callable[[Any, Any], Any], Any, int, list[Entry]], None]
"""Call a strategy's handler with an event at an instant, and carry out what it wants."""


class LiveOrder(msgspec.Struct, gc=False):
    """An order from approval to its end, and what it has claimed: cash, shares offered, a part of a desire. `seq` is
    the log line of its approval."""

    order: Order
    runner: Runner
    instrument: Instrument
    desire: Desire | None
    seq: int
    remaining: int
    reserved: int
    key: Key
    offered: dict[Key, int] | None
    state: OrderState

    def forget_desire(self) -> None:
        """Count it no longer as on its way to its strategy's target."""
        if self.desire is not None:
            self.desire.working -= self.remaining * self.order.side
            self.desire.orders.remove(self.order.order_id)
            self.desire = None


class OrderDesk:
    """Owner of the live orders. Every change of state goes through the life-cycle table."""

    def __init__(
        self,
        *,
        markets: dict[str, Market],
        ledger: Ledger,
        standing: AccountStanding,
        gate: Gate,
        charges: ChargePlan,
        log: Log,
        ask: Ask,
    ) -> None:
        self._markets = markets
        self._ledger = ledger
        self._standing = standing
        self._gate = gate
        self._charges = charges
        self._log = log
        self._number = log.number
        self._ask = ask
        self.outbox: list[Approved | CancelRequested] = []
        self.live: dict[int, LiveOrder] = {}

    def submit(self, runner: Runner, order: Order, desire: Desire | None, cause: int, entries: list[Entry]) -> bool:
        """Put an order before the gate; keep it if it is approved. `desire` is what it works toward, if anything."""
        market = self._markets[order.instrument]
        instrument = market.instrument
        claim = self._standing.claim(order, instrument, market.price)
        verdict = self._gate.judge(order, instrument, claim)
        seq = self._number()
        entries.append(Entry(seq, cause, order.at, runner.id, verdict))
        if isinstance(verdict, Refused):
            self._tell(runner, order, verdict, remaining=order.quantity, state=OrderState.REFUSED, entries=entries)
            return False
        self.outbox.append(verdict)
        quantity, side = order.quantity, order.side
        key = (order.strategy, order.instrument, order.product)
        offered = None
        if not order.parent and not order.group:
            offered = self._standing.buying if side > 0 else self._standing.selling
            offered[key] = claim.offered + quantity
        live = LiveOrder(order, runner, instrument, desire, seq, quantity, claim.needed, key, offered, _APPROVED)
        self.live[order.order_id] = live
        self._standing.reserved += claim.needed
        if desire is not None:
            desire.working += quantity * side
            desire.orders.append(order.order_id)
        return True

    def _release(self, live: LiveOrder, quantity: int) -> None:
        """Give back what a part of a live order had claimed; with the last of it the order is no longer live."""
        order = live.order
        remaining = live.remaining - quantity
        share = live.reserved * quantity // live.remaining if remaining else live.reserved
        live.reserved -= share
        live.remaining = remaining
        self._standing.reserved -= share
        if live.offered is not None:
            live.offered[live.key] -= quantity
        desire = live.desire
        if desire is not None:
            desire.working -= quantity * order.side
            if not remaining:
                desire.orders.remove(order.order_id)
        if not remaining:
            del self.live[order.order_id]

    def on_fill(self, fill: Fill) -> Sequence[Entry]:
        """Book a fill, charge it, and tell its strategy. Raises `InvariantBroken` for one that no order explains."""
        live = self.live.get(fill.order_id) or self._unknown(fill)
        quantity = fill.quantity
        remaining = live.remaining - quantity
        if remaining < 0:
            raise InvariantBroken(f"order {fill.order_id} is over-filled", value=quantity, limit=live.remaining)
        live.state = step(live.state, fill, remaining)
        items = self._charges.on_fill(fill, live.instrument)
        total = items[0][1] if len(items) == 1 else sum([amount for _, amount in items])
        self._release(live, quantity)
        self._ledger.book(fill, total, items, self._ledger.place(fill.strategy, live.instrument, fill.product))
        runner, at = live.runner, fill.at
        seq = self._number()
        charged = Charged(at=at, order_id=fill.order_id, total=total, items=items)
        entries = [Entry(seq, live.seq, at, runner.id, fill), Entry(self._number(), seq, at, runner.id, charged)]
        if runner.on_fill is not None:
            self._ask(runner, runner.on_fill, _fill_view(fill, charges=total, remaining=remaining), at, entries)
        return entries

    def on_order_event(self, event: VenueWord) -> Sequence[Entry]:
        """Take what the venue said of an order. Raises `InvariantBroken` for one that is not working."""
        live = self.live.get(event.order_id) or self._unknown(event)
        remaining = live.remaining
        state = live.state = step(live.state, event, remaining)
        runner = live.runner
        entries = [Entry(self._number(), live.seq, event.at, runner.id, event)]
        if state in TERMINAL:
            self._release(live, remaining)
        if runner.on_order is not None:
            self._tell(runner, live.order, event, remaining=remaining, state=state, entries=entries)
        return entries

    def _unknown(self, event: OrderEvent) -> NoReturn:
        raise InvariantBroken(f"{type(event).__name__} of order {event.order_id}, which is not working")

    def _tell(
        self, runner: Runner, order: Order, event: OrderEvent, *, remaining: int, state: str, entries: list[Entry]
    ) -> None:
        if runner.on_order is not None:
            view = order_view(order, event, remaining=remaining, state=state)
            self._ask(runner, runner.on_order, view, event.at, entries)

    def request_cancel(self, live: LiveOrder, *, at: int, reason: str, cause: int, entries: list[Entry]) -> None:
        """Ask the venue to withdraw an order. Its claims are free for what is asked next: the venue hears the
        withdrawal first."""
        self._standing.reserved -= live.reserved
        live.reserved = 0
        if live.offered is not None:
            live.offered[live.key] -= live.remaining
            live.offered = None
        body = CancelRequested(at=at, order_id=live.order.order_id, reason=reason)
        live.state = step(live.state, body, live.remaining)
        self._log.append(entries, body, cause=cause, at=at, strategy=live.runner.id)
        self.outbox.append(body)


def _fill_view(fill: Fill, *, charges: int, remaining: int) -> FillView:
    return FillView(
        at=fill.at,
        order_id=fill.order_id,
        instrument=fill.instrument,
        side=fill.side,
        quantity=to_float(fill.quantity),
        price=to_float(fill.price),
        charges=to_float(charges),
        remaining=to_float(remaining),
        reason=fill.reason,
    )
