"""Legs are positions like any other: together they earn what one net position of the same fills would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.test_ledger import FUTURE, START
from tradsys.core.events import Fill, Product, Side
from tradsys.core.units import SCALE
from tradsys.portfolio.ledger import Ledger
from tradsys.portfolio.lots import Lots

rows = st.lists(
    st.tuples(st.sampled_from([Product.LONG, Product.SHORT]), st.booleans(), st.integers(1, 9), st.integers(1, 999)),
    max_size=40,
)


def fill(product: Product, side: Side, quantity: int, price: int) -> Fill:
    return Fill(
        at=0, exchange_at=0, order_id=1, strategy="s", instrument=FUTURE.id, side=side, quantity=quantity,
        price=price, product=product,
    )  # fmt: skip


@given(rows, st.integers(1, 999))
def test_two_legs_earn_what_the_net_position_does(given_rows: list[tuple[Product, bool, int, int]], last: int) -> None:
    hedged, netted, lots = Ledger(START), Ledger(START), Lots()
    legs = {Product.LONG: 0, Product.SHORT: 0}
    for product, opens, units, price in given_rows:
        held = abs(legs[product])
        quantity = units * SCALE if opens else min(units * SCALE, held)
        if not quantity:
            continue
        up = (product is Product.LONG) is opens
        trade = fill(product, Side.BUY if up else Side.SELL, quantity, price * SCALE // 20)
        legs[product] += trade.side * quantity
        lots.fill(trade, (), FUTURE)
        hedged.book(trade, 0, (), hedged.place("s", FUTURE, product))
        net = fill(Product.NRML, trade.side, quantity, trade.price)
        netted.book(net, 0, (), netted.place("s", FUTURE, Product.NRML))
        hedged.check()
        assert {key[2]: each.quantity for key, each in hedged.positions.items() if each.quantity} == {
            leg: signed for leg, signed in legs.items() if signed
        }
    assert legs[Product.LONG] >= 0 >= legs[Product.SHORT]
    for ledger in (hedged, netted):
        ledger.mark(FUTURE.id, last * SCALE // 20)
    assert hedged.equity() == netted.equity()
    assert sum(legs.values()) == netted.position("s", FUTURE.id, Product.NRML)
    assert {key[2]: queue.held for key, queue in lots.queues.items() if queue.held} == {
        leg: signed for leg, signed in legs.items() if signed
    }
