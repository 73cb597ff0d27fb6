"""Our orders at a venue on recorded data, and who hears what happens to them. Exact ints (1e-8)."""

from __future__ import annotations

from typing import Protocol

import msgspec

from tradsys.core.events import Order, OrderType, Validity
from tradsys.core.order_terms import stated
from tradsys.core.units import SCALE
from tradsys.exchange.ladder import UNKNOWN

_WAITS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING})
_PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


class LiveOrder(msgspec.Struct, eq=False):
    """An order at the venue. `ahead` is what must trade before it does, `shown` what others last showed at its price,
    `traded` what traded there since; `arrival` counts the orders of a recorded book that came before it. One that shows
    at most `display` at a time (0: all) is `showing` so much now, and `own` is its share of `traded`."""

    order: Order
    live_at: int
    remaining: int
    key: int
    filled: int = 0
    ahead: int = 0
    shown: int = UNKNOWN
    traded: int = 0
    arrival: int = 0
    waiting: bool = False
    extreme: int = 0
    display: int = 0
    showing: int = 0
    own: int = 0

    @property
    def unfilled(self) -> int:
        """Of the quantity ordered; more than `remaining` where a twin or a part-filled entry took some away."""
        return self.order.quantity - self.filled

    @property
    def visible(self) -> int:
        """What of it can trade before others at its price do."""
        return min(self.showing, self.remaining) if self.display else self.remaining

    @property
    def is_spent(self) -> bool:
        """Whether it has shown all that it showed and has more."""
        return self.display > 0 and not self.showing and self.remaining > 0

    @property
    def others(self) -> int:
        """What others have at its price, as far as the record has shown it."""
        return max(self.ahead, self.shown - self.traded + self.own) if self.shown != UNKNOWN else UNKNOWN

    def show_less(self, quantity: int) -> None:
        """So much of what it showed traded at its price."""
        self.own += quantity
        self.showing -= quantity

    def show_next(self, quantity: int = 0) -> None:
        """Its next part shows; `quantity` of it, and of those after it, traded at once."""
        self.own += quantity
        self.showing = min((self.showing - quantity) % self.display or self.display, self.remaining)


def live_order(order: Order, *, at: int, remaining: int) -> LiveOrder:
    """An order as it arrives."""
    key = order.side * order.limit if order.type in _PRICED else UNKNOWN
    display = stated(order.terms).display
    waits = order.type in _WAITS
    return LiveOrder(order, at, remaining, key, waiting=waits, extreme=order.trigger, display=display)


def would_take(price: int) -> str:
    """Why a post-only order is refused; the price that it would trade at."""
    return f"post-only: it would trade at once at {price / SCALE:g}"


def dropped_why(validity: Validity) -> str:
    """Why the rest of an order that does not rest is gone."""
    if validity is Validity.FOK:
        return "fill or kill: not filled whole at once"
    return "immediate or cancel: not filled at once"


class Reports(Protocol):
    """Who is told what happens to an order."""

    def allowed(self, live: LiveOrder, quantity: int) -> int:
        """How much of a trade the order may take: an exit never takes more than it closes."""

    def filled(self, live: LiveOrder, *, price: int, quantity: int, maker: bool) -> None:
        """It traded."""

    def triggered(self, live: LiveOrder) -> None:
        """A stop was touched."""

    def dropped(self, live: LiveOrder) -> None:
        """What an immediate order did not fill is gone."""
