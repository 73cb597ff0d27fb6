"""Thousands of orders against recorded markets: none receives more than what was traded or shown at its place."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from tests.captures import binance_spot, lobster
from tests.recorded import Trader
from tradsys.core.events import Depth, Fill
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE, from_float
from tradsys.exchange.queue_models import FirstInFirstOut, Logarithm, Power, Proportional, QueueModel, RiskAverse
from tradsys.exchange.recorded_events import ChangeKind, OrderChange, Trade
from tradsys.exchange.recorded_models import RecordedModels


def instrument(name: str, *, lot: int) -> Instrument:
    ticks, lots = (DatedStep(0, SCALE // 100),), (DatedStep(0, lot),)
    return Instrument(id=name, exchange="X", symbol=name, segment=Segment.CRYPTO_PERPETUAL, ticks=ticks, lots=lots)


BITCOIN, APPLE = instrument("BTC", lot=1000), instrument("AAPL", lot=SCALE)


class Book:
    """The book and the prints as they were recorded, kept apart from the venue, in 1e-8."""

    def __init__(self) -> None:
        self.levels: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.ahead: dict[int, int] = {}
        self.orders: dict[int, tuple[int, int]] = {}

    def place(self, number: int, *, side: int, price: int) -> None:
        """An order joins the queue behind all that is shown."""
        self.orders[number] = (side, price)
        self.ahead[number] = self.levels[side].get(price, 0)

    def take_in(self, event: Depth | Trade) -> None:
        """Bring levels, and what can at most be ahead of each order, up to date."""
        if isinstance(event, Depth):
            for side, said in ((1, event.bids), (-1, event.asks)):
                if event.snapshot:
                    self.levels[side] = {}
                for price, quantity in said:
                    if quantity:
                        self.levels[side][from_float(price)] = from_float(quantity)
                    else:
                        self.levels[side].pop(from_float(price), None)
            for number, (side, price) in self.orders.items():
                self.ahead[number] = min(self.ahead[number], self.levels[side].get(price, 0))
            return
        for number, (side, price) in self.orders.items():
            if event.aggressor == -side:
                beyond = (price - from_float(event.price)) * side
                if beyond >= 0:
                    self.ahead[number] = 0 if beyond else max(self.ahead[number] - from_float(event.quantity), 0)

    def crossing(self, side: int, price: int) -> int:
        """What the other side shows at a price or better."""
        return sum(q for level, q in self.levels[-side].items() if (price - level) * side >= 0)


@pytest.mark.parametrize(
    ("queue", "lines"),
    [(RiskAverse(), 41_249), (Proportional(Power(2.0)), 8_000), (Proportional(Logarithm()), 8_000)],
    ids=repr,
)
def test_bitcoin_depth_and_trades(queue: QueueModel, lines: int, shared_data: Path) -> None:
    """After every event: fills of a trade add up to no more than it, fills of a book to no more than it shows; in the
    risk-averse model a trade reaches an order only for what is beyond the queue ahead."""
    trader, book = Trader(RecordedModels(queue=queue), instrument=BITCOIN), Book()
    placed = filled = 0
    for count, event in enumerate(binance_spot(shared_data, name=BITCOIN.id, lines=lines)):
        before = dict(book.ahead)
        fills = [each for each in trader.see(event) if type(each) is Fill]
        book.take_in(event)
        filled += len(fills)
        total = sum(fill.quantity for fill in fills)
        if isinstance(event, Trade):
            assert total <= from_float(event.quantity)
            for fill in fills:
                side, price = book.orders[fill.order_id]
                assert (price - from_float(event.price)) * side >= 0
                if isinstance(queue, RiskAverse) and price == from_float(event.price):
                    assert fill.quantity <= from_float(event.quantity) - before[fill.order_id]
        else:
            for side in (1, -1):
                ours = [fill for fill in fills if fill.side == side]
                if ours:
                    worst = max(fill.price * side for fill in ours) * side
                    assert sum(fill.quantity for fill in ours) <= book.crossing(side, worst)
        if book.levels[1] and book.levels[-1] and count % 2:
            placed += 1
            side = 1 if placed % 2 else -1
            best = max(book.levels[1]) if side > 0 else min(book.levels[-1])
            price = best - side * (placed % 4) * SCALE // 100
            number = trader.send(side, 0.002 * (1 + placed % 7), at=event.at, limit=price / SCALE)
            book.place(number, side=side, price=price)
            trader.cancel(number - 40, at=event.at)
            book.orders.pop(number - 40, None)
    assert placed > lines / 10
    assert filled > placed / 4


def taken_by(number: int, events: list[OrderChange | Trade]) -> list[tuple[int, float]]:
    """When an order of the record traded, and how much."""
    return [
        (each.at, each.quantity)
        for each in events
        if isinstance(each, OrderChange) and each.kind == ChangeKind.EXECUTE and each.number == number
    ]


def test_apple_order_by_order_is_exact(shared_data: Path) -> None:
    """An order of ours just ahead of a recorded one trades first: whatever reaches that one reaches ours by then; the
    risk-averse model gives no more than the exact one."""
    events = list(lobster(shared_data, name=APPLE.id))
    executed = {each.number for each in events if isinstance(each, OrderChange) and each.kind == ChangeKind.EXECUTE}
    twins = [
        (place, each)
        for place, each in enumerate(events)
        if isinstance(each, OrderChange) and each.kind == ChangeKind.ADD and each.at and each.number in executed
    ]
    assert len(twins) > 30
    for place, twin in twins:
        received: dict[type, dict[int, float]] = {}
        for queue in (FirstInFirstOut(), RiskAverse()):
            trader = Trader(RecordedModels(queue=queue), instrument=APPLE)
            trader.see(*events[:place])
            at = events[place - 1].at if place else 0
            trader.send(twin.side, twin.quantity, at=at, limit=twin.price)
            trader.see(*events[place:])
            amounts: dict[int, float] = defaultdict(float)
            for fill in trader.heard:
                if type(fill) is Fill:
                    amounts[fill.exchange_at] += fill.quantity / SCALE
            received[type(queue)] = dict(amounts)
        exact, careful = received[FirstInFirstOut], received[RiskAverse]
        for instant, _ in taken_by(twin.number, events):
            until = sum(quantity for at, quantity in exact.items() if at <= instant)
            theirs = sum(quantity for at, quantity in taken_by(twin.number, events) if at <= instant)
            assert until >= theirs
        assert sum(careful.values()) <= sum(exact.values()) <= twin.quantity


def test_apple_nothing_is_reached_over_the_heads_of_others(shared_data: Path) -> None:
    """Every order of the record that was in the book, at our price and ahead of us, is gone or done before we trade
    passively at that price."""
    events = list(lobster(shared_data, name=APPLE.id))
    checked = 0
    for place in range(60, len(events) - 1, 9):
        trader = Trader(RecordedModels(queue=FirstInFirstOut()), instrument=APPLE)
        trader.see(*events[:place])
        ladder = trader.venue._desks[APPLE.id].ladders[1]
        key = ladder.keys[-1]
        ahead = {number for number, (level, _, _) in ladder.orders.items() if level == key}
        trader.send(1, 50, at=events[place - 1].at, limit=key / SCALE)
        for event in events[place:]:
            heard = [each for each in trader.see(event) if type(each) is Fill]
            at_price = isinstance(event, OrderChange) and event.kind == ChangeKind.EXECUTE
            if heard and at_price and from_float(event.price) == key:
                assert not ahead & set(ladder.orders)
                checked += 1
    assert checked >= 3


def test_times_of_the_captures_ascend(shared_data: Path) -> None:
    for events in (binance_spot(shared_data, name="B", lines=2000), lobster(shared_data, name="A")):
        assert all(earlier.at <= later.at for earlier, later in pairwise(events))
