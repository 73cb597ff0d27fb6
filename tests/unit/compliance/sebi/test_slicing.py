"""Slices add up to the order, none is above the freeze quantity, and nothing is dropped without a word."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.compliance.sebi.prices import slice_quantities, sliced
from tradsys.compliance.sebi.vectors import index_option, order
from tradsys.core.errors import ConfigError
from tradsys.core.order_terms import Terms
from tradsys.core.units import SCALE


@given(lots=st.integers(1, 5_000), lot=st.integers(1, 10**12), most=st.integers(1, 10**14))
def test_slices_add_up_in_whole_lots_below_the_limit(lots: int, lot: int, most: int) -> None:
    if most < lot:
        with pytest.raises(ConfigError, match="one lot is above"):
            slice_quantities(lots * lot, most=most, lot=lot)
        return
    parts = slice_quantities(lots * lot, most=most, lot=lot)
    assert sum(parts) == lots * lot
    assert all(0 < part <= most and part % lot == 0 for part in parts)
    assert len(set(parts[:-1])) <= 1
    fewest = -(-lots // (most // lot))
    assert len(parts) == fewest


@pytest.mark.parametrize(
    ("units", "parts"),
    [(1_755, [1_755]), (1_820, [1_755, 65]), (3_510, [1_755, 1_755]), (3_575, [1_755, 1_755, 65])],
)
def test_nifty_in_lots_of_65_below_1800(units: int, parts: list[int]) -> None:
    assert slice_quantities(units * SCALE, most=1_800 * SCALE, lot=65 * SCALE) == tuple(p * SCALE for p in parts)


@pytest.mark.parametrize(("quantity", "lot"), [(0, 1), (-5, 1), (7, 2), (5, 0)])
def test_what_is_no_whole_number_of_lots_is_refused(quantity: int, lot: int) -> None:
    with pytest.raises(ConfigError, match="whole number of lots"):
        slice_quantities(quantity, most=10, lot=lot)


def test_an_order_becomes_orders_that_differ_in_id_and_quantity_only() -> None:
    placed = order(index_option(), quantity=4_000 * 65 * SCALE // 100, terms=Terms(display=1_300 * SCALE))
    parts = sliced(placed, most=1_800 * SCALE, lot=65 * SCALE, order_ids=count(50))
    assert [part.order_id for part in parts] == [50, 51]
    assert sum(part.quantity for part in parts) == placed.quantity
    assert {(part.limit, part.side, part.instrument, part.at) for part in parts} == {
        (placed.limit, placed.side, placed.instrument, placed.at)
    }
    shown: list[Any] = [part.terms for part in parts]
    assert [terms.display for terms in shown] == [min(1_300 * SCALE, part.quantity) for part in parts]


def test_a_small_order_stays_itself() -> None:
    placed = order(index_option())
    assert sliced(placed, most=placed.quantity, lot=65 * SCALE, order_ids=count(50)) == (placed,)


@pytest.mark.parametrize("link", ["group", "parent"])
def test_a_linked_order_is_not_torn_apart(link: str) -> None:
    placed = order(index_option(), quantity=6_500 * SCALE, **{link: 3})
    with pytest.raises(ConfigError, match="linked"):
        sliced(placed, most=1_800 * SCALE, lot=65 * SCALE, order_ids=count(50))
