"""Margin that open positions take up, by the dated rates by which a run's checks ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tradsys.core.errors import UncoveredDate
from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE
from tradsys.engine.standing import MarginRate
from tradsys.portfolio.ledger import Position
from tradsys.risk.checks import LEVERAGED


class MarginInUse(NamedTuple):
    """Money in 1e-8; None with the reason where it cannot be said."""

    amount: int | None
    undefined: str = ""


def margin_in_use(positions: Iterable[Position], marks: dict[str, int], rate: MarginRate, *, at: int) -> MarginInUse:
    """Sum over positions of rate × notional at their marks, rounded up; a sold option's notional is that of its strike,
    and its premium is added. What is paid in full (CNC, spot, bought options) takes up no margin."""
    total = 0
    for held in positions:
        bought = held.instrument.segment is Segment.OPTION and held.quantity > 0
        if held.product not in LEVERAGED or bought or not held.quantity:
            continue
        try:
            share = rate(held.instrument, held.product, at)
        except UncoveredDate as problem:
            return MarginInUse(None, problem.message)
        total += _of(held, marks[held.instrument.id], share)
    return MarginInUse(total)


def _of(held: Position, price: int, share: int) -> int:
    strike, quantity = held.instrument.strike, abs(held.quantity)
    base = price if strike is None else strike
    premium = 0 if strike is None else price * quantity * held.instrument.multiplier // SCALE
    return -(-base * quantity * held.instrument.multiplier * share // SCALE**2) + premium
