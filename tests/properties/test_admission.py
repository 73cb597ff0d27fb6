"""Whatever an order says, it is refused by a value or becomes a command that says the same in ticks and steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.matching import MAX_PRICE, MAX_QUANTITY, BookPhase, BookSide, Command, Kind
from tradsys.core.units import Quantity
from tradsys.exchange.admission import Admission, Entry, Listing, Rejection

TICK, LOT, FREEZE = 5, 65, Quantity(65 * 1_800)
SHARE = Instrument(
    id="A", exchange="NSE", symbol="A", segment=Segment.EQUITY, ticks=(DatedStep(0, TICK),), lots=(DatedStep(0, LOT),)
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, TICK, LOT, TICK * LOT, 10 * TICK * LOT]),
    st.integers(-(2**80), 2**80),
    st.integers(1, 2**33).map(lambda number: number * TICK),
    st.integers(1, 2_000).map(lambda number: number * LOT),
)
ENTRIES = st.builds(
    Entry,
    order_id=st.just(1),
    instrument=st.sampled_from(["A", "A", "A", "B"]),
    side=st.sampled_from(BookSide),
    quantity=NUMBERS,
    kind=st.sampled_from(Kind),
    price=NUMBERS,
    trigger=NUMBERS,
    trail=NUMBERS,
    display=NUMBERS,
    replaces=st.booleans(),
)


@given(ENTRIES, st.sampled_from(BookPhase))
def test_a_command_says_what_the_order_said(entry: Entry, phase: BookPhase) -> None:
    listings = [Listing(instrument=SHARE, number=4, freeze=FREEZE)]
    answer = Admission(listings).admit(entry, at=0, phase=phase)
    if isinstance(answer, Rejection):
        assert answer.limit != answer.value
        return
    assert isinstance(answer, Command)
    assert phase not in (BookPhase.CLOSED, BookPhase.HALTED)
    assert (entry.instrument, answer.instrument) == ("A", 4)
    assert answer.quantity * LOT == entry.quantity <= FREEZE
    assert 1 <= answer.quantity <= MAX_QUANTITY
    assert answer.display * LOT == entry.display
    assert 0 <= answer.display <= answer.quantity
    for asked, sent in [(entry.price, answer.price), (entry.trigger, answer.trigger), (entry.trail, answer.trail)]:
        assert sent * TICK in (asked, 0)
        assert 0 <= sent <= MAX_PRICE
