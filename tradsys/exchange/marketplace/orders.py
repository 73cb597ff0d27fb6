"""The live orders of an exchange, and what their accounts hold for them: the clearing hears of every change."""

from __future__ import annotations

from collections.abc import Mapping

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Side
from tradsys.core.matching import MAX_PRICE
from tradsys.exchange.admission import Entry
from tradsys.exchange.clearing import Clearing
from tradsys.exchange.clearing.records import ClearingEvent, OrderChanged, OrderEntered, OrderFinished, Refusal
from tradsys.exchange.marketplace.floor import Floor


class LiveOrder:
    """One order in the book: `left` lots of it are open, and its account holds for them at `worst` ticks."""

    __slots__ = ("account", "floor", "kind", "left", "order_id", "side", "worst")

    def __init__(self, entry: Entry, floor: Floor, *, worst: int) -> None:
        self.order_id = entry.order_id
        self.account = entry.account
        self.floor = floor
        self.side = int(entry.side)
        self.kind = int(entry.kind)
        self.worst = worst
        self.left = entry.quantity // floor.lot

    @property
    def open(self) -> int:
        """What is open of it, 1e-8."""
        return self.left * self.floor.lot

    def fits(self, entry: Entry) -> bool:
        """Whether a replacement is of the same instrument, side and kind."""
        return (entry.instrument, entry.side, entry.kind) == (self.floor.instrument.id, self.side, self.kind)


class OrderRegister:
    """Owner of the live orders. The clearing hears of every order before the book takes it, and of its end."""

    def __init__(self, clearing: Clearing) -> None:
        self._clearing = clearing
        self._live: dict[int, LiveOrder] = {}

    def get(self, order_id: int, *, account: int | None = None) -> LiveOrder | None:
        """A live order, where `account` is given only if it is that account's."""
        order = self._live.get(order_id)
        return None if order is None or (account is not None and order.account != account) else order

    def move(self, floors: Mapping[str, Floor]) -> None:
        """The next day has floors of its own."""
        for order in self._live.values():
            order.floor = floors[order.floor.instrument.id]

    def __len__(self) -> int:
        return len(self._live)

    def enter(self, entry: Entry, floor: Floor, *, worst: int, intraday: bool) -> LiveOrder | Refusal:
        """Hold for a new order at its worst price in ticks; 0: nothing bounds it, as unlimited accounts may have it."""
        entered = OrderEntered(
            order_id=entry.order_id,
            account=entry.account,
            instrument=entry.instrument,
            side=Side.SELL if entry.side else Side.BUY,
            quantity=entry.quantity,
            price=_bounded(worst, side=entry.side) * floor.tick,
            intraday=intraday,
        )
        refusal = self._tell(entered)
        if refusal is not None:
            return refusal
        order = self._live[entry.order_id] = LiveOrder(entry, floor, worst=worst)
        return order

    def change(self, order: LiveOrder, *, worst: int, left: int) -> Refusal | None:
        """Hold for new terms (ticks, lots); a refusal leaves the order as it was."""
        price = _bounded(worst, side=order.side) * order.floor.tick
        quantity = left * order.floor.lot
        refusal = self._tell(OrderChanged(order_id=order.order_id, price=price, quantity=quantity))
        if refusal is None:
            order.worst, order.left = worst, left
        return refusal

    def restore(self, order: LiveOrder, *, worst: int, left: int) -> None:
        """Hold again for terms that were held for a moment ago."""
        refusal = self.change(order, worst=worst, left=left)
        if refusal is not None:
            raise _unexpected(refusal)

    def filled(self, order: LiveOrder, lots: int) -> None:
        """So many lots traded: the clearing knows by the trade."""
        order.left -= lots
        if order.left < 0:
            raise InvariantBroken(f"order {order.order_id} is over-filled", value=lots, limit=order.left + lots)
        if not order.left:
            del self._live[order.order_id]

    def finish(self, order: LiveOrder) -> None:
        """It left the book with something open."""
        del self._live[order.order_id]
        self._must(OrderFinished(order_id=order.order_id))

    def _tell(self, event: ClearingEvent) -> Refusal | None:
        said = self._clearing.apply(event)
        return said[0] if said and isinstance(said[0], Refusal) else None

    def _must(self, event: ClearingEvent) -> None:
        refusal = self._tell(event)
        if refusal is not None:
            raise _unexpected(refusal)


def _bounded(worst: int, *, side: int) -> int:
    """A price for the clearing where nothing bounds the order, as an unlimited account may have it."""
    return worst or (1 if side else MAX_PRICE)


def _unexpected(refusal: Refusal) -> InvariantBroken:
    return InvariantBroken(
        f"the clearing refused what the book did: {refusal.rule}", value=refusal.value, limit=refusal.limit
    )
