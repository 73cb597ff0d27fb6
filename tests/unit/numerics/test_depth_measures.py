"""Measures of the top of a book, by hand."""

from __future__ import annotations

import math

from tradsys.numerics import depth_measures as measures


def test_worked_by_hand() -> None:
    assert measures.spread(bid=99.0, ask=101.0) == 2.0
    assert measures.mid(bid=99.0, ask=101.0) == 100.0
    assert measures.depth([3.0, 2.0, 1.0], 2) == 5.0
    assert measures.depth([], 2) == 0.0
    assert measures.imbalance(bid_quantity=3.0, ask_quantity=1.0) == 0.5
    # Three quarters of the quantity bid: three quarters of the way to the ask.
    assert measures.microprice(bid=99.0, bid_quantity=3.0, ask=101.0, ask_quantity=1.0) == 100.5


def test_an_empty_side() -> None:
    assert math.isnan(measures.spread(bid=math.nan, ask=101.0))
    assert math.isnan(measures.imbalance(bid_quantity=0.0, ask_quantity=0.0))
    assert measures.imbalance(bid_quantity=0.0, ask_quantity=2.0) == -1.0
    assert measures.microprice(bid=99.0, bid_quantity=0.0, ask=101.0, ask_quantity=0.0) == 100.0
    assert math.isnan(measures.microprice(bid=math.nan, bid_quantity=0.0, ask=101.0, ask_quantity=1.0))
