"""What happened, written one after the other into the last part of the block."""

from __future__ import annotations

from tradsys.exchange.book.layout import (
    COMMANDS,
    EVENT_BYTES,
    EVENT_COMMAND,
    EVENT_COUNT,
    EVENT_ORDER,
    EVENT_OTHER,
    EVENT_PRICE,
    EVENT_QUANTITY,
    EVENTS,
    EVENTS_LOST,
    MOST_EVENTS,
    NUMBER,
)
from tradsys.exchange.book.machine import INLINE, jit, load, store


@jit(INLINE)
def record(
    base: int,
    instrument: int,
    what: int,
    side: int,
    order_id: int,
    other_id: int,
    price: int,
    quantity: int,
    reason: int,
) -> None:
    """One event; counted as lost where the room for events of one call is used up."""
    count = load(base + EVENT_COUNT)
    if count == MOST_EVENTS:
        store(base + EVENTS_LOST, load(base + EVENTS_LOST) + 1)
        return
    event = base + EVENTS + count * EVENT_BYTES
    store(event, what | (side << 8) | (reason << 16) | (load(instrument + NUMBER) << 32))
    store(event + EVENT_COMMAND, load(base + COMMANDS))
    store(event + EVENT_ORDER, order_id)
    store(event + EVENT_OTHER, other_id)
    store(event + EVENT_PRICE, price)
    store(event + EVENT_QUANTITY, quantity)
    store(base + EVENT_COUNT, count + 1)
