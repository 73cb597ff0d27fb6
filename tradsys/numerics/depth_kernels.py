"""The compiled ladder of a price-level book: one delta is a handful of instructions, whichever side it is on.

A book is the address of its memory (see `depth_layout`), so that no array's bounds, strides or references are looked
after inside the loop, and so that one number crosses the border from Python. The caller keeps the memory alive.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt
from numba.core import cgutils

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

unsigned = np.uint64
whole = numba.types.int64


def _pointer(context: Any, builder: Any, kind: Any, *, book: Any, place: Any) -> Any:
    return builder.gep(builder.inttoptr(book, context.get_value_type(kind).as_pointer()), [place])


def _reader(kind: Any) -> Any:
    def read(typing_context: Any, book: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.load(_pointer(context, builder, kind, book=arguments[0], place=arguments[1]))

        return kind(whole, whole), generate

    return cast(Any, numba.extending.intrinsic(read))


def _writer(kind: Any) -> Any:
    def write(typing_context: Any, book: Any, place: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            builder.store(arguments[2], _pointer(context, builder, kind, book=arguments[0], place=arguments[1]))
            return context.get_dummy_value()

        return numba.types.void(whole, whole, kind), generate

    return cast(Any, numba.extending.intrinsic(write))


def _leading_zeros(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], cgutils.true_bit)

    return whole(whole), generate


get = _reader(whole)
"""The int64 at a place of a book's memory. For use inside kernels, as all of these."""
put = _writer(whole)
"""Write an int64."""
get_real = _reader(numba.types.float64)
"""The float64 at a place."""
put_real = _writer(numba.types.float64)
"""Write a float64."""
leading_zeros = cast(Any, numba.extending.intrinsic(_leading_zeros))
"""Zero bits above the highest bit set of a word that is not 0."""


@kernel
def lowest_bits(count: int) -> int:
    """A word with its `count` lowest bits set, `count` from 0 to 63."""
    return (1 << count) - 1


@kernel
def highest_bit(word: int) -> int:
    """Number of the highest bit set of a word that is not 0."""
    return int(63 - leading_zeros(word))


@kernel
def directory(window: int, side: int) -> int:
    """Place of a side's first page number."""
    return COUNTERS + side * window


@kernel
def there(window: int, side: int) -> int:
    """Place of the first word of a side's bits, one a page."""
    return COUNTERS + 2 * window + side * (window >> 6)


@kernel
def summaries(window: int) -> int:
    """Place of page 0's summary; those of the others follow, then the words of all, then all quantities."""
    return COUNTERS + 2 * window + 2 * (window >> 6)


@kernel
def within_page(book: int, words: int, summary: int, place: int) -> int:
    """Place in a page of the level below `place` that is nearest, or -1."""
    number = place >> 6
    word = get(book, words + number) & lowest_bits(place & 63)
    if word == 0:
        rest = get(book, summary) & lowest_bits(number)
        if rest == 0:
            return -1
        number = highest_bit(rest)
        word = get(book, words + number)
    return (number << 6) | highest_bit(word)


@kernel
def page_below(book: int, window: int, side: int, page_place: int) -> int:
    """Place in the directory of the page below `page_place` that is nearest, or -1."""
    first = there(window, side)
    number = page_place >> 6
    word = get(book, first + number) & lowest_bits(page_place & 63)
    while word == 0:
        number -= 1
        if number < 0:
            return -1
        word = get(book, first + number)
    return (number << 6) | highest_bit(word)


@kernel
def next_key(book: int, side: int, key: int) -> int:
    """Greatest key of a level below `key`, or `NO_LEVEL`; `key` is that of a level, be it gone."""
    window, pages = get(book, WINDOW), get(book, PAGES)
    page_place = (key >> LEVEL_BITS) - get(book, FIRST + side)
    summary = summaries(window)
    page = get(book, directory(window, side) + page_place)
    place = -1
    if page != 0:
        words = summary + pages + (page << 6)
        place = within_page(book, words, summary + page, key & (PAGE_LEVELS - 1))
    if place < 0:
        page_place = page_below(book, window, side, page_place)
        if page_place < 0:
            return NO_LEVEL
        page = get(book, directory(window, side) + page_place)
        number = highest_bit(get(book, summary + page))
        place = (number << 6) | highest_bit(get(book, summary + pages + (page << 6) + number))
    return int(((get(book, FIRST + side) + page_place) << LEVEL_BITS) | place)


@kernel
def open_page(book: int, window: int, side: int, page_place: int) -> int:
    """Take a page for a place of the directory, a free one first: its number, or 0 where memory has none left."""
    page = get(book, FREE)
    if page != 0:
        put(book, FREE, get(book, summaries(window) + page))
        put(book, summaries(window) + page, 0)
    elif get(book, USED) < get(book, PAGES):
        page = get(book, USED)
        put(book, USED, page + 1)
    else:
        return 0
    put(book, directory(window, side) + page_place, page)
    return int(page)


@kernel
def close_page(book: int, window: int, side: int, page_place: int, page: int) -> None:
    """Give an empty page back."""
    put(book, directory(window, side) + page_place, 0)
    put(book, summaries(window) + page, get(book, FREE))
    put(book, FREE, page)


@kernel
def mark_word(book: int, window: int, side: int, page_place: int, page: int, number: int, filled: int) -> None:
    """A word of levels got its first or lost its last: tell the page's summary and the word of pages."""
    summary = summaries(window) + page
    before = get(book, summary)
    after = (before & ~(1 << number)) | (filled << number)
    put(book, summary, after)
    if (before == 0) != (after == 0):
        word = there(window, side) + (page_place >> 6)
        put(book, word, (get(book, word) & ~(1 << (page_place & 63))) | (filled << (page_place & 63)))
        if after == 0:
            close_page(book, window, side, page_place, page)


@kernel
def places(book: int) -> tuple[int, int, int]:
    """What stays while memory stays: how far a directory reaches, where words and quantities of page 0 begin."""
    window = get(book, WINDOW)
    words = summaries(window) + get(book, PAGES)
    return window, words, words + (get(book, PAGES) << 6)


@kernel
def step(book: int, window: int, words: int, quantities: int, side: int, price: int, quantity: float) -> int:
    """Set the quantity of one level, 0 to remove it: `DONE`, or what is in the way, and then nothing has changed."""
    if side >> 1 != 0 or not 0.0 <= quantity < math.inf or not -MOST_TICKS < price < MOST_TICKS:
        return BAD
    key = price ^ -side
    page_place = (key >> LEVEL_BITS) - get(book, FIRST + side)
    inside = unsigned(page_place) < unsigned(window)
    page = get(book, directory(window, side) + page_place) if inside else 0
    if page == 0:
        if quantity == 0.0:
            return DONE
        if not inside:
            return NEEDS_WINDOW
        page = open_page(book, window, side, page_place)
        if page == 0:
            return NEEDS_PAGE
    place = key & (PAGE_LEVELS - 1)
    filled = 1 if quantity > 0.0 else 0
    put_real(book, quantities + (page << LEVEL_BITS) + place, quantity)
    word = words + (page << 6) + (place >> 6)
    before = get(book, word)
    after = (before & ~(1 << (place & 63))) | (filled << (place & 63))
    put(book, word, after)
    put(book, COUNT + side, get(book, COUNT + side) + filled - ((before >> (place & 63)) & 1))
    if (before == 0) != (after == 0):
        mark_word(book, window, side, page_place, page, place >> 6, filled)
    best = get(book, BEST + side)
    if key >= best:
        if filled == 1:
            put(book, BEST + side, key)
        elif key == best:
            put(book, BEST + side, next_key(book, side, key))
    return DONE


@kernel
def depth_one(book: int, side: int, price: int, quantity: float) -> int:
    """One delta: `DONE`, or what is in the way."""
    window, words, quantities = places(book)
    return step(book, window, words, quantities, side, price, quantity)


@kernel
def depth_batch(
    book: int,
    sides: npt.NDArray[np.int8],
    prices: npt.NDArray[np.int64],
    changes: npt.NDArray[np.float64],
    start: int,
) -> tuple[int, int]:
    """Apply deltas from row `start` on: (row not applied or the number of rows, what stopped it)."""
    window, words, quantities = places(book)
    rows = len(prices)
    for row in range(start, rows):
        place = unsigned(row)
        stopped = step(book, window, words, quantities, int(sides[place]), int(prices[place]), changes[place])
        if stopped != DONE:
            return row, stopped
    return rows, DONE


@kernel
def quantity_at(book: int, side: int, price: int) -> float:
    """Quantity of a level, 0.0 where there is none."""
    window, _, quantities = places(book)
    key = price ^ -side
    page_place = (key >> LEVEL_BITS) - get(book, FIRST + side)
    if unsigned(page_place) >= unsigned(window):
        return 0.0
    page = get(book, directory(window, side) + page_place)
    return float(get_real(book, quantities + (page << LEVEL_BITS) + (key & (PAGE_LEVELS - 1)))) if page != 0 else 0.0


@kernel
def top_levels(book: int, side: int, prices: npt.NDArray[np.int64], found: npt.NDArray[np.float64]) -> int:
    """Fill two arrays with a side's levels, best first; their number, at most the arrays' length."""
    window, _, quantities = places(book)
    key = get(book, BEST + side)
    count = 0
    while count < len(prices) and key != NO_LEVEL:
        page = get(book, directory(window, side) + (key >> LEVEL_BITS) - get(book, FIRST + side))
        prices[count] = key ^ -side
        found[count] = get_real(book, quantities + (page << LEVEL_BITS) + (key & (PAGE_LEVELS - 1)))
        count += 1
        key = next_key(book, side, key)
    return count
