"""Orders of ours in one book with recorded ones: queue, brackets, phases, and a record that goes on as it was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recorded import INSTRUMENT, NAME, Trader
from tradsys.core.events import Cancelled, Expired, OrderType, Product, Rejected, Validity
from tradsys.core.matching import Action, BookPhase, Command, Kind, TimeInForce
from tradsys.exchange.book_venue import BookVenue
from tradsys.exchange.latency_models import ConstantLatency
from tradsys.exchange.order_flow import OURS, OrderCommand
from tradsys.exchange.recorded_events import ChangeKind, OrderChange
from tradsys.exchange.recorded_models import RecordedModels

ADD, REDUCE, DELETE, EXECUTE = ChangeKind
BUY, SELL = 1, -1


class BookTrader(Trader):
    """A trader at a venue with a book; `say` and `do` give it records, one instant after another."""

    def __init__(self, models: RecordedModels | None = None) -> None:
        super().__init__(models)
        self.venue = BookVenue([INSTRUMENT], models or RecordedModels(), held=self._held, at=0)
        self.now = 0

    def say(self, kind: int, number: int, side: int, price: float, quantity: float) -> None:
        """A change that a feed tells."""
        self.now += 1
        self.see(OrderChange(self.now, self.now, NAME, kind, number, side, price, quantity))

    def do(self, action: int, order_id: int = 0, side: int = 0, price: int = 0, quantity: int = 0, **more: Any) -> None:
        """A command as it was."""
        self.now += 1
        record: Any = OrderCommand(self.now, self.now, NAME, Command(action, order_id, side, price, quantity, **more))
        self.see(record)

    def order(self, side: int, quantity: float, **fields: Any) -> int:
        """An order of ours, now."""
        return self.send(side, quantity, at=self.now, **fields)

    def queue(self) -> list[tuple[int, int, int]]:
        """Every order of the book, ours by our own numbers below 0: number, price in ticks, open quantity."""
        assert isinstance(self.venue, BookVenue)
        found = self.venue.books[NAME].orders()
        return [(OURS - o.order_id if o.order_id >= OURS else o.order_id, o.price, o.shown) for o in found]

    def reasons(self) -> list[str]:
        """Why orders ended without a fill."""
        return [each.reason for each in self.heard if isinstance(each, Cancelled | Rejected | Expired)]


@pytest.fixture
def trader() -> BookTrader:
    """A book of five at 99.90, five at 100.00, five at 100.10 and five at 100.20."""
    made = BookTrader()
    for number, (side, price) in enumerate([(BUY, 99.9), (BUY, 100.0), (SELL, 100.1), (SELL, 100.2)], 1):
        made.say(ADD, number, side, price, 5)
    return made


def test_we_stand_behind_who_came_first_and_before_who_comes_later(trader: BookTrader) -> None:
    ours = trader.order(BUY, 3, limit=100.0)
    trader.say(ADD, 9, BUY, 100.0, 5)
    trader.say(EXECUTE, 2, BUY, 100.0, 5)
    assert trader.fills() == []
    trader.say(EXECUTE, 9, BUY, 100.0, 4)
    assert trader.fills() == [(ours, 3, 100.0)]
    # The record says that four of number 9 traded: three of its four met us, and the record's word still counts.
    assert trader.queue() == [(9, 10_000, 1), (1, 9990, 5), (3, 10_010, 5), (4, 10_020, 5)]


def test_what_we_took_is_gone_and_the_record_does_not_take_it_twice(trader: BookTrader) -> None:
    trader.order(BUY, 3, limit=100.1, validity=Validity.IOC)
    trader.say(EXECUTE, 3, SELL, 100.1, 1)
    assert (3, 10_010, 1) in trader.queue()
    trader.say(REDUCE, 3, SELL, 100.1, 3)
    assert (3, 10_010, 1) in trader.queue()
    trader.say(DELETE, 3, SELL, 100.1, 1)
    assert [number for number, _, _ in trader.queue()] == [2, 1, 4]


def test_a_recorded_order_that_comes_to_our_price_trades_with_us(trader: BookTrader) -> None:
    ours = trader.order(BUY, 2, limit=100.05)
    trader.say(ADD, 9, SELL, 100.05, 5)
    assert trader.fills() == [(ours, 2, 100.05)]
    trader.say(REDUCE, 9, SELL, 100.05, 1)
    assert (9, 10_005, 3) in trader.queue()


def test_a_market_order_takes_level_by_level_and_its_rest_is_withdrawn(trader: BookTrader) -> None:
    ours = trader.order(BUY, 12)
    assert trader.fills() == [(ours, 5, 100.1), (ours, 5, 100.2)]
    assert [each.remaining for each in trader.heard if type(each) is Cancelled] == [2 * 10**8]


def test_stops_wait_in_the_book_and_follow_its_trades(trader: BookTrader) -> None:
    stop = trader.order(SELL, 1, trigger=99.95, type=OrderType.STOP)
    capped = trader.order(SELL, 1, trigger=99.95, limit=100.0, type=OrderType.STOP_LIMIT)
    trailing = trader.order(SELL, 1, trigger=100.0, trail=0.1, type=OrderType.TRAILING)
    trader.say(EXECUTE, 3, SELL, 100.1, 1)
    assert trader.kinds() == [("Accepted", number) for number in (stop, capped, trailing)]
    trader.say(EXECUTE, 2, BUY, 100.0, 1)
    assert ("Triggered", trailing) in trader.kinds()
    trader.say(DELETE, 2, BUY, 100.0, 4)
    trader.say(EXECUTE, 1, BUY, 99.9, 1)
    assert [order_id for order_id, _, _ in trader.fills()] == [trailing, stop]
    assert (-capped, 10_000, 1) in trader.queue()


def test_a_bracket_sleeps_covers_what_filled_and_ends_with_its_first_exit(trader: BookTrader) -> None:
    entry = trader.order(BUY, 4, limit=100.0)
    stop = trader.order(SELL, 4, trigger=99.8, type=OrderType.STOP, parent=entry, group=1)
    target = trader.order(SELL, 4, limit=100.1, parent=entry, group=1)
    assert [number for number, _, _ in trader.queue()] == [2, -entry, 1, 3, 4]
    trader.say(EXECUTE, 2, BUY, 100.0, 5)
    trader.say(ADD, 9, BUY, 100.0, 9)
    trader.do(Action.NEW, 10, 1, 10_000, 1, time_in_force=TimeInForce.IOC)
    assert (-target, 10_010, 1) in trader.queue()
    trader.do(Action.NEW, 11, 1, 10_000, 3, time_in_force=TimeInForce.IOC)
    assert (-target, 10_010, 4) in trader.queue()
    trader.say(DELETE, 3, SELL, 100.1, 5)
    trader.do(Action.NEW, 12, 0, 10_010, 4, time_in_force=TimeInForce.IOC)
    assert trader.fills() == [(entry, 1, 100.0), (entry, 3, 100.0), (target, 4, 100.1)]
    assert trader.reasons() == ["the other of the pair filled"]
    assert all(number > 0 for number, _, _ in trader.queue())
    assert trader.venue.idle
    assert stop


def test_a_sale_of_what_is_delivered_never_sells_more_than_is_there(trader: BookTrader) -> None:
    trader.order(BUY, 3, product=Product.CNC)
    trader.order(SELL, 3, limit=100.15, product=Product.CNC)
    trader.order(SELL, 3, limit=100.15, product=Product.CNC)
    trader.do(Action.NEW, 10, 0, 10_015, 20, time_in_force=TimeInForce.IOC)
    assert trader.positions["s", NAME, Product.CNC] == 0
    assert trader.reasons() == ["another order closed the position"]
    assert trader.venue.idle


def test_our_orders_do_not_trade_with_each_other(trader: BookTrader) -> None:
    resting = trader.order(BUY, 2, limit=100.05)
    trader.order(SELL, 2, limit=100.05)
    assert trader.reasons() == ["it would have traded with an order of the same account"]
    assert (-resting, 10_005, 2) in trader.queue()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"quantity": 1.5}, "no number of lots"),
        ({"limit": 100.005}, "off the tick"),
        ({"trigger": 100.005, "type": OrderType.STOP}, "off the tick"),
        ({"limit": 30_000_000.0}, "beyond the book's range"),
    ],
)
def test_what_the_book_cannot_hold_is_rejected(trader: BookTrader, fields: dict[str, Any], why: str) -> None:
    before = trader.queue()
    trader.order(BUY, fields.pop("quantity", 1), **fields)
    assert [why in reason for reason in trader.reasons()] == [True]
    assert trader.queue() == before


@pytest.mark.parametrize(
    ("phase", "fields", "why"),
    [
        (BookPhase.HALTED, {"limit": 100.0}, "halted"),
        (BookPhase.CLOSED, {"limit": 100.0}, "closed"),
        (BookPhase.AUCTION, {}, "auction"),
        (BookPhase.AUCTION, {"limit": 100.0, "validity": Validity.IOC}, "auction"),
        (BookPhase.AUCTION, {"limit": 100.0}, ""),
    ],
)
def test_phases_of_the_record_hold_for_us(trader: BookTrader, phase: int, fields: dict[str, Any], why: str) -> None:
    trader.do(Action.SET_PHASE, price=phase)
    trader.order(BUY, 1, **fields)
    assert [why in reason for reason in trader.reasons()] == ([True] if why else [])


def test_bands_of_the_record_hold_for_us_and_take_out_what_stands_outside(trader: BookTrader) -> None:
    trader.order(BUY, 1, limit=99.95)
    trader.do(Action.SET_BAND, price=9_998, quantity=1, trigger=10_050)
    trader.order(BUY, 1, limit=99.9)
    first, second = trader.reasons()
    assert first == "its price is outside the day's band"
    assert second == "price 99.9 outside the day's band 99.98 to 100.5"


def test_an_auction_at_a_price_set_without_us_cannot_keep_the_book_shut(trader: BookTrader) -> None:
    trader.do(Action.SET_PHASE, price=BookPhase.AUCTION)
    ours = trader.order(BUY, 9, limit=100.2)
    trader.do(Action.UNCROSS, price=10_000)
    trader.do(Action.SET_PHASE, price=BookPhase.CONTINUOUS)
    assert trader.fills() == []
    assert trader.reasons() == ["the auction's price leaves no room for it"]
    trader.order(BUY, 1)
    assert trader.fills() == [(ours + 1, 1, 100.1)]


def test_we_trade_in_auctions_at_their_price(trader: BookTrader) -> None:
    ours = trader.order(BUY, 2, limit=100.05)
    trader.do(Action.SET_PHASE, price=BookPhase.AUCTION)
    trader.do(Action.NEW, 10, 1, 10_000, 2, kind=Kind.LIMIT)
    trader.do(Action.UNCROSS, price=10_000)
    assert trader.fills() == [(ours, 2, 100.0)]


def test_a_cleared_book_takes_ours_along(trader: BookTrader) -> None:
    trader.order(BUY, 1, limit=99.0)
    trader.do(Action.CANCEL_ALL)
    assert trader.reasons() == ["the exchange cleared the book"]
    assert trader.queue() == []


def test_a_session_ends_day_orders_and_a_withdrawal_ends_any(trader: BookTrader) -> None:
    trader.order(BUY, 1, limit=99.0, validity=Validity.DAY)
    kept = trader.order(BUY, 1, limit=98.0)
    trader.now += 5
    trader.hear(trader.venue.expire(at=trader.now, exchange=INSTRUMENT.exchange))
    assert trader.reasons() == ["the session ended"]
    trader.cancel(kept, at=trader.now)
    assert trader.reasons() == ["the session ended", "asked"]
    assert all(number > 0 for number, _, _ in trader.queue())


def test_a_square_off_without_a_market_leaves_the_book(trader: BookTrader) -> None:
    ours = trader.order(BUY, 2, limit=99.0)
    trader.hear(trader.venue.close_out(ours, price=99 * 10**8, at=trader.now + 1))
    assert trader.fills() == [(ours, 2, 99.0)]
    assert all(number > 0 for number, _, _ in trader.queue())


def test_orders_travel(trader: BookTrader) -> None:
    slow = BookTrader(RecordedModels(entry=ConstantLatency(3)))
    slow.say(ADD, 1, SELL, 100.1, 5)
    slow.order(BUY, 1)
    slow.say(DELETE, 1, SELL, 100.1, 5)
    slow.say(ADD, 2, SELL, 100.2, 5)
    slow.say(ADD, 3, SELL, 100.3, 5)
    slow.finish()
    assert slow.fills() == [(1, 1, 100.2)]
