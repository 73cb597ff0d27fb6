"""Orders in their slots, and the queues that link them: one for each price level, first come first served."""

from __future__ import annotations

from tradsys.exchange.book.identifiers import erase, hash_of, place_of_slot
from tradsys.exchange.book.ladder import close_level, level_address, level_number, open_level
from tradsys.exchange.book.layout import (
    DETAILS,
    FREE_SLOT,
    HEAD,
    HIDDEN,
    INSTRUMENT_BYTES,
    INSTRUMENTS,
    KEY,
    LEVEL,
    LEVEL_COUNT,
    LEVEL_HIDDEN,
    LEVEL_SHOWN,
    LIVE,
    NEXT,
    NUMBER,
    ORDERS,
    PREVIOUS,
    SHOWN,
    SIDE_BYTES,
    SIDES,
    SLOT_BITS,
    SLOT_DISPLAY,
    SLOT_ID,
    SLOTS,
    TAIL,
)
from tradsys.exchange.book.machine import INLINE, PART, jit, load, load4, store, store4


@jit(INLINE)
def order_at(base: int, slot: int) -> int:
    """Where an order is."""
    return base + ORDERS + (slot << SLOT_BITS)


@jit(INLINE)
def details_at(base: int, slot: int) -> int:
    """Where an order's details are."""
    return base + DETAILS + (slot << SLOT_BITS)


@jit(INLINE)
def instrument_at(base: int, number: int) -> int:
    """Where an instrument is."""
    return base + INSTRUMENTS + number * INSTRUMENT_BYTES


@jit(INLINE)
def ladder_at(instrument: int, side: int) -> int:
    """Where a side is: 0 bids, 1 asks, 2 waiting buys, 3 waiting sells."""
    return instrument + SIDES + side * SIDE_BYTES


@jit(INLINE)
def take_slot(base: int) -> int:
    """A slot for one more live order."""
    store(base + LIVE, load(base + LIVE) + 1)
    slot = load(base + FREE_SLOT)
    if slot == 0:
        slot = load(base + SLOTS)
        store(base + SLOTS, slot + 1)
    else:
        store(base + FREE_SLOT, load4(order_at(base, slot) + NEXT))
    return slot


@jit(INLINE)
def release(base: int, slot: int) -> None:
    """An order is no longer live: its identifier and its slot are free."""
    erase(place_of_slot(base, hash_of(load(order_at(base, slot) + SLOT_ID)), slot))
    free_slot(base, slot)


@jit(INLINE)
def free_slot(base: int, slot: int) -> None:
    """A slot whose identifier is out is there for the next order."""
    store4(order_at(base, slot) + NEXT, load(base + FREE_SLOT))
    store(base + FREE_SLOT, slot)
    store(base + LIVE, load(base + LIVE) - 1)


@jit(INLINE)
def _enqueue(base: int, level: int, slot: int, shown: int, hidden: int) -> int:
    """To the tail of a level; the slot before it."""
    order = order_at(base, slot)
    tail = load4(level + TAIL)
    store4(level + TAIL, slot)
    store(order + NEXT, tail << 32)
    store(level + LEVEL_SHOWN, load(level + LEVEL_SHOWN) + shown)
    store(level + LEVEL_HIDDEN, load(level + LEVEL_HIDDEN) + hidden)
    store(level + LEVEL_COUNT, load(level + LEVEL_COUNT) + 1)
    if tail:
        store4(order_at(base, tail) + NEXT, slot)
    else:
        store4(level + HEAD, slot)
    return tail


@jit(INLINE)
def append_quantities(base: int, ladder: int, side: int, slot: int, price: int, shown: int, hidden: int) -> None:
    """To the tail of the queue at a price, with what the order shows and hides."""
    number = level_number(base, ladder, price)
    store(order_at(base, slot) + KEY, price | (number << 32))
    if _enqueue(base, level_address(base, number), slot, shown, hidden) == 0:
        open_level(base, ladder, side, price, number)


@jit(PART)
def append(base: int, ladder: int, side: int, slot: int, price: int) -> None:
    """To the tail of the queue at a price."""
    order = order_at(base, slot)
    append_quantities(base, ladder, side, slot, price, load(order + SHOWN), load(order + HIDDEN))


@jit(INLINE)
def market_level(base: int, instrument: int, side: int) -> int:
    """The queue of an auction's market orders, which has no price."""
    return level_address(base, 2 * load(instrument + NUMBER) + side)


@jit(PART)
def append_market(base: int, instrument: int, side: int, slot: int) -> None:
    """To the tail of the queue of market orders."""
    order = order_at(base, slot)
    store(order + KEY, (2 * load(instrument + NUMBER) + side) << 32)
    _enqueue(base, market_level(base, instrument, side), slot, load(order + SHOWN), load(order + HIDDEN))


@jit(INLINE)
def unlink(base: int, ladder: int, side: int, slot: int) -> None:
    """Out of its queue."""
    order = order_at(base, slot)
    number = load4(order + LEVEL)
    price = load4(order + KEY)
    level = level_address(base, number)
    following = load4(order + NEXT)
    previous = load4(order + PREVIOUS)
    store(level + LEVEL_SHOWN, load(level + LEVEL_SHOWN) - load(order + SHOWN))
    store(level + LEVEL_HIDDEN, load(level + LEVEL_HIDDEN) - load(order + HIDDEN))
    store(level + LEVEL_COUNT, load(level + LEVEL_COUNT) - 1)
    if previous:
        store4(order_at(base, previous) + NEXT, following)
    else:
        store4(level + HEAD, following)
    if following:
        store4(order_at(base, following) + PREVIOUS, previous)
    else:
        store4(level + TAIL, previous)
    if previous == 0 and following == 0 and price != 0:
        close_level(base, ladder, side, price, number)


@jit(PART)
def renew(base: int, level: int, slot: int) -> None:
    """An iceberg that has shown all it showed: the next part, at the tail of its level."""
    order = order_at(base, slot)
    shown = min(load(details_at(base, slot) + SLOT_DISPLAY), load(order + HIDDEN))
    show(level, order, shown, load(order + HIDDEN) - shown)
    if load4(level + TAIL) == slot:
        return
    following = load4(order + NEXT)
    store4(level + HEAD, following)
    store4(order_at(base, following) + PREVIOUS, 0)
    tail = load4(level + TAIL)
    store(order + NEXT, tail << 32)
    store4(order_at(base, tail) + NEXT, slot)
    store4(level + TAIL, slot)


@jit(INLINE)
def show(level: int, order: int, shown: int, hidden: int) -> None:
    """Change what an order shows and hides, and its level's sums."""
    store(level + LEVEL_SHOWN, load(level + LEVEL_SHOWN) + shown - load(order + SHOWN))
    store(level + LEVEL_HIDDEN, load(level + LEVEL_HIDDEN) + hidden - load(order + HIDDEN))
    store(order + SHOWN, shown)
    store(order + HIDDEN, hidden)
