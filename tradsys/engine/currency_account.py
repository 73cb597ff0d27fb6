"""What stands before and behind the ledger of an account with foreign instruments, in the account's currency."""

from __future__ import annotations

import msgspec

from tradsys.core.events import Fill, Order
from tradsys.core.instruments import Instrument
from tradsys.core.ports import ChargePlan, Claim
from tradsys.core.units import SCALE, Rounding, divide
from tradsys.engine.markets import Market
from tradsys.engine.standing import AccountStanding, MarginRate, Route
from tradsys.portfolio.currencies import CurrencyLedger

Items = tuple[tuple[str, int], ...]


class ConvertedCharges:
    """A plan whose items are in the account's currency: each is converted at the rate in force, rounded up."""

    def __init__(self, plan: ChargePlan, ledger: CurrencyLedger) -> None:
        self._plan = plan
        self._ledger = ledger

    def on_fill(self, fill: Fill, instrument: Instrument) -> Items:
        """Items of one fill, 1e-8 of the account's currency."""
        return self._converted(self._plan.on_fill(fill, instrument), instrument)

    def on_exercise(self, intrinsic: int, instrument: Instrument, *, at: int) -> Items:
        """Items of an option exercised at expiry, 1e-8 of the account's currency."""
        return self._converted(self._plan.on_exercise(intrinsic, instrument, at=at), instrument)

    def state(self) -> bytes:
        """As the plan's."""
        return self._plan.state()

    def restore(self, state: bytes) -> None:
        """As the plan's."""
        self._plan.restore(state)

    def _converted(self, items: Items, instrument: Instrument) -> Items:
        rate = self._ledger.rate_of(instrument)
        return items if rate is None else tuple((name, _up(amount, rate)) for name, amount in items)


class ConvertedStanding(AccountStanding):
    """A standing whose claims are in the account's currency, rounded up."""

    __slots__ = ("_rates",)

    def __init__(self, ledger: CurrencyLedger, markets: dict[str, Market], margin_rate: MarginRate) -> None:
        super().__init__(ledger, markets, margin_rate)
        self._rates = ledger

    def claim(self, order: Order, route: Route) -> Claim:
        """What an order means for the account; its price is in the instrument's currency."""
        claim = super().claim(order, route)
        rate = self._rates.rate_of(route.instrument)
        return claim if rate is None else msgspec.structs.replace(claim, needed=_up(claim.needed, rate))


def _up(amount: int, rate: int) -> int:
    return divide(amount * rate, SCALE, Rounding.UP)
