"""Which slot an order identifier has: extendible hashing, so that no growth ever touches more than one page.

The upper bits of a 32-bit hash choose a page through the directory, the lower eight where to begin in it. A word of a
page holds hash and slot, so that a search reads an order only when the hashes agree, and a page that has filled up is
split in two without reading any. Removing shifts what follows back: no tombstones, no decay.
"""

from __future__ import annotations

from tradsys.exchange.book.layout import (
    DEEPEST,
    DEPTH,
    DIRECTORY,
    FULL_PAGE,
    IDENTIFIERS,
    MOST_PAGES,
    ORDERS,
    PAGE_BITS,
    PAGE_STATE,
    PAGE_WORDS,
    PAGES,
    SCRATCH_PAGE,
    SLOT_BITS,
)
from tradsys.exchange.book.machine import INLINE, PART, jit, load, load4, prefetch, store, store4

WORD = 0xFFFFFFFF
IN_PAGE = PAGE_WORDS - 1


@jit(INLINE)
def hash_of(order_id: int) -> int:
    """32 bits in which any regular pattern of identifiers looks random (two rounds of multiply and shift)."""
    mixed = (order_id ^ ((order_id >> 32) & WORD)) * 0x2545F4914F6CDD1D
    mixed = (mixed ^ ((mixed >> 29) & 0x7FFFFFFFF)) * 0x369DEA0F31A53F85
    return (mixed >> 32) & WORD


@jit(INLINE)
def page_of(base: int, hashed: int) -> int:
    """Number of the page that holds a hash."""
    return load4(base + DIRECTORY + ((hashed >> (32 - load(base + DEPTH))) << 2))


@jit(INLINE)
def find(base: int, order_id: int) -> int:
    """The slot of a live order, or 0."""
    hashed = hash_of(order_id)
    page = base + IDENTIFIERS + (page_of(base, hashed) << PAGE_BITS)
    place = hashed & IN_PAGE
    word = load(page + (place << 3))
    while word != 0:
        slot = word & WORD
        if ((word >> 32) & WORD) == hashed and load(base + ORDERS + (slot << SLOT_BITS)) == order_id:
            return slot
        place = (place + 1) & IN_PAGE
        word = load(page + (place << 3))
    return 0


@jit(INLINE)
def prefetch_identifier(base: int, order_id: int) -> None:
    """Ask for the memory where an identifier is or will be."""
    hashed = hash_of(order_id)
    prefetch(base + IDENTIFIERS + (page_of(base, hashed) << PAGE_BITS) + ((hashed & IN_PAGE) << 3))


@jit(INLINE)
def find_likely(base: int, order_id: int) -> int:
    """The slot of an order by its hash alone, not looking at the order; 0 or a wrong one now and then."""
    hashed = hash_of(order_id)
    page = base + IDENTIFIERS + (page_of(base, hashed) << PAGE_BITS)
    place = hashed & IN_PAGE
    word = load(page + (place << 3))
    while word != 0 and ((word >> 32) & WORD) != hashed:
        place = (place + 1) & IN_PAGE
        word = load(page + (place << 3))
    return word & WORD


@jit(INLINE)
def _put(page: int, word: int) -> None:
    place = (word >> 32) & IN_PAGE
    while load(page + (place << 3)) != 0:
        place = (place + 1) & IN_PAGE
    store(page + (place << 3), word)


@jit(INLINE)
def insert(base: int, order_id: int, slot: int) -> None:
    """Enter an identifier that is not there; there is room (`has_room`)."""
    hashed = hash_of(order_id)
    number = page_of(base, hashed)
    _put(base + IDENTIFIERS + (number << PAGE_BITS), (hashed << 32) | slot)
    state = base + PAGE_STATE + (number << 3)
    store4(state, load4(state) + 1)


@jit(INLINE)
def erase(base: int, order_id: int, slot: int) -> None:
    """Take out an identifier that is there."""
    hashed = hash_of(order_id)
    number = page_of(base, hashed)
    page = base + IDENTIFIERS + (number << PAGE_BITS)
    place = hashed & IN_PAGE
    while (load(page + (place << 3)) & WORD) != slot:
        place = (place + 1) & IN_PAGE
    _close_gap(page, place)
    state = base + PAGE_STATE + (number << 3)
    store4(state, load4(state) - 1)


@jit(INLINE)
def _close_gap(page: int, gap: int) -> None:
    place = (gap + 1) & IN_PAGE
    word = load(page + (place << 3))
    while word != 0:
        # How far the word is from where it would like to be, against how far the gap is.
        if ((place - (word >> 32)) & IN_PAGE) >= ((place - gap) & IN_PAGE):
            store(page + (gap << 3), word)
            gap = place
        place = (place + 1) & IN_PAGE
        word = load(page + (place << 3))
    store(page + (gap << 3), 0)


@jit(INLINE)
def has_room(base: int, order_id: int) -> bool:
    """Make room for an identifier; False where no more can be made (identifiers with one hash by the hundred)."""
    number = page_of(base, hash_of(order_id))
    return load4(base + PAGE_STATE + (number << 3)) < FULL_PAGE or _make_room(base, hash_of(order_id))


@jit(PART)
def _make_room(base: int, hashed: int) -> bool:
    number = page_of(base, hashed)
    while load4(base + PAGE_STATE + (number << 3)) >= FULL_PAGE:
        depth = load4(base + PAGE_STATE + (number << 3) + 4)
        if depth == DEEPEST or load(base + PAGES) == MOST_PAGES:
            return load4(base + PAGE_STATE + (number << 3)) < IN_PAGE
        if depth == load(base + DEPTH):
            _double_directory(base)
        _split(base, number, hashed, depth)
        number = page_of(base, hashed)
    return True


@jit(PART)
def _double_directory(base: int) -> None:
    depth = load(base + DEPTH)
    for place in range((1 << depth) - 1, -1, -1):
        number = load4(base + DIRECTORY + (place << 2))
        store4(base + DIRECTORY + (place << 3), number)
        store4(base + DIRECTORY + (place << 3) + 4, number)
    store(base + DEPTH, depth + 1)


@jit(PART)
def _split(base: int, number: int, hashed: int, depth: int) -> None:
    fresh = load(base + PAGES)
    store(base + PAGES, fresh + 1)
    _aim_directory(base, hashed, depth, fresh)
    page = base + IDENTIFIERS + (number << PAGE_BITS)
    for offset in range(0, PAGE_WORDS << 3, 8):
        store(base + SCRATCH_PAGE + offset, load(page + offset))
        store(page + offset, 0)
    moved = 0
    kept = 0
    for offset in range(0, PAGE_WORDS << 3, 8):
        word = load(base + SCRATCH_PAGE + offset)
        if word == 0:
            continue
        if ((word >> (63 - depth)) & 1) == 1:
            _put(base + IDENTIFIERS + (fresh << PAGE_BITS), word)
            moved += 1
        else:
            _put(page, word)
            kept += 1
    _note(base, number, kept, depth + 1)
    _note(base, fresh, moved, depth + 1)


@jit(INLINE)
def _note(base: int, number: int, count: int, depth: int) -> None:
    store4(base + PAGE_STATE + (number << 3), count)
    store4(base + PAGE_STATE + (number << 3) + 4, depth)


@jit(PART)
def _aim_directory(base: int, hashed: int, depth: int, fresh: int) -> None:
    """The upper half of what pointed to the page now points to the fresh one."""
    width = 1 << (load(base + DEPTH) - depth)
    start = (hashed >> (32 - depth)) * width
    for place in range(start + (width >> 1), start + width):
        store4(base + DIRECTORY + (place << 2), fresh)
