"""At which price and in which size: bands, limit price protection, quantity freeze and the slicing that obeys it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache

import msgspec

from tradsys.compliance.sebi.book import InForce
from tradsys.compliance.sebi.facts import UNKNOWN, Unknown
from tradsys.compliance.sebi.rule_check import CODES, RuleCheck, not_known, refuse
from tradsys.core.errors import ConfigError
from tradsys.core.events import Order, Refused, Side
from tradsys.core.instruments import Instrument
from tradsys.core.order_terms import within
from tradsys.core.ports import Claim
from tradsys.core.units import to_text
from tradsys.reference.market_rules import ProtectionRule, freeze_quantity, protection_rule
from tradsys.reference.ticks import INDEX_FUTURES

_PARTS = 10_000


def plain_name(underlying: str) -> str:
    """`NSE:NIFTY 50` as the derivatives call it, `NIFTY`; a stock's own symbol."""
    name = underlying.rpartition(":")[2].upper()
    return INDEX_FUTURES[name][1] if name in INDEX_FUTURES else name


def on_index(instrument: Instrument) -> bool:
    """Whether a contract is on an index, not on a stock."""
    return _is_index(instrument.underlying)


@cache
def _is_index(underlying: str) -> bool:
    return underlying.rpartition(":")[2].upper() in INDEX_FUTURES


def _range_of(instrument: Instrument, day: date) -> ProtectionRule | None:
    exchange = CODES.get(instrument.exchange, instrument.exchange)
    kind = f"{'index' if on_index(instrument) else 'stock'} {instrument.segment}"
    return protection_rule(exchange, day, contract=kind)


def _dated_freeze(instrument: Instrument, day: date) -> int | None:
    exchange = CODES.get(instrument.exchange, instrument.exchange)
    return freeze_quantity(exchange, day, underlying=plain_name(instrument.underlying))


class PriceBand(RuleCheck):
    """Limits and triggers lie inside the day's band, its ends included. An order without a price cannot leave it."""

    rule = "sebi-price-band"
    items = ("inside",)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["inside"]
        first, second = order.limit, order.trigger
        if not first and not second:
            return None
        band = self.facts.band(instrument.id, order.at)
        if band is UNKNOWN:
            return not_known(order, row, limit=row.value, what=f"price band of {instrument.id}")
        low, high = band.low, band.high
        wrong = first if first and not low <= first <= high else second
        if not wrong or low <= wrong <= high:
            return None
        limit = f"{to_text(low)} to {to_text(high)}"
        return refuse(order, row, limit=limit, value=to_text(wrong), fix="set a price inside the band")


class LimitProtection(RuleCheck):
    """No purchase above and no sale below the range around the reference price.

    Not modelled: the widening of the range. Contracts without a dated row (NSE's futures) have no known range.
    """

    rule = "sebi-limit-protection"
    items = ("inside",)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["inside"]
        if not order.limit:
            return None
        found = self.daily(order, instrument, _range_of)
        if found is None:
            return None
        reference = self.facts.reference_price(instrument.id, order.at)
        if reference is UNKNOWN or reference <= 0:
            return not_known(order, row, limit=row.value, what=f"reference price of {instrument.id}")
        bound = reference + order.side * _width(found, reference)
        if order.side * (order.limit - bound) <= 0:
            return None
        words = "at most" if order.side is Side.BUY else "at least"
        return refuse(
            order,
            msgspec.structs.replace(row, source=found.source),
            limit=f"{words} {to_text(bound)}",
            value=to_text(order.limit),
            fix="set a limit inside the range",
        )


def _width(found: ProtectionRule, reference: int) -> int:
    return max(reference * found.percent // _PARTS, found.minimum)


class FreezeQuantity(RuleCheck):
    """No order above the quantity freeze: `sliced` makes several of it."""

    rule = "sebi-freeze-quantity"
    items = ("most",)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["most"]
        most = self.largest(order, instrument)
        if most is UNKNOWN:
            return not_known(order, row, limit=row.value, what=f"freeze quantity of {instrument.id}")
        if order.quantity <= most:
            return None
        return refuse(order, row, limit=to_text(most), value=to_text(order.quantity), fix="slice the order")

    def largest(self, order: Order, instrument: Instrument) -> int | Unknown:
        """Largest quantity of one order, 1e-8: by the dated row of an index, otherwise by the contract file."""
        dated = self.daily(order, instrument, _dated_freeze)
        if dated is not None:
            return dated
        return self.facts.freeze_quantity(instrument.id, order.at)


def slice_quantities(quantity: int, *, most: int, lot: int) -> tuple[int, ...]:
    """Parts of a quantity of which none is above `most`, in whole lots, that add up to it; all 1e-8.

    All parts but the last are as large as whole lots allow.

    Raises:
        ConfigError: nothing to slice, not whole lots, or a limit below one lot.
    """
    if lot <= 0 or quantity <= 0 or quantity % lot:
        raise ConfigError("not a whole number of lots", value=to_text(quantity), limit=f"lots of {to_text(lot)}")
    part = most // lot * lot
    if part <= 0:
        raise ConfigError("one lot is above the freeze quantity", value=to_text(lot), limit=to_text(most))
    whole, rest = divmod(quantity, part)
    return (part,) * whole + ((rest,) if rest else ())


def sliced(order: Order, *, most: int, lot: int, order_ids: Iterator[int]) -> tuple[Order, ...]:
    """The order as orders of at most `most` each, with ids of their own from `order_ids`; itself where it is small
    enough. Not for brackets and pairs, which would lose what links them. Raises as `slice_quantities`."""
    if order.quantity <= most:
        return (order,)
    if order.group or order.parent:
        raise ConfigError("a linked order is not sliced", value=order.order_id, fix="place it in smaller brackets")
    return tuple(
        msgspec.structs.replace(order, order_id=next(order_ids), quantity=part, terms=within(order.terms, part))
        for part in slice_quantities(order.quantity, most=most, lot=lot)
    )
