"""Orders from approval to their end: the gate, what they claim, and what the venue says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import (
    Approved,
    CancelRequested,
    Charged,
    Entry,
    Fill,
    Order,
    OrderEvent,
    Product,
    Refused,
    Side,
    Stray,
    StrayKind,
)
from tradsys.core.orders import TERMINAL, OrderState, step
from tradsys.core.ports import ChargePlan
from tradsys.core.units import to_float
from tradsys.engine.gate import Gate
from tradsys.engine.log import Log
from tradsys.engine.markets import Market
from tradsys.engine.runner import Desire, Runner
from tradsys.engine.standing import AccountStanding, Route
from tradsys.portfolio.ledger import Ledger
from tradsys.strategies.views import FillView, order_view

_APPROVED, _REFUSED = OrderState.APPROVED, OrderState.REFUSED
_UNKNOWN = OrderState.UNKNOWN

Ask = Callable[[Runner, Callable[[Any, Any], Any], Any, int, list[Entry]], None]
"""Call a strategy's handler with an event at an instant, and carry out what it wants."""


Way = tuple[str, str, Product, Side]
"""Strategy, instrument, product and side of an order."""


class LiveOrder(msgspec.Struct, gc=False):
    """An order from approval to its end, whose it is and which way it goes. It has claimed cash (`reserved`); while it
    `offers`, its remaining quantity counts on its route, while it `pursues`, in its desire. `seq` is the log line of
    its approval, `opening` how much of it was to open a position then."""

    order: Order
    desire: Desire
    route: Route
    seq: int
    remaining: int
    reserved: int
    offers: bool
    pursues: bool
    state: OrderState
    opening: int = 0

    def stop_pursuing(self) -> None:
        """Count it no longer as on its way to its strategy's target."""
        if self.pursues:
            self.desire.working -= self.remaining * self.order.side
            self.pursues = False


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
        self.standing = standing
        self._gate = gate
        self.charges = charges
        self._number = log.number
        self._ask = ask
        self.routes: dict[Way, Route] = {}
        self.outbox: list[Approved | CancelRequested] = []
        self.live: dict[int, LiveOrder] = {}

    def submit(self, desire: Desire, order: Order, pursues: bool, cause: int, entries: list[Entry]) -> bool:
        """Put an order before the gate; keep it if it is approved. Whether it `pursues` what its strategy desires."""
        way = (order.strategy, order.instrument, order.product, order.side)
        route = self.routes.get(way) or self.find(way)
        claim = self.standing.claim(order, route)
        verdict = self._gate.judge(order, route, claim)
        seq = self._number()
        entries.append(Entry(seq, cause, order.at, order.strategy, verdict))
        if isinstance(verdict, Refused):
            runner = desire.runner
            if runner.on_order is not None:
                view = order_view(order, verdict, remaining=order.quantity, state=_REFUSED)
                self._ask(runner, runner.on_order, view, order.at, entries)
            return False
        self.outbox.append(verdict)
        quantity, needed = order.quantity, claim.needed
        offers = not (order.parent or order.group)
        if offers:
            route.offered += quantity
        if pursues:
            desire.working += quantity * order.side
        if needed:
            self.standing.reserved += needed
        live = LiveOrder(order, desire, route, seq, quantity, needed, offers, pursues, _APPROVED, claim.opening)
        self.live[order.order_id] = desire.orders[order.order_id] = live
        return True

    def find(self, way: Way) -> Route:
        """The route of a way that no order has gone yet."""
        strategy, name, product, side = way
        market = self._markets[name]
        position = self._ledger.place(strategy, market.instrument, product)
        checks = self._gate.concerning(market.instrument, product, side)
        route = self.routes[way] = Route(market, position, checks)
        return route

    def _release(self, live: LiveOrder, quantity: int, remaining: int) -> None:
        """Give back what a part of a live order had claimed; with the last of it the order is no longer live."""
        order = live.order
        if live.reserved:
            share = live.reserved * quantity // live.remaining
            live.reserved -= share
            self.standing.reserved -= share
        live.remaining = remaining
        if live.offers:
            live.route.offered -= quantity
        if live.pursues:
            live.desire.working -= quantity * order.side
        if not remaining:
            del self.live[order.order_id], live.desire.orders[order.order_id]

    def hear(self, events: Iterable[OrderEvent]) -> list[Entry]:
        """What the venue said of orders, one after the other. Raises `InvariantBroken` for one that is not working, or
        a fill beyond what is left of it."""
        entries: list[Entry] = []
        for event in events:
            live = self.live.get(event.order_id)
            if live is None or type(event) is Stray:
                self._on_stray(event, entries)
            elif type(event) is Fill:
                self._on_fill(live, event, entries)
            else:
                self._on_word(live, event, entries)
        return entries

    def _on_fill(self, live: LiveOrder, fill: Fill, entries: list[Entry]) -> None:
        """Book a fill, charge it, and tell its strategy."""
        quantity, at = fill.quantity, fill.at
        remaining = live.remaining - quantity
        if remaining < 0:
            raise InvariantBroken(f"order {fill.order_id} is over-filled", value=quantity, limit=live.remaining)
        live.state = step(live.state, fill, remaining)
        route = live.route
        items = self.charges.on_fill(fill, route.instrument)
        total = items[0][1] if len(items) == 1 else sum([amount for _, amount in items])
        self._release(live, quantity, remaining)
        self._ledger.book(fill, total, items, route.position)
        runner = live.desire.runner
        seq = self._number()
        entries.append(Entry(seq, live.seq, at, runner.id, fill))
        charged = Charged(at=at, order_id=fill.order_id, total=total, items=items)
        entries.append(Entry(self._number(), seq, at, runner.id, charged))
        if runner.on_fill is not None:
            self._ask(runner, runner.on_fill, _fill_view(fill, charges=total, remaining=remaining), at, entries)

    def _on_stray(self, stray: OrderEvent, entries: list[Entry]) -> None:
        """Book a fill of no working order as it happened; a trade undone costs nothing, and its charges stay."""
        if not isinstance(stray, Stray):
            raise InvariantBroken(f"{type(stray).__name__} of order {stray.order_id}, which is not working")
        fill = stray.fill
        market = self._markets[fill.instrument]
        items = () if stray.kind is StrayKind.BUST else self.charges.on_fill(fill, market.instrument)
        total = sum(amount for _, amount in items)
        self._ledger.book(fill, total, items, self._ledger.place(fill.strategy, market.instrument, fill.product))
        seq = self._number()
        entries.append(Entry(seq, -1, stray.at, fill.strategy, stray))
        charged = Charged(at=stray.at, order_id=fill.order_id, total=total, items=items)
        entries.append(Entry(self._number(), seq, stray.at, fill.strategy, charged))
        for runner in market.runners:
            if runner.id == fill.strategy and runner.on_fill is not None:
                self._ask(runner, runner.on_fill, _fill_view(fill, charges=total, remaining=0), stray.at, entries)

    def _on_word(self, live: LiveOrder, event: Any, entries: list[Entry]) -> None:
        """Take what the venue said of an order, and tell its strategy."""
        remaining = live.remaining
        state = live.state = step(live.state, event, remaining)
        runner = live.desire.runner
        entries.append(Entry(self._number(), live.seq, event.at, runner.id, event))
        if state in TERMINAL:
            self._release(live, remaining, 0)
        if runner.on_order is not None:
            view = order_view(live.order, event, remaining=remaining, state=state)
            self._ask(runner, runner.on_order, view, event.at, entries)

    def request_cancel(self, live: LiveOrder, *, at: int, reason: str, cause: int, entries: list[Entry]) -> None:
        """Ask the venue to withdraw an order. The claims of one that is known to work are free for what is asked next:
        the venue hears the withdrawal first. One that nobody has answered for may have traded already, and keeps
        them."""
        state = live.state
        if state is not _APPROVED and state is not _UNKNOWN:
            self.standing.reserved -= live.reserved
            live.reserved = 0
            if live.offers:
                live.route.offered -= live.remaining
                live.offers = False
        body = CancelRequested(at=at, order_id=live.order.order_id, reason=reason)
        live.state = step(live.state, body, live.remaining)
        entries.append(Entry(self._number(), cause, at, live.desire.runner.id, body))
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
