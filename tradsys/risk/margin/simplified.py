"""The simplified margin of futures and options, biased high: what stands in where parameters are missing.

    future        12 % (index) or 20 % (stock) of its value
    sold option   the same of max(strike, price of the underlying), and the premium at its mark
    bought option its premium
    one expiry    no more than the most it can lose at expiry and 2 % of the notional of what is short or a future

Rates are those of `margins.csv`; nothing offsets across expiries, and delivery asks for nothing more. It is a choice of
TradSys, not of any exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tradsys.core.events import Product
from tradsys.core.instruments import OptionRight, Segment
from tradsys.core.units import SCALE
from tradsys.reference.margin_parameters import spread_buffer
from tradsys.reference.ticks import margin_rate
from tradsys.risk.margin.items import SIMPLIFIED, Charge, Item, Margin, margin_of_charges
from tradsys.risk.margin.positions import Market, Position, expiry_day, money, share_of


def simplified_margin(positions: Sequence[Position], market: Market, *, on: date, why: str) -> Margin:
    """Margin of contracts on one underlying by the simplified model, and `why` it was taken. Raises `UncoveredDate`."""
    charges = [
        _premium_or_rate(group, market, on=on)
        for day in sorted({expiry_day(each.instrument) for each in positions})
        for group in [[each for each in positions if expiry_day(each.instrument) == day]]
    ]
    premium = sum(bought_value(each) for each in positions)
    bought = Charge(item=Item.OPTION_PREMIUM, amount=premium, reason="options bought, at their marks", source="marks")
    return margin_of_charges((*charges, bought), notes=(f"{SIMPLIFIED}: {why}",))


def bought_value(position: Position) -> int:
    """What a bought option is worth at its mark, 1e-8; 0 for anything else."""
    if position.instrument.segment is not Segment.OPTION or position.quantity <= 0:
        return 0
    return money(price=position.mark, quantity=position.quantity, multiplier=position.instrument.multiplier)


def _premium_or_rate(group: Sequence[Position], market: Market, *, on: date) -> Charge:
    """Of one expiry: the sum of its parts, or the most it can lose where that is less."""
    notionals = [(each, _notional(each, market)) for each in group]
    amount = sum(
        share_of(notional, rate=margin_rate(each.instrument.segment, Product.NRML, on, underlying=market.kind))
        + (_sold_value(each) if each.instrument.segment is Segment.OPTION else 0)
        for each, notional in notionals
    )
    reason = "share of notional, and the premium of what is sold"
    loss = most_lost(group)
    if loss is not None:
        capped = loss + share_of(sum(notional for _, notional in notionals), rate=spread_buffer(on).value)
        if capped < amount:
            amount, reason = capped, "the most it can lose at expiry and 2 % of notional"
    return Charge(item=Item.SPAN, amount=amount, reason=reason, source="margins.csv: TradSys simplified model")


def _notional(position: Position, market: Market) -> int:
    """The base of the rate: a future's value, a sold option's dearer of strike and underlying, nothing when bought."""
    instrument = position.instrument
    if instrument.segment is Segment.OPTION and position.quantity > 0:
        return 0
    price = position.mark if instrument.segment is Segment.FUTURE else max(instrument.strike or 0, market.price)
    return money(price=price, quantity=position.quantity, multiplier=instrument.multiplier)


def _sold_value(position: Position) -> int:
    if position.quantity >= 0:
        return 0
    return money(price=position.mark, quantity=position.quantity, multiplier=position.instrument.multiplier)


def most_lost(group: Sequence[Position]) -> int | None:
    """The most that contracts of one expiry can owe at expiry, 1e-8, premiums apart; None where there is no bound.

    The pay-off is linear between strikes: its least value is at 0 or at a strike, unless it falls for ever.
    """
    if _rises_forever(group) < 0:
        return None
    prices = [0, *(each.instrument.strike or 0 for each in group)]
    return max(0, *(-_paid_off(group, price) for price in prices))


def _rises_forever(group: Sequence[Position]) -> int:
    """Units gained as the price goes up without end."""
    return sum(
        each.quantity * each.instrument.multiplier for each in group if each.instrument.right is not OptionRight.PUT
    )


def _paid_off(group: Sequence[Position], price: int) -> int:
    return sum(_unit_pay_off(each, price) * each.quantity * each.instrument.multiplier for each in group) // SCALE


def _unit_pay_off(position: Position, price: int) -> int:
    strike = position.instrument.strike or 0
    if position.instrument.segment is Segment.FUTURE:
        return price - position.mark
    return max(price - strike, 0) if position.instrument.right is OptionRight.CALL else max(strike - price, 0)
