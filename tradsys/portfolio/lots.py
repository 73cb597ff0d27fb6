"""Open lots, first in, first out, beside the ledger's average cost; exact, 1e-8.

The law, to the last unit after every event: what fills were paid in all == money of the open lots - realised of the
closed ones; charges of both sides likewise. A part that leaves a lot takes its share of money and charges, rounded
down, and the last part what is left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from tradsys.core.events import ActionKind, CorporateAction, Fill, Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE, Rounding, divide, notional, to_step
from tradsys.portfolio.ledger import Items, Key


class ClosedLot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A quantity that one fill opened and another closed; money in 1e-8.

    `paid` (at the opening) and `received` (at the closing) are signed: of a short sale both are negative. Charges are
    the shares of each side, by item. What a corporate action left nothing of is closed by a fill of price 0 whose
    reason is the action.
    """

    instrument: Instrument
    quantity: int
    opening: Fill
    closing: Fill
    paid: int
    received: int
    opening_charges: Items
    closing_charges: Items

    @property
    def side(self) -> Side:
        """Of the opening: bought first, or sold first."""
        return self.opening.side

    @property
    def bought(self) -> int:
        """Money paid for it, charges apart, whichever side came first."""
        return self.paid if self.side > 0 else -self.received

    @property
    def sold(self) -> int:
        """Money received for it, charges apart, whichever side came first."""
        return self.received if self.side > 0 else -self.paid

    @property
    def gross(self) -> int:
        """Realised gain or loss before charges."""
        return self.received - self.paid

    @property
    def charges(self) -> dict[str, int]:
        """Charges of both sides by item."""
        return _summed((*self.opening_charges, *self.closing_charges))

    @property
    def net(self) -> int:
        """Realised gain or loss after the charges of both sides."""
        return self.gross - sum(self.charges.values())


class Lot:
    """What is left of one fill. `quantity` is unsigned, `money` signed (positive: paid), `charges` by item."""

    __slots__ = ("charges", "fill", "instrument", "money", "quantity", "side")

    def __init__(self, fill: Fill, instrument: Instrument, *, quantity: int, money: int, charges: Items) -> None:
        self.fill = fill
        self.instrument = instrument
        self.side = fill.side
        self.quantity = quantity
        self.money = money
        self.charges = charges

    def take(self, quantity: int) -> tuple[int, Items]:
        """Money and charges that leave with a part; the rest keeps the remainder."""
        whole = self.quantity
        if quantity == whole:
            money, charges = self.money, self.charges
            self.quantity = self.money = 0
            self.charges = ()
            return money, charges
        money = self.money * quantity // whole
        charges = tuple((name, amount * quantity // whole) for name, amount in self.charges)
        self.quantity = whole - quantity
        self.money -= money
        self.charges = tuple(
            (name, amount - gone) for (name, amount), (_, gone) in zip(self.charges, charges, strict=True)
        )
        return money, charges

    def absorb(self, other: Lot) -> None:
        """Take over the money and charges of a lot that a consolidation left without a share."""
        self.money += other.money
        self.charges = tuple(_summed((*self.charges, *other.charges)).items())


def legs(fill: Fill, charges: Items, instrument: Instrument, *, held: int) -> list[Lot]:
    """A fill as what it closes of a signed holding, then what it opens: money rounds in each as in the ledger."""
    closing = min(fill.quantity, abs(held)) if held * fill.side < 0 else 0
    whole = Lot(fill, instrument, quantity=fill.quantity, money=0, charges=charges)
    found = []
    for part in filter(None, (closing, fill.quantity - closing)):
        _, share = whole.take(part)
        money = notional(price=fill.price, quantity=fill.side * part, multiplier=instrument.multiplier)
        found.append(Lot(fill, instrument, quantity=part, money=money, charges=share))
    return found


def carried(quantity: int, action: CorporateAction, instrument: Instrument) -> int:
    """A signed holding after a split or bonus, on the lot grid, as the ledger carries it."""
    exact = divide(quantity * action.new, action.old, Rounding.TOWARD_ZERO)
    return to_step(exact, instrument.lot_at(action.at), Rounding.TOWARD_ZERO)


class LotQueue:
    """Open lots of one instrument, oldest first, all of one side; `held` is their signed quantity."""

    __slots__ = ("held", "lots")

    def __init__(self) -> None:
        self.lots: deque[Lot] = deque()
        self.held = 0

    def take(self, lot: Lot) -> list[ClosedLot]:
        """Close the oldest lots of the other side with a lot, and keep what is left of it."""
        lots, closed = self.lots, []
        self.held += lot.side * lot.quantity
        while lot.quantity and lots and lots[0].side != lot.side:
            oldest = lots[0]
            closed.append(_matched(oldest, lot, min(oldest.quantity, lot.quantity)))
            if not oldest.quantity:
                lots.popleft()
        if lot.quantity:
            lots.append(lot)
        return closed

    def split(self, action: CorporateAction, *, total: int) -> list[ClosedLot]:
        """Carry the lots over an action after which `total` (signed) is held: quantities change, money stays.

        A lot that is left without a share leaves its money to the oldest that has one; without any, all are losses.
        """
        lots = list(self.lots)
        sizes = _sizes(lots, action, total=total)
        heir = next((lot for lot, size in zip(lots, sizes, strict=True) if size), None)
        closed = [] if heir is not None else [_vanished(lot, action) for lot in lots]
        for lot, size in zip(lots, sizes, strict=True):
            lot.quantity = size
            if heir is not None and not size:
                heir.absorb(lot)
        self.lots = deque(lot for lot in lots if lot.quantity)
        self.held = sum(lot.side * lot.quantity for lot in self.lots)
        return closed + self._granted(action, lots, total=total)

    def grant(self, action: CorporateAction, *, total: int) -> list[ClosedLot]:
        """Carry the lots over a bonus after which `total` is held: the new shares are a lot that cost nothing."""
        return self._granted(action, list(self.lots), total=total)

    def _granted(self, action: CorporateAction, lots: list[Lot], *, total: int) -> list[ClosedLot]:
        more = total - self.held
        if not more or not lots:
            return []
        first = lots[0]
        given = msgspec.structs.replace(
            first.fill,
            at=action.at,
            exchange_at=action.at,
            order_id=0,
            side=Side.BUY if more > 0 else Side.SELL,
            quantity=abs(more),
            price=0,
            reason=str(action.kind),
        )
        return self.take(Lot(given, first.instrument, quantity=abs(more), money=0, charges=()))


class Lots:
    """Open lots by strategy, instrument and product, as the ledger keeps its positions."""

    def __init__(self) -> None:
        self.queues: dict[Key, LotQueue] = {}

    def fill(self, fill: Fill, charges: Items, instrument: Instrument) -> list[ClosedLot]:
        """Take a fill and what it cost by item (1e-8); returns what it closed. A trade undone is its opposite fill."""
        queue = self.queues.setdefault((fill.strategy, fill.instrument, fill.product), LotQueue())
        parts = legs(fill, charges, instrument, held=queue.held)
        return [closed for part in parts for closed in queue.take(part)]

    def apply(self, action: CorporateAction) -> list[ClosedLot]:
        """Carry the lots over a split or bonus, each lot's money as it was; returns what it left nothing of."""
        if action.kind is ActionKind.DIVIDEND:
            return []
        found: list[ClosedLot] = []
        for (_, instrument, _), queue in self.queues.items():
            if instrument == action.instrument and queue.lots:
                total = carried(queue.held, action, queue.lots[0].instrument)
                found += queue.split(action, total=total)
        return found

    def open_lots(self) -> Iterator[tuple[Key, Lot]]:
        """Every open lot with whose it is, oldest first of each."""
        return ((key, lot) for key, queue in self.queues.items() for lot in queue.lots)


def shares(amount: int, quantities: Iterable[int]) -> list[int]:
    """A signed amount split by quantities (all positive): each share rounded down, the last takes what is left."""
    sizes = list(quantities)
    left, found = sum(sizes), []
    for size in sizes:
        share = amount * size // left
        found.append(share)
        amount, left = amount - share, left - size
    return found


def value_of(lots: list[Lot], *, price: int) -> list[int]:
    """What closing each lot of one queue at `price` (1e-8) would bring: together what the ledger's position would."""
    if not lots:
        return []
    units = sum(lot.side * lot.quantity for lot in lots) * lots[0].instrument.multiplier
    return shares(price * units // SCALE, [lot.quantity for lot in lots])


def _matched(lot: Lot, closing: Lot, quantity: int) -> ClosedLot:
    paid, opening_charges = lot.take(quantity)
    received, closing_charges = closing.take(quantity)
    return ClosedLot(
        instrument=lot.instrument,
        quantity=quantity,
        opening=lot.fill,
        closing=closing.fill,
        paid=paid,
        received=-received,
        opening_charges=opening_charges,
        closing_charges=closing_charges,
    )


def _vanished(lot: Lot, action: CorporateAction) -> ClosedLot:
    nothing = msgspec.structs.replace(
        lot.fill,
        at=action.at,
        exchange_at=action.at,
        order_id=0,
        side=Side(-lot.side),
        price=0,
        reason=str(action.kind),
    )
    return ClosedLot(
        instrument=lot.instrument,
        quantity=lot.quantity,
        opening=lot.fill,
        closing=nothing,
        paid=lot.money,
        received=0,
        opening_charges=lot.charges,
        closing_charges=(),
    )


def _sizes(lots: list[Lot], action: CorporateAction, *, total: int) -> list[int]:
    """Quantities on the lot grid whose sum is what is held after the action."""
    if not lots or total * lots[0].side <= 0:
        return [0] * len(lots)
    sizes, before, after = [], 0, 0
    for number, lot in enumerate(lots, start=1):
        before += lot.quantity
        whole = min(carried(before, action, lot.instrument), abs(total)) if number < len(lots) else abs(total)
        sizes.append(whole - after)
        after = whole
    return sizes


def _summed(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, amount in items:
        found[name] = found.get(name, 0) + amount
    return found
