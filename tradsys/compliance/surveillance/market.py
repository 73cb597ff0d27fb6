"""The market as detectors see it: just before the event that they are shown. A fold over the events."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tradsys.compliance.surveillance.events import (
    AnyEvent,
    Cancelled,
    Changed,
    Entered,
    Quoted,
    Session,
    Traded,
)
from tradsys.core.events import Phase


@dataclass(slots=True)
class LiveOrder:
    """An order as it stands: `quantity` as last asked for, `open` of it, `filled` since it was entered."""

    order_id: int
    account: str
    instrument: str
    side: int
    price: int
    quantity: int
    entered_at: int
    open: int
    filled: int = 0


class _Levels:
    """Open quantity by price on one side; best first by `sign * price`."""

    __slots__ = ("_keys", "_open", "_sign")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[int] = []
        self._open: dict[int, int] = {}

    def add(self, price: int, quantity: int) -> None:
        key = self._sign * price
        before = self._open.get(key)
        if before is None:
            insort(self._keys, key)
            before = 0
        left = before + quantity
        if left > 0:
            self._open[key] = left
        else:
            del self._open[key]
            del self._keys[bisect_left(self._keys, key)]

    def best(self) -> int:
        return self._sign * self._keys[0] if self._keys else 0

    def down_to(self, price: int) -> int:
        """Quantity at this price and better ones."""
        end = bisect_left(self._keys, self._sign * price + 1)
        return sum(self._open[key] for key in self._keys[:end])


@dataclass(slots=True)
class InstrumentState:
    """One instrument: prices 0 where there is none; `volume` of the day."""

    buys: _Levels = field(default_factory=lambda: _Levels(-1))
    sells: _Levels = field(default_factory=lambda: _Levels(1))
    quoted_bid: int = 0
    quoted_ask: int = 0
    last: int = 0
    volume: int = 0
    phase: Phase = Phase.OPEN
    closes_at: int = 0

    def side(self, side: int) -> _Levels:
        """The levels of a side."""
        return self.buys if side > 0 else self.sells


class Market:
    """Live orders, what each account has open, and each instrument's state. `whole`: the source has everybody's orders,
    so that best prices and depth follow from them; otherwise from `Quoted`, and depth is not known."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self._orders: dict[int, LiveOrder] = {}
        self._instruments: dict[str, InstrumentState] = {}
        self._open: dict[tuple[str, str, int], int] = {}
        self._incoming: LiveOrder | None = None

    def order(self, order_id: int) -> LiveOrder | None:
        """A live order."""
        return self._orders.get(order_id)

    def state(self, instrument: str) -> InstrumentState:
        """One instrument."""
        found = self._instruments.get(instrument)
        if found is None:
            found = self._instruments[instrument] = InstrumentState()
        return found

    def open_of(self, accounts: Sequence[str], *, instrument: str, side: int) -> int:
        """Quantity that accounts have open on a side."""
        return sum(self._open.get((account, instrument, side), 0) for account in accounts)

    def depth_to(self, order: LiveOrder) -> int:
        """Quantity of the whole book at an order's price and better, its own included; 0 where it is not known."""
        return self.state(order.instrument).side(order.side).down_to(order.price) if self.whole else 0

    def best(self, instrument: str) -> tuple[int, int]:
        """Best bid and ask."""
        state = self.state(instrument)
        return (state.buys.best(), state.sells.best()) if self.whole else (state.quoted_bid, state.quoted_ask)

    def orders(self) -> Iterator[LiveOrder]:
        """Every live order."""
        return iter(self._orders.values())

    def apply(self, event: AnyEvent) -> None:
        """Go on to after an event."""
        kind = type(event)
        if kind is not Traded and self._incoming is not None:
            self._rest(self._incoming)
        if isinstance(event, Entered):
            self._enter(event)
        elif isinstance(event, Traded):
            self._trade(event)
        elif isinstance(event, Cancelled):
            self._remove(event.order_id)
        elif isinstance(event, Changed):
            self._change(event)
        elif isinstance(event, Quoted):
            state = self.state(event.instrument)
            state.quoted_bid, state.quoted_ask, state.last = event.bid, event.ask, event.last or state.last
        elif isinstance(event, Session):
            state = self.state(event.instrument)
            state.phase, state.closes_at = event.phase, event.closes_at

    def _enter(self, event: Entered) -> None:
        order = LiveOrder(
            event.order_id, event.account, event.instrument, event.side, event.price, event.quantity, event.at,
            event.quantity,
        )  # fmt: skip
        self._orders[event.order_id] = order
        self._count(order, order.open)
        self._incoming = order

    def _rest(self, order: LiveOrder) -> None:
        """An order that came in shows in the book once it is clear what of it traded at once."""
        self._incoming = None
        if order.price and order.open > 0:
            self.state(order.instrument).side(order.side).add(order.price, order.open)

    def _count(self, order: LiveOrder, quantity: int) -> None:
        if not order.account:
            return
        key = (order.account, order.instrument, order.side)
        left = self._open.get(key, 0) + quantity
        if left > 0:
            self._open[key] = left
        else:
            self._open.pop(key, None)

    def _change(self, event: Changed) -> None:
        order = self._orders.get(event.order_id)
        if order is None:
            return
        self._hide(order)
        self._count(order, event.quantity - order.open)
        order.price, order.open, order.quantity = event.price, event.quantity, order.filled + event.quantity
        if order.open <= 0:
            del self._orders[order.order_id]
        else:
            self._incoming = order

    def _hide(self, order: LiveOrder) -> None:
        if order.price and order is not self._incoming:
            self.state(order.instrument).side(order.side).add(order.price, -order.open)

    def _remove(self, order_id: int) -> None:
        order = self._orders.pop(order_id, None)
        if order is not None:
            self._hide(order)
            self._count(order, -order.open)

    def _trade(self, event: Traded) -> None:
        state = self.state(event.instrument)
        state.last = event.price
        state.volume += event.quantity
        for order_id in (event.buy_order, event.sell_order):
            order = self._orders.get(order_id)
            if order is not None:
                self._fill(order, event.quantity)

    def _fill(self, order: LiveOrder, quantity: int) -> None:
        taken = min(quantity, order.open)
        if order is not self._incoming and order.price:
            self.state(order.instrument).side(order.side).add(order.price, -taken)
        self._count(order, -taken)
        order.open -= taken
        order.filled += quantity
        if order.open <= 0:
            del self._orders[order.order_id]
            if order is self._incoming:
                self._incoming = None
