"""Where our order stands in a queue of which the record shows the length alone. Quantities are exact ints (1e-8).

When an order joins a level, all that is shown there is ahead of it. Trades at the price take from the front, in every
model. What else leaves a level stood somewhere between its front and its back; a model says how much of it was ahead.
A level that is shown smaller than what was ahead settles it: no model keeps more ahead than is there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import msgspec

from tradsys.core.errors import ConfigError, UnknownName


class QueueModel(Protocol):
    """How much of what left a level without a trade was ahead of our order.

    Not modelled: hidden quantity, and what others would have done had our order been there.
    """

    def advance(self, ahead: int, *, level: int, gone: int, lot: int, known: int | None = None) -> int:
        """The quantity ahead after `gone` of `level` left, never above `ahead` nor `level - gone`. `known` is how
        much of what left stood ahead, where order-level data say so."""

    def describe(self) -> str:
        """One sentence for the report."""


class RiskAverse(msgspec.Struct, frozen=True, gc=False):
    """Whoever leaves was behind us, unless the level is shown smaller than what was ahead: an upper bound of the truth.

    Not modelled: that those ahead cancel too.
    """

    def advance(self, ahead: int, *, level: int, gone: int, lot: int, known: int | None = None) -> int:
        """min(ahead, level - gone)."""
        return min(ahead, level - gone)

    def describe(self) -> str:
        """One sentence for the report."""
        return "Queue: only trades at our price, and levels shown smaller than what was ahead, move an order forward."


class Weight(Protocol):
    """How likely a part of a queue is to lose what leaves, by its length.

    Not modelled: how long the orders have been there, how many they are.
    """

    def __call__(self, lots: float) -> float:
        """Weight of a part that is so many lots long: 0 for an empty one, rising."""

    def describe(self) -> str:
        """The formula."""


class Power(msgspec.Struct, frozen=True, gc=False):
    """x ** exponent: 1 spreads what leaves evenly; above 1 most of it leaves the longer part.

    Not modelled: anything but the length.
    """

    exponent: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.exponent <= 16:
            raise ConfigError("exponent of the queue model out of range", value=self.exponent, limit="above 0, to 16")

    def __call__(self, lots: float) -> float:
        """lots ** exponent."""
        return math.pow(lots, self.exponent)

    def describe(self) -> str:
        """The formula."""
        return f"x^{self.exponent:g}"


class Logarithm(msgspec.Struct, frozen=True, gc=False):
    """log(1 + x): length matters little.

    Not modelled: anything but the length.
    """

    def __call__(self, lots: float) -> float:
        """log(1 + lots)."""
        return math.log1p(lots)

    def describe(self) -> str:
        """The formula."""
        return "log(1 + x)"


class Proportional(msgspec.Struct, frozen=True, gc=False):
    """What leaves is shared between ahead and behind as their weights, w(ahead) : w(behind), whole lots down.

    Not modelled: that large orders and patient ones leave differently.
    """

    weight: Weight = Power()

    def advance(self, ahead: int, *, level: int, gone: int, lot: int, known: int | None = None) -> int:
        """ahead - gone × w(ahead) / (w(ahead) + w(level - ahead)), never below 0, at most level - gone."""
        front = self.weight(ahead / lot)
        back = self.weight(max(level - ahead, 0) / lot)
        if front > 0.0:
            ahead = max(ahead - math.floor(gone / lot * (front / (front + back))) * lot, 0)
        return min(ahead, level - gone)

    def describe(self) -> str:
        """One sentence for the report."""
        return f"Queue: what leaves a level is shared between ahead and behind as w(x) = {self.weight.describe()}."


class FirstInFirstOut(msgspec.Struct, frozen=True, gc=False):
    """Exact from order-level data, which name the orders ahead one by one; without them as `RiskAverse`.

    Not modelled: hidden orders, which trade without having been shown.
    """

    def advance(self, ahead: int, *, level: int, gone: int, lot: int, known: int | None = None) -> int:
        """ahead - known."""
        return min(ahead, level - gone) if known is None else ahead - known

    def describe(self) -> str:
        """One sentence for the report."""
        return "Queue: every order ahead is followed by its number (order-level data); without numbers, as risk-averse."


def queue_model(name: str, *, exponent: float = 1.0) -> QueueModel:
    """A queue model by name: `risk_averse`, `proportional` (a power, with its exponent), `logarithmic`, `fifo`.

    Raises `UnknownName` for another name, `ConfigError` for an exponent out of range.
    """
    made: dict[str, Callable[[], QueueModel]] = {
        "risk_averse": RiskAverse,
        "proportional": lambda: Proportional(Power(exponent)),
        "logarithmic": lambda: Proportional(Logarithm()),
        "fifo": FirstInFirstOut,
    }
    if name not in made:
        raise UnknownName("queue model", name, made)
    return made[name]()
