"""How many commands may leave: exact sliding windows, with a part that only exits may use.

A window of n remembers the last n departures. The next may leave once the oldest of them is a whole span ago, so in no
interval of that length are there more than n. The counters are a fold over what left: a restart does not reset them.
"""

from __future__ import annotations

from collections import deque

from tradsys.execution.venue_limits import DAY, MINUTE, SECOND, VenueLimits, for_entries

Spans = tuple[tuple[int, deque[int]], ...]


class Throttle:
    """Windows over everything that leaves, and narrower ones over entries (what is neither cancel nor reduces)."""

    def __init__(self, limits: VenueLimits) -> None:
        jitter = limits.jitter
        sizes = ((SECOND, limits.per_second), (MINUTE, limits.per_minute), (DAY, limits.per_day))
        self._all: Spans = tuple((span + jitter, deque(maxlen=size)) for span, size in sizes)
        self._entries: Spans = tuple((span + jitter, deque(maxlen=for_entries(size))) for span, size in sizes)
        self._day: Spans = ((DAY + jitter, deque(maxlen=limits.day_of_entries)),)

    def free_at(self, *, entry: bool) -> int:
        """From when one more may leave; long ago if it always could."""
        free = _free_at(self._all)
        return max(free, _free_at(self._entries), _free_at(self._day)) if entry else free

    def count(self, *, entry: bool, at: int) -> None:
        """One left."""
        for _, left in self._all:
            left.append(at)
        for _, left in self._day:
            left.append(at)
        if entry:
            for _, left in self._entries:
                left.append(at)

    def state(self) -> list[list[int]]:
        """Instants by window."""
        return [list(left) for _, left in (*self._all, *self._entries, *self._day)]

    def restore(self, state: list[list[int]]) -> None:
        """Take up where `state` was taken, under the limits of today: a window keeps its latest."""
        for (_, left), instants in zip((*self._all, *self._entries, *self._day), state, strict=True):
            left.clear()
            left.extend(instants)


def _free_at(windows: Spans) -> int:
    free = 0
    for span, left in windows:
        if len(left) == left.maxlen and left[0] + span > free:
            free = left[0] + span
    return free
