"""One instrument's matching book with recorded orders and ours in it: the one queue for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import UNSET

from tradsys.core.events import Depth, Order, OrderType, Tick, Validity
from tradsys.core.instruments import Instrument
from tradsys.core.matching import (
    MAX_PRICE,
    MAX_QUANTITY,
    POST_ONLY,
    Action,
    BookEvent,
    BookEventKind,
    BookPhase,
    Command,
    Kind,
    Outcome,
    Reason,
    SelfTrade,
    Status,
    TimeInForce,
)
from tradsys.core.order_terms import Terms, stated
from tradsys.core.units import SCALE
from tradsys.exchange.book import Book
from tradsys.exchange.live_orders import LiveOrder, Reports, dropped_why, would_take
from tradsys.exchange.order_flow import OURS, OrderCommand, OrderFlow
from tradsys.exchange.recorded_events import OrderChange, Trade

_KINDS = {
    OrderType.MARKET: int(Kind.MARKET),
    OrderType.LIMIT: int(Kind.LIMIT),
    OrderType.STOP: int(Kind.STOP),
    OrderType.STOP_LIMIT: int(Kind.STOP_LIMIT),
    OrderType.TRAILING: int(Kind.TRAILING),
}
_TRIGGERED_KINDS = _KINDS | {
    OrderType.STOP: int(Kind.MARKET),
    OrderType.STOP_LIMIT: int(Kind.LIMIT),
    OrderType.TRAILING: int(Kind.MARKET),
}
_NEW, _REDUCE = int(Action.NEW), int(Action.REDUCE)
_TRADE, _TRIGGERED = int(BookEventKind.TRADE), int(BookEventKind.TRIGGERED)
_CANCELLED, _REJECTED = int(Status.CANCELLED), int(Status.REJECTED)
_LIVES = {each: int(TimeInForce.GTC) for each in Validity} | {
    Validity.IOC: int(TimeInForce.IOC),
    Validity.FOK: int(TimeInForce.FOK),
}
"""What ends at an instant or with a session is ended from outside."""
_NO_BAND = (0, 0)
_NEWEST = int(SelfTrade.CANCEL_NEWEST)
_CONTINUOUS, _CLOSED, _HALTED = int(BookPhase.CONTINUOUS), int(BookPhase.CLOSED), int(BookPhase.HALTED)
_LIMIT, _TRAILING, _FOK = OrderType.LIMIT, OrderType.TRAILING, Validity.FOK
_AT_ONCE = frozenset({Validity.IOC, Validity.FOK})
_WHY = {
    Reason.DROPPED: dropped_why(Validity.IOC),
    Reason.NOT_FILLED_WHOLE: dropped_why(Validity.FOK),
    Reason.SELF_TRADE: "it would have traded with an order of the same account",
    Reason.OUTSIDE_BAND: "its price is outside the day's band",
    Reason.CANCEL_ALL: "the exchange cleared the book",
}


class BookReports(Reports, Protocol):
    """Who is told what happens to an order, also when the exchange takes it out."""

    def withdrawn(self, live: LiveOrder, *, reason: str) -> None:
        """The rest of an order is gone, by a rule."""


class BookDesk:
    """Our orders in one instrument's book, beside the recorded ones (`OrderFlow`).

    They are good till cancelled there (what ends a session ends them from outside) and never trade with each other: the
    one that comes later is withdrawn. Exact 1e-8 become ticks and lots here and nowhere else.

    Not modelled: market orders, stops and immediate orders in auctions. Where a recorded day opens again with ours
    still crossing, because an auction's price was set without them, ours are withdrawn. An exit that one command
    reaches together with another that closes the position fills only what is there; the rest is nobody's.
    """

    def __init__(self, instrument: Instrument, *, book: Book, at: int, reports: BookReports) -> None:
        self.instrument = instrument
        self.flow = OrderFlow(instrument, book=book, at=at)
        self._book, self._reports = book, reports
        self._tick, self._lot = self.flow.tick, self.flow.lot
        self._highest, self._most = MAX_PRICE * self._tick, MAX_QUANTITY * self._lot
        self._live: dict[int, LiveOrder] = {}
        self._open: dict[int, int] = {}
        self._linked: dict[int, LiveOrder] = {}

    def clear(self) -> None:
        """A session begins: the record itself says what is in its book."""

    @property
    def orders(self) -> list[LiveOrder]:
        """Our orders that another one's fill can change: exits and pairs, by age."""
        return [self._linked[number] for number in sorted(self._linked)]

    # --- our orders

    def objection(self, order: Order) -> str:
        """Why the book would not take an order now; empty where it would."""
        phase = self.flow.phase
        if phase != _CONTINUOUS:
            if phase in (_CLOSED, _HALTED):
                return "the market is closed" if phase == _CLOSED else "the market is halted"
            terms = stated(order.terms)
            if order.type is not _LIMIT or order.validity in _AT_ONCE or terms.post_only or terms.display:
                return "an auction takes plain limit orders that rest"
        if order.quantity % self._lot or order.quantity > self._most:
            return f"quantity {order.quantity / SCALE:g} is no number of lots of {self._lot / SCALE:g}"
        limit, trigger = order.limit, order.trigger
        if limit % self._tick or (trigger and trigger % self._tick and order.type is not _TRAILING):
            return f"price {limit / SCALE:g} or trigger {trigger / SCALE:g} is off the tick"
        if (limit if limit > trigger else trigger) + order.trail > self._highest:
            return "price beyond the book's range"
        why = self._outside(limit // self._tick) if self.flow.band != _NO_BAND else ""
        return why or ("" if order.terms is UNSET else self._unfit(order, stated(order.terms)))

    def _unfit(self, order: Order, terms: Terms) -> str:
        """What the book would not take of an order's terms now."""
        if terms.display % self._lot:
            return f"display {terms.display / SCALE:g} is no number of lots of {self._lot / SCALE:g}"
        bid, _, ask, _ = self._book.best()
        best, limit = (ask if order.side > 0 else bid), order.limit // self._tick
        if terms.post_only and best and (limit - best) * order.side >= 0:
            return would_take(best * self._tick)
        return ""

    def enter(self, live: LiveOrder) -> None:
        """An order arrives: it trades, waits or stands in the queue."""
        order = live.order
        number = order.order_id + OURS
        self._live[number] = live
        if order.parent or order.group:
            self._linked[number] = live
        self._submit(live, number)

    def remove(self, live: LiveOrder) -> None:
        """An order is out."""
        number = live.order.order_id + OURS
        live.remaining = 0
        self._live.pop(number, None)
        self._linked.pop(number, None)
        if self._open.pop(number, 0):
            self._book.cancel(number)

    # --- what the record says

    def on_change(self, record: OrderCommand | OrderChange) -> None:
        """Recorded orders go into the book, and may trade with ours."""
        taken, events = self.flow.follow(record)
        if not taken and self._crosses(record):
            for live in list(self._live.values()):
                self._reports.withdrawn(live, reason="the auction's price leaves no room for it")
            _, events = self.flow.follow(record)
        if events and self._live:
            self._happened(events)

    def on_tick(self, tick: Tick) -> None:
        """Nothing: what a tick says was made of the orders."""

    def on_depth(self, depth: Depth) -> None:
        """Nothing, likewise."""

    def on_trade(self, trade: Trade) -> None:
        """Nothing: a print without an order behind it, of what the book does not show."""

    # --- inside

    def _outside(self, price: int) -> str:
        low, high = self.flow.band
        if price and (price < low or (high and price > high)):
            unit = self._tick / SCALE
            return f"price {price * unit:g} outside the day's band {low * unit:g} to {high * unit:g}"
        return ""

    def _command(self, live: LiveOrder, number: int, lots: int) -> Command:
        order, tick, waiting, terms = live.order, self._tick, live.waiting, live.order.terms
        trigger = order.trigger
        if order.type is _TRAILING:
            # away from the market where the price it starts from lies between two ticks
            trigger = -order.side * (-order.side * trigger // tick) * tick + order.side * order.trail
        return Command(
            _NEW,
            number,
            0 if order.side > 0 else 1,
            order.limit // tick,
            lots,
            _KINDS[order.type] if waiting else _TRIGGERED_KINDS[order.type],
            _LIVES[order.validity],
            _NEWEST if terms is UNSET or not terms.post_only else _NEWEST | POST_ONLY,
            0,
            OURS,
            max(trigger // tick, 1) if trigger else 0,
            order.trail // tick if waiting else 0,
            0 if terms is UNSET else min(terms.display // self._lot, lots),
        )

    def _submit(self, live: LiveOrder, number: int) -> None:
        """An order goes into the book, for what is left of it."""
        if live.order.validity is _FOK and self._reports.allowed(live, live.remaining) < live.remaining:
            if number in self._live:
                self._reports.dropped(live)
            return
        lots = self._open[number] = live.remaining // self._lot
        outcome = self._send(self._command(live, number, lots))
        if outcome.status == _CANCELLED or outcome.status == _REJECTED:
            self._open.pop(number, None)
            self._gone(live, outcome)

    def _send(self, command: Command) -> Outcome:
        outcome, events = self._book.submit(command)
        if events:
            self.flow.note(events)
            self._happened(events)
        return outcome

    def _crosses(self, record: OrderCommand | OrderChange) -> bool:
        return bool(self._live) and type(record) is OrderCommand and record.command.action == Action.SET_PHASE

    def _happened(self, events: Sequence[BookEvent]) -> None:
        """Tell what befell ours; an order that an earlier event of the same command ended is nobody's by then."""
        traded = False
        for event in events:
            if event.kind == _TRADE:
                for number in (event.order_id, event.other_id):
                    if number >= OURS and number in self._live:
                        self._trade(self._live[number], event, maker=number == event.other_id)
                        traded = True
            elif event.order_id in self._live:
                self._befell(self._live[event.order_id], event)
        if traded and self._linked:
            self._agree(list(self._linked.items()))

    def _trade(self, live: LiveOrder, event: BookEvent, *, maker: bool) -> None:
        number = live.order.order_id + OURS
        self._open[number] -= event.quantity
        quantity = event.quantity * self._lot
        allowed = self._reports.allowed(live, quantity)
        if allowed > 0:
            self._reports.filled(live, price=event.price * self._tick, quantity=allowed, maker=maker)
        if allowed < quantity and number in self._live:
            self._reports.withdrawn(live, reason="another order closed the position")

    def _befell(self, live: LiveOrder, event: BookEvent) -> None:
        if event.kind == _TRIGGERED:
            live.waiting = False
            self._reports.triggered(live)
        else:
            self._open.pop(event.order_id, None)
            self._gone(live, Outcome(_CANCELLED, event.reason))

    def _gone(self, live: LiveOrder, outcome: Outcome) -> None:
        """The book has an order no longer, and it was not filled."""
        if live.order.order_id + OURS not in self._live:
            return
        if outcome.reason == Reason.DROPPED:
            self._reports.dropped(live)
        else:
            reason = Reason(outcome.reason)
            self._reports.withdrawn(live, reason=_WHY.get(reason, reason.name.lower().replace("_", " ")))

    def _agree(self, linked: Iterable[tuple[int, LiveOrder]]) -> None:
        """Exits and pairs have in the book what they are to have."""
        for number, live in linked:
            wanted, there = live.remaining // self._lot, self._open.get(number, 0)
            if number not in self._linked or wanted == there:
                continue
            if wanted < there:
                self._open[number] = wanted
                self._send(Command(_REDUCE, number, quantity=there - wanted))
            else:
                # What grows loses its place; of an order that filled whole before it grew, nothing is there.
                if there:
                    self._book.cancel(number)
                self._submit(live, number)
