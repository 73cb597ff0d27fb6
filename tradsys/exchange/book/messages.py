"""One plain message a call, for callers who cannot wait for the next one.

Each gives the quantity left over, or `NOT_PLAIN` with nothing changed. Arguments are those of `exact_entry_point`.
"""

from __future__ import annotations

from tradsys.exchange.book.exact import number
from tradsys.exchange.book.identifiers import hash_of
from tradsys.exchange.book.layout import COMMANDS, EVENT_COUNT, GTC, INSTRUMENT_COUNT, ORDER_ID, PLAIN
from tradsys.exchange.book.machine import INLINE, jit, load, store
from tradsys.exchange.book.plain import NOT_PLAIN, plain_cancel, plain_limit, plain_market
from tradsys.numerics.compilation import kernel


@jit(INLINE)
def _is_good(base: int, side: int, instrument: int) -> bool:
    """Whether the numbers that are written into narrow fields fit there."""
    return 0 <= side <= 1 and 0 <= instrument < load(base + INSTRUMENT_COUNT)


@jit(INLINE)
def _write(base: int, order_id: int, side: int, instrument: int) -> int:
    """The parts of a command that the plain path reads; where they are."""
    command = base + PLAIN
    store(command, (side << 8) | (GTC << 24) | (instrument << 48))
    store(command + ORDER_ID, order_id)
    return command


@jit(INLINE)
def _counted(base: int, left: int) -> int:
    if left != NOT_PLAIN:
        store(base + COMMANDS, load(base + COMMANDS) + 1)
    return left


@kernel
def limit_message(base: int, order_id: int, side: int, price: int, quantity: int, instrument: int) -> int:
    """A good-till-cancelled limit order."""
    start = number(base)
    store(start + EVENT_COUNT, 0)
    if not _is_good(start, number(side), number(instrument)):
        return NOT_PLAIN
    identifier = number(order_id)
    command = _write(start, identifier, number(side), number(instrument))
    return _counted(start, plain_limit(start, command, hash_of(identifier), 0, number(price), number(quantity)))


@kernel
def market_message(base: int, order_id: int, side: int, quantity: int, instrument: int) -> int:
    """A market order."""
    start = number(base)
    store(start + EVENT_COUNT, 0)
    if not _is_good(start, number(side), number(instrument)):
        return NOT_PLAIN
    identifier = number(order_id)
    command = _write(start, identifier, number(side), number(instrument))
    return _counted(start, plain_market(start, command, hash_of(identifier), number(quantity)))


@kernel
def cancel_message(base: int, order_id: int) -> int:
    """A limit order is taken out."""
    start = number(base)
    store(start + EVENT_COUNT, 0)
    identifier = number(order_id)
    return _counted(start, plain_cancel(start, hash_of(identifier), identifier))
