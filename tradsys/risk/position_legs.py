"""Long and short legs of one perpetual, held at once by one strategy, where the run's venue keeps them apart."""

from __future__ import annotations

from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Claim
from tradsys.core.units import to_text
from tradsys.risk.checks import LEGS, refuse

_OPENS = {Product.LONG: Side.BUY, Product.SHORT: Side.SELL}


class PositionLegs:
    """An account is in one mode: netting knows no legs, hedging nothing else. A leg is closed by what it holds and
    never turns around.

    An order says by its product which leg it is of, and by its side whether it opens or closes: `LONG` opens by buying,
    `SHORT` by selling, as with venues that name the side of the position with each order (Binance: `positionSide`).
    """

    name = "position-legs"

    def __init__(self, *, hedging: bool) -> None:
        self._hedging = hedging

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """In hedging every order of a perpetual, in netting those of a leg."""
        return instrument.segment is Segment.CRYPTO_PERPETUAL and (self._hedging or product in LEGS)

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """None, or `position-mode`, `close-beyond-leg`."""
        opens = _OPENS.get(order.product)
        if (opens is not None) is not self._hedging:
            mode, fix = ("NRML", 'set execution.positions = "hedging"')
            if self._hedging:
                mode, fix = ("LONG, SHORT", 'name the leg: product = "LONG" or "SHORT"')
            return refuse(order, "position-mode", limit=mode, value=order.product, fix=fix)
        if opens is order.side or order.parent:
            return None
        left = abs(claim.held) - claim.offered
        if order.quantity <= left:
            return None
        return refuse(
            order,
            "close-beyond-leg",
            limit=to_text(max(left, 0)),
            value=to_text(order.quantity),
            fix="close what the leg holds, or open the other leg",
        )

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """What is asked for, and what the leg holds that no order is closing yet."""
        return to_text(order.quantity), to_text(abs(claim.held) - claim.offered)
