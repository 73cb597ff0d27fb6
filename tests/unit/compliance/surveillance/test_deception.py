"""Spoofing, layering, quote stuffing: what counts and what does not, one boundary at a time."""

from __future__ import annotations

import pytest

from tests.unit.compliance.surveillance.streams import NAME, Stream, of
from tradsys.compliance.surveillance.alerts import Pattern
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.stuffing import QuoteStuffing


def background(stream: Stream) -> tuple[int, int]:
    """A book around 50 of others, 100 a side."""
    bid, ask = stream.enter("other", 1, 100, 49.9), stream.enter("else", -1, 100, 50.1)
    return bid, ask


def bluff(stream: Stream, *, large: float = 900, small: float = 50, life: float = 2, filled: float = 0) -> None:
    """Small sale, large purchase behind it, somebody buys the small one, the large one goes."""
    sale = stream.enter("s", -1, small, 50.0)
    order = stream.enter("s", 1, large, 49.9)
    stream.wait(life)
    buyer = stream.enter("victim", 1, small, 50.0)
    stream.trade(taker=buyer, maker=sale, quantity=small, price=50.0)
    if filled:
        seller = stream.enter("victim", -1, filled, 49.9)
        stream.trade(taker=seller, maker=order, quantity=filled, price=49.9)
    stream.cancel(order)


def test_two_bluffs_are_spoofing_and_one_is_not() -> None:
    stream = Stream()
    background(stream)
    bluff(stream)
    assert not of(stream.find(), Pattern.SPOOFING)
    stream.wait(60)
    bluff(stream)
    (alert,) = of(stream.find(), Pattern.SPOOFING)
    # each: unfilled, eighteen times the sale, 900 of 1,000 shown, withdrawn at once: 1; twice with weight 0.6
    assert alert.score == pytest.approx(1 - 0.4**2)
    assert alert.measures["instances"] == 2
    assert alert.quantity == 1_800 * 10**8
    assert alert.accounts == ("s",)
    assert len(alert.orders) == 4
    assert len(alert.trades) == 2


@pytest.mark.parametrize(
    "shape",
    [{"large": 50.0}, {"life": 61.0}, {"filled": 200.0}, {"small": 900.0}],
    ids=["as small as the sale", "rested over a minute", "a fifth was filled", "the sale was as large"],
)
def test_what_is_no_bluff(shape: dict[str, float]) -> None:
    stream = Stream()
    background(stream)
    for _ in range(5):
        bluff(stream, **shape)
        stream.wait(60)
    assert not of(stream.find(), Pattern.SPOOFING)


def test_orders_withdrawn_by_the_venue_or_without_a_trade_or_long_after_it() -> None:
    stream = Stream()
    background(stream)
    for _ in range(5):
        order = stream.enter("s", 1, 900, 49.9)
        stream.wait(5).cancel(order)
        sale, order = stream.enter("s", -1, 50, 50.0), stream.enter("s", 1, 900, 49.9)
        buyer = stream.enter("victim", 1, 50, 50.0)
        stream.trade(taker=buyer, maker=sale, quantity=50, price=50.0)
        stream.wait(30).cancel(order)  # six half lives
        sale, order = stream.enter("s", -1, 50, 50.0), stream.enter("s", 1, 900, 49.9)
        buyer = stream.enter("victim", 1, 50, 50.0)
        stream.trade(taker=buyer, maker=sale, quantity=50, price=50.0)
        stream.cancel(order, by_owner=False)
        stream.wait(60)
    assert not of(stream.find(), Pattern.SPOOFING)


def test_moving_the_large_order_away_counts_as_withdrawing_it() -> None:
    stream = Stream()
    background(stream)
    for _ in range(2):
        sale, order = stream.enter("s", -1, 50, 50.0), stream.enter("s", 1, 900, 49.9)
        buyer = stream.enter("victim", 1, 50, 50.0)
        stream.trade(taker=buyer, maker=sale, quantity=50, price=50.0)
        stream.change(order, 900, 49.0)
        stream.wait(5).cancel(order)
        stream.wait(60)
    assert of(stream.find(), Pattern.SPOOFING)


def test_a_maker_who_moves_both_quotes_after_each_fill_is_not_accused() -> None:
    stream = Stream()
    background(stream)
    for _ in range(30):
        bid, ask = stream.enter("m", 1, 300, 49.95), stream.enter("m", -1, 300, 50.05)
        buyer = stream.wait(1).enter("victim", 1, 40, 50.05)
        stream.trade(taker=buyer, maker=ask, quantity=40, price=50.05)
        stream.cancel(bid)
        stream.cancel(ask)
        stream.wait(2)
    assert not stream.find().alerts


def layers(stream: Stream, count: int, *, quotes: float = 0, pause: float = 0) -> None:
    """A small sale, and purchases at so many prices that go once it traded."""
    sale = stream.enter("s", -1, 50, 50.0)
    other = [stream.enter("s", -1, quotes, 50.2 + number / 10) for number in range(count) if quotes]
    bids = [stream.enter("s", 1, 200, 49.8 - number / 10) for number in range(count)]
    buyer = stream.wait(3).enter("victim", 1, 50, 50.0)
    stream.trade(taker=buyer, maker=sale, quantity=50, price=50.0)
    stream.wait(pause)
    for order in (*bids, *other):
        stream.cancel(order)


@pytest.mark.parametrize(
    ("count", "threshold", "score"), [(2, 0.1, None), (3, 0.5, 0.5), (3, 0.51, None), (4, 0.51, 1.0)]
)
def test_layers_by_number_of_prices(count: int, threshold: float, score: float | None) -> None:
    stream = Stream()
    background(stream)
    layers(stream, count)
    alerts = of(stream.find(layering={"threshold": threshold}), Pattern.LAYERING)
    assert [each.score for each in alerts] == ([] if score is None else [pytest.approx(score)])


def test_layers_on_both_sides_or_long_after_the_trade_are_none() -> None:
    stream = Stream()
    background(stream)
    for _ in range(5):
        layers(stream, 5, quotes=200)
        stream.wait(100)
        layers(stream, 5, pause=20)
        stream.wait(100)
    assert not of(stream.find(), Pattern.LAYERING)


def flood(stream: Stream, pairs: int, *, life: float = 0.001, trades: int = 0) -> None:
    """So many orders in one second, each withdrawn."""
    for number in range(pairs):
        order = stream.enter("q", 1, 10, 40.0)
        stream.wait(life)
        if number < trades:
            seller = stream.enter("victim", -1, 10, 40.0)
            stream.trade(taker=seller, maker=order, quantity=10, price=40.0)
        else:
            stream.cancel(order)
        stream.wait(0.9 / pairs - life)


def test_a_flood_of_fleeting_orders() -> None:
    stream = Stream()
    flood(stream, 75)
    (alert,) = of(stream.find(), Pattern.QUOTE_STUFFING)
    # told as soon as the ramp from 50 to 150 messages a second reaches 0.45
    assert alert.score >= 0.45
    assert alert.measures["rate"] == pytest.approx(95, abs=1)
    assert alert.measures["empty"] == pytest.approx(1.0, abs=0.03)


def test_fewer_messages_or_messages_that_trade_or_orders_that_rest() -> None:
    for pairs, life, trades in ((25, 0.001, 0), (75, 0.001, 75), (4, 0.2, 0)):
        stream = Stream()
        flood(stream, pairs, life=life, trades=trades)
        assert not of(stream.find(), Pattern.QUOTE_STUFFING)


def test_changes_that_change_nothing_are_empty() -> None:
    stream = Stream()
    order = stream.enter("q", 1, 10, 40.0)
    for _ in range(120):
        stream.wait(0.005).change(order, 10, 40.0)
    assert of(stream.find(), Pattern.QUOTE_STUFFING)


def test_the_exchanges_daily_rule_about_messages_without_trades() -> None:
    for before, trades, told in ((1_999_998, 0, False), (1_999_999, 10, True), (1_999_999, 11, False)):
        detector = QuoteStuffing(SurveillanceSettings().quote_stuffing, AccountGroups())
        stream = Stream()
        stream.enter("q", 1, 10, 40.0)
        day = detector._day(("q", NAME), stream.at)
        day.messages, day.trades = before, trades
        alerts = [each for event in stream.events for each in detector.observe(event, Market(whole=True))]
        assert [each.score for each in alerts] == ([1.0] if told else [])
