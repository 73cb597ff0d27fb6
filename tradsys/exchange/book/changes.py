"""Cancelling, reducing and replacing a live order."""

from __future__ import annotations

from tradsys.core.matching import Reason
from tradsys.exchange.book.checks import BAD_QUANTITY, MARKET_FROZEN, refusal
from tradsys.exchange.book.entering import (
    IS_CANCELLED,
    IS_OPEN,
    IS_REJECTED,
    IS_WAITING,
    describe,
    enter,
    set_trigger,
    settle,
)
from tradsys.exchange.book.identifiers import find
from tradsys.exchange.book.ladder import level_address
from tradsys.exchange.book.layout import (
    AT,
    AUCTION_LIMIT,
    DISPLAY,
    HIDDEN,
    KEY,
    LEVEL,
    LIMIT,
    MARKET,
    ORDER_ID,
    PHASE,
    PRICE,
    QUANTITY,
    SHOWN,
    SLOT_INSTRUMENT,
    SLOT_KIND,
    SLOT_LIMIT,
    SLOT_SIDE,
    STOP,
    STOP_LIMIT,
    TAKER,
    TRIGGER,
)
from tradsys.exchange.book.machine import PART, jit, load, load1, load4, store
from tradsys.exchange.book.queues import (
    details_at,
    instrument_at,
    ladder_at,
    order_at,
    release,
    show,
    unlink,
)
from tradsys.exchange.book.stops import stop_waiting

UNKNOWN_ORDER = int(Reason.UNKNOWN_ORDER)


@jit(PART)
def open_quantity(base: int, slot: int) -> int:
    """What a live order still wants, shown and hidden."""
    return load(order_at(base, slot) + SHOWN) + load(order_at(base, slot) + HIDDEN)


@jit(PART)
def remove(base: int, instrument: int, slot: int) -> None:
    """Take a live order out of the book."""
    order = order_at(base, slot)
    side = load1(order + SLOT_SIDE)
    if load1(order + SLOT_KIND) >= STOP:
        stop_waiting(base, instrument, slot)
    else:
        unlink(base, ladder_at(instrument, side), side, slot)
    release(base, slot)


@jit(PART)
def _is_frozen(instrument: int, order: int) -> bool:
    return load1(order + SLOT_KIND) == MARKET and load(instrument + PHASE) == AUCTION_LIMIT


@jit(PART)
def _instrument_of(base: int, slot: int) -> int:
    return instrument_at(base, load4(order_at(base, slot) + SLOT_INSTRUMENT))


@jit(PART)
def _still_there(order: int) -> int:
    return IS_WAITING if load1(order + SLOT_KIND) >= STOP else IS_OPEN


@jit(PART)
def cancel(base: int, command: int) -> None:
    """`CANCEL`."""
    slot = find(base, load(command + ORDER_ID))
    instrument = _instrument_of(base, slot)
    if slot == 0:
        settle(base, IS_REJECTED, UNKNOWN_ORDER, 0, 0)
    elif _is_frozen(instrument, order_at(base, slot)):
        settle(base, IS_REJECTED, MARKET_FROZEN, 0, 0)
    else:
        remove(base, instrument, slot)
        settle(base, IS_CANCELLED, 0, 0, 0)


@jit(PART)
def reduce(base: int, command: int) -> None:
    """`REDUCE`."""
    slot = find(base, load(command + ORDER_ID))
    instrument = _instrument_of(base, slot)
    left = open_quantity(base, slot) - load(command + QUANTITY)
    if slot == 0:
        settle(base, IS_REJECTED, UNKNOWN_ORDER, 0, 0)
    elif load(command + QUANTITY) < 1:
        settle(base, IS_REJECTED, BAD_QUANTITY, 0, 0)
    elif _is_frozen(instrument, order_at(base, slot)):
        settle(base, IS_REJECTED, MARKET_FROZEN, 0, 0)
    elif left <= 0:
        remove(base, instrument, slot)
        settle(base, IS_CANCELLED, 0, 0, 0)
    else:
        _shrink(base, slot, left)


@jit(PART)
def _shrink(base: int, slot: int, quantity: int) -> None:
    """Keep the place with no more than a quantity: what is hidden goes first."""
    order = order_at(base, slot)
    level = level_address(base, load4(order + LEVEL))
    shown = min(load(order + SHOWN), quantity)
    show(level, order, shown, quantity - shown)
    settle(base, _still_there(order), 0, 0, quantity)


@jit(PART)
def replace(base: int, command: int) -> None:
    """`REPLACE`."""
    slot = find(base, load(command + ORDER_ID))
    if slot == 0:
        settle(base, IS_REJECTED, UNKNOWN_ORDER, 0, 0)
        return
    instrument = _instrument_of(base, slot)
    wanted = base + TAKER
    describe(base, slot)
    quantity = load(command + QUANTITY)
    store(wanted + QUANTITY, quantity)
    store(wanted + PRICE, load(command + PRICE))
    store(wanted + TRIGGER, load(command + TRIGGER))
    store(wanted + AT, load(command + AT))
    # Against a quantity that is itself refused, a display must not be what is complained of.
    store(wanted + DISPLAY, min(load(wanted + DISPLAY), max(quantity, 1)))
    reason = refusal(base, instrument, wanted, slot)
    if reason != 0:
        settle(base, IS_REJECTED, reason, 0, 0)
        return
    set_trigger(instrument, wanted)
    if quantity <= open_quantity(base, slot) and _is_at(base, slot, wanted):
        _shrink(base, slot, quantity)
        return
    remove(base, instrument, slot)
    enter(base, instrument, wanted)


@jit(PART)
def _is_at(base: int, slot: int, wanted: int) -> bool:
    """Whether an order already is where it is wanted."""
    order = order_at(base, slot)
    kind = load1(order + SLOT_KIND)
    if kind == LIMIT:
        return load4(order + KEY) == load(wanted + PRICE)
    if kind == STOP_LIMIT and load(details_at(base, slot) + SLOT_LIMIT) != load(wanted + PRICE):
        return False
    return kind == MARKET or load4(order + KEY) == load(wanted + TRIGGER)
