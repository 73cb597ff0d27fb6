"""Recorded depth: after each record the market shows it; what others take is back with the next one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exchange.test_simulation import AT, Planned, new
from tradsys.core.events import Depth
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.matching import Action, BookPhase, BookSide, Command
from tradsys.core.units import MINUTE, SCALE, SECOND
from tradsys.exchange.agents.information import Still
from tradsys.exchange.agents.participant import Participant
from tradsys.exchange.agents.recorded_depth import RecordedDepth
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.fixed_timeline import FixedTimeline
from tradsys.exchange.simulation import Simulation

TICK, LOT = 0.25, 10
INSTRUMENT = Instrument(
    id="X:Y",
    exchange="X",
    symbol="Y",
    segment=Segment.CRYPTO_SPOT,
    ticks=(DatedStep(0, SCALE // 4),),
    lots=(DatedStep(0, LOT * SCALE),),
)
Levels = dict[int, int]


def depth(second: int, bids: Levels, asks: Levels, *, snapshot: bool = False) -> Depth:
    """Levels given in ticks and lots."""
    at = AT + second * SECOND
    sides = [tuple((price * TICK, float(lots * LOT)) for price, lots in side.items()) for side in (bids, asks)]
    return Depth(at, at, "X:Y", sides[0], sides[1], snapshot, second)


def shown(run: Simulation) -> tuple[Levels, Levels]:
    bids, asks = (run.book.levels(0, side, count=99) for side in BookSide)
    return {price: lots for price, lots, _ in bids}, {price: lots for price, lots, _ in asks}


def after(depths: list[Depth], *others: Planned) -> Simulation:
    opening = Command(Action.SET_PHASE, price=BookPhase.CONTINUOUS, at=AT - 1)
    closing = Command(Action.SET_PHASE, price=BookPhase.CLOSED, at=AT + MINUTE)
    everyone: list[Participant] = [RecordedDepth(9, depths, INSTRUMENT), *others]
    run = Simulation(
        ReferenceBook(1), everyone, seed=0, venue=FixedTimeline([opening, closing]), information=Still(100.0)
    )
    run.run()
    return run


LEVELS = st.dictionaries(st.integers(1, 8), st.integers(0, 5), max_size=5)


@given(st.lists(st.tuples(LEVELS, LEVELS, st.booleans()), min_size=1, max_size=12))
def test_the_market_shows_the_record(records: list[tuple[Levels, Levels, bool]]) -> None:
    wanted: tuple[Levels, Levels] = ({}, {})
    depths = []
    for second, (bids, above, snapshot) in enumerate(records):
        asks = {price + 10: lots for price, lots in above.items()}
        depths.append(depth(second, bids, asks, snapshot=snapshot))
        for side, levels in zip(wanted, (bids, asks), strict=True):
            if snapshot:
                side.clear()
            side.update(levels)
    expected = tuple({price: lots for price, lots in side.items() if lots} for side in wanted)
    assert shown(after(depths)) == expected


def test_more_joins_the_tail_and_less_leaves_from_it() -> None:
    ours = Planned(1, [(1, new(10**6, BookSide.BUY, 100, 3))])
    run = after([depth(0, {100: 5}, {}), depth(2, {100: 9}, {}), depth(3, {100: 6}, {})], ours)
    assert [(order.account, order.shown) for order in run.book.orders(0)] == [(9, 5), (1, 3), (9, 1)]


def test_what_others_took_is_back_with_the_next_record_of_the_level() -> None:
    taker = Planned(1, [(1, new(10**6, BookSide.SELL, 100, 4))])
    untouched = [depth(0, {100: 5}, {}), depth(2, {99: 1}, {})]
    assert shown(after(untouched, taker))[0] == {100: 1, 99: 1}
    assert shown(after([*untouched, depth(3, {100: 5}, {})], taker))[0] == {100: 5, 99: 1}
