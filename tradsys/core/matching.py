"""The vocabulary of matching: what the compiled book and the reference book have in common, and all they have.

`docs/matching.md` gives the rules. Prices are whole ticks, quantities whole steps.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, Protocol

MAX_PRICE = 2**31 - 1
MAX_QUANTITY = 2**40

HASH_START = 14695981039346656037
HASH_FACTOR = 1099511628211


class Action(IntEnum):
    """What a command asks for."""

    NEW = 0
    CANCEL = 1
    REDUCE = 2
    REPLACE = 3
    CANCEL_ALL = 4
    SET_PHASE = 5
    SET_BAND = 6
    UNCROSS = 7
    TIME = 8
    END_DAY = 9


class BookSide(IntEnum):
    """Index of a side."""

    BUY = 0
    SELL = 1


class Kind(IntEnum):
    """Kinds of orders."""

    LIMIT = 0
    MARKET = 1
    PROTECTED = 2
    STOP = 3
    STOP_LIMIT = 4
    TRAILING = 5


class TimeInForce(IntEnum):
    """How long an order lives."""

    DAY = 0
    GTC = 1
    GTD = 2
    IOC = 3
    FOK = 4


class SelfTrade(IntEnum):
    """What happens when a taker meets an order of its own account."""

    ALLOW = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3
    DECREMENT = 4


POST_ONLY = 8
"""Flag; the lower three bits of `flags` hold the `SelfTrade` rule."""


class BookPhase(IntEnum):
    """What an instrument's book does with orders."""

    CONTINUOUS = 0
    AUCTION = 1
    AUCTION_LIMIT = 2
    HALTED = 3
    CLOSED = 4


class Status(IntEnum):
    """What became of a command."""

    OPEN = 0
    WAITING = 1
    FILLED = 2
    CANCELLED = 3
    REJECTED = 4
    DONE = 5


class Reason(IntEnum):
    """Why: the rule behind a rejection or a removal."""

    NONE = 0
    UNKNOWN_INSTRUMENT = 1
    UNKNOWN_ORDER = 2
    DUPLICATE_ORDER = 3
    CLOSED = 4
    HALTED = 5
    BAD_QUANTITY = 6
    BAD_COMBINATION = 7
    BAD_PRICE = 8
    BAD_DISPLAY = 9
    OUTSIDE_BAND = 10
    ALREADY_EXPIRED = 11
    NOT_IN_AUCTION = 12
    MARKET_FROZEN = 13
    NO_REFERENCE = 14
    WOULD_TRADE = 15
    CROSSED = 16
    DROPPED = 17
    SELF_TRADE = 18
    NOT_FILLED_WHOLE = 19
    CANCEL_ALL = 20
    EXPIRED = 21


class BookEventKind(IntEnum):
    """What happened besides the outcome of a command."""

    TRADE = 0
    TRIGGERED = 1
    CANCELLED = 2
    EXPIRED = 3
    DECREMENTED = 4


class Command(NamedTuple):
    """One request to a book. `at` and `expires_at` UTC nanoseconds; `account` 0 is nobody's."""

    action: int
    order_id: int = 0
    side: int = 0
    price: int = 0
    quantity: int = 0
    kind: int = 0
    time_in_force: int = 0
    flags: int = 0
    instrument: int = 0
    account: int = 0
    trigger: int = 0
    trail: int = 0
    display: int = 0
    expires_at: int = 0
    at: int = 0


class Outcome(NamedTuple):
    """What became of a command: quantity its order traded in it, and has open after it."""

    status: int
    reason: int = 0
    filled: int = 0
    open: int = 0


class BookEvent(NamedTuple):
    """A trade, or something that happened to another order. `order_id` is the taker's (or the order removed),
    `other_id` the maker's; `side` is that of `order_id`; `command` counts the commands of the book from 0."""

    kind: int
    command: int
    instrument: int
    side: int
    order_id: int
    other_id: int
    price: int
    quantity: int
    reason: int = 0


class Resting(NamedTuple):
    """One live order as a book shows it, resting or waiting."""

    order_id: int
    account: int
    side: int
    kind: int
    time_in_force: int
    flags: int
    price: int
    trigger: int
    trail: int
    shown: int
    hidden: int
    display: int
    expires_at: int
    arrival: int


class MatchingBook(Protocol):
    """What both books do. Built with the number of instruments."""

    def submit(self, command: Command) -> tuple[Outcome, list[BookEvent]]:
        """One command, its outcome and its events."""

    def best(self, instrument: int) -> tuple[int, int, int, int]:
        """Best bid price, quantity shown there, best ask price, quantity shown there; 0 where there is none.
        Market orders of an auction are not counted."""

    def levels(self, instrument: int, side: BookSide, *, count: int) -> list[tuple[int, int, int]]:
        """Price, quantity shown and number of orders of the best levels."""

    def orders(self, instrument: int) -> list[Resting]:
        """Every live order, in the order of sweeping events."""

    def state_hash(self) -> int:
        """Hash of the whole state (`docs/matching.md`)."""
