"""A position as the tables keep it: exact, and the same as the ledger's, without its instrument."""

from __future__ import annotations

import msgspec

from tradsys.core.events import CorporateAction, Fill, Side
from tradsys.core.units import SCALE


class PositionLine(msgspec.Struct, kw_only=True):
    """A strategy's position, 1e-8. `cost` is what is open at the prices it was opened at, signed, before any contract
    multiplier: cost / quantity is the average price."""

    strategy: str
    instrument: str
    product: str
    quantity: int = 0
    cost: int = 0
    bought: int = 0
    sold: int = 0
    updated_at: int = 0

    def take(self, fill: Fill) -> None:
        """Close first, then open; what is closed takes its share of the cost, rounded down."""
        signed, held = fill.side * fill.quantity, self.quantity
        self.quantity = held + signed
        if held * signed < 0:
            closed = max(-abs(held), -fill.quantity) * (1 if held > 0 else -1)
            self.cost -= self.cost if closed == -held else self.cost * -closed // held
            signed -= closed
        self.cost += -(-fill.price * signed // SCALE)
        if fill.side is Side.BUY:
            self.bought += fill.quantity
        else:
            self.sold += fill.quantity
        self.updated_at = fill.at

    def carry(self, action: CorporateAction) -> None:
        """Split or bonus: shares are whole, and a fraction was paid in cash."""
        exact = abs(self.quantity) * action.new // (action.old * SCALE) * SCALE
        self.quantity = exact if self.quantity > 0 else -exact
        self.cost = self.cost if exact else 0
        self.updated_at = action.at
