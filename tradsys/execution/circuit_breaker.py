"""Entries rest while the venue is in trouble; exits and cancels always pass.

Closed: everything passes. After `failures` in a row it is open for a rest; then one entry may try (half-open): an
answer closes it, another failure opens it for twice as long.
"""

from __future__ import annotations

import msgspec

from tradsys.execution.venue_limits import Patience


class BreakerState(msgspec.Struct, kw_only=True):
    """Failures in a row, the end of the rest (0: closed), how long it was, and whether the one try is under way."""

    failures: int = 0
    until: int = 0
    rest: int = 0
    trying: bool = False


class CircuitBreaker:
    """The breaker of one venue."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.state = BreakerState(rest=patience.rest)

    def free_at(self) -> int | None:
        """From when an entry may leave: 0 while closed, the end of the rest, None until the one try is answered."""
        return None if self.state.trying else self.state.until

    def on_entry(self) -> None:
        """An entry left; while open it is the one try."""
        self.state.trying = self.state.until > 0

    def on_failure(self, *, at: int) -> None:
        """The venue did not answer, or refused for a reason of its own."""
        state = self.state
        state.failures += 1
        if state.trying or (not state.until and state.failures >= self._patience.failures):
            state.until = at + state.rest
            state.rest = min(2 * state.rest, self._patience.longest_rest)
            state.trying = False

    def on_answer(self) -> None:
        """The venue answers as it should: closed."""
        if self.state.failures:
            self.state = BreakerState(rest=self._patience.rest)

    def forget_try(self) -> None:
        """The one try will not be heard of (the link went): another may follow."""
        self.state.trying = False
