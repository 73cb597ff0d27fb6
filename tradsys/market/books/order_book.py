"""An order-by-order (L3) book: every resting order, in the order of its queue."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

import msgspec

from tradsys.core.events import Word

BID, ASK = 0, 1


class Trouble(Word):
    """Why an event could not be applied as told; the book is as before, or as far as it could follow."""

    UNKNOWN_ORDER = "unknown_order"
    DUPLICATE_ORDER = "duplicate_order"
    TOO_MUCH = "too_much"
    BAD_QUANTITY = "bad_quantity"


class RestingOrder(msgspec.Struct, gc=False):
    """Side (`BID` or `ASK`), price and open quantity of an order, both in the feed's whole units."""

    side: int
    price: int
    quantity: int


@dataclass(slots=True)
class PriceLevel:
    """Orders at a price, first come first, with their open quantities."""

    quantity: int = 0
    queue: dict[int, int] = field(default_factory=dict)


class OrderBook:
    """All resting orders of one instrument, by the identifiers of the feed.

    An order that joins goes to the tail of its level. One changed to a new price or to more quantity goes to the tail
    too; less quantity keeps its place. Each change answers with what was wrong with it, or None.
    """

    def __init__(self) -> None:
        self.orders: dict[int, RestingOrder] = {}
        self._levels: tuple[dict[int, PriceLevel], dict[int, PriceLevel]] = ({}, {})
        # Bids as complements, so that the best of either side comes first.
        self._order: tuple[list[int], list[int]] = ([], [])

    def add(self, order_id: int, *, side: int, price: int, quantity: int) -> Trouble | None:
        """A new order joins the tail."""
        if order_id in self.orders:
            return Trouble.DUPLICATE_ORDER
        if quantity <= 0:
            return Trouble.BAD_QUANTITY
        self._join(order_id, RestingOrder(side, price, quantity))
        return None

    def modify(self, order_id: int, *, side: int, price: int, quantity: int) -> Trouble | None:
        """An order has a new price or quantity; an unknown one joins as a new one, and that is told."""
        known = self.orders.get(order_id)
        if known is None:
            return self.add(order_id, side=side, price=price, quantity=quantity) or Trouble.UNKNOWN_ORDER
        if quantity <= 0:
            return Trouble.BAD_QUANTITY
        if side == known.side and price == known.price and quantity <= known.quantity:
            self._shrink(order_id, known, known.quantity - quantity)
        else:
            self._shrink(order_id, known, known.quantity)
            self._join(order_id, RestingOrder(side, price, quantity))
        return None

    def reduce(self, order_id: int, *, quantity: int) -> Trouble | None:
        """Take quantity off, by cancel or trade; the order leaves when nothing is left."""
        known = self.orders.get(order_id)
        if known is None:
            return Trouble.UNKNOWN_ORDER
        if quantity < 0:
            return Trouble.BAD_QUANTITY
        left = known.quantity - quantity
        self._shrink(order_id, known, min(quantity, known.quantity))
        return Trouble.TOO_MUCH if left < 0 else None

    def remove(self, order_id: int) -> Trouble | None:
        """An order leaves whole."""
        known = self.orders.get(order_id)
        return Trouble.UNKNOWN_ORDER if known is None else self.reduce(order_id, quantity=known.quantity)

    def clear(self) -> None:
        """Forget every order."""
        self.orders = {}
        self._levels, self._order = ({}, {}), ([], [])

    def best(self, side: int) -> int | None:
        """Best price; None where the side is empty."""
        order = self._order[side]
        return (order[0] if side == ASK else ~order[0]) if order else None

    def level(self, side: int, *, price: int) -> PriceLevel:
        """The orders at a price; an empty level where there is none."""
        return self._levels[side].get(price) or PriceLevel()

    def top(self, side: int, *, count: int) -> list[tuple[int, int, int]]:
        """(price, quantity, orders) of the best levels, best first."""
        prices = [key if side == ASK else ~key for key in self._order[side][:count]]
        levels = self._levels[side]
        return [(price, levels[price].quantity, len(levels[price].queue)) for price in prices]

    def ahead(self, order_id: int) -> int | None:
        """Quantity that is before an order in its queue; None for an unknown one."""
        known = self.orders.get(order_id)
        if known is None:
            return None
        before = 0
        for other, quantity in self._levels[known.side][known.price].queue.items():
            if other == order_id:
                break
            before += quantity
        return before

    def _join(self, order_id: int, order: RestingOrder) -> None:
        level = self._levels[order.side].get(order.price)
        if level is None:
            level = self._levels[order.side][order.price] = PriceLevel()
            insort(self._order[order.side], order.price if order.side == ASK else ~order.price)
        level.queue[order_id] = order.quantity
        level.quantity += order.quantity
        self.orders[order_id] = order

    def _shrink(self, order_id: int, order: RestingOrder, quantity: int) -> None:
        level = self._levels[order.side][order.price]
        order.quantity -= quantity
        level.quantity -= quantity
        if order.quantity:
            level.queue[order_id] = order.quantity
            return
        del self.orders[order_id], level.queue[order_id]
        if not level.queue:
            del self._levels[order.side][order.price]
            order_of = self._order[order.side]
            del order_of[bisect_left(order_of, order.price if order.side == ASK else ~order.price)]
