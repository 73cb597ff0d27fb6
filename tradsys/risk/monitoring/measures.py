"""A value beside its limit, exact, and both as people read them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tradsys.core.units import SCALE, format_money, to_text


class Unit(StrEnum):
    """What a measure counts in."""

    MONEY = "money"
    """1e-8 of the account's currency."""
    SHARE = "share"
    """1e-8 of its base, itself in 1e-8: a drawdown of a peak, an exposure of equity."""
    UNITS = "units"
    """1e-8 of a unit of an instrument."""
    TIME = "time"
    """Nanoseconds."""
    COUNT = "count"


class Measure(NamedTuple):
    """A value and its limit in one unit; at the limit is breached. `base`: what a `SHARE` is a share of. Where the
    value goes from good to breached in one step, it never `approaches`."""

    rule: str
    subject: str
    value: int
    limit: int
    unit: Unit
    base: int = 0
    approaches: bool = True

    @property
    def breached(self) -> bool:
        """Whether the value is at its limit or beyond."""
        return self.value >= self.limit

    def texts(self, currency: str) -> tuple[str, str]:
        """Value and limit for people."""
        return written(self.value, self.unit, base=self.base, currency=currency), written(
            self.limit, self.unit, base=self.base, currency=currency
        )


def written(value: int, unit: Unit, *, base: int, currency: str) -> str:
    """A number of a unit for people. A share of nothing is `∞`."""
    if unit is Unit.MONEY:
        return format_money(value, currency)
    if unit is Unit.UNITS:
        return to_text(value)
    if unit is Unit.SHARE:
        return f"{value / (base * SCALE):.2%}" if base > 0 else "∞"
    return f"{value / 10**9:g} s" if unit is Unit.TIME else str(value)
