"""What one may hold: short sales, shares under surveillance, bans, position limits, the day of expiry."""

from __future__ import annotations

from tradsys.compliance.sebi.book import InForce
from tradsys.compliance.sebi.facts import UNKNOWN
from tradsys.compliance.sebi.prices import on_index
from tradsys.compliance.sebi.rule_check import RuleCheck, india_day, not_known, refuse
from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Claim
from tradsys.core.units import SCALE, format_money, to_text
from tradsys.reference.sessions import to_date

CRORE = 10**7 * SCALE
"""Ten million rupees, 1e-8."""

_ORDINARY = ("", "margin")


class ShortSale(RuleCheck):
    """A sale of shares beyond what is held is intraday, or it is naked.

    Not modelled: lending and borrowing of securities, institutions' disclosure.
    """

    rule = "sebi-short-sale"
    items = ("product",)

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Sales of shares."""
        return side is Side.SELL and super().concerns(instrument, product, side)

    def settled(self, order: Order, instrument: Instrument, rows: InForce) -> bool:
        """See the class."""
        return order.product in rows["product"].words

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["product"]
        if order.parent or order.product in row.words:
            return None
        held = max(claim.held - claim.offered, 0)
        if order.quantity <= held:
            return None
        return refuse(order, row, limit=to_text(held), value=to_text(order.quantity), fix="sell what is held, or MIS")


class Surveillance(RuleCheck):
    """Trade for trade: delivery only. Traded once a week or a month: not by an algorithm. Margin alone bars nothing.

    Not modelled: the margins and deposits themselves, a sale of what was bought on the same day.
    """

    rule = "sebi-surveillance"

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        first = next(iter(rows.values()))
        measure = self.facts.surveillance(instrument.id, order.at)
        if measure is UNKNOWN:
            return not_known(order, first, limit="a share's measure", what=f"surveillance status of {instrument.id}")
        if not measure:
            return None
        row = rows.get(measure)
        if row is None:
            return refuse(order, first, limit="a known measure", value=measure, fix="add a dated row for the measure")
        if row.value in _ORDINARY or (row.value == "trade-for-trade" and order.product is Product.CNC):
            return None
        limit = "CNC" if row.value == "trade-for-trade" else f"traded {row.value}"
        return refuse(order, row, limit=limit, value=f"{order.product.value} under {measure}", fix="trade it by hand")


class BanPeriod(RuleCheck):
    """Of a stock in its ban period positions are only reduced.

    Each contract is taken for itself: what would reduce the stock's delta through another contract is refused too.
    """

    rule = "sebi-ban-period"
    items = ("enters_percent",)

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Contracts on stocks."""
        return not on_index(instrument) and super().concerns(instrument, product, side)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        if claim.opening <= 0:
            return None
        row = rows["enters_percent"]
        banned = self.facts.banned(instrument.underlying, order.at)
        if banned is UNKNOWN:
            return not_known(order, row, limit="not in ban", what=f"ban list for {instrument.underlying}")
        if not banned:
            return None
        value = f"opens {to_text(claim.opening)} of {instrument.underlying} in ban"
        return refuse(order, row, limit="0", value=value, fix="only reduce the position")


class IndexPosition(RuleCheck):
    """Index options of one entity by delta: net, and gross on each side, within the day.

    Not modelled: the lower limit at the end of the day, which no single order breaks; its row warns.
    """

    rule = "sebi-index-position"
    items = ("net_crore", "gross_crore")

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Options on indices."""
        return on_index(instrument) and super().concerns(instrument, product, side)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        if claim.opening <= 0:
            return None
        after = self.facts.exposure(order, instrument)
        if after is UNKNOWN:
            what = f"exposure in {instrument.underlying}"
            return not_known(order, rows["net_crore"], limit=f"₹{rows['net_crore'].value} crore", what=what)
        figures = (("net_crore", abs(after.long - after.short)), ("gross_crore", max(after.long, after.short)))
        for item, value in figures:
            most = rows[item].number * CRORE
            if value > most:
                texts = {"limit": format_money(most), "value": format_money(value)}
                return refuse(order, rows[item], **texts, fix="trade less")
        return None


class StockPosition(RuleCheck):
    """One stock's contracts by delta: a part of its market-wide position limit."""

    rule = "sebi-stock-position"
    items = ("individual_percent",)

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Contracts on stocks."""
        return not on_index(instrument) and super().concerns(instrument, product, side)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        if claim.opening <= 0:
            return None
        row = rows["individual_percent"]
        after = self.facts.exposure(order, instrument)
        whole = self.facts.market_wide_limit(instrument.underlying, order.at)
        if after is UNKNOWN or whole is UNKNOWN:
            what = f"{'exposure in' if after is UNKNOWN else 'market-wide limit of'} {instrument.underlying}"
            return not_known(order, row, limit=f"{row.value} % of the market-wide limit", what=what)
        most = whole * row.number // 100
        if abs(after.units) <= most:
            return None
        return refuse(order, row, limit=to_text(most), value=to_text(abs(after.units)), fix="trade less")


class ExpiryDay(RuleCheck):
    """On the day a stock contract expires it is not opened; a short index option carries its extra margin.

    Not modelled: that the calendar spread of the expiring leg has no margin benefit, which is the margin's to know.
    """

    rule = "sebi-expiry-day"

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        if claim.opening <= 0:
            return None
        if instrument.expiry is None:
            row = next(iter(rows.values()))
            return not_known(order, row, limit="a day of expiry", what=f"expiry of {instrument.id}")
        if india_day(instrument.expiry) != india_day(order.at):
            return None
        entry, extra = rows.get("no_entry"), rows.get("short_index_percent")
        if entry is not None and not on_index(instrument):
            value = f"opens {to_text(claim.opening)} on {to_date(india_day(order.at))}"
            return refuse(order, entry, limit="0 on the day of expiry", value=value, fix="trade a later contract")
        if extra is None or order.side is not Side.SELL or instrument.segment is not Segment.OPTION:
            return None
        least = _extra_margin(instrument, claim, extra.number)
        if claim.needed >= least:
            return None
        limit = f"at least {format_money(least)}"
        return refuse(order, extra, limit=limit, value=format_money(claim.needed), fix="claim the extra margin")


def _extra_margin(instrument: Instrument, claim: Claim, percent: int) -> int:
    """Percent of the strike's notional of what is opened, rounded up; 1e-8 rupees."""
    notional = (instrument.strike or claim.price) * claim.opening * instrument.multiplier
    return -(-notional * percent // (100 * SCALE))
