"""Positions in one underlying by delta, with an order counted in full: what position limits are held against.

A future counts in full, an option by its delta (Black, Scholes and Merton, `tradsys.numerics.options`) at the
volatility that its last price implies, without interest. An option worth no more than its intrinsic value counts in
full; whatever cannot be valued makes the whole unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from tradsys.compliance.sebi.facts import UNKNOWN, Exposure, Unknown
from tradsys.core.events import Order
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import SCALE, to_float
from tradsys.engine.markets import Market
from tradsys.engine.ruled.traffic import Traffic
from tradsys.portfolio.ledger import Ledger
from tradsys.risk.greeks import YEAR

_OPTION = Segment.OPTION
_Part = tuple[Instrument, int]
"""A contract and its signed units, 1e-8."""


class Exposures:
    """Of all strategies of a run. Beside the order, working orders that take the position the same way count too, as if
    they had traded; those of other runs are not known."""

    def __init__(self, markets: Mapping[str, Market], ledger: Ledger, traffic: Traffic) -> None:
        self._markets = markets
        self._ledger = ledger
        self._traffic = traffic
        self._contracts: dict[str, list[Instrument]] = {}
        for market in markets.values():
            self._contracts.setdefault(market.instrument.underlying, []).append(market.instrument)

    def after(self, order: Order, instrument: Instrument) -> Exposure | Unknown:
        """Long and short money of options, net units of all contracts of the order's underlying."""
        long = short = units = 0
        for contract, quantity in self._parts(order, instrument):
            if contract.segment is not _OPTION:
                units += quantity * contract.multiplier
                continue
            spot = self._markets.get(instrument.underlying)
            delta = UNKNOWN if spot is None else self._delta(contract, spot, order.at)
            if delta is UNKNOWN or spot is None:
                return UNKNOWN
            signed = round(quantity * contract.multiplier * delta)
            units += signed
            money = abs(signed) * spot.price // SCALE
            long, short = (long + money, short) if signed > 0 else (long, short + money)
        return Exposure(long=long, short=short, units=units)

    def _parts(self, order: Order, instrument: Instrument) -> list[_Part]:
        """The order, what is held, and what works the same way, of every contract of the underlying."""
        underlying, way = instrument.underlying, order.side * _direction(instrument)
        found = [(instrument, order.side * order.quantity)]
        for held in self._ledger.open_positions.values():
            if held.instrument.underlying == underlying:
                found.append((held.instrument, held.quantity))
        for contract in self._contracts[underlying]:
            for live in self._traffic.own(contract.id):
                if live.order.side * _direction(contract) == way:
                    found.append((contract, live.order.side * live.remaining))
        return found

    def _delta(self, contract: Instrument, spot: Market, at: int) -> float | Unknown:
        price = self._markets[contract.id].price
        if spot.price <= 0 or price <= 0 or contract.strike is None or contract.expiry is None:
            return UNKNOWN
        return _option_delta(contract, spot=to_float(spot.price), price=to_float(price), at=at)


def _direction(contract: Instrument) -> int:
    """Whether a purchase takes the underlying up (1) or down (-1)."""
    return -1 if contract.segment is _OPTION and contract.right is OptionRight.PUT else 1


def _option_delta(contract: Instrument, *, spot: float, price: float, at: int) -> float | Unknown:
    from tradsys.numerics.options import CALL, PUT, Implied, Options, greeks, implied_volatility

    years = ((contract.expiry or at) - at) / YEAR
    right = PUT if contract.right is OptionRight.PUT else CALL
    strike = to_float(contract.strike or 0)
    found = implied_volatility(Options.on_spot(spot=spot, strike=strike, years=years, right=right), price=price)
    reason = int(found.reason)
    if reason in (Implied.AT_LOWER_BOUND, Implied.BELOW_LOWER_BOUND):
        return float(_direction(contract))
    if reason != Implied.SOLVED:
        return UNKNOWN
    batch = Options.on_spot(spot=spot, strike=strike, years=years, right=right, volatility=found.volatility)
    return float(greeks(batch).delta)
