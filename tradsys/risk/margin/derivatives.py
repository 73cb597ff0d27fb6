"""Margin of futures and options on one underlying: SPAN, exposure, premium, the day of expiry, delivery.

    span            see `span.py`
    exposure        2 % (index) or 3.5 % (stock) of futures' value and of the underlying's value under short options
    option_premium  what bought options are worth at their marks
    additional      2 % of the underlying's value under short index options that expire today;
                    10, 25, 45, 70, 100 % of VaR + ELM of strike × units of bought in-the-money stock options, four to
                    no sessions before they expire into delivery

Where a volatility is not known or no row covers the date, all of it is the simplified model's, and the answer says so.

Not modelled: a lower exposure of calendar spreads in futures, delivery margin on futures and short options (they keep
span and exposure), stock-specific additional margins, margins on crystallised obligations.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import msgspec

from tradsys.core.errors import ConfigError, UncoveredDate
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.reference.clock import local_date
from tradsys.reference.margin_parameters import ScanParameters, cash_parameters, delivery_share, scan_parameters
from tradsys.reference.sessions import days_since_epoch, market_days
from tradsys.reference.ticks import PARENT_EXCHANGE
from tradsys.risk.margin.cash import var_rate
from tradsys.risk.margin.items import Charge, Item, Margin, margin_of_charges
from tradsys.risk.margin.positions import Market, Position, checked, expiry_day, money, share_of
from tradsys.risk.margin.scenarios import unit_risks
from tradsys.risk.margin.simplified import bought_value, simplified_margin
from tradsys.risk.margin.span import SpanRisk, span_risk

_OPTION, _FUTURE = Segment.OPTION, Segment.FUTURE
_LAST_SESSIONS: Final = 4


def derivative_margin(positions: Iterable[Position], market: Market, *, at: int) -> Margin:
    """Margin of contracts on one underlying at an instant (UTC nanoseconds); products are netted.

    Raises:
        ConfigError: no future or option, a contract past its expiry or without its terms, two prices of one contract.
        MissingData: a contract without price.
        UncoveredDate: a date before the first rows of the simplified model too.
    """
    held = netted(positions)
    for each in held:
        _check_terms(each.instrument, at)
    on = local_date(at, "Asia/Kolkata")
    try:
        parameters = scan_parameters(market.kind, on)
        found = span_of(held, market, parameters, at=at)
        extra = _additional(held, market, parameters, on=on) if isinstance(found, SpanRisk) else []
    except UncoveredDate as gap:
        return simplified_margin(held, market, on=on, why=gap.message)
    if isinstance(found, str):
        return simplified_margin(held, market, on=on, why=found)
    return margin_of_charges((*_charges(held, market, parameters, found), *extra))


def span_of(held: Sequence[Position], market: Market, parameters: ScanParameters, *, at: int) -> SpanRisk | str:
    """The SPAN part of netted contracts, or which volatility is missing."""
    if not 0.0 <= market.daily_volatility < math.inf:
        return "no daily volatility of the underlying"
    unknown = [
        each.instrument.id
        for each in held
        if each.instrument.segment is _OPTION and not 0.0 < each.volatility < math.inf
    ]
    if unknown:
        return f"no implied volatility of {unknown[0]}"
    on = local_date(at, "Asia/Kolkata")
    risks = unit_risks(held, market, parameters, at=at, on=on)
    return risks if isinstance(risks, str) else span_risk(held, risks, market, parameters, on=on)


def netted(positions: Iterable[Position]) -> list[Position]:
    """One position a contract, without those that are flat. Raises `ConfigError` for two prices of one contract."""
    found: dict[str, Position] = {}
    for each in positions:
        before = found.get(each.instrument.id)
        if before is not None and before.mark != each.mark:
            raise ConfigError(
                f"two prices of {each.instrument.id}", value=each.mark, limit=before.mark, fix="give its last price"
            )
        quantity = each.quantity + (before.quantity if before is not None else 0)
        found[each.instrument.id] = msgspec.structs.replace(checked(each), quantity=quantity)
    return [each for each in found.values() if each.quantity]


def _check_terms(instrument: Instrument, at: int) -> None:
    if instrument.segment not in (_OPTION, _FUTURE):
        raise ConfigError(f"{instrument.id} is no future or option", value=instrument.segment.value)
    if instrument.expiry is None or at >= instrument.expiry:
        raise ConfigError(f"{instrument.id} is past its expiry, or has none", value=instrument.expiry, limit=f"> {at}")
    if instrument.segment is _OPTION and (instrument.strike is None or instrument.right is None):
        raise ConfigError(f"{instrument.id}: an option without strike or right", value=instrument.strike)


def _charges(held: Sequence[Position], market: Market, parameters: ScanParameters, found: SpanRisk) -> list[Charge]:
    premium = sum(bought_value(each) for each in held)
    exposed = sum(_exposed(each, market) for each in held)
    exposure = parameters.exposure
    return [
        Charge(
            item=Item.SPAN,
            amount=found.span,
            reason=f"worst scenario {found.scenario}, calendar spreads, short-option minimum, net option value",
            source=parameters.price_scan_floor.source,
        ),
        Charge(
            item=Item.EXPOSURE,
            amount=share_of(exposed, rate=exposure.value),
            reason="extreme loss margin of futures and short options",
            source=exposure.source,
        ),
        Charge(item=Item.OPTION_PREMIUM, amount=premium, reason="options bought, at their marks", source="marks"),
    ]


def _exposed(position: Position, market: Market) -> int:
    """The value that exposure is asked on: a future's own, the underlying's under a short option."""
    instrument = position.instrument
    if instrument.segment is _OPTION and position.quantity > 0:
        return 0
    price = position.mark if instrument.segment is _FUTURE else market.price
    return money(price=price, quantity=position.quantity, multiplier=instrument.multiplier)


def _additional(held: Sequence[Position], market: Market, parameters: ScanParameters, *, on: date) -> list[Charge]:
    rate = parameters.expiry_day_elm
    today = [each for each in held if each.instrument.segment is _OPTION and expiry_day(each.instrument) == on]
    short = sum(_exposed(each, market) for each in today if each.quantity < 0)
    tail = Charge(
        item=Item.ADDITIONAL,
        amount=share_of(short, rate=rate.value),
        reason="short options on the day they expire",
        source=rate.source,
    )
    delivered = [_delivery(each, market, on=on) for each in held if _may_be_delivered(each, market)]
    return [tail, *delivered]


def _may_be_delivered(position: Position, market: Market) -> bool:
    instrument, strike = position.instrument, position.instrument.strike or 0
    if instrument.segment is not _OPTION or position.quantity <= 0 or not instrument.physical_settlement:
        return False
    return market.price > strike if instrument.right is OptionRight.CALL else market.price < strike


def _delivery(position: Position, market: Market, *, on: date) -> Charge:
    instrument = position.instrument
    sessions = sessions_left(instrument, on)
    share = delivery_share(sessions, on)
    value = money(price=instrument.strike or 0, quantity=position.quantity, multiplier=instrument.multiplier)
    rates = cash_parameters(market.group, on)
    var = var_rate(rates, daily_volatility=market.daily_volatility) or rates.var_floor
    amount = share_of(share_of(value, rate=var.value) + share_of(value, rate=rates.elm.value), rate=share.value)
    reason = f"delivery of {instrument.id}, {sessions} sessions before expiry"
    return Charge(item=Item.ADDITIONAL, amount=amount, reason=reason, source=share.source)


def sessions_left(instrument: Instrument, on: date) -> int:
    """Sessions after a date up to and with the day of expiry, counted to 5. Raises `UncoveredDate`."""
    exchange = PARENT_EXCHANGE.get(instrument.exchange, instrument.exchange)
    table = market_days(exchange=exchange, segment="derivative")
    first, last = days_since_epoch(on), days_since_epoch(expiry_day(instrument))
    if last - first > 30:
        return _LAST_SESSIONS + 1
    if not table.first <= first <= last <= table.last:
        raise UncoveredDate(f"no sessions of {exchange} known up to {expiry_day(instrument)}", value=on.isoformat())
    days = table.days
    return min(bisect_right(days, last) - bisect_right(days, first), _LAST_SESSIONS + 1)
