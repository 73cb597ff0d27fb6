"""The numbering of the decision log."""

from __future__ import annotations

from tradsys.core.events import Decision, Entry, Outcome


class Log:
    """Gives every line its number. The lines themselves belong to whoever called the engine."""

    __slots__ = ("_seq",)

    def __init__(self) -> None:
        self._seq = 0

    def append(self, entries: list[Entry], body: Decision | Outcome, *, cause: int, at: int, strategy: str) -> int:
        """Number a line, add it to `entries`, and return its number. `cause` is the line that led to it, or -1."""
        seq = self._seq
        self._seq = seq + 1
        entries.append(Entry(seq, cause, at, strategy, body))
        return seq
