"""Round trips against sums worked by hand, and against the ledger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.events import ActionKind, CorporateAction, Fill, Product, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.portfolio.ledger import Ledger
from tradsys.portfolio.result import Prices, RoundTrip
from tradsys.portfolio.trades import RoundTrips, with_excursions

SHARE = Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY)
NAME = SHARE.id


def fill(at: int, side: Side, quantity: int, price: float, order_id: int = 0) -> Fill:
    return Fill(
        at=at,
        exchange_at=at,
        order_id=order_id or at,
        strategy="s",
        instrument=NAME,
        side=side,
        quantity=quantity * SCALE,
        price=round(price * SCALE),
        product=Product.CNC,
        reason=f"r{at}",
    )


def test_first_in_first_out_with_charges_shared_by_quantity() -> None:
    trips = RoundTrips()
    trips.fill(fill(1, Side.BUY, 10, 100), 10 * SCALE, SHARE)
    trips.fill(fill(2, Side.BUY, 10, 110), 20 * SCALE, SHARE)
    trips.fill(fill(3, Side.SELL, 15, 120), 30 * SCALE, SHARE)
    first, second, rest = trips.finish({NAME: 130 * SCALE})
    assert (first.quantity, first.gross, first.charges) == (10 * SCALE, 200 * SCALE, 30 * SCALE)
    assert first.break_even_move == 3 * SCALE
    assert (first.entry_reason, first.exit_reason, first.held) == ("r1", "r3", 2)
    assert (second.quantity, second.gross, second.charges) == (5 * SCALE, 50 * SCALE, 20 * SCALE)
    assert trips.finish({NAME: 130 * SCALE}) == [first, second, rest]
    assert rest.is_open and rest.held is None
    assert (rest.quantity, rest.gross, rest.net) == (5 * SCALE, 100 * SCALE, 90 * SCALE)


def test_partial_fills_of_one_order_are_one_trip() -> None:
    trips = RoundTrips()
    trips.fill(fill(1, Side.SELL, 4, 100, order_id=7), SCALE, SHARE)
    trips.fill(fill(2, Side.SELL, 6, 105, order_id=7), SCALE, SHARE)
    trips.fill(fill(3, Side.BUY, 5, 90, order_id=8), SCALE, SHARE)
    trips.fill(fill(4, Side.BUY, 5, 80, order_id=8), SCALE, SHARE)
    (trip,) = trips.finish({})
    assert (trip.side, trip.quantity, trip.entered_at, trip.exited_at) == (-1, 10 * SCALE, 1, 4)
    assert (trip.entry_price, trip.exit_price) == (103 * SCALE, 85 * SCALE)
    assert (trip.gross, trip.charges) == (180 * SCALE, 4 * SCALE)


def test_through_zero_closes_and_opens() -> None:
    trips = RoundTrips()
    trips.fill(fill(1, Side.BUY, 10, 100), 0, SHARE)
    trips.fill(fill(2, Side.SELL, 30, 110), 30 * SCALE, SHARE)
    closed, opened = trips.finish({NAME: 110 * SCALE})
    assert (closed.charges, opened.charges, opened.side) == (10 * SCALE, 20 * SCALE, -1)


def test_split_keeps_money_and_restates_the_entry_price() -> None:
    trips = RoundTrips()
    trips.fill(fill(1, Side.BUY, 3, 100), 0, SHARE)
    trips.fill(fill(2, Side.BUY, 4, 102), 0, SHARE)
    trips.apply(CorporateAction(at=3, instrument=NAME, kind=ActionKind.BONUS, old=2, new=3))
    trips.fill(fill(4, Side.SELL, 10, 70), 0, SHARE)
    done = trips.finish({})
    assert [trip.quantity for trip in done] == [4 * SCALE, 6 * SCALE]
    assert sum(trip.gross for trip in done) == (700 - 708) * SCALE
    assert done[0].entry_price == 75 * SCALE and done[0].crossed_split


def test_consolidation_to_nothing_is_a_loss() -> None:
    trips = RoundTrips()
    trips.fill(fill(1, Side.BUY, 1, 100), SCALE, SHARE)
    trips.apply(CorporateAction(at=3, instrument=NAME, kind=ActionKind.SPLIT, old=10, new=1))
    (trip,) = trips.finish({})
    assert (trip.net, trip.exit_reason, trip.is_open) == (-101 * SCALE, "split", False)


@given(
    st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 50), st.integers(1, 999), st.integers(0, 99)), max_size=30)
)
def test_trips_sum_to_the_ledger(rows: list[tuple[Side, int, int, int]]) -> None:
    """First-in-first-out and average cost agree on a flat position, whatever the order of the fills."""
    ledger, trips = Ledger(0), RoundTrips()
    held = sum(side * quantity for side, quantity, _, _ in rows)
    if held:
        rows = [*rows, (Side.SELL if held > 0 else Side.BUY, abs(held), 500, 7)]
    for at, (side, quantity, price, charges) in enumerate(rows, start=1):
        event = fill(at, side, quantity, price)
        ledger.book(event, charges, (("tax", charges),), ledger.place(event.strategy, SHARE, event.product))
        trips.fill(event, charges, SHARE)
    done = trips.finish({})
    assert sum(trip.gross for trip in done) == ledger.realised
    assert sum(trip.charges for trip in done) == ledger.charges


@pytest.mark.parametrize(("side", "adverse", "favourable"), [(Side.BUY, -0.06, 0.10), (Side.SELL, -0.10, 0.06)])
def test_excursions_cover_bars_after_entry_up_to_exit(side: Side, adverse: float, favourable: float) -> None:
    trips = RoundTrips()
    trips.fill(fill(10, side, 1, 100), 0, SHARE)
    trips.fill(fill(30, Side(-side), 1, 101), 0, SHARE)
    trips.fill(fill(40, side, 1, 100), 0, SHARE)
    series = Prices(
        instrument=NAME,
        at=np.array([10, 20, 30, 40]),
        open=np.full(4, 100.0),
        high=np.array([500.0, 105.0, 110.0, 600.0]),
        low=np.array([1.0, 94.0, 99.0, 2.0]),
        close=np.full(4, 100.0),
    )
    closed, still_open = with_excursions(trips.finish({NAME: 100 * SCALE}), [series])
    assert closed.bars == 2
    assert closed.adverse == pytest.approx(adverse)
    assert closed.favourable == pytest.approx(favourable)
    assert (still_open.bars, still_open.adverse, still_open.favourable) == (0, 0.0, 0.0)


def test_excursions_equal_a_plain_loop() -> None:
    generator = np.random.default_rng(5)
    at = np.arange(1, 301)
    middle = 100 + generator.normal(size=300).cumsum()
    series = Prices(NAME, at, middle, middle + 1, middle - 1, middle)
    trips = RoundTrips()
    for start in range(2, 280, 3):
        exit_at = start + int(generator.integers(0, 20))
        trips.fill(fill(start, Side.BUY, 1, float(middle[start - 1]), order_id=start), 0, SHARE)
        trips.fill(fill(exit_at, Side.SELL, 1, float(middle[exit_at - 1]), order_id=1000 + start), 0, SHARE)

    def slow(trip: RoundTrip) -> tuple[float, float]:
        inside = [i for i in range(300) if trip.entered_at < at[i] <= trip.exited_at]
        ends = [trip.entry_price / SCALE, trip.exit_price / SCALE]
        entry = ends[0]
        low = min([series.low[i] for i in inside] + ends)
        high = max([series.high[i] for i in inside] + ends)
        return low / entry - 1, high / entry - 1

    for trip in with_excursions(trips.finish({}), [series]):
        assert (trip.adverse, trip.favourable) == pytest.approx(slow(trip), abs=1e-12)


def test_a_lot_without_a_share_leaves_its_cost_to_the_next() -> None:
    trips = RoundTrips()
    trips.fill(fill(1, Side.BUY, 1, 100), SCALE, SHARE)
    trips.fill(fill(2, Side.BUY, 1, 110), SCALE, SHARE)
    trips.apply(CorporateAction(at=3, instrument=NAME, kind=ActionKind.SPLIT, old=2, new=1))
    trips.fill(fill(4, Side.SELL, 1, 200), 0, SHARE)
    (trip,) = trips.finish({})
    assert (trip.quantity, trip.gross, trip.charges) == (SCALE, -10 * SCALE, 2 * SCALE)
