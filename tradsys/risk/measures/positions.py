"""Positions as risk sees them: what each is worth, and how much money one unit of its underlying's move makes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class OptionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a position an option.

    `years` to expiry, `volatility` and `interest` a year as fractions (0.15 is 15 %), `spot` the underlying's price
    now, `delta` the change of the option's price for one of the underlying's (below 0 for a put).
    """

    strike: float
    years: float
    call: bool
    volatility: float
    spot: float
    delta: float
    interest: float = 0.0


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A holding of one instrument, `quantity` below 0 where sold short.

    `price` is in the instrument's currency, `rate` what one unit of that is worth in the account's. `underlying` is
    what moves it: a name in the history, its own where empty. `market` and `beta` tie it to an index (`beta` NaN: not
    known). `daily_volume` is in units of quantity.
    """

    instrument: str
    quantity: float
    price: float
    multiplier: float = 1.0
    rate: float = 1.0
    currency: str = "INR"
    underlying: str = ""
    sector: str = ""
    market: str = ""
    beta: float = math.nan
    daily_volume: float = math.nan
    option: OptionTerms | None = None

    @property
    def moved_by(self) -> str:
        """What moves it."""
        return self.underlying or self.instrument

    @property
    def value(self) -> float:
        """quantity × price × multiplier × rate, in the account's currency."""
        return self.quantity * self.price * self.multiplier * self.rate

    @property
    def exposure(self) -> float:
        """Money that a move of 1 (100 %) of the underlying makes: the value, or delta × spot of an option's units."""
        if self.option is None:
            return self.value
        return self.quantity * self.multiplier * self.rate * self.option.delta * self.option.spot


class PriceFunction(Protocol):
    """What options are worth: one price a contract unit, float64[n], from arrays of one length.

    A price that cannot be had is NaN, and makes the risk NaN.
    """

    def __call__(
        self, *, spot: Array, strike: Array, years: Array, interest: Array, volatility: Array, call: Flags
    ) -> Array:
        """Prices of n options, each by its own spot, strike, years, interest, volatility and right."""
        ...


class Portfolio:
    """Positions with their values and exposures, float64[p] each, in the order given, and what moves each.

    `undefined` names the first position of which something is not known; every measure is NaN then, for this reason.
    """

    def __init__(self, positions: Sequence[Position]) -> None:
        self.positions = tuple(positions)
        self.underlyings = [each.underlying or each.instrument for each in self.positions]
        self.options = tuple(i for i, each in enumerate(self.positions) if each.option is not None)
        rows = [(each.quantity, each.price, each.multiplier, each.rate) for each in self.positions]
        quantity, price, multiplier, rate = np.array(rows, np.float64).reshape(-1, 4).T
        self.values = quantity * price * multiplier * rate
        self.exposures = self.values.copy()
        for i in self.options:
            self.exposures[i] = self.positions[i].exposure
        self.undefined = self._unknown((price >= 0.0) & (multiplier > 0.0) & (rate > 0.0))

    def __len__(self) -> int:
        return len(self.positions)

    def _unknown(self, possible: Flags) -> str:
        bad = np.flatnonzero(~(np.isfinite(self.values) & np.isfinite(self.exposures)))
        if len(bad):
            return f"{self.positions[bad[0]].instrument}: quantity, price, rate or delta is not known"
        wrong = np.flatnonzero(~possible)
        if not len(wrong):
            return ""
        return f"{self.positions[wrong[0]].instrument}: price below 0, or rate or multiplier not above it"
