"""What a recorded market says beyond ticks and depth: single trades with their aggressor, and single orders."""

from __future__ import annotations

from enum import IntEnum

from tradsys.core.events import MarketEvent


class Trade(MarketEvent, frozen=True, gc=False):
    """One trade. `aggressor` is +1 where a buyer took, -1 where a seller did, 0 where the venue does not say."""

    price: float
    quantity: float
    aggressor: int


class ChangeKind(IntEnum):
    """What happens to one order of a recorded book."""

    ADD = 0
    REDUCE = 1
    DELETE = 2
    EXECUTE = 3


class OrderChange(MarketEvent, frozen=True, gc=False):
    """One order of the book, by the venue's number: added with `quantity`, reduced or executed by it, or deleted. An
    order that loses its place is deleted and added. `side` is +1 or -1, and belongs to the order."""

    kind: int
    number: int
    side: int
    price: float
    quantity: float
