"""CME's own fills, order by order: the first 20,000 records of ESH4 on 25 December 2023.

The feed tells each order that arrives, changes or leaves (`A`, `M`, `C`), each trade (`T`) and, after it, each order
was filled by it (`F`). A trade sent as an IOC order into the book built so far fills exactly those orders, save where
CME did what the feed shows too late: an auction, a hidden part, an order taken out so as not to meet its owner.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from tests.books import MakeBook, each_book
from tradsys.core.matching import Action, BookEventKind, BookPhase, Command, Reason, Status, TimeInForce

TICK = 250_000_000
SIDES = {"B": 0, "A": 1}

OPENING_AUCTION = {9650}
# Resting orders that had more than they showed, and the trades after one of them came back to its level.
ICEBERGS = {16794, 16797, 18284, 18332, 18360}
# The head of the queue is cancelled in the same instant without a fill.
SELF_MATCH_PREVENTION = {14914, 17883, 18971, 19125, 19157, 19295}

Row = dict[str, str]
Fill = tuple[int, int]


class Replay:
    """A book that follows the feed. It collects without trading, so that only the feed's trades trade."""

    def __init__(self, make_book: MakeBook) -> None:
        self.book = make_book(1)
        self.told: dict[int, tuple[int, int]] = {}
        self.phase(BookPhase.AUCTION)

    def phase(self, phase: BookPhase) -> None:
        outcome, events = self.book.submit(Command(Action.SET_PHASE, price=phase))
        assert (outcome.status, events) == (Status.DONE, [])

    def follow(self, row: Row) -> None:
        """Do what the feed tells of one order. What a trade took already is told once more, and changes nothing."""
        order_id, price, size = int(row["order_id"]), price_of(row), int(row["size"])
        old_price, old_size = self.told.get(order_id, (0, 0))
        if row["action"] == "C":
            self.told[order_id] = price, old_size - size
            self.book.submit(Command(Action.REDUCE, order_id, quantity=size))
            return
        self.told[order_id] = price, size
        if price == old_price and size < old_size:
            outcome, _ = self.book.submit(Command(Action.REPLACE, order_id, price=price, quantity=size))
            if outcome.reason != Reason.UNKNOWN_ORDER:
                return
        self.book.submit(Command(Action.CANCEL, order_id))
        outcome, _ = self.book.submit(Command(Action.NEW, order_id, SIDES[row["side"]], price, size))
        assert outcome.status == Status.OPEN

    def trade(self, row: Row) -> list[Fill]:
        """The orders that an IOC order like the feed's trade fills."""
        self.phase(BookPhase.CONTINUOUS)
        order = Command(Action.NEW, -int(row["i"]), SIDES[row["side"]], price_of(row), int(row["size"]))
        _, events = self.book.submit(order._replace(time_in_force=TimeInForce.IOC))
        self.phase(BookPhase.AUCTION)
        assert all(event.kind == BookEventKind.TRADE for event in events)
        return [(event.other_id, event.quantity) for event in events]


def price_of(row: Row) -> int:
    price, remainder = divmod(int(row["price_1e-9"]), TICK)
    assert remainder == 0
    return price


def fills_told(rows: list[Row], trade: int) -> list[Fill]:
    """The fills that the feed tells after a trade, without that of the taker itself."""
    told = []
    for row in rows[trade + 1 :]:
        if row["action"] != "F":
            break
        if row["order_id"] != rows[trade]["order_id"]:
            told.append((int(row["order_id"]), int(row["size"])))
    return told


def cancelled_at(rows: list[Row], trade: int) -> set[int]:
    """The orders that leave in the instant of a trade."""
    instant = rows[trade]["ts_event"]
    return {int(row["order_id"]) for row in rows[trade:] if row["ts_event"] == instant and row["action"] == "C"}


@each_book
def test_the_feeds_own_fills(make_book: MakeBook, shared_data: Path) -> None:
    path = shared_data / "l3/cme_mbo/esh4_20231225_records_00000_19999.csv.gz"
    with gzip.open(path, "rt", newline="") as lines:
        rows = list(csv.DictReader(lines))
    replay, same, different = Replay(make_book), 0, dict[int, list[Fill]]()
    for at, row in enumerate(rows):
        if row["action"] == "T" and at not in OPENING_AUCTION:
            fills = replay.trade(row)
            same += fills == fills_told(rows, at)
            if fills != fills_told(rows, at):
                different[at] = fills
        elif row["action"] in "AMC":
            replay.follow(row)
    assert same == 525
    assert set(different) == ICEBERGS | SELF_MATCH_PREVENTION
    for at in SELF_MATCH_PREVENTION:
        skipped = {order for order, _ in different[at]} - {order for order, _ in fills_told(rows, at)}
        assert skipped
        assert skipped <= cancelled_at(rows, at)
