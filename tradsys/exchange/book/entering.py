"""An order that has passed its checks enters: it trades, rests, waits or is dropped."""

from __future__ import annotations

from tradsys.core.matching import BookEventKind, Reason, Status
from tradsys.exchange.book.checks import RULE, is_outside_band
from tradsys.exchange.book.events import record
from tradsys.exchange.book.identifiers import insert
from tradsys.exchange.book.layout import (
    ACCOUNT,
    ARRIVAL,
    ARRIVALS,
    BEST,
    CONTINUOUS,
    DISPLAY,
    EARLIEST,
    EXPIRES_AT,
    EXTENDED,
    FILLED,
    FIRST_PRICE,
    FLAGS,
    FOK,
    GTD,
    HIDDEN,
    HIGH,
    HIGHEST_PRICE,
    KEY,
    KIND,
    LAST,
    LIMIT,
    LINE_HEAD,
    LOW,
    MARKET,
    NEXT,
    NUMBER,
    OPEN,
    ORDER_ID,
    OUTCOME,
    OWNER,
    PHASE,
    PRICE,
    PROTECTED,
    QUANTITY,
    REASON,
    SHOWN,
    SIDE,
    SLOT_DISPLAY,
    SLOT_EXPIRES,
    SLOT_FLAGS,
    SLOT_ID,
    SLOT_KIND,
    SLOT_LIMIT,
    SLOT_SIDE,
    SLOT_TRAIL,
    SLOT_VALIDITY,
    STATUS,
    STOP,
    STOP_LIMIT,
    STOPPED,
    TAKER,
    TRAIL,
    TRAILING_STOP,
    TRIGGER,
    VALIDITY,
    VOLUME,
)
from tradsys.exchange.book.machine import PART, jit, load, load1, load4, store, store1
from tradsys.exchange.book.queues import append, append_market, details_at, ladder_at, order_at, release, take_slot
from tradsys.exchange.book.stops import TRIGGERED, is_touched, start_waiting, touch_traded, trailing_trigger
from tradsys.exchange.book.trading import can_fill, match

IS_OPEN, IS_WAITING, IS_FILLED = int(Status.OPEN), int(Status.WAITING), int(Status.FILLED)
IS_CANCELLED, IS_REJECTED, IS_DONE = int(Status.CANCELLED), int(Status.REJECTED), int(Status.DONE)
DROPPED, SELF_TRADE = int(Reason.DROPPED), int(Reason.SELF_TRADE)
NOT_FILLED_WHOLE, OUTSIDE_BAND = int(Reason.NOT_FILLED_WHOLE), int(Reason.OUTSIDE_BAND)
CANCELLED = int(BookEventKind.CANCELLED)


@jit(PART)
def settle(base: int, status: int, reason: int, filled: int, rest: int) -> None:
    """Say what became of the command."""
    store(base + OUTCOME + STATUS, status)
    store1(base + OUTCOME + REASON, reason)
    store(base + OUTCOME + FILLED, filled)
    store(base + OUTCOME + OPEN, rest)


@jit(PART)
def next_arrival(base: int) -> int:
    """The number of one more arrival."""
    arrival = load(base + ARRIVALS) + 1
    store(base + ARRIVALS, arrival)
    return arrival


@jit(PART)
def set_trigger(instrument: int, order: int) -> None:
    """A trailing order without a trigger of its own gets one from the last trade."""
    if load1(order + KIND) == TRAILING_STOP and load(order + TRIGGER) == 0:
        side = load1(order + SIDE)
        store(order + TRIGGER, trailing_trigger(side, load(instrument + LAST), load(order + TRAIL)))


@jit(PART)
def enter(base: int, instrument: int, order: int) -> None:
    """A new or replaced order, its trigger set. Changes the record of the order to what it becomes."""
    arrival = next_arrival(base)
    kind = load1(order + KIND)
    last = load(instrument + LAST)
    if load(instrument + PHASE) != CONTINUOUS and kind < STOP:
        _rest(base, instrument, order, load(order + QUANTITY), arrival)
        settle(base, IS_OPEN, 0, 0, load(order + QUANTITY))
    elif kind < STOP:
        trade(base, instrument, order, arrival)
    elif load(instrument + PHASE) == CONTINUOUS and is_touched(load1(order + SIDE), load(order + TRIGGER), last):
        side = load1(order + SIDE)
        record(base, instrument, TRIGGERED, side, load(order + ORDER_ID), 0, last, load(order + QUANTITY), 0)
        store1(order + KIND, LIMIT if kind == STOP_LIMIT else MARKET)
        trade(base, instrument, order, next_arrival(base))
    else:
        _wait(base, instrument, order, arrival)
        settle(base, IS_WAITING, 0, 0, load(order + QUANTITY))


@jit(PART)
def _into_band(instrument: int, price: int) -> int:
    high = load(instrument + HIGH)
    price = max(price, load(instrument + LOW))
    return min(price, high) if high != 0 else price


@jit(PART)
def _set_limit(instrument: int, order: int) -> None:
    """Give the order the limit at which it trades; one with protection is a limit order from here on."""
    kind = load1(order + KIND)
    sign = 1 - 2 * load1(order + SIDE)
    if kind == MARKET:
        store(order + PRICE, _into_band(instrument, HIGHEST_PRICE if sign > 0 else 1))
    elif kind == PROTECTED:
        reference = load(instrument + LAST)
        if reference == 0:
            reference = load(ladder_at(instrument, 1 - load1(order + SIDE)) + BEST)
        limit = min(max(reference + sign * load(order + PRICE), 1), HIGHEST_PRICE)
        store(order + PRICE, _into_band(instrument, limit))
        store1(order + KIND, LIMIT)


@jit(PART)
def trade(base: int, instrument: int, order: int, arrival: int) -> int:
    """In continuous trading: match, then rest or drop what is left; the quantity dropped."""
    _set_limit(instrument, order)
    side = load1(order + SIDE)
    limit = load(order + PRICE)
    quantity = load(order + QUANTITY)
    account = load(order + ACCOUNT)
    rule = load1(order + FLAGS) & RULE
    validity = load1(order + VALIDITY)
    store(base + STOPPED, 0)
    if validity == FOK and not can_fill(base, instrument, side, limit, quantity, account, rule):
        settle(base, IS_CANCELLED, NOT_FILLED_WHOLE, 0, 0)
        return quantity
    before = load(base + VOLUME)
    left = match(base, instrument, side, limit, quantity, order, account, rule)
    filled = load(base + VOLUME) - before
    if load(base + STOPPED) != 0:
        settle(base, IS_CANCELLED, SELF_TRADE, filled, 0)
    elif left == 0:
        settle(base, IS_FILLED, 0, filled, 0)
    elif load1(order + KIND) == LIMIT and validity <= GTD:
        _rest(base, instrument, order, left, arrival)
        settle(base, IS_OPEN, 0, filled, left)
        return 0
    else:
        settle(base, IS_CANCELLED, DROPPED, filled, 0)
    return left


@jit(PART)
def _fill_slot(base: int, instrument: int, order: int, arrival: int, shown: int, hidden: int) -> int:
    """Put an order into a slot; queues come later."""
    slot = take_slot(base)
    insert(base, load(order + ORDER_ID), slot)
    place = order_at(base, slot)
    details = details_at(base, slot)
    kind = load1(order + KIND)
    validity = load1(order + VALIDITY)
    flags = load1(order + FLAGS)
    if load(order + DISPLAY) != 0 or validity == GTD or kind >= STOP:
        flags |= EXTENDED
        store(details + SLOT_DISPLAY, load(order + DISPLAY))
        store(details + SLOT_EXPIRES, load(order + EXPIRES_AT) if validity == GTD else 0)
        store(details + SLOT_TRAIL, load(order + TRAIL))
        store(details + SLOT_LIMIT, load(order + PRICE) if kind == STOP_LIMIT else 0)
    if validity == GTD:
        store(instrument + EARLIEST, min(load(instrument + EARLIEST), load(order + EXPIRES_AT)))
    number = load(instrument + NUMBER)
    store(place + SLOT_ID, load(order + ORDER_ID))
    store(place + SHOWN, shown)
    store(place + SLOT_SIDE, load1(order + SIDE) | (kind << 8) | (validity << 16) | (flags << 24) | (number << 32))
    store(place + ARRIVAL, arrival)
    store(place + OWNER, load(order + ACCOUNT))
    store(place + HIDDEN, hidden)
    return slot


@jit(PART)
def _rest(base: int, instrument: int, order: int, quantity: int, arrival: int) -> None:
    side = load1(order + SIDE)
    display = load(order + DISPLAY)
    shown = min(display, quantity) if display != 0 else quantity
    slot = _fill_slot(base, instrument, order, arrival, shown, quantity - shown)
    if load1(order + KIND) == MARKET:
        append_market(base, instrument, side, slot)
    else:
        append(base, ladder_at(instrument, side), side, slot, load(order + PRICE))


@jit(PART)
def _wait(base: int, instrument: int, order: int, arrival: int) -> None:
    slot = _fill_slot(base, instrument, order, arrival, load(order + QUANTITY), 0)
    start_waiting(base, instrument, slot, load(order + TRIGGER))


@jit(PART)
def work_line(base: int, instrument: int) -> None:
    """What the command's trades touch is triggered and enters, and so on until nothing more is; the outcome stays."""
    touch_traded(base, instrument)
    status = load(base + OUTCOME + STATUS)
    filled = load(base + OUTCOME + FILLED)
    rest = load(base + OUTCOME + OPEN)
    while load(base + LINE_HEAD) != 0:
        slot = load(base + LINE_HEAD)
        store(base + LINE_HEAD, load4(order_at(base, slot) + NEXT))
        _take_up(base, slot)
        _enter_triggered(base, instrument, base + TAKER)
        touch_traded(base, instrument)
    store(base + OUTCOME + STATUS, status)
    store(base + OUTCOME + FILLED, filled)
    store(base + OUTCOME + OPEN, rest)


@jit(PART)
def describe(base: int, slot: int) -> None:
    """Write a live order as a command into `TAKER`."""
    order = order_at(base, slot)
    details = details_at(base, slot)
    taker = base + TAKER
    kind = load1(order + SLOT_KIND)
    flags = load1(order + SLOT_FLAGS)
    extended = flags & EXTENDED
    store1(taker + SIDE, load1(order + SLOT_SIDE))
    store1(taker + KIND, kind)
    store1(taker + VALIDITY, load1(order + SLOT_VALIDITY))
    store1(taker + FLAGS, flags & ~EXTENDED)
    store(taker + ORDER_ID, load(order + SLOT_ID))
    store(taker + PRICE, load(details + SLOT_LIMIT) if kind >= STOP else load4(order + KEY))
    store(taker + QUANTITY, load(order + SHOWN) + load(order + HIDDEN))
    store(taker + ACCOUNT, load(order + OWNER))
    store(taker + TRIGGER, load4(order + KEY) if kind >= STOP else 0)
    store(taker + TRAIL, load(details + SLOT_TRAIL) if extended else 0)
    store(taker + DISPLAY, load(details + SLOT_DISPLAY) if extended else 0)
    store(taker + EXPIRES_AT, load(details + SLOT_EXPIRES) if extended else 0)


@jit(PART)
def _take_up(base: int, slot: int) -> None:
    """A triggered order leaves its slot and becomes the order in `TAKER` that it is from now on."""
    describe(base, slot)
    store1(base + TAKER + KIND, LIMIT if load1(base + TAKER + KIND) == STOP_LIMIT else MARKET)
    store(base + TAKER + TRIGGER, 0)
    store(base + TAKER + TRAIL, 0)
    release(base, slot)


@jit(PART)
def _enter_triggered(base: int, instrument: int, order: int) -> None:
    arrival = next_arrival(base)
    store(base + FIRST_PRICE, 0)
    reason = OUTSIDE_BAND
    dropped = load(order + QUANTITY)
    if load1(order + KIND) != LIMIT or not is_outside_band(instrument, load(order + PRICE)):
        dropped = trade(base, instrument, order, arrival)
        reason = load1(base + OUTCOME + REASON)
    if dropped != 0:
        side = load1(order + SIDE)
        record(base, instrument, CANCELLED, side, load(order + ORDER_ID), 0, 0, dropped, reason)
