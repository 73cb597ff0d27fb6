"""What the terms of orders promise, over random markets, with the reference book as the judge."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import NAME, Trader
from tests.unit.exchange.test_book_venue import BookTrader
from tests.unit.exchange.test_recorded_venue import depth, trade
from tradsys.core.events import Fill, Order, OrderType, Product, Rejected, Side, Validity
from tradsys.core.matching import POST_ONLY, Action, BookSide, Command, SelfTrade, TimeInForce
from tradsys.core.order_terms import Terms
from tradsys.core.units import SCALE
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.book_venue import BookVenue
from tradsys.exchange.live_orders import live_order
from tradsys.exchange.order_flow import OURS

LEVELS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9)), max_size=4, unique_by=lambda level: level[0])
"""Ticks from 10.00 and lots, of either side."""

VALIDITIES = {
    Validity.GTC: TimeInForce.GTC,
    Validity.IOC: TimeInForce.IOC,
    Validity.FOK: TimeInForce.FOK,
}


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """A limit order of ours in ticks from 10.00 and lots, of any terms that go together."""
    quantity, validity = draw(st.integers(1, 20)), draw(st.sampled_from(list(VALIDITIES)))
    rests = validity is Validity.GTC
    return {
        "side": draw(st.sampled_from([1, -1])),
        "price": draw(st.integers(-7, 7)),
        "quantity": quantity,
        "validity": validity,
        "post_only": rests and draw(st.booleans()),
        "display": draw(st.integers(0, quantity)) if rests else 0,
    }


def sent(trader: Trader, order: dict[str, Any], *, at: int) -> int:
    terms = Terms(display=order["display"] * SCALE, post_only=order["post_only"])
    limit = (1000 + order["price"]) / 100
    return trader.send(order["side"], order["quantity"], at=at, limit=limit, validity=order["validity"], terms=terms)


def command(number: int, order: dict[str, Any]) -> Command:
    """The same order to the reference book."""
    return Command(
        Action.NEW,
        number,
        side=BookSide.BUY if order["side"] > 0 else BookSide.SELL,
        price=1000 + order["price"],
        quantity=order["quantity"],
        time_in_force=VALIDITIES[order["validity"]],
        flags=SelfTrade.CANCEL_NEWEST | (POST_ONLY if order["post_only"] else 0),
        display=order["display"],
        account=OURS,
    )


def judged(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> ReferenceBook:
    """The reference book with one order a level."""
    found = ReferenceBook(1)
    for number, (ticks, lots) in enumerate(bids, 1):
        found.submit(Command(Action.NEW, number, BookSide.BUY, 1000 - ticks, lots, time_in_force=TimeInForce.GTC))
    for number, (ticks, lots) in enumerate(asks, 11):
        found.submit(Command(Action.NEW, number, BookSide.SELL, 1000 + ticks, lots, time_in_force=TimeInForce.GTC))
    return found


@given(bids=LEVELS, asks=LEVELS, order=asked())
def test_an_order_takes_from_recorded_depth_what_it_takes_from_the_book(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], order: dict[str, Any]
) -> None:
    trader = Trader()
    shown = {"bids": bids, "asks": asks}
    sides = {"bids": -1, "asks": 1}
    said = {name: tuple(sorted(((1000 + sides[name] * t) / 100, q) for t, q in shown[name])) for name in shown}
    trader.see(depth(1, bids=said["bids"][::-1], asks=said["asks"]))
    sent(trader, order, at=1)
    outcome, _ = judged(bids, asks).submit(command(99, order))
    assert sum(quantity for _, quantity, _ in trader.fills()) == outcome.filled
    assert isinstance(trader.heard[0], Rejected) == (outcome.status == 4)


@given(
    ahead=st.integers(0, 9), quantity=st.integers(1, 20), display=st.integers(1, 20), sells=st.lists(st.integers(1, 9))
)
def test_an_iceberg_waits_in_a_recorded_queue_as_in_the_book(
    ahead: int, quantity: int, display: int, sells: list[int]
) -> None:
    display = min(display, quantity)
    trader, reference = Trader(), judged([(0, ahead)] if ahead else [], [])
    trader.see(depth(1, bids=((10.0, ahead), (9.0, 1)) if ahead else ((9.0, 1),)))
    order = {"side": 1, "price": 0, "quantity": quantity, "validity": Validity.GTC, "post_only": True}
    sent(trader, order | {"display": display}, at=1)
    reference.submit(command(99, order | {"display": display}))
    for number, lots in enumerate(sells):
        trader.see(trade(number + 2, price=10.0, quantity=lots))
        taker = Command(Action.NEW, 200 + number, BookSide.SELL, 1000, lots, time_in_force=TimeInForce.IOC)
        reference.submit(taker)
        left = sum(each.shown + each.hidden for each in reference.orders(0) if each.order_id == 99)
        assert quantity - sum(filled for _, filled, _ in trader.fills()) == left
        for live in trader.venue._orders.values():
            assert 0 < live.visible <= display * SCALE
    assert all(each.maker for each in trader.heard if isinstance(each, Fill))


@given(
    orders=st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(-5, 5), st.integers(1, 9)), max_size=20),
    ours=st.lists(asked(), min_size=1, max_size=8),
    turns=st.lists(st.booleans(), min_size=8, max_size=28),
)
def test_in_the_book_an_order_of_ours_is_an_order_of_the_book(
    orders: list[tuple[int, int, int]], ours: list[dict[str, Any]], turns: list[bool]
) -> None:
    trader, reference = BookTrader(), ReferenceBook(1)
    others, wanted = list(orders), list(ours)
    taken: dict[int, int] = {}
    asked_for: dict[int, dict[str, Any]] = {}
    for turn in turns:
        if turn and wanted:
            order = wanted.pop(0)
            number = sent(trader, order, at=trader.now)
            asked_for[number] = order
            what = command(OURS + number, order)
        elif others:
            side, price, quantity = others.pop(0)
            number, book_side = 1000 + len(others), BookSide.BUY if side > 0 else BookSide.SELL
            what = Command(Action.NEW, number, book_side, 1000 + price, quantity, time_in_force=TimeInForce.GTC)
            trader.do(Action.NEW, number, book_side, 1000 + price, quantity, time_in_force=TimeInForce.GTC)
        else:
            continue
        for event in reference.submit(what)[1]:
            for name in (event.order_id, event.other_id):
                if event.kind == 0 and name >= OURS:
                    taken[name - OURS] = taken.get(name - OURS, 0) + event.quantity
    filled: dict[int, int] = {}
    for number, traded, _ in trader.fills():
        filled[number] = filled.get(number, 0) + round(traded)
    assert filled == taken
    assert isinstance(trader.venue, BookVenue)
    assert trader.venue.books[NAME].orders() == reference.orders(0)
    takers = {each.order_id for each in trader.heard if isinstance(each, Fill) and not each.maker}
    for number, order in asked_for.items():
        assert not (order["post_only"] and number in takers)
        assert order["validity"] is not Validity.FOK or filled.get(number, 0) in (0, order["quantity"])
    for resting in reference.orders(0):
        assert not resting.display or resting.shown <= resting.display


@given(end=st.integers(2, 30), times=st.lists(st.integers(2, 40), max_size=8), by_orders=st.booleans())
def test_nothing_trades_at_or_after_its_instant(end: int, times: list[int], *, by_orders: bool) -> None:
    trader: Any = BookTrader() if by_orders else Trader()
    if not by_orders:
        trader.see(depth(1, bids=((9.0, 1),)))
    trader.send(1, 50, at=0 if by_orders else 1, limit=10.0, validity=Validity.GTD, terms=Terms(expires_at=end))
    for number, at in enumerate(sorted(times)):
        if by_orders:
            trader.now = at - 1
            trader.do(Action.NEW, number + 1, BookSide.SELL, 1000, 1, time_in_force=TimeInForce.IOC)
        else:
            trader.see(trade(at, price=10.0, quantity=1))
    trader.hear(trader.venue.advance(50))
    traded = [each.exchange_at for each in trader.heard if isinstance(each, Fill)]
    assert traded == [at for at in sorted(times) if at < end]
    assert trader.kinds()[-1] == ("Expired", 1)


@given(display=st.integers(1, 9), parts=st.lists(st.integers(1, 9), max_size=9), behind=st.booleans())
def test_an_order_never_shows_more_than_it_said(display: int, parts: list[int], *, behind: bool) -> None:
    terms = Terms(display=display)
    order = Order(
        at=1, order_id=1, strategy="s", instrument=NAME, side=Side.BUY, quantity=50, type=OrderType.LIMIT, limit=1,
        product=Product.NRML, validity=Validity.GTC, terms=terms,
    )  # fmt: skip
    live = live_order(order, at=1, remaining=50)
    live.show_next()
    for part in parts:
        traded = min(part, live.visible if behind else live.remaining)
        live.remaining -= traded
        (live.show_less if behind else live.show_next)(traded)
        if live.is_spent:
            live.show_next()
        assert live.visible <= display
        assert (live.visible > 0) == (live.remaining > 0)
