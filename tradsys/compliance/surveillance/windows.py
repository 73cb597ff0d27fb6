"""Memory with bounds: what happened lately, and states of whoever was active lately."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

MOST_ENTRIES = 10_000
MOST_KEYS = 100_000


class Window(Generic[T]):
    """Entries of the last `span` nanoseconds, the latest `most` of them."""

    __slots__ = ("_entries", "_most", "_span")

    def __init__(self, span: int, *, most: int = MOST_ENTRIES) -> None:
        self._span = span
        self._most = most
        self._entries: deque[tuple[int, T]] = deque()

    def add(self, at: int, entry: T) -> None:
        """Keep an entry; those too old or too many go."""
        self._entries.append((at, entry))
        self.at(at)
        if len(self._entries) > self._most:
            self._entries.popleft()

    def at(self, at: int) -> deque[tuple[int, T]]:
        """Entries with their instants, oldest first, as of an instant."""
        entries, since = self._entries, at - self._span
        while entries and entries[0][0] < since:
            entries.popleft()
        return entries

    def since(self, instant: int) -> Iterator[tuple[int, T]]:
        """Entries not before an instant, latest first."""
        for each in reversed(self._entries):
            if each[0] < instant:
                return
            yield each

    def __len__(self) -> int:
        return len(self._entries)


class Total:
    """Sum of the quantities of the last `span` nanoseconds; of many at one instant one entry."""

    __slots__ = ("_entries", "_span", "_sum")

    def __init__(self, span: int) -> None:
        self._span = span
        self._entries: deque[tuple[int, int]] = deque()
        self._sum = 0

    def add(self, quantity: int, *, at: int) -> None:
        """Count a quantity."""
        if self._entries and self._entries[-1][0] == at:
            at, before = self._entries.pop()
            self._entries.append((at, before + quantity))
        else:
            self._entries.append((at, quantity))
        self._sum += quantity
        if len(self._entries) > MOST_ENTRIES:
            self._sum -= self._entries.popleft()[1]

    def at(self, at: int) -> int:
        """The sum as of an instant."""
        entries, since = self._entries, at - self._span
        while entries and entries[0][0] < since:
            self._sum -= entries.popleft()[1]
        return self._sum


class Active(Generic[K, V]):
    """A state for each key that was touched in the last `span` nanoseconds, the latest `most` of them."""

    def __init__(self, make: Callable[[], V], *, span: int, most: int = MOST_KEYS) -> None:
        self._make = make
        self._span = span
        self._most = most
        self._states: OrderedDict[K, tuple[int, V]] = OrderedDict()

    def touch(self, key: K, at: int) -> V:
        """The state of a key, made where there is none; those long untouched go."""
        states = self._states
        found = states.pop(key, None)
        state = found[1] if found is not None and found[0] >= at - self._span else self._make()
        states[key] = (at, state)
        self._forget(at)
        return state

    def get(self, key: K, at: int) -> V | None:
        """The state of a key, if it was touched lately."""
        found = self._states.get(key)
        return found[1] if found is not None and found[0] >= at - self._span else None

    def _forget(self, at: int) -> None:
        states, since = self._states, at - self._span
        while True:
            key, (touched, _) = next(iter(states.items()))
            if touched >= since and len(states) <= self._most:
                return
            del states[key]

    def __len__(self) -> int:
        return len(self._states)


class Episodes(Generic[K]):
    """One alert an episode: after one, the same key is quiet for `quiet` nanoseconds."""

    def __init__(self, quiet: int) -> None:
        self._told: Active[K, list[int]] = Active(list, span=quiet)
        self._quiet = quiet

    def begins(self, key: K, at: int) -> bool:
        """Whether an alert is due; it is then taken as given."""
        told = self._told.get(key, at)
        if told and told[0] >= at - self._quiet:
            return False
        self._told.touch(key, at)[:] = [at]
        return True
