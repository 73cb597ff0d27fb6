"""A taker meets what rests on the other side."""

from __future__ import annotations

from tradsys.core.matching import BookEventKind, Reason, SelfTrade
from tradsys.exchange.book.events import record
from tradsys.exchange.book.ladder import is_ascending, level_address, level_after
from tradsys.exchange.book.layout import (
    BEST,
    BEST_LEVEL,
    FIRST_PRICE,
    HEAD,
    HIDDEN,
    KEY,
    LAST,
    LEVEL_HIDDEN,
    LEVEL_SHOWN,
    NEXT,
    ORDER_ID,
    OWNER,
    SHOWN,
    SLOT_ID,
    STOPPED,
    TRADES,
    VOLUME,
)
from tradsys.exchange.book.machine import INLINE, PART, jit, load, load4, store
from tradsys.exchange.book.queues import ladder_at, order_at, release, renew, unlink

TRADE, CANCELLED, DECREMENTED = int(BookEventKind.TRADE), int(BookEventKind.CANCELLED), int(BookEventKind.DECREMENTED)
SELF_TRADE = int(Reason.SELF_TRADE)
ALLOW, CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT = (int(rule) for rule in SelfTrade)


@jit(INLINE)
def reaches(side: int, limit: int, price: int) -> bool:
    """Whether a limit of a side allows a trade at an opposite price (0: there is none)."""
    # Flipping all bits turns the order of numbers round, and spares a branch that nobody can foretell.
    return price != 0 and (limit ^ -side) >= (price ^ -side)


@jit(INLINE)
def _take_from(base: int, ladder: int, side: int, level: int, slot: int, quantity: int) -> None:
    """What a maker shows shrinks by a quantity; with nothing left it is out, or shows its next part."""
    order = order_at(base, slot)
    shown = load(order + SHOWN)
    if quantity < shown:
        store(order + SHOWN, shown - quantity)
        store(level + LEVEL_SHOWN, load(level + LEVEL_SHOWN) - quantity)
    elif load(order + HIDDEN) == 0:
        unlink(base, ladder, side, slot)
        release(base, slot)
    else:
        renew(base, level, slot)


@jit(PART)
def match(base: int, instrument: int, side: int, limit: int, quantity: int, taker: int, account: int, rule: int) -> int:
    """Trade with the other side as far as the limit allows; the quantity left.

    The price of the first trade goes to `FIRST_PRICE` (0: none); `STOPPED` is set by a self-trade rule.
    """
    return _match(base, instrument, side, limit, quantity, taker, account, rule)


@jit(PART)
def match_anyone(base: int, instrument: int, side: int, limit: int, quantity: int, taker: int) -> int:
    """The same for a taker that may trade with anyone: the compiler leaves self-trades out."""
    return _match(base, instrument, side, limit, quantity, taker, 0, ALLOW)


@jit(INLINE)
def _match(
    base: int, instrument: int, side: int, limit: int, quantity: int, taker: int, account: int, rule: int
) -> int:
    opposite = ladder_at(instrument, 1 - side)
    first = 0
    price = load(opposite + BEST)
    while quantity > 0 and reaches(side, limit, price):
        level = level_address(base, load(opposite + BEST_LEVEL))
        slot = load4(level + HEAD)
        maker = order_at(base, slot)
        if account != 0 and rule != ALLOW and load(maker + OWNER) == account:
            quantity = _meet_own(base, instrument, side, level, slot, quantity, taker, rule)
            if load(base + STOPPED) == 1:
                break
        else:
            traded = min(quantity, load(maker + SHOWN))
            record(base, instrument, TRADE, side, load(taker + ORDER_ID), load(maker + SLOT_ID), price, traded, 0)
            store(base + TRADES, load(base + TRADES) + 1)
            store(base + VOLUME, load(base + VOLUME) + traded)
            store(instrument + LAST, price)
            first = first if first else price
            quantity -= traded
            _take_from(base, opposite, 1 - side, level, slot, traded)
        price = load(opposite + BEST)
    store(base + FIRST_PRICE, first)
    return quantity


@jit(PART)
def _meet_own(
    base: int, instrument: int, side: int, level: int, slot: int, quantity: int, taker: int, rule: int
) -> int:
    """Apply the taker's self-trade rule; the quantity left. `STOPPED`: 1 the taker is stopped, 2 nothing is left."""
    opposite = ladder_at(instrument, 1 - side)
    maker = order_at(base, slot)
    if rule == DECREMENT:
        less = min(quantity, load(maker + SHOWN))
        price = load4(maker + KEY)
        record(base, instrument, DECREMENTED, side, load(taker + ORDER_ID), load(maker + SLOT_ID), price, less, 0)
        _take_from(base, opposite, 1 - side, level, slot, less)
        if less == quantity:
            store(base + STOPPED, 2)
        return quantity - less
    if rule != CANCEL_NEWEST:
        left = load(maker + SHOWN) + load(maker + HIDDEN)
        record(base, instrument, CANCELLED, 1 - side, load(maker + SLOT_ID), 0, 0, left, SELF_TRADE)
        unlink(base, opposite, 1 - side, slot)
        release(base, slot)
    if rule != CANCEL_OLDEST:
        store(base + STOPPED, 1)
    return quantity


@jit(PART)
def can_fill(base: int, instrument: int, side: int, limit: int, quantity: int, account: int, rule: int) -> bool:
    """Whether a whole quantity could trade within a limit, the taker's self-trade rule minded."""
    opposite = ladder_at(instrument, 1 - side)
    price = load(opposite + BEST)
    number = load(opposite + BEST_LEVEL)
    minds = account != 0 and rule != ALLOW
    while reaches(side, limit, price):
        level = level_address(base, number)
        own = _first_own(base, level, account) if minds else 0
        if own != 0 and rule != CANCEL_OLDEST:
            return quantity <= _shown_before(base, level, own)
        quantity -= load(level + LEVEL_SHOWN) + load(level + LEVEL_HIDDEN)
        if own != 0:
            quantity += _own_quantity(base, own, account)
        if quantity <= 0:
            return True
        number = level_after(base, opposite, price, number, is_ascending(1 - side))
        if number == 0:
            return False
        price = load4(order_at(base, load4(level_address(base, number) + HEAD)) + KEY)
    return False


@jit(PART)
def _first_own(base: int, level: int, account: int) -> int:
    slot = load4(level + HEAD)
    while slot != 0 and load(order_at(base, slot) + OWNER) != account:
        slot = load4(order_at(base, slot) + NEXT)
    return slot


@jit(PART)
def _shown_before(base: int, level: int, own: int) -> int:
    total = 0
    slot = load4(level + HEAD)
    while slot != own:
        total += load(order_at(base, slot) + SHOWN)
        slot = load4(order_at(base, slot) + NEXT)
    return total


@jit(PART)
def _own_quantity(base: int, slot: int, account: int) -> int:
    """Open quantity of an account's orders from a slot on."""
    total = 0
    while slot != 0:
        order = order_at(base, slot)
        if load(order + OWNER) == account:
            total += load(order + SHOWN) + load(order + HIDDEN)
        slot = load4(order + NEXT)
    return total
