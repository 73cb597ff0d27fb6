"""What the exchange charges a fill: the port and its schedules.

A `turnover` is the exact product price × quantity × multiplier (1e-16), a fee int 1e-8. An order holds `most` of what
is open of it, so a schedule keeps `most(a + b) >= most(b) + due(a)` for every fill `a`.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from tradsys.core.events import Product, Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.reference.charges import (
    RATE_SCALE,
    Rates,
    exercise_tax,
    goods_and_services_tax,
    rate_from_float,
    rates_on,
    segment_of,
)

_WHOLE = SCALE * RATE_SCALE
_HALF = _WHOLE // 2
# Six items, each within half a unit of its exact amount, GST off by 18 % of two more: 3.2 a sum; three are compared.
_ROUNDINGS = 10


class Fees(Protocol):
    """A schedule of the exchange's fees.

    Not modelled: the broker's brokerage and the depository's charge, which are not the exchange's; volume tiers.
    """

    def begin(self, day: date) -> None:
        """A session begins; its rates are in force."""

    def due(self, instrument: Instrument, *, product: Product, side: int, maker: bool, turnover: int) -> int:
        """The fee of one side of one fill; negative is a rebate."""

    def most(self, instrument: Instrument, *, product: Product, side: int, turnover: int, fills: int) -> int:
        """No lower than the fees of any fills, at most `fills` of them, that add up to at most `turnover`."""

    def exercise(self, instrument: Instrument, *, intrinsic: int) -> int:
        """What the holder of options worth `intrinsic` (money) pays when they are exercised."""


class MakerTaker:
    """One fraction of turnover for the side that waited, one for the side that came; rounded down to 1e-8."""

    def __init__(self, *, maker: float, taker: float) -> None:
        self._maker = rate_from_float(maker, name="the maker fee", low=-0.01)
        self._taker = rate_from_float(taker, name="the taker fee")
        self._higher = max(self._maker, self._taker)

    def begin(self, day: date) -> None:
        """Rates are the same every day."""

    def due(self, instrument: Instrument, *, product: Product, side: int, maker: bool, turnover: int) -> int:
        """See `Fees`."""
        return turnover * (self._maker if maker else self._taker) // _WHOLE

    def most(self, instrument: Instrument, *, product: Product, side: int, turnover: int, fills: int) -> int:
        """See `Fees`; parts rounded down never add up to more than the whole rounded down."""
        return turnover * self._higher // _WHOLE

    def exercise(self, instrument: Instrument, *, intrinsic: int) -> int:
        """Nothing."""
        return 0


class NoFees(MakerTaker):
    """An exchange that charges nothing."""

    def __init__(self) -> None:
        super().__init__(maker=0.0, taker=0.0)


def _collected(rates: Rates, turnover: int) -> int:
    """Sum of the items that an exchange collects: those of `Rates.items` without brokerage, unrolled for speed."""
    exchange = (turnover * rates.exchange + _HALF) // _WHOLE
    sebi = (turnover * rates.sebi + _HALF) // _WHOLE
    tax = goods_and_services_tax(exchange + sebi, rate=rates.gst)
    duty = (turnover * rates.stt + _HALF) // _WHOLE + (turnover * rates.stamp + _HALF) // _WHOLE
    return exchange + (turnover * rates.ipft + _HALF) // _WHOLE + sebi + tax + duty


class TariffFees:
    """STT, exchange, IPFT, SEBI, GST on these and stamp duty of a dated tariff (`docs/charges.md`), by the trade date
    or `as_of` for every date; each item of a fill rounded to the nearest 1e-8. The exchange collects them all.
    """

    def __init__(self, plan: str = "zerodha", *, as_of: date | None = None) -> None:
        self._plan = plan
        self._as_of = as_of
        self._day = date.min
        self._rates: dict[tuple[str, Product, int], Rates] = {}

    def begin(self, day: date) -> None:
        """See `Fees`."""
        self._day = self._as_of or day
        self._rates.clear()

    def due(self, instrument: Instrument, *, product: Product, side: int, maker: bool, turnover: int) -> int:
        """See `Fees`. Raises `UncoveredDate` where no rate covers the date."""
        return _collected(self._on(instrument, product, side), turnover)

    def most(self, instrument: Instrument, *, product: Product, side: int, turnover: int, fills: int) -> int:
        """See `Fees`. Raises as `due`."""
        return _collected(self._on(instrument, product, side), turnover) + _ROUNDINGS * (fills + 1)

    def exercise(self, instrument: Instrument, *, intrinsic: int) -> int:
        """See `Fees`: STT on the intrinsic value."""
        return exercise_tax(intrinsic, day=self._day, plan=self._plan, exchange=instrument.exchange)

    def _on(self, instrument: Instrument, product: Product, side: int) -> Rates:
        key = (instrument.id, product, side)
        rates = self._rates.get(key)
        if rates is None:
            segment = segment_of(instrument, product)
            rates = self._rates[key] = rates_on(
                self._day, plan=self._plan, exchange=instrument.exchange, segment=segment, side=Side(side)
            )
        return rates
