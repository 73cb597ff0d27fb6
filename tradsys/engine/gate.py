"""The one door to the market: an order passes every check, or is refused by the first that says no."""

from __future__ import annotations

from collections.abc import Sequence

from tradsys.core.events import Approved, Order, Refused
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Check, Claim


class Gate:
    """Runs the checks in their order. Nothing else makes an `Approved`."""

    __slots__ = ("_checks",)

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = tuple(checks)

    def judge(self, order: Order, instrument: Instrument, claim: Claim) -> Approved | Refused:
        """The verdict on an order and what it claims."""
        for check in self._checks:
            refused = check(order, instrument, claim)
            if refused is not None:
                return refused
        return Approved(at=order.at, order_id=order.order_id, order=order)
