"""The ladder of price levels: best, quantities, growth, refusals."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from tradsys.core.errors import DataError
from tradsys.numerics.depth import ASK, BID, DepthLadder


def columns(*rows: tuple[int, int, float]) -> tuple[Any, Any, Any]:
    sides, prices, quantities = zip(*rows, strict=True)
    return np.array(sides, np.int8), np.array(prices, np.int64), np.array(quantities, np.float64)


def levels(ladder: DepthLadder, side: int) -> list[tuple[int, float]]:
    prices, quantities = ladder.top(side, count=ladder.count(side))
    return list(zip(prices.tolist(), quantities.tolist(), strict=True))


def test_both_sides_are_best_first() -> None:
    ladder = DepthLadder()
    ladder.update_all(*columns((BID, 9, 1.0), (BID, 10, 2.0), (ASK, 12, 3.0), (ASK, 11, 4.0), (BID, -3, 5.0)))
    assert levels(ladder, BID) == [(10, 2.0), (9, 1.0), (-3, 5.0)]
    assert levels(ladder, ASK) == [(11, 4.0), (12, 3.0)]
    assert (ladder.best(BID), ladder.best(ASK)) == (10, 11)
    assert (ladder.quantity(BID, price=9), ladder.quantity(ASK, price=9), ladder.quantity(BID, price=10**9)) == (
        1.0,
        0.0,
        0.0,
    )
    assert ladder.top(BID, count=1)[0].tolist() == [10]


def test_the_next_best_is_found_however_far() -> None:
    ladder = DepthLadder()
    far = [0, 1, 63, 64, 4095, 4096, 8191, 300_000, 2**30]
    for price in far:
        ladder.update(BID, price=price, quantity=1.0)
        ladder.update(ASK, price=price, quantity=1.0)
    for at, price in enumerate(reversed(far)):
        assert (ladder.best(BID), ladder.count(BID)) == (price, len(far) - at)
        ladder.update(BID, price=price, quantity=0.0)
    for price in far:
        assert ladder.best(ASK) == price
        ladder.update(ASK, price=price, quantity=0.0)
    assert (ladder.best(BID), ladder.best(ASK), ladder.count(BID)) == (None, None, 0)


def test_removing_what_is_not_there_is_nothing() -> None:
    ladder = DepthLadder()
    ladder.update(BID, price=5, quantity=1.0)
    for price in (6, 4, 5_000_000, -(2**50)):
        ladder.update(BID, price=price, quantity=0.0)
    assert levels(ladder, BID) == [(5, 1.0)]


def test_pages_given_back_are_used_again() -> None:
    ladder = DepthLadder()
    for price in range(0, 2**28, 2**16):
        ladder.update(BID, price=price, quantity=1.0)
        ladder.update(BID, price=price - 2**16, quantity=0.0)
    assert levels(ladder, BID) == [(2**28 - 2**16, 1.0)]
    ladder.clear()
    assert (ladder.best(BID), levels(ladder, BID)) == (None, [])


@pytest.mark.parametrize(
    "delta", [(2, 5, 1.0), (-1, 5, 1.0), (BID, 5, -1.0), (BID, 5, np.nan), (BID, 5, np.inf), (BID, 2**60, 1.0)]
)
def test_what_cannot_be_is_refused_and_changes_nothing(delta: tuple[int, int, float]) -> None:
    ladder = DepthLadder()
    ladder.update(BID, price=4, quantity=1.0)
    with pytest.raises(DataError, match="no book can hold"):
        ladder.update(delta[0], price=delta[1], quantity=delta[2])
    with pytest.raises(DataError, match="no book can hold"):
        ladder.update_all(*columns((BID, 3, 2.0), delta, (BID, 9, 9.0)))
    assert levels(ladder, BID) == [(4, 1.0), (3, 2.0)]


def test_prices_are_whole_ticks() -> None:
    with pytest.raises(TypeError):
        DepthLadder().update(BID, price=5.5, quantity=1.0)  # type: ignore[arg-type]


def test_prices_too_far_apart_are_refused() -> None:
    ladder = DepthLadder()
    ladder.update(BID, price=0, quantity=1.0)
    with pytest.raises(DataError, match="too far apart"):
        ladder.update(BID, price=2**40, quantity=1.0)
    assert levels(ladder, BID) == [(0, 1.0)]


@pytest.mark.parametrize(
    "given",
    [
        (np.zeros(2, np.int8), np.zeros(1, np.int64), np.zeros(1)),
        (np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1)),
        (np.zeros(1, np.int8), np.zeros(1), np.zeros(1)),
        (np.zeros((1, 1), np.int8), np.zeros((1, 1), np.int64), np.zeros((1, 1))),
    ],
)
def test_columns_that_do_not_fit_are_refused(given: tuple[Any, Any, Any]) -> None:
    with pytest.raises(DataError):
        DepthLadder().update_all(*given)


def test_strided_and_narrow_columns_are_taken() -> None:
    ladder = DepthLadder()
    sides, prices = np.array([0, 9, 1, 9], np.int8)[::2], np.array([10, 11], np.int32)
    ladder.update_all(sides, prices, np.array([1, 2], np.int64))  # type: ignore[arg-type]
    assert (levels(ladder, BID), levels(ladder, ASK)) == ([(10, 1.0)], [(11, 2.0)])


def test_columns_that_may_not_be_written_are_taken() -> None:
    given = columns((BID, 10, 1.0), (ASK, 11, 2.0))
    for column in given:
        column.setflags(write=False)
    ladder = DepthLadder()
    ladder.update_all(*given)
    assert levels(ladder, ASK) == [(11, 2.0)]


def test_a_copy_has_levels_of_its_own() -> None:
    ladder = DepthLadder()
    ladder.update_all(*columns((BID, 10, 1.0), (ASK, 11, 2.0)))
    other = copy.deepcopy(ladder)
    other.update(BID, price=10, quantity=5.0)
    del ladder
    assert (levels(other, BID), levels(other, ASK)) == ([(10, 5.0)], [(11, 2.0)])


def test_another_side_is_refused() -> None:
    ladder = DepthLadder()
    for ask in (
        ladder.best,
        ladder.count,
        lambda side: ladder.quantity(side, price=5),
        lambda side: ladder.top(side, count=5),
    ):
        with pytest.raises(DataError, match="no such side"):
            ask(10**9)
