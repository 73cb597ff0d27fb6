"""Orders as the own protocol's venue keeps them: what was asked for, what became of it, and the exchange's entry."""

from __future__ import annotations

from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.instruments import Segment
from tradsys.core.matching import POST_ONLY, BookSide, Kind, SelfTrade, TimeInForce
from tradsys.core.order_terms import stated
from tradsys.core.venue import ChangeOrder, OrderRow, PlaceOrder, VenueState
from tradsys.exchange.admission import Entry

LONGEST_TAG = 20
"""Characters of a tag, as Kite has it."""

_KINDS = {
    OrderType.MARKET: Kind.MARKET,
    OrderType.LIMIT: Kind.LIMIT,
    OrderType.STOP_LIMIT: Kind.STOP_LIMIT,
    OrderType.STOP: Kind.STOP,
    OrderType.TRAILING: Kind.TRAILING,
}
_LIVES = {each: TimeInForce[each.name] for each in Validity}
_LIMITED = (Kind.LIMIT, Kind.STOP_LIMIT)
_WAITING = (Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING)
_DELIVERED = {
    Segment.EQUITY: Product.CNC,
    Segment.CRYPTO_SPOT: Product.SPOT,
    Segment.CRYPTO_PERPETUAL: Product.SPOT,
}


def delivered(segment: Segment) -> Product:
    """The product of what is held without an order of ours, or longer than a day."""
    return _DELIVERED.get(segment, Product.NRML)


class VenueOrder:
    """One order of an account, from the command to its end. `kind` is what the book has of it now; 1e-8, UTC ns."""

    __slots__ = ("account", "asked", "at", "filled", "kind", "limit", "open", "quantity", "reason", "state", "venue_id")

    def __init__(self, asked: PlaceOrder, *, account: int, venue_id: int, at: int) -> None:
        self.asked = asked
        self.account = account
        self.venue_id = venue_id
        self.at = at
        self.kind = _KINDS[asked.type]
        self.quantity = asked.quantity
        self.limit = asked.limit if self.kind in _LIMITED else 0
        self.open = asked.quantity
        self.filled = 0
        self.state = VenueState.OPEN
        self.reason = ""

    @property
    def tag(self) -> str:
        """The name that its owner gave it."""
        return self.asked.tag

    def entry(self) -> Entry:
        """As it enters the exchange. An account's orders never trade with each other: the later one is withdrawn."""
        asked, kind, terms = self.asked, self.kind, stated(self.asked.terms)
        return Entry(
            order_id=self.venue_id,
            instrument=asked.instrument,
            side=BookSide.BUY if asked.side is Side.BUY else BookSide.SELL,
            quantity=asked.quantity,
            kind=kind,
            price=self.limit,
            trigger=asked.trigger if kind in _WAITING else 0,
            trail=asked.trail if kind is Kind.TRAILING else 0,
            display=terms.display,
            time_in_force=_LIVES[asked.validity],
            expires_at=terms.expires_at if asked.validity is Validity.GTD else 0,
            flags=SelfTrade.CANCEL_NEWEST | (POST_ONLY if terms.post_only else 0),
            account=self.account,
        )

    def replacement(self, change: ChangeOrder) -> Entry:
        """The same order with other terms; a market order that waits for a trigger has no limit."""
        asked, kind = self.asked, self.kind
        return Entry(
            order_id=self.venue_id,
            instrument=asked.instrument,
            side=BookSide.BUY if asked.side is Side.BUY else BookSide.SELL,
            quantity=change.quantity,
            kind=kind,
            price=change.limit if kind in _LIMITED else 0,
            trigger=asked.trigger if kind in _WAITING else 0,
            account=self.account,
            replaces=True,
        )

    def change(self, change: ChangeOrder, *, at: int) -> None:
        """New terms are in force."""
        self.at = at
        self.open = change.quantity
        self.quantity = self.filled + change.quantity
        if self.kind in _LIMITED:
            self.limit = change.limit

    def shrink(self, left: int, *, at: int) -> None:
        """Less of it is open, without a trade."""
        self.at = at
        self.open = left
        self.quantity = self.filled + left

    def fill(self, quantity: int, *, at: int) -> None:
        """So much of it traded."""
        self.at = at
        self.filled += quantity
        self.open -= quantity
        if not self.open:
            self.state = VenueState.FILLED

    def awake(self, *, at: int) -> None:
        """Its trigger was touched."""
        self.at = at
        self.kind = Kind.LIMIT if self.kind is Kind.STOP_LIMIT else Kind.MARKET

    def end(self, state: VenueState, *, reason: str, at: int) -> None:
        """It left the exchange; nothing of it is open any more."""
        self.at = at
        self.state = state
        self.reason = reason
        self.open = 0

    def row(self) -> OrderRow:
        """As a question for orders shows it."""
        asked = self.asked
        return OrderRow(
            tag=asked.tag,
            venue_id=self.venue_id,
            instrument=asked.instrument,
            side=asked.side,
            product=asked.product,
            quantity=self.quantity,
            filled=self.filled,
            open=self.open,
            limit=self.limit,
            state=self.state,
            at=self.at,
            reason=self.reason,
        )
