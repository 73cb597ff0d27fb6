"""Fill or kill, good till a time, post-only and icebergs at each venue, with cases worked out by hand; the reference
book judges them in `tests/properties/test_order_terms.py`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recorded import NAME, Trader
from tests.unit.exchange.test_book_venue import ADD, BUY, EXECUTE, SELL, BookTrader
from tests.unit.exchange.test_recorded_venue import depth, quotes, trade
from tradsys.core.events import Expired, Fill, Product, Rejected, Validity
from tradsys.core.matching import Action, BookPhase
from tradsys.core.order_terms import Terms
from tradsys.core.units import SCALE
from tradsys.exchange.book_venue import BookVenue
from tradsys.exchange.latency_models import ConstantLatency
from tradsys.exchange.order_flow import OURS
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.exchange.recorded_venue import NEVER

POST_ONLY = Terms(post_only=True)


def showing(quantity: float) -> Terms:
    return Terms(display=round(quantity * SCALE))


def until(at: int) -> dict[str, Any]:
    return {"validity": Validity.GTD, "terms": Terms(expires_at=at)}


def standing(**models: Any) -> Trader:
    """A trader whose venue shows 5 at 10.00 for sale at 10.10 and 10.20 each."""
    trader = Trader(RecordedModels(**models))
    trader.see(depth(1, bids=((10.0, 5),), asks=((10.1, 5), (10.2, 5))))
    return trader


# --- depth: fill or kill


@pytest.mark.parametrize(("quantity", "limit", "taken"), [(5, 10.1, 5), (6, 10.1, 0), (10, 10.2, 10), (11, 0.0, 0)])
def test_fill_or_kill_takes_what_is_shown_whole_or_not_at_all(quantity: int, limit: float, taken: int) -> None:
    trader = standing()
    trader.send(1, quantity, at=1, limit=limit, validity=Validity.FOK)
    assert sum(filled for _, filled, _ in trader.fills()) == taken
    assert trader.kinds()[-1][0] == ("Fill" if taken else "Cancelled")
    assert taken or trader.heard[-1].reason == "fill or kill: not filled whole at once"  # type: ignore[attr-defined]


def test_what_is_taken_already_is_not_there_for_fill_or_kill() -> None:
    trader = standing()
    trader.send(1, 3, at=1, limit=10.1, validity=Validity.IOC)
    trader.send(1, 3, at=1, limit=10.1, validity=Validity.FOK)
    assert trader.fills() == [(1, 3, 10.1)]


@pytest.mark.parametrize("make", [standing, lambda: book()])
def test_a_delivered_sale_fills_whole_only_from_what_is_there(make: Any) -> None:
    trader = make()
    trader.positions[("s", NAME, Product.CNC)] = 2 * SCALE
    trader.send(-1, 3, at=1, limit=9.0, validity=Validity.FOK, product=Product.CNC)
    trader.finish()
    assert trader.fills() == []
    trader.send(-1, 2, at=1, limit=9.0, validity=Validity.FOK, product=Product.CNC)
    trader.finish()
    assert sum(quantity for _, quantity, _ in trader.fills()) == 2


# --- depth: post-only


def test_post_only_is_refused_where_it_would_take_and_rests_where_not() -> None:
    trader = standing()
    trader.send(1, 1, at=1, limit=10.1, terms=POST_ONLY)
    assert trader.kinds() == [("Rejected", 1)]
    assert trader.heard[0].reason == "post-only: it would trade at once at 10.1"  # type: ignore[attr-defined]
    trader.send(1, 1, at=1, limit=10.05, terms=POST_ONLY)
    trader.see(trade(2, price=10.05, quantity=1))
    assert [each.maker for each in trader.heard if type(each) is Fill] == [True]


def test_post_only_looks_at_the_book_of_its_arrival() -> None:
    trader = standing(entry=ConstantLatency(10))
    trader.send(1, 1, at=1, limit=10.1, terms=POST_ONLY)
    trader.see(quotes(5, ask=(10.3, 5)))  # type: ignore[arg-type]
    trader.finish()
    assert trader.kinds() == [("Accepted", 1)]


# --- depth: good till a time


def test_good_till_a_time_is_gone_at_its_instant() -> None:
    trader = standing()
    trader.send(1, 1, at=1, limit=10.05, **until(50))
    assert trader.venue.due == 50
    trader.see(trade(50, price=10.0, quantity=5))
    assert trader.kinds() == [("Accepted", 1), ("Expired", 1)]
    (expired,) = [each for each in trader.heard if type(each) is Expired]
    assert (expired.at, expired.remaining, expired.reason) == (50, SCALE, "its time came")


def test_good_till_a_time_trades_until_then_and_outlives_the_session() -> None:
    trader = standing()
    trader.send(1, 2, at=1, limit=10.05, **until(50))
    trader.hear(trader.venue.expire(at=40, exchange="TEST"))
    trader.see(trade(49, price=10.05, quantity=1))
    trader.hear(trader.venue.advance(60))
    assert trader.kinds() == [("Accepted", 1), ("Fill", 1), ("Expired", 1)]
    assert trader.venue.due == NEVER


def test_the_end_is_told_with_its_own_time_and_not_before_the_last_report() -> None:
    trader = standing(response=ConstantLatency(7))
    trader.send(1, 1, at=1, limit=10.05, **until(50))
    trader.hear(trader.venue.advance(100))
    trader.hear(trader.venue.advance(100))
    assert [(type(each).__name__, each.at) for each in trader.heard] == [("Accepted", 8), ("Expired", 57)]


def test_what_arrives_after_its_time_is_refused() -> None:
    trader = standing(entry=ConstantLatency(10))
    trader.send(1, 1, at=1, limit=10.05, **until(11))
    trader.finish()
    assert trader.heard[0] == Rejected(at=11, order_id=1, reason="its time came before it arrived")


def test_where_the_record_ends_no_time_comes() -> None:
    trader = standing()
    trader.send(1, 1, at=1, limit=10.05, **until(50))
    trader.finish()
    assert trader.kinds() == [("Accepted", 1)]


def test_the_sleeping_exits_of_an_entry_go_with_it() -> None:
    trader = standing()
    entry = trader.send(1, 1, at=1, limit=10.0, **until(50))
    trader.send(-1, 1, at=1, limit=11.0, parent=entry)
    trader.see(quotes(60))  # type: ignore[arg-type]
    assert trader.kinds()[2:] == [("Expired", 1), ("Cancelled", 2)]


# --- depth: icebergs


def test_the_next_part_of_an_iceberg_goes_behind_who_is_there() -> None:
    trader = standing()
    ours = trader.send(1, 6, at=1, limit=10.0, terms=showing(2))
    trader.see(depth(2, bids=((10.0, 9),), asks=((10.1, 5),)))
    # Five are ahead and, of nine shown, four behind: five and our two trade, of the next four none is ours.
    trader.see(trade(3, price=10.0, quantity=7))
    assert trader.fills() == [(ours, 2, 10.0)]
    trader.see(trade(4, price=10.0, quantity=4))
    assert len(trader.fills()) == 1
    trader.see(trade(5, price=10.0, quantity=1))
    assert trader.fills()[1:] == [(ours, 1, 10.0)]


def test_one_trade_goes_through_an_iceberg_as_far_as_it_reaches() -> None:
    trader = standing()
    ours = trader.send(1, 6, at=1, limit=10.0, terms=showing(2))
    trader.see(trade(2, price=10.0, quantity=10))
    assert trader.fills() == [(ours, 2, 10.0), (ours, 3, 10.0)]
    trader.see(trade(3, price=9.9, quantity=9))
    assert trader.fills()[2:] == [(ours, 1, 10.0)]


def test_our_second_order_trades_before_the_next_part_of_the_first() -> None:
    trader = standing()
    first = trader.send(1, 4, at=1, limit=10.05, terms=showing(1))
    second = trader.send(1, 2, at=1, limit=10.05)
    trader.see(trade(2, price=10.05, quantity=4))
    assert trader.fills() == [(first, 1, 10.05), (second, 2, 10.05), (first, 1, 10.05)]


def test_an_iceberg_takes_whole_and_then_shows_a_part() -> None:
    trader = standing()
    ours = trader.send(1, 9, at=1, limit=10.1, terms=showing(1))
    assert trader.fills() == [(ours, 5, 10.1)]
    trader.see(depth(2, bids=((10.1, 3),), asks=((10.2, 5),)))
    trader.see(trade(3, price=10.1, quantity=1))
    assert trader.fills()[1:] == [(ours, 1, 10.1)]
    trader.see(trade(4, price=10.1, quantity=3))
    assert trader.fills()[2:] == []


def test_an_ask_at_our_price_meets_what_shows_and_then_the_rest() -> None:
    trader = standing()
    ours = trader.send(1, 6, at=1, limit=10.05, terms=showing(2))
    trader.see(quotes(2, bid=(10.0, 5), ask=(10.05, 5)))  # type: ignore[arg-type]
    assert trader.fills() == [(ours, 2, 10.05), (ours, 3, 10.05)]


# --- single orders


def book(models: RecordedModels | None = None) -> BookTrader:
    """A book of five each at 99.90, 100.00, 100.10 and 100.20."""
    made = BookTrader(models)
    for number, (side, price) in enumerate([(BUY, 99.9), (BUY, 100.0), (SELL, 100.1), (SELL, 100.2)], 1):
        made.say(ADD, number, side, price, 5)
    return made


def test_in_the_book_fill_or_kill_fills_whole_or_not_at_all() -> None:
    trader = book()
    trader.order(BUY, 11, limit=100.2, validity=Validity.FOK)
    assert (trader.fills(), trader.reasons()) == ([], ["fill or kill: not filled whole at once"])
    trader.order(BUY, 7, limit=100.2, validity=Validity.FOK)
    assert trader.fills() == [(2, 5, 100.1), (2, 2, 100.2)]


def test_in_the_book_post_only_is_refused_where_it_would_take() -> None:
    trader = book()
    trader.order(SELL, 1, limit=100.0, terms=POST_ONLY)
    assert trader.reasons() == ["post-only: it would trade at once at 100"]
    ours = trader.order(SELL, 1, limit=100.05, terms=POST_ONLY)
    assert trader.queue()[2] == (-ours, 10_005, 1)


def test_in_the_book_an_iceberg_shows_a_part_and_goes_to_the_tail() -> None:
    trader = book()
    ours = trader.order(BUY, 5, limit=100.05, terms=showing(2))
    trader.say(ADD, 9, BUY, 100.05, 3)
    assert trader.queue()[:2] == [(-ours, 10_005, 2), (9, 10_005, 3)]
    trader.say(EXECUTE, 9, BUY, 100.05, 2)
    assert trader.fills() == [(ours, 2, 100.05)]
    assert trader.queue()[1] == (-ours, 10_005, 2)


def test_in_the_book_good_till_a_time_is_gone_at_its_instant() -> None:
    trader = book()
    trader.order(BUY, 2, limit=100.05, **until(trader.now + 1))
    trader.say(ADD, 9, SELL, 100.05, 2)
    assert trader.kinds() == [("Accepted", 1), ("Expired", 1)]
    assert all(number >= 0 for number, _, _ in trader.queue())


def test_an_auction_takes_none_of_them() -> None:
    trader = book()
    trader.do(Action.SET_PHASE, price=BookPhase.AUCTION)
    for fields in ({"validity": Validity.FOK}, {"terms": POST_ONLY}, {"terms": showing(1)}):
        trader.order(BUY, 2, limit=99.0, **fields)
    assert trader.reasons() == ["an auction takes plain limit orders that rest"] * 3
    assert isinstance(trader.venue, BookVenue)
    assert not [each for each in trader.venue.books[NAME].orders() if each.order_id >= OURS]
