"""One hash that stands for many records, and the proof that one of them is among these (the tree of RFC 6962).

Leaves are SHA-256 of a zero byte and the record's link, inner nodes SHA-256 of a one byte and the two below; a node
without a neighbour goes up as it is. Links and hashes are 32 bytes each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

_CHUNK = 1024


class Tree:
    """The tree over links as they come. Keeps one hash a complete subtree, so that its size does not matter."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: list[bytes] = []
        self._complete: list[tuple[int, bytes]] = []
        """Chunks below each complete subtree, falling powers of two, and its root."""

    def add(self, link: bytes) -> None:
        """One more record."""
        self.count += 1
        self._waiting.append(link)
        if len(self._waiting) == _CHUNK:
            self._fold()

    def root(self) -> bytes:
        """The hash that stands for all that was added, in this order; of nothing, the SHA-256 of nothing."""
        right = [_top(_leaves(self._waiting))] if self._waiting else []
        nodes = [root for _, root in self._complete] + right
        if not nodes:
            return sha256(b"").digest()
        found = nodes.pop()
        while nodes:
            found = _node(nodes.pop(), found)
        return found

    def _fold(self) -> None:
        chunks, root = 1, _top(_leaves(self._waiting))
        self._waiting.clear()
        while self._complete and self._complete[-1][0] == chunks:
            chunks, root = 2 * chunks, _node(self._complete.pop()[1], root)
        self._complete.append((chunks, root))


class Proofs:
    """The whole tree over some links, to prove single ones."""

    def __init__(self, links: Iterable[bytes]) -> None:
        self._levels = [_leaves(links)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_up(self._levels[-1]))

    def path(self, index: int) -> list[bytes]:
        """The hashes beside the way from a leaf to the root, lowest first."""
        found = []
        for level in self._levels[:-1]:
            if index ^ 1 < len(level):
                found.append(level[index ^ 1])
            index //= 2
        return found


def proven_root(link: bytes, index: int, *, count: int, path: Sequence[bytes]) -> bytes:
    """The root that a proof leads to: the seal's, if the record is at this place among `count`. Raises `ValueError` for
    a path of the wrong length or a place that is not there."""
    if not 0 <= index < count:
        raise ValueError("no such place")
    found, rest, last = sha256(b"\0" + link).digest(), list(path), count - 1
    while last:
        if index ^ 1 <= last:
            beside = rest.pop(0) if rest else b""
            found = _node(beside, found) if index & 1 else _node(found, beside)
        index, last = index // 2, last // 2
    if rest:
        raise ValueError("the path is too long")
    return found


def _leaves(links: Iterable[bytes]) -> list[bytes]:
    return [sha256(b"\0" + link).digest() for link in links]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _up(level: list[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    found = [sha256(b"\1" + left + right).digest() for left, right in pairs]
    return found + level[-1:] if len(level) % 2 else found


def _top(level: list[bytes]) -> bytes:
    while len(level) > 1:
        level = _up(level)
    return level[0]
