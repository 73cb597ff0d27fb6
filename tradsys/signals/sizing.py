"""How large a signal is: strength to units. One small class a policy."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.ports import Sizer


class FixedQuantity(msgspec.Struct, frozen=True, gc=False):
    """`value` units at full strength, whatever the price."""

    looks_at_equity: ClassVar[bool] = False
    value: float

    def quantity(self, *, strength: float, price: float, equity: float) -> float:
        """strength × value, in units."""
        return strength * self.value


class FixedNotional(msgspec.Struct, frozen=True, gc=False):
    """`value` of currency at full strength."""

    looks_at_equity: ClassVar[bool] = False
    value: float

    def quantity(self, *, strength: float, price: float, equity: float) -> float:
        """strength × value / price, in units."""
        return strength * self.value / price


class FractionOfEquity(msgspec.Struct, frozen=True, gc=False):
    """`value` of the allotted equity at full strength: 0.95 leaves room for charges and a gap to the next open."""

    looks_at_equity: ClassVar[bool] = True
    value: float

    def quantity(self, *, strength: float, price: float, equity: float) -> float:
        """strength × value × equity / price, in units; nothing when the equity is gone."""
        return strength * self.value * max(equity, 0.0) / price


SIZERS: dict[str, type[FixedQuantity] | type[FixedNotional] | type[FractionOfEquity]] = {
    "fixed_quantity": FixedQuantity,
    "fixed_notional": FixedNotional,
    "fraction_of_equity": FractionOfEquity,
}


class SizerChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sizer = { kind = "fraction_of_equity", value = 0.95 }` of a run file."""

    kind: str = "fraction_of_equity"
    value: float = 0.95


def build(choice: SizerChoice) -> Sizer:
    """The sizer a run file asks for. Raises `UnknownName` or `ConfigError`."""
    if choice.kind not in SIZERS:
        raise UnknownName("sizer", choice.kind, SIZERS, where="strategies.sizer.kind")
    if not choice.value > 0 or choice.value > 1e12:
        raise ConfigError("sizer.value must be positive", value=choice.value, limit="> 0", fix="give a positive number")
    return SIZERS[choice.kind](choice.value)
