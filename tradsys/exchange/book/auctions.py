"""Phases, and the end of a call auction."""

from __future__ import annotations

from tradsys.core.matching import Reason
from tradsys.exchange.book.changes import open_quantity, remove
from tradsys.exchange.book.checks import BAD_COMBINATION, BAD_PRICE
from tradsys.exchange.book.events import record
from tradsys.exchange.book.ladder import level_address
from tradsys.exchange.book.layout import (
    ARRIVAL,
    AUCTION,
    AUCTION_LIMIT,
    BEST,
    BEST_LEVEL,
    CLOSED,
    CONTINUOUS,
    HEAD,
    HIGH,
    HIGHEST_PRICE,
    LAST,
    LEVEL,
    LIMIT,
    LOW,
    PHASE,
    PRICE,
    QUANTITY,
    SHOWN,
    SLOT_DISPLAY,
    SLOT_ID,
    SLOT_KIND,
    TRADES,
    TRIGGER,
    VOLUME,
)
from tradsys.exchange.book.machine import PART, jit, load, load4, store, store1
from tradsys.exchange.book.queues import append, details_at, ladder_at, market_level, order_at, show, unlink
from tradsys.exchange.book.stops import note_special, touch
from tradsys.exchange.book.sweeps import ANY, DROPPED, cancel_outside_band, sweep_market_orders, sweep_resting
from tradsys.exchange.book.trading import TRADE, reaches

IS_CROSSED = int(Reason.CROSSED)
KEEP, DROP_MARKET, DROP_ALL = range(3)


@jit(PART)
def _is_crossed(base: int, instrument: int) -> bool:
    """Whether the sides could trade, or market orders rest."""
    bid = load(ladder_at(instrument, 0) + BEST)
    market = load4(market_level(base, instrument, 0) + HEAD) + load4(market_level(base, instrument, 1) + HEAD)
    return market != 0 or (bid != 0 and reaches(0, bid, load(ladder_at(instrument, 1) + BEST)))


@jit(PART)
def set_phase(base: int, instrument: int, phase: int) -> int:
    """`SET_PHASE`; the reason of its rejection or 0."""
    if phase < CONTINUOUS or phase > CLOSED:
        return BAD_COMBINATION
    if phase == CONTINUOUS and _is_crossed(base, instrument):
        return IS_CROSSED
    store(instrument + PHASE, phase)
    note_special(instrument)
    if phase == CONTINUOUS and load(instrument + LAST) != 0:
        touch(base, instrument, load(instrument + LAST))
    return 0


@jit(PART)
def set_band(base: int, instrument: int, command: int) -> int:
    """`SET_BAND`; the reason of its rejection or 0."""
    low = load(command + PRICE)
    high = load(command + TRIGGER)
    if not _may_be_price(low) or not _may_be_price(high) or (high != 0 and low > high):
        return BAD_PRICE
    store(instrument + LOW, low)
    store(instrument + HIGH, high)
    note_special(instrument)
    if load(command + QUANTITY) == 1:
        cancel_outside_band(base, instrument)
    return 0


@jit(PART)
def _may_be_price(price: int) -> bool:
    return 0 <= price <= HIGHEST_PRICE


@jit(PART)
def uncross(base: int, instrument: int, command: int) -> int:
    """`UNCROSS`; the reason of its rejection or 0."""
    phase = load(instrument + PHASE)
    rest = load(command + QUANTITY)
    price = load(command + PRICE)
    if (phase != AUCTION and phase != AUCTION_LIMIT) or rest < KEEP or rest > DROP_ALL:
        return BAD_COMBINATION
    if not _may_be_price(price) or not _may_be_price(load(command + TRIGGER)):
        return BAD_PRICE
    if price != 0:
        _pair(base, instrument, price)
    if rest == DROP_ALL:
        sweep_resting(base, instrument, ANY, 0, DROPPED)
    elif rest == KEEP and price + load(command + TRIGGER) != 0:
        for side in range(2):
            _turn_into_limits(base, instrument, side, price if price != 0 else load(command + TRIGGER))
    else:
        sweep_market_orders(base, instrument, 0, ANY, 0, DROPPED)
        sweep_market_orders(base, instrument, 1, ANY, 0, DROPPED)
    return 0


@jit(PART)
def _first_at(base: int, instrument: int, side: int, price: int) -> int:
    """The order of a side that is first to trade at an auction's price, or 0."""
    slot = load4(market_level(base, instrument, side) + HEAD)
    ladder = ladder_at(instrument, side)
    best = load(ladder + BEST)
    if slot == 0 and best != 0 and reaches(side, best, price):
        slot = load4(level_address(base, load(ladder + BEST_LEVEL)) + HEAD)
    return slot


@jit(PART)
def _pair(base: int, instrument: int, price: int) -> None:
    buy = _first_at(base, instrument, 0, price)
    sell = _first_at(base, instrument, 1, price)
    while buy != 0 and sell != 0:
        quantity = min(open_quantity(base, buy), open_quantity(base, sell))
        side = 0 if load(order_at(base, buy) + ARRIVAL) > load(order_at(base, sell) + ARRIVAL) else 1
        later = load(order_at(base, buy if side == 0 else sell) + SLOT_ID)
        earlier = load(order_at(base, sell if side == 0 else buy) + SLOT_ID)
        record(base, instrument, TRADE, side, later, earlier, price, quantity, 0)
        store(base + TRADES, load(base + TRADES) + 1)
        store(base + VOLUME, load(base + VOLUME) + quantity)
        store(instrument + LAST, price)
        _give(base, instrument, buy, quantity)
        _give(base, instrument, sell, quantity)
        buy = _first_at(base, instrument, 0, price)
        sell = _first_at(base, instrument, 1, price)


@jit(PART)
def _give(base: int, instrument: int, slot: int, quantity: int) -> None:
    """An order has traded in an auction: what it shows goes first, and its place stays."""
    order = order_at(base, slot)
    left = open_quantity(base, slot) - quantity
    if left == 0:
        remove(base, instrument, slot)
        return
    shown = load(order + SHOWN) - quantity
    if shown <= 0:
        # Only an iceberg has more than it shows.
        shown = min(load(details_at(base, slot) + SLOT_DISPLAY), left)
    show(level_address(base, load4(order + LEVEL)), order, shown, left - shown)


@jit(PART)
def _turn_into_limits(base: int, instrument: int, side: int, price: int) -> None:
    slot = load4(market_level(base, instrument, side) + HEAD)
    while slot != 0:
        unlink(base, ladder_at(instrument, side), side, slot)
        store1(order_at(base, slot) + SLOT_KIND, LIMIT)
        append(base, ladder_at(instrument, side), side, slot, price)
        slot = load4(market_level(base, instrument, side) + HEAD)
