"""Orders from approval to their end: the gate, what they claim, and what the venue says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import CancelRequested, Charged, Entry, Fill, Order, OrderEvent, Refused
from tradsys.core.orders import TERMINAL, OrderState, step
from tradsys.core.ports import ChargePlan
from tradsys.core.units import to_float
from tradsys.engine.gate import Gate
from tradsys.engine.log import Log
from tradsys.engine.markets import Market
from tradsys.engine.runner import Runner
from tradsys.engine.standing import AccountStanding
from tradsys.portfolio.ledger import Ledger
from tradsys.strategies.views import FillView, order_view

Ask = Callable[[Runner, Callable[[Any, Any], Any], Any, int, list[Entry]], None]
"""Call a strategy's handler with an event at an instant, and carry out what it wants."""


class LiveOrder:
    """An order from approval to its end, and what it has claimed."""

    __slots__ = ("order", "planned", "remaining", "reserved", "runner", "seq", "state")

    def __init__(self, order: Order, runner: Runner, *, seq: int, reserved: int, planned: bool) -> None:
        self.order = order
        self.runner = runner
        self.seq = seq
        self.remaining = order.quantity
        self.reserved = reserved
        self.planned = planned
        self.state = OrderState.APPROVED


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
        self._ask = ask
        self.live: dict[int, LiveOrder] = {}

    def submit(self, runner: Runner, order: Order, cause: int, *, planned: bool, entries: list[Entry]) -> bool:
        market = self._markets[order.instrument]
        price = market.price
        verdict = self._gate.judge(order, market.instrument, price)
        seq = self._log.append(entries, cause, order.at, runner.id, verdict)
        if type(verdict) is Refused:
            self._tell(runner, order, order.quantity, OrderState.REFUSED, verdict, verdict.rule, entries)
            return False
        reserved = self._standing.needed(order, market.instrument, price)
        live = LiveOrder(order, runner, seq=seq, reserved=reserved, planned=planned)
        self.live[order.order_id] = live
        self._standing.reserved += reserved
        if planned:
            desire = runner.desires[order.instrument]
            desire.working += order.quantity * order.side
            desire.orders.append(order.order_id)
        if order.side < 0 and not order.parent and not order.group:
            self._standing.offer(order, order.quantity)
        return True

    def _release(self, live: LiveOrder, quantity: int) -> None:
        """Give back what `quantity` of a live order had claimed."""
        order = live.order
        share = live.reserved if quantity == live.remaining else live.reserved * quantity // live.remaining
        live.reserved -= share
        live.remaining -= quantity
        self._standing.reserved -= share
        if live.planned:
            live.runner.desires[order.instrument].working -= quantity * order.side
        if order.side < 0 and not order.parent and not order.group:
            self._standing.offer(order, -quantity)

    def _finish(self, live: LiveOrder) -> None:
        if live.remaining:
            self._release(live, live.remaining)
        if live.planned:
            live.runner.desires[live.order.instrument].orders.remove(live.order.order_id)
        del self.live[live.order.order_id]

    def on_fill(self, fill: Fill) -> Sequence[Entry]:
        live = self.live.get(fill.order_id)
        if live is None:
            raise InvariantBroken(f"fill of order {fill.order_id}, which is not working", value=fill.order_id)
        instrument = self._markets[fill.instrument].instrument
        remaining = live.remaining - fill.quantity
        if remaining < 0:
            raise InvariantBroken(f"order {fill.order_id} is over-filled", value=fill.quantity, limit=live.remaining)
        live.state = step(live.state, fill, remaining=remaining)
        items = self._charges.on_fill(fill, instrument)
        total = sum([amount for _, amount in items])
        self._release(live, fill.quantity)
        self._ledger.book(fill, total, items, instrument)
        if not remaining:
            self._finish(live)
        entries: list[Entry] = []
        runner = live.runner
        seq = self._log.append(entries, live.seq, fill.at, runner.id, fill)
        charged = Charged(at=fill.at, order_id=fill.order_id, total=total, items=items)
        self._log.append(entries, seq, fill.at, runner.id, charged)
        if runner.on_fill is not None:
            self._ask(runner, runner.on_fill, _fill_view(fill, total, remaining), fill.at, entries)
        return entries

    def on_order_event(self, event: OrderEvent) -> Sequence[Entry]:
        live = self.live.get(event.order_id)
        if live is None:
            raise InvariantBroken(f"{type(event).__name__} of order {event.order_id}, which is not working")
        live.state = step(live.state, event, remaining=live.remaining)
        entries: list[Entry] = []
        self._log.append(entries, live.seq, event.at, live.runner.id, event)  # type: ignore[arg-type]  # an Outcome
        remaining = live.remaining
        if live.state in TERMINAL:
            self._finish(live)
        detail = getattr(event, "reason", "")
        self._tell(live.runner, live.order, remaining, live.state, event, detail, entries)
        return entries

    def _tell(
        self,
        runner: Runner,
        order: Order,
        remaining: int,
        state: str,
        event: OrderEvent,
        detail: str,
        entries: list[Entry],
    ) -> None:
        if runner.on_order is not None:
            name = type(event).__name__.lower()
            view = order_view(order, at=event.at, remaining=remaining, state=state, event=name, detail=detail)
            self._ask(runner, runner.on_order, view, event.at, entries)

    def request_cancel(self, live: LiveOrder, at: int, reason: str, cause: int, entries: list[Entry]) -> None:
        body = CancelRequested(at=at, order_id=live.order.order_id, reason=reason)
        live.state = step(live.state, body, remaining=live.remaining)
        self._log.append(entries, cause, at, live.runner.id, body)


def _fill_view(fill: Fill, charges: int, remaining: int) -> FillView:
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
