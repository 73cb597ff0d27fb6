"""Which kinds of order are taken where: market, immediate, stop-market, in the closing auction, products."""

from __future__ import annotations

from msgspec import UNSET

from tradsys.compliance.sebi.book import InForce
from tradsys.compliance.sebi.facts import AUTOMATIC, UNKNOWN
from tradsys.compliance.sebi.rule_check import CODES, RuleCheck, india_day, not_known, refuse, unpriced
from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument
from tradsys.core.order_terms import stated
from tradsys.core.ports import Claim
from tradsys.reference.clock import iso
from tradsys.reference.sessions import hours_table, instant

_HUNDREDTHS = 100


class MarketOrder(RuleCheck):
    """No market order of an algorithm, unless market protection makes a limit order of it before it leaves.

    Where commodities trade even that is refused: there MARKET itself is barred.
    """

    rule = "sebi-market-order"
    items = ("barred",)

    def settled(self, order: Order, instrument: Instrument, rows: InForce) -> bool:
        """See the class."""
        return order.type not in rows["barred"].words

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["barred"]
        if order.type not in row.words:
            return None
        protection = self.facts.market_protection(order)
        protected = protection is not UNKNOWN and (protection == AUTOMATIC or protection > 0)
        if protected and "even_protected" not in rows:
            return None
        return refuse(order, row, limit="LIMIT or SL", value=order.type.value, fix="send a limit order")


class MarketProtection(RuleCheck):
    """Market and stop-market orders say how far from the last price they may trade, or leave that to the broker."""

    rule = "sebi-market-protection"
    items = ("most_percent",)

    def settled(self, order: Order, instrument: Instrument, rows: InForce) -> bool:
        """See the class."""
        return not unpriced(order)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        if not unpriced(order):
            return None
        row = rows["most_percent"]
        limit = f"automatic, or above 0 to {row.value} %"
        protection = self.facts.market_protection(order)
        if protection is UNKNOWN:
            return not_known(order, row, limit=limit, what="market protection")
        if protection == AUTOMATIC or 0 < protection <= row.number * _HUNDREDTHS:
            return None
        value = f"{protection / _HUNDREDTHS:g} %"
        return refuse(order, row, limit=limit, value=value, fix="set market protection, or send a limit order")


class ImmediateOrder(RuleCheck):
    """No immediate-or-cancel and no fill-or-kill where commodities trade."""

    rule = "sebi-immediate-order"
    items = ("barred",)

    def settled(self, order: Order, instrument: Instrument, rows: InForce) -> bool:
        """See the class."""
        return order.validity not in rows["barred"].words

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["barred"]
        if order.validity not in row.words:
            return None
        return refuse(order, row, limit="DAY", value=order.validity.value, fix="send it for the day")


class StopMarketOption(RuleCheck):
    """No stop-market order on an option."""

    rule = "sebi-stop-market-option"
    items = ("barred",)

    def settled(self, order: Order, instrument: Instrument, rows: InForce) -> bool:
        """See the class."""
        return order.type not in rows["barred"].words

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["barred"]
        if order.type not in row.words:
            return None
        return refuse(order, row, limit="SL", value=order.type.value, fix="give the stop a limit")


class ClosingAuction(RuleCheck):
    """In the closing auction no stops, no immediate orders, no disclosed quantity."""

    rule = "sebi-closing-auction"
    items = ("barred",)

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Shares that have a closing auction."""
        return instrument.closing_auction and super().concerns(instrument, product, side)

    def settled(self, order: Order, instrument: Instrument, rows: InForce) -> bool:
        """See the class."""
        return order.terms is UNSET and not {order.type.value, order.validity.value} & set(rows["barred"].words)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["barred"]
        kinds: tuple[str, ...] = (order.type.value, order.validity.value)
        barred = [word for word in kinds if word in row.words]
        barred += ["disclosed quantity"] if stated(order.terms).display else []
        if not barred or not self._in_auction(order, instrument):
            return None
        value = f"{', '.join(barred)} at {iso(order.at)}"
        return refuse(order, row, limit="LIMIT or MARKET for the day", value=value, fix="send a plain limit order")

    def _in_auction(self, order: Order, instrument: Instrument) -> bool:
        """By the hours of the day whose rules hold; special days have none of their own here."""
        days, day = india_day(order.at), self.day(order.at)
        exchange = CODES.get(instrument.exchange, instrument.exchange)
        clocks = [hours_table().on(day, exchange, "equity", item).value for item in ("auction_open", "auction_end")]
        return all(clocks) and instant(days, clocks[0]) <= order.at < instant(days, clocks[1])


class ProductOfSegment(RuleCheck):
    """Delivery and intraday in shares, overnight and intraday in derivatives."""

    rule = "sebi-product"
    items = ("allowed",)

    def settled(self, order: Order, instrument: Instrument, rows: InForce) -> bool:
        """See the class."""
        return order.product in rows["allowed"].words

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["allowed"]
        if order.product in row.words:
            return None
        return refuse(order, row, limit=", ".join(row.words), value=order.product.value, fix="change the product")
