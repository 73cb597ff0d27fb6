"""Limits on the Greeks of the account, asked of every order in what they are on.

A Greek is judged as if all that may still trade had: of other live orders those count that would make it worse. What
reduces a Greek passes, and so does what only closes a position.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from tradsys.core.errors import UnknownName
from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.ports import Claim
from tradsys.core.units import SCALE, to_float
from tradsys.engine.markets import Market
from tradsys.engine.order_desk import LiveOrder
from tradsys.engine.run_file import RunFile
from tradsys.portfolio.ledger import Ledger
from tradsys.risk.checks import refuse
from tradsys.risk.greek_limits import GreekLimit, GreeksSection, value_of
from tradsys.risk.greeks import YEAR, Holding, PortfolioGreeks, Underlying, portfolio_greeks, underlying_of


class GreekCheck:
    """See the module. `working` are the live orders, connected once there is an engine.

    An option's volatility is that of its own last price; without one (no price, no time value) it refuses what could
    change the Greek: `greeks-unknown`. Underlyings are valued at their last price in the run.
    """

    name = "greeks"

    def __init__(self, section: GreeksSection, markets: dict[str, Market], ledger: Ledger) -> None:
        self._limits = section.limits
        self._rate = section.interest_rate
        self._markets = markets
        self._ledger = ledger
        self.working: Mapping[int, LiveOrder] = {}

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Orders in anything that a limit is on."""
        return any(_on(limit, instrument) for limit in self._limits)

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """A refusal by the first limit that the order would break, or None."""
        if claim.opening <= 0 or order.parent:
            return None
        units: dict[str, PortfolioGreeks] = {}
        for limit in self._limits:
            if _on(limit, instrument):
                refused = self._judge(limit, order, instrument, claim, units)
                if refused is not None:
                    return refused
        return None

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """What each Greek would be at worst, and the limits."""
        if claim.opening <= 0 or order.parent:
            return "closes only", "none"
        units: dict[str, PortfolioGreeks] = {}
        limits = [limit for limit in self._limits if _on(limit, instrument)]
        found = [self._worst(limit, order, instrument, claim, units) for limit in limits]
        values = [f"{limit.greek} {value:g}" for limit, value in zip(limits, found, strict=True)]
        return ", ".join(values), ", ".join(f"{limit.greek} {limit.most:g}" for limit in limits)

    def _judge(
        self, limit: GreekLimit, order: Order, instrument: Instrument, claim: Claim, units: dict[str, PortfolioGreeks]
    ) -> Refused | None:
        worst = self._worst(limit, order, instrument, claim, units)
        of = limit.underlying or f"all in {limit.currency}"
        most = f"{limit.most:g} ({limit.greek} of {of})"
        if math.isnan(worst):
            unknown = next(each for greeks in units.values() for each in greeks.unvalued)
            value = f"{unknown.instrument}: {unknown.reason}: {unknown.value}"
            fix = "wait for a price and a volatility of it (source: risk.greeks)"
            return refuse(order, "greeks-unknown", limit=most, value=value, fix=fix)
        if abs(worst) <= limit.most:
            return None
        rule, fix = f"greek-{limit.greek.replace('_', '-')}", "trade less, or hedge first (source: risk.greeks)"
        return refuse(order, rule, limit=most, value=f"{worst:g}", fix=fix)

    def _worst(
        self, limit: GreekLimit, order: Order, instrument: Instrument, claim: Claim, units: dict[str, PortfolioGreeks]
    ) -> float:
        """The Greek with this order and those that push the same way; 0 where it pushes back, NaN where unknown."""

        def made(of: Instrument, quantity: int) -> float:
            if of.id not in units:
                units[of.id] = self._unit(of, at=order.at)
            if units[of.id].unvalued:
                return math.nan
            return value_of(limit, units[of.id]) * to_float(quantity)

        own = made(instrument, order.side * claim.opening)
        if own == 0:
            return 0.0
        held = sum(made(of, quantity) for of, quantity in self._held() if _on(limit, of))
        others = [made(of, quantity) for of, quantity in self._working() if _on(limit, of)]
        worst = held + own + sum(each for each in others if not each * own <= 0)
        return 0.0 if worst * own < 0 else worst

    def _held(self) -> Iterator[tuple[Instrument, int]]:
        return ((each.instrument, each.quantity) for each in self._ledger.open_positions.values())

    def _working(self) -> Iterable[tuple[Instrument, int]]:
        live = (each for each in self.working.values() if not each.order.parent)
        return [(each.route.instrument, each.order.side * each.remaining) for each in live]

    def _unit(self, instrument: Instrument, *, at: int) -> PortfolioGreeks:
        """Greeks of one unit."""
        name = underlying_of(instrument)
        market = self._markets.get(name)
        price = to_float(market.price) if market is not None else 0.0
        underlyings = {name: Underlying(price=price, rate=self._rate)} if price > 0 else {}
        volatility = self._volatility(instrument, price, at) if instrument.segment is Segment.OPTION else math.nan
        held = Holding(instrument=instrument, quantity=SCALE, volatility=volatility)
        return portfolio_greeks([held], underlyings=underlyings, at=at)

    def _volatility(self, instrument: Instrument, spot: float, at: int) -> float:
        from tradsys.numerics.options import CALL, PUT, Options, implied_volatility

        price = to_float(self._markets[instrument.id].price)
        if not (price > 0 and spot > 0 and instrument.strike and instrument.expiry):
            return math.nan
        right = CALL if instrument.right is OptionRight.CALL else PUT
        option = Options.on_spot(
            spot=spot,
            strike=to_float(instrument.strike),
            years=(instrument.expiry - at) / YEAR,
            right=right,
            rate=self._rate,
        )
        return float(implied_volatility(option, price=price).volatility)


def _on(limit: GreekLimit, instrument: Instrument) -> bool:
    if limit.underlying:
        return limit.underlying == underlying_of(instrument)
    return limit.currency == instrument.currency


def greek_check_of(run: RunFile, markets: dict[str, Market], ledger: Ledger) -> GreekCheck | None:
    """The check of a run file, None where it has no `[risk.greeks]`. Raises `UnknownName` for an underlying that no
    instrument of the run has."""
    section = run.risk.greeks
    if section is None:
        return None
    known = list(dict.fromkeys(underlying_of(market.instrument) for market in markets.values()))
    for limit in section.limits:
        if limit.underlying and limit.underlying not in known:
            raise UnknownName("underlying", limit.underlying, known, where="risk.greeks.limits")
    return GreekCheck(section, markets, ledger)
