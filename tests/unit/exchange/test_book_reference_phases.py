"""Auctions, sweeps, bands, refusals and the state hash, worked out by hand; for every book that follows them."""

from __future__ import annotations

import pytest

from tests.books import Desk, MakeBook, Row, each_book, refused
from tradsys.core.matching import (
    HASH_FACTOR,
    HASH_START,
    MAX_PRICE,
    MAX_QUANTITY,
    POST_ONLY,
    Action,
    BookEventKind,
    BookPhase,
    BookSide,
    Command,
    Kind,
    Reason,
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


def test_an_auction_collects_and_uncrosses(desk: Desk) -> None:
    assert desk.phase(AUCTION) == (DONE, Reason.NONE, 0, 0)
    desk.buy(1, 5, 101)
    desk.sell(2, 4, 99)
    desk.sell(3, 3, kind=MARKET)
    desk.buy(4, 9, kind=MARKET)
    assert desk.events == []
    assert desk.live == [(4, 9, 0), (1, 5, 0), (3, 3, 0), (2, 4, 0)]
    assert desk.book.best(0) == (101, 5, 99, 4)
    assert desk.phase(CONTINUOUS) == refused(Reason.CROSSED)
    assert desk.send(Action.UNCROSS, price=100)[0] == DONE
    assert desk.trades == [(4, 3, 100, 3), (4, 2, 100, 4)]
    assert desk.live == [(1, 5, 0), (4, 2, 0)]
    (_, released) = desk.book.orders(0)
    assert (released.kind, released.price, released.arrival) == (LIMIT, 100, 4)
    assert desk.phase(CONTINUOUS)[0] == DONE


@pytest.mark.parametrize(
    ("price", "trigger", "rest", "live", "events"),
    [
        (0, 98, 0, [1, 2, 3], []),
        (0, 0, 0, [1, 3], [("CANCELLED", 2, 0, 0, 5, "DROPPED")]),
        (99, 0, 1, [1, 3], [("CANCELLED", 2, 0, 0, 5, "DROPPED")]),
        (
            0,
            0,
            2,
            [],
            [
                ("CANCELLED", 2, 0, 0, 5, "DROPPED"),
                ("CANCELLED", 1, 0, 0, 5, "DROPPED"),
                ("CANCELLED", 3, 0, 0, 5, "DROPPED"),
            ],
        ),
    ],
)
def test_what_an_auction_leaves(
    desk: Desk, price: int, trigger: int, rest: int, live: list[int], events: list[Row]
) -> None:
    desk.phase(AUCTION)
    desk.buy(1, 5, 98)
    desk.buy(2, 5, kind=MARKET)
    desk.sell(3, 5, 103)
    assert desk.send(Action.UNCROSS, price=price, trigger=trigger, quantity=rest)[0] == DONE
    assert [order_id for order_id, _, _ in desk.live] == live
    assert desk.events == events


def test_hidden_parts_trade_in_an_auction_without_losing_place(desk: Desk) -> None:
    desk.sell(1, 10, 100, display=4)
    desk.sell(2, 5, 100)
    desk.phase(AUCTION)
    desk.buy(3, 7, 100)
    desk.send(Action.UNCROSS, price=100)
    assert desk.trades == [(3, 1, 100, 7)]
    assert desk.live == [(1, 3, 0), (2, 5, 0)]


def test_an_auction_touches_stops_only_when_trading_goes_on(desk: Desk) -> None:
    desk.buy(1, 2, kind=STOP, trigger=100)
    desk.sell(2, 5, 101)
    desk.phase(AUCTION)
    desk.buy(3, 1, 100)
    desk.sell(4, 1, 100)
    desk.send(Action.UNCROSS, price=100)
    assert desk.trades == [(4, 3, 100, 1)]
    desk.phase(CONTINUOUS)
    assert desk.events == [("TRIGGERED", 1, 0, 100, 2, "NONE"), ("TRADE", 1, 2, 101, 2, "NONE")]


def test_while_only_limits_are_collected_market_orders_are_frozen(desk: Desk) -> None:
    desk.phase(AUCTION)
    desk.buy(1, 5, kind=MARKET)
    desk.buy(2, 5, kind=MARKET)
    assert desk.send(Action.REPLACE, 1, quantity=4)[0] == OPEN
    assert desk.live == [(1, 4, 0), (2, 5, 0)]
    assert desk.send(Action.REPLACE, 1, quantity=6)[0] == OPEN
    assert desk.live == [(2, 5, 0), (1, 6, 0)]
    desk.phase(AUCTION_LIMIT)
    assert desk.buy(3, 5, kind=MARKET) == refused(Reason.MARKET_FROZEN)
    assert desk.send(Action.CANCEL, 1) == refused(Reason.MARKET_FROZEN)
    assert desk.send(Action.REDUCE, 1, quantity=1) == refused(Reason.MARKET_FROZEN)
    assert desk.send(Action.REPLACE, 1, quantity=1) == refused(Reason.MARKET_FROZEN)
    assert desk.send(Action.CANCEL_ALL)[0] == DONE
    assert desk.live == []


def test_sweeps_visit_orders_in_one_order(desk: Desk) -> None:
    desk.buy(1, 1, kind=STOP, trigger=105)
    desk.buy(2, 1, kind=STOP, trigger=104)
    desk.sell(3, 1, kind=STOP, trigger=95)
    desk.sell(4, 1, 102)
    desk.buy(5, 1, 99, account=7)
    desk.buy(6, 1, 100)
    desk.phase(AUCTION)
    desk.sell(7, 1, kind=MARKET)
    desk.buy(8, 1, kind=MARKET)
    in_order = [8, 6, 5, 7, 4, 2, 1, 3]
    assert [order_id for order_id, _, _ in desk.live] == in_order
    desk.send(Action.CANCEL_ALL, account=7)
    assert desk.events == [("CANCELLED", 5, 0, 0, 1, "CANCEL_ALL")]
    desk.send(Action.END_DAY)
    assert desk.events == [("EXPIRED", order_id, 0, 0, 1, "EXPIRED") for order_id in in_order if order_id != 5]


def test_time_ends_orders_until_a_date(desk: Desk) -> None:
    assert desk.buy(1, 1, 99, time_in_force=GTD, expires_at=50, at=50) == refused(Reason.ALREADY_EXPIRED)
    desk.buy(1, 1, 99, time_in_force=GTD, expires_at=50, at=49)
    desk.buy(2, 1, kind=STOP, trigger=105, time_in_force=GTD, expires_at=51)
    desk.buy(3, 1, 98, time_in_force=DAY, expires_at=3)
    assert desk.send(Action.REPLACE, 1, price=99, quantity=1, at=50) == refused(Reason.ALREADY_EXPIRED)
    desk.send(Action.TIME, at=50)
    assert desk.events == [("EXPIRED", 1, 0, 0, 1, "EXPIRED")]
    desk.send(Action.TIME, at=51)
    assert desk.events == [("EXPIRED", 2, 0, 0, 1, "EXPIRED")]


def test_a_band_may_cancel_what_lies_outside(desk: Desk) -> None:
    desk.buy(1, 1, 90)
    desk.sell(2, 1, 110)
    desk.send(Action.SET_BAND, price=95, trigger=105)
    assert desk.events == []
    desk.send(Action.SET_BAND, price=95, trigger=105, quantity=1)
    assert desk.events == [("CANCELLED", 1, 0, 0, 1, "OUTSIDE_BAND"), ("CANCELLED", 2, 0, 0, 1, "OUTSIDE_BAND")]
    assert desk.buy(3, 1, 94) == refused(Reason.OUTSIDE_BAND)
    assert desk.buy(3, 1, 106, kind=STOP_LIMIT, trigger=99) == refused(Reason.OUTSIDE_BAND)
    assert desk.send(Action.SET_BAND, price=106, trigger=105) == refused(Reason.BAD_PRICE)
    assert desk.send(Action.SET_BAND, price=106)[0] == DONE
    assert desk.buy(3, 1, 106)[0] == OPEN


NEW = {"action": Action.NEW, "order_id": 9, "price": 100, "quantity": 5}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"instrument": 2}, Reason.UNKNOWN_INSTRUMENT),
        ({"instrument": -1, "order_id": 1}, Reason.UNKNOWN_INSTRUMENT),
        ({"action": Action.CANCEL, "instrument": 5}, Reason.UNKNOWN_ORDER),
        ({"action": 77, "instrument": 5}, Reason.BAD_COMBINATION),
        ({"order_id": 1, "quantity": 0}, Reason.DUPLICATE_ORDER),
        ({"quantity": 0, "kind": 9}, Reason.BAD_QUANTITY),
        ({"quantity": -1}, Reason.BAD_QUANTITY),
        ({"quantity": MAX_QUANTITY + 1}, Reason.BAD_QUANTITY),
        ({"kind": 6, "price": 0}, Reason.BAD_COMBINATION),
        ({"side": 2}, Reason.BAD_COMBINATION),
        ({"time_in_force": 5}, Reason.BAD_COMBINATION),
        ({"flags": 5}, Reason.BAD_COMBINATION),
        ({"flags": 16}, Reason.BAD_COMBINATION),
        ({"flags": POST_ONLY, "time_in_force": IOC}, Reason.BAD_COMBINATION),
        ({"flags": POST_ONLY, "kind": MARKET}, Reason.BAD_COMBINATION),
        ({"display": 2, "time_in_force": FOK}, Reason.BAD_COMBINATION),
        ({"display": -1, "kind": MARKET}, Reason.BAD_COMBINATION),
        ({"trail": 1}, Reason.BAD_COMBINATION),
        ({"price": 0, "display": 6}, Reason.BAD_PRICE),
        ({"price": MAX_PRICE + 1}, Reason.BAD_PRICE),
        ({"kind": STOP, "trigger": 0}, Reason.BAD_PRICE),
        ({"kind": STOP_LIMIT, "trigger": 5, "price": -1}, Reason.BAD_PRICE),
        ({"kind": TRAILING, "trail": 0, "trigger": 5}, Reason.BAD_PRICE),
        ({"kind": TRAILING, "trail": 1, "trigger": -5}, Reason.BAD_PRICE),
        ({"kind": PROTECTED, "price": 0}, Reason.BAD_PRICE),
        ({"display": 6}, Reason.BAD_DISPLAY),
        ({"display": -1}, Reason.BAD_DISPLAY),
        ({"action": Action.REDUCE, "order_id": 1, "quantity": 0}, Reason.BAD_QUANTITY),
        ({"action": Action.REPLACE, "order_id": 1, "quantity": 0}, Reason.BAD_QUANTITY),
        ({"action": Action.REPLACE, "order_id": 1, "price": 0}, Reason.BAD_PRICE),
        ({"action": Action.SET_PHASE, "price": 5}, Reason.BAD_COMBINATION),
        ({"action": Action.UNCROSS}, Reason.BAD_COMBINATION),
        ({"action": Action.END_DAY, "instrument": 2}, Reason.UNKNOWN_INSTRUMENT),
        ({"action": Action.SET_BAND, "price": -1}, Reason.BAD_PRICE),
    ],
)
def test_bad_input_is_rejected_and_changes_nothing(desk: Desk, fields: dict[str, int], reason: Reason) -> None:
    desk.buy(1, 5, 100)
    before = desk.book.state_hash()
    assert desk.send(**(NEW | fields)) == refused(reason)
    assert desk.events == []
    assert desk.book.state_hash() == before


@pytest.mark.parametrize(
    ("phase", "fields", "reason"),
    [
        (CLOSED, {"quantity": 0}, Reason.CLOSED),
        (HALTED, {"quantity": 0}, Reason.HALTED),
        (CLOSED, {"action": Action.REPLACE, "order_id": 1}, Reason.CLOSED),
        (HALTED, {"action": Action.REPLACE, "order_id": 1}, Reason.HALTED),
        (AUCTION, {"time_in_force": IOC}, Reason.NOT_IN_AUCTION),
        (AUCTION, {"flags": POST_ONLY}, Reason.NOT_IN_AUCTION),
        (AUCTION, {"display": 5}, Reason.NOT_IN_AUCTION),
        (AUCTION, {"kind": PROTECTED}, Reason.NOT_IN_AUCTION),
        (AUCTION, {"kind": STOP, "trigger": 1}, Reason.NOT_IN_AUCTION),
        (AUCTION_LIMIT, {"kind": MARKET, "time_in_force": IOC}, Reason.NOT_IN_AUCTION),
        (AUCTION_LIMIT, {"kind": MARKET}, Reason.MARKET_FROZEN),
        (AUCTION, {"action": Action.REPLACE, "order_id": 2, "quantity": 1}, Reason.NOT_IN_AUCTION),
        (AUCTION, {"action": Action.UNCROSS, "price": -1, "quantity": 0}, Reason.BAD_PRICE),
        (AUCTION, {"action": Action.UNCROSS, "quantity": 3}, Reason.BAD_COMBINATION),
    ],
)
def test_phases_refuse(desk: Desk, phase: int, fields: dict[str, int], reason: Reason) -> None:
    desk.buy(1, 5, 100)
    desk.buy(2, 5, 100, display=1)
    desk.phase(phase)
    before = desk.book.state_hash()
    assert desk.send(**(NEW | fields)) == refused(reason)
    assert desk.book.state_hash() == before


def test_cancelling_and_reducing_go_on_when_trading_does_not(desk: Desk) -> None:
    desk.buy(1, 5, 100)
    desk.buy(2, 5, kind=STOP, trigger=105)
    desk.phase(CLOSED)
    assert desk.send(Action.REDUCE, 1, quantity=2) == (OPEN, Reason.NONE, 0, 3)
    assert desk.send(Action.REDUCE, 2, quantity=2) == (WAITING, Reason.NONE, 0, 3)
    assert desk.send(Action.CANCEL, 1) == (CANCELLED, Reason.NONE, 0, 0)
    desk.phase(AUCTION)
    assert desk.send(Action.REPLACE, 2, quantity=9, trigger=1) == (WAITING, Reason.NONE, 0, 9)


def test_an_id_is_free_again_once_its_order_is_finished(desk: Desk) -> None:
    desk.buy(1, 5, 100)
    desk.sell(2, 5, 100)
    assert desk.sell(1, 5, 100)[0] == OPEN


def test_instruments_do_not_meet_and_events_count_commands(desk: Desk) -> None:
    desk.buy(1, 5, 100, instrument=1)
    assert desk.sell(2, 5, 100)[0] == OPEN
    _, (event,) = desk.book.submit(Command(Action.NEW, 3, SELL, 100, 5, instrument=1))
    assert event == (BookEventKind.TRADE, 2, 1, SELL, 3, 1, 100, 5, 0)


def test_the_state_hash_is_that_of_the_page(desk: Desk) -> None:
    desk.trade_at(100)
    desk.buy(-7, 5, 99, account=4, display=2, time_in_force=GTC, expires_at=9)
    desk.sell(8, 3, kind=TRAILING, trail=4, price=55, time_in_force=GTD, expires_at=9, flags=1)
    desk.send(Action.SET_BAND, price=50, trigger=200)
    words = [4]
    words += [CONTINUOUS, 100, 50, 200]
    words += [-7, 4, BUY, LIMIT, GTC, 0, 99, 0, 0, 2, 3, 2, 0, 3]
    words += [8, 0, SELL, TRAILING, GTD, 1, 0, 96, 4, 3, 0, 0, 9, 4]
    words += [CONTINUOUS, 0, 0, 0]
    state = HASH_START
    for word in words:
        state = ((state ^ (word % 2**64)) * HASH_FACTOR) % 2**64
    assert desk.book.state_hash() == state
