"""Why an order is not taken: the checks of a new or replaced order, in the order of `docs/matching.md`."""

from __future__ import annotations

from tradsys.core.matching import POST_ONLY, Reason
from tradsys.exchange.book.layout import (
    AT,
    AUCTION_LIMIT,
    BEST,
    CLOSED,
    CONTINUOUS,
    DISPLAY,
    EXPIRES_AT,
    FLAGS,
    FOK,
    GTD,
    HALTED,
    HIGH,
    HIGHEST_PRICE,
    KIND,
    LARGEST_QUANTITY,
    LAST,
    LIMIT,
    LOW,
    MARKET,
    PHASE,
    PRICE,
    PROTECTED,
    QUANTITY,
    SIDE,
    STOP,
    STOP_LIMIT,
    TRAIL,
    TRAILING_STOP,
    TRIGGER,
    VALIDITY,
)
from tradsys.exchange.book.machine import PART, jit, load, load1
from tradsys.exchange.book.queues import ladder_at
from tradsys.exchange.book.trading import DECREMENT, reaches

IS_CLOSED, IS_HALTED = int(Reason.CLOSED), int(Reason.HALTED)
BAD_QUANTITY, BAD_COMBINATION = int(Reason.BAD_QUANTITY), int(Reason.BAD_COMBINATION)
BAD_PRICE, BAD_DISPLAY, OUTSIDE_BAND = int(Reason.BAD_PRICE), int(Reason.BAD_DISPLAY), int(Reason.OUTSIDE_BAND)
ALREADY_EXPIRED, NOT_IN_AUCTION = int(Reason.ALREADY_EXPIRED), int(Reason.NOT_IN_AUCTION)
MARKET_FROZEN, NO_REFERENCE, WOULD_TRADE = (
    int(Reason.MARKET_FROZEN),
    int(Reason.NO_REFERENCE),
    int(Reason.WOULD_TRADE),
)
MAKER_ONLY = int(POST_ONLY)
RULE = MAKER_ONLY - 1
KNOWN_FLAGS = MAKER_ONLY | RULE


@jit(PART)
def refusal(base: int, instrument: int, order: int, replaced: int) -> int:
    """The first rule that an order breaks, or 0. `replaced`: the slot of the order that it would replace, or 0."""
    phase = load(instrument + PHASE)
    if phase == CLOSED:
        return IS_CLOSED
    if phase == HALTED:
        return IS_HALTED
    reason = _refused_by_itself(order)
    if reason == 0:
        reason = _refused_by_market(instrument, order)
    if reason == 0 and phase != CONTINUOUS:
        reason = _refused_by_auction(phase, order, replaced)
    if reason == 0:
        reason = _refused_by_book(instrument, order, phase)
    return reason


@jit(PART)
def _refused_by_itself(order: int) -> int:
    quantity = load(order + QUANTITY)
    if quantity < 1 or quantity > LARGEST_QUANTITY:
        return BAD_QUANTITY
    if not _combines(order):
        return BAD_COMBINATION
    if not _is_priced(order):
        return BAD_PRICE
    display = load(order + DISPLAY)
    return BAD_DISPLAY if display < 0 or display > quantity else 0


@jit(PART)
def _combines(order: int) -> bool:
    kind = load1(order + KIND)
    flags = load1(order + FLAGS)
    validity = load1(order + VALIDITY)
    if load1(order + SIDE) > 1 or kind > TRAILING_STOP or validity > FOK:
        return False
    if (flags & ~KNOWN_FLAGS) != 0 or (flags & RULE) > DECREMENT:
        return False
    if (flags & MAKER_ONLY) != 0 or load(order + DISPLAY) != 0:
        return kind == LIMIT and validity <= GTD and load(order + TRAIL) == 0
    return kind == TRAILING_STOP or load(order + TRAIL) == 0


@jit(PART)
def _is_price(price: int) -> bool:
    return 0 < price <= HIGHEST_PRICE


@jit(PART)
def _is_priced(order: int) -> bool:
    kind = load1(order + KIND)
    trigger = load(order + TRIGGER)
    if kind == MARKET:
        return True
    if kind == STOP:
        return _is_price(trigger)
    if kind == TRAILING_STOP:
        return _is_price(load(order + TRAIL)) and (trigger == 0 or _is_price(trigger))
    return _is_price(load(order + PRICE)) and (kind != STOP_LIMIT or _is_price(trigger))


@jit(PART)
def is_outside_band(instrument: int, price: int) -> bool:
    """Whether a price is outside the instrument's band."""
    high = load(instrument + HIGH)
    return price < load(instrument + LOW) or (high != 0 and price > high)


@jit(PART)
def _refused_by_market(instrument: int, order: int) -> int:
    kind = load1(order + KIND)
    if kind in (LIMIT, STOP_LIMIT) and is_outside_band(instrument, load(order + PRICE)):
        return OUTSIDE_BAND
    if load1(order + VALIDITY) == GTD and load(order + EXPIRES_AT) <= load(order + AT):
        return ALREADY_EXPIRED
    return 0


@jit(PART)
def _refused_by_auction(phase: int, order: int, replaced: int) -> int:
    kind = load1(order + KIND)
    if replaced != 0 and kind >= STOP:
        return 0
    special = (load1(order + FLAGS) & MAKER_ONLY) != 0 or load(order + DISPLAY) != 0
    if special or kind > MARKET or load1(order + VALIDITY) > GTD:
        return NOT_IN_AUCTION
    return MARKET_FROZEN if phase == AUCTION_LIMIT and kind == MARKET else 0


@jit(PART)
def _refused_by_book(instrument: int, order: int, phase: int) -> int:
    kind = load1(order + KIND)
    side = load1(order + SIDE)
    best = load(ladder_at(instrument, 1 - side) + BEST)
    if load(instrument + LAST) == 0:
        follows = kind == TRAILING_STOP and load(order + TRIGGER) == 0
        if follows or (kind == PROTECTED and best == 0):
            return NO_REFERENCE
    if (load1(order + FLAGS) & MAKER_ONLY) != 0 and reaches(side, load(order + PRICE), best):
        return WOULD_TRADE
    return 0
