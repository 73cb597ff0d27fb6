"""One side of a recorded book: what it shows, what of it we took, and the orders behind it where they are known."""

from __future__ import annotations

from bisect import bisect_left, insort

UNKNOWN = 2**62
"""Quantity at a price that the record does not show."""


class Ladder:
    """Levels by key, which is side × price, so that the best level of either side has the greatest key. Exact ints.

    What an order of ours took stays taken while the level stands: the record goes on showing it, and what it shows
    beyond that is there for us. A level that shrinks keeps at most its size taken; one that goes takes it along.

    Not modelled: that others put back what we took, or step away because of it.
    """

    __slots__ = ("arrivals", "keys", "orders", "shown", "taken")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.shown: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.orders: dict[int, tuple[int, int, int]] = {}
        self.arrivals = 0

    def at(self, key: int) -> int:
        """Quantity shown at a price: 0 inside what is visible, `UNKNOWN` beyond its worst level."""
        found = self.shown.get(key)
        if found is not None:
            return found
        return 0 if self.keys and key > self.keys[0] else UNKNOWN

    def available(self, key: int) -> int:
        """What is left for us of what is shown."""
        return self.shown.get(key, 0) - self.taken.get(key, 0)

    def take(self, key: int, *, quantity: int) -> None:
        """Remember what we took."""
        self.taken[key] = self.taken.get(key, 0) + quantity

    def reached(self, key: int) -> list[int]:
        """Keys of the levels at or better than a key, best first."""
        return self.keys[bisect_left(self.keys, key) :][::-1]

    def set(self, key: int, *, quantity: int) -> None:
        """The record shows a level; 0 removes it."""
        if quantity > 0:
            if key not in self.shown:
                insort(self.keys, key)
            self.shown[key] = quantity
        elif self.shown.pop(key, None) is not None:
            self.keys.pop(bisect_left(self.keys, key))
        if key in self.taken:
            self.taken[key] = min(self.taken[key], quantity)
            if not self.taken[key]:
                del self.taken[key]

    def replace(self, levels: dict[int, int]) -> None:
        """The record shows the whole side anew."""
        self.shown = {key: quantity for key, quantity in levels.items() if quantity > 0}
        self.keys = sorted(self.shown)
        if self.taken:
            kept = {key: min(taken, self.shown.get(key, 0)) for key, taken in self.taken.items()}
            self.taken = {key: taken for key, taken in kept.items() if taken}

    def clear(self) -> None:
        """Nothing is known any more."""
        self.keys, self.shown, self.taken, self.orders = [], {}, {}, {}

    # --- order-level data

    def add(self, number: int, *, key: int, quantity: int) -> None:
        """An order joins the tail of its level."""
        self.arrivals += 1
        self.orders[number] = (key, quantity, self.arrivals)
        self.set(key, quantity=self.shown.get(key, 0) + quantity)

    def remove(self, number: int, *, quantity: int) -> tuple[int, int, int] | None:
        """Some of an order leaves: its key, how much of it there was, its arrival; None for one never seen."""
        found = self.orders.get(number)
        if found is None:
            return None
        key, open_quantity, arrival = found
        gone = min(quantity, open_quantity)
        if gone == open_quantity:
            del self.orders[number]
        else:
            self.orders[number] = (key, open_quantity - gone, arrival)
        self.set(key, quantity=self.shown.get(key, 0) - gone)
        return key, gone, arrival
