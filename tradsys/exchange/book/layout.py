"""Where everything is in a book's block of memory, in bytes.

The block is address space, not memory: a page takes memory when first written, so each pool has the room it may ever
need at a fixed distance from the start, and grows without a copy and without a pause.

    header · instruments · orders · details · price levels · tree nodes · identifier pages · events

Slots, levels and nodes are numbered from 1; 0 is none.
"""

from __future__ import annotations

from tradsys.core.matching import MAX_PRICE, MAX_QUANTITY, BookPhase, Kind, TimeInForce

PAGE = 4096
MOST_INSTRUMENTS = 2**16 - 1
MOST_ORDERS = 2**23
MOST_EVENTS = 2**24
HIGHEST_PRICE = int(MAX_PRICE)
LARGEST_QUANTITY = int(MAX_QUANTITY)

# Header.
ARRIVALS, LIVE, FREE_SLOT, SLOTS, EVENT_COUNT, COMMANDS, TRADES, VOLUME = range(0, 64, 8)
DEPTH, PAGES, FREE_LEAF, LEAVES, FREE_NODE, NODES, INSTRUMENT_COUNT, FIRST_PRICE = range(64, 128, 8)
LINE_HEAD, LINE_TAIL, EVENTS_LOST, STOPPED, PATH = range(128, 168, 8)
COMMAND, OUTCOME, TAKER, PLAIN, AHEAD = 256, 384, 448, 576, 1024
SCRATCH_PAGE = PAGE

# A command; `PLAIN_BYTES` of it are enough for limit and market orders of nobody's account.
ACTION, SIDE, KIND, VALIDITY, FLAGS, INSTRUMENT = 0, 1, 2, 3, 4, 6
ORDER_ID, PRICE, QUANTITY, ACCOUNT, TRIGGER, TRAIL, DISPLAY, EXPIRES_AT, AT = range(8, 80, 8)
PLAIN_BYTES, COMMAND_BYTES = 32, 80

# An outcome.
STATUS, REASON, FILLED, OPEN, OUTCOME_BYTES = 0, 1, 8, 16, 24

# An event.
EVENT_KIND, EVENT_SIDE, EVENT_REASON, EVENT_INSTRUMENT = 0, 1, 2, 4
EVENT_COMMAND, EVENT_ORDER, EVENT_OTHER, EVENT_PRICE, EVENT_QUANTITY, EVENT_BYTES = range(8, 56, 8)

# An instrument: its state, then bids, asks, waiting buys and waiting sells, then trailing buys and sells.
SPECIAL, PHASE, LAST, LOW, HIGH, WAITING, EARLIEST, NUMBER = range(0, 64, 8)
SIDES, SIDE_BYTES = 64, 128
BEST, BEST_LEVEL, ROOT, RECENT = 0, 8, 16, 24
TRAILING, TRAILING_BYTES = 576, 32
TRAILING_HEAD, TRAILING_TAIL, TRAILING_BOUND = 0, 8, 16
INSTRUMENT_BYTES = 640
RECENT_LEAVES = 8

# An order, one cache line; what few orders need is in its details, which `EXTENDED` among the flags announces.
SLOT_ID, SHOWN, NEXT, PREVIOUS, KEY, LEVEL = 0, 8, 16, 20, 24, 28
SLOT_SIDE, SLOT_KIND, SLOT_VALIDITY, SLOT_FLAGS, SLOT_INSTRUMENT = 32, 33, 34, 35, 36
ARRIVAL, OWNER, HIDDEN = 40, 48, 56
SLOT_DISPLAY, SLOT_EXPIRES, SLOT_TRAIL, SLOT_LIMIT, TRAILING_NEXT, TRAILING_PREVIOUS = range(0, 48, 8)
SLOT_BITS = 6
EXTENDED = 128

# A price level; 64 of them are a leaf of the tree of prices, whose upper nodes have 64 children each.
HEAD, TAIL, LEVEL_SHOWN, LEVEL_HIDDEN, LEVEL_COUNT = 0, 4, 8, 16, 24
LEVEL_BITS, LEAF_BITS = 5, 6
ROOT_SHIFT = 24
NODE_BYTES = 8 + 64 * 4

# A page of identifiers: buckets of eight hashes and their eight slots.
IN_BUCKET, BUCKET_SLOTS, BUCKET_BITS = 8, 32, 6
BUCKETS, PAGE_BITS = 32, 11
FULL_PAGE, DEEPEST = 144, 20
MOST_PAGES = 2**DEEPEST


_MOST_LEAVES = MOST_ORDERS + 2 * MOST_INSTRUMENTS // 64 + 2
_MOST_NODES = 4 * (MOST_ORDERS + MOST_INSTRUMENTS) + 1


def _after(start: int, size: int) -> int:
    """The first page after a pool."""
    return start + -(-size // PAGE) * PAGE


INSTRUMENTS = 2 * PAGE
ORDERS = _after(INSTRUMENTS, MOST_INSTRUMENTS * INSTRUMENT_BYTES)
DETAILS = _after(ORDERS, (MOST_ORDERS + 1) << SLOT_BITS)
LEVELS = _after(DETAILS, (MOST_ORDERS + 1) << SLOT_BITS)
LEAF_WORDS = _after(LEVELS, _MOST_LEAVES << (LEAF_BITS + LEVEL_BITS))
TREE = _after(LEAF_WORDS, _MOST_LEAVES * 8)
DIRECTORY = _after(TREE, _MOST_NODES * NODE_BYTES)
PAGE_DEPTHS = _after(DIRECTORY, MOST_PAGES * 4)
IDENTIFIERS = _after(PAGE_DEPTHS, MOST_PAGES * 4)
EVENTS = _after(IDENTIFIERS, MOST_PAGES << PAGE_BITS)
BLOCK_BYTES = _after(EVENTS, MOST_EVENTS * EVENT_BYTES)

# Numba takes plain numbers from a module, not members of an enumeration.
LIMIT, MARKET, PROTECTED, STOP, STOP_LIMIT, TRAILING_STOP = (int(kind) for kind in Kind)
DAY, GTC, GTD, IOC, FOK = (int(validity) for validity in TimeInForce)
CONTINUOUS, AUCTION, AUCTION_LIMIT, HALTED, CLOSED = (int(phase) for phase in BookPhase)
