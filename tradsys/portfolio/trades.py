"""Round trips from fills: first in, first out, per strategy, instrument and product."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from tradsys.core.events import ActionKind, CorporateAction, Fill, Product
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE, Rounding, divide, notional, to_step
from tradsys.portfolio.result import Floats, Integers, Prices, RoundTrip

Key = tuple[str, str, Product]


class _Lot:
    """What is left of one opening fill; `money` is signed (positive: paid), quantity unsigned."""

    __slots__ = ("charges", "fill", "instrument", "money", "quantity", "split")

    def __init__(self, fill: Fill, instrument: Instrument, *, quantity: int, charges: int) -> None:
        self.fill = fill
        self.instrument = instrument
        self.quantity = quantity
        self.charges = charges
        self.money: int = notional(price=fill.price, quantity=fill.side * quantity, multiplier=instrument.multiplier)
        self.split = False

    def take(self, quantity: int) -> tuple[int, int]:
        """Money and charges that leave with a part, rounded down; the rest keeps the remainder."""
        money, charges = self.money * quantity // self.quantity, self.charges * quantity // self.quantity
        self.quantity -= quantity
        self.money -= money
        self.charges -= charges
        return money, charges

    def absorb(self, other: _Lot) -> None:
        """Take over the cost of a lot that a consolidation left without a share."""
        self.money += other.money
        self.charges += other.charges


class _Pair:
    """One entry order against one exit order, over all their partial fills."""

    __slots__ = ("charges", "entry", "exit", "instrument", "paid", "quantity", "received", "split")

    def __init__(self, lot: _Lot, exit: Fill) -> None:
        self.entry = lot.fill
        self.exit = exit
        self.instrument = lot.instrument
        self.quantity = self.paid = self.received = self.charges = 0
        self.split = False

    def add(self, lot: _Lot, exit: Fill, quantity: int, *, received: int, charges: int) -> None:
        paid, entry_charges = lot.take(quantity)
        self.exit = exit
        self.quantity += quantity
        self.paid += paid
        self.received += received
        self.charges += entry_charges + charges
        self.split = self.split or lot.split

    def hold(self, lot: _Lot, *, received: int) -> None:
        """Count a lot that is still open, as if it were closed for `received`, and leave it as it is."""
        self.quantity += lot.quantity
        self.paid += lot.money
        self.received += received
        self.charges += lot.charges
        self.split = self.split or lot.split

    def trip(self, *, is_open: bool = False) -> RoundTrip:
        units = self.quantity * self.instrument.multiplier
        entry, exit = self.entry, self.exit
        return RoundTrip(
            strategy=entry.strategy,
            instrument=entry.instrument,
            product=str(entry.product),
            side=int(entry.side),
            quantity=self.quantity,
            entered_at=entry.at,
            exited_at=0 if is_open else exit.at,
            entry_price=divide(abs(self.paid) * SCALE, units, Rounding.NEAREST),
            exit_price=divide(abs(self.received) * SCALE, units, Rounding.NEAREST),
            gross=self.received - self.paid,
            charges=self.charges,
            break_even_move=divide(self.charges * SCALE, units, Rounding.UP),
            entry_order=entry.order_id,
            exit_order=0 if is_open else exit.order_id,
            entry_reason=entry.reason,
            exit_reason="" if is_open else exit.reason,
            is_open=is_open,
            crossed_split=self.split,
        )


class _Book:
    """Open lots, oldest first, and the pairs already matched by entry and exit order."""

    __slots__ = ("lots", "pairs")

    def __init__(self) -> None:
        self.lots: deque[_Lot] = deque()
        self.pairs: dict[tuple[int, int], _Pair] = {}

    def match(self, lot: _Lot, exit: Fill, quantity: int, *, charges: int) -> None:
        """Close a part of a lot with an exit."""
        pair = self._pair(lot, exit)
        signed = exit.side * quantity
        received = -notional(price=exit.price, quantity=signed, multiplier=lot.instrument.multiplier)
        pair.add(lot, exit, quantity, received=received, charges=charges)

    def vanish(self, lot: _Lot, action: CorporateAction) -> None:
        """No share is left to carry the cost: the loss shows as a trade that the action itself closed at nothing."""
        closing = msgspec.structs.replace(lot.fill, at=action.at, order_id=0, price=0, reason=str(action.kind))
        self._pair(lot, closing).add(lot, closing, lot.quantity, received=0, charges=0)

    def _pair(self, lot: _Lot, exit: Fill) -> _Pair:
        which = (lot.fill.order_id, exit.order_id)
        pair = self.pairs.get(which)
        if pair is None:
            pair = self.pairs[which] = _Pair(lot, exit)
        return pair


class RoundTrips:
    """Pairs entries with exits as fills arrive. Partial fills of one order count as one; a fill through zero closes the
    old trade and opens a new one. Over flat positions the sum of `gross` is the ledger's realised profit."""

    def __init__(self) -> None:
        self._books: dict[Key, _Book] = {}

    def fill(self, fill: Fill, charges: int, instrument: Instrument) -> None:
        """Take a fill and what it cost, 1e-8."""
        key = (fill.strategy, fill.instrument, fill.product)
        book = self._books.get(key)
        if book is None:
            book = self._books[key] = _Book()
        lots, left = book.lots, fill.quantity
        while left and lots and lots[0].fill.side != fill.side:
            lot = lots[0]
            part = min(left, lot.quantity)
            share = charges * part // left
            book.match(lot, fill, part, charges=share)
            left -= part
            charges -= share
            if not lot.quantity:
                lots.popleft()
        if left:
            lots.append(_Lot(fill, instrument, quantity=left, charges=charges))

    def apply(self, action: CorporateAction) -> None:
        """Carry open lots over a split or bonus: quantities change so that their sum is the ledger's, money stays."""
        if action.kind is ActionKind.DIVIDEND:
            return
        for key, book in self._books.items():
            if key[1] == action.instrument and book.lots:
                self._split(book, action)

    def finish(self, marks: Mapping[str, int]) -> list[RoundTrip]:
        """All round trips in order of entry, closed and open; `marks` (1e-8) value the open ones, which stay open."""
        trips = [pair.trip() for book in self._books.values() for pair in book.pairs.values()]
        for book in self._books.values():
            trips.extend(self._open(book.lots, marks))
        return sorted(trips, key=lambda trip: (trip.entered_at, trip.is_open, trip.exited_at, trip.entry_order))

    def _split(self, book: _Book, action: CorporateAction) -> None:
        lots, sizes = book.lots, _sizes_after(book.lots, action)
        if not any(sizes):
            for lot in lots:
                book.vanish(lot, action)
            lots.clear()
            return
        heir = next(lot for lot, size in zip(lots, sizes, strict=True) if size)
        for lot, size in zip(list(lots), sizes, strict=True):
            lot.quantity, lot.split = size, True
            if not size:
                heir.absorb(lot)
                lots.remove(lot)

    def _open(self, lots: deque[_Lot], marks: Mapping[str, int]) -> list[RoundTrip]:
        pairs: dict[int, _Pair] = {}
        for lot in lots:
            pair = pairs.setdefault(lot.fill.order_id, _Pair(lot, lot.fill))
            units = lot.fill.side * lot.quantity * lot.instrument.multiplier
            received = marks[lot.fill.instrument] * units // SCALE
            pair.hold(lot, received=received)
        return [pair.trip(is_open=True) for pair in pairs.values()]


def _sizes_after(lots: deque[_Lot], action: CorporateAction) -> list[int]:
    """Quantities on the lot grid whose sum is that of the whole position after the action."""
    sizes, before, after = [], 0, 0
    for lot in lots:
        before += lot.quantity
        exact = divide(before * action.new, action.old, Rounding.TOWARD_ZERO)
        whole = to_step(exact, lot.instrument.lot_at(action.at), Rounding.TOWARD_ZERO)
        sizes.append(whole - after)
        after = whole
    return sizes


def with_excursions(trips: Sequence[RoundTrip], prices: Sequence[Prices]) -> list[RoundTrip]:
    """The trips with `bars`, `adverse` and `favourable` filled in from bars after the entry up to the exit.

    The first bar counted ends after the entry, the last ends at or before the exit; entry and exit prices count too.
    """
    done = list(trips)
    for series in prices:
        chosen = [i for i, trip in enumerate(done) if trip.instrument == series.instrument and not trip.crossed_split]
        if chosen and len(series.at):
            for index, row in zip(chosen, _excursions([done[i] for i in chosen], series), strict=True):
                bars, adverse, favourable = row
                done[index] = msgspec.structs.replace(
                    done[index], bars=int(bars), adverse=adverse, favourable=favourable
                )
    return done


def _excursions(trips: Sequence[RoundTrip], series: Prices) -> list[tuple[float, float, float]]:
    entered = np.array([trip.entered_at for trip in trips], np.int64)
    exited = np.array([series.at[-1] if trip.is_open else trip.exited_at for trip in trips], np.int64)
    first = np.searchsorted(series.at, entered, side="right")
    last = np.maximum(np.searchsorted(series.at, exited, side="right"), first)
    side = np.array([trip.side for trip in trips], np.float64)
    entry = np.array([max(trip.entry_price, 1) for trip in trips], np.float64) / SCALE
    leave = np.array([trip.exit_price for trip in trips], np.float64) / SCALE
    low = np.minimum(np.minimum(_within(series.low, first, last, np.minimum), entry), leave)
    high = np.maximum(np.maximum(_within(series.high, first, last, np.maximum), entry), leave)
    down, up = low / entry - 1, high / entry - 1
    adverse, favourable = np.where(side > 0, down, -up), np.where(side > 0, up, -down)
    return list(zip((last - first).tolist(), adverse.tolist(), favourable.tolist(), strict=True))


def _within(values: Floats, first: Integers, last: Integers, extreme: np.ufunc) -> Floats:
    """Extreme of `values[first:last]` for each pair; where empty, the value that never wins."""
    empty = np.inf if extreme is np.minimum else -np.inf
    padded = np.append(values, empty)
    bounds = np.stack([first, last], axis=1).ravel()
    found = extreme.reduceat(padded, bounds)[::2]
    return np.where(first < last, found, empty)
