"""The plain path: limit orders that rest, market orders and cancels where nothing special is going on.

Nearly every message of a market is one of these. Each function either does the whole command, or says `NOT_PLAIN`
before it has changed anything; then the general path does it.
"""

from __future__ import annotations

from tradsys.exchange.book.identifiers import find, has_room, insert
from tradsys.exchange.book.layout import (
    ARRIVAL,
    ARRIVALS,
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
from tradsys.exchange.book.queues import append, instrument_at, ladder_at, order_at, release, take_slot, unlink
from tradsys.exchange.book.trading import match

NOT_PLAIN = -1


@jit(INLINE)
def plain_limit(base: int, command: int, account: int, price: int, quantity: int) -> int:
    """A limit order that rests by its validity; quantity it has open afterwards."""
    number = load2(command + INSTRUMENT)
    instrument = instrument_at(base, number)
    order_id = load(command + ORDER_ID)
    good = 0 < price <= HIGHEST_PRICE and 0 < quantity <= LARGEST_QUANTITY and load(base + LIVE) < MOST_ORDERS
    if not good or number >= load(base + INSTRUMENT_COUNT) or load(instrument + SPECIAL) != 0:
        return NOT_PLAIN
    if find(base, order_id) != 0 or not has_room(base, order_id):
        return NOT_PLAIN
    arrival = load(base + ARRIVALS) + 1
    store(base + ARRIVALS, arrival)
    side = load1(command + SIDE)
    left = match(base, instrument, side, price, quantity, command, 0, 0)
    if left:
        slot = take_slot(base)
        insert(base, order_id, slot)
        order = order_at(base, slot)
        validity = load1(command + VALIDITY)
        store(order + SLOT_ID, order_id)
        store(order + SHOWN, left)
        store(order + SLOT_SIDE, side | (validity << 16) | (number << 32))
        store(order + ARRIVAL, arrival)
        store(order + OWNER, account)
        store(order + HIDDEN, 0)
        append(base, ladder_at(instrument, side), side, slot, price)
    return left


@jit(INLINE)
def plain_market(base: int, command: int, quantity: int) -> int:
    """A market order; quantity left over, which is dropped."""
    number = load2(command + INSTRUMENT)
    instrument = instrument_at(base, number)
    good = 0 < quantity <= LARGEST_QUANTITY and number < load(base + INSTRUMENT_COUNT)
    if not good or load(instrument + SPECIAL) != 0 or find(base, load(command + ORDER_ID)) != 0:
        return NOT_PLAIN
    store(base + ARRIVALS, load(base + ARRIVALS) + 1)
    side = load1(command + SIDE)
    return match(base, instrument, side, 1 if side else HIGHEST_PRICE, quantity, command, 0, 0)


@jit(INLINE)
def plain_cancel(base: int, order_id: int) -> int:
    """Take out a limit order; its open quantity."""
    slot = find(base, order_id)
    order = order_at(base, slot)
    if slot == 0 or load1(order + SLOT_KIND) != LIMIT:
        return NOT_PLAIN
    side = load1(order + SLOT_SIDE)
    quantity = load(order + SHOWN) + load(order + HIDDEN)
    unlink(base, ladder_at(instrument_at(base, load4(order + SLOT_INSTRUMENT)), side), side, slot)
    release(base, slot)
    return quantity
