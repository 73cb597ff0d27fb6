"""What the reference book knows of one order and of one instrument. `docs/matching.md` is the specification."""

from __future__ import annotations

from bisect import insort_right
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter

from tradsys.core.matching import (
    MAX_PRICE,
    POST_ONLY,
    BookPhase,
    BookSide,
    Command,
    Kind,
    Resting,
    TimeInForce,
)

BUY, SELL = BookSide
LIMIT, MARKET, PROTECTED, STOP, STOP_LIMIT, TRAILING = Kind
DAY, GTC, GTD, IOC, FOK = TimeInForce
CONTINUOUS, AUCTION, AUCTION_LIMIT, HALTED, CLOSED = BookPhase

STOPS = (STOP, STOP_LIMIT, TRAILING)
RESTING_VALIDITIES = (DAY, GTC, GTD)
SELF_TRADE_BITS = 7


@dataclass(slots=True, eq=False)
class Order:
    """One order. What it has open is `shown + hidden`; it becomes an iceberg when it comes to rest."""

    order_id: int
    account: int
    side: int
    kind: int
    time_in_force: int
    flags: int
    instrument: int
    price: int
    trigger: int
    trail: int
    shown: int
    hidden: int
    display: int
    expires_at: int
    arrival: int = 0

    @property
    def open(self) -> int:
        """Quantity that can still trade."""
        return self.shown + self.hidden

    @property
    def rule(self) -> int:
        """What to do about its own account's orders."""
        return self.flags & SELF_TRADE_BITS

    @property
    def post_only(self) -> bool:
        """Whether it may only add to the book."""
        return bool(self.flags & POST_ONLY)

    @property
    def rests(self) -> bool:
        """Whether its validity lets a rest stay in the book."""
        return self.time_in_force in RESTING_VALIDITIES

    @property
    def is_stop(self) -> bool:
        """Whether it waits for its trigger."""
        return self.kind in STOPS

    def reduce(self, quantity: int) -> None:
        """Take off less than is open: the hidden part first, then the shown one."""
        from_hidden = min(quantity, self.hidden)
        self.hidden -= from_hidden
        self.shown -= quantity - from_hidden

    def take(self, quantity: int) -> None:
        """Take off what is shown first, then what is hidden; shown out, the next part is shown."""
        from_shown = min(quantity, self.shown)
        self.shown -= from_shown
        self.hidden -= quantity - from_shown
        if not self.shown:
            self.show(self.hidden)

    def show(self, quantity: int) -> None:
        """Have `quantity` open, of it at most the display shown."""
        self.shown = min(self.display, quantity) if self.display else quantity
        self.hidden = quantity - self.shown

    def is_touched(self, price: int) -> bool:
        """Whether a trade at `price` (0: there was none) triggers it."""
        if not price:
            return False
        return self.trigger <= price if self.side == BUY else self.trigger >= price

    def as_resting(self) -> Resting:
        """The record that `orders()` gives and the state hash is made of."""
        return Resting(
            order_id=self.order_id,
            account=self.account,
            side=self.side,
            kind=self.kind,
            time_in_force=self.time_in_force,
            flags=self.flags,
            price=self.price,
            trigger=self.trigger,
            trail=self.trail,
            shown=self.shown,
            hidden=self.hidden,
            display=self.display,
            expires_at=self.expires_at,
            arrival=self.arrival,
        )


def _place(order: Order) -> int:
    """Lower ranks first: market orders, then the best price."""
    if order.kind == MARKET:
        return -MAX_PRICE - 1
    return -order.price if order.side == BUY else order.price


def _trigger_place(order: Order) -> int:
    """Lower ranks first: the lowest trigger of buys, the highest of sells."""
    return order.trigger if order.side == BUY else -order.trigger


@dataclass(slots=True)
class InstrumentBook:
    """One instrument: its state and, by side, the orders that rest and those that wait, each list in priority order."""

    phase: int = CONTINUOUS
    last: int = 0
    low: int = 0
    high: int = 0
    resting: tuple[list[Order], list[Order]] = field(default_factory=lambda: ([], []))
    waiting: tuple[list[Order], list[Order]] = field(default_factory=lambda: ([], []))

    @property
    def in_auction(self) -> bool:
        """Whether orders are collected without trading."""
        return self.phase in (AUCTION, AUCTION_LIMIT)

    def add(self, order: Order) -> None:
        """Put an order at the tail of its level or of its trigger's queue."""
        if order.is_stop:
            insort_right(self.waiting[order.side], order, key=_trigger_place)
        else:
            insort_right(self.resting[order.side], order, key=_place)

    def remove(self, order: Order) -> None:
        """Take an order out."""
        (self.waiting if order.is_stop else self.resting)[order.side].remove(order)

    def orders(self) -> list[Order]:
        """Every live order, in the order of sweeping events."""
        return [*self.resting[BUY], *self.resting[SELL], *self.waiting[BUY], *self.waiting[SELL]]

    def limits(self, side: int) -> list[Order]:
        """Resting limit orders of a side, best first."""
        return [order for order in self.resting[side] if order.kind != MARKET]

    def levels(self, side: int) -> list[tuple[int, int, int]]:
        """Price, quantity shown and number of orders of each level, best first."""
        grouped = groupby(self.limits(side), key=attrgetter("price"))
        shown = ((price, [order.shown for order in level]) for price, level in grouped)
        return [(price, sum(quantities), len(quantities)) for price, quantities in shown]

    def best_price(self, side: int) -> int:
        """Best limit price of a side; 0 where there is none."""
        return next((order.price for order in self.resting[side] if order.kind != MARKET), 0)

    def in_band(self, price: int) -> bool:
        """Whether the band allows the price."""
        return self.low <= price and (not self.high or price <= self.high)

    def worst_price(self, order: Order) -> int:
        """The price up to which (buy) or down to which (sell) an order may trade."""
        if order.kind != MARKET:
            return order.price
        return (self.high or MAX_PRICE) if order.side == BUY else self.low

    def reached(self, order: Order, price: int) -> bool:
        """Whether the order may trade with a resting one at `price`."""
        worst = self.worst_price(order)
        return price <= worst if order.side == BUY else price >= worst

    def protected_price(self, order: Order) -> int:
        """Limit price of a protected order: the reference moved by its protection, within the band."""
        reference = self.last or self.best_price(1 - order.side)
        moved = within_prices(reference + (order.price if order.side == BUY else -order.price))
        return min(max(moved, self.low), self.high or MAX_PRICE)


def within_prices(price: int) -> int:
    """The nearest price that exists."""
    return min(max(price, 1), MAX_PRICE)


def trailing_trigger(order: Order, price: int) -> int:
    """Where the trigger of a trailing order belongs after a trade at `price`."""
    return within_prices(price + order.trail if order.side == BUY else price - order.trail)


def new_order(command: Command) -> Order:
    """The order that a `NEW` asks for, not checked yet."""
    return Order(
        order_id=command.order_id,
        account=command.account,
        side=command.side,
        kind=command.kind,
        time_in_force=command.time_in_force,
        flags=command.flags,
        instrument=command.instrument,
        price=command.price,
        trigger=command.trigger,
        trail=command.trail,
        shown=command.quantity,
        hidden=0,
        display=command.display,
        expires_at=command.expires_at,
    )


def replacement(order: Order, command: Command) -> Order:
    """The order that a `REPLACE` asks for, not checked yet."""
    return replace(
        order,
        price=command.price,
        trigger=command.trigger,
        shown=command.quantity,
        hidden=0,
        display=min(order.display, command.quantity),
    )


def complete(book: InstrumentBook, order: Order) -> None:
    """Fix what an order that passed its checks leaves to the market, and clear what its kind does not use."""
    if order.kind == PROTECTED:
        order.kind, order.price = LIMIT, book.protected_price(order)
    if order.kind not in (LIMIT, STOP_LIMIT):
        order.price = 0
    if order.kind == TRAILING:
        order.trigger = order.trigger or trailing_trigger(order, book.last)
    elif not order.is_stop:
        order.trigger = 0
    if order.time_in_force != GTD:
        order.expires_at = 0
