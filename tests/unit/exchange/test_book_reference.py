"""The rules of continuous trading, sentence by sentence, worked out by hand; for every book that follows them."""

from __future__ import annotations

import pytest

from tests.books import Desk, MakeBook, Row, each_book, refused
from tradsys.core.matching import (
    POST_ONLY,
    Action,
    BookPhase,
    BookSide,
    Kind,
    Reason,
    SelfTrade,
    Status,
    TimeInForce,
)

pytestmark = each_book

BUY, SELL = BookSide
LIMIT, MARKET, PROTECTED, STOP, STOP_LIMIT, TRAILING = Kind
DAY, GTC, GTD, IOC, FOK = TimeInForce
CONTINUOUS, AUCTION, AUCTION_LIMIT, HALTED, CLOSED = BookPhase
OPEN, WAITING, FILLED, CANCELLED, REJECTED, DONE = Status


@pytest.fixture
def desk(make_book: MakeBook) -> Desk:
    return Desk(make_book)


def test_price_then_arrival_at_the_resting_price(desk: Desk) -> None:
    desk.sell(1, 5, 101)
    desk.sell(2, 5, 100)
    desk.sell(3, 5, 100)
    assert desk.buy(4, 12, 101) == (FILLED, Reason.NONE, 12, 0)
    assert desk.trades == [(4, 2, 100, 5), (4, 3, 100, 5), (4, 1, 101, 2)]
    assert desk.book.best(0) == (0, 0, 101, 3)


def test_what_does_not_trade_rests_by_validity(desk: Desk) -> None:
    desk.sell(1, 5, 100)
    assert desk.buy(2, 8, 100) == (OPEN, Reason.NONE, 5, 3)
    assert desk.sell(3, 8, 100, time_in_force=IOC) == (CANCELLED, Reason.DROPPED, 3, 0)
    assert desk.sell(4, 8, 100, time_in_force=IOC) == (CANCELLED, Reason.DROPPED, 0, 0)
    assert desk.live == []


def test_fill_or_kill_looks_before_it_trades(desk: Desk) -> None:
    desk.sell(1, 5, 100, display=2)
    desk.sell(2, 5, 102)
    assert desk.buy(3, 11, 105, time_in_force=FOK) == (CANCELLED, Reason.NOT_FILLED_WHOLE, 0, 0)
    assert desk.buy(4, 6, 101, time_in_force=FOK) == (CANCELLED, Reason.NOT_FILLED_WHOLE, 0, 0)
    assert desk.events == []
    assert desk.buy(5, 10, 102, time_in_force=FOK) == (FILLED, Reason.NONE, 10, 0)


def test_market_orders_stop_at_the_band(desk: Desk) -> None:
    desk.sell(1, 5, 100)
    desk.sell(2, 5, 110)
    desk.send(Action.SET_BAND, price=90, trigger=105)
    assert desk.buy(3, 8, kind=MARKET) == (CANCELLED, Reason.DROPPED, 5, 0)
    assert desk.live == [(2, 5, 0)]


@pytest.mark.parametrize(
    ("side", "last", "protection", "becomes"),
    [
        (BUY, 100, 3, 103),
        (SELL, 100, 3, 97),
        (BUY, 100, 9, 105),
        (SELL, 100, 9, 95),
        (BUY, 0, 3, 103),
        (SELL, 0, 3, 95),
    ],
)
def test_protected_orders_become_limit_orders_in_the_band(
    desk: Desk, side: int, last: int, protection: int, becomes: int
) -> None:
    if last:
        desk.trade_at(last)
    else:
        desk.sell(8, 1, 100) if side == BUY else desk.buy(8, 1, 95)
    desk.send(Action.SET_BAND, price=95, trigger=105)
    quantity = 5
    desk.send(Action.NEW, 1, side=side, quantity=quantity, price=protection, kind=PROTECTED)
    (order,) = desk.book.orders(0)
    assert (order.kind, order.price) == (LIMIT, becomes)


def test_protected_needs_a_reference_and_stays_a_price(desk: Desk) -> None:
    assert desk.buy(1, 5, 3, kind=PROTECTED) == refused(Reason.NO_REFERENCE)
    desk.trade_at(2)
    desk.sell(2, 5, 7, kind=PROTECTED)
    assert desk.book.best(0) == (0, 0, 1, 5)


def test_post_only_is_rejected_where_it_would_trade(desk: Desk) -> None:
    desk.sell(1, 5, 100, account=7)
    assert desk.buy(2, 5, 100, flags=POST_ONLY | SelfTrade.CANCEL_OLDEST, account=7) == refused(Reason.WOULD_TRADE)
    assert desk.buy(2, 5, 99, flags=POST_ONLY)[0] == OPEN
    assert desk.send(Action.REPLACE, 2, price=100, quantity=5) == refused(Reason.WOULD_TRADE)
    assert desk.live == [(2, 5, 0), (1, 5, 0)]


def test_an_iceberg_shows_its_next_part_at_the_tail(desk: Desk) -> None:
    desk.sell(1, 10, 100, display=4)
    desk.sell(2, 3, 100)
    assert desk.book.levels(0, SELL, count=5) == [(100, 7, 2)]
    desk.buy(3, 5, 100)
    assert desk.trades == [(3, 1, 100, 4), (3, 2, 100, 1)]
    assert desk.live == [(2, 2, 0), (1, 4, 2)]
    desk.buy(4, 7, 100)
    assert desk.trades == [(4, 2, 100, 2), (4, 1, 100, 4), (4, 1, 100, 1)]
    assert desk.live == [(1, 1, 0)]


def test_an_iceberg_that_trades_first_shows_of_what_is_left(desk: Desk) -> None:
    desk.buy(1, 6, 100)
    assert desk.sell(2, 10, 100, display=8) == (OPEN, Reason.NONE, 6, 4)
    assert desk.live == [(2, 4, 0)]


def test_reducing_keeps_the_place_and_takes_the_hidden_part_first(desk: Desk) -> None:
    desk.sell(1, 10, 100, display=4)
    desk.sell(2, 3, 100)
    assert desk.send(Action.REDUCE, 1, quantity=5) == (OPEN, Reason.NONE, 0, 5)
    assert desk.send(Action.REPLACE, 1, price=100, quantity=3) == (OPEN, Reason.NONE, 0, 3)
    assert desk.live == [(1, 3, 0), (2, 3, 0)]
    assert desk.send(Action.REDUCE, 1, quantity=3) == (CANCELLED, Reason.NONE, 0, 0)
    assert desk.live == [(2, 3, 0)]


@pytest.mark.parametrize(("price", "quantity"), [(100, 6), (101, 5), (99, 1)])
def test_growth_or_a_new_price_loses_the_place(desk: Desk, price: int, quantity: int) -> None:
    desk.sell(1, 5, 100)
    desk.sell(2, 5, price)
    assert desk.send(Action.REPLACE, 1, price=price, quantity=quantity) == (OPEN, Reason.NONE, 0, quantity)
    assert [order.arrival for order in desk.book.orders(0)] == [2, 3]


def test_a_replaced_order_may_trade(desk: Desk) -> None:
    desk.buy(1, 5, 99)
    desk.sell(2, 5, 101)
    assert desk.send(Action.REPLACE, 2, price=98, quantity=7) == (OPEN, Reason.NONE, 5, 2)
    assert desk.trades == [(2, 1, 99, 5)]


@pytest.mark.parametrize(
    ("rule", "outcome", "events", "left"),
    [
        (SelfTrade.ALLOW, (OPEN, Reason.NONE, 6, 2), [("TRADE", 3, 1, 100, 4), ("TRADE", 3, 2, 100, 2)], [3]),
        (SelfTrade.CANCEL_NEWEST, (CANCELLED, Reason.SELF_TRADE, 0, 0), [], [1, 2]),
        (SelfTrade.CANCEL_OLDEST, (OPEN, Reason.NONE, 2, 6), [("CANCELLED", 1, 0, 0, 4), ("TRADE", 3, 2, 100, 2)], [3]),
        (SelfTrade.CANCEL_BOTH, (CANCELLED, Reason.SELF_TRADE, 0, 0), [("CANCELLED", 1, 0, 0, 4)], [2]),
        (SelfTrade.DECREMENT, (OPEN, Reason.NONE, 2, 2), [("DECREMENTED", 3, 1, 100, 4), ("TRADE", 3, 2, 100, 2)], [3]),
    ],
)
def test_self_trade_rules(desk: Desk, rule: int, outcome: Row, events: list[Row], left: list[int]) -> None:
    desk.sell(1, 4, 100, account=7)
    desk.sell(2, 2, 100, account=8)
    assert desk.buy(3, 8, 100, account=7, flags=rule) == outcome
    assert [event[:5] for event in desk.events] == events
    assert [order_id for order_id, _, _ in desk.live] == left


def test_a_taker_used_up_by_decrements_is_cancelled(desk: Desk) -> None:
    desk.sell(1, 2, 99)
    desk.sell(2, 5, 100, account=7)
    decrement = SelfTrade.DECREMENT
    assert desk.buy(3, 6, 100, account=7, flags=decrement) == (CANCELLED, Reason.SELF_TRADE, 2, 0)
    assert desk.live == [(2, 1, 0)]


def test_nobodys_account_trades_with_itself(desk: Desk) -> None:
    desk.sell(1, 2, 99)
    assert desk.buy(2, 2, 99, flags=SelfTrade.CANCEL_BOTH)[0] == FILLED


@pytest.mark.parametrize(
    ("rule", "filled"),
    [
        (SelfTrade.ALLOW, 12),
        (SelfTrade.CANCEL_OLDEST, 0),
        (SelfTrade.CANCEL_NEWEST, 0),
        (SelfTrade.CANCEL_BOTH, 0),
        (SelfTrade.DECREMENT, 0),
    ],
)
def test_fill_or_kill_counts_by_its_self_trade_rule(desk: Desk, rule: int, filled: int) -> None:
    desk.sell(1, 8, 100, display=3)
    desk.sell(2, 4, 100, account=7)
    assert desk.buy(3, 12, 100, time_in_force=FOK, account=7, flags=rule)[2] == filled
    fits = 8 if rule in (SelfTrade.ALLOW, SelfTrade.CANCEL_OLDEST) else 3
    if not filled:
        assert desk.buy(4, fits + 1, 100, time_in_force=FOK, account=7, flags=rule)[2] == 0
        assert desk.buy(5, fits, 100, time_in_force=FOK, account=7, flags=rule)[2] == fits


def test_stops_wait_until_a_trade_touches_them(desk: Desk) -> None:
    assert desk.buy(1, 5, kind=STOP, trigger=100) == (WAITING, Reason.NONE, 0, 5)
    assert desk.buy(2, 5, 103, kind=STOP_LIMIT, trigger=99)[0] == WAITING
    desk.sell(3, 1, 100)
    desk.sell(4, 20, 102)
    desk.buy(5, 1, 100)
    assert desk.events == [
        ("TRADE", 5, 3, 100, 1, "NONE"),
        ("TRIGGERED", 2, 0, 100, 5, "NONE"),
        ("TRIGGERED", 1, 0, 100, 5, "NONE"),
        ("TRADE", 2, 4, 102, 5, "NONE"),
        ("TRADE", 1, 4, 102, 5, "NONE"),
    ]


def test_what_is_dropped_of_a_triggered_order_is_told_before_its_touch(desk: Desk) -> None:
    desk.sell(1, 9, kind=STOP, trigger=100)
    desk.sell(2, 1, kind=STOP, trigger=98)
    desk.buy(3, 1, 100)
    desk.buy(4, 2, 97)
    desk.sell(5, 1, 100)
    assert desk.events[1:] == [
        ("TRIGGERED", 1, 0, 100, 9, "NONE"),
        ("TRADE", 1, 4, 97, 2, "NONE"),
        ("CANCELLED", 1, 0, 0, 7, "DROPPED"),
        ("TRIGGERED", 2, 0, 97, 1, "NONE"),
        ("CANCELLED", 2, 0, 0, 1, "DROPPED"),
    ]


def test_first_and_last_price_touch_in_turn(desk: Desk) -> None:
    for order_id, trigger in ((1, 102), (2, 101), (3, 100)):
        desk.buy(order_id, 1, kind=STOP, trigger=trigger)
    for order_id, price in ((4, 100), (5, 101), (6, 102)):
        desk.sell(order_id, 1, price)
    desk.buy(7, 3, 102)
    triggered = [event[1:4] for event in desk.events if event[0] == "TRIGGERED"]
    assert triggered == [(3, 0, 100), (2, 0, 102), (1, 0, 102)]


def test_a_new_stop_that_is_touched_already_trades_at_once(desk: Desk) -> None:
    desk.trade_at(100)
    desk.buy(1, 3, 99)
    assert desk.sell(2, 5, 99, kind=STOP_LIMIT, trigger=100) == (OPEN, Reason.NONE, 3, 2)
    assert desk.events[0] == ("TRIGGERED", 2, 0, 100, 5, "NONE")
    (order,) = desk.book.orders(0)
    # two orders that made the last trade, the bid, and the stop twice
    assert (order.kind, order.price, order.trigger, order.arrival) == (LIMIT, 99, 0, 5)


def test_the_outcome_is_that_of_entering_not_of_what_stops_do_after(desk: Desk) -> None:
    desk.sell(1, 4, kind=STOP, trigger=100)
    desk.sell(2, 1, 100)
    assert desk.buy(3, 3, 100) == (OPEN, Reason.NONE, 1, 2)
    assert desk.events[-2:] == [("TRADE", 1, 3, 100, 2, "NONE"), ("CANCELLED", 1, 0, 0, 2, "DROPPED")]


def test_trailing_triggers_follow_and_never_go_back(desk: Desk) -> None:
    assert desk.sell(1, 5, kind=TRAILING, trail=3) == refused(Reason.NO_REFERENCE)
    desk.trade_at(100)
    assert desk.sell(1, 5, kind=TRAILING, trail=3)[0] == WAITING
    assert desk.buy(2, 5, kind=TRAILING, trail=5)[0] == WAITING
    for price, triggers in ((102, [105, 99]), (101, [105, 99]), (104, [105, 101])):
        desk.trade_at(price)
        assert [order.trigger for order in desk.book.orders(0)] == triggers
    desk.buy(3, 9, 90)
    desk.trade_at(101)
    assert desk.events[-2:] == [("TRIGGERED", 1, 0, 101, 5, "NONE"), ("TRADE", 1, 3, 90, 5, "NONE")]
    assert desk.book.orders(0)[-1].trigger == 95


def test_a_trailing_order_goes_to_the_tail_of_its_new_trigger(desk: Desk) -> None:
    desk.trade_at(100)
    desk.sell(1, 1, kind=TRAILING, trail=3, trigger=90)
    desk.sell(2, 1, kind=STOP, trigger=99)
    desk.trade_at(102)
    assert [(order.order_id, order.trigger) for order in desk.book.orders(0)] == [(2, 99), (1, 99)]


def test_replacing_what_waits(desk: Desk) -> None:
    desk.trade_at(100)
    desk.buy(1, 5, 110, kind=STOP_LIMIT, trigger=105)
    desk.buy(2, 5, kind=STOP, trigger=105)
    assert desk.send(Action.REPLACE, 1, price=110, trigger=105, quantity=4) == (WAITING, Reason.NONE, 0, 4)
    assert desk.live == [(1, 4, 0), (2, 5, 0)]
    assert desk.send(Action.REPLACE, 1, price=111, trigger=105, quantity=4)[0] == WAITING
    assert desk.send(Action.REPLACE, 2, price=77, trigger=105, quantity=5)[0] == WAITING
    assert desk.live == [(2, 5, 0), (1, 4, 0)]
    assert desk.send(Action.REPLACE, 2, trigger=100, quantity=5) == (CANCELLED, Reason.DROPPED, 0, 0)


def test_a_triggered_limit_outside_the_band_is_cancelled(desk: Desk) -> None:
    desk.buy(1, 5, 110, kind=STOP_LIMIT, trigger=100)
    desk.send(Action.SET_BAND, price=90, trigger=105, quantity=1)
    desk.trade_at(100)
    assert desk.events[-1] == ("CANCELLED", 1, 0, 0, 5, "OUTSIDE_BAND")


def test_a_stop_may_be_fill_or_kill(desk: Desk) -> None:
    desk.buy(1, 5, kind=STOP, trigger=100, time_in_force=FOK)
    desk.sell(2, 4, 101)
    desk.trade_at(100)
    assert desk.events[-1] == ("CANCELLED", 1, 0, 0, 5, "NOT_FILLED_WHOLE")
    assert desk.live == [(2, 4, 0)]
