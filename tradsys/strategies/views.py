"""Orders and fills as an author sees them: floats and plain words, read only."""

from __future__ import annotations

import msgspec

from tradsys.core.events import Order, OrderEvent, Side
from tradsys.core.units import to_float


class FillView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A trade of ours: price in currency units, quantity in units, charges in currency."""

    at: int
    order_id: int
    instrument: str
    side: Side
    quantity: float
    price: float
    charges: float
    remaining: float
    reason: str


class OrderView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One of our orders and what just happened to it (`event` is the event's name, `detail` says why)."""

    at: int
    order_id: int
    instrument: str
    side: Side
    quantity: float
    remaining: float
    state: str
    event: str
    detail: str


def order_view(order: Order, event: OrderEvent, *, remaining: int, state: str) -> OrderView:
    """The author's view of an order after an event."""
    return OrderView(
        at=event.at,
        order_id=order.order_id,
        instrument=order.instrument,
        side=order.side,
        quantity=to_float(order.quantity),
        remaining=to_float(remaining),
        state=state,
        event=type(event).__name__.lower(),
        detail=getattr(event, "rule", "") or getattr(event, "reason", ""),
    )
