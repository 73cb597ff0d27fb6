"""What surveillance sees: what was done with orders, what traded, and the state of the market. Exact and
self-contained.

Prices and quantities are int 1e-8, times UTC nanoseconds, sides +1 (buy) and -1 (sell). `account` is empty where the
source does not say whose an order is: such events move the market and accuse nobody. Order numbers are unique within a
source; numbers of trades too.
"""

from __future__ import annotations

import msgspec

from tradsys.core.events import Phase


class Watched(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """Something that happened in one instrument."""

    at: int
    instrument: str


class OrderMessage(Watched, frozen=True, kw_only=True, gc=False):
    """Something an account, or the venue, did with one order."""

    account: str
    order_id: int


class Entered(OrderMessage, frozen=True, kw_only=True, gc=False):
    """The venue took a new order. `price` 0 is at market."""

    side: int
    price: int
    quantity: int


class Changed(OrderMessage, frozen=True, kw_only=True, gc=False):
    """The order has this price and this open quantity from now on."""

    price: int
    quantity: int


class Cancelled(OrderMessage, frozen=True, kw_only=True, gc=False):
    """What was open is withdrawn: by its owner, or by the venue (expiry, an immediate order's rest)."""

    by_owner: bool = True


class Rejected(OrderMessage, frozen=True, kw_only=True, gc=False):
    """The venue refused a message about an order."""


class Traded(Watched, frozen=True, kw_only=True, gc=False):
    """A trade. `side` is the taker's, 0 in an auction or where nobody says. Order 0 is one the source does not name."""

    trade_id: int
    side: int
    price: int
    quantity: int
    buyer: str
    seller: str
    buy_order: int = 0
    sell_order: int = 0


class Quoted(Watched, frozen=True, kw_only=True, gc=False):
    """Best prices and the last one, from a source without the whole book; 0 where there is none."""

    bid: int = 0
    ask: int = 0
    last: int = 0


class Session(Watched, frozen=True, kw_only=True, gc=False):
    """The instrument enters a phase. `closes_at`: when its last trading of the day ends, auctions included; 0 where
    nobody knows."""

    phase: Phase
    closes_at: int = 0


class Exposed(Watched, frozen=True, kw_only=True, gc=False):
    """An account gains when the instrument's price rises (`quantity` > 0) or falls: what it holds in options and
    futures on it, in units of the instrument (1e-8). Replaces what was said before."""

    account: str
    quantity: int


AnyEvent = Entered | Changed | Cancelled | Rejected | Traded | Quoted | Session | Exposed
