"""What the calendar has in store for a run: sessions, square-offs, timers, ex-dates, expiries; in time order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tradsys.core.events import CorporateAction, Funding, SessionChange, Timer
from tradsys.core.rates import RateSet

Planned = SessionChange | Timer | CorporateAction | Funding | RateSet

FAR = 2**63 - 1


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """Carry positions from one contract to the next at an instant."""

    at: int
    near: str
    far: str


class Cutoff(msgspec.Struct, frozen=True, kw_only=True):
    """From this session's open until its next, no intraday position may be opened after `until`."""

    at: int
    exchange: str
    until: int


Due = Planned | Roll | Cutoff

_ORDER: dict[type, int] = {
    RateSet: 0,
    Cutoff: 1,
    SessionChange: 2,
    CorporateAction: 3,
    Funding: 4,
    Roll: 5,
    Timer: 6,
}
"""At one instant: what money is worth, the session, then what it brings, then timers."""


class Schedule:
    """Events known ahead, handed out in time order. `next_at` is when the next one is due."""

    __slots__ = ("_due", "_index", "next_at")

    def __init__(self, due: Iterable[Due]) -> None:
        self._due: Sequence[Due] = sorted(due, key=lambda each: (each.at, _ORDER[type(each)]))
        self._index = 0
        self.next_at = self._due[0].at if self._due else FAR

    def before(self, at: int) -> list[Due]:
        """Take everything due before an instant (a bar that ends at `at` may not see what happens then)."""
        start = index = self._index
        while index < len(self._due) and self._due[index].at < at:
            index += 1
        self._index = index
        self.next_at = self._due[index].at if index < len(self._due) else FAR
        return list(self._due[start:index])

    @property
    def past(self) -> int:
        """How many events were handed out."""
        return self._index

    def first(self, count: int) -> Sequence[Due]:
        """The first events of the whole schedule, handed out or not."""
        return self._due[:count]

    def pass_over(self, count: int) -> None:
        """Go on behind the first `count` events of the whole schedule."""
        self._index = min(count, len(self._due))
        self.next_at = self._due[self._index].at if self._index < len(self._due) else FAR
