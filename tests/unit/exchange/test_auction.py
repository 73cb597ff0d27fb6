"""What counts in a call auction, where nothing clears, and the command that ends it."""

from __future__ import annotations

import pytest

from tests.unit.exchange.auction_oracle import resting
from tradsys.core.matching import Action, BookSide, Command, Kind
from tradsys.exchange.auction import Equilibrium, Interest, equilibrium, interest, uncross_command
from tradsys.reference.phases import Duty


def test_hidden_parts_count_and_what_waits_does_not() -> None:
    (plain, iceberg, waiting) = resting([("S", 100, 5), ("S", 100, 5), ("S", 0, 50)])
    iceberg = iceberg._replace(hidden=30, display=5)
    waiting = waiting._replace(kind=Kind.STOP, trigger=90)
    assert waiting.side == BookSide.SELL
    assert interest([plain, iceberg, waiting]) == Interest(sells={100: 40})


def test_a_one_sided_or_uncrossed_book_does_not_clear() -> None:
    assert equilibrium(interest(resting([("B", 100, 5), ("B", 0, 5)])), reference=100) is None
    assert equilibrium(interest(resting([("B", 100, 5), ("S", 101, 5)])), reference=100) is None
    assert equilibrium(Interest(), reference=100) is None


def test_market_orders_alone_need_a_reference_price() -> None:
    assert equilibrium(interest(resting([("B", 0, 5), ("S", 0, 5)])), reference=0) is None


def test_limits_beyond_the_band_count_at_its_end() -> None:
    crossed = interest(resting([("B", 120, 5), ("S", 80, 5)]))
    assert equilibrium(crossed, reference=100, low=97, high=103) == Equilibrium(price=100, volume=5, imbalance=0)
    below = interest(resting([("B", 90, 5), ("S", 80, 5)]))
    assert equilibrium(below, reference=100, low=97, high=103) is None


@pytest.mark.parametrize(
    ("duty", "number"),
    [(Duty.UNCROSS_RELEASE, 0), (Duty.UNCROSS_CANCEL_MARKET, 1), (Duty.UNCROSS_CANCEL_ALL, 2)],
)
def test_an_auction_ends_at_its_price_or_without_one(duty: Duty, number: int) -> None:
    found = Equilibrium(price=104, volume=5, imbalance=0)
    assert uncross_command(duty, found, instrument=2, reference=100) == Command(
        Action.UNCROSS, instrument=2, price=104, trigger=100, quantity=number
    )
    assert uncross_command(duty, None, instrument=2, reference=100).price == 0
