"""Random recorded orders and random orders of ours in one book: nothing is lost, nothing is made."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import NAME
from tests.unit.exchange.test_book_venue import BookTrader
from tradsys.core.events import Cancelled, Expired, Fill, OrderType, Product, Rejected, Validity
from tradsys.core.matching import Action, TimeInForce
from tradsys.core.units import SCALE
from tradsys.exchange.book_venue import BookVenue
from tradsys.exchange.latency_models import ConstantLatency
from tradsys.exchange.order_flow import OURS
from tradsys.exchange.recorded_events import ChangeKind
from tradsys.exchange.recorded_models import RecordedModels

STEPS = 120


class Counting(BookTrader):
    """Remembers how much each of its orders was for."""

    def __init__(self, models: RecordedModels) -> None:
        super().__init__(models)
        self.asked: dict[int, int] = {}

    def send(self, side: int, quantity: float, **fields: Any) -> int:
        self.asked[self.sent + 1] = round(quantity) * SCALE
        return super().send(side, quantity, **fields)


def record_one(trader: BookTrader, random: np.random.Generator, known: dict[int, int], *, changes: bool) -> None:
    """A recorded order arrives, or one that is known shrinks, trades or goes: as changes, or as commands. `known`: what
    the record has of each."""
    kind, side = int(random.integers(0, 6)), 1 if random.integers(0, 2) else -1
    price, quantity = int(random.integers(9_990, 10_011)), int(random.integers(1, 9))
    if kind < 3 or not known:
        number = len(known) + 1
        known[number] = quantity
        if changes:
            # A feed's new order rests: it is away from where the other side begins.
            price = price - 11 if side > 0 else price + 11
            trader.say(ChangeKind.ADD, number, side, price / 100, quantity)
        else:
            validity = TimeInForce.IOC if kind == 2 else TimeInForce.GTC
            trader.do(Action.NEW, number, (1 - side) // 2, price, quantity, time_in_force=validity)
        return
    number = int(random.integers(1, len(known) + 1))
    if changes:
        known[number] = 0 if kind == 4 else max(known[number] - 1, 0)
        trader.say((ChangeKind.REDUCE, ChangeKind.DELETE, ChangeKind.EXECUTE)[kind - 3], number, side, price / 100, 1)
    else:
        trader.do((Action.REDUCE, Action.CANCEL, Action.REPLACE)[kind - 3], number, 0, price, quantity)


def trade_one(trader: BookTrader, random: np.random.Generator) -> None:
    """An order of ours of any kind, a bracket, or a withdrawal."""
    side, price = (1 if random.integers(0, 2) else -1), float(random.integers(9_985, 10_016)) / 100
    quantity, kind = float(random.integers(1, 9)), int(random.integers(0, 8))
    if kind == 0 and trader.sent:
        trader.cancel(int(random.integers(1, trader.sent + 1)), at=trader.now)
    elif kind == 1:
        trader.order(side, quantity)
    elif kind == 2:
        trader.order(side, quantity, limit=price, validity=Validity.IOC)
    elif kind == 3:
        trader.order(side, quantity, trigger=price, type=OrderType.STOP)
    elif kind == 4:
        trader.order(side, quantity, trigger=price, trail=0.05, type=OrderType.TRAILING)
    elif kind == 5:
        entry = trader.order(side, quantity, limit=price)
        exits = {"parent": entry, "group": entry}
        trader.order(-side, quantity, trigger=price - side * 0.03, type=OrderType.STOP, **exits)
        trader.order(-side, quantity, limit=price + side * 0.03, **exits)
    elif kind == 6:
        trader.order(side, quantity, limit=price, product=Product.CNC)
    else:
        trader.order(side, quantity, limit=price)


def check(trader: Counting) -> None:
    """What the venue says, what it holds and what its book holds of ours are one."""
    filled: dict[int, int] = defaultdict(int)
    ended: dict[int, int] = {}
    for event in trader.heard:
        if isinstance(event, Fill):
            assert event.order_id not in ended
            filled[event.order_id] += event.quantity
        elif isinstance(event, Cancelled | Expired):
            assert event.order_id not in ended
            ended[event.order_id] = event.remaining
        elif isinstance(event, Rejected):
            ended[event.order_id] = trader.asked[event.order_id]
    for number, remaining in ended.items():
        assert filled[number] + remaining == trader.asked[number]
    venue = trader.venue
    assert isinstance(venue, BookVenue)
    resting = {each.order_id - OURS: each.shown for each in venue.books[NAME].orders() if each.order_id >= OURS}
    assert resting == {number: live.remaining // SCALE for number, live in venue._orders.items()}
    assert not resting.keys() & ended.keys()
    assert trader.positions.get(("s", trader.instrument.id, Product.CNC), 0) >= 0
    bid, _, ask, _ = venue.books[NAME].best()
    assert not bid or not ask or bid < ask


@given(seed=st.integers(0, 2**32), changes=st.booleans(), slow=st.booleans())
def test_every_order_of_ours_is_accounted_for(seed: int, *, changes: bool, slow: bool) -> None:
    random = np.random.default_rng(seed)
    trader = Counting(RecordedModels(entry=ConstantLatency(2 if slow else 0)))
    known: dict[int, int] = {}
    for _ in range(STEPS):
        if random.integers(0, 3):
            record_one(trader, random, known, changes=changes)
        else:
            trade_one(trader, random)
        check(trader)
        if changes:
            book = {number: shown for number, _, shown in trader.queue() if number > 0}
            assert all(shown <= known[number] for number, shown in book.items())
    trader.hear(trader.venue.expire(at=trader.now + 10, exchange=trader.instrument.exchange))
    trader.finish()
    check(trader)
