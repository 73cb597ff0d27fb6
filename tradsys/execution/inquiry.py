"""When the venue is to be asked about everything, because something is not known."""

from __future__ import annotations

import msgspec

from tradsys.execution.venue_limits import Patience


class Inquiry(msgspec.Struct, kw_only=True):
    """When the next question is due (0: none), how long after it the one that follows, and when the last was."""

    due: int = 0
    spacing: int = 0
    asked_at: int = 0


class Inquiries:
    """Questions at 0, 1, 2, 4 … 30 s after something became unknown, for as long as it is."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.state = Inquiry(spacing=patience.first_inquiry)

    def want(self, *, at: int) -> None:
        """Something is not known: ask soon, but not twice within the first spacing."""
        state = self.state
        soonest = max(at, state.asked_at + self._patience.first_inquiry) if state.asked_at else at
        if not state.due or state.due > soonest:
            state.due = soonest
        state.spacing = self._patience.first_inquiry

    def on_asked(self, *, at: int, pending: bool) -> None:
        """A question went out; while anything is `pending` another follows."""
        state = self.state
        state.asked_at = at
        state.due = at + state.spacing if pending else 0
        state.spacing = min(2 * state.spacing, self._patience.last_inquiry)
