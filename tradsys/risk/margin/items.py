"""What a margin is made of: the items that brokers name, each with the source of its rate. Money is int 1e-8."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tradsys.core.events import Word


class Item(Word):
    """What money is blocked for; the names of Kite's margin answers, and `elm` beside `var`."""

    SPAN = "span"
    """Worst scenario of futures and options, with short premiums and calendar spreads in it."""
    EXPOSURE = "exposure"
    """Extreme loss margin of futures and short options."""
    OPTION_PREMIUM = "option_premium"
    """What long options are worth, or cost."""
    VAR = "var"
    """Value at risk of shares."""
    ELM = "elm"
    """Extreme loss margin of shares."""
    ADDITIONAL = "additional"
    """Whatever is asked for on top: delivery in full, the intraday floor, the day of expiry."""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """One amount of a margin: for what, how much, by which rule and from which source."""

    item: Item
    amount: int
    reason: str
    source: str


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """A margin as the charges it is the sum of; `notes` says what was done instead of the full model, and why."""

    charges: tuple[Charge, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, item: Item) -> int:
        """The sum of the charges of an item."""
        return sum(each.amount for each in self.charges if each.item is item)

    @property
    def total(self) -> int:
        """The sum of all charges."""
        return sum(each.amount for each in self.charges)

    @property
    def simplified(self) -> bool:
        """Whether the simplified model stood in for parameters that were missing."""
        return any(each.startswith(SIMPLIFIED) for each in self.notes)

    def items(self) -> dict[str, int]:
        """Every item by its name, and `total`."""
        return {str(item): self.of(item) for item in Item} | {"total": self.total}

    def __add__(self, other: Margin) -> Margin:
        """The charges of both."""
        return Margin(charges=self.charges + other.charges, notes=self.notes + other.notes)


SIMPLIFIED: Final = "simplified model"
NOTHING: Final = Margin()


def margin_of_charges(charges: Iterable[Charge], *, notes: Iterable[str] = ()) -> Margin:
    """A margin of the charges that are not 0."""
    return Margin(charges=tuple(each for each in charges if each.amount), notes=tuple(notes))


def added(parts: Iterable[Margin]) -> Margin:
    """The sum of margins."""
    return sum(parts, NOTHING)
