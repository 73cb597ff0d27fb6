"""The tables agree with the laws that the journal was written under, however it was read: in one go or cut anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journals import ABC, NOON, order, tag_of
from tradsys.core.events import (
    Accepted,
    ActionKind,
    Approved,
    Cancelled,
    CancelRequested,
    CorporateAction,
    Entry,
    Expired,
    Fill,
    OrderEvent,
    Product,
    Rejected,
    Side,
    Triggered,
    Unanswered,
)
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.orders import TRANSITIONS, OrderState, step
from tradsys.core.units import SCALE
from tradsys.journal import open_journal
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Position, Reader
from tradsys.journal.records import Record
from tradsys.journal.sqlite import ProjectionStore
from tradsys.portfolio.ledger import Ledger

SHARE = Instrument(id=ABC, exchange="NSE", symbol="ABC", segment=Segment.EQUITY)


def journal_of(bodies: Sequence[Any]) -> MemoryDisk:
    disk = MemoryDisk()
    journal = open_journal(disk, segment_bytes=4096, reserve_bytes=8)
    for number, body in enumerate(bodies):
        entry = msgspec.json.encode(Entry(number, -1, NOON, "trend", body))
        journal.append("entry", entry, at=NOON, recorded_at=NOON)
    journal.close()
    return disk


class Cut(Reader):
    """Sees no more than there was once."""

    until = 0

    def __iter__(self) -> Iterator[Record]:
        for record in super().__iter__():
            if record.sequence >= self.until:
                return
            yield record


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectionStore]:
    """Tables that have seen other journals before."""
    made = ProjectionStore(tmp_path_factory.mktemp("tables") / "tables.db", tag_of=tag_of)
    yield made
    made.close()


def read_in(store: ProjectionStore, disk: MemoryDisk, *, cuts: Sequence[int]) -> None:
    """Fill the tables step by step, each up to a cut; the last time with all there is."""
    for cut in [*sorted(cuts), 2**30]:

        def source(since: Position | None, until: int = cut) -> Cut:
            reader = Cut(disk, since)
            reader.until = until
            return reader

        store.catch_up(source)


def fill(side: Side, quantity: int, price: int) -> Fill:
    return Fill(
        at=NOON,
        order_id=1,
        exchange_at=NOON,
        strategy="trend",
        instrument=ABC,
        side=side,
        quantity=quantity,
        price=price,
        product=Product.CNC,
    )


splits = st.tuples(st.integers(1, 5), st.integers(1, 5)).map(
    lambda ratio: CorporateAction(at=NOON, instrument=ABC, kind=ActionKind.SPLIT, old=ratio[0], new=ratio[1])
)
shares = st.one_of(st.integers(1, 3), st.integers(1, 500)).map(lambda units: units * SCALE)
fills = st.builds(fill, st.sampled_from(Side), shares, st.integers(1, 400 * SCALE))


@settings(max_examples=60, deadline=None)
@given(
    happened=st.lists(st.one_of(fills, fills, fills, splits), max_size=25),
    cuts=st.lists(st.integers(1, 25), max_size=2),
)
def test_positions_are_those_of_the_ledger(
    store: ProjectionStore, happened: list[Fill | CorporateAction], cuts: list[int]
) -> None:
    ledger = Ledger(0)
    for event in happened:
        if isinstance(event, Fill):
            ledger.book(event, 0, (), ledger.place("trend", SHARE, Product.CNC))
        else:
            ledger.apply(event, price=SCALE)
    read_in(store, journal_of(happened), cuts=cuts)
    held = {(each.strategy, each.instrument, each.product): (each.quantity, each.cost) for each in store.positions()}
    assert held == {(s, i, str(p)): (each.quantity, each.cost) for (s, i, p), each in ledger.positions.items()}


EVENTS: list[OrderEvent] = [
    Accepted(at=NOON, order_id=1),
    Rejected(at=NOON, order_id=1, reason="no"),
    Triggered(at=NOON, order_id=1),
    Unanswered(at=NOON, order_id=1, reason="silence"),
    CancelRequested(at=NOON, order_id=1, reason="asked"),
    Cancelled(at=NOON, order_id=1, remaining=1, reason="asked"),
    Expired(at=NOON, order_id=1, remaining=1, reason="day"),
    *(fill(Side.BUY, units * SCALE, SCALE) for units in (1, 3)),
]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[OrderEvent], OrderState, int]:
    """Events that an order may live through, its state after them, and how much of it was filled."""
    asked = order(1, quantity=5 * SCALE)
    happened: list[OrderEvent] = [Approved(at=NOON, order_id=1, order=asked)]
    state, remaining = OrderState.APPROVED, asked.quantity
    for _ in range(draw(st.integers(0, 8))):
        possible = [
            event
            for event in EVENTS
            if type(event) in TRANSITIONS[state] and not (isinstance(event, Fill) and event.quantity > remaining)
        ]
        if not possible:
            break
        event = draw(st.sampled_from(possible))
        remaining -= event.quantity if isinstance(event, Fill) else 0
        state = step(state, event, remaining)
        happened.append(event)
    return happened, state, asked.quantity - remaining


@settings(max_examples=100, deadline=None)
@given(life=lives(), cuts=st.lists(st.integers(1, 8), max_size=2))
def test_orders_stand_where_the_life_cycle_says(
    store: ProjectionStore, life: tuple[list[OrderEvent], OrderState, int], cuts: list[int]
) -> None:
    happened, state, filled = life
    read_in(store, journal_of(happened), cuts=cuts)
    found = store.order(1)
    assert found is not None and (found.state, found.filled) == (state, filled)
    assert [each.sequence for each in store.history(1)] == list(range(len(happened)))
    assert sum(each.quantity for each in store.trades_of(1)) == filled
