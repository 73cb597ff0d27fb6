"""The numbering of the decision log."""

from __future__ import annotations

from itertools import count

from tradsys.core.events import Decision, Entry, Outcome


class Log:
    """Gives every line its number (`number`, for those who build lines themselves). The lines belong to whoever called
    the engine."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = count().__next__

    def append(self, entries: list[Entry], body: Decision | Outcome, *, cause: int, at: int, strategy: str) -> int:
        """Number a line, add it to `entries`, and return its number. `cause` is the line that led to it, or -1."""
        seq = self.number()
        entries.append(Entry(seq, cause, at, strategy, body))
        return seq
