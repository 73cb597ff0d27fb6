"""Commands that visit every order of an instrument: mass cancels, expiry and bands."""

from __future__ import annotations

from tradsys.core.matching import BookEventKind, Reason
from tradsys.exchange.book.changes import open_quantity, remove
from tradsys.exchange.book.checks import is_outside_band
from tradsys.exchange.book.events import record
from tradsys.exchange.book.ladder import is_ascending, level_address, level_after
from tradsys.exchange.book.layout import (
    BEST,
    BEST_LEVEL,
    DAY,
    EARLIEST,
    GTD,
    HEAD,
    KEY,
    NEXT,
    OWNER,
    SLOT_EXPIRES,
    SLOT_ID,
    SLOT_SIDE,
    SLOT_VALIDITY,
)
from tradsys.exchange.book.machine import PART, jit, load, load1, load4, store
from tradsys.exchange.book.queues import details_at, ladder_at, market_level, order_at

CANCELLED, EXPIRED = int(BookEventKind.CANCELLED), int(BookEventKind.EXPIRED)
CANCEL_ALL, IS_EXPIRED = int(Reason.CANCEL_ALL), int(Reason.EXPIRED)
DROPPED, OUTSIDE_BAND = int(Reason.DROPPED), int(Reason.OUTSIDE_BAND)
ACCOUNT_OF, EXPIRED_BY, OF_THE_DAY, BEYOND_BAND, ANY = range(5)
NEVER = 2**63 - 1


@jit(PART)
def _goes(base: int, instrument: int, slot: int, who: int, value: int) -> bool:
    order = order_at(base, slot)
    if who == ACCOUNT_OF:
        return value == 0 or load(order + OWNER) == value
    if who == EXPIRED_BY:
        return load1(order + SLOT_VALIDITY) == GTD and load(details_at(base, slot) + SLOT_EXPIRES) <= value
    if who == OF_THE_DAY:
        return load1(order + SLOT_VALIDITY) == DAY
    return who == ANY or is_outside_band(instrument, load4(order + KEY))


@jit(PART)
def take_out(base: int, instrument: int, slot: int, reason: int) -> None:
    """Remove an order and say so."""
    order = order_at(base, slot)
    what = EXPIRED if reason == IS_EXPIRED else CANCELLED
    quantity = open_quantity(base, slot)
    record(base, instrument, what, load1(order + SLOT_SIDE), load(order + SLOT_ID), 0, 0, quantity, reason)
    remove(base, instrument, slot)


@jit(PART)
def _sweep_queue(base: int, instrument: int, level: int, who: int, value: int, reason: int) -> None:
    slot = load4(level + HEAD)
    while slot != 0:
        following = load4(order_at(base, slot) + NEXT)
        if _goes(base, instrument, slot, who, value):
            take_out(base, instrument, slot, reason)
        slot = following


@jit(PART)
def sweep_market_orders(base: int, instrument: int, side: int, who: int, value: int, reason: int) -> None:
    """Take out market orders of a side."""
    _sweep_queue(base, instrument, market_level(base, instrument, side), who, value, reason)


@jit(PART)
def sweep_ladder(base: int, instrument: int, side: int, who: int, value: int, reason: int) -> None:
    """Take out limit (sides 0, 1) or waiting orders (2, 3), best level first."""
    ladder = ladder_at(instrument, side)
    number = load(ladder + BEST_LEVEL) if load(ladder + BEST) != 0 else 0
    while number != 0:
        level = level_address(base, number)
        price = load4(order_at(base, load4(level + HEAD)) + KEY)
        following = level_after(base, ladder, price, number, is_ascending(side))
        _sweep_queue(base, instrument, level, who, value, reason)
        number = following


@jit(PART)
def sweep_resting(base: int, instrument: int, who: int, value: int, reason: int) -> None:
    """Market and limit orders, buys first."""
    for side in range(2):
        sweep_market_orders(base, instrument, side, who, value, reason)
        sweep_ladder(base, instrument, side, who, value, reason)


@jit(PART)
def sweep(base: int, instrument: int, who: int, value: int, reason: int) -> None:
    """All orders, those that wait last."""
    sweep_resting(base, instrument, who, value, reason)
    sweep_ladder(base, instrument, 2, who, value, reason)
    sweep_ladder(base, instrument, 3, who, value, reason)


@jit(PART)
def cancel_all(base: int, instrument: int, account: int) -> None:
    """`CANCEL_ALL`."""
    sweep(base, instrument, ACCOUNT_OF, account, CANCEL_ALL)


@jit(PART)
def cancel_outside_band(base: int, instrument: int) -> None:
    """What `SET_BAND` asks for besides the band."""
    sweep_ladder(base, instrument, 0, BEYOND_BAND, 0, OUTSIDE_BAND)
    sweep_ladder(base, instrument, 1, BEYOND_BAND, 0, OUTSIDE_BAND)


@jit(PART)
def end_day(base: int, instrument: int) -> None:
    """`END_DAY`."""
    sweep(base, instrument, OF_THE_DAY, 0, IS_EXPIRED)


@jit(PART)
def pass_time(base: int, instrument: int, at: int) -> None:
    """`TIME`; looks at orders only if one may be due."""
    if at < load(instrument + EARLIEST):
        return
    sweep(base, instrument, EXPIRED_BY, at, IS_EXPIRED)
    earliest = NEVER
    for side in range(2):
        earliest = min(earliest, _earliest(base, load4(market_level(base, instrument, side) + HEAD)))
    for side in range(4):
        earliest = min(earliest, _earliest_of(base, instrument, side))
    store(instrument + EARLIEST, earliest)


@jit(PART)
def _earliest_of(base: int, instrument: int, side: int) -> int:
    earliest = NEVER
    ladder = ladder_at(instrument, side)
    number = load(ladder + BEST_LEVEL) if load(ladder + BEST) != 0 else 0
    while number != 0:
        slot = load4(level_address(base, number) + HEAD)
        earliest = min(earliest, _earliest(base, slot))
        number = level_after(base, ladder, load4(order_at(base, slot) + KEY), number, is_ascending(side))
    return earliest


@jit(PART)
def _earliest(base: int, slot: int) -> int:
    """First expiry in a queue."""
    earliest = NEVER
    while slot != 0:
        order = order_at(base, slot)
        if load1(order + SLOT_VALIDITY) == GTD:
            earliest = min(earliest, load(details_at(base, slot) + SLOT_EXPIRES))
        slot = load4(order + NEXT)
    return earliest
