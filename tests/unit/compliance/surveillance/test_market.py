"""The market as detectors see it, against a plain recount; memory that stays bounded."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.compliance.surveillance.streams import NAME, START, Stream
from tradsys.compliance.surveillance.events import Quoted
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.windows import Active, Episodes, Total, Window
from tradsys.core.units import SCALE

STEPS = st.lists(
    st.tuples(st.sampled_from(["enter", "change", "cancel", "trade"]), st.integers(0, 50), st.integers(1, 9)),
    max_size=60,
)


def played(steps: list[tuple[str, int, int]]) -> tuple[Stream, dict[int, list[Any]]]:
    """A stream, and what should stand: side, price, quantity, account by order."""
    stream, live = Stream(), dict[int, list[Any]]()
    for what, pick, size in steps:
        chosen = sorted(live)[pick % len(live)] if live else 0
        if what == "enter" or not live:
            side = 1 if pick % 2 else -1
            price, account = 100 - side * (1 + pick % 5), f"a{pick % 3}"
            live[stream.enter(account, side, size, price)] = [side, price, size, account]
        elif what == "change":
            live[chosen][1:3] = [live[chosen][1], size]
            stream.change(chosen, size, live[chosen][1])
        elif what == "cancel":
            stream.cancel(chosen)
            del live[chosen]
        else:
            side, price, open_, _ = live[chosen]
            taken = min(size, open_)
            taker = stream.enter("taker", -side, taken, price)
            stream.trade(taker=taker, maker=chosen, quantity=taken, price=price)
            live[chosen][2] -= taken
            if not live[chosen][2]:
                del live[chosen]
    return stream, live


@given(STEPS)
def test_orders_depth_and_holdings_are_those_of_a_recount(steps: list[tuple[str, int, int]]) -> None:
    stream, live = played(steps)
    market = Market(whole=True)
    for event in stream.events:
        market.apply(event)
    market.apply(Quoted(at=stream.at, instrument=NAME))  # what came in last is in the book now
    assert {each.order_id: each.open for each in market.orders()} == {n: o[2] * SCALE for n, o in live.items()}
    bids = [price for side, price, _, _ in live.values() if side > 0]
    asks = [price for side, price, _, _ in live.values() if side < 0]
    assert market.best(NAME) == (max(bids, default=0) * SCALE, min(asks, default=0) * SCALE)
    for account in ("a0", "a1", "a2", "taker"):
        for side in (1, -1):
            mine = sum(o[2] for o in live.values() if o[0] == side and o[3] == account)
            assert market.open_of([account], instrument=NAME, side=side) == mine * SCALE
    for order in market.orders():
        better = sum(o[2] for o in live.values() if o[0] == order.side and o[0] * (o[1] - order.price / SCALE) >= 0)
        assert market.depth_to(order) == better * SCALE


def test_an_order_that_comes_in_is_in_the_book_once_it_is_clear_what_traded() -> None:
    stream = Stream()
    ask = stream.enter("m", -1, 5, 101)
    taker = stream.enter("t", 1, 8, 101)
    stream.trade(taker=taker, maker=ask, quantity=5, price=101)
    market = Market(whole=True)
    for event in stream.events:
        market.apply(event)
        assert market.best(NAME)[0] == 0
    market.apply(Quoted(at=START, instrument=NAME))
    assert market.best(NAME) == (101 * SCALE, 0)
    assert market.state(NAME).last == 101 * SCALE
    assert market.state(NAME).volume == 5 * SCALE


def test_without_everybodys_orders_prices_are_those_quoted_and_depth_is_unknown() -> None:
    stream = Stream()
    stream.enter("a", 1, 5, 100)
    market = Market(whole=False)
    for event in (*stream.events, Quoted(at=START, instrument=NAME, bid=1, ask=3, last=2)):
        market.apply(event)
    assert market.best(NAME) == (1, 3)
    assert market.state(NAME).last == 2
    assert [market.depth_to(order) for order in market.orders()] == [0]


def test_windows_forget() -> None:
    window: Window[str] = Window(10, most=3)
    for at, name in enumerate("abcd"):
        window.add(at, name)
    assert [name for _, name in window.at(3)] == ["b", "c", "d"]
    assert [name for _, name in window.at(12)] == ["c", "d"]
    assert [name for _, name in window.since(3)] == ["d"]
    total = Total(10)
    for at in range(5):
        total.add(2, at=at)
        total.add(1, at=at)
    assert (total.at(4), total.at(11), total.at(99)) == (15, 12, 0)


def test_states_of_the_idle_go_and_the_rest_are_bounded() -> None:
    states: Active[str, list[int]] = Active(list, span=10, most=2)
    states.touch("a", 0).append(1)
    assert states.touch("a", 5) == [1]
    states.touch("b", 6)
    states.touch("c", 7)
    assert len(states) == 2
    assert states.get("a", 7) is None
    assert states.touch("b", 99) == []
    assert len(states) == 1


def test_one_alert_an_episode() -> None:
    episodes: Episodes[str] = Episodes(10)
    assert [episodes.begins("a", at) for at in (0, 5, 10, 11, 12)] == [True, False, False, True, False]
    assert episodes.begins("b", 5)


def test_groups() -> None:
    groups = AccountGroups({"family": ["a", "b"]})
    assert [groups.of(each) for each in ("a", "b", "c", "")] == ["family", "family", "c", ""]
    assert groups.members("family") == ("a", "b")
    assert groups.members("c") == ("c",)
