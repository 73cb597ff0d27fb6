"""The one door to the market: an order passes every check, or is refused by the first that says no."""

from __future__ import annotations

from collections.abc import Sequence

from tradsys.core.events import Approved, Order, Product, Refused, Side
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Check, Claim


class Gate:
    """Runs the checks in their order. Nothing else makes an `Approved`."""

    __slots__ = ("_checks", "_concerned")

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = tuple(checks)
        self._concerned: dict[tuple[str, Product, Side], tuple[Check, ...]] = {}

    def judge(self, order: Order, instrument: Instrument, claim: Claim) -> Approved | Refused:
        """The verdict on an order and what it claims."""
        route = (order.instrument, order.product, order.side)
        for check in self._concerned.get(route) or self._concern(order, instrument):
            refused = check(order, instrument, claim)
            if refused is not None:
                return refused
        return Approved(at=order.at, order_id=order.order_id, order=order)

    def _concern(self, order: Order, instrument: Instrument) -> tuple[Check, ...]:
        """The checks that can ever refuse an order of this instrument, product and side."""
        product, side = order.product, order.side
        concerned = tuple(check for check in self._checks if check.concerns(instrument, product, side))
        self._concerned[order.instrument, product, side] = concerned
        return concerned
