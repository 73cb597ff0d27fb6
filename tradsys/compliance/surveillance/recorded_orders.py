"""Recorded order-level data as events. It names no accounts: who sent an order is inferred, or left open."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple, Protocol

from tradsys.compliance.surveillance.events import AnyEvent, Cancelled, Changed, Entered, Traded
from tradsys.core.units import MILLISECOND


class Seen(IntEnum):
    """What a record says of an order: it joins the book, is made smaller, leaves, is executed, has another price and
    quantity from now on; or of none: a trade with an order that the book does not show."""

    ADD = 1
    REDUCE = 2
    DELETE = 3
    EXECUTE = 4
    HIDDEN = 5
    CHANGE = 6


class SeenOrder(NamedTuple):
    """One record: UTC nanoseconds, the order's number, its side (+1, -1), price and quantity in 1e-8."""

    at: int
    seen: int
    number: int
    side: int
    price: int
    quantity: int


class Attribution(Protocol):
    """Says whose an order is."""

    def entered(self, record: SeenOrder) -> str:
        """The account of an order that joins."""

    def left(self, record: SeenOrder, account: str, *, open: int) -> None:
        """An order of an account was withdrawn with so much open."""


class StrategicRuns:
    """One account a strategic run: an order entered within 100 ms of the withdrawal of one of the same side and
    quantity is of the same trader; every other order begins a run of its own.

    Source: Hasbrouck and Saar, "Low-latency trading", Journal of Financial Markets 16 (2013), section 3.
    Not modelled: traders with several orders at once, who are taken for as many: `SplitAmong` errs the other way.
    """

    def __init__(self, *, within: int = 100 * MILLISECOND) -> None:
        self._within = within
        self._left: dict[tuple[int, int], deque[tuple[int, str]]] = {}
        self._runs = 0

    def entered(self, record: SeenOrder) -> str:
        """See `Attribution`."""
        waiting = self._left.get((record.side, record.quantity))
        while waiting and waiting[0][0] < record.at - self._within:
            waiting.popleft()
        if waiting:
            return waiting.popleft()[1]
        self._runs += 1
        return f"run-{self._runs}"

    def left(self, record: SeenOrder, account: str, *, open: int) -> None:
        """See `Attribution`."""
        self._left.setdefault((record.side, open), deque(maxlen=100)).append((record.at, account))


class SplitAmong:
    """So many accounts, each order given to one by its number: harsher than any market, as strangers' orders meet in
    one account. Account-against-account patterns (wash, circular) are meaningless under it."""

    def __init__(self, accounts: int) -> None:
        self._accounts = accounts

    def entered(self, record: SeenOrder) -> str:
        """See `Attribution`."""
        return f"account-{_mixed(record.number) % self._accounts}"

    def left(self, record: SeenOrder, account: str, *, open: int) -> None:
        """See `Attribution`."""


def _mixed(number: int) -> int:
    """A number whose low digits do not follow those of the order's."""
    mixed = (number ^ (number >> 31)) * 0x9E3779B97F4A7C15 & (2**64 - 1)
    return mixed >> 32


class _Order:
    __slots__ = ("account", "open", "price", "side")

    def __init__(self, account: str, side: int, price: int, quantity: int) -> None:
        self.account = account
        self.side = side
        self.price = price
        self.open = quantity


def events_of_records(records: Iterable[SeenOrder], instrument: str, attribution: Attribution) -> Iterator[AnyEvent]:
    """Records in order of time as events. Orders with a number below 0 (the book before the recording) are nobody's,
    and so is whoever takes. Records of orders never seen are passed over, but their executions are trades."""
    return _Records(instrument, attribution).events(records)


class _Records:
    def __init__(self, instrument: str, attribution: Attribution) -> None:
        self._instrument = instrument
        self._attribution = attribution
        self._orders: dict[int, _Order] = {}
        self._trades = 0

    def events(self, records: Iterable[SeenOrder]) -> Iterator[AnyEvent]:
        """All of them, one after the other."""
        for record in records:
            order = self._orders.get(record.number)
            if record.seen == Seen.ADD:
                yield self._entered(record)
            elif record.seen in (Seen.EXECUTE, Seen.HIDDEN):
                yield self._traded(record, order if record.seen == Seen.EXECUTE else None)
            elif order is not None:
                yield self._withdrawn(record, order)

    def _entered(self, record: SeenOrder) -> Entered:
        account = self._attribution.entered(record) if record.number >= 0 else ""
        self._orders[record.number] = _Order(account, record.side, record.price, record.quantity)
        return Entered(
            at=record.at,
            instrument=self._instrument,
            account=account,
            order_id=record.number,
            side=record.side,
            price=record.price,
            quantity=record.quantity,
        )

    def _withdrawn(self, record: SeenOrder, order: _Order) -> Cancelled | Changed:
        if record.seen == Seen.CHANGE:
            order.price, order.open = record.price, record.quantity
            return self._changed(record, order)
        left = order.open - record.quantity if record.seen == Seen.REDUCE else 0
        if left > 0:
            order.open = left
            return self._changed(record, order)
        del self._orders[record.number]
        if order.account:
            self._attribution.left(record, order.account, open=order.open)
        return Cancelled(at=record.at, instrument=self._instrument, account=order.account, order_id=record.number)

    def _changed(self, record: SeenOrder, order: _Order) -> Changed:
        return Changed(
            at=record.at,
            instrument=self._instrument,
            account=order.account,
            order_id=record.number,
            price=order.price,
            quantity=order.open,
        )

    def _traded(self, record: SeenOrder, order: _Order | None) -> Traded:
        self._trades += 1
        account, number = (order.account, record.number) if order is not None else ("", 0)
        if order is not None:
            order.open -= record.quantity
            if order.open <= 0:
                del self._orders[record.number]
        bought = record.side > 0
        return Traded(
            at=record.at,
            instrument=self._instrument,
            trade_id=self._trades,
            side=-record.side,
            price=record.price,
            quantity=record.quantity,
            buyer=account if bought else "",
            seller="" if bought else account,
            buy_order=number if bought else 0,
            sell_order=0 if bought else number,
        )
