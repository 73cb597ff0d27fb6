"""A book's block of memory: address space for all it may ever hold, memory for what it does hold."""

from __future__ import annotations

import mmap
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import ResourceError
from tradsys.exchange.book import layout
from tradsys.exchange.book.sweeps import NEVER

# Linux: the address space counts against no limit until it is used. Python 3.11 has no name for it.
_NO_RESERVE = 0x4000


def reserved(instruments: int, *, prepared: int) -> tuple[mmap.mmap, npt.NDArray[np.int64]]:
    """An empty book's block, and the same as int64 words; pages for `prepared` orders are taken at once.

    Raises `ResourceError` where the system has no such address space.
    """
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
    try:
        block = mmap.mmap(-1, layout.BLOCK_BYTES, flags=flags)
    except (OSError, ValueError) as failure:
        raise ResourceError(
            f"no address space for an order book: {failure}",
            value=layout.BLOCK_BYTES,
            fix="raise the limit on virtual memory (ulimit -v)",
        ) from failure
    words = np.frombuffer(block, np.int64)
    _initialise(words, instruments)
    _take_pages(block, words, prepared)
    return block, words


def _initialise(words: npt.NDArray[np.int64], instruments: int) -> None:
    words[layout.INSTRUMENT_COUNT >> 3] = instruments
    words[[layout.SLOTS >> 3, layout.NODES >> 3, layout.PAGES >> 3]] = 1
    # The first levels are the queues of market orders.
    words[layout.LEAVES >> 3] = (2 * instruments >> layout.LEAF_BITS) + 1
    start, width = layout.INSTRUMENTS >> 3, layout.INSTRUMENT_BYTES >> 3
    table = words[start : start + instruments * width].reshape(instruments, width)
    table[:, layout.NUMBER >> 3] = np.arange(instruments)
    table[:, layout.EARLIEST >> 3] = NEVER


def _take_pages(block: mmap.mmap, words: npt.NDArray[np.int64], prepared: int) -> None:
    identifiers = (prepared // (layout.FULL_PAGE // 2) + 1) << layout.PAGE_BITS
    for start, size in (
        (layout.ORDERS, prepared << layout.SLOT_BITS),
        (layout.IDENTIFIERS, identifiers),
        (layout.EVENTS, min(prepared, layout.MOST_EVENTS) * layout.EVENT_BYTES),
    ):
        # Huge pages spare orders at random a look-up of where their page is; a system without them does as well.
        with suppress(OSError):
            block.madvise(mmap.MADV_HUGEPAGE, start, size)
        words[start >> 3 : (start + size) >> 3 : layout.PAGE >> 3] = 0
