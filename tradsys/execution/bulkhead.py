"""How many orders may stand at one venue, so that no more is ever at stake there than can be withdrawn in time."""

from __future__ import annotations

from tradsys.execution.order_life import TrackedState
from tradsys.execution.venue_limits import VenueLimits, for_entries

_SENT, _UNKNOWN, _OPEN = TrackedState.SENT, TrackedState.UNKNOWN, TrackedState.OPEN
_PARTLY_FILLED, _ENDING = TrackedState.PARTLY_FILLED, TrackedState.ENDING


class Bulkhead:
    """Caps on orders not answered for and on orders at the venue. Entries stop at seven tenths of each."""

    def __init__(self, limits: VenueLimits) -> None:
        self._all = limits.in_flight, limits.open_orders
        self._entries = for_entries(limits.in_flight), for_entries(limits.open_orders)

    def full(self, counts: dict[TrackedState, int], *, external: int, entry: bool) -> str:
        """What is full, if anything, at so many orders a state and so many of others' making."""
        in_flight = counts[_SENT] + counts[_UNKNOWN]
        at_venue = in_flight + counts[_OPEN] + counts[_PARTLY_FILLED] + counts[_ENDING] + external
        most_in_flight, most_open = self._entries if entry else self._all
        if in_flight >= most_in_flight:
            return f"{in_flight} orders are not answered for, limit {most_in_flight}"
        if at_venue >= most_open:
            return f"{at_venue} orders are at the venue, limit {most_open}"
        return ""
