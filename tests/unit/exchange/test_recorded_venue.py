"""Each rule of `docs/recorded_data.md` with a case worked out by hand."""

from __future__ import annotations

import pytest

from tests.recorded import NAME, Trader, tick
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Depth, Fill, OrderType, Product, Validity
from tradsys.core.units import SCALE
from tradsys.exchange.latency_models import ConstantLatency
from tradsys.exchange.models import PercentBand
from tradsys.exchange.queue_models import Power, Proportional, queue_model
from tradsys.exchange.recorded_events import Trade
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.exchange.recorded_venue import NEVER


def quotes(at: int, *, bid: tuple[float, float] = (10.0, 5), ask: tuple[float, float] = (10.1, 5)) -> object:
    return tick(at, bid=bid[0], bid_quantity=bid[1], ask=ask[0], ask_quantity=ask[1])


def trade(at: int, *, price: float, quantity: float, aggressor: int = -1) -> Trade:
    return Trade(at, at, NAME, price, quantity, aggressor)


def depth(at: int, *, snapshot: bool = True, bids: tuple = (), asks: tuple = ()) -> Depth:  # type: ignore[type-arg]
    return Depth(at, at, NAME, bids, asks, snapshot, at)


def standing(**models: object) -> Trader:
    """A trader whose venue shows 5 at 10.0 and 5 at 10.1."""
    trader = Trader(RecordedModels(**models))  # type: ignore[arg-type]
    trader.see(quotes(1))  # type: ignore[arg-type]
    return trader


# --- taking


def test_a_market_order_takes_what_is_shown_and_waits_for_more() -> None:
    trader = standing()
    trader.send(1, 8, at=1)
    assert trader.fills() == [(1, 5, 10.1)]
    trader.see(quotes(2))  # type: ignore[arg-type]
    assert trader.fills() == [(1, 5, 10.1)]
    trader.see(quotes(3, ask=(10.1, 7)))  # type: ignore[arg-type]
    assert trader.fills()[1:] == [(1, 2, 10.1)]
    trader.see(quotes(4, ask=(10.2, 7)))  # type: ignore[arg-type]
    assert trader.fills()[2:] == [(1, 1, 10.2)]
    assert not any(each.maker for each in trader.heard if type(each) is Fill)


def test_an_immediate_order_drops_its_rest() -> None:
    trader = standing()
    trader.send(1, 8, at=1, validity=Validity.IOC)
    assert trader.kinds() == [("Accepted", 1), ("Fill", 1), ("Cancelled", 1)]


def test_a_limit_walks_the_levels_within_its_price() -> None:
    trader = Trader()
    trader.see(depth(1, bids=((10.0, 5),), asks=((10.1, 2), (10.2, 3), (10.3, 9))))
    trader.send(1, 7, at=1, limit=10.2)
    assert trader.fills() == [(1, 2, 10.1), (1, 3, 10.2)]
    trader.see(depth(2, snapshot=False, asks=((10.1, 2),)))
    assert len(trader.fills()) == 2
    trader.see(depth(3, snapshot=False, asks=((10.1, 3),)))
    assert trader.fills()[2:] == [(1, 1, 10.2)]


def test_two_orders_share_what_is_shown() -> None:
    trader = standing()
    trader.send(1, 3, at=1)
    trader.send(1, 3, at=1, validity=Validity.IOC)
    assert trader.fills() == [(1, 3, 10.1), (2, 2, 10.1)]


def test_nothing_is_taken_from_an_empty_side() -> None:
    trader = Trader()
    trader.see(tick(1, bid=10.0, bid_quantity=5, ask=10.1, ask_quantity=5))
    trader.see(tick(2, bid=10.0, bid_quantity=5, ask=0.0, ask_quantity=0))
    trader.send(1, 1, at=2, validity=Validity.IOC)
    assert trader.fills() == []


# --- the queue


def test_what_is_ahead_trades_first() -> None:
    trader = standing()
    trader.send(1, 4, at=1, limit=10.0)
    trader.see(trade(2, price=10.0, quantity=3), trade(3, price=10.0, quantity=4))
    assert trader.fills() == [(1, 2, 10.0)]
    trader.see(trade(4, price=10.0, quantity=9))
    assert trader.fills() == [(1, 2, 10.0), (1, 2, 10.0)]
    assert all(each.maker for each in trader.heard if type(each) is Fill)


def test_a_buyers_trade_does_not_reach_a_buy_order() -> None:
    trader = standing()
    trader.send(1, 4, at=1, limit=10.0)
    trader.see(trade(2, price=10.0, quantity=30, aggressor=1))
    assert trader.fills() == []


def test_a_trade_through_us_reaches_us_whole_and_no_more() -> None:
    trader = standing()
    trader.send(1, 4, at=1, limit=10.0)
    trader.send(1, 4, at=1, limit=10.0)
    trader.see(trade(2, price=9.99, quantity=6))
    assert trader.fills() == [(1, 4, 10.0), (2, 2, 10.0)]


def test_a_level_shown_shorter_caps_what_is_ahead() -> None:
    trader = standing()
    trader.send(1, 4, at=1, limit=10.0)
    trader.see(quotes(2, bid=(10.0, 1)), trade(3, price=10.0, quantity=2))  # type: ignore[arg-type]
    assert trader.fills() == [(1, 1, 10.0)]


def test_a_decrease_that_traded_is_not_counted_twice() -> None:
    """10 ahead, 10 behind; 4 trade and the level is then shown 4 shorter: 6 are ahead, not fewer."""
    trader = Trader(RecordedModels(queue=Proportional(Power(1.0))))
    trader.see(quotes(1, bid=(10.0, 10)))  # type: ignore[arg-type]
    trader.send(1, 4, at=1, limit=10.0)
    trader.see(quotes(2, bid=(10.0, 20)), trade(3, price=10.0, quantity=4), quotes(4, bid=(10.0, 16)))  # type: ignore[arg-type]
    trader.see(trade(5, price=10.0, quantity=7))
    assert trader.fills() == [(1, 1, 10.0)]


def test_a_decrease_is_shared_in_proportion() -> None:
    """10 ahead, 10 behind, 8 leave: 4 of them were ahead."""
    trader = Trader(RecordedModels(queue=Proportional(Power(1.0))))
    trader.see(quotes(1, bid=(10.0, 10)))  # type: ignore[arg-type]
    trader.send(1, 4, at=1, limit=10.0)
    trader.see(quotes(2, bid=(10.0, 20)), quotes(3, bid=(10.0, 12)), trade(4, price=10.0, quantity=7))  # type: ignore[arg-type]
    assert trader.fills() == [(1, 1, 10.0)]


def test_behind_the_best_nothing_is_known_until_it_is_shown() -> None:
    trader = standing()
    trader.send(1, 4, at=1, limit=9.9)
    trader.see(trade(2, price=9.9, quantity=50))
    assert trader.fills() == []
    trader.see(quotes(3, bid=(9.9, 3)), trade(4, price=9.9, quantity=5))  # type: ignore[arg-type]
    assert trader.fills() == [(1, 2, 9.9)]


def test_better_than_the_best_nothing_is_ahead() -> None:
    trader = standing()
    trader.send(1, 4, at=1, limit=10.05)
    trader.see(trade(2, price=10.05, quantity=3))
    assert trader.fills() == [(1, 3, 10.05)]


def test_quotes_that_come_to_us_fill_at_our_price() -> None:
    trader = standing()
    trader.send(1, 9, at=1, limit=10.0)
    trader.see(quotes(2, bid=(9.8, 5), ask=(9.9, 4)), quotes(3, bid=(9.8, 5), ask=(9.9, 4)))  # type: ignore[arg-type]
    assert trader.fills() == [(1, 4, 10.0)]


# --- ticks


def test_a_tick_that_repeats_its_volume_repeats_its_trade() -> None:
    trader = standing()
    trader.send(1, 9, at=1, limit=10.05)
    for at, volume in ((2, 100.0), (3, 100.0), (4, 102.0)):
        trader.see(tick(at, last=10.05, last_quantity=2, volume=volume))
    assert trader.fills() == [(1, 2, 10.05), (1, 2, 10.05)]


def test_the_aggressor_of_a_tick_follows_from_the_quotes_before_it() -> None:
    trader = standing()
    trader.send(-1, 1, at=1, limit=10.1)
    trader.see(tick(2, last=10.0, last_quantity=50))
    assert trader.fills() == []
    trader.see(tick(3, last=10.1, last_quantity=6))
    assert trader.fills() == [(1, 1, 10.1)]


# --- time


def test_orders_and_reports_travel() -> None:
    trader = standing(entry=ConstantLatency(100), response=ConstantLatency(30))
    trader.send(1, 2, at=1)
    assert trader.heard == []
    trader.see(quotes(50, ask=(10.2, 5)))  # type: ignore[arg-type]
    assert trader.heard == []
    assert trader.venue.due == 101
    trader.hear(trader.venue.advance(130))
    assert trader.heard == []
    trader.hear(trader.venue.advance(131))
    (fill,) = [each for each in trader.heard if type(each) is Fill]
    assert (fill.exchange_at, fill.at, fill.price) == (101, 131, 1020000000)
    assert trader.venue.due == NEVER


def test_a_record_comes_before_an_order_of_its_instant() -> None:
    trader = standing(entry=ConstantLatency(9))
    trader.send(1, 2, at=1)
    trader.see(quotes(10, ask=(10.3, 5)))  # type: ignore[arg-type]
    assert trader.fills() == [(1, 2, 10.3)]


def test_a_fill_is_not_heard_before_the_record_that_caused_it() -> None:
    trader = standing()
    trader.send(1, 2, at=1, limit=10.05)
    trader.see(tick(900, exchange_at=500, last=10.05, last_quantity=9))
    (fill,) = [each for each in trader.heard if type(each) is Fill]
    assert (fill.exchange_at, fill.at) == (500, 900)


def test_a_withdrawal_that_comes_too_late_is_not_heard_of() -> None:
    trader = standing(entry=ConstantLatency(10))
    trader.send(1, 2, at=1, limit=10.05)
    trader.see(quotes(12))  # type: ignore[arg-type]
    trader.cancel(1, at=12)
    trader.see(trade(20, price=10.05, quantity=2), quotes(30))  # type: ignore[arg-type]
    assert trader.kinds() == [("Accepted", 1), ("Fill", 1)]


# --- stops, brackets, pairs, sessions


def test_a_stop_becomes_a_market_order_when_a_trade_reaches_it() -> None:
    trader = standing()
    trader.send(-1, 3, at=1, type=OrderType.STOP, trigger=9.9)
    trader.see(trade(2, price=9.95, quantity=1), trade(3, price=9.9, quantity=1))
    assert trader.kinds() == [("Accepted", 1), ("Triggered", 1), ("Fill", 1)]
    assert trader.fills() == [(1, 3, 10.0)]


def test_a_stop_limit_rests_at_its_limit() -> None:
    trader = standing()
    trader.send(1, 3, at=1, type=OrderType.STOP_LIMIT, trigger=10.1, limit=10.05)
    trader.see(trade(2, price=10.1, quantity=1, aggressor=1), trade(3, price=10.05, quantity=2))
    assert trader.fills() == [(1, 2, 10.05)]


def test_a_trailing_stop_follows_trades() -> None:
    trader = standing()
    trader.send(-1, 1, at=1, type=OrderType.TRAILING, trigger=10.0, trail=0.2)
    trader.see(trade(2, price=10.4, quantity=1, aggressor=1), trade(3, price=10.25, quantity=1))
    assert trader.fills() == []
    trader.see(trade(4, price=10.2, quantity=1))
    assert trader.fills() == [(1, 1, 10.0)]


def test_until_a_trade_is_told_a_stop_looks_at_the_quote_it_would_meet() -> None:
    trader = standing()
    trader.send(-1, 3, at=1, type=OrderType.STOP, trigger=9.9)
    trader.see(quotes(2, bid=(9.95, 5)))  # type: ignore[arg-type]
    assert trader.kinds() == [("Accepted", 1)]
    trader.see(quotes(3, bid=(9.9, 5)))  # type: ignore[arg-type]
    assert trader.kinds() == [("Accepted", 1), ("Triggered", 1), ("Fill", 1)]
    assert trader.fills() == [(1, 3, 9.9)]


def test_a_stop_that_the_quotes_touch_on_arrival_is_triggered_at_once() -> None:
    trader = standing()
    trader.send(1, 3, at=1, type=OrderType.STOP, trigger=10.1)
    assert trader.kinds() == [("Accepted", 1), ("Triggered", 1), ("Fill", 1)]


def test_depth_without_trades_touches_stops_of_both_sides_and_trailing_ones() -> None:
    trader = Trader()
    trader.see(depth(1, bids=((10.0, 5),), asks=((10.1, 5),)))
    trader.send(1, 1, at=1, type=OrderType.STOP, trigger=10.3)
    trader.send(-1, 1, at=1, type=OrderType.TRAILING, trigger=10.0, trail=0.2)
    trader.see(depth(2, bids=((10.15, 5),), asks=((10.25, 5),)))
    trader.see(depth(3, snapshot=False, bids=((10.15, 0), (9.96, 5))))
    assert trader.fills() == []
    trader.see(depth(4, snapshot=False, bids=((9.96, 0), (9.95, 5))))
    assert trader.fills() == [(2, 1, 9.95)]
    trader.see(depth(5, snapshot=False, asks=((10.25, 0), (10.3, 5))))
    assert trader.fills()[1:] == [(1, 1, 10.3)]


def test_from_the_first_trade_on_stops_look_at_trades_alone() -> None:
    trader = standing()
    trader.see(trade(2, price=10.0, quantity=1))
    trader.send(-1, 3, at=2, type=OrderType.STOP, trigger=9.9)
    trader.see(quotes(3, bid=(9.8, 5)))  # type: ignore[arg-type]
    assert trader.kinds() == [("Accepted", 1)]
    trader.see(trade(4, price=9.8, quantity=1))
    assert trader.fills() == [(1, 3, 9.8)]


def test_exits_sleep_until_the_entry_fills_and_one_ends_the_other() -> None:
    trader = standing()
    trader.send(1, 4, at=1, limit=10.05)
    trader.send(-1, 4, at=1, type=OrderType.STOP, trigger=9.9, parent=1, group=7)
    trader.send(-1, 4, at=1, limit=10.4, parent=1, group=7)
    trader.see(trade(2, price=10.05, quantity=4), trade(3, price=10.4, quantity=1, aggressor=1))
    trader.see(trade(4, price=10.5, quantity=3, aggressor=1))
    assert trader.fills() == [(1, 4, 10.05), (3, 3, 10.4)]
    trader.see(trade(5, price=9.9, quantity=5))
    assert trader.fills()[2:] == [(2, 1, 10.0)]
    assert sum(trader.positions.values()) == 0


def test_exits_of_an_entry_that_filled_on_arrival_go_to_work() -> None:
    trader = standing()
    trader.send(1, 2, at=1)
    trader.send(-1, 2, at=1, limit=10.3, parent=1)
    trader.see(trade(2, price=10.4, quantity=9, aggressor=1))
    assert trader.fills() == [(1, 2, 10.1), (2, 2, 10.3)]


def test_exits_of_an_entry_withdrawn_are_withdrawn() -> None:
    trader = standing()
    trader.send(1, 2, at=1, limit=9.0)
    trader.send(-1, 2, at=1, limit=10.3, parent=1)
    trader.cancel(1, at=1)
    trader.see(quotes(2))  # type: ignore[arg-type]
    assert trader.kinds()[-2:] == [("Cancelled", 1), ("Cancelled", 2)]


def test_a_sale_of_delivered_shares_sells_what_is_there() -> None:
    trader = standing()
    trader.send(1, 2, at=1, product=Product.CNC)
    trader.send(-1, 5, at=1, product=Product.CNC, limit=10.0)
    assert trader.fills() == [(1, 2, 10.1), (2, 2, 10.0)]
    trader.see(trade(2, price=10.5, quantity=9, aggressor=1))
    assert trader.kinds()[-1] == ("Cancelled", 2)


def test_day_orders_end_with_the_session() -> None:
    trader = standing()
    trader.send(1, 2, at=1, limit=9.0, validity=Validity.DAY)
    trader.send(1, 2, at=1, limit=9.0)
    trader.hear(trader.venue.expire(at=100, exchange="TEST"))
    assert trader.kinds()[-1] == ("Expired", 1)
    trader.venue.set_reference(NAME, 0, at=200)
    trader.send(1, 1, at=300, validity=Validity.IOC)
    trader.see(tick(301, last=10.0, last_quantity=1))
    assert trader.fills() == []


def test_prices_outside_the_band_are_rejected() -> None:
    trader = standing(band=PercentBand(100_000))
    trader.venue.set_reference(NAME, 10 * SCALE, at=1)
    trader.send(1, 1, at=1, limit=11.5)
    assert trader.kinds() == [("Rejected", 1)]


def test_what_is_left_at_the_bell_can_be_closed_out() -> None:
    trader = standing()
    trader.send(-1, 2, at=1, limit=11.0)
    trader.hear(trader.venue.close_out(1, price=10 * SCALE, at=50))
    assert trader.fills() == [(1, 2, 10.0)]


def test_queue_models_have_names() -> None:
    assert queue_model("proportional", exponent=2.0) == Proportional(Power(2.0))
    with pytest.raises(UnknownName, match="did you mean 'risk_averse'"):
        queue_model("risk_adverse")
    with pytest.raises(ConfigError):
        queue_model("proportional", exponent=0.0)


def test_every_assumption_is_told() -> None:
    said = RecordedModels(entry=ConstantLatency(2_000_000), queue=queue_model("logarithmic")).describe()
    assert "log(1 + x)" in " ".join(said)
    assert any("2 ms" in each for each in said)
