"""Which slot an order identifier has: extendible hashing, so that no growth ever touches more than one page.

The upper bits of a 32-bit hash choose a page through the directory, the lower five a bucket of it: a cache line of
eight hashes and their slots, compared all at once. Whoever finds a bucket full goes on to the next one of the page; a
page that has filled up is split in two without reading any order. Removing takes back from the next bucket who had
gone on: no tombstones, no decay.
"""

from __future__ import annotations

from tradsys.exchange.book.layout import (
    BUCKET_BITS,
    BUCKET_SLOTS,
    BUCKETS,
    DEEPEST,
    DEPTH,
    DIRECTORY,
    FULL_PAGE,
    IDENTIFIERS,
    IN_BUCKET,
    MOST_PAGES,
    ORDERS,
    PAGE_BITS,
    PAGE_DEPTHS,
    PAGES,
    SCRATCH_PAGE,
    SLOT_BITS,
)
from tradsys.exchange.book.machine import (
    INLINE,
    PART,
    count_bits,
    equal_of_eight,
    jit,
    load,
    load4,
    prefetch,
    store,
    store4,
    trailing_zeros,
)

WORD = 0xFFFFFFFF
LAST_BUCKET = BUCKETS - 1
BUCKET_BYTES, PAGE_BYTES = 1 << BUCKET_BITS, 1 << PAGE_BITS
IN_PAGE = PAGE_BYTES - 1
MOST_IN_PAGE = BUCKETS * IN_BUCKET - 1


@jit(INLINE)
def hash_of(order_id: int) -> int:
    """32 bits in which any regular pattern of identifiers looks random (two rounds of multiply and shift)."""
    mixed = (order_id ^ ((order_id >> 32) & WORD)) * 0x2545F4914F6CDD1D
    mixed = (mixed ^ ((mixed >> 29) & 0x7FFFFFFFF)) * 0x369DEA0F31A53F85
    return (mixed >> 32) & WORD


@jit(INLINE)
def _page_of(base: int, hashed: int) -> int:
    """Number of the page that holds a hash."""
    return load4(base + DIRECTORY + ((hashed >> (32 - load(base + DEPTH))) << 2))


@jit(INLINE)
def _bucket_of(base: int, hashed: int) -> int:
    """Where the search for a hash begins."""
    page = base + IDENTIFIERS + (_page_of(base, hashed) << PAGE_BITS)
    return page + ((hashed & LAST_BUCKET) << BUCKET_BITS)


@jit(INLINE)
def _next_bucket(bucket: int) -> int:
    return (bucket & ~IN_PAGE) | ((bucket + BUCKET_BYTES) & IN_PAGE)


@jit(INLINE)
def _empty(bucket: int) -> int:
    """A bit for each place of a bucket that is free."""
    return equal_of_eight(bucket + BUCKET_SLOTS, 0)


@jit(INLINE)
def _first_place(bucket: int, some: int) -> int:
    return bucket + BUCKET_SLOTS + (trailing_zeros(some) << 2)


@jit(INLINE)
def place_of(base: int, hashed: int, order_id: int) -> int:
    """Where the slot of a live order is written, or 0."""
    bucket = _bucket_of(base, hashed)
    while True:
        empty = _empty(bucket)
        alike = equal_of_eight(bucket, hashed) & ~empty
        while alike != 0:
            place = _first_place(bucket, alike)
            if load(base + ORDERS + (load4(place) << SLOT_BITS)) == order_id:
                return place
            alike &= alike - 1
        if empty != 0:
            return 0
        bucket = _next_bucket(bucket)


@jit(PART)
def find(base: int, order_id: int) -> int:
    """The slot of a live order, or 0."""
    place = place_of(base, hash_of(order_id), order_id)
    return load4(place) if place != 0 else 0


@jit(INLINE)
def place_of_slot(base: int, hashed: int, slot: int) -> int:
    """Where the slot of a live order is written; the order itself is not read."""
    bucket = _bucket_of(base, hashed)
    found = equal_of_eight(bucket + BUCKET_SLOTS, slot)
    while found == 0:
        bucket = _next_bucket(bucket)
        found = equal_of_eight(bucket + BUCKET_SLOTS, slot)
    return _first_place(bucket, found)


@jit(INLINE)
def prefetch_identifier(base: int, hashed: int) -> None:
    """Ask for the memory where an identifier is or will be."""
    prefetch(_bucket_of(base, hashed))


@jit(INLINE)
def find_likely(base: int, hashed: int) -> int:
    """The slot of an order by its hash alone, without a look at the order; 0 or a wrong one now and then."""
    bucket = _bucket_of(base, hashed)
    alike = equal_of_eight(bucket, hashed)
    return load4(_first_place(bucket, alike | (1 << (IN_BUCKET - 1)))) * (alike != 0)


@jit(INLINE)
def room_for(base: int, hashed: int) -> int:
    """Where an identifier that is not there can go; 0 where no room can be made (one hash by the hundred)."""
    bucket = _bucket_of(base, hashed)
    empty = _empty(bucket)
    return _first_place(bucket, empty) if empty != 0 else _make_room(base, hashed)


@jit(INLINE)
def occupy(place: int, hashed: int, slot: int) -> None:
    """Enter an identifier where there is room for it."""
    store4(place - BUCKET_SLOTS, hashed)
    store4(place, slot)


@jit(PART)
def insert(base: int, order_id: int, slot: int) -> None:
    """Enter an identifier that is not there, and for which there is room."""
    hashed = hash_of(order_id)
    occupy(room_for(base, hashed), hashed, slot)


@jit(INLINE)
def erase(place: int) -> None:
    """Take out the identifier at a place."""
    was_full = _empty(place & ~(BUCKET_BYTES - 1)) == 0
    store4(place, 0)
    if was_full:
        _close_gap(place)


@jit(PART)
def _close_gap(gap: int) -> None:
    """Take back into a bucket that was full who had gone on from it, and so on from the bucket that they leave."""
    following = _next_bucket(gap & ~(BUCKET_BYTES - 1))
    while True:
        was_full = _empty(following) == 0
        place = _gone_on(gap, following)
        if place != 0:
            occupy(gap, load4(place - BUCKET_SLOTS), load4(place))
            store4(place, 0)
            gap = place
        if not was_full:
            return
        following = _next_bucket(following)


@jit(PART)
def _gone_on(gap: int, bucket: int) -> int:
    """Where a later bucket holds an identifier that would as well be at the gap, or 0."""
    number = (bucket & IN_PAGE) >> BUCKET_BITS
    way = (number - ((gap & IN_PAGE) >> BUCKET_BITS)) & LAST_BUCKET
    for place in range(bucket + BUCKET_SLOTS, bucket + BUCKET_BYTES, 4):
        if load4(place) != 0 and ((number - load4(place - BUCKET_SLOTS)) & LAST_BUCKET) >= way:
            return place
    return 0


@jit(PART)
def _make_room(base: int, hashed: int) -> int:
    """Where an identifier whose bucket is full can go, or 0."""
    number = _page_of(base, hashed)
    held = _held(base, number)
    while held >= FULL_PAGE and load4(base + PAGE_DEPTHS + (number << 2)) < DEEPEST and load(base + PAGES) < MOST_PAGES:
        _split(base, number, hashed)
        number = _page_of(base, hashed)
        held = _held(base, number)
    return _free_place(_bucket_of(base, hashed)) if held < MOST_IN_PAGE else 0


@jit(PART)
def _held(base: int, number: int) -> int:
    """How many identifiers a page holds."""
    free = 0
    page = base + IDENTIFIERS + (number << PAGE_BITS)
    for bucket in range(page, page + PAGE_BYTES, BUCKET_BYTES):
        free += count_bits(_empty(bucket))
    return BUCKETS * IN_BUCKET - free


@jit(INLINE)
def _free_place(bucket: int) -> int:
    """The first place from a bucket on that is free; its page has one."""
    empty = _empty(bucket)
    while empty == 0:
        bucket = _next_bucket(bucket)
        empty = _empty(bucket)
    return _first_place(bucket, empty)


@jit(PART)
def _double_directory(base: int) -> None:
    depth = load(base + DEPTH)
    for place in range((1 << depth) - 1, -1, -1):
        number = load4(base + DIRECTORY + (place << 2))
        store4(base + DIRECTORY + (place << 3), number)
        store4(base + DIRECTORY + (place << 3) + 4, number)
    store(base + DEPTH, depth + 1)


@jit(PART)
def _split(base: int, number: int, hashed: int) -> None:
    """Move half of what a page holds to a fresh one."""
    depth = load4(base + PAGE_DEPTHS + (number << 2))
    if depth == load(base + DEPTH):
        _double_directory(base)
    fresh = load(base + PAGES)
    store(base + PAGES, fresh + 1)
    _aim_directory(base, hashed, depth, fresh)
    store4(base + PAGE_DEPTHS + (number << 2), depth + 1)
    store4(base + PAGE_DEPTHS + (fresh << 2), depth + 1)
    page = base + IDENTIFIERS + (number << PAGE_BITS)
    for offset in range(0, PAGE_BYTES, 8):
        store(base + SCRATCH_PAGE + offset, load(page + offset))
        store(page + offset, 0)
    for bucket in range(base + SCRATCH_PAGE, base + SCRATCH_PAGE + PAGE_BYTES, BUCKET_BYTES):
        _enter_again(base, bucket)


@jit(PART)
def _enter_again(base: int, bucket: int) -> None:
    for place in range(bucket, bucket + BUCKET_SLOTS, 4):
        slot = load4(place + BUCKET_SLOTS)
        if slot != 0:
            hashed = load4(place)
            occupy(_free_place(_bucket_of(base, hashed)), hashed, slot)


@jit(PART)
def _aim_directory(base: int, hashed: int, depth: int, fresh: int) -> None:
    """The upper half of what pointed to the page now points to the fresh one."""
    width = 1 << (load(base + DEPTH) - depth)
    start = (hashed >> (32 - depth)) * width
    for place in range(start + (width >> 1), start + width):
        store4(base + DIRECTORY + (place << 2), fresh)
