"""What can be traded, with the tick and lot of the day, and the one border between floats and exact prices."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import Word
from tradsys.core.units import SCALE, Price, Quantity, Rounding, from_float, to_step


class Segment(Word):
    """What kind of thing an instrument is; decides products, margin, charges and settlement."""

    EQUITY = "equity"
    INDEX = "index"
    FUTURE = "future"
    OPTION = "option"
    CRYPTO_SPOT = "crypto_spot"
    CRYPTO_PERPETUAL = "crypto_perpetual"


class OptionRight(Word):
    """Call or put, in the exchange's spelling."""

    CALL = "CE"
    PUT = "PE"


class DatedStep(msgspec.Struct, frozen=True):
    """A step (tick or lot, 1e-8 units) in force from an instant (UTC nanoseconds) on."""

    since: int
    step: int


def _in_force(steps: tuple[DatedStep, ...], at: int) -> int:
    index = bisect_right(steps, at, key=lambda row: row.since) - 1
    return steps[max(index, 0)].step


class Instrument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One tradable (or, for an index, observable) thing.

    `ticks` and `lots` are sorted by `since`. `multiplier` turns price × quantity into money (1 in India, where quantity
    is in units). `expiry` is the UTC instant trading ends. Derivatives name their `underlying`.
    """

    id: str
    exchange: str
    symbol: str
    segment: Segment
    currency: str = "INR"
    ticks: tuple[DatedStep, ...] = (DatedStep(0, SCALE // 20),)
    lots: tuple[DatedStep, ...] = (DatedStep(0, SCALE),)
    multiplier: int = 1
    underlying: str = ""
    expiry: int | None = None
    strike: int | None = None
    right: OptionRight | None = None
    physical_settlement: bool = False
    closing_auction: bool = False
    isin: str = ""

    def __post_init__(self) -> None:
        for name, steps in (("tick", self.ticks), ("lot", self.lots)):
            if not steps or any(row.step <= 0 for row in steps):
                raise ConfigError(
                    f"{self.id}: {name} must be positive",
                    value=steps,
                    limit="> 0",
                    fix=f"give a {name}",
                )
            if any(a.since >= b.since for a, b in pairwise(steps)):
                raise ConfigError(
                    f"{self.id}: dated {name}s overlap",
                    value=steps,
                    fix="sort them, one row a date",
                )
        if self.multiplier <= 0:
            raise ConfigError(
                f"{self.id}: multiplier must be positive",
                value=self.multiplier,
                limit="> 0",
            )

    @property
    def is_derivative(self) -> bool:
        """Marked to market instead of paid for in full."""
        return self.segment in (Segment.FUTURE, Segment.CRYPTO_PERPETUAL)

    def tick_at(self, at: int) -> int:
        """Tick in force at an instant, 1e-8 units."""
        return self.ticks[0].step if len(self.ticks) == 1 else _in_force(self.ticks, at)

    def lot_at(self, at: int) -> int:
        """Smallest tradable quantity in force at an instant, 1e-8 units."""
        return self.lots[0].step if len(self.lots) == 1 else _in_force(self.lots, at)

    def price(self, value: float, *, at: int, rounding: Rounding) -> Price:
        """The exact price on the tick grid for a float. Raises `ConfigError` for NaN or a number out of range."""
        units, tick = from_float(value), self.tick_at(at)
        exact = to_step(units, tick, rounding) if units % tick else units
        return exact  # type: ignore[return-value]  # its name costs a call, on the way of every order

    def quantity(self, value: float, *, at: int) -> Quantity:
        """The exact quantity on the lot grid, rounded toward zero. Raises `ConfigError` for NaN or out of range."""
        units = from_float(value)
        lot = self.lot_at(at)
        if not units % lot:
            return units  # type: ignore[return-value]  # as in `price`
        return Quantity(units // lot * lot if units >= 0 else -(-units // lot * lot))
