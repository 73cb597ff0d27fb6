"""Orders that are good till a time, by the instant at which they end."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from tradsys.core.events import Order
from tradsys.core.order_terms import stated

CAME = "its time came"
"""Why an order that is good till a time expires."""

LATE = "its time came before it arrived"
"""Why one is not taken."""

_NEVER = 2**63 - 1


class Deadlines:
    """The ends of orders, earliest first; of orders that are gone already, too. UTC nanoseconds.

    `ends` holds the instant and the number of each.
    """

    __slots__ = ("ends",)

    def __init__(self) -> None:
        self.ends: list[tuple[int, int]] = []

    @property
    def upcoming(self) -> int:
        """The earliest end; the last instant there is where there is none."""
        return self.ends[0][0] if self.ends else _NEVER

    def add(self, order: Order) -> None:
        """Remember when an order ends, if it does."""
        expires_at = stated(order.terms).expires_at
        if expires_at:
            heappush(self.ends, (expires_at, order.order_id))

    def passed(self, at: int) -> Iterator[tuple[int, int]]:
        """Take out what ends by an instant, one after the other: instant and number."""
        while self.ends and self.ends[0][0] <= at:
            yield heappop(self.ends)


def has_ended(order: Order, at: int) -> bool:
    """Whether an order's time has come."""
    return 0 < stated(order.terms).expires_at <= at
