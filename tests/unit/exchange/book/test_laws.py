"""Whatever limit orders, market orders and cancels come: prices, sides and quantities keep the laws of a market."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.matching import BookSide
from tradsys.exchange.book import Book

# What is done (0…5 limit order, 6 market order, 7…9 cancel), side, price, quantity, which earlier order.
Step = tuple[int, int, int, int, int]
STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 1), st.integers(1, 12), st.integers(1, 20), st.integers(0, 50)),
    max_size=60,
)


@dataclass
class Orders:
    """What was asked for and what became of it, kept from outcomes and events alone."""

    book: Book = field(default_factory=Book)
    limit: dict[int, int] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    traded: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    open: dict[int, int] = field(default_factory=dict)

    def take(self, order_id: int, step: Step) -> None:
        what, side, price, quantity, earlier = step
        if what > 6:
            self.book.cancel(earlier)
            self.open.pop(earlier, None)
            return
        self.asked[order_id] = quantity
        if what == 6:
            self.limit[order_id] = 0 if side else 2**31
            filled, rest = self.book.market(order_id, side=side, quantity=quantity), 0
        else:
            self.limit[order_id] = price
            rest = self.book.limit(order_id, side=side, price=price, quantity=quantity)
            filled = quantity - rest
        self.count_trades(order_id, side)
        assert self.traded[order_id] == filled
        if rest:
            self.open[order_id] = rest

    def count_trades(self, taker: int, side: int) -> None:
        for event in self.book.events():
            assert (event.order_id, event.side) == (taker, side)
            assert event.price == self.limit[event.other_id]
            assert event.price <= self.limit[taker] if side == BookSide.BUY else event.price >= self.limit[taker]
            for order_id in (taker, event.other_id):
                self.traded[order_id] += event.quantity
            self.open[event.other_id] -= event.quantity
            if self.open[event.other_id] == 0:
                del self.open[event.other_id]


@given(STEPS)
def test_trades_are_at_the_makers_price_and_quantities_add_up(steps: list[Step]) -> None:
    orders = Orders()
    for order_id, step in enumerate(steps):
        orders.take(order_id, step)
        bid, _, ask, _ = orders.book.best()
        assert bid < ask or 0 in (bid, ask)
    assert {order.order_id: order.shown for order in orders.book.orders()} == orders.open
    assert all(orders.traded[order_id] <= asked for order_id, asked in orders.asked.items())
    assert 2 * orders.book.traded[1] == sum(orders.traded.values())
    for side in BookSide:
        shown = [order.shown for order in orders.book.orders() if order.side == side]
        assert sum(level[1] for level in orders.book.levels(0, side, count=99)) == sum(shown)


@given(STEPS)
def test_a_replay_ends_in_the_same_state(steps: list[Step]) -> None:
    first, again = Orders(), Orders()
    for order_id, step in enumerate(steps):
        first.take(order_id, step)
        again.take(order_id, step)
        assert first.book.state_hash() == again.book.state_hash()
