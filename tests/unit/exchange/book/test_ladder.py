"""Levels over the whole range of prices: the best one, the order of all, and nothing left behind when they go."""

from __future__ import annotations

import numpy as np
import pytest

from tradsys.core.matching import MAX_PRICE, Action, BookSide, Command, Kind
from tradsys.exchange.book import Book

EDGES = [1, 2, 63, 64, 65, 4095, 4096, 262_143, 262_144, 2**24 - 1, 2**24, 2**30 - 1, 2**30, MAX_PRICE - 1, MAX_PRICE]


@pytest.mark.parametrize("side", list(BookSide))
@pytest.mark.parametrize("seed", range(3))
def test_levels_come_best_first_and_the_best_is_always_known(side: BookSide, seed: int) -> None:
    chance = np.random.default_rng(seed)
    near = (1_000_000 + chance.integers(-300, 300, 60)).tolist()
    prices = list(dict.fromkeys([*EDGES, *near, *chance.integers(1, MAX_PRICE, 60).tolist()]))
    book, expected = Book(), set()
    for order_id, place in enumerate(chance.permutation(len(prices)).tolist()):
        book.limit(order_id, side=side, price=prices[place], quantity=place + 1)
        expected.add((prices[place], order_id))
        assert book.best()[2 * side] == best(expected, side)
    shown = [price for price, _, _ in book.levels(0, side, count=1_000)]
    assert shown == sorted(prices, reverse=side == BookSide.BUY)
    for price, order_id in chance.permutation(sorted(expected)).tolist():
        book.cancel(order_id)
        expected.remove((price, order_id))
        assert book.best()[2 * side] == best(expected, side)
    assert book.levels(0, side, count=5) == []


def best(orders: set[tuple[int, int]], side: BookSide) -> int:
    prices = [price for price, _ in orders] or [0]
    return max(prices) if side == BookSide.BUY else min(prices)


def test_a_level_sums_what_it_shows() -> None:
    book = Book()
    book.limit(1, side=0, price=10, quantity=3)
    book.submit(Command(Action.NEW, 2, 0, 10, 9, display=4))
    book.limit(3, side=0, price=9, quantity=5)
    assert book.levels(0, BookSide.BUY, count=9) == [(10, 7, 2), (9, 5, 1)]
    assert book.levels(0, BookSide.BUY, count=1) == [(10, 7, 2)]
    book.limit(4, side=1, price=10, quantity=8)
    assert book.levels(0, BookSide.BUY, count=1) == [(10, 3, 1)]
    assert book.best() == (10, 3, 0, 0)


@pytest.mark.parametrize("count", [1, 200])
def test_emptied_leaves_are_given_back(count: int) -> None:
    book = Book()
    for around in range(count):
        for step in range(50):
            book.limit(step, side=step % 2, price=(around * 50 + step) * 1_000 % 2**30 + 1, quantity=1)
        book.submit(Command(Action.CANCEL_ALL))
    # Header words: leaves and nodes ever taken.
    assert book.live_orders == 0
    assert (book._words[11], book._words[13]) < (110, 600)


def test_waiting_orders_have_ladders_of_their_own() -> None:
    book = Book()
    for order_id, trigger in enumerate([500, 70, 2**30]):
        book.submit(Command(Action.NEW, order_id, 0, 0, 1, Kind.STOP, trigger=trigger))
    book.submit(Command(Action.NEW, 9, 1, 0, 1, Kind.STOP, trigger=3))
    assert [order.trigger for order in book.orders()] == [70, 500, 2**30, 3]
    assert book.best() == (0, 0, 0, 0)
