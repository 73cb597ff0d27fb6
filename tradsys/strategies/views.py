"""Orders and fills as an author sees them: floats and plain words, read only."""

from __future__ import annotations

import msgspec

from tradsys.core.events import Order, OrderEvent, Side
from tradsys.core.units import SCALE


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


_WORDS: dict[type[OrderEvent], tuple[str, str]] = {}
"""How each kind of event is called, and which of its fields says why. Found once: this is done for every order."""


def _words(kind: type[OrderEvent]) -> tuple[str, str]:
    why = next((name for name in ("rule", "reason") if name in kind.__struct_fields__), "")
    words = _WORDS[kind] = kind.__name__.lower(), why
    return words


def order_view(order: Order, event: OrderEvent, *, remaining: int, state: str) -> OrderView:
    """The author's view of an order after an event."""
    kind = type(event)
    name, why = _WORDS.get(kind) or _words(kind)
    return OrderView(
        at=event.at,
        order_id=order.order_id,
        instrument=order.instrument,
        side=order.side,
        quantity=order.quantity / SCALE,
        remaining=remaining / SCALE,
        state=state,
        event=name,
        detail=getattr(event, why) if why else "",
    )
