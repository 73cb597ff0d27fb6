"""A venue that trades on bars: takes approved orders, and says for each bar what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import UNSET

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
    Product,
    Rejected,
    Triggered,
    Validity,
)
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.exchange.bar_fills import WorkingOrder, banded, fill_price, follow, is_passive, unfit
from tradsys.exchange.deadlines import CAME, Deadlines
from tradsys.exchange.live_orders import dropped_why
from tradsys.exchange.models import (
    BasisPoints,
    ExactBar,
    NoBand,
    Participation,
    PriceBand,
    Slippage,
    Unlimited,
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


# Members are bound once: on Python 3.11 an attribute look-up on an enumeration costs a hundred nanoseconds.
_MARKET, _LIMIT, _TRAILING = OrderType.MARKET, OrderType.LIMIT, OrderType.TRAILING
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING})
_DAY, _IOC, _FOK = Validity.DAY, Validity.IOC, Validity.FOK
_DELIVERED = frozenset({Product.CNC, Product.SPOT})


_NO_LIMITS = (0, 2**62)


class _Desk:
    """One instrument's working orders, the day's price band, and tick and lot where they never change (else 0)."""

    __slots__ = ("instrument", "limits", "lot", "opened_at", "orders", "tick")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.orders: list[WorkingOrder] = []
        self.limits = _NO_LIMITS
        self.opened_at = 0
        self.tick = instrument.ticks[0].step if len(instrument.ticks) == 1 else 0
        self.lot = instrument.lots[0].step if len(instrument.lots) == 1 else 0


class _Meeting(msgspec.Struct, gc=False):
    """A bar meeting the orders of its instrument: what is left of the volume budget, and what came of it so far.
    `crowded` when more than one order may trade."""

    desk: _Desk
    bar: ExactBar
    at: int
    tick: int
    budget: int
    crowded: bool
    events: list[OrderEvent]


Held = Callable[[str, str, Product], int]
"""Strategy, instrument, product → the signed position, 1e-8."""


class BarVenue:
    """Simulated venue on bars. `working` holds only instruments with an order, so a quiet bar costs one look-up.

    `held` tells the position of an order's strategy in its instrument and product: what is delivered must be there,
    and an exit of a bracket never opens a position.

    Not modelled: queue position, the order's own impact, latency below a bar; post-only and icebergs are rejected.
    """

    def __init__(self, instruments: Iterable[Instrument], models: Models, *, held: Held) -> None:
        self._held = held
        self._traded: dict[tuple[str, Product], int] = {}
        self._desks = {instrument.id: _Desk(instrument) for instrument in instruments}
        self._band = models.band
        self._participation = models.participation
        self._slippage = models.slippage
        self._deadlines = Deadlines()
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
        if order.type is not _MARKET:
            for price in (order.limit, order.trigger if order.type is not _TRAILING else 0):
                if price and not low <= price <= high:
                    reason = f"price {price / SCALE:g} outside the day's band {low / SCALE:g} to {high / SCALE:g}"
                    return (Rejected(at=approved.at, order_id=order.order_id, reason=reason),)
        if order.parent and order.parent not in self._orders:
            return (Rejected(at=approved.at, order_id=order.order_id, reason="its entry is not working"),)
        if order.terms is not UNSET:
            if why := unfit(order):
                return (Rejected(at=approved.at, order_id=order.order_id, reason=why),)
            self._deadlines.add(order)
        if order.parent:
            self._sleeping.setdefault(order.parent, []).append(order)
        else:
            self._work(desk, order, since=approved.at, remaining=order.quantity)
        return (Accepted(at=approved.at, order_id=order.order_id),)

    def cancel(self, order_id: int, *, at: int, reason: str = "") -> Sequence[OrderEvent]:
        """Withdraw an order; nothing if it is no longer working."""
        found = self._orders.get(order_id)
        if found is None:
            return self._drop_sleeping(order_id, at=at, reason=reason)
        desk, working = found
        self._remove(desk, working)
        own = Cancelled(at=at, order_id=order_id, remaining=working.unfilled, reason=reason)
        return [own, *self._orphans(order_id, at=at, reason="its entry was cancelled")]

    # --- from the market

    def set_reference(self, instrument: str, previous_close: int, *, at: int) -> None:
        """Start a session, or adjust on an ex-date: the price band follows from the previous close (1e-8; 0: none)."""
        desk = self._desks[instrument]
        desk.opened_at = at
        desk.limits = self._band.limits(previous_close, tick=desk.instrument.tick_at(at))

    def match(self, bar: Bar, previous_end: int = 0) -> list[OrderEvent]:
        """What one bar does to the orders working in its instrument: protective stops first, then by age.

        `previous_end` is when the bar before it ended: a short last bar of a session begins there.
        """
        desk = self.working[bar.instrument]
        at, end, orders = bar.at, bar.exchange_at, desk.orders
        lapsed = self._lapse(end - 1, at=at) if self._deadlines.ends else []
        start = end - bar.span
        if start < previous_end or start < desk.opened_at:
            start = max(previous_end, desk.opened_at)
        budget = self._participation.allowed(bar, desk.lot or desk.instrument.lot_at(at))
        tick = desk.tick or desk.instrument.tick_at(at)
        exact = ExactBar(start, end, round(bar.open * SCALE), bar)
        crowded = len(orders) > 1 or bool(self._sleeping)
        meeting = _Meeting(desk, exact, at, tick, budget, crowded, lapsed)
        if crowded:
            self._crowd([working for working in orders if working.since < end], meeting)
        elif orders and orders[0].since < end:
            self._try(orders[0], meeting)
        return meeting.events

    def _crowd(self, queue: list[WorkingOrder], meeting: _Meeting) -> None:
        """Several orders: each in its turn, then the exits that their fills wake."""
        self._traded.clear()
        queue.sort(key=_priority)
        while queue:
            for working in queue:
                if working.remaining and working.order.order_id in self._orders:
                    self._try(working, meeting)
            queue = self._woken(meeting.desk, queue, meeting.bar) if self._sleeping else []

    def expire(self, *, at: int, exchange: str) -> list[OrderEvent]:
        """End a session: DAY orders that were there before it ended are gone, with their sleeping children."""
        events = self._lapse(at, at=at)
        for desk in list(self.working.values()):
            if desk.instrument.exchange == exchange:
                for working in list(desk.orders):
                    if working.order.validity is _DAY and working.since < at:
                        events += self._expire(desk, working, at=at, reason="the session ended")
        return events

    def _lapse(self, until: int, *, at: int) -> list[OrderEvent]:
        """Orders whose time came by an instant are gone."""
        found = [self._orders[each] for _, each in self._deadlines.passed(until) if each in self._orders]
        return [event for desk, working in found for event in self._expire(desk, working, at=at, reason=CAME)]

    def close_out(self, order_id: int, *, price: int, at: int) -> list[OrderEvent]:
        """Fill what is left of an order at a given price, slipped: for a square-off that no bar is left to fill."""
        found = self._orders.get(order_id)
        if found is None:
            return []
        desk, working = found
        worse = self._slippage.worsen(price, side=working.order.side, tick=desk.instrument.tick_at(at))
        events: list[OrderEvent] = []
        self._fill(desk, working, worse, working.remaining, at, at, False, events)
        return events

    # --- inside

    def _work(self, desk: _Desk, order: Order, *, since: int, remaining: int) -> WorkingOrder:
        closes = order.parent > 0 or (order.side < 0 and order.product in _DELIVERED)
        working = WorkingOrder(order, since, remaining, closes, extreme=order.trigger)
        desk.orders.append(working)
        self._orders[order.order_id] = (desk, working)
        self.working[order.instrument] = desk
        return working

    def _remove(self, desk: _Desk, working: WorkingOrder) -> None:
        order_id = working.order.order_id
        desk.orders.remove(working)
        del self._orders[order_id]
        if self._children:
            self._children.pop(order_id, None)
        if not desk.orders:
            del self.working[desk.instrument.id]

    def _try(self, working: WorkingOrder, meeting: _Meeting) -> None:
        """Let one order meet the bar."""
        order, bar = working.order, meeting.bar
        was_triggered = working.triggered
        price = fill_price(working, bar, self._slippage, meeting.tick)
        if working.triggered is not was_triggered:
            meeting.events.append(Triggered(at=meeting.at, order_id=order.order_id))
        if price is not None and meeting.desk.limits is not _NO_LIMITS:
            price = banded(meeting.desk.limits, order, price, bar)
        if price is not None and meeting.budget > 0:
            self._trade(working, price, meeting)
        elif order.type is _TRAILING and not working.triggered:
            follow(working, bar)
        validity = order.validity
        if (validity is _IOC or validity is _FOK) and working.remaining and order.order_id in self._orders:
            self._end_immediate(meeting.desk, working, at=meeting.at, events=meeting.events)

    def _trade(self, working: WorkingOrder, price: int, meeting: _Meeting) -> None:
        """Fill what the bar's volume allows, and of what closes a position no more than there is of it."""
        order, bar, budget = working.order, meeting.bar, meeting.budget
        quantity = working.remaining if working.remaining < budget else budget
        if working.closes:
            available = self._available(order, meeting)
            if available <= 0:
                reason = "another order closed the position"
                meeting.events += self.cancel(order.order_id, at=meeting.at, reason=reason)
                return
            if available < quantity:
                quantity = available
        if order.validity is _FOK and quantity < working.remaining:
            return
        meeting.budget = budget - quantity
        if meeting.crowded:
            key = (order.strategy, order.product)
            self._traded[key] = self._traded.get(key, 0) + order.side * quantity
        kind = order.type
        exchange_at = bar.start if kind is _MARKET and working.since <= bar.start else bar.end
        maker = kind is _LIMIT and is_passive(order, bar, since=working.since)
        self._fill(meeting.desk, working, price, quantity, meeting.at, exchange_at, maker, meeting.events)

    def _available(self, order: Order, meeting: _Meeting) -> int:
        """What an exit or a sale may still close: the position, less what this bar traded. None is at or below 0."""
        held = self._held(order.strategy, order.instrument, order.product)
        if meeting.crowded:
            held += self._traded.get((order.strategy, order.product), 0)
        return -order.side * held

    def _end_immediate(self, desk: _Desk, working: WorkingOrder, *, at: int, events: list[OrderEvent]) -> None:
        self._remove(desk, working)
        order_id = working.order.order_id
        reason = dropped_why(working.order.validity)
        events.append(Cancelled(at=at, order_id=order_id, remaining=working.unfilled, reason=reason))
        if not working.filled:
            events += self._orphans(order_id, at=at, reason="its entry was cancelled")

    def _fill(
        self,
        desk: _Desk,
        working: WorkingOrder,
        price: int,
        quantity: int,
        at: int,
        exchange_at: int,
        maker: bool,
        events: list[OrderEvent],
    ) -> None:
        """A trade, and what it does to its own order, its exits and its twin. Where nothing is left to fill, what a
        twin or a part-filled entry took away is cancelled, so quantities add up."""
        order = working.order
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
                maker=maker,
                reason=order.reason,
            )
        )
        working.remaining -= quantity
        working.filled += quantity
        if self._children:
            for child in self._children.get(order.order_id, ()):
                child.remaining += quantity
        if not working.remaining:
            self._remove(desk, working)
            if working.filled != order.quantity:
                reason = "the other of the pair, or its entry, filled"
                events.append(Cancelled(at=at, order_id=order.order_id, remaining=working.unfilled, reason=reason))
        if order.parent:
            events += self._stop_entering(order.parent, at=at)
        if order.group:
            events += self._reduce_twins(desk, order, quantity, at=at)

    def _stop_entering(self, parent: int, *, at: int) -> list[OrderEvent]:
        """An exit that fills ends an entry that is still filling."""
        found = self._orders.get(parent)
        if found is None:
            return []
        desk, working = found
        self._remove(desk, working)
        return [Cancelled(at=at, order_id=parent, remaining=working.unfilled, reason="its exit filled")]

    def _reduce_twins(self, desk: _Desk, order: Order, quantity: int, *, at: int) -> list[OrderEvent]:
        """What one order of a pair fills, the other loses; at nothing left it is cancelled."""
        events: list[OrderEvent] = []
        for twin in [w for w in desk.orders if w.order.group == order.group and w.order.order_id != order.order_id]:
            twin.remaining -= min(quantity, twin.remaining)
            if not twin.remaining:
                self._remove(desk, twin)
                reason = "the other of the pair filled"
                events.append(Cancelled(at=at, order_id=twin.order.order_id, remaining=twin.unfilled, reason=reason))
        return events

    def _woken(self, desk: _Desk, tried: Sequence[WorkingOrder], exact: ExactBar) -> list[WorkingOrder]:
        """Children of brackets that filled in this bar. A market entry filled at the open, so the whole bar follows it;
        any other entry filled somewhere inside, so only the stop is taken to be reached in the same bar."""
        awake: list[WorkingOrder] = []
        for parent in tried:
            filled = parent.order.quantity - parent.remaining
            if filled and parent.order.order_id in self._sleeping:
                at_open = parent.order.type is _MARKET and parent.since <= exact.start
                for order in self._sleeping.pop(parent.order.order_id):
                    since = exact.start if at_open else exact.start + 1
                    child = self._work(desk, order, since=since, remaining=filled)
                    self._children.setdefault(order.parent, []).append(child)
                    child.entered_inside = not at_open
                    awake.append(child)
        return sorted(awake, key=_priority)

    def _expire(self, desk: _Desk, working: WorkingOrder, *, at: int, reason: str) -> list[OrderEvent]:
        self._remove(desk, working)
        order_id = working.order.order_id
        own = Expired(at=at, order_id=order_id, remaining=working.unfilled, reason=reason)
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


def _priority(working: WorkingOrder) -> tuple[bool, int]:
    """Stops before everything else, then by age."""
    return (working.order.type not in _STOPS, working.order.order_id)
