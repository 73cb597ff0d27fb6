"""What a book shows: best prices, levels, orders and the hash of its state."""

from __future__ import annotations

from tradsys.core.matching import HASH_FACTOR, HASH_START
from tradsys.exchange.book.entering import describe
from tradsys.exchange.book.ladder import is_ascending, level_address, level_after
from tradsys.exchange.book.layout import (
    ACCOUNT,
    ARRIVAL,
    ARRIVALS,
    BEST,
    BEST_LEVEL,
    DISPLAY,
    EXPIRES_AT,
    FLAGS,
    HEAD,
    HIDDEN,
    HIGH,
    INSTRUMENT_COUNT,
    KEY,
    KIND,
    LAST,
    LEVEL_COUNT,
    LEVEL_SHOWN,
    LOW,
    NEXT,
    ORDER_ID,
    PHASE,
    PRICE,
    SHOWN,
    SIDE,
    TAKER,
    TRAIL,
    TRIGGER,
    VALIDITY,
)
from tradsys.exchange.book.machine import PART, jit, load, load1, load4, store
from tradsys.exchange.book.queues import instrument_at, ladder_at, market_level, order_at
from tradsys.numerics.compilation import kernel

START, FACTOR = int(HASH_START) - 2**64, int(HASH_FACTOR)
ROW_BYTES = 14 * 8
LEVEL_ROW_BYTES = 3 * 8


@jit(PART)
def _write_row(base: int, slot: int, row: int) -> None:
    """One order as 14 words, in the order of `Resting`."""
    describe(base, slot)
    order = order_at(base, slot)
    taker = base + TAKER
    store(row, load(taker + ORDER_ID))
    store(row + 8, load(taker + ACCOUNT))
    store(row + 16, load1(taker + SIDE))
    store(row + 24, load1(taker + KIND))
    store(row + 32, load1(taker + VALIDITY))
    store(row + 40, load1(taker + FLAGS))
    store(row + 48, load(taker + PRICE))
    store(row + 56, load(taker + TRIGGER))
    store(row + 64, load(taker + TRAIL))
    store(row + 72, load(order + SHOWN))
    store(row + 80, load(order + HIDDEN))
    store(row + 88, load(taker + DISPLAY))
    store(row + 96, load(taker + EXPIRES_AT))
    store(row + 104, load(order + ARRIVAL))


@jit(PART)
def _list_queue(base: int, slot: int, row: int) -> int:
    while slot != 0:
        _write_row(base, slot, row)
        row += ROW_BYTES
        slot = load4(order_at(base, slot) + NEXT)
    return row


@jit(PART)
def _list_ladder(base: int, instrument: int, side: int, row: int) -> int:
    ladder = ladder_at(instrument, side)
    number = load(ladder + BEST_LEVEL) if load(ladder + BEST) != 0 else 0
    while number != 0:
        slot = load4(level_address(base, number) + HEAD)
        row = _list_queue(base, slot, row)
        number = level_after(base, ladder, load4(order_at(base, slot) + KEY), number, is_ascending(side))
    return row


@kernel
def list_orders(base: int, number: int, rows: int) -> int:
    """Every live order of an instrument, in the order of sweeping events; how many."""
    instrument = instrument_at(base, number)
    row = rows
    for side in range(2):
        row = _list_queue(base, load4(market_level(base, instrument, side) + HEAD), row)
        row = _list_ladder(base, instrument, side, row)
    row = _list_ladder(base, instrument, 2, row)
    row = _list_ladder(base, instrument, 3, row)
    return (row - rows) // ROW_BYTES


@jit(PART)
def _mixed(hashed: int, address: int, words: int) -> int:
    for offset in range(0, words * 8, 8):
        hashed = (hashed ^ load(address + offset)) * FACTOR
    return hashed


@kernel
def state_hash(base: int, rows: int) -> int:
    """FNV-1a of the whole state as a signed word; `rows` has room for the orders of one instrument."""
    hashed = _mixed(START, base + ARRIVALS, 1)
    for number in range(load(base + INSTRUMENT_COUNT)):
        instrument = instrument_at(base, number)
        hashed = _mixed(hashed, instrument + PHASE, 1)
        hashed = _mixed(hashed, instrument + LAST, 1)
        hashed = _mixed(hashed, instrument + LOW, 1)
        hashed = _mixed(hashed, instrument + HIGH, 1)
        hashed = _mixed(hashed, rows, list_orders(base, number, rows) * (ROW_BYTES // 8))
    return hashed


@kernel
def list_levels(base: int, number: int, side: int, most: int, rows: int) -> int:
    """Price, quantity shown and orders of the best levels; how many."""
    ladder = ladder_at(instrument_at(base, number), side)
    level_number = load(ladder + BEST_LEVEL) if load(ladder + BEST) != 0 else 0
    count = 0
    while level_number != 0 and count < most:
        level = level_address(base, level_number)
        price = load4(order_at(base, load4(level + HEAD)) + KEY)
        row = rows + count * LEVEL_ROW_BYTES
        store(row, price)
        store(row + 8, load(level + LEVEL_SHOWN))
        store(row + 16, load(level + LEVEL_COUNT))
        count += 1
        level_number = level_after(base, ladder, price, level_number, is_ascending(side))
    return count


@jit(PART)
def _shown_at_best(base: int, ladder: int) -> int:
    return load(level_address(base, load(ladder + BEST_LEVEL)) + LEVEL_SHOWN) if load(ladder + BEST) != 0 else 0


@kernel
def best_prices(base: int, number: int) -> tuple[int, int, int, int]:
    """Best bid, what it shows, best ask, what it shows."""
    bids = ladder_at(instrument_at(base, number), 0)
    asks = ladder_at(instrument_at(base, number), 1)
    return load(bids + BEST), _shown_at_best(base, bids), load(asks + BEST), _shown_at_best(base, asks)
