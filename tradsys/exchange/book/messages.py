"""One plain message a call, for callers who cannot wait for the next one."""

from __future__ import annotations

from tradsys.exchange.book.commands import CANCEL_SHAPE, LIMIT_SHAPE, MARKET_SHAPE, SHAPE
from tradsys.exchange.book.identifiers import hash_of
from tradsys.exchange.book.layout import COMMANDS, EVENT_COUNT, INSTRUMENT_COUNT, ORDER_ID, PLAIN
from tradsys.exchange.book.machine import load, store
from tradsys.exchange.book.plain import NOT_PLAIN, plain_cancel, plain_limit, plain_market
from tradsys.numerics.compilation import kernel


@kernel
def message(base: int, start: int, instrument: int, order_id: int, price: int, quantity: int) -> int:
    """A limit order, market order or cancel; the quantity left over, or `NOT_PLAIN` with nothing changed.

    `start` is the first word of the command without its instrument.
    """
    store(base + EVENT_COUNT, 0)
    command = base + PLAIN
    shape = start & SHAPE
    left = NOT_PLAIN
    if shape == CANCEL_SHAPE:
        left = plain_cancel(base, hash_of(order_id), order_id)
    elif 0 <= instrument < load(base + INSTRUMENT_COUNT):
        store(command, start | (instrument << 48))
        store(command + ORDER_ID, order_id)
        if shape == LIMIT_SHAPE:
            left = plain_limit(base, command, hash_of(order_id), 0, price, quantity)
        elif shape == MARKET_SHAPE:
            left = plain_market(base, command, hash_of(order_id), quantity)
    if left != NOT_PLAIN:
        store(base + COMMANDS, load(base + COMMANDS) + 1)
    return left
