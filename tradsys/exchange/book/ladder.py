"""Which prices hold orders: for each side a tree of 64-way nodes over the whole range of prices.

A leaf is 64 neighbouring price levels and a word with a bit for each that holds orders; five levels of nodes above it
have a bit for each child that is there. Finding, adding and removing a level takes the same few steps whatever the
number of levels; the leaves used last are remembered, so that the tree is rarely walked at all.
"""

from __future__ import annotations

from tradsys.exchange.book.layout import (
    BEST,
    BEST_LEVEL,
    FREE_LEAF,
    FREE_NODE,
    LEAF_BITS,
    LEAF_WORDS,
    LEAVES,
    LEVEL_BITS,
    LEVELS,
    NODE_BYTES,
    NODES,
    PATH,
    RECENT,
    RECENT_LEAVES,
    ROOT,
    ROOT_SHIFT,
    TREE,
)
from tradsys.exchange.book.machine import INLINE, PART, jit, leading_zeros, load, load4, store, store4, trailing_zeros

IN_NODE = 63


@jit(INLINE)
def is_ascending(side: int) -> int:
    """1 where the best price of a side is the lowest (asks, waiting buys), 0 where it is the highest."""
    return (side ^ (side >> 1)) & 1


@jit(INLINE)
def _first_bit(word: int, ascending: int) -> int:
    return trailing_zeros(word) if ascending else IN_NODE - leading_zeros(word)


@jit(INLINE)
def _node(base: int, number: int) -> int:
    return base + TREE + number * NODE_BYTES


@jit(INLINE)
def _child(node: int, place: int) -> int:
    return load4(node + 8 + (place << 2))


@jit(INLINE)
def level_number(base: int, ladder: int, price: int) -> int:
    """Number of a price's level in a side, made where there is none."""
    key = price >> LEAF_BITS
    recent = ladder + RECENT + ((key & (RECENT_LEAVES - 1)) << 3)
    known = load(recent)
    if (known >> 32) == key + 1:
        return ((known & 0xFFFFFFFF) << LEAF_BITS) | (price & IN_NODE)
    leaf = _enter_leaf(base, ladder, key)
    store(recent, ((key + 1) << 32) | leaf)
    return (leaf << LEAF_BITS) | (price & IN_NODE)


@jit(PART)
def _new_node(base: int) -> int:
    number = load(base + FREE_NODE)
    if number == 0:
        number = load(base + NODES)
        store(base + NODES, number + 1)
    else:
        store(base + FREE_NODE, load4(_node(base, number) + 8))
        store4(_node(base, number) + 8, 0)
    return number


@jit(PART)
def _new_leaf(base: int) -> int:
    number = load(base + FREE_LEAF)
    if number == 0:
        number = load(base + LEAVES)
        store(base + LEAVES, number + 1)
    else:
        store(base + FREE_LEAF, load(base + LEAF_WORDS + (number << 3)))
        store(base + LEAF_WORDS + (number << 3), 0)
    return number


@jit(PART)
def _enter_leaf(base: int, ladder: int, key: int) -> int:
    number = load(ladder + ROOT)
    if number == 0:
        number = _new_node(base)
        store(ladder + ROOT, number)
    node = _node(base, number)
    for shift in range(ROOT_SHIFT, -1, -LEAF_BITS):
        place = (key >> shift) & IN_NODE
        number = _child(node, place)
        if number == 0:
            number = _new_node(base) if shift else _new_leaf(base)
            store4(node + 8 + (place << 2), number)
            store(node, load(node) | (1 << place))
        node = _node(base, number)
    return number


@jit(INLINE)
def open_level(base: int, ladder: int, side: int, price: int, number: int) -> None:
    """A level has got its first order."""
    word = base + LEAF_WORDS + ((number >> LEAF_BITS) << 3)
    store(word, load(word) | (1 << (price & IN_NODE)))
    best = load(ladder + BEST)
    better = price < best if is_ascending(side) else price > best
    if best == 0 or better:
        store(ladder + BEST, price)
        store(ladder + BEST_LEVEL, number)


@jit(INLINE)
def close_level(base: int, ladder: int, side: int, price: int, number: int) -> None:
    """A level has lost its last order."""
    leaf = number >> LEAF_BITS
    word = load(base + LEAF_WORDS + (leaf << 3)) & ~(1 << (price & IN_NODE))
    store(base + LEAF_WORDS + (leaf << 3), word)
    if word == 0:
        _leave_leaf(base, ladder, price >> LEAF_BITS, leaf)
        if load(ladder + BEST) == price:
            _find_best(base, ladder, is_ascending(side))
    elif load(ladder + BEST) == price:
        place = _first_bit(word, is_ascending(side))
        store(ladder + BEST, (price & ~IN_NODE) | place)
        store(ladder + BEST_LEVEL, (leaf << LEAF_BITS) | place)


@jit(PART)
def _leave_leaf(base: int, ladder: int, key: int, leaf: int) -> None:
    """Give an empty leaf back, and every node that has no child left; the root stays."""
    store(ladder + RECENT + ((key & (RECENT_LEAVES - 1)) << 3), 0)
    store(base + LEAF_WORDS + (leaf << 3), load(base + FREE_LEAF))
    store(base + FREE_LEAF, leaf)
    number = load(ladder + ROOT)
    for shift in range(ROOT_SHIFT, -1, -LEAF_BITS):
        store(base + PATH + (shift // LEAF_BITS << 3), number)
        number = _child(_node(base, number), (key >> shift) & IN_NODE)
    for shift in range(0, ROOT_SHIFT + 1, LEAF_BITS):
        number = load(base + PATH + (shift // LEAF_BITS << 3))
        node = _node(base, number)
        place = (key >> shift) & IN_NODE
        store4(node + 8 + (place << 2), 0)
        store(node, load(node) & ~(1 << place))
        if load(node) != 0 or shift == ROOT_SHIFT:
            return
        store4(node + 8, load(base + FREE_NODE))
        store(base + FREE_NODE, number)


@jit(PART)
def _find_best(base: int, ladder: int, ascending: int) -> None:
    node = _node(base, load(ladder + ROOT))
    if load(node) == 0:
        store(ladder + BEST, 0)
        store(ladder + BEST_LEVEL, 0)
        return
    number = _extreme(base, node, ROOT_SHIFT, 0, ascending)
    store(ladder + BEST, load(base + PATH))
    store(ladder + BEST_LEVEL, number)


@jit(PART)
def _extreme(base: int, node: int, shift: int, key: int, ascending: int) -> int:
    """Level of the first price under a node whose children begin at `key`; the price itself goes to `PATH`."""
    number = 0
    while shift >= 0:
        place = _first_bit(load(node), ascending)
        key |= place << shift
        number = _child(node, place)
        node = _node(base, number)
        shift -= LEAF_BITS
    place = _first_bit(load(base + LEAF_WORDS + (number << 3)), ascending)
    store(base + PATH, (key << LEAF_BITS) | place)
    return (number << LEAF_BITS) | place


@jit(INLINE)
def _beyond(word: int, place: int, ascending: int) -> int:
    """The bits of a word that come after a place."""
    if ascending:
        return word & ~((2 << place) - 1) if place < IN_NODE else 0
    return word & ((1 << place) - 1)


@jit(PART)
def level_after(base: int, ladder: int, price: int, number: int, ascending: int) -> int:
    """The next level beyond one that holds orders, or 0."""
    leaf = number >> LEAF_BITS
    rest = _beyond(load(base + LEAF_WORDS + (leaf << 3)), price & IN_NODE, ascending)
    if rest:
        return (leaf << LEAF_BITS) | _first_bit(rest, ascending)
    key = price >> LEAF_BITS
    node = _node(base, load(ladder + ROOT))
    branch = 0
    branch_shift = 0
    for shift in range(ROOT_SHIFT, -1, -LEAF_BITS):
        place = (key >> shift) & IN_NODE
        if _beyond(load(node), place, ascending):
            branch = node
            branch_shift = shift
        node = _node(base, _child(node, place))
    if branch == 0:
        return 0
    place = _first_bit(_beyond(load(branch), (key >> branch_shift) & IN_NODE, ascending), ascending)
    child = _child(branch, place)
    if branch_shift == 0:
        return (child << LEAF_BITS) | _first_bit(load(base + LEAF_WORDS + (child << 3)), ascending)
    return _extreme(base, _node(base, child), branch_shift - LEAF_BITS, 0, ascending)


@jit(INLINE)
def level_address(base: int, number: int) -> int:
    """Where a level is."""
    return base + LEVELS + (number << LEVEL_BITS)
