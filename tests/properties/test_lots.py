"""Laws of lots over random fills and corporate actions, against the ledger and against an oracle of single shares."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.test_ledger import COIN, EVERY, FUTURE, SHARE, STRATEGIES
from tradsys.core.events import ActionKind, CorporateAction, Fill, Product, Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.portfolio.ledger import Items, Ledger
from tradsys.portfolio.lots import ClosedLot, Lots, shares, value_of

BY_NAME = {each.id: each for each in EVERY}
Trade = tuple[Fill, Items]


@st.composite
def trades(draw: st.DrawFn) -> Trade:
    instrument = draw(st.sampled_from([SHARE, FUTURE, COIN]))
    lot, tick = instrument.lot_at(0), instrument.tick_at(0)
    fill = Fill(
        at=0,
        exchange_at=0,
        order_id=1,
        strategy=draw(st.sampled_from(STRATEGIES)),
        instrument=instrument.id,
        side=draw(st.sampled_from(Side)),
        quantity=lot * draw(st.integers(1, 60 if lot == SCALE else 10**10)),
        price=tick * draw(st.integers(1, 400 * SCALE // tick)),
        product=Product.CNC,
    )
    amounts = st.integers(-5, 50 * SCALE)
    return fill, (("stt", draw(amounts)), ("stamp", draw(amounts)))


ratios = st.tuples(st.integers(1, 7), st.integers(1, 7))
events = st.lists(st.one_of(trades(), ratios), max_size=40)


def folded(rows: Sequence[Trade | tuple[int, int]]) -> tuple[Ledger, Lots, list[ClosedLot], dict[str, int]]:
    """The same events in a ledger and in lots, what was closed, and what fills were paid by instrument."""
    ledger, lots, closed = Ledger(0), Lots(), []
    paid: dict[str, int] = defaultdict(int)
    for at, (first, second) in enumerate(rows):
        if isinstance(first, Fill):
            instrument = BY_NAME[first.instrument]
            position = ledger.place(first.strategy, instrument, first.product)
            before = position.realised - position.cost
            assert isinstance(second, tuple)
            ledger.book(first, sum(amount for _, amount in second), second, position)
            paid[first.instrument] -= position.realised - position.cost - before
            closed += lots.fill(first, second, instrument)
        else:
            assert isinstance(second, int)
            action = CorporateAction(at=at, instrument=SHARE.id, kind=ActionKind.SPLIT, old=first, new=second)
            ledger.apply(action, price=SCALE)
            closed += lots.apply(action)
        ledger.check()
    return ledger, lots, closed, paid


@given(events)
def test_lots_are_the_position_and_their_money_is_the_cash(rows: list[Trade | tuple[int, int]]) -> None:
    ledger, lots, closed, paid = folded(rows)
    for key, position in ledger.positions.items():
        assert lots.queues[key].held == position.quantity
        assert sum(lot.side * lot.quantity for lot in lots.queues[key].lots) == position.quantity
        assert len({lot.side for lot in lots.queues[key].lots}) <= 1
        assert all(lot.quantity > 0 for lot in lots.queues[key].lots)
    for name in paid:
        money = sum(lot.money for (_, instrument, _), lot in lots.open_lots() if instrument == name)
        realised = sum(each.gross for each in closed if each.instrument.id == name)
        assert paid[name] == money - realised


@given(events)
def test_charges_are_apportioned_whole(rows: list[Trade | tuple[int, int]]) -> None:
    ledger, lots, closed, _ = folded(rows)
    found: dict[str, int] = defaultdict(int)
    for name, amount in (item for _, lot in lots.open_lots() for item in lot.charges):
        found[name] += amount
    for each in closed:
        for name, amount in each.charges.items():
            found[name] += amount
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in ledger.charge_items.items() if v}
    assert sum(each.net for each in closed) == sum(each.gross - sum(each.charges.values()) for each in closed)


@given(events, st.integers(1, 10**12))
def test_values_of_lots_are_the_value_of_the_position(rows: list[Trade | tuple[int, int]], price: int) -> None:
    ledger, lots, _, _ = folded(rows)
    for key, queue in lots.queues.items():
        assert sum(value_of(list(queue.lots), price=price)) == ledger.positions[key].value(price)


@given(st.lists(trades().filter(lambda row: row[0].instrument == SHARE.id), max_size=25))
def test_each_share_is_the_oldest_that_was_held(rows: list[Trade]) -> None:
    """The obvious implementation: one entry a share, the oldest of the other side leaves first."""
    _, lots, closed, _ = folded(rows)
    queues: dict[str, deque[tuple[int, int]]] = defaultdict(deque)
    pairs: list[tuple[str, int, int, int]] = []
    for fill, _ in rows:
        queue = queues[fill.strategy]
        for _ in range(fill.quantity // SCALE):
            if queue and queue[0][0] != fill.side:
                side, price = queue.popleft()
                pairs.append((fill.strategy, side, price, fill.price))
            else:
                queue.append((int(fill.side), fill.price))
    mine = [
        (each.opening.strategy, int(each.side), each.opening.price, each.closing.price)
        for each in closed
        for _ in range(each.quantity // SCALE)
    ]
    assert mine == pairs
    assert sum(each.gross for each in closed) == sum(side * (out - into) for _, side, into, out in pairs)
    for strategy, queue in queues.items():
        left = [lot for (name, _, _), lot in lots.open_lots() if name == strategy]
        assert [price for lot in left for price in [lot.fill.price] * (lot.quantity // SCALE)] == [p for _, p in queue]


@given(st.integers(-(10**20), 10**20), st.lists(st.integers(1, 10**12), min_size=1, max_size=9))
def test_shares_add_up(amount: int, sizes: list[int]) -> None:
    found = shares(amount, sizes)
    assert sum(found) == amount
    whole = sum(sizes)
    for share, size in zip(found, sizes, strict=True):
        assert abs(share - amount * size / whole) <= 1 + len(sizes) + abs(amount) * 1e-12


def undone(instrument: Instrument, fill: Fill) -> Fill:
    return Fill(
        at=2, exchange_at=2, order_id=fill.order_id, strategy=fill.strategy, instrument=instrument.id,
        side=Side(-fill.side), quantity=fill.quantity, price=fill.price, product=fill.product, reason="bust",
    )  # fmt: skip


@given(trades())
def test_a_trade_undone_leaves_nothing_but_its_charges(trade: Trade) -> None:
    fill, charges = trade
    instrument = BY_NAME[fill.instrument]
    lots = Lots()
    assert lots.fill(fill, charges, instrument) == []
    (closed,) = lots.fill(undone(instrument, fill), (), instrument)
    assert not list(lots.open_lots())
    assert closed.charges == dict(charges)
    assert closed.bought - closed.sold == -closed.gross and 0 <= -closed.gross <= 1
