"""The one door to the market: an order passes every check, or is refused by the first that says no."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tradsys.core.events import Approved, Order, Product, Refused, Side
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Check, Claim
from tradsys.engine.standing import Route

Told = Callable[[Check, Order, Instrument, Claim, Refused | None], None]
"""Hears a check's word on an order: the check, what it was asked, and its refusal or None."""

Fuse = Callable[[tuple[Check, ...]], tuple[Check, ...]]
"""Puts checks of one route together into fewer that say the same."""


class Gate:
    """Runs the checks in their order, fused where nobody listens to each. Nothing else makes an `Approved`."""

    __slots__ = ("_checks", "_fuse")

    def __init__(self, checks: Sequence[Check], *, fuse: Fuse | None = None) -> None:
        self._checks = tuple(checks)
        self._fuse = fuse

    def concerning(self, instrument: Instrument, product: Product, side: Side) -> tuple[Check, ...]:
        """The checks that can ever refuse an order of this instrument, product and side: to be asked of the orders of
        one strategy."""
        found = tuple(check for check in self._checks if check.concerns(instrument, product, side))
        return found if self._fuse is None else self._fuse(found)

    def witness(self, told: Told) -> None:
        """Let somebody hear every check's word on every order. To be called before the first order."""
        self._checks = tuple(_Witnessed(check, told) for check in self._checks)
        self._fuse = None

    def judge(self, order: Order, route: Route, claim: Claim) -> Approved | Refused:
        """The verdict on an order and what it claims."""
        for check in route.checks:
            refused = check(order, route.instrument, claim)
            if refused is not None:
                return refused
        return Approved(at=order.at, order_id=order.order_id, order=order)


class _Witnessed:
    """A check that tells what it said."""

    def __init__(self, check: Check, told: Told) -> None:
        self.name = check.name
        self.concerns = check.concerns
        self._check = check
        self._told = told

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        refused = self._check(order, instrument, claim)
        self._told(self._check, order, instrument, claim, refused)
        return refused
