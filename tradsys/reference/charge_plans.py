"""Charge plans as the ledger uses them: one object a run, called once a fill, owner of what a tariff counts by the day.

Plans: `zerodha` (dated Indian tariff), `crypto` (maker and taker fractions), `flat` (one fraction), `none`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Fill, Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import DAY, MINUTE
from tradsys.reference.charges import (
    Items,
    Rates,
    exercise_tax,
    portion,
    rate_from_float,
    rates_on,
    segment_of,
)

SQUARE_OFF_REASON = "square_off"
_IST = 330 * MINUTE
_EPOCH = date(1970, 1, 1).toordinal()


class FreePlan:
    """No charges at all."""

    def on_fill(self, fill: Fill, instrument: Instrument) -> Items:
        """No items."""
        return ()

    def on_exercise(self, intrinsic: int, instrument: Instrument, *, at: int) -> Items:
        """No items."""
        return ()

    def state(self) -> bytes:
        """Nothing: no day is counted."""
        return b""

    def restore(self, state: bytes) -> None:
        """Raises `ConfigError` for the state of another plan."""
        if state:
            raise ConfigError("charges: not a state of this plan", value=len(state), limit=0, fix="use the same plan")


class FlatPlan(FreePlan):
    """One fraction of notional on both sides; maker fills at `maker` where it differs from `taker`.

    Not modelled: volume tiers, discounts for paying in a token, taxes.
    """

    def __init__(self, *, taker: int, maker: int) -> None:
        self._taker = taker
        self._maker = maker

    def on_fill(self, fill: Fill, instrument: Instrument) -> Items:
        """The commission, under the name `brokerage`."""
        rate = self._maker if fill.maker else self._taker
        return (("brokerage", portion(fill.price * fill.quantity * instrument.multiplier, rate)),)


class _Counts(msgspec.Struct, frozen=True, kw_only=True):
    day: int
    turnover: dict[int, int]
    debited: list[str]


class TariffPlan:
    """A dated tariff by trade date (IST), or by `as_of` for every date.

    Brokerage is due once an executed order and day, on the turnover of all its fills; the DP charge once a scrip and
    day, with the day's first delivery sale. A fill whose reason is `square_off` pays the broker's fee, once an order,
    if `square_off_fee`. Not modelled: delivery shares bought and sold on one day (taxed here as delivery), BSE stock
    options and groups with their own rates.
    """

    def __init__(self, plan: str, *, as_of: date | None, square_off_fee: bool = False) -> None:
        self._plan = plan
        self._as_of = as_of
        self._square_off_fee = square_off_fee
        self._rates: dict[tuple[str, str, int], Rates] = {}
        self._day = -1
        self._turnover: dict[int, int] = {}
        self._debited: set[str] = set()

    def on_fill(self, fill: Fill, instrument: Instrument) -> Items:
        """Eight items, zeros included. Raises `UncoveredDate` where no rate covers the trade date."""
        day = (fill.exchange_at + _IST) // DAY + _EPOCH
        if day != self._day:
            self._begin(day)
        rates = self._rates.get((fill.instrument, fill.product, fill.side))
        if rates is None or not (self._as_of or rates.since <= day < rates.until):
            rates = self._look_up(fill, instrument)
        turnover = fill.price * fill.quantity * instrument.multiplier
        brokerage = self._brokerage(fill, turnover, rates)
        dp = self._debit(fill.instrument, rates.dp) if rates.dp else 0
        return rates.items(turnover, brokerage=brokerage, dp=dp)

    def on_exercise(self, intrinsic: int, instrument: Instrument, *, at: int) -> Items:
        """STT on options exercised at expiry; `intrinsic` is their value in money, 1e-8."""
        day = self._as_of or date.fromordinal((at + _IST) // DAY + _EPOCH)
        return (("stt", exercise_tax(intrinsic, day=day, plan=self._plan, exchange=instrument.exchange)),)

    def state(self) -> bytes:
        """The day, the turnover of each order and the scrips debited, as JSON, whose numbers have no limit."""
        counts = _Counts(day=self._day, turnover=self._turnover, debited=sorted(self._debited))
        return msgspec.json.encode(counts)

    def restore(self, state: bytes) -> None:
        """Go on from what `state` gave. Raises `ConfigError` for bytes that are none."""
        try:
            counts = msgspec.json.decode(state, type=_Counts)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"charges: not a state of this plan: {error}", value=len(state), limit="what state() gave"
            ) from None
        self._day, self._turnover, self._debited = counts.day, counts.turnover, set(counts.debited)

    def _begin(self, day: int) -> None:
        self._day = day
        self._turnover.clear()
        self._debited.clear()

    def _look_up(self, fill: Fill, instrument: Instrument) -> Rates:
        rates = rates_on(
            self._as_of or date.fromordinal(self._day),
            plan=self._plan,
            exchange=instrument.exchange,
            segment=segment_of(instrument, fill.product),
            side=Side(fill.side),
        )
        self._rates[fill.instrument, fill.product, fill.side] = rates
        return rates

    def _brokerage(self, fill: Fill, turnover: int, rates: Rates) -> int:
        before = self._turnover.get(fill.order_id)
        self._turnover[fill.order_id] = (before or 0) + turnover
        if before is not None:
            return rates.brokerage_due(before + turnover) - rates.brokerage_due(before)
        fee = rates.square_off if self._square_off_fee and fill.reason == SQUARE_OFF_REASON else 0
        return rates.brokerage_due(turnover) + fee

    def _debit(self, instrument: str, amount: int) -> int:
        if instrument in self._debited:
            return 0
        self._debited.add(instrument)
        return amount


Plan = FreePlan | TariffPlan


def _free(as_of: date | None) -> Plan:
    return FreePlan()


def _flat(as_of: date | None, *, rate: float) -> Plan:
    exact = rate_from_float(rate, name="charges.rate")
    return FlatPlan(taker=exact, maker=exact)


def _crypto(as_of: date | None, *, maker: float, taker: float) -> Plan:
    return FlatPlan(
        taker=rate_from_float(taker, name="charges.taker"),
        maker=rate_from_float(maker, name="charges.maker", low=-0.01),
    )


def _zerodha(as_of: date | None, *, square_off_fee: bool = False) -> Plan:
    return TariffPlan("zerodha", as_of=as_of, square_off_fee=square_off_fee)


PLANS: dict[str, tuple[Callable[..., Plan], frozenset[str], frozenset[str]]] = {
    "none": (_free, frozenset(), frozenset()),
    "flat": (_flat, frozenset({"rate"}), frozenset({"rate"})),
    "crypto": (_crypto, frozenset({"maker", "taker"}), frozenset({"maker", "taker"})),
    "zerodha": (_zerodha, frozenset(), frozenset({"square_off_fee"})),
}
"""Plan to (maker, parameters it needs, parameters it takes)."""


def charge_plan(plan: str, *, as_of: date | None = None, **parameters: float) -> Plan:
    """The plan of a run file's `[charges]`: `plan`, `as_of` (rates of that date for all trades) and its parameters.

    Undated plans have no rates for `as_of` to choose. Raises `UnknownName` for a plan or parameter that does not
    exist, `ConfigError` for one that is missing or out of range. Make one a run: it owns the day's state.
    """
    if plan not in PLANS:
        raise UnknownName("charges plan", plan, PLANS)
    make, needed, taken = PLANS[plan]
    for name in parameters:
        if name not in taken:
            raise UnknownName("parameter", name, taken, where=f"charges plan {plan}")
    for name in sorted(needed - set(parameters)):
        raise ConfigError(f"charges plan {plan} needs {name}", value=None, fix=f"set charges.{name}")
    return make(as_of, **parameters)
