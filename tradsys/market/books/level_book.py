"""A price-level (L2) book in plain Python that keeps the feed's own digits."""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections.abc import Iterable

from tradsys.market.books.messages import Level


class BookSide:
    """Levels of one side, best first: bids by falling price, asks by rising."""

    def __init__(self, *, bids: bool) -> None:
        self._sign = -1.0 if bids else 1.0
        self._levels: dict[float, Level] = {}
        self._order: list[float] = []

    def __len__(self) -> int:
        return len(self._order)

    def update(self, levels: Iterable[Level]) -> None:
        """Set levels in order; a quantity of 0 removes one, and removing what is not there is nothing."""
        for level in levels:
            self._set(level)

    def _set(self, level: Level) -> None:
        key = self._sign * float(level.price)
        if float(level.quantity) == 0.0:
            if self._levels.pop(key, None) is not None:
                del self._order[bisect_left(self._order, key)]
            return
        if key not in self._levels:
            insort(self._order, key)
        self._levels[key] = level

    def replace(self, levels: Iterable[Level]) -> None:
        """Forget all levels, then take these; of two with one price the later counts."""
        held = {self._sign * float(level.price): level for level in levels}
        self._levels = {key: level for key, level in held.items() if float(level.quantity) > 0.0}
        self._order = sorted(self._levels)

    def truncate(self, depth: int) -> None:
        """Keep the best `depth` levels."""
        for key in self._order[depth:]:
            del self._levels[key]
        del self._order[depth:]

    def top(self, count: int) -> list[Level]:
        """The best `count` levels, best first, as the feed wrote them."""
        return [self._levels[key] for key in self._order[:count]]

    def best(self) -> Level | None:
        """The best level; None where the side is empty."""
        return self._levels[self._order[0]] if self._order else None

    def depth(self, count: int) -> float:
        """Quantity of the best `count` levels together."""
        return sum(float(self._levels[key].quantity) for key in itertools.islice(self._order, count))


class LevelBook:
    """Both sides of one instrument."""

    def __init__(self) -> None:
        self.bids = BookSide(bids=True)
        self.asks = BookSide(bids=False)
