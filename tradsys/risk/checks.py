"""What an order must satisfy before it leaves: one small class a rule; a refusal carries rule, limit, value and fix.

Every check fails closed: what it cannot know, it refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Claim, Standing
from tradsys.core.units import format_money, to_text

# Members are bound once: on Python 3.11 an attribute look-up on an enumeration costs a hundred nanoseconds.
_INDEX, _SELL = Segment.INDEX, Side.SELL
_CNC, _MIS = Product.CNC, Product.MIS
_DELIVERED = frozenset({Product.CNC, Product.SPOT})
LEGS = frozenset({Product.LONG, Product.SHORT})
LEVERAGED = frozenset({Product.MIS, Product.NRML}) | LEGS

PRODUCTS: dict[Segment, tuple[Product, ...]] = {
    Segment.EQUITY: (Product.CNC, Product.MIS),
    Segment.FUTURE: (Product.NRML, Product.MIS),
    Segment.OPTION: (Product.NRML, Product.MIS),
    Segment.CRYPTO_SPOT: (Product.SPOT,),
    Segment.CRYPTO_PERPETUAL: (Product.NRML,),
}
"""What is traded in each segment, legs apart: `has_product`."""


def has_product(instrument: Instrument, product: Product) -> bool:
    """Whether an instrument's segment has a product; only perpetuals have legs."""
    if product in LEGS:
        return instrument.segment is Segment.CRYPTO_PERPETUAL
    return product in PRODUCTS.get(instrument.segment, ())


def refuse(order: Order, rule: str, *, limit: str, value: str, fix: str = "") -> Refused:
    """A refusal of this order by this rule."""
    return Refused(at=order.at, order_id=order.order_id, order=order, rule=rule, limit=limit, value=value, fix=fix)


class Tradable:
    """An index cannot be bought; a segment takes only its own products; an expired contract takes no order."""

    name = "tradable"

    def __init__(self, futures_of: Callable[[str], str]) -> None:
        self._futures_of = futures_of

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Every order."""
        return True

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """None, or `index-not-tradable`, `product-not-allowed`, `contract-expired`, `no-price`."""
        if instrument.segment is _INDEX:
            future = self._futures_of(instrument.id)
            return refuse(
                order,
                "index-not-tradable",
                limit="an instrument that trades",
                value=instrument.id,
                fix=f"trade {future}",
            )
        if order.product not in PRODUCTS[instrument.segment] and not has_product(instrument, order.product):
            allowed = ", ".join(PRODUCTS[instrument.segment])
            return refuse(order, "product-not-allowed", limit=allowed, value=order.product, fix="set execution.product")
        if instrument.expiry is not None and order.at >= instrument.expiry:
            return refuse(
                order, "contract-expired", limit=str(instrument.expiry), value=str(order.at), fix="roll earlier"
            )
        if claim.price <= 0:
            return refuse(order, "no-price", limit="a last price", value="none", fix="wait for the first bar")
        return None

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """The product, and those that the segment has."""
        return str(order.product), ", ".join(PRODUCTS.get(instrument.segment, ())) or "none"


class Delivery:
    """What is delivered must be there: no short in CNC or spot, no sale beyond what this strategy holds.

    A share bought today can be sold today, as brokers allow, who close out what then fails: see `settled_delivery`.
    """

    name = "delivery"

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Sales of what is delivered."""
        return side is _SELL and product in _DELIVERED

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """None, or `short-in-delivery`, `sell-beyond-holdings`."""
        if order.parent:
            return None
        held = claim.held - claim.offered
        if order.quantity <= held:
            return None
        if held <= 0:
            fix = "buy first, or use MIS for an intraday short" if order.product is _CNC else "buy first"
            return refuse(order, "short-in-delivery", limit="0", value=to_text(held - order.quantity), fix=fix)
        return refuse(
            order, "sell-beyond-holdings", limit=to_text(held), value=to_text(order.quantity), fix="sell what is held"
        )

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """What is sold, and what is held and not yet offered."""
        return to_text(order.quantity), to_text(claim.held - claim.offered)


class IntradayEntry:
    """No new intraday position once the day's square-off is near. `cutoffs` maps an exchange to an instant."""

    name = "intraday-entry"

    def __init__(self, cutoffs: Mapping[str, int]) -> None:
        self._cutoffs = cutoffs

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Intraday orders."""
        return product is _MIS

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """None, or `intraday-entry-closed`."""
        if claim.opening == 0:
            return None
        cutoff = self._cutoffs.get(instrument.exchange)
        if cutoff is None or order.at < cutoff:
            return None
        return refuse(order, "intraday-entry-closed", limit=str(cutoff), value=str(order.at), fix="enter earlier")

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """When the order is made, and until when one may enter (UTC nanoseconds), or that it opens nothing."""
        cutoff = self._cutoffs.get(instrument.exchange)
        return (str(order.at), "none" if cutoff is None else str(cutoff)) if claim.opening else ("closes only", "none")


class Funds:
    """What an order would open must be paid for; see `Balance` and `Margin`."""

    word: ClassVar[str]
    rule: ClassVar[str]
    leveraged: ClassVar[bool]

    def __init__(self, standing: Standing, currency: str) -> None:
        self.name = self.word
        self._standing = standing
        self._currency = currency

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Purchases, and whatever claims margin."""
        return (product in LEVERAGED) is self.leveraged and (side is not _SELL or product not in _DELIVERED)

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """None, or the rule's refusal."""
        needed = claim.needed
        if needed <= 0:
            return None
        free = self._standing.free_cash()
        if needed <= free:
            return None
        return refuse(
            order,
            self.rule,
            limit=format_money(free, self._currency),
            value=format_money(needed, self._currency),
            fix="trade less, or start with more cash",
        )

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """What the order needs, and the cash that is free."""
        free = self._standing.free_cash()
        return format_money(claim.needed, self._currency), format_money(free, self._currency)


class Balance(Funds):
    """What is delivered is paid in full: CNC and spot. Refuses by `insufficient-cash`."""

    word, rule, leveraged = "balance", "insufficient-cash", False


class Margin(Funds):
    """What is leveraged leaves its margin: MIS and NRML. Refuses by `insufficient-margin`."""

    word, rule, leveraged = "margin", "insufficient-margin", True
