"""Recorded order flow as a participant: what others once sent, sent again into a market that may answer otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from tradsys.core.errors import DataError
from tradsys.core.matching import Action, BookSide, Command, TimeInForce
from tradsys.core.units import SECOND
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.participant import NEVER, Notice, Request, View

_NEW, _CANCEL, _REDUCE, _REPLACE, _CANCEL_ALL = (
    int(Action.NEW), int(Action.CANCEL), int(Action.REDUCE), int(Action.REPLACE), int(Action.CANCEL_ALL),
)  # fmt: skip
_GTC, _IOC = int(TimeInForce.GTC), int(TimeInForce.IOC)


class FlowAction(IntEnum):
    """What a record says: an order added, made smaller by a quantity (by its owner or by a trade), given a new price
    and quantity; a trade, by the order that came in; the book cleared."""

    ADD = 0
    REDUCE = 1
    CHANGE = 2
    TRADE = 3
    CLEAR = 4


class RecordedOrder(NamedTuple):
    """One record: UTC nanoseconds, the feed's order number, side of the order (of the incoming one for a trade), ticks,
    lots."""

    at: int
    action: int
    order_id: int
    side: int
    price: int
    quantity: int


class _Order:
    """A recorded order: its number in the book, what the record has of it, what the book has left of it."""

    __slots__ = ("left", "order_id", "price", "recorded")

    def __init__(self, order_id: int, price: int, quantity: int) -> None:
        self.order_id = order_id
        self.price = price
        self.recorded = self.left = quantity


class RecordedOrders:
    """Sends what the records say when they say it; a trade is sent as the order that caused it (a limit, immediate or
    cancel). After each change an order has no more in the book than in the record: what a trade took from it is
    reported as a change too, and taken off only where the trade did not.

    `records` in order of time. Orders that the market has meanwhile filled are left alone.

    Not modelled: that the people behind the flow would have acted otherwise; icebergs of the recorded market. An order
    that the record says was filled leaves the book also where another's was filled in its place.
    """

    name = "recorded_orders"

    def __init__(self, account: int, records: Iterable[RecordedOrder]) -> None:
        self.account = account
        self._records = iter(records)
        self._next = next(self._records, None)
        self._orders: dict[int, _Order] = {}
        self._sent: dict[int, int] = {}

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`: the time of the next record."""
        return self._next.at if self._next else NEVER

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        """See `Participant`: every record that is due."""
        while self._next is not None and self._next.at <= view.at:
            record, self._next = self._next, next(self._records, None)
            for command in self._commands(record, view):
                yield Request(view.at, command._replace(account=self.account, at=view.at))

    def told(self, notice: Notice) -> None:
        """See `Participant`: what is left of an order."""
        recorded_id = self._sent.get(notice.order_id)
        if recorded_id is None:
            return
        self._orders[recorded_id].left = notice.open
        if not notice.open:
            del self._sent[notice.order_id], self._orders[recorded_id]

    def _commands(self, record: RecordedOrder, view: View) -> Iterator[Command]:
        match record.action:
            case FlowAction.ADD:
                yield self._add(record, view)
            case FlowAction.TRADE:
                yield Command(_NEW, view.new_id(), record.side, record.price, record.quantity, time_in_force=_IOC)
            case FlowAction.CLEAR:
                yield Command(_CANCEL_ALL)
            case _:
                order = self._orders.get(record.order_id)
                if order is not None:
                    yield from self._change(order, record, view)

    def _add(self, record: RecordedOrder, view: View) -> Command:
        order = self._orders[record.order_id] = _Order(view.new_id(), record.price, record.quantity)
        self._sent[order.order_id] = record.order_id
        return Command(_NEW, order.order_id, record.side, record.price, record.quantity, time_in_force=_GTC)

    def _change(self, order: _Order, record: RecordedOrder, view: View) -> Iterator[Command]:
        if record.action == FlowAction.REDUCE:
            yield from self._lower(order, record.side, order.recorded - record.quantity)
        elif record.price == order.price and record.quantity < order.recorded:
            yield from self._lower(order, record.side, record.quantity)
        elif record.price == order.price and record.quantity == order.left:
            # goes to the tail, which a `REPLACE` that changes nothing would not
            yield Command(_CANCEL, order.order_id, record.side)
            yield self._add(record, view)
        else:
            order.price, order.recorded, order.left = record.price, record.quantity, record.quantity
            yield Command(_REPLACE, order.order_id, record.side, record.price, record.quantity)

    def _lower(self, order: _Order, side: int, recorded: int) -> Iterator[Command]:
        """Bring what the book has down to what the record has."""
        order.recorded = recorded
        surplus = order.left - max(recorded, 0)
        if surplus >= order.left:
            yield Command(_CANCEL, order.order_id, side)
        elif surplus > 0:
            order.left -= surplus
            yield Command(_REDUCE, order.order_id, side, 0, surplus)


_CME_ACTIONS = {
    "A": FlowAction.ADD, "C": FlowAction.REDUCE, "M": FlowAction.CHANGE, "T": FlowAction.TRADE, "R": FlowAction.CLEAR,
}  # fmt: skip
_CME_SIDES = {"B": BookSide.BUY, "A": BookSide.SELL}


def cme_orders(lines: Iterable[str], *, tick: int) -> Iterator[RecordedOrder]:
    """Records of CME order-by-order data in Databento's columns: `i, ts_recv, ts_event, action, side, price_1e-9, size,
    order_id, flags, sequence`, a header first. `tick` in 1e-9 of the price unit. Trades without an aggressor (auctions)
    and fills (the changes that follow say the same) are left out. Raises `DataError` for a line that cannot be read.

    Source: Databento, "Market by order" schema, field and action definitions.
    """
    rows = iter(lines)
    next(rows, None)
    for number, line in enumerate(rows, 2):
        try:
            _, at, _, action, side, price, size, order_id, *_ = line.rstrip("\n").split(",")
            if action == "R":
                yield RecordedOrder(int(at), FlowAction.CLEAR, 0, 0, 0, 0)
            elif action != "F" and side in _CME_SIDES:
                units = _whole(int(price), tick)
                yield RecordedOrder(int(at), _CME_ACTIONS[action], int(order_id), _CME_SIDES[side], units, int(size))
        except (ValueError, KeyError) as error:
            raise _unreadable(number, line) from error


_LOBSTER_ACTIONS = {"1": FlowAction.ADD, "2": FlowAction.REDUCE, "3": FlowAction.REDUCE, "4": FlowAction.REDUCE}
_EXECUTION = "4"


def lobster_orders(messages: Iterable[str], *, opening: str, midnight: int, tick: int = 100) -> Iterator[RecordedOrder]:
    """Records of LOBSTER messages `time, type, order, size, price, direction` (price in 1e-4, `tick` too). `opening` is
    the first row of the order-book file, whose levels start the book as one order each; `midnight` the UTC nanoseconds
    of the day's start. The first message is part of the opening row. Executions of hidden orders, cross trades
    and halts are left out. A change to an order from before the recording goes to the opening order at its price.

    Raises `DataError` for a line that cannot be read. Source: LOBSTER, "Output structure".
    """
    known: set[int] = set()
    for number, line in enumerate(messages, 1):
        try:
            clock, kind, order_id, size, price, direction = line.rstrip("\n").split(",")
            seconds, _, fraction = clock.partition(".")
            at = midnight + int(seconds) * SECOND + int(fraction[:9].ljust(9, "0"))
            units, side = _whole(int(price), tick), BookSide.BUY if int(direction) > 0 else BookSide.SELL
            if number == 1:
                yield from _opening_orders(opening, at=at, tick=tick)
            elif kind in _LOBSTER_ACTIONS:
                action = _LOBSTER_ACTIONS[kind]
                if action == FlowAction.ADD:
                    known.add(int(order_id))
                named = int(order_id) if int(order_id) in known else -units
                if kind == _EXECUTION:
                    # the direction is the resting order's
                    yield RecordedOrder(at, FlowAction.TRADE, 0, BookSide(1 - side), units, int(size))
                yield RecordedOrder(at, action, named, side, units, int(size))
        except ValueError as error:
            raise _unreadable(number, line) from error


def _opening_orders(row: str, *, at: int, tick: int) -> Iterator[RecordedOrder]:
    """One order a level; its number is its price, negative."""
    values = [int(text) for text in row.rstrip("\n").split(",")]
    for start, side in ((0, BookSide.SELL), (2, BookSide.BUY)):
        for price, size in zip(values[start::4], values[start + 1 :: 4], strict=True):
            if size > 0:
                units = _whole(price, tick)
                yield RecordedOrder(at, FlowAction.ADD, -units, side, units, size)


def _whole(price: int, tick: int) -> int:
    units, rest = divmod(price, tick)
    if rest:
        raise ValueError(f"{price} is not on the tick {tick}")
    return units


def _unreadable(number: int, line: str) -> DataError:
    return DataError(f"line {number} cannot be read", value=line.strip()[:200], fix="check the file's format")
