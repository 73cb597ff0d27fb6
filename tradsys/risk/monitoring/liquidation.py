"""Which positions to close, and how much of each, to get below a limit: what frees most for its cost goes first."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import msgspec

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Product


class Holding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A position that may be closed. `quantity` is signed, `lot` the step it closes in (1e-8).

    `frees` is what closing all of it takes off the value that is beyond its limit, in the unit of that value; `cost`
    what closing all of it costs, in any one unit.
    """

    strategy: str
    instrument: str
    product: Product
    quantity: int
    lot: int
    frees: int
    cost: int


class Closing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So much of a holding is to be closed: `quantity` has the holding's sign and is no larger."""

    holding: Holding
    quantity: int


def plan(holdings: Iterable[Holding], *, needed: int) -> list[Closing]:
    """Closings that together free at least `needed`, or all that there is to free; in the order to be carried out.

    The holding that frees most for its cost first; of equals the one that frees more, then by name. All are closed
    whole but the last, of which no lot more than needed. Raises `InvariantBroken` for a lot that is not positive.
    """
    found = []
    for holding in sorted(holdings, key=_rank):
        if needed <= 0:
            break
        if holding.frees > 0 and holding.quantity:
            part = _part(holding, needed)
            found.append(Closing(holding=holding, quantity=part if holding.quantity > 0 else -part))
            needed -= holding.frees * part // abs(holding.quantity)
    return found


def _rank(holding: Holding) -> tuple[bool, Fraction, int, str, str, str]:
    costs = holding.cost > 0
    ratio = Fraction(-holding.frees, holding.cost) if costs else Fraction(0)
    return costs, ratio, -holding.frees, holding.strategy, holding.instrument, holding.product


def _part(holding: Holding, needed: int) -> int:
    """The least whole number of lots whose share frees as much, or all of it."""
    if holding.lot <= 0:
        raise InvariantBroken(f"{holding.instrument} has no lot", value=holding.lot, limit="> 0")
    size = abs(holding.quantity)
    least = -(-needed * size // holding.frees)
    return min(size, -(-least // holding.lot) * holding.lot)
