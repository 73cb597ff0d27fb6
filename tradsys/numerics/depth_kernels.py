"""The compiled ladder of a price-level book: one delta is a handful of instructions, whichever side it is on."""

from __future__ import annotations

import math
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt

from tradsys.numerics.compilation import kernel
from tradsys.numerics.depth_layout import (
    BAD,
    BEST,
    COUNT,
    COUNTERS,
    DONE,
    FIRST,
    FREE,
    LEVEL_BITS,
    MOST_TICKS,
    NEEDS_PAGE,
    NEEDS_WINDOW,
    NO_LEVEL,
    PAGE_LEVELS,
    PAGES,
    USED,
    WINDOW,
)

Index = npt.NDArray[np.int64]
Quantities = npt.NDArray[np.float64]

at = np.uint64
carray = cast(Any, numba).carray


def _leading_zeros(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], numba.core.cgutils.true_bit)

    return numba.types.int64(numba.types.int64), generate


leading_zeros = cast(Any, numba.extending.intrinsic(_leading_zeros))
"""Zero bits above the highest bit set of an int64 that is not 0. For use inside kernels."""


def _as_pointer(typing_context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(numba.types.voidptr))

    return numba.types.voidptr(numba.types.int64), generate


as_pointer = cast(Any, numba.extending.intrinsic(_as_pointer))
"""An address as a pointer. For use inside kernels."""


@kernel
def lowest_bits(count: Any) -> Any:
    """A word with its `count` lowest bits set, `count` from 0 to 63."""
    return (1 << count) - 1


@kernel
def next_key(index: Index, side: int, key: Any) -> Any:
    """Greatest key of a level below `key`, or `NO_LEVEL`; `key` is that of a level, be it gone."""
    window = index[WINDOW]
    there = COUNTERS + 2 * window + side * (window >> 6)
    summaries = COUNTERS + 2 * window + 2 * (window >> 6)
    words = summaries + index[PAGES]
    place = key & (PAGE_LEVELS - 1)
    page_place = (key >> LEVEL_BITS) - index[FIRST + side]
    page = index[at(COUNTERS + side * window + page_place)]
    if page != 0:
        number = place >> 6
        word = index[at(words + (page << 6) + number)] & lowest_bits(place & 63)
        if word == 0:
            rest = index[at(summaries + page)] & lowest_bits(number)
            if rest != 0:
                number = 63 - leading_zeros(rest)
                word = index[at(words + (page << 6) + number)]
        if word != 0:
            return (key & ~(PAGE_LEVELS - 1)) | (number << 6) | (63 - leading_zeros(word))
    number = page_place >> 6
    word = index[at(there + number)] & lowest_bits(page_place & 63)
    while word == 0:
        number -= 1
        if number < 0:
            return NO_LEVEL
        word = index[at(there + number)]
    page_place = (number << 6) | (63 - leading_zeros(word))
    page = index[at(COUNTERS + side * window + page_place)]
    number = 63 - leading_zeros(index[at(summaries + page)])
    place = (number << 6) | (63 - leading_zeros(index[at(words + (page << 6) + number)]))
    return ((index[FIRST + side] + page_place) << LEVEL_BITS) | place


@kernel
def open_page(index: Index, side: int, page_place: Any) -> Any:
    """Take a page for a place of the directory, a free one first: its number, or 0 where memory has none left."""
    window = index[WINDOW]
    page = index[FREE]
    if page != 0:
        summary = COUNTERS + 2 * window + 2 * (window >> 6) + page
        index[FREE] = index[at(summary)]
        index[at(summary)] = 0
    elif index[USED] < index[PAGES]:
        page = index[USED]
        index[USED] += 1
    else:
        return 0
    index[at(COUNTERS + side * window + page_place)] = page
    return page


@kernel
def close_page(index: Index, side: int, page_place: int, page: int) -> None:
    """Give an empty page back."""
    window = index[WINDOW]
    index[at(COUNTERS + side * window + page_place)] = 0
    index[at(COUNTERS + 2 * window + 2 * (window >> 6) + page)] = index[FREE]
    index[FREE] = page


@kernel
def mark_word(index: Index, side: int, page_place: int, page: int, number: int, filled: int) -> None:
    """A word of levels got its first or lost its last: tell the page's summary and the word of pages."""
    window = index[WINDOW]
    summary = at(COUNTERS + 2 * window + 2 * (window >> 6) + page)
    before = index[summary]
    after = (before & ~(1 << number)) | (filled << number)
    index[summary] = after
    if (before == 0) != (after == 0):
        there = at(COUNTERS + 2 * window + side * (window >> 6) + (page_place >> 6))
        index[there] = (index[there] & ~(1 << (page_place & 63))) | (filled << (page_place & 63))
        if after == 0:
            close_page(index, side, page_place, page)


@kernel
def places(index: Index) -> tuple[int, int]:
    """How far a directory reaches, and where the words of page 0 begin: what stays while memory stays."""
    window = index[WINDOW]
    return window, COUNTERS + 2 * window + 2 * (window >> 6) + index[PAGES]


@kernel
def depth_step(
    index: Index, quantities: Quantities, window: int, words: int, side: int, price: int, quantity: float
) -> int:
    """Set the quantity of one level, 0 to remove it: `DONE`, or what is in the way, and then nothing has changed."""
    if side >> 1 != 0 or not 0.0 <= quantity < math.inf or not -MOST_TICKS < price < MOST_TICKS:
        return BAD
    key = price ^ -side
    page_place = (key >> LEVEL_BITS) - index[FIRST + side]
    inside = at(page_place) < at(window)
    page = index[at(COUNTERS + side * window + page_place)] if inside else 0
    if page == 0:
        if quantity == 0.0:
            return DONE
        if not inside:
            return NEEDS_WINDOW
        page = open_page(index, side, page_place)
        if page == 0:
            return NEEDS_PAGE
    place = key & (PAGE_LEVELS - 1)
    filled = 1 if quantity > 0.0 else 0
    quantities[at((page << LEVEL_BITS) + place)] = quantity
    word = at(words + (page << 6) + (place >> 6))
    before = index[word]
    after = (before & ~(1 << (place & 63))) | (filled << (place & 63))
    index[word] = after
    index[COUNT + side] += filled - ((before >> (place & 63)) & 1)
    if (before == 0) != (after == 0):
        mark_word(index, side, page_place, page, place >> 6, filled)
    best = index[BEST + side]
    if key >= best:
        if filled == 1:
            index[BEST + side] = key
        elif key == best:
            index[BEST + side] = next_key(index, side, key)
    return DONE


@kernel
def depth_one(address: int, side: int, price: int, quantity: float) -> int:
    """One delta into a book given by its address: numbers cross the border from Python faster than arrays.

    The quantities follow the index in memory. Sizes are checked nowhere, so arrays are said to hold the counters alone.
    """
    index = carray(as_pointer(address), (COUNTERS,), np.int64)
    window, words = places(index)
    start = address + ((words + (index[PAGES] << 6)) << 3)
    quantities = carray(as_pointer(start), (COUNTERS,), np.float64)
    return depth_step(index, quantities, window, words, side, price, quantity)


@kernel
def depth_batch(
    index: Index,
    quantities: Quantities,
    sides: npt.NDArray[np.int8],
    prices: npt.NDArray[np.int64],
    changes: Quantities,
    start: int,
) -> tuple[int, int]:
    """Apply deltas from row `start` on: (row not applied or the number of rows, what stopped it)."""
    window, words = places(index)
    rows = len(prices)
    for row in range(start, rows):
        stopped = depth_step(index, quantities, window, words, int(sides[row]), prices[row], changes[row])
        if stopped != DONE:
            return row, stopped
    return rows, DONE


@kernel
def quantity_at(index: Index, quantities: Quantities, side: int, price: int) -> float:
    """Quantity of a level, 0.0 where there is none."""
    key = price ^ -side
    window = index[WINDOW]
    page_place = (key >> LEVEL_BITS) - index[FIRST + side]
    if at(page_place) >= at(window):
        return 0.0
    page = index[at(COUNTERS + side * window + page_place)]
    return quantities[at((page << LEVEL_BITS) + (key & (PAGE_LEVELS - 1)))] if page != 0 else 0.0


@kernel
def top_levels(
    index: Index, quantities: Quantities, side: int, prices: npt.NDArray[np.int64], found: Quantities
) -> int:
    """Fill two arrays with a side's levels, best first; their number, at most the arrays' length."""
    window = index[WINDOW]
    key = index[BEST + side]
    count = 0
    while count < len(prices) and key != NO_LEVEL:
        page = index[at(COUNTERS + side * window + (key >> LEVEL_BITS) - index[FIRST + side])]
        prices[count] = key ^ -side
        found[count] = quantities[at((page << LEVEL_BITS) + (key & (PAGE_LEVELS - 1)))]
        count += 1
        key = next_key(index, side, key)
    return count
