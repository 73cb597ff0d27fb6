"""What is closed first, and how much of the last: worked out by hand."""

from __future__ import annotations

import pytest

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Product
from tradsys.risk.monitoring.liquidation import Holding, plan


def holding(name: str, quantity: int, *, frees: int, cost: int, lot: int = 1) -> Holding:
    return Holding(
        strategy="s", instrument=name, product=Product.NRML, quantity=quantity, lot=lot, frees=frees, cost=cost
    )


def planned(holdings: list[Holding], needed: int) -> list[tuple[str, int]]:
    return [(each.holding.instrument, each.quantity) for each in plan(holdings, needed=needed)]


def test_the_most_freed_for_its_cost_goes_first() -> None:
    """3 a unit of cost before 2; what costs nothing before all."""
    book = [holding("two", 10, frees=200, cost=100), holding("three", -10, frees=300, cost=100)]
    assert planned(book, 300) == [("three", -10)]
    assert planned(book, 301) == [("three", -10), ("two", 1)]
    assert planned([*book, holding("free", 10, frees=50, cost=0)], 50) == [("free", 10)]


def test_only_as_many_lots_as_are_needed() -> None:
    book = [holding("a", 100, frees=1_000, cost=1, lot=25)]
    assert [planned(book, needed) for needed in (0, 1, 250, 251, 1_000, 5_000)] == [
        [], [("a", 25)], [("a", 25)], [("a", 50)], [("a", 100)], [("a", 100)],
    ]  # fmt: skip


def test_an_odd_lot_is_closed_whole_and_what_frees_nothing_stays() -> None:
    assert planned([holding("a", 30, frees=30, cost=1, lot=25)], 26) == [("a", 30)]
    assert planned([holding("a", 30, frees=0, cost=0), holding("b", 5, frees=-4, cost=1)], 1) == []


def test_equals_go_by_what_they_free_and_then_by_name() -> None:
    book = [holding("b", 1, frees=10, cost=5), holding("a", 1, frees=10, cost=5), holding("c", 2, frees=20, cost=10)]
    assert planned(book, 40) == [("c", 2), ("a", 1), ("b", 1)]


def test_a_lot_that_is_none_is_a_defect() -> None:
    with pytest.raises(InvariantBroken, match="no lot"):
        planned([holding("a", 1, frees=1, cost=1, lot=0)], 1)
