"""The numbering of the decision log."""

from __future__ import annotations

from collections import deque
from itertools import islice
from operator import length_hint

from tradsys.core.events import Decision, Entry, Outcome

_LAST = 2**62


class Numbers:
    """Whole numbers, one after the other, from `first` on: `take` gives the next."""

    __slots__ = ("_left", "take")

    def __init__(self, first: int = 0) -> None:
        self._left = iter(range(first, _LAST))
        self.take = self._left.__next__

    @property
    def upcoming(self) -> int:
        """What `take` will give."""
        return _LAST - length_hint(self._left)

    def pass_over(self, count: int) -> None:
        """Leave out as many numbers; whoever holds `take` goes on behind them."""
        deque(islice(self._left, count), maxlen=0)


class Log:
    """Gives every line its number (`number`, for those who build lines themselves). The lines belong to whoever called
    the engine."""

    __slots__ = ("number", "numbers")

    def __init__(self) -> None:
        self.numbers = Numbers()
        self.number = self.numbers.take

    def append(self, entries: list[Entry], body: Decision | Outcome, *, cause: int, at: int, strategy: str) -> int:
        """Number a line, add it to `entries`, and return its number. `cause` is the line that led to it, or -1."""
        seq = self.number()
        entries.append(Entry(seq, cause, at, strategy, body))
        return seq
