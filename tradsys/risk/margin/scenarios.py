"""The sixteen scenarios of SPAN: what one unit of each contract on an underlying gains or loses in each of them.

    1, 2      price unchanged              volatility up, down
    3 … 6     price +1/3, −1/3 of range    volatility up, down
    7 … 10    price +2/3, −2/3             volatility up, down
    11 … 14   price +1, −1                 volatility up, down
    15, 16    price +2, −2 (extreme)       volatility unchanged, 35 % of the result

Range = price scan range in money, the same for all contracts of an underlying (long-dated index options have a wider
one). A future moves by the same money as its underlying. An option is priced anew by Black, Scholes and Merton (1973),
model price after less model price before, so that a market price which the model misses is no profit.

Not modelled: SPAN's look-ahead of a day (time stands still, which is dearer for sellers), a rate that moves, composite
deltas (deltas are those of now).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

import msgspec

from tradsys.core.instruments import OptionRight, Segment
from tradsys.core.units import DAY, SCALE, Rounding, divide, to_float
from tradsys.reference.margin_parameters import ScanParameters
from tradsys.risk.margin.positions import Market, Position, expiry_day, share_of

if TYPE_CHECKING:
    from tradsys.numerics.options import Options

MOVES: Final = tuple((thirds, shift) for thirds in (0, 1, -1, 2, -2, 3, -3) for shift in (1, -1))
"""Price in thirds of the range, volatility in ranges: scenarios 1 to 14."""

TRADING_DAYS: Final = 252
YEAR: Final = 365 * DAY
LEAST: Final = 1e-6
"""Prices do not fall below this part of themselves, however wide the range."""


class UnitRisk(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of a contract: its profit in each scenario (1e-8) and its delta (1e-8)."""

    profits: tuple[int, ...]
    delta: int


def price_scan_range(market: Market, parameters: ScanParameters, *, long_dated: bool = False) -> int:
    """max(sigmas × σ × √days, floor) × price, money a unit, 1e-8."""
    scanned = parameters.sigmas * market.daily_volatility * math.sqrt(parameters.sigma_days)
    floor = parameters.long_dated_floor if long_dated else parameters.price_scan_floor
    return share_of(market.price, rate=max(round(min(scanned, 1.0) * SCALE), floor.value))


def volatility_scan_range(market: Market, parameters: ScanParameters) -> float:
    """max(25 % × σ × √252, floor), volatility a year as a fraction."""
    annual = market.daily_volatility * math.sqrt(TRADING_DAYS)
    return max(to_float(parameters.volatility_scan.value) * annual, to_float(parameters.volatility_scan_floor.value))


def is_long_dated(position: Position, parameters: ScanParameters, on: date) -> bool:
    """Whether a contract is an option with more than the months of the parameters to go."""
    years, month = divmod(on.month - 1 + parameters.long_dated_months, 12)
    expiry = expiry_day(position.instrument)
    later = (on.year + years, month + 1, on.day)
    return position.instrument.segment is Segment.OPTION and (expiry.year, expiry.month, expiry.day) > later


def unit_risks(
    positions: Sequence[Position], market: Market, parameters: ScanParameters, *, at: int, on: date
) -> list[UnitRisk] | str:
    """Risk of one unit of each contract, in order, or why one of them has none."""
    options = [place for place, each in enumerate(positions) if each.instrument.segment is Segment.OPTION]
    ranges = [
        price_scan_range(market, parameters, long_dated=is_long_dated(each, parameters, on)) for each in positions
    ]
    priced = _of_options(
        [positions[place] for place in options], [ranges[place] for place in options], market, parameters, at
    )
    if any(not math.isfinite(value) for profits, delta in priced for value in (*profits, delta)):
        return "an option has no model price"
    found = dict(zip(options, priced, strict=True))
    return [
        _in_units(*found[place], parameters) if place in found else _of_future(ranges[place], parameters)
        for place in range(len(positions))
    ]


def _of_future(scan: int, parameters: ScanParameters) -> UnitRisk:
    extreme = parameters.extreme_multiple * share_of(scan, rate=parameters.extreme_weight.value)
    plain = tuple(divide(thirds * scan, 3, Rounding.TOWARD_ZERO) for thirds, _ in MOVES)
    return UnitRisk(profits=(*plain, extreme, -extreme), delta=SCALE)


def _in_units(profits: Sequence[float], delta: float, parameters: ScanParameters) -> UnitRisk:
    weight = to_float(parameters.extreme_weight.value)
    weighted = [*profits[:14], *(each * weight for each in profits[14:])]
    return UnitRisk(profits=tuple(round(each * SCALE) for each in weighted), delta=round(delta * SCALE))


def _of_options(
    options: Sequence[Position], ranges: Sequence[int], market: Market, parameters: ScanParameters, at: int
) -> list[tuple[list[float], float]]:
    """Profits in the scenarios, unweighted, and delta of one unit of each option."""
    if not options:
        return []
    from tradsys.numerics.options import greeks, price

    batch = _revalued(options, ranges, market, parameters, at)
    prices, delta = price(batch), greeks(batch).delta
    return [
        ([float(each - row[0]) for each in row[1:]], float(first[0])) for row, first in zip(prices, delta, strict=True)
    ]


def _revalued(
    options: Sequence[Position], ranges: Sequence[int], market: Market, parameters: ScanParameters, at: int
) -> Options:
    """Each option now and in the sixteen scenarios: shape (options, 17)."""
    import numpy as np

    from tradsys.numerics.options import CALL, PUT, Options

    extreme = float(parameters.extreme_multiple)
    moves = np.array([0.0, *(thirds / 3.0 for thirds, _ in MOVES), extreme, -extreme])
    shifts = np.array([0.0, *(float(shift) for _, shift in MOVES), 0.0, 0.0])
    spot = to_float(market.price)
    scan = np.array([to_float(each) for each in ranges])[:, None]
    volatility = np.array([each.volatility for each in options])[:, None]
    return Options.on_spot(
        spot=np.maximum(spot + scan * moves, spot * LEAST),
        strike=np.array([to_float(each.instrument.strike or 0) for each in options])[:, None],
        years=np.array([((each.instrument.expiry or at) - at) / YEAR for each in options])[:, None],
        right=np.array([CALL if each.instrument.right is OptionRight.CALL else PUT for each in options])[:, None],
        volatility=np.maximum(volatility + shifts * volatility_scan_range(market, parameters), 0.0),
        rate=market.rate,
        dividend_yield=market.dividend_yield,
    )
