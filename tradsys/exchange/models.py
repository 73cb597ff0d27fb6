"""What a simulation on bars has to assume, one small interface an assumption. Every default is against the trader.

Prices and quantities are exact ints (1e-8). `describe` is the sentence that every report prints.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import Bar, Side
from tradsys.core.units import SCALE, Rounding, to_step


class ExactBar(msgspec.Struct, frozen=True, gc=False):
    """A bar in exact ints: when it began and ended, and its prices in 1e-8. Every order looks at the first; the others
    are converted when they are asked for."""

    start: int
    end: int
    open: int
    bar: Bar

    @property
    def high(self) -> int:
        """Highest price."""
        return round(self.bar.high * SCALE)

    @property
    def low(self) -> int:
        """Lowest price."""
        return round(self.bar.low * SCALE)

    @property
    def close(self) -> int:
        """Last price."""
        return round(self.bar.close * SCALE)


class Slippage(Protocol):
    """What a market order pays beyond the price it aimed at.

    Not modelled: the order's own size against the book, spread that widens with volatility.
    """

    def worsen(self, price: int, *, side: Side, tick: int) -> int:
        """The price after slippage, rounded to the tick against the trader."""

    def describe(self) -> str:
        """One sentence for the report."""


class BasisPoints(msgspec.Struct, frozen=True, gc=False):
    """A fixed fraction of the price.

    Not modelled: the order's own size, time of day, volatility.
    """

    hundredths: int

    def worsen(self, price: int, *, side: Side, tick: int) -> int:
        """price × (1 ± basis points), then to the tick: up for a buyer, down for a seller, never below one tick."""
        if side > 0:
            return -(-price * (1_000_000 + self.hundredths) // (1_000_000 * tick)) * tick
        worse = price * (1_000_000 - self.hundredths) // (1_000_000 * tick) * tick
        return worse if worse > tick else tick

    def describe(self) -> str:
        """One sentence for the report."""
        return f"Market orders and stops slip {self.hundredths / 100:g} basis points against us, rounded to the tick."


def basis_points(value: float) -> BasisPoints:
    """Slippage from a run file. Raises `ConfigError` outside 0…10,000."""
    if not 0 <= value <= 10_000:
        raise ConfigError("execution.slippage_bps out of range", value=value, limit="0 to 10000", fix="5 is usual")
    return BasisPoints(round(value * 100))


class Participation(Protocol):
    """How much of a bar's volume may be ours.

    Not modelled: that trading at the cap moves the price.
    """

    def allowed(self, bar: Bar, lot: int) -> int:
        """Quantity that may fill in this bar (1e-8), a multiple of the lot."""

    def describe(self) -> str:
        """One sentence for the report."""


class VolumeShare(msgspec.Struct, frozen=True, gc=False):
    """A fixed share of the bar's volume; the rest of an order waits for the next bar.

    Not modelled: that others compete for the same volume.
    """

    millionths: int

    def allowed(self, bar: Bar, lot: int) -> int:
        """volume × share, down to the lot; nothing where the volume is missing."""
        volume = bar.volume
        return round(volume * SCALE) * self.millionths // (1_000_000 * lot) * lot if volume > 0 else 0

    def describe(self) -> str:
        """One sentence for the report."""
        return f"At most {self.millionths / 10_000:g} % of a bar's volume is ours; the rest of an order waits."


class Unlimited(msgspec.Struct, frozen=True, gc=False):
    """Any quantity fills: for data without volume.

    Not modelled: volume.
    """

    def allowed(self, bar: Bar, lot: int) -> int:
        """No limit."""
        return 2**62

    def describe(self) -> str:
        """One sentence for the report."""
        return "Any quantity fills: volume is not looked at."


def participation(share: float) -> VolumeShare | Unlimited:
    """Participation cap from a run file; 0 means unlimited. Raises `ConfigError` outside 0…1."""
    if not 0 <= share <= 1:
        raise ConfigError("execution.participation is a fraction of volume", value=share, limit="0 to 1 (0: unlimited)")
    return VolumeShare(round(share * 1_000_000)) if share else Unlimited()


class PriceBand(Protocol):
    """Prices beyond which the exchange lets nothing trade.

    Not modelled: queues of unfilled orders at the limit.
    """

    def limits(self, reference: int, *, tick: int) -> tuple[int, int]:
        """Lowest and highest price of the day for a previous close."""

    def describe(self) -> str:
        """One sentence for the report."""


class PercentBand(msgspec.Struct, frozen=True, gc=False):
    """A fixed percentage around the previous close.

    Not modelled: dynamic bands that flex during the day.
    """

    millionths: int

    def limits(self, reference: int, *, tick: int) -> tuple[int, int]:
        """reference × (1 ± band), rounded into the band; unbounded without a reference."""
        if reference <= 0:
            return (0, 2**62)
        low = to_step(reference * (1_000_000 - self.millionths) // 1_000_000, tick, Rounding.UP)
        return (low, to_step(reference * (1_000_000 + self.millionths) // 1_000_000, tick, Rounding.DOWN))

    def describe(self) -> str:
        """One sentence for the report."""
        return f"No fill beyond ±{self.millionths / 10_000:g} % of the previous close, nor against a locked bar."


class NoBand(msgspec.Struct, frozen=True, gc=False):
    """No price band (crypto).

    Not modelled: exchange price protection.
    """

    def limits(self, reference: int, *, tick: int) -> tuple[int, int]:
        """No limits."""
        return (0, 2**62)

    def describe(self) -> str:
        """One sentence for the report."""
        return "No price band."


def price_band(fraction: float) -> PercentBand | NoBand:
    """Price band from a run file; 0 means none. Raises `ConfigError` outside 0…1."""
    if not 0 <= fraction <= 1:
        raise ConfigError("execution.price_band is a fraction of the previous close", value=fraction, limit="0 to 1")
    return PercentBand(round(fraction * 1_000_000)) if fraction else NoBand()
