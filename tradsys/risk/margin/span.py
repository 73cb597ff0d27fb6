"""The SPAN part of a margin: scan risk, calendar spreads, the short-option minimum and the net option value.

    scan     = max over scenarios of −Σ quantity × profit of a unit, never below 0
    spread   = Σ units that offset each other in two expiries × calendar-spread rate × price of the far one
    risk     = Σ over groups of max(scan + spread, short-option minimum)
    span     = max(risk − net option value, 0), where long options are worth more than 0 and short ones less;
               0 where all that is held is long options

All contracts of an underlying are one group. From the dates in `margin_parameters.csv` on, what expires today is a
group of its own: it offsets no later expiry.

Long options are paid for besides, so that span + premium = max(premium, risk + what short options are worth).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE, Rounding, divide
from tradsys.reference.margin_parameters import ScanParameters
from tradsys.risk.margin.positions import Market, Position, expiry_day, money, share_of
from tradsys.risk.margin.scenarios import UnitRisk


class SpanRisk(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a span margin, 1e-8. `scenario` is the worst of the first group, 1 to 16 (0: none loses)."""

    scan: int
    scenario: int
    calendar_spread: int
    short_option_minimum: int
    risk: int
    net_option_value: int
    span: int


def span_risk(
    positions: Sequence[Position],
    risks: Sequence[UnitRisk],
    market: Market,
    parameters: ScanParameters,
    *,
    on: date,
) -> SpanRisk:
    """The SPAN margin of contracts on one underlying, given the risk of one unit of each."""
    held = list(zip(positions, risks, strict=True))
    today = [] if parameters.spread_on_expiry_day else [each for each in held if expiry_day(each[0].instrument) == on]
    groups = [group for group in ([each for each in held if each not in today], today) if group]
    scans = [_scan(group) for group in groups]
    spreads = [_calendar_spread(group, market, parameters) for group in groups]
    minimums = [_short_option_minimum(group, market, parameters) for group in groups]
    risk = sum(max(scan + spread, least) for (scan, _), spread, least in zip(scans, spreads, minimums, strict=True))
    value = net_option_value(positions)
    return SpanRisk(
        scan=sum(scan for scan, _ in scans),
        scenario=scans[0][1] if scans else 0,
        calendar_spread=sum(spreads),
        short_option_minimum=sum(minimums),
        risk=risk,
        net_option_value=value,
        span=0 if _only_bought(positions) else max(risk - value, 0),
    )


def net_option_value(positions: Sequence[Position]) -> int:
    """What long options are worth less what short ones are, at their marks; against the holder to the last unit."""
    return sum(
        each.mark * each.quantity * each.instrument.multiplier // SCALE
        for each in positions
        if each.instrument.segment is Segment.OPTION
    )


def _only_bought(positions: Sequence[Position]) -> bool:
    return all(each.quantity > 0 and each.instrument.segment is Segment.OPTION for each in positions)


def _units(position: Position) -> int:
    return position.quantity * position.instrument.multiplier


def _scan(group: Sequence[tuple[Position, UnitRisk]]) -> tuple[int, int]:
    """The worst loss over the scenarios, and which it is."""
    profits = [sum(_units(held) * risk.profits[place] for held, risk in group) for place in range(16)]
    worst = min(range(16), key=lambda place: profits[place])
    loss = -(profits[worst] // SCALE)
    return (loss, worst + 1) if loss > 0 else (0, 0)


def _short_option_minimum(
    group: Sequence[tuple[Position, UnitRisk]], market: Market, parameters: ScanParameters
) -> int:
    """Rate × the underlying's price × units of short options, contract by contract."""
    short = (held for held, _ in group if held.quantity < 0 and held.instrument.segment is Segment.OPTION)
    notionals = (
        money(price=market.price, quantity=each.quantity, multiplier=each.instrument.multiplier) for each in short
    )
    return sum(share_of(each, rate=parameters.short_option_minimum.value) for each in notionals)


def _calendar_spread(group: Sequence[tuple[Position, UnitRisk]], market: Market, parameters: ScanParameters) -> int:
    """Net deltas of expiries against each other, nearest pairs first, at the price of the far month."""
    deltas: dict[date, int] = {}
    prices: dict[date, int] = {}
    for held, risk in group:
        day = expiry_day(held.instrument)
        deltas[day] = deltas.get(day, 0) + divide(_units(held) * risk.delta, SCALE, Rounding.NEAREST)
        if held.instrument.segment is Segment.FUTURE:
            prices[day] = held.mark
    charge, days = 0, sorted(deltas)
    for far_place, far in enumerate(days):
        for near in reversed(days[:far_place]):
            if deltas[near] * deltas[far] < 0:
                units = min(abs(deltas[near]), abs(deltas[far]))
                deltas[near] -= units if deltas[near] > 0 else -units
                deltas[far] -= units if deltas[far] > 0 else -units
                value = money(price=prices.get(far, market.price), quantity=units, multiplier=1)
                charge += share_of(value, rate=parameters.calendar_spread.value)
    return charge
