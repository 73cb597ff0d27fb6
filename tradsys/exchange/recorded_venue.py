"""A venue for one trader against a recorded market: ticks, depth, trades or single orders, which do not react to him.

What is assumed is `RecordedModels`, one object an assumption; the rules are in `docs/recorded_data.md`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tradsys.core.events import (
    Accepted,
    Approved,
    Cancelled,
    Depth,
    Expired,
    Fill,
    Order,
    OrderEvent,
    OrderType,
    Product,
    Rejected,
    Tick,
    Triggered,
    Validity,
)
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.exchange.deadlines import CAME, LATE, Deadlines, has_ended
from tradsys.exchange.live_orders import LiveOrder, dropped_why, live_order
from tradsys.exchange.recorded_desk import Desk
from tradsys.exchange.recorded_events import OrderChange, Trade
from tradsys.exchange.recorded_models import RecordedModels

Recorded = Tick | Depth | Trade | OrderChange
Held = Callable[[str, str, Product], int]
"""Strategy, instrument, product → the signed position as far as it is known, 1e-8."""

NEVER = 2**63 - 1

_NO_LIMITS = (0, 2**62)
_BELL = "the session ended"
_DELIVERED = frozenset({Product.CNC, Product.SPOT})
_MARKET, _TRAILING, _DAY = OrderType.MARKET, OrderType.TRAILING, Validity.DAY


class RecordedVenue:
    """Simulated venue on recorded data; the same door as the venue on bars.

    An order is live at `at` plus the entry latency. What happens to it at the venue is told at `exchange_at` plus the
    response latency, never before the record that caused it was heard, and in order. An order and a record of one
    instant: the record first. `held` tells positions as known to us; fills still on their way are added here.

    Not modelled: that others react to our orders; latency between a fill and what it does to its bracket or pair, which
    the venue holds; auctions.

    `travelling`: orders on their way to the venue, reports on theirs to us, and the ends of orders good till a time.
    """

    def __init__(self, instruments: Iterable[Instrument], models: RecordedModels, *, held: Held) -> None:
        self._models, self._held = models, held
        self._entry, self._response = models.entry.delay, models.response.delay
        self._desks = {each.id: self._desk(each) for each in instruments}
        self._hearing = {name: self._hearers(desk) for name, desk in self._desks.items()}
        self._limits = dict.fromkeys(self._desks, _NO_LIMITS)
        self._clock = self._known_at = self._last_live = self._last_report = 0
        self._flight: deque[tuple[int, Callable[..., None], Any]] = deque()
        self._pending: deque[OrderEvent] = deque()
        self._deadlines = Deadlines()
        self.travelling = (self._flight, self._pending, self._deadlines.ends)
        self._orders: dict[int, LiveOrder] = {}
        self._sleeping: dict[int, list[Order]] = {}
        self._children: dict[int, list[LiveOrder]] = {}
        self._woken: list[LiveOrder] = []
        self._entered: dict[int, int] = {}

    def _desk(self, instrument: Instrument) -> Any:
        return Desk(instrument, queue=self._models.queue, reports=self)

    def _hearers(self, desk: Any) -> dict[type, Callable[[Any], None]]:
        """Which method of a desk hears which kind of record."""
        return {Tick: desk.on_tick, Depth: desk.on_depth, Trade: desk.on_trade, OrderChange: desk.on_change}

    # --- from the engine

    def submit(self, approved: Approved) -> Sequence[OrderEvent]:
        """Send an order; returns what is known of it at once."""
        return self._send(self._receive, approved.order, approved.at)

    def cancel(self, order_id: int, *, at: int, reason: str = "") -> Sequence[OrderEvent]:
        """Send a withdrawal; where the order is no longer working when it arrives, nothing comes of it."""
        return self._send(self._withdraw, (order_id, reason), at)

    @property
    def due(self) -> int:
        """When the next order arrives or ends, or the next report is heard; `NEVER` when nothing is on its way."""
        return min(self._happening(), self._pending[0].at if self._pending else NEVER)

    def _happening(self, until: int = 0) -> int:
        """When the next order arrives, or ends by its time, which comes no more where the record has ended."""
        arrival = self._flight[0][0] if self._flight else NEVER
        return arrival if until == NEVER else min(arrival, self._deadlines.upcoming)

    @property
    def idle(self) -> bool:
        """Nothing of ours is on its way or at work: records pass without effect."""
        return not (self._flight or self._pending or self._orders or self._sleeping)

    def advance(self, until: int) -> Sequence[OrderEvent]:
        """Let time pass to an instant or the first report before it. Called with the instant before each record until
        it gives nothing, answers to reports leave when the reports are heard. `NEVER`: the record has ended."""
        while (at := self._happening(until)) <= until and at < NEVER:
            if self._pending and self._pending[0].at <= at:
                return self._hear(self._pending[0].at)
            self._arrive(at)
        return self._hear(min(self._pending[0].at, until)) if self._pending else ()

    # --- from the record

    def match(self, event: Recorded) -> Sequence[OrderEvent]:
        """What one record does to the orders in its instrument, and all that is heard by its `at`."""
        if self._flight:
            self._arrive(event.exchange_at - 1)
        if event.exchange_at > self._clock:
            self._clock = event.exchange_at
        if self._deadlines.ends:
            self._lapse(self._clock)
        self._known_at = event.at
        self._hearing[event.instrument][type(event)](event)
        if not (self._pending or self._flight):
            return ()
        if self._woken:
            self._wake()
        if self._flight:
            self._arrive(self._clock)
        return self._hear(event.at) if self._pending else ()

    def set_reference(self, instrument: str, previous_close: int, *, at: int) -> None:
        """Start a session: the book is empty, and the band follows from the previous close (1e-8; 0: none)."""
        desk = self._desks[instrument]
        desk.clear()
        self._limits[instrument] = self._models.band.limits(previous_close, tick=desk.instrument.tick_at(at))

    def expire(self, *, at: int, exchange: str) -> Sequence[OrderEvent]:
        """End a session: DAY orders that were there before it ended are gone, and all that is on its way to us is
        told, each with its own time."""
        self._arrive(at)
        self._clock = max(self._clock, at)
        for live in list(self._orders.values()):
            order = live.order
            here = self._desks[order.instrument].instrument.exchange == exchange
            if here and order.validity is _DAY and live.live_at < at:
                self._expired(live, _BELL)
        return self._hear(NEVER) if self._pending else ()

    def close_out(self, order_id: int, *, price: int, at: int) -> Sequence[OrderEvent]:
        """Fill what is left of an order at a given price: for a square-off that no record is left to fill."""
        live = self._orders.get(order_id)
        if live is None:
            return ()
        self._clock, self._known_at = max(self._clock, at), 0
        self.filled(live, price=price, quantity=live.remaining, maker=False)
        return self._hear(NEVER) if self._pending else ()

    # --- what travels

    def _send(self, take: Callable[[Any], None], body: Any, at: int) -> Sequence[OrderEvent]:
        """Put on its way what the venue is to take when it arrives, which may be now."""
        arrival = at + self._entry(at)
        if arrival < self._last_live:
            arrival = self._last_live
        self._last_live = arrival
        if self._flight or arrival > self._clock:
            self._flight.append((arrival, take, body))
            self._arrive(self._clock)
        else:
            self._known_at = 0
            take(body)
            if self._woken:
                self._wake()
        return self._hear(at) if self._pending else ()

    def _arrive(self, until: int) -> None:
        """Everything that reaches the venue up to an instant, no record's doing."""
        self._known_at = 0
        flight = self._flight
        while flight and flight[0][0] <= until:
            at, take, body = flight.popleft()
            if self._deadlines.ends:
                self._lapse(at)
            if at > self._clock:
                self._clock = at
                self._entered.clear()
            take(body)
            if self._woken:
                self._wake()
        if self._deadlines.ends:
            self._lapse(until)

    def _lapse(self, until: int) -> None:
        """Orders whose time comes by an instant are gone, no record's doing."""
        self._known_at = 0
        for at, order_id in self._deadlines.passed(until):
            live = self._orders.get(order_id)
            if live is not None:
                if at > self._clock:
                    self._clock = at
                    self._entered.clear()
                self._expired(live, CAME)

    def _heard_at(self) -> int:
        """When a report of what happens now is heard: not before the record that caused it, nor before another."""
        moment = self._clock
        heard, known, last = moment + self._response(moment), self._known_at, self._last_report
        if known > heard:
            heard = known
        if last > heard:
            heard = last
        self._last_report = heard
        return heard

    def _hear(self, until: int) -> Sequence[OrderEvent]:
        pending = self._pending
        if pending[-1].at <= until:
            heard = list(pending)
            pending.clear()
            return heard
        heard = []
        while pending[0].at <= until:
            heard.append(pending.popleft())
        return heard

    # --- what arrives

    def _receive(self, order: Order) -> None:
        """Take an order: accepted, or rejected with the exchange's reason. Exits sleep until their entry fills."""
        desk = self._desks[order.instrument]
        why = self._objection(order) or desk.objection(order)
        if why:
            self._pending.append(Rejected(at=self._heard_at(), order_id=order.order_id, reason=why))
            return
        self._pending.append(Accepted(at=self._heard_at(), order_id=order.order_id))
        if order.parent:
            self._attach(order)
        else:
            self._deadlines.add(order)
            desk.enter(self._add(order, order.quantity))

    def _attach(self, order: Order) -> None:
        parent = self._orders.get(order.parent)
        entered = parent.filled if parent is not None else self._entered.get(order.parent, 0)
        if entered:
            self._enter(self._add(order, entered))
        else:
            self._sleeping.setdefault(order.parent, []).append(order)

    def _objection(self, order: Order) -> str:
        limits = self._limits[order.instrument]
        if limits != _NO_LIMITS and order.type is not _MARKET:
            low, high = limits
            for price in (order.limit, order.trigger if order.type is not _TRAILING else 0):
                if price and not low <= price <= high:
                    return f"price {price / SCALE:g} outside the day's band {low / SCALE:g} to {high / SCALE:g}"
        if order.parent and order.parent not in self._orders and order.parent not in self._entered:
            return "its entry is not working"
        return LATE if has_ended(order, self._clock) else ""

    def _add(self, order: Order, remaining: int) -> LiveOrder:
        live = live_order(order, at=self._clock, remaining=remaining)
        self._orders[order.order_id] = live
        if order.parent:
            self._children.setdefault(order.parent, []).append(live)
        return live

    def _enter(self, live: LiveOrder) -> None:
        self._desks[live.order.instrument].enter(live)

    def _wake(self) -> None:
        """Exits whose entry has filled go to work, after the record that filled it."""
        while self._woken:
            live = self._woken.pop(0)
            if live.order.order_id in self._orders:
                self._enter(live)

    def _withdraw(self, asked: tuple[int, str]) -> None:
        order_id, reason = asked
        live = self._orders.get(order_id)
        if live is not None:
            self._drop(live, reason)
            return
        for orders in self._sleeping.values():
            for order in [each for each in orders if each.order_id == order_id]:
                orders.remove(order)
                self._cancelled(order_id, order.quantity, reason)

    # --- what the desk says

    def allowed(self, live: LiveOrder, quantity: int) -> int:
        """An exit, and a sale of what is delivered, never takes more than is there; at nothing left it is withdrawn."""
        order = live.order
        if not order.parent and not (order.side < 0 and order.product in _DELIVERED):
            return quantity
        key = (order.strategy, order.instrument, order.product)
        there = max(-order.side * (self._held(*key) + self._unheard(key)), 0)
        if not there:
            self._drop(live, "another order closed the position")
        return min(quantity, there)

    def _unheard(self, key: tuple[str, str, Product]) -> int:
        """What fills still on their way to us make of a position."""
        fills = [each for each in self._pending if type(each) is Fill]
        return sum(f.side * f.quantity for f in fills if (f.strategy, f.instrument, f.product) == key)

    def filled(self, live: LiveOrder, *, price: int, quantity: int, maker: bool) -> None:
        """A trade of ours, and what it does to its exits and its twin."""
        order = live.order
        self._pending.append(
            Fill(
                at=self._heard_at(),
                exchange_at=self._clock,
                order_id=order.order_id,
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
        live.remaining -= quantity
        live.filled += quantity
        for child in self._children.get(order.order_id, ()):
            child.remaining += quantity
        for exit_order in self._sleeping.pop(order.order_id, ()):
            self._woken.append(self._add(exit_order, live.filled))
        if not live.remaining:
            self._finish(live)
        if order.parent in self._orders:
            self._end(self._orders[order.parent], "its exit filled")
        if order.group:
            self._reduce_twins(order, quantity)

    def triggered(self, live: LiveOrder) -> None:
        """A stop was touched."""
        self._pending.append(Triggered(at=self._heard_at(), order_id=live.order.order_id))

    def dropped(self, live: LiveOrder) -> None:
        """The rest of an immediate order is gone; without any fill its exits are too."""
        self._end(live, dropped_why(live.order.validity))
        if not live.filled:
            self._orphans(live.order.order_id, reason="its entry was cancelled")

    # --- inside

    def _remove(self, live: LiveOrder) -> None:
        order = live.order
        self._desks[order.instrument].remove(live)
        del self._orders[order.order_id]
        self._children.pop(order.order_id, None)
        if live.filled:
            self._entered[order.order_id] = live.filled

    def _end(self, live: LiveOrder, reason: str) -> None:
        self._remove(live)
        self._cancelled(live.order.order_id, live.unfilled, reason)

    def _expired(self, live: LiveOrder, reason: str) -> None:
        self._remove(live)
        order_id = live.order.order_id
        self._pending.append(Expired(at=self._heard_at(), order_id=order_id, remaining=live.unfilled, reason=reason))
        self._orphans(order_id, reason="its entry expired")

    def _drop(self, live: LiveOrder, reason: str) -> None:
        self._end(live, reason)
        self._orphans(live.order.order_id, reason="its entry was cancelled")

    def _finish(self, live: LiveOrder) -> None:
        """Nothing is left to fill; what a twin or a part-filled entry took away is cancelled, so quantities add up."""
        self._remove(live)
        if live.unfilled:
            self._cancelled(live.order.order_id, live.unfilled, "the other of the pair, or its entry, filled")

    def _reduce_twins(self, order: Order, quantity: int) -> None:
        """What one order of a pair fills, the other loses; at nothing left it is cancelled."""
        orders = [*self._desks[order.instrument].orders, *self._woken]
        for twin in [each for each in orders if each.order.group == order.group and each.order is not order]:
            twin.remaining -= min(quantity, twin.remaining)
            if not twin.remaining and twin.order.order_id in self._orders:
                self._end(twin, "the other of the pair filled")

    def _orphans(self, parent: int, *, reason: str) -> None:
        for order in self._sleeping.pop(parent, ()):
            self._cancelled(order.order_id, order.quantity, reason)

    def _cancelled(self, order_id: int, remaining: int, reason: str) -> None:
        self._pending.append(Cancelled(at=self._heard_at(), order_id=order_id, remaining=remaining, reason=reason))
