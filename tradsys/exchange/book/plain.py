"""The plain path: limit orders that rest, market orders and cancels where nothing special is going on.

Nearly every message of a market is one of these. Each function either does the whole command, or says `NOT_PLAIN`
before it has changed anything; then the general path does it.
"""

from __future__ import annotations

from tradsys.exchange.book.identifiers import erase, occupy, place_of, room_for
from tradsys.exchange.book.layout import (
    ARRIVAL,
    ARRIVALS,
    BEST,
    HIDDEN,
    HIGHEST_PRICE,
    INSTRUMENT,
    INSTRUMENT_COUNT,
    LARGEST_QUANTITY,
    LIMIT,
    LIVE,
    MOST_ORDERS,
    ORDER_ID,
    OWNER,
    SHOWN,
    SIDE,
    SLOT_ID,
    SLOT_INSTRUMENT,
    SLOT_KIND,
    SLOT_SIDE,
    SPECIAL,
    VALIDITY,
)
from tradsys.exchange.book.machine import INLINE, jit, load, load1, load2, load4, store
from tradsys.exchange.book.queues import (
    append_quantities,
    free_slot,
    instrument_at,
    ladder_at,
    order_at,
    take_slot,
    unlink,
)
from tradsys.exchange.book.trading import match_anyone, reaches

NOT_PLAIN = -1


@jit(INLINE)
def plain_limit(base: int, command: int, hashed: int, account: int, price: int, quantity: int) -> int:
    """A limit order that rests by its validity; quantity it has open afterwards. `hashed`: of its identifier."""
    number = load2(command + INSTRUMENT)
    instrument = instrument_at(base, number)
    order_id = load(command + ORDER_ID)
    good = 0 < price <= HIGHEST_PRICE and 0 < quantity <= LARGEST_QUANTITY and load(base + LIVE) < MOST_ORDERS
    if not good or number >= load(base + INSTRUMENT_COUNT) or load(instrument + SPECIAL) != 0:
        return NOT_PLAIN
    if place_of(base, hashed, order_id) != 0:
        return NOT_PLAIN
    place = room_for(base, hashed)
    if place == 0:
        return NOT_PLAIN
    arrival = load(base + ARRIVALS) + 1
    store(base + ARRIVALS, arrival)
    side = load1(command + SIDE)
    if reaches(side, price, load(ladder_at(instrument, 1 - side) + BEST)):
        quantity = match_anyone(base, instrument, side, price, quantity, command)
        if quantity == 0:
            return 0
        # An order that has left may have made room nearer by.
        place = room_for(base, hashed)
    slot = take_slot(base)
    occupy(place, hashed, slot)
    order = order_at(base, slot)
    store(order + SLOT_ID, order_id)
    store(order + SHOWN, quantity)
    store(order + SLOT_SIDE, side | (load1(command + VALIDITY) << 16) | (number << 32))
    store(order + ARRIVAL, arrival)
    store(order + OWNER, account)
    store(order + HIDDEN, 0)
    append_quantities(base, ladder_at(instrument, side), side, slot, price, quantity, 0)
    return quantity


@jit(INLINE)
def plain_market(base: int, command: int, hashed: int, quantity: int) -> int:
    """A market order; quantity left over, which is dropped. `hashed`: of its identifier."""
    number = load2(command + INSTRUMENT)
    instrument = instrument_at(base, number)
    good = 0 < quantity <= LARGEST_QUANTITY and number < load(base + INSTRUMENT_COUNT)
    if not good or load(instrument + SPECIAL) != 0 or place_of(base, hashed, load(command + ORDER_ID)) != 0:
        return NOT_PLAIN
    store(base + ARRIVALS, load(base + ARRIVALS) + 1)
    side = load1(command + SIDE)
    return match_anyone(base, instrument, side, 1 if side else HIGHEST_PRICE, quantity, command)


@jit(INLINE)
def plain_cancel(base: int, hashed: int, order_id: int) -> int:
    """Take out a limit order; its open quantity."""
    place = place_of(base, hashed, order_id)
    if place == 0:
        return NOT_PLAIN
    slot = load4(place)
    order = order_at(base, slot)
    if load1(order + SLOT_KIND) != LIMIT:
        return NOT_PLAIN
    side = load1(order + SLOT_SIDE)
    quantity = load(order + SHOWN) + load(order + HIDDEN)
    erase(place)
    unlink(base, ladder_at(instrument_at(base, load4(order + SLOT_INSTRUMENT)), side), side, slot)
    free_slot(base, slot)
    return quantity
