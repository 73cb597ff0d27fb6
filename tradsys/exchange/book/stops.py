"""Orders that wait for a price: their queues by trigger, trailing ones, and the line of those triggered."""

from __future__ import annotations

from tradsys.core.matching import BookEventKind
from tradsys.exchange.book.events import record
from tradsys.exchange.book.ladder import level_address
from tradsys.exchange.book.layout import (
    BEST,
    BEST_LEVEL,
    FIRST_PRICE,
    HEAD,
    HIGH,
    HIGHEST_PRICE,
    KEY,
    LAST,
    LINE_HEAD,
    LINE_TAIL,
    LOW,
    NEXT,
    PHASE,
    SHOWN,
    SLOT_ID,
    SLOT_KIND,
    SLOT_SIDE,
    SLOT_TRAIL,
    SPECIAL,
    TRAILING,
    TRAILING_BOUND,
    TRAILING_BYTES,
    TRAILING_HEAD,
    TRAILING_NEXT,
    TRAILING_PREVIOUS,
    TRAILING_STOP,
    TRAILING_TAIL,
    WAITING,
)
from tradsys.exchange.book.machine import PART, jit, load, load1, load4, store, store4
from tradsys.exchange.book.queues import append, details_at, ladder_at, order_at, unlink

TRIGGERED = int(BookEventKind.TRIGGERED)


@jit(PART)
def note_special(instrument: int) -> None:
    """Whether anything about an instrument keeps orders off the plain path."""
    special = load(instrument + PHASE) | load(instrument + LOW) | load(instrument + HIGH) | load(instrument + WAITING)
    store(instrument + SPECIAL, special)


@jit(PART)
def trailing_trigger(side: int, price: int, trail: int) -> int:
    """The trigger at a distance from a price: above it for a buy, below it for a sell."""
    return min(price + trail, HIGHEST_PRICE) if side == 0 else max(price - trail, 1)


@jit(PART)
def is_touched(side: int, trigger: int, price: int) -> bool:
    """Whether a trade at a price (0: none) touches a trigger."""
    return price != 0 and (trigger <= price if side == 0 else trigger >= price)


@jit(PART)
def start_waiting(base: int, instrument: int, slot: int, trigger: int) -> None:
    """To the tail of a trigger's queue; a trailing order also to the tail of the list of those."""
    order = order_at(base, slot)
    side = load1(order + SLOT_SIDE)
    append(base, ladder_at(instrument, side + 2), side + 2, slot, trigger)
    if load1(order + SLOT_KIND) == TRAILING_STOP:
        _follow(base, instrument + TRAILING + side * TRAILING_BYTES, side, slot, trigger)
    store(instrument + WAITING, load(instrument + WAITING) + 1)
    note_special(instrument)


@jit(PART)
def stop_waiting(base: int, instrument: int, slot: int) -> None:
    """Out of the trigger's queue and of the trailing ones."""
    order = order_at(base, slot)
    side = load1(order + SLOT_SIDE)
    unlink(base, ladder_at(instrument, side + 2), side + 2, slot)
    if load1(order + SLOT_KIND) == TRAILING_STOP:
        _unfollow(base, instrument + TRAILING + side * TRAILING_BYTES, slot)
    store(instrument + WAITING, load(instrument + WAITING) - 1)
    note_special(instrument)


@jit(PART)
def _follow(base: int, followers: int, side: int, slot: int, trigger: int) -> None:
    details = details_at(base, slot)
    # The price beyond which this order moves, and the farthest of those of all.
    bound = trigger - load(details + SLOT_TRAIL) if side == 0 else trigger + load(details + SLOT_TRAIL)
    tail = load(followers + TRAILING_TAIL)
    store(details + TRAILING_PREVIOUS, tail)
    store(details + TRAILING_NEXT, 0)
    store(followers + TRAILING_TAIL, slot)
    if tail == 0:
        store(followers + TRAILING_HEAD, slot)
        store(followers + TRAILING_BOUND, bound)
        return
    store(details_at(base, tail) + TRAILING_NEXT, slot)
    known = load(followers + TRAILING_BOUND)
    store(followers + TRAILING_BOUND, max(known, bound) if side == 0 else min(known, bound))


@jit(PART)
def _unfollow(base: int, followers: int, slot: int) -> None:
    details = details_at(base, slot)
    following = load(details + TRAILING_NEXT)
    previous = load(details + TRAILING_PREVIOUS)
    if previous == 0:
        store(followers + TRAILING_HEAD, following)
    else:
        store(details_at(base, previous) + TRAILING_NEXT, following)
    if following == 0:
        store(followers + TRAILING_TAIL, previous)
    else:
        store(details_at(base, following) + TRAILING_PREVIOUS, previous)


@jit(PART)
def touch(base: int, instrument: int, price: int) -> None:
    """A trade at a price: trailing orders move, then what it touches joins the line."""
    if load(instrument + WAITING) == 0:
        return
    for side in range(2):
        _move_trailing(base, instrument, side, price)
    for side in range(2):
        _trigger(base, instrument, side, price)


@jit(PART)
def _move_trailing(base: int, instrument: int, side: int, price: int) -> None:
    followers = instrument + TRAILING + side * TRAILING_BYTES
    slot = load(followers + TRAILING_HEAD)
    bound = load(followers + TRAILING_BOUND)
    if slot == 0 or (price >= bound if side == 0 else price <= bound):
        return
    store(followers + TRAILING_BOUND, price)
    ladder = ladder_at(instrument, side + 2)
    while slot != 0:
        trigger = load4(order_at(base, slot) + KEY)
        better = trailing_trigger(side, price, load(details_at(base, slot) + SLOT_TRAIL))
        if better < trigger if side == 0 else better > trigger:
            unlink(base, ladder, side + 2, slot)
            append(base, ladder, side + 2, slot, better)
        slot = load(details_at(base, slot) + TRAILING_NEXT)


@jit(PART)
def _trigger(base: int, instrument: int, side: int, price: int) -> None:
    ladder = ladder_at(instrument, side + 2)
    while load(ladder + BEST) != 0 and is_touched(side, load(ladder + BEST), price):
        slot = load4(level_address(base, load(ladder + BEST_LEVEL)) + HEAD)
        order = order_at(base, slot)
        stop_waiting(base, instrument, slot)
        record(base, instrument, TRIGGERED, side, load(order + SLOT_ID), 0, price, load(order + SHOWN), 0)
        _join_line(base, slot)


@jit(PART)
def _join_line(base: int, slot: int) -> None:
    store4(order_at(base, slot) + NEXT, 0)
    if load(base + LINE_HEAD) == 0:
        store(base + LINE_HEAD, slot)
    else:
        store4(order_at(base, load(base + LINE_TAIL)) + NEXT, slot)
    store(base + LINE_TAIL, slot)


@jit(PART)
def touch_traded(base: int, instrument: int) -> None:
    """The prices of the first and the last trade of an order touch."""
    first = load(base + FIRST_PRICE)
    if first != 0:
        touch(base, instrument, first)
        if load(instrument + LAST) != first:
            touch(base, instrument, load(instrument + LAST))
