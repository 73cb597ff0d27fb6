"""The compiled book: price-time priority by `docs/matching.md` for many instruments, behind one class."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import ConfigError, DataError, ResourceError
from tradsys.core.matching import (
    Action,
    BookEvent,
    BookSide,
    Command,
    Kind,
    Outcome,
    Resting,
    Status,
    TimeInForce,
)
from tradsys.exchange.book import layout
from tradsys.exchange.book.block import reserved
from tradsys.exchange.book.commands import apply
from tradsys.exchange.book.exact import exact_entry_point
from tradsys.exchange.book.messages import cancel_message, limit_message, market_message
from tradsys.exchange.book.rows import (
    ANSWER_BYTES,
    COMMAND,
    EVENT,
    EVENT_BYTES,
    OUTCOME,
    PLAIN_COMMAND,
    write,
)
from tradsys.exchange.book.views import best_prices, list_levels, list_orders, state_hash
from tradsys.numerics.compilation import entry_point

Rows = npt.NDArray[np.void]

# Bound once: a name of another module is looked up twice.
_COMMAND, _ANSWER = layout.COMMAND, layout.EVENT_COUNT
_answer = ANSWER_BYTES.unpack_from
# `Outcome._make` without its look at the length.
_outcome: Callable[[tuple[int, int, int, int]], Outcome] = partial(tuple.__new__, Outcome)
_RESTING_FIELDS = len(Resting._fields)


class Book:
    """A price-time-priority book over `instruments` instruments, numbered from 0.

    Memory is taken as it is used, without copies; `prepared` orders' worth is taken at once, for callers who mind the
    first touch of a page. At most 8,388,608 orders are live at a time.

    Raises `ConfigError` for a number of instruments or prepared orders out of range. Every command afterwards gets an
    outcome, but for one order more than fits: `ResourceError`, and nothing is changed.
    """

    def __init__(self, instruments: int = 1, *, prepared: int = 0) -> None:
        if not 1 <= instruments <= layout.MOST_INSTRUMENTS:
            raise ConfigError("number of instruments", value=instruments, limit=f"1 to {layout.MOST_INSTRUMENTS}")
        if not 0 <= prepared <= layout.MOST_ORDERS:
            raise ConfigError("number of prepared orders", value=prepared, limit=f"0 to {layout.MOST_ORDERS}")
        self.instruments = instruments
        self._block, self._words = reserved(instruments, prepared=prepared)
        self._base = base = int(self._words.ctypes.data)
        # The machine code of single commands is loaded here, so that no first order waits for it.
        self._apply_rows: Callable[..., int] = entry_point(apply, 0, 0, 0, 0, 0)
        self._cancel = exact_entry_point(cancel_message, arguments=2)
        self._one = (base, base + layout.COMMAND, layout.COMMAND_BYTES, 1, base + layout.OUTCOME)

    def submit(self, command: Command) -> tuple[Outcome, list[BookEvent]]:
        """One command, its outcome and its events.

        Raises `DataError` for an order or account identifier beyond 64 bits.
        """
        block = self._block
        write(command, block, _COMMAND)
        if self._apply_rows(*self._one) == 0:
            raise _full()
        count, lost, status, reason, filled, left = _answer(block, _ANSWER)
        # Most commands have no event: that is seen here, without a call.
        return _outcome((status, reason, filled, left)), self.events() if count or lost else []

    def apply(self, commands: Rows, *, outcomes: Rows | None = None) -> tuple[Rows, Rows]:
        """Many commands: rows of `COMMAND` or `PLAIN_COMMAND` in; rows of `OUTCOME` and `EVENT` out, in order.

        Outcomes go into `outcomes` where given. The events are a view of the book's memory, good until its next
        command.
        Raises `DataError` for rows of another type or number, and `ResourceError` (what came before is done) where an
        order finds no room.
        """
        outcomes = np.empty(len(commands), OUTCOME) if outcomes is None else outcomes
        _check(commands, outcomes)
        done = self._apply(commands, outcomes)
        if done == len(commands):
            return outcomes, self._event_rows()
        parts = [self._event_rows().copy()]
        while done < len(commands):
            more = self._apply(commands[done:], outcomes[done:])
            if more == 0:
                raise _full()
            parts.append(self._event_rows().copy())
            done += more
        return outcomes, np.concatenate(parts)

    def _apply(self, commands: Rows, outcomes: Rows) -> int:
        width = commands.dtype.itemsize
        done = self._apply_rows(self._base, commands.ctypes.data, width, len(commands), outcomes.ctypes.data)
        self._check_events()
        return done

    def limit(self, order_id: int, *, side: int, price: int, quantity: int, instrument: int = 0) -> int:
        """A good-till-cancelled limit order of nobody's account: quantity open afterwards, or minus the `Reason`."""
        try:
            left = _limit_code()(self._base, order_id, side, price, quantity, instrument)
        except OverflowError:
            left = -1
        if left >= 0:
            return left
        command = Command(Action.NEW, order_id, side, price, quantity, time_in_force=TimeInForce.GTC)
        outcome, _ = self.submit(command._replace(instrument=instrument))
        return outcome.open if outcome.status != Status.REJECTED else -outcome.reason

    def market(self, order_id: int, *, side: int, quantity: int, instrument: int = 0) -> int:
        """A market order of nobody's account: the quantity traded, or minus the `Reason` why it was not taken."""
        try:
            left = _market_code()(self._base, order_id, side, quantity, instrument)
        except OverflowError:
            left = -1
        if left >= 0:
            return quantity - left
        command = Command(Action.NEW, order_id, side, 0, quantity, Kind.MARKET, TimeInForce.GTC)
        outcome, _ = self.submit(command._replace(instrument=instrument))
        return outcome.filled if outcome.status != Status.REJECTED else -outcome.reason

    def cancel(self, order_id: int) -> int:
        """Take out an order: 0, or minus the `Reason` why not."""
        try:
            left = self._cancel(self._base, order_id)
        except OverflowError:
            left = -1
        return 0 if left >= 0 else -self.submit(Command(Action.CANCEL, order_id))[0].reason

    def events(self) -> list[BookEvent]:
        """Events of the last command."""
        count, lost, *_ = _answer(self._block, _ANSWER)
        if lost:
            self._check_events()
        rows = self._block[layout.EVENTS : layout.EVENTS + count * layout.EVENT_BYTES]
        return [
            BookEvent(kind, command, instrument, side, taker, maker, price, quantity, reason)
            for kind, side, reason, instrument, command, taker, maker, price, quantity in EVENT_BYTES.iter_unpack(rows)
        ]

    def _event_rows(self) -> Rows:
        count = int(self._words[layout.EVENT_COUNT >> 3])
        rows: Rows = np.frombuffer(self._block, EVENT, count, layout.EVENTS) if count else np.empty(0, EVENT)
        rows.flags.writeable = False
        return rows

    def _check_events(self) -> None:
        lost = int(self._words[layout.EVENTS_LOST >> 3])
        if lost:
            self._words[layout.EVENTS_LOST >> 3] = 0
            raise ResourceError("one command had more events than fit", value=lost, limit=layout.MOST_EVENTS)

    @property
    def live_orders(self) -> int:
        """Number of orders that rest or wait, in all instruments."""
        return int(self._words[layout.LIVE >> 3])

    @property
    def traded(self) -> tuple[int, int]:
        """Number of trades so far, and quantity traded."""
        return int(self._words[layout.TRADES >> 3]), int(self._words[layout.VOLUME >> 3])

    def best(self, instrument: int = 0) -> tuple[int, int, int, int]:
        """Best bid price, quantity shown there, best ask price, quantity shown there; 0 where there is none.

        Market orders of an auction are not counted.
        """
        bid, bid_shown, ask, ask_shown = best_prices(self._base, self._known(instrument))
        return bid, bid_shown, ask, ask_shown

    def levels(self, instrument: int, side: BookSide, *, count: int) -> list[tuple[int, int, int]]:
        """Price, quantity shown and number of orders of the best levels, at most `count`."""
        rows = np.empty((min(count, self.live_orders), 3), np.int64)
        number = list_levels(self._base, self._known(instrument), int(side), len(rows), rows.ctypes.data)
        return [(price, shown, orders) for price, shown, orders in rows[:number].tolist()]

    def orders(self, instrument: int = 0) -> list[Resting]:
        """Every live order, in the order of sweeping events."""
        rows = self._room()
        number = list_orders(self._base, self._known(instrument), rows.ctypes.data)
        return [Resting(*row) for row in rows[:number].tolist()]

    def state_hash(self) -> int:
        """Hash of the whole state (`docs/matching.md`); takes time with every order."""
        rows = self._room()
        return int(state_hash(self._base, rows.ctypes.data)) % 2**64

    def _room(self) -> npt.NDArray[np.int64]:
        return np.empty((self.live_orders, _RESTING_FIELDS), np.int64)

    def _known(self, instrument: int) -> int:
        if not 0 <= instrument < self.instruments:
            raise DataError("instrument", value=instrument, limit=f"0 to {self.instruments - 1}")
        return instrument


@cache
def _limit_code() -> Callable[[int, int, int, int, int, int], int]:
    return exact_entry_point(limit_message, arguments=6)


@cache
def _market_code() -> Callable[[int, int, int, int, int], int]:
    return exact_entry_point(market_message, arguments=5)


def _full() -> ResourceError:
    return ResourceError("the book is full", limit=layout.MOST_ORDERS, fix="cancel orders that are far from the market")


def _check(commands: Rows, outcomes: Rows) -> None:
    if commands.dtype not in (COMMAND, PLAIN_COMMAND) or not commands.flags.c_contiguous or commands.ndim != 1:
        raise DataError(
            "commands of another shape", value=str(commands.dtype), limit="rows of COMMAND or PLAIN_COMMAND"
        )
    if outcomes.dtype != OUTCOME or not outcomes.flags.c_contiguous or outcomes.shape != commands.shape:
        raise DataError(
            "outcomes of another shape", value=str(outcomes.dtype), limit="a row of OUTCOME for each command"
        )
