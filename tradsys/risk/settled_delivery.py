"""Nothing is sold before it is settled: stricter than brokers, who let a buyer sell at the risk of an auction."""

from __future__ import annotations

from collections.abc import Callable

from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Claim
from tradsys.core.units import to_text
from tradsys.risk.checks import refuse

_CNC, _SELL, _EQUITY = Product.CNC, Side.SELL, Segment.EQUITY


class SettledDelivery:
    """Shares in delivery are sold only once they are settled, by children of brackets, too.

    `deliverable` says what of the order's position may be delivered at its instant, 1e-8.
    """

    name = "settled-delivery"

    def __init__(self, deliverable: Callable[[Order, Instrument], int]) -> None:
        self._deliverable = deliverable

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Sales of shares in delivery."""
        return side is _SELL and product is _CNC and instrument.segment is _EQUITY

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """None, or `sell-unsettled`."""
        free = self._deliverable(order, instrument) - claim.offered
        if order.quantity <= free:
            return None
        return refuse(
            order,
            "sell-unsettled",
            limit=to_text(max(free, 0)),
            value=to_text(order.quantity),
            fix="sell it after settlement, or set risk.sell_unsettled = true",
        )

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """What is sold, and what is settled and not yet offered."""
        return to_text(order.quantity), to_text(self._deliverable(order, instrument) - claim.offered)
