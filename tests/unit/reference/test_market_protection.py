"""The slabs of automatic market protection, against the table as Zerodha's support page gives it."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.core.errors import UncoveredDate
from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE
from tradsys.reference.market_protection import automatic_protection

DAY = date(2026, 7, 1)


@pytest.mark.parametrize(
    ("segment", "price", "percent"),
    [
        (Segment.EQUITY, 0.05, 200),
        (Segment.EQUITY, 99.95, 200),
        (Segment.EQUITY, 100, 100),
        (Segment.FUTURE, 499.95, 100),
        (Segment.FUTURE, 500, 50),
        (Segment.FUTURE, 90_000, 50),
        (Segment.OPTION, 9.95, 500),
        (Segment.OPTION, 10, 300),
        (Segment.OPTION, 100, 200),
        (Segment.OPTION, 500, 100),
    ],
)
def test_the_slab_of_a_price(segment: Segment, price: float, percent: int) -> None:
    assert automatic_protection(segment, price=round(price * SCALE), on=DAY) == percent


def test_what_no_row_covers_is_refused_with_what_to_do() -> None:
    with pytest.raises(UncoveredDate, match=r"covered from 2026-04-01.*percentage"):
        automatic_protection(Segment.EQUITY, price=SCALE, on=date(2026, 3, 31))
    with pytest.raises(UncoveredDate, match=r"crypto_spot.*percentage"):
        automatic_protection(Segment.CRYPTO_SPOT, price=SCALE, on=DAY)
