"""From a command to its outcome: one by one, or many in one call."""

from __future__ import annotations

from tradsys.core.matching import Action, Reason
from tradsys.exchange.book.auctions import set_band, set_phase, uncross
from tradsys.exchange.book.changes import cancel, reduce, replace
from tradsys.exchange.book.checks import BAD_COMBINATION, refusal
from tradsys.exchange.book.entering import (
    DROPPED,
    IS_CANCELLED,
    IS_DONE,
    IS_FILLED,
    IS_REJECTED,
    enter,
    set_trigger,
    settle,
    work_line,
)
from tradsys.exchange.book.identifiers import find, find_likely, hash_of, prefetch_identifier, room_for
from tradsys.exchange.book.ladder import level_address
from tradsys.exchange.book.layout import (
    ACCOUNT,
    ACTION,
    AHEAD,
    AT,
    COMMAND,
    COMMAND_BYTES,
    COMMANDS,
    DISPLAY,
    EVENT_COUNT,
    FILLED,
    FIRST_PRICE,
    INSTRUMENT,
    INSTRUMENT_COUNT,
    LEVEL,
    LINE_HEAD,
    LIVE,
    MOST_EVENTS,
    MOST_ORDERS,
    NEXT,
    OPEN,
    ORDER_ID,
    OUTCOME,
    OUTCOME_BYTES,
    PLAIN_BYTES,
    PREVIOUS,
    PRICE,
    QUANTITY,
    SLOT_INSTRUMENT,
    STATUS,
    TRAIL,
)
from tradsys.exchange.book.machine import INLINE, PART, jit, load, load1, load2, load4, prefetch, store, store4
from tradsys.exchange.book.plain import NOT_PLAIN, plain_cancel, plain_limit, plain_market
from tradsys.exchange.book.queues import instrument_at, order_at
from tradsys.exchange.book.sweeps import cancel_all, end_day, pass_time
from tradsys.numerics.compilation import kernel

NEW, CANCEL, REDUCE, REPLACE, CANCEL_ALL, SET_PHASE, SET_BAND, UNCROSS, TIME, END_DAY = (int(a) for a in Action)
UNKNOWN_INSTRUMENT, DUPLICATE_ORDER = int(Reason.UNKNOWN_INSTRUMENT), int(Reason.DUPLICATE_ORDER)

# The first word of a command but for instrument and side, with a validity of DAY or GTC.
SHAPE = 0xFFFFFFFFFF & ~((1 << 8) | (1 << 24))
LIMIT_SHAPE, MARKET_SHAPE, CANCEL_SHAPE = 0, 1 << 16, 1
ENOUGH_EVENTS = MOST_EVENTS // 2

# Commands are looked at in groups before they are done, so that memory answers many at once: where the identifiers are
# two groups ahead, the orders that they name one group ahead, and then those orders' neighbours.
GROUP = 32
RING = 4 * GROUP - 1


@jit(PART)
def _copy(base: int, command: int, width: int) -> None:
    for offset in range(0, PLAIN_BYTES, 8):
        store(base + COMMAND + offset, load(command + offset))
    for offset in range(PLAIN_BYTES, COMMAND_BYTES, 8):
        store(base + COMMAND + offset, load(command + offset) if width > PLAIN_BYTES else 0)


@jit(PART)
def _execute(base: int, command: int, width: int) -> bool:
    """The general path of one command, which leaves its outcome in the header; False if there is no room for it."""
    _copy(base, command, width)
    command = base + COMMAND
    action = load1(command + ACTION)
    store(base + FIRST_PRICE, 0)
    if action > END_DAY:
        settle(base, IS_REJECTED, BAD_COMBINATION, 0, 0)
    elif action == CANCEL:
        cancel(base, command)
    elif action == REDUCE:
        reduce(base, command)
    elif action == REPLACE:
        return _replace_and_trigger(base, command)
    elif load2(command + INSTRUMENT) >= load(base + INSTRUMENT_COUNT):
        settle(base, IS_REJECTED, UNKNOWN_INSTRUMENT, 0, 0)
    elif action == NEW:
        return _submit(base, instrument_at(base, load2(command + INSTRUMENT)), command)
    else:
        _administer(base, instrument_at(base, load2(command + INSTRUMENT)), command, action)
    return True


@jit(PART)
def _replace_and_trigger(base: int, command: int) -> bool:
    slot = find(base, load(command + ORDER_ID))
    instrument = instrument_at(base, load4(order_at(base, slot) + SLOT_INSTRUMENT))
    replace(base, command)
    work_line(base, instrument)
    return True


@jit(PART)
def _submit(base: int, instrument: int, command: int) -> bool:
    order_id = load(command + ORDER_ID)
    if find(base, order_id) != 0:
        settle(base, IS_REJECTED, DUPLICATE_ORDER, 0, 0)
        return True
    reason = refusal(base, instrument, command, 0)
    if reason != 0:
        settle(base, IS_REJECTED, reason, 0, 0)
        return True
    if load(base + LIVE) >= MOST_ORDERS or room_for(base, hash_of(order_id)) == 0:
        return False
    set_trigger(instrument, command)
    enter(base, instrument, command)
    work_line(base, instrument)
    return True


@jit(PART)
def _administer(base: int, instrument: int, command: int, action: int) -> None:
    reason = 0
    settle(base, IS_DONE, 0, 0, 0)
    if action == CANCEL_ALL:
        cancel_all(base, instrument, load(command + ACCOUNT))
    elif action == SET_PHASE:
        reason = set_phase(base, instrument, load(command + PRICE))
    elif action == SET_BAND:
        reason = set_band(base, instrument, command)
    elif action == UNCROSS:
        reason = uncross(base, instrument, command)
    elif action == TIME:
        pass_time(base, instrument, load(command + AT))
    else:
        end_day(base, instrument)
    if reason != 0:
        settle(base, IS_REJECTED, reason, 0, 0)
    elif load(base + LINE_HEAD) != 0:
        work_line(base, instrument)


@jit(INLINE)
def _write(outcome: int, status: int, filled: int, rest: int) -> None:
    store(outcome + STATUS, status)
    store(outcome + FILLED, filled)
    store(outcome + OPEN, rest)


@jit(INLINE)
def _is_plain(command: int, width: int) -> bool:
    return width == PLAIN_BYTES or (load(command + TRAIL) | load(command + DISPLAY)) == 0


@jit(INLINE)
def _execute_plain(base: int, command: int, hashed: int, width: int, outcome: int) -> bool:
    """The plain path of one command; False if the general one has to do it."""
    shape = load(command) & SHAPE
    if shape == CANCEL_SHAPE:
        if plain_cancel(base, hashed, load(command + ORDER_ID)) == NOT_PLAIN:
            return False
        _write(outcome, IS_CANCELLED, 0, 0)
        return True
    quantity = load(command + QUANTITY)
    if shape == LIMIT_SHAPE and _is_plain(command, width):
        account = 0 if width == PLAIN_BYTES else load(command + ACCOUNT)
        left = plain_limit(base, command, hashed, account, load(command + PRICE), quantity)
        _write(outcome, 0 if left else IS_FILLED, quantity - left, left)
    elif shape == MARKET_SHAPE and _is_plain(command, width):
        left = plain_market(base, command, hashed, quantity)
        _write(outcome, IS_CANCELLED | (DROPPED << 8) if left else IS_FILLED, quantity - left, 0)
    else:
        return False
    return left != NOT_PLAIN


@jit(INLINE)
def _ahead(base: int, number: int) -> int:
    """Where the hash of a command's identifier and then the likely slot of its order are kept until it is done."""
    return base + AHEAD + ((number & RING) << 3)


@jit(PART)
def _look_for_identifiers(base: int, commands: int, width: int, start: int, stop: int) -> None:
    for number in range(start, stop):
        hashed = hash_of(load(commands + number * width + ORDER_ID))
        store(_ahead(base, number), hashed)
        prefetch_identifier(base, hashed)
        prefetch(commands + (number + 4 * GROUP) * width)


@jit(PART)
def _look_for_orders(base: int, start: int, stop: int) -> None:
    for number in range(start, stop):
        slot = find_likely(base, load4(_ahead(base, number)))
        store4(_ahead(base, number) + 4, slot)
        prefetch(order_at(base, slot))


@jit(PART)
def _look_for_neighbours(base: int, start: int, stop: int) -> None:
    for number in range(start, stop):
        order = order_at(base, load4(_ahead(base, number) + 4))
        prefetch(order_at(base, load4(order + NEXT)))
        prefetch(order_at(base, load4(order + PREVIOUS)))
        prefetch(level_address(base, load4(order + LEVEL)))


@kernel
def apply(base: int, commands: int, width: int, count: int, outcomes: int) -> int:
    """Commands of `width` bytes one after the other, an outcome for each, events from the start of their room.

    Returns how many were done: fewer than `count` where room for a command or for more events would be lacking.
    """
    store(base + EVENT_COUNT, 0)
    _look_for_identifiers(base, commands, width, 0, min(2 * GROUP, count))
    _look_for_orders(base, 0, min(GROUP, count))
    for start in range(0, count, GROUP):
        stop = min(start + GROUP, count)
        after = min(stop + GROUP, count)
        _look_for_identifiers(base, commands, width, after, min(after + GROUP, count))
        _look_for_orders(base, stop, after)
        _look_for_neighbours(base, start, stop)
        for number in range(start, stop):
            if load(base + EVENT_COUNT) >= ENOUGH_EVENTS:
                return number
            command = commands + number * width
            outcome = outcomes + number * OUTCOME_BYTES
            if not _execute_plain(base, command, load4(_ahead(base, number)), width, outcome):
                if not _execute(base, command, width):
                    return number
                for offset in range(0, OUTCOME_BYTES, 8):
                    store(outcome + offset, load(base + OUTCOME + offset))
            store(base + COMMANDS, load(base + COMMANDS) + 1)
    return count
