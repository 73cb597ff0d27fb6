"""The 34 edge cases of a public conformance gate for price-time books, on both of ours.

Cases: flash1-dev/matching-engine-benchmark (MIT), "The conformance gate", which many published engines fail; each says
which defect it is for. The trades, refusals and books written here follow from price and time priority alone.

A case is a line: `b1 10@100` buys 10 at 100 under id 1, `s` sells, `!` drops the rest, `c1` withdraws, `m1 6@101` gives
id 1 a new open quantity and price. An answer is taker, maker, price, quantity.
"""

from __future__ import annotations

import re

import pytest

from tests.books import MakeBook, each_book
from tradsys.core.matching import Action, BookEventKind, BookSide, Command, MatchingBook, Status, TimeInForce

STEP = re.compile(r"([bscm])(\d+)(?: (\d+)@(\d+))?(!?)")
SIDES = {"b": BookSide.BUY, "s": BookSide.SELL}
Trade = tuple[int, int, int, int]
Levels = dict[int, int]
DEEP = 5_000

CASES: dict[str, tuple[str, list[Trade], list[int], Levels, Levels]] = {
    # orders behind one that is withdrawn are lost
    "the middle of a level withdrawn": (
        "b1 10@100, b2 10@100, b3 10@100, c2, s4 20@100!",
        [(4, 1, 100, 10), (4, 3, 100, 10)], [], {}, {},
    ),
    "the head of a level withdrawn": (
        "b1 10@100, b2 10@100, b3 10@100, c1, s4 20@100!",
        [(4, 2, 100, 10), (4, 3, 100, 10)], [], {}, {},
    ),
    "scattered withdrawals of a deep level": (
        ", ".join(f"b{number} 10@100" for number in range(1, 9)) + ", c2, c5, c7, s9 50@100!",
        [(9, maker, 100, 10) for maker in (1, 3, 4, 6, 8)], [], {}, {},
    ),
    "withdrawals at two levels, then a sale": (
        "b1 10@100, b2 10@100, b3 10@101, b4 10@101, c1, c4, s5 20@100!",
        [(5, 3, 101, 10), (5, 2, 100, 10)], [], {}, {},
    ),
    "a reprice leaves its neighbour": (
        "b1 10@100, b2 10@100, m1 10@99, s3 10@100!",
        [(3, 2, 100, 10)], [], {99: 10}, {},
    ),
    # sweeps over levels
    "three levels swept, best first": (
        "s1 10@102, s2 10@101, s3 10@100, b4 30@102!",
        [(4, 3, 100, 10), (4, 2, 101, 10), (4, 1, 102, 10)], [], {}, {},
    ),
    "exactly three levels": (
        "s1 10@100, s2 20@101, s3 30@102, b4 60@102!",
        [(4, 1, 100, 10), (4, 2, 101, 20), (4, 3, 102, 30)], [], {}, {},
    ),
    "what a sweep leaves is the best price": (
        "s1 10@100, s2 10@101, s3 10@102, b4 35@102, s5 5@102!",
        [(4, 1, 100, 10), (4, 2, 101, 10), (4, 3, 102, 10), (5, 4, 102, 5)], [], {}, {},
    ),
    "a level consumed whole by two makers": (
        "s1 30@9, s2 40@9, b3 100@9, s4 30@9!",
        [(3, 1, 9, 30), (3, 2, 9, 40), (4, 3, 9, 30)], [], {}, {},
    ),
    "levels that a sweep emptied take orders again": (
        "s1 10@100, s2 10@101, s3 10@102, b4 30@102!, s5 8@101, b6 8@101!, s7 8@103, b8 8@103!",
        [(4, 1, 100, 10), (4, 2, 101, 10), (4, 3, 102, 10), (6, 5, 101, 8), (8, 7, 103, 8)], [], {}, {},
    ),
    "thousands of makers": (
        ", ".join(f"s{number} 1@100" for number in range(1, DEEP + 1)) + f", b{DEEP + 1} {DEEP}@100!",
        [(DEEP + 1, number, 100, 1) for number in range(1, DEEP + 1)], [], {}, {},
    ),
    # priority and price
    "first in, first out": ("b1 10@100, b2 10@100, s3 10@100", [(3, 1, 100, 10)], [], {100: 10}, {}),
    "first in, first out over two takers": (
        "b1 10@100, b2 10@100, b3 10@100, b4 10@100, s5 15@100!, s6 15@100!",
        [(5, 1, 100, 10), (5, 2, 100, 5), (6, 2, 100, 5), (6, 3, 100, 10)], [], {100: 10}, {},
    ),
    "price before arrival on both sides": (
        "s1 10@105, s2 10@100, b3 10@105!, b4 10@90, b5 10@95, b6 10@92, s7 30@90!",
        [(3, 2, 100, 10), (7, 5, 95, 10), (7, 6, 92, 10), (7, 4, 90, 10)], [], {}, {105: 10},
    ),
    "the maker's price, both ways": (
        "s1 10@100, b2 10@105!, b3 10@200, s4 10@195!",
        [(2, 1, 100, 10), (4, 3, 200, 10)], [], {}, {},
    ),
    "a limit order stops at its price": (
        "s1 5@100, s2 10@105, b3 12@102, s4 7@102!",
        [(3, 1, 100, 5), (4, 3, 102, 7)], [], {}, {105: 10},
    ),
    "no trade with whom nothing is left for": ("s1 5@100, s2 5@100, b3 5@100!", [(3, 1, 100, 5)], [], {}, {100: 5}),
    "a wide price": ("s1 10@200000, b2 10@200000!", [(2, 1, 200_000, 10)], [], {}, {}),
    # what is left of an order
    "the rest of a maker withdrawn": ("s1 10@100, b2 6@100, c1", [(2, 1, 100, 6)], [], {}, {}),
    "the rest of a maker repriced": (
        "s1 10@100, b2 4@100, m1 6@101, b3 6@101!",
        [(2, 1, 100, 4), (3, 1, 101, 6)], [], {}, {},
    ),
    "the rest of a maker taken to the last unit": (
        "s1 20@100, b2 8@100!, b3 12@100!, b4 5@100!",
        [(2, 1, 100, 8), (3, 1, 100, 12)], [], {}, {},
    ),
    "the rest of an immediate order never rests": ("s1 10@100, b2 15@100!, s3 5@100!", [(2, 1, 100, 10)], [], {}, {}),
    # a change that trades
    "a reprice that meets the other side": ("s1 10@100, b2 10@99, m2 10@100", [(2, 1, 100, 10)], [], {}, {}),
    "a reprice beyond the other side trades at the maker's price": (
        "s1 10@100, b2 10@90, m2 10@105, b3 10@200, s4 10@210, m4 10@195",
        [(2, 1, 100, 10), (4, 3, 200, 10)], [], {}, {},
    ),
    # best prices that are no longer there
    "the best bid withdrawn": ("b1 10@100, b2 7@99, c1, s3 7@99!", [(3, 2, 99, 7)], [], {}, {}),
    "the best ask withdrawn": ("s1 10@100, s2 7@101, c1, b3 7@101!", [(3, 2, 101, 7)], [], {}, {}),
    "a side emptied and filled again": ("b1 10@100, c1, b2 8@95, s3 8@95!", [(3, 2, 95, 8)], [], {}, {}),
    # identifiers; the numbers of the steps that are refused
    "withdrawing what was filled": ("s1 10@100, b2 10@100, c1", [(2, 1, 100, 10)], [2], {}, {}),
    "changing what was filled": ("s1 10@100, b2 10@100, m1 5@101", [(2, 1, 100, 10)], [2], {}, {}),
    "what was withdrawn is gone": ("b1 10@100, c1, c1, m1 5@101", [], [2, 3], {}, {}),
    "what never was": ("c999, m999 5@100", [], [0, 1], {}, {}),
    "a large number that never was": ("c2000000", [], [0], {}, {}),
    "an id again after its withdrawal": ("b1 10@100, c1, s1 10@200, b2 10@200!", [(2, 1, 200, 10)], [], {}, {}),
    "an id again after its fill": (
        "b1 10@100, s2 10@100, s1 10@200, b3 10@200!",
        [(2, 1, 100, 10), (3, 1, 200, 10)], [], {}, {},
    ),
}  # fmt: skip


def command_of(step: str) -> Command:
    found = STEP.fullmatch(step)
    assert found, step
    what, number, quantity, price, immediate = found.groups()
    if what == "c":
        return Command(Action.CANCEL, int(number))
    if what == "m":
        return Command(Action.REPLACE, int(number), quantity=int(quantity), price=int(price))
    validity = TimeInForce.IOC if immediate else TimeInForce.GTC
    return Command(Action.NEW, int(number), SIDES[what], int(price), int(quantity), time_in_force=validity)


def levels(book: MatchingBook, side: BookSide) -> Levels:
    return {price: quantity for price, quantity, _ in book.levels(0, side, count=100)}


def test_there_are_as_many_as_the_gate_has() -> None:
    assert len(CASES) == 34


@each_book
@pytest.mark.parametrize("case", CASES)
def test_edge(make_book: MakeBook, case: str) -> None:
    steps, trades, refused, bids, asks = CASES[case]
    book = make_book(1)
    made: list[Trade] = []
    rejected = []
    for place, step in enumerate(steps.split(", ")):
        outcome, events = book.submit(command_of(step))
        made += [
            (each.order_id, each.other_id, each.price, each.quantity)
            for each in events
            if each.kind == BookEventKind.TRADE
        ]
        rejected += [place] if outcome.status == Status.REJECTED else []
    assert (made, rejected) == (trades, refused)
    assert (levels(book, BookSide.BUY), levels(book, BookSide.SELL)) == (bids, asks)
