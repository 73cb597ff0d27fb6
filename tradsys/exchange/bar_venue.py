"""A venue that trades on bars: takes approved orders, and says for each bar what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tradsys.core.events import (
    Accepted,
    Approved,
    Bar,
    Cancelled,
    Expired,
    Fill,
    Order,
    OrderEvent,
    OrderType,
    Rejected,
    Triggered,
    Validity,
)
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.exchange.bar_fills import WorkingOrder, fill_price, follow
from tradsys.exchange.models import (
    BasisPoints,
    ExactBar,
    NoBand,
    Participation,
    PriceBand,
    Slippage,
    Unlimited,
    exact_volume,
)


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The assumptions of a run, one object each."""

    slippage: Slippage = BasisPoints(500)
    participation: Participation = Unlimited()
    band: PriceBand = NoBand()

    def describe(self) -> list[str]:
        """The sentences that every report prints."""
        return [
            "Market orders fill at the next bar's open; one that arrives inside a bar fills at that bar's close.",
            "Limit orders fill only when the price trades through them, at the limit or at a marketable open.",
            "Stops fill at the worse of trigger and open; when a stop and a target lie in one bar, the stop is taken.",
            self.slippage.describe(),
            self.participation.describe(),
            self.band.describe(),
        ]


class _Desk:
    """One instrument's working orders and the day's price band."""

    __slots__ = ("instrument", "limits", "orders")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.orders: list[WorkingOrder] = []
        self.limits = (0, 2**62)


class BarVenue:
    """Simulated venue on bars. `working` holds only instruments with an order, so a quiet bar costs one look-up.

    Not modelled: queue position, the order's own impact, latency below a bar, disclosed quantity.
    """

    def __init__(self, instruments: Iterable[Instrument], models: Models) -> None:
        self._desks = {instrument.id: _Desk(instrument) for instrument in instruments}
        self._models = models
        self._sleeping: dict[int, list[Order]] = {}
        self._children: dict[int, list[WorkingOrder]] = {}
        self._orders: dict[int, tuple[_Desk, WorkingOrder]] = {}
        self.working: dict[str, _Desk] = {}

    # --- from the engine

    def submit(self, approved: Approved) -> Sequence[OrderEvent]:
        """Take an order: accepted, or rejected with the exchange's reason. A bracket's children sleep."""
        order = approved.order
        desk = self._desks[order.instrument]
        low, high = desk.limits
        for price in (order.limit, order.trigger if order.type is not OrderType.TRAILING else 0):
            if price and not low <= price <= high:
                reason = f"price {price / SCALE:g} outside the day's band {low / SCALE:g} to {high / SCALE:g}"
                return (Rejected(at=approved.at, order_id=order.order_id, reason=reason),)
        if order.parent:
            self._sleeping.setdefault(order.parent, []).append(order)
        else:
            self._work(desk, order, since=approved.at)
        return (Accepted(at=approved.at, order_id=order.order_id),)

    def cancel(self, order_id: int, *, at: int, reason: str = "") -> Sequence[OrderEvent]:
        """Withdraw an order; nothing if it is no longer working."""
        found = self._orders.get(order_id)
        if found is None:
            return self._drop_sleeping(order_id, at=at, reason=reason)
        desk, working = found
        self._remove(desk, working)
        own = Cancelled(at=at, order_id=order_id, remaining=working.remaining, reason=reason)
        return [own, *self._orphans(order_id, at=at, reason="its entry was cancelled")]

    # --- from the market

    def set_reference(self, instrument: str, previous_close: int, *, at: int) -> None:
        """Start a session: the price band follows from the previous close (1e-8)."""
        desk = self._desks[instrument]
        desk.limits = self._models.band.limits(previous_close, tick=desk.instrument.tick_at(at))

    def match(self, bar: Bar) -> list[OrderEvent]:
        """What one bar does to the orders working in its instrument: protective stops first, then by age."""
        desk = self.working[bar.instrument]
        exact = _exact(bar)
        events: list[OrderEvent] = []
        budget = self._models.participation.allowed(exact, lot=desk.instrument.lot_at(bar.at))
        queue = sorted(desk.orders, key=_priority) if len(desk.orders) > 1 else list(desk.orders)
        while queue:
            for working in queue:
                if working.remaining and working.order.order_id in self._orders:
                    budget = self._try(desk, working, exact, bar, budget, events)
            queue = self._woken(desk, queue, exact)
        return events

    def expire(self, *, at: int, exchange: str) -> list[OrderEvent]:
        """End a session: DAY orders that were there before it ended are gone, with their sleeping children."""
        events: list[OrderEvent] = []
        for desk in list(self.working.values()):
            if desk.instrument.exchange == exchange:
                for working in list(desk.orders):
                    if working.order.validity is Validity.DAY and working.since < at:
                        events += self._expire(desk, working, at=at)
        return events

    def close_out(self, order_id: int, *, price: int, at: int) -> list[OrderEvent]:
        """Fill what is left of an order at a given price, slipped: for a square-off that no bar is left to fill."""
        found = self._orders.get(order_id)
        if found is None:
            return []
        desk, working = found
        worse = self._models.slippage.worsen(price, side=working.order.side, tick=desk.instrument.tick_at(at))
        events: list[OrderEvent] = []
        self._fill(desk, working, worse, working.remaining, at=at, exchange_at=at, events=events)
        return events

    # --- inside

    def _work(self, desk: _Desk, order: Order, *, since: int) -> WorkingOrder:
        working = WorkingOrder(order, since=since)
        desk.orders.append(working)
        self._orders[order.order_id] = (desk, working)
        self.working[order.instrument] = desk
        return working

    def _remove(self, desk: _Desk, working: WorkingOrder) -> None:
        desk.orders.remove(working)
        del self._orders[working.order.order_id]
        self._children.pop(working.order.order_id, None)
        if not desk.orders:
            del self.working[desk.instrument.id]

    def _try(
        self, desk: _Desk, working: WorkingOrder, exact: ExactBar, bar: Bar, budget: int, events: list[OrderEvent]
    ) -> int:
        order = working.order
        was_triggered = working.triggered
        tick = desk.instrument.tick_at(bar.at)
        price = fill_price(working, exact, slippage=self._models.slippage, tick=tick)
        if working.triggered and not was_triggered:
            events.append(Triggered(at=bar.at, order_id=order.order_id))
        price = None if price is None else self._banded(desk, order, price, exact)
        quantity = min(working.remaining, budget)
        if price is not None and quantity > 0:
            at_open = price is not None and working.since <= exact.start and order.type is OrderType.MARKET
            self._fill(
                desk,
                working,
                price,
                quantity,
                at=bar.at,
                exchange_at=exact.start if at_open else exact.end,
                events=events,
            )
            budget -= quantity
        elif order.type is OrderType.TRAILING and not working.triggered:
            follow(working, exact)
        if order.validity is Validity.IOC and working.remaining and order.order_id in self._orders:
            self._remove(desk, working)
            reason = "immediate or cancel: not filled at once"
            events.append(Cancelled(at=bar.at, order_id=order.order_id, remaining=working.remaining, reason=reason))
            events += self._orphans(order.order_id, at=bar.at, reason="its entry was cancelled")
        return budget

    def _banded(self, desk: _Desk, order: Order, price: int, bar: ExactBar) -> int | None:
        """No buyer trades in a bar locked at the upper limit, no seller in one locked at the lower."""
        low, high = desk.limits
        if (bar.low >= high) if order.side > 0 else (bar.high <= low):
            return None
        return min(max(price, low), high)

    def _fill(
        self,
        desk: _Desk,
        working: WorkingOrder,
        price: int,
        quantity: int,
        *,
        at: int,
        exchange_at: int,
        events: list[OrderEvent],
    ) -> None:
        order = working.order
        working.remaining -= quantity
        working.filled += quantity
        events.append(
            Fill(
                at=at,
                order_id=order.order_id,
                exchange_at=exchange_at,
                strategy=order.strategy,
                instrument=order.instrument,
                side=order.side,
                quantity=quantity,
                price=price,
                product=order.product,
                maker=order.type is OrderType.LIMIT and price == order.limit,
                reason=order.reason,
            )
        )
        for child in self._children.get(order.order_id, ()):
            child.remaining += quantity
        if not working.remaining:
            self._finish(desk, working, at=at, events=events)
        if order.parent:
            events += self._stop_entering(order.parent, at=at)
        if order.group:
            events += self._reduce_twins(desk, order, quantity, at=at)

    def _finish(self, desk: _Desk, working: WorkingOrder, *, at: int, events: list[OrderEvent]) -> None:
        """Nothing is left to fill; what a twin or a part-filled entry took away is cancelled, so quantities add up."""
        self._remove(desk, working)
        order = working.order
        lost = order.quantity - working.filled
        if lost:
            reason = "the other of the pair, or its entry, filled"
            events.append(Cancelled(at=at, order_id=order.order_id, remaining=lost, reason=reason))

    def _stop_entering(self, parent: int, *, at: int) -> list[OrderEvent]:
        """An exit that fills ends an entry that is still filling."""
        found = self._orders.get(parent)
        if found is None:
            return []
        desk, working = found
        self._remove(desk, working)
        return [Cancelled(at=at, order_id=parent, remaining=working.remaining, reason="its exit filled")]

    def _reduce_twins(self, desk: _Desk, order: Order, quantity: int, *, at: int) -> list[OrderEvent]:
        """What one order of a pair fills, the other loses; at nothing left it is cancelled."""
        events: list[OrderEvent] = []
        for twin in [w for w in desk.orders if w.order.group == order.group and w.order.order_id != order.order_id]:
            twin.remaining -= min(quantity, twin.remaining)
            if not twin.remaining:
                self._remove(desk, twin)
                events.append(
                    Cancelled(
                        at=at, order_id=twin.order.order_id, remaining=quantity, reason="the other of the pair filled"
                    )
                )
        return events

    def _woken(self, desk: _Desk, tried: Sequence[WorkingOrder], exact: ExactBar) -> list[WorkingOrder]:
        """Children of brackets that filled in this bar. A market entry filled at the open, so the whole bar follows it;
        any other entry filled somewhere inside, so only the stop is taken to be reached in the same bar."""
        awake: list[WorkingOrder] = []
        for parent in tried:
            filled = parent.order.quantity - parent.remaining
            if filled and parent.order.order_id in self._sleeping:
                at_open = parent.order.type is OrderType.MARKET and parent.since <= exact.start
                for order in self._sleeping.pop(parent.order.order_id):
                    child = self._work(desk, order, since=exact.start if at_open else exact.start + 1)
                    self._children.setdefault(order.parent, []).append(child)
                    child.remaining = filled
                    child.entered_inside = not at_open
                    awake.append(child)
        return sorted(awake, key=_priority)

    def _expire(self, desk: _Desk, working: WorkingOrder, *, at: int) -> list[OrderEvent]:
        self._remove(desk, working)
        order_id = working.order.order_id
        own = Expired(at=at, order_id=order_id, remaining=working.remaining, reason="the session ended")
        return [own, *self._orphans(order_id, at=at, reason="its entry expired")]

    def _orphans(self, parent: int, *, at: int, reason: str) -> list[OrderEvent]:
        orders = self._sleeping.pop(parent, [])
        return [Cancelled(at=at, order_id=o.order_id, remaining=o.quantity, reason=reason) for o in orders]

    def _drop_sleeping(self, order_id: int, *, at: int, reason: str) -> Sequence[OrderEvent]:
        for orders in self._sleeping.values():
            for order in orders:
                if order.order_id == order_id:
                    orders.remove(order)
                    return (Cancelled(at=at, order_id=order_id, remaining=order.quantity, reason=reason),)
        return ()


_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING)


def _priority(working: WorkingOrder) -> tuple[bool, int]:
    """Stops before everything else, then by age."""
    return (working.order.type not in _STOPS, working.order.order_id)


def _exact(bar: Bar) -> ExactBar:
    return ExactBar(
        bar.exchange_at - bar.span,
        bar.exchange_at,
        round(bar.open * SCALE),
        round(bar.high * SCALE),
        round(bar.low * SCALE),
        round(bar.close * SCALE),
        exact_volume(bar.volume),
    )
