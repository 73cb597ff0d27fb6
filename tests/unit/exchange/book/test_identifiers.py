"""Any identifiers are found again, whatever their pattern, and a page that fills up is split without losing any."""

from __future__ import annotations

import itertools
from typing import Any, cast

import numpy as np
import pytest

from tradsys.core.matching import Action, Reason, Status, TimeInForce
from tradsys.exchange.book import COMMAND, PLAIN_COMMAND, Book
from tradsys.exchange.book.identifiers import hash_of

COUNT = 20_000
FURTHEST = 2**63 - 1


def crowded(count: int) -> np.ndarray:
    """Identifiers that begin their search in three of a page's 32 buckets, neighbours round its end."""
    hash_in_python = cast(Any, hash_of).py_func
    found = (number for number in itertools.count() if (hash_in_python(number) + 2) % 32 < 3)
    return np.fromiter(itertools.islice(found, count), np.int64)


PATTERNS = {
    "crowded": crowded(2_000),
    "in a row": np.arange(COUNT),
    "negative": -np.arange(COUNT) - 1,
    "high bits alone": np.arange(COUNT) << 49,
    "strided": np.arange(COUNT) * 4096,
    "at the ends": np.concatenate([np.arange(COUNT // 2) - FURTHEST - 1, FURTHEST - np.arange(COUNT // 2)]),
    "random": np.random.default_rng(7).permutation(np.arange(COUNT) * 922_337_203_685_477 - 2**62),
}


def orders(identifiers: np.ndarray, action: Action) -> np.ndarray:
    rows = np.zeros(len(identifiers), PLAIN_COMMAND)
    rows["action"], rows["order_id"], rows["price"], rows["quantity"] = int(action), identifiers, 100, 1
    return rows


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_identifier_is_found_again(pattern: str) -> None:
    book, identifiers = Book(), PATTERNS[pattern]
    empty = book.state_hash()
    added, _ = book.apply(orders(identifiers, Action.NEW))
    assert set(added["status"].tolist()) == {Status.OPEN}
    again, _ = book.apply(orders(identifiers, Action.NEW))
    assert set(again["reason"].tolist()) == {Reason.DUPLICATE_ORDER}
    half = identifiers[::2]
    cancelled, _ = book.apply(orders(half, Action.CANCEL))
    assert set(cancelled["status"].tolist()) == {Status.CANCELLED}
    gone, _ = book.apply(orders(half, Action.CANCEL))
    assert set(gone["reason"].tolist()) == {Reason.UNKNOWN_ORDER}
    assert [order.order_id for order in book.orders()] == identifiers[1::2].tolist()
    rest, _ = book.apply(orders(identifiers[1::2], Action.CANCEL))
    assert set(rest["status"].tolist()) == {Status.CANCELLED}
    assert (book.live_orders, book.orders(), book.best()) == (0, [], (0, 0, 0, 0))
    assert book.state_hash() != empty


def test_slots_are_used_again() -> None:
    book = Book()
    for order_id in range(1_000):
        assert book.limit(order_id, side=0, price=5, quantity=1) == 1
        assert book.cancel(order_id) == 0
    assert book.live_orders == 0
    rows = np.zeros(1, COMMAND)
    rows["time_in_force"], rows["price"], rows["quantity"] = int(TimeInForce.GTC), 5, 1
    assert book.apply(rows)[0]["status"][0] == Status.OPEN
