"""A price-level (L2) book over integer ticks, rebuilt from deltas of absolute quantities."""

from __future__ import annotations

from functools import cache, partial
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import DataError
from tradsys.numerics.depth_layout import (
    BAD,
    BEST,
    COUNT,
    COUNTERS,
    FIRST,
    LEVEL_BITS,
    NEEDS_PAGE,
    NO_LEVEL,
    PAGE_LEVELS,
    PAGE_WORDS,
    PAGES,
    USED,
    WINDOW,
)

BID, ASK = 0, 1
# Pages: in memory at first, within reach of a directory at first, and at most.
PAGES_AT_FIRST, WINDOW_AT_FIRST, WIDEST = 16, 64, 2**20


@cache
def _entries() -> tuple[Any, Any, Any, Any]:
    """Machine code of the kernels: one delta, many, a level's quantity, the best levels."""
    from tradsys.numerics import depth_kernels as kernels
    from tradsys.numerics.compilation import entry_point

    wholes, reals = np.zeros(1, np.int64), np.zeros(1, np.float64)
    return (
        entry_point(kernels.depth_one, 0, 0, 0, 0.0),
        entry_point(kernels.depth_batch, 0, np.zeros(1, np.int8), wholes, reals, 0),
        entry_point(kernels.quantity_at, 0, 0, 0),
        entry_point(kernels.top_levels, 0, 0, wholes, reals),
    )


class DepthLadder:
    """Best levels and quantities of one instrument; sides are `BID` 0 and `ASK` 1, prices whole ticks (int64).

    A delta sets a level's quantity (float64, in units of the feed), 0 removes it; removing what is not there is
    nothing. The sides are independent: where a feed crosses them for a moment, both say what the feed said. Memory
    follows the levels: a page of 32 KiB for every 4,096 ticks that hold one. All levels of a side lie within 2**31
    ticks of each other.
    """

    def __init__(self) -> None:
        self._entry, self._many, self._quantity, self._top = _entries()
        self.clear()

    def clear(self) -> None:
        """Forget every level, before a snapshot say."""
        self._take_memory(window=WINDOW_AT_FIRST, pages=PAGES_AT_FIRST, first=0)

    def update(self, side: int, *, price: int, quantity: float) -> None:
        """Set one level. Raises `DataError` for a side, price or quantity that cannot be; then nothing has changed."""
        stopped = self._one(side, index(price), quantity)
        while stopped:
            self._make_room(stopped, side=side, price=price, quantity=quantity)
            stopped = self._one(side, index(price), quantity)

    def update_all(
        self, sides: npt.NDArray[np.int8], prices: npt.NDArray[np.int64], quantities: npt.NDArray[np.float64]
    ) -> None:
        """Set many levels, in order: three arrays of one length (n,).

        Raises `DataError` for arrays that do not fit together, and for the first row that cannot be; the rows before
        it have been applied.
        """
        rows = _columns(sides, prices, quantities)
        row, stopped = self._many(self._address, *rows, 0)
        while stopped:
            side, price, quantity = (column[row].item() for column in rows)
            self._make_room(stopped, side=side, price=price, quantity=quantity)
            row, stopped = self._many(self._address, *rows, row)

    def best(self, side: int) -> int | None:
        """Price of the best level in ticks; None where the side is empty."""
        key = int(self._memory[BEST + _checked(side)])
        return None if key == NO_LEVEL else key ^ -side

    def count(self, side: int) -> int:
        """Number of levels."""
        return int(self._memory[COUNT + _checked(side)])

    def quantity(self, side: int, *, price: int) -> float:
        """Quantity at a price, 0.0 where there is no level."""
        return float(self._quantity(self._address, _checked(side), index(price)))

    def top(self, side: int, *, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Prices and quantities of the best levels, best first: two arrays (k,), k at most `count`."""
        size = min(count, self.count(side))
        prices, quantities = np.empty(size, np.int64), np.empty(size, np.float64)
        self._top(self._address, side, prices, quantities)
        return prices, quantities

    def levels(self) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """All levels as deltas for `update_all`: sides, prices, quantities (n,); bids first, each side best first."""
        held = [self.top(side, count=self.count(side)) for side in (BID, ASK)]
        sides = np.repeat(np.array([BID, ASK], np.int8), [len(prices) for prices, _ in held])
        return sides, np.concatenate([prices for prices, _ in held]), np.concatenate([each for _, each in held])

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy has memory of its own; the address of this one's would dangle.
        return _restored, self.levels()

    def _make_room(self, stopped: int, *, side: int, price: int, quantity: float) -> None:
        """Lay the levels out anew with twice the pages, or with the new price within reach."""
        if stopped == BAD:
            raise _refusal(side=side, price=price, quantity=quantity)
        held = self.levels()
        window, first = _reach(np.append(held[1], price), window=int(self._memory[WINDOW]))
        pages = int(self._memory[PAGES]) * (2 if stopped == NEEDS_PAGE else 1)
        self._take_memory(window=window, pages=pages, first=first)
        self._many(self._address, *held, 0)

    def _take_memory(self, *, window: int, pages: int, first: int) -> None:
        size = COUNTERS + 2 * window + 2 * (window >> 6) + pages * (1 + PAGE_WORDS)
        self._memory = np.zeros(size + pages * PAGE_LEVELS, np.int64)
        self._address = self._memory.ctypes.data
        self._memory[[WINDOW, PAGES, USED]] = window, pages, 1
        # The complement of a price has the complement of its page.
        self._memory[[FIRST + BID, FIRST + ASK]] = first, ~(first + window - 1)
        self._memory[[BEST + BID, BEST + ASK]] = NO_LEVEL
        self._one = partial(self._entry, self._address)


def _restored(
    sides: npt.NDArray[np.int8], prices: npt.NDArray[np.int64], quantities: npt.NDArray[np.float64]
) -> DepthLadder:
    ladder = DepthLadder()
    ladder.update_all(sides, prices, quantities)
    return ladder


def _checked(side: int) -> int:
    """A side, for the kernels that follow an address."""
    if side not in (BID, ASK):
        raise DataError("no such side", value=side, limit="0 (bid) or 1 (ask)")
    return side


def _reach(prices: npt.NDArray[np.int64], *, window: int) -> tuple[int, int]:
    """Pages within reach, a power of two, and the first of them, so that all prices lie in the middle half."""
    low, high = int(prices.min()) >> LEVEL_BITS, int(prices.max()) >> LEVEL_BITS
    while window < 2 * (high - low + 1):
        window *= 2
    if window > WIDEST:
        raise DataError(
            "prices of one book are too far apart",
            value=f"{prices.min()} … {prices.max()}",
            limit=f"{WIDEST // 2 * PAGE_LEVELS:,} ticks",
            fix="check the prices and the tick",
        )
    return window, (low + high + 1 - window) // 2


def _columns(sides: Any, prices: Any, quantities: Any) -> tuple[Any, Any, Any]:
    """The three columns, contiguous; raises `DataError` where types would change a value, or lengths differ."""
    wanted = (("sides", sides, np.int8), ("prices", prices, np.int64), ("quantities", quantities, np.float64))
    columns = [_column(name, given, kind) for name, given, kind in wanted]
    if len({column.shape for column in columns}) > 1:
        raise DataError("columns differ in length", value=str([len(column) for column in columns]), fix="align them")
    return columns[0], columns[1], columns[2]


def _column(name: str, given: Any, kind: Any) -> npt.NDArray[Any]:
    column = np.asarray(given)
    if column.ndim != 1 or (column.size and not np.can_cast(column.dtype, kind)):
        raise DataError(
            f"{name} of deltas cannot be used", value=f"{column.dtype}{column.shape}", limit=np.dtype(kind).name
        )
    return np.ascontiguousarray(column, kind)


def _refusal(*, side: int, price: int, quantity: float) -> DataError:
    return DataError(
        "a delta that no book can hold",
        value=f"side {side}, price {price}, quantity {quantity}",
        limit="side 0 or 1, price within 2**60 ticks of 0, quantity finite and not negative",
        fix="drop it at the feed",
    )
