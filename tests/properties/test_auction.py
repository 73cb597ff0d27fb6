"""Call auctions: the laws of the equilibrium, its oracle, and what the book makes of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exchange.auction_oracle import Order, clearing_price, demand, imbalance, resting, supply, volume
from tradsys.core.matching import Action, BookEventKind, BookPhase, Command, Status
from tradsys.exchange.auction import equilibrium, interest, uncross_command
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.reference.phases import Duty

PRICES = st.integers(90, 110)
ORDERS = st.lists(
    st.tuples(st.sampled_from("BS"), st.one_of(st.just(0), PRICES, PRICES, PRICES), st.integers(1, 9)), max_size=14
)


@given(ORDERS, PRICES)
def test_one_walk_finds_what_the_rule_says(orders: list[Order], reference: int) -> None:
    found = equilibrium(interest(resting(orders)), reference=reference)
    price = clearing_price(orders, reference)
    assert (found.price if found else 0) == price
    if found:
        assert (found.volume, found.imbalance) == (volume(orders, price), imbalance(orders, price))


@given(ORDERS, PRICES)
def test_no_other_price_trades_more(orders: list[Order], reference: int) -> None:
    found = equilibrium(interest(resting(orders)), reference=reference)
    most = max(volume(orders, price) for price in range(85, 116))
    assert (found.volume if found else 0) == most


@given(ORDERS, PRICES, PRICES, PRICES)
def test_inside_a_band_no_other_price_trades_more(orders: list[Order], reference: int, one: int, two: int) -> None:
    low, high = sorted((one, two))
    inside = min(max(reference, low), high)
    found = equilibrium(interest(resting(orders)), reference=inside, low=low, high=high)
    assert (found.volume if found else 0) == max(volume(orders, price) for price in range(low, high + 1))
    if found:
        assert low <= found.price <= high
        assert found.imbalance == demand(orders, found.price) - supply(orders, found.price)


@given(ORDERS, PRICES)
def test_the_book_trades_it_and_is_not_crossed_after(orders: list[Order], reference: int) -> None:
    book = ReferenceBook(1)
    book.submit(Command(Action.SET_PHASE, price=BookPhase.AUCTION))
    for number, (side, price, quantity) in enumerate(orders, 1):
        new = Command(Action.NEW, number, side=int(side == "S"), price=price, quantity=quantity, kind=int(not price))
        assert book.submit(new)[0].status == Status.OPEN
    found = equilibrium(interest(book.orders(0)), reference=reference)
    command = uncross_command(Duty.UNCROSS_RELEASE, found, instrument=0, reference=reference)
    outcome, events = book.submit(command)
    traded = sum(event.quantity for event in events if event.kind == BookEventKind.TRADE)
    assert (outcome.status, traded) == (Status.DONE, found.volume if found else 0)
    assert book.submit(Command(Action.SET_PHASE, price=BookPhase.CONTINUOUS))[0].status == Status.DONE
