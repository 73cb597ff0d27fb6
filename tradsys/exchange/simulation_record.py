"""What a simulated day leaves: every order-level event, every trade, the depth at regular instants; as columns."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tradsys.core.matching import Action, BookEvent, BookEventKind, Command, Outcome

Columns = dict[str, NDArray[np.int64]]

EVENTS = (*(action.name.lower() for action in Action), "triggered", "cancelled", "expired", "decremented")
"""Names of order-level events by number: a command by its action, then what befell an order by another's doing."""

_REMOVALS = {
    int(BookEventKind.TRIGGERED): EVENTS.index("triggered"),
    int(BookEventKind.CANCELLED): EVENTS.index("cancelled"),
    int(BookEventKind.EXPIRED): EVENTS.index("expired"),
    int(BookEventKind.DECREMENTED): EVENTS.index("decremented"),
}

ORDER_COLUMNS = (
    "at", "command", "event", "phase", "order_id", "account", "side", "kind", "validity", "flags", "price", "quantity",
    "trigger", "trail", "display", "expires_at", "status", "reason", "filled", "open",
)  # fmt: skip
TRADE_COLUMNS = ("at", "command", "side", "price", "quantity", "taker_id", "maker_id", "taker", "maker")


class SimulationRecord:
    """Rows of a day in ticks, lots and UTC nanoseconds, appended as they happen. `complete` is False for a day that was
    interrupted. `names` says who has which account.

    Depth rows: `at`, then price and quantity of each bid level, best first, then of each ask level; 0 where none is.
    """

    def __init__(self, *, depth_levels: int, names: Mapping[int, str]) -> None:
        self.complete = False
        self.names = dict(names)
        self.depth_levels = depth_levels
        self._orders = array("q")
        self._trades = array("q")
        self._depth = array("q")

    def command(self, *, at: int, number: int, phase: int, command: Command, outcome: Outcome) -> None:
        """A command that reached the book, and its outcome; `phase` is the one it leaves the book in."""
        (
            action,
            order_id,
            side,
            price,
            quantity,
            kind,
            validity,
            flags,
            _,
            account,
            trigger,
            trail,
            display,
            until,
            _,
        ) = command
        self._orders.extend(
            (at, number, action, phase, order_id, account, side, kind, validity, flags, price, quantity, trigger, trail,
             display, until, *outcome)
        )  # fmt: skip

    def removal(self, *, at: int, number: int, phase: int, event: BookEvent, account: int) -> None:
        """Something that happened to an order by another command than its own."""
        what = _REMOVALS[event.kind]
        self._orders.extend(
            (at, number, what, phase, event.order_id, account, event.side, 0, 0, 0, event.price, event.quantity, 0, 0,
             0, 0, 0, event.reason, 0, 0)
        )  # fmt: skip

    def trade(self, *, at: int, number: int, event: BookEvent, taker: int, maker: int) -> None:
        """A trade with the accounts of both sides; `side` is the taker's."""
        self._trades.extend(
            (at, number, event.side, event.price, event.quantity, event.order_id, event.other_id, taker, maker)
        )

    def depth(self, at: int, *, bids: Sequence[tuple[int, int, int]], asks: Sequence[tuple[int, int, int]]) -> None:
        """The best levels of both sides."""
        row = [at] + [0] * (4 * self.depth_levels)
        for start, levels in ((1, bids), (1 + 2 * self.depth_levels, asks)):
            for number, (price, quantity, _) in enumerate(levels):
                row[start + 2 * number] = price
                row[start + 2 * number + 1] = quantity
        self._depth.extend(row)

    @property
    def messages(self) -> int:
        """Order-level events so far."""
        return len(self._orders) // len(ORDER_COLUMNS)

    def orders(self) -> Columns:
        """Order-level events: `ORDER_COLUMNS`, int64 each."""
        return _columns(self._orders, ORDER_COLUMNS)

    def trades(self) -> Columns:
        """Trades: `TRADE_COLUMNS`, int64 each."""
        return _columns(self._trades, TRADE_COLUMNS)

    def depths(self) -> Columns:
        """Depth: `at`, `bid_price_1`, `bid_quantity_1`, … `ask_price_1`, `ask_quantity_1`, …; int64 each."""
        return _columns(self._depth, depth_columns(self.depth_levels))


def depth_columns(levels: int) -> tuple[str, ...]:
    """Names of the columns of depth."""
    sides = [f"{side}_{what}_{n}" for side in ("bid", "ask") for n in range(1, levels + 1) for what in _WHAT]
    return ("at", *sides)


_WHAT = ("price", "quantity")


def _columns(rows: array[int], names: tuple[str, ...]) -> Columns:
    table = np.frombuffer(rows, dtype=np.int64).reshape(-1, len(names)) if rows else np.empty((0, len(names)), np.int64)
    return {name: np.ascontiguousarray(table[:, number]) for number, name in enumerate(names)}
