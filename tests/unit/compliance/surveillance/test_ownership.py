"""Wash trades, self trades, circular trading: scores worked out by hand, and honest trading beside them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.compliance.surveillance.streams import Stream, of
from tradsys.compliance.surveillance.alerts import Pattern
from tradsys.core.errors import ConfigError

FAMILY: dict[str, Any] = {"groups": {"family": ["a", "b"]}}


def test_two_accounts_of_one_owner_who_meet() -> None:
    stream = Stream()
    trade = stream.meet(buyer="a", seller="b", quantity=100, price=50)
    (alert,) = of(stream.find(**FAMILY), Pattern.WASH_TRADE)
    # all of its trading (share 1, once: a half), arranged (1): 1 - (1 - 0.7) (1 - 0.7 / 2)
    assert alert.score == pytest.approx(1 - 0.3 * 0.65)
    assert alert.clause == "PFUTP 4(2)(b)"
    assert (alert.accounts, alert.group, alert.trades, alert.orders) == (("a", "b"), "family", (trade,), (1, 2))
    assert alert.quantity == 100 * 10**8
    assert alert.begins == alert.ends == alert.at == stream.at


def test_strangers_who_meet_in_the_same_way_are_nobodys_business() -> None:
    stream = Stream()
    stream.meet(buyer="a", seller="b", quantity=100, price=50)
    assert not stream.find().alerts


def test_an_accident_among_much_trading_stays_below_the_threshold_in_a_group() -> None:
    stream = Stream()
    resting = stream.enter("b", -1, 500, 50)
    for _ in range(20):
        stream.wait(10).meet(buyer="a", seller="stranger", quantity=100, price=50)
    taker = stream.wait(10).enter("a", 1, 30, 50)
    stream.trade(taker=taker, maker=resting, quantity=30, price=50)
    assert not of(stream.find(**FAMILY), Pattern.WASH_TRADE)


def test_an_account_that_meets_itself_is_always_told() -> None:
    stream = Stream()
    resting = stream.enter("a", -1, 500, 50)
    stream.wait(300)
    taker = stream.enter("a", 1, 30, 50)
    stream.trade(taker=taker, maker=resting, quantity=30, price=50)
    (alert,) = of(stream.find(), Pattern.SELF_TRADE)
    assert alert.score == pytest.approx(0.5)  # not arranged: the rule's own score
    assert alert.measures["synchronised"] == 0.0


def test_one_alert_an_episode() -> None:
    stream = Stream()
    for _ in range(5):
        stream.wait(30).meet(buyer="a", seller="b", quantity=100, price=50)
    assert len(of(stream.find(**FAMILY), Pattern.WASH_TRADE)) == 1
    stream.wait(1_000).meet(buyer="a", seller="b", quantity=100, price=50)
    assert len(of(stream.find(**FAMILY), Pattern.WASH_TRADE)) == 2


def test_an_account_in_two_groups_is_refused() -> None:
    with pytest.raises(ConfigError, match="account a is in two groups"):
        Stream().find(groups={"one": ["a"], "two": ["a", "b"]})


def ring(stream: Stream, *members: str, quantity: float = 100) -> None:
    """The shares go once round."""
    for seller, buyer in zip(members, (*members[1:], members[0]), strict=True):
        stream.wait(20).meet(buyer=buyer, seller=seller, quantity=quantity, price=50)


def test_two_rounds_among_three_accounts() -> None:
    stream = Stream()
    ring(stream, "a", "b", "c")
    assert not of(stream.find(), Pattern.CIRCULAR_TRADING)  # once: a half
    ring(stream, "a", "b", "c")
    (alert,) = of(stream.find(), Pattern.CIRCULAR_TRADING)
    # the first leg of the second round closes a cycle with the last two of the first: two rounds, all they trade
    assert alert.measures["rounds"] == 2
    assert alert.score == pytest.approx(0.75)
    assert alert.accounts == ("a", "b", "c")
    assert alert.clause == "PFUTP 4(2)(n)"


@pytest.mark.parametrize("size", [4, 5])
def test_longer_rings_up_to_the_longest(size: int) -> None:
    stream = Stream()
    members = "abcdefgh"[:size]
    for _ in range(2):
        ring(stream, *members)
    (alert,) = of(stream.find(), Pattern.CIRCULAR_TRADING)
    assert alert.accounts == tuple(members)


def test_rings_that_are_too_long_or_too_slow_or_pass_on_other_quantities() -> None:
    for stream, members, quantities, pause in (
        (Stream(), "abcdef", (100, 100), 0),
        (Stream(), "abc", (100, 100), 4_000),
    ):
        for quantity in quantities:
            ring(stream, *members, quantity=quantity)
            stream.wait(pause)
        assert not of(stream.find(), Pattern.CIRCULAR_TRADING)
    unlike = Stream()
    for number in range(12):
        seller, buyer = "abc"[number % 3], "abc"[(number + 1) % 3]
        unlike.wait(20).meet(buyer=buyer, seller=seller, quantity=100 * 1.3**number, price=50)
    assert not of(unlike.find(), Pattern.CIRCULAR_TRADING)


def test_makers_who_trade_on_what_they_bought_are_no_ring() -> None:
    """Parts of resting orders go round among three makers all day; no order asked for what it got."""
    stream = Stream()
    for number in range(30):
        seller, buyer = "abc"[number % 3], "abc"[(number + 1) % 3]
        resting = stream.wait(5).enter(seller, -1, 500, 50)
        taker = stream.enter(buyer, 1, 100, 50)
        stream.trade(taker=taker, maker=resting, quantity=100, price=50)
        stream.wait(1).cancel(resting)
    assert not of(stream.find(), Pattern.CIRCULAR_TRADING)
