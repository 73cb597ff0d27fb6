"""The checks of the reference book, in their order. `docs/matching.md` is the specification."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from operator import attrgetter

from tradsys.core.matching import MAX_PRICE, MAX_QUANTITY, POST_ONLY, Kind, Reason, SelfTrade, TimeInForce
from tradsys.exchange.book_reference_orders import (
    AUCTION_LIMIT,
    BUY,
    CLOSED,
    GTD,
    HALTED,
    LIMIT,
    MARKET,
    PROTECTED,
    SELL,
    STOP,
    STOP_LIMIT,
    TRAILING,
    InstrumentBook,
    Order,
)

KINDS, VALIDITIES, SELF_TRADE_RULES = range(len(Kind)), range(len(TimeInForce)), range(len(SelfTrade))
FLAGS = range(2 * POST_ONLY)
STOPPED_BY_OWN = (SelfTrade.CANCEL_NEWEST, SelfTrade.CANCEL_BOTH, SelfTrade.DECREMENT)


def _is_bad_combination(order: Order) -> bool:
    plain = order.kind == LIMIT and order.rests
    return (
        order.kind not in KINDS
        or order.side not in (BUY, SELL)
        or order.time_in_force not in VALIDITIES
        or order.rule not in SELF_TRADE_RULES
        or order.flags not in FLAGS
        or (order.post_only and not plain)
        or (order.display != 0 and not plain)
        or (order.trail != 0 and order.kind != TRAILING)
    )


def _is_bad_price(order: Order) -> bool:
    wants_limit = order.kind in (LIMIT, PROTECTED, STOP_LIMIT)
    return (
        (wants_limit and not _is_price(order.price))
        or (order.kind in (STOP, STOP_LIMIT) and not _is_price(order.trigger))
        # the trigger of a trailing order may be left out
        or (order.kind == TRAILING and not (_is_price(order.trail) and _is_price(order.trigger or 1)))
    )


def _is_price(price: int) -> bool:
    return 1 <= price <= MAX_PRICE


def _is_not_for_auctions(order: Order, *, replaces: bool) -> bool:
    if order.is_stop:
        return not replaces
    return order.kind == PROTECTED or not order.rests or order.post_only or order.display != 0


def _lacks_reference(book: InstrumentBook, order: Order) -> bool:
    if order.kind == PROTECTED:
        return not (book.last or book.best_price(1 - order.side))
    return order.kind == TRAILING and not order.trigger and not book.last


def _would_trade(book: InstrumentBook, order: Order) -> bool:
    best = book.best_price(1 - order.side)
    return order.post_only and best != 0 and book.reached(order, best)


Check = Callable[[InstrumentBook, Order, int, bool], bool]

CHECKS: tuple[tuple[Reason, Check], ...] = (
    (Reason.CLOSED, lambda book, order, at, replaces: book.phase == CLOSED),
    (Reason.HALTED, lambda book, order, at, replaces: book.phase == HALTED),
    (Reason.BAD_QUANTITY, lambda book, order, at, replaces: not 1 <= order.open <= MAX_QUANTITY),
    (Reason.BAD_COMBINATION, lambda book, order, at, replaces: _is_bad_combination(order)),
    (Reason.BAD_PRICE, lambda book, order, at, replaces: _is_bad_price(order)),
    (Reason.BAD_DISPLAY, lambda book, order, at, replaces: not 0 <= order.display <= order.open),
    (
        Reason.OUTSIDE_BAND,
        lambda book, order, at, replaces: order.kind in (LIMIT, STOP_LIMIT) and not book.in_band(order.price),
    ),
    (Reason.ALREADY_EXPIRED, lambda book, order, at, replaces: order.time_in_force == GTD and order.expires_at <= at),
    (
        Reason.NOT_IN_AUCTION,
        lambda book, order, at, replaces: book.in_auction and _is_not_for_auctions(order, replaces=replaces),
    ),
    (Reason.MARKET_FROZEN, lambda book, order, at, replaces: is_frozen(book, order)),
    (Reason.NO_REFERENCE, lambda book, order, at, replaces: _lacks_reference(book, order)),
    (Reason.WOULD_TRADE, lambda book, order, at, replaces: _would_trade(book, order)),
)


def refusal(book: InstrumentBook, order: Order, *, at: int, replaces: bool) -> Reason:
    """The first check that an order about to enter does not pass, or `NONE`."""
    return next((reason for reason, broken in CHECKS if broken(book, order, at, replaces)), Reason.NONE)


def is_frozen(book: InstrumentBook, order: Order) -> bool:
    """Whether a resting order may not be touched: a market order while only limits are collected."""
    return book.phase == AUCTION_LIMIT and order.kind == MARKET


def is_crossed(book: InstrumentBook) -> bool:
    """Whether orders rest that would trade: a call auction must end first."""
    bid, ask = book.best_price(BUY), book.best_price(SELL)
    return any(order.kind == MARKET for order in book.orders()) or (bid >= ask > 0)


def is_own(order: Order, *, maker: Order) -> bool:
    """Whether both belong to one account."""
    return order.account != 0 and order.account == maker.account


def can_fill_whole(book: InstrumentBook, order: Order) -> bool:
    """Whether the levels within an order's limit hold all it wants, its self-trade rule considered."""
    counted = 0
    within = [maker for maker in book.resting[1 - order.side] if book.reached(order, maker.price)]
    for _, level in groupby(within, key=attrgetter("price")):
        makers = list(level)
        own = [position for position, maker in enumerate(makers) if is_own(order, maker=maker)]
        if own and order.rule in STOPPED_BY_OWN:
            return counted + sum(maker.shown for maker in makers[: own[0]]) >= order.open
        skipped = own if order.rule == SelfTrade.CANCEL_OLDEST else []
        counted += sum(maker.open for position, maker in enumerate(makers) if position not in skipped)
    return counted >= order.open
