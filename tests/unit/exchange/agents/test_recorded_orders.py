"""Recorded flow sent again: what each record becomes, and two real recordings whose answers are known."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tradsys.core.errors import DataError
from tradsys.core.matching import Action, BookPhase, BookSide, Command, MatchingBook, TimeInForce
from tradsys.core.units import MINUTE, SECOND
from tradsys.exchange.agents.information import Still
from tradsys.exchange.agents.participant import View
from tradsys.exchange.agents.recorded_orders import (
    FlowAction,
    RecordedOrder,
    RecordedOrders,
    cme_orders,
    lobster_orders,
)
from tradsys.exchange.book import Book
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.fixed_timeline import FixedTimeline
from tradsys.exchange.simulation import Simulation
from tradsys.exchange.simulation_record import Columns

AT = 1_700_000_000 * SECOND
BUY, SELL = BookSide.BUY, BookSide.SELL
ADD, REDUCE, CHANGE, TRADE, CLEAR = FlowAction


def replay(records: list[RecordedOrder], *commands: Command, book: MatchingBook | None = None) -> Simulation:
    end = records[-1].at + 1
    opening = commands or (Command(Action.SET_PHASE, price=BookPhase.CONTINUOUS, at=records[0].at - 1),)
    venue = FixedTimeline([*opening, Command(Action.SET_PHASE, price=BookPhase.CLOSED, at=end)], reference=100)
    flow = RecordedOrders(1, records)
    return Simulation(
        book or ReferenceBook(1), [flow], seed=0, venue=venue, information=Still(100.0), depth_every=MINUTE
    )


def left(*records: tuple[int, int, int, int, int]) -> list[tuple[int, int, int]]:
    """Side, price and quantity of what rests after records of one second each."""
    timed = [RecordedOrder(AT + n * SECOND, *record) for n, record in enumerate(records)]
    run = replay(timed)
    run.run()
    return [(order.side, order.price, order.shown) for order in run.book.orders(0)]


def test_orders_join_shrink_move_and_leave() -> None:
    first, second = (ADD, 1, BUY, 100, 5), (ADD, 2, BUY, 100, 7)
    assert left(first, second) == [(BUY, 100, 5), (BUY, 100, 7)]
    assert left(first, second, (REDUCE, 1, BUY, 100, 2)) == [(BUY, 100, 3), (BUY, 100, 7)]
    assert left(first, second, (REDUCE, 1, BUY, 100, 5)) == [(BUY, 100, 7)]
    assert left(first, second, (CHANGE, 1, BUY, 100, 4)) == [(BUY, 100, 4), (BUY, 100, 7)]
    assert left(first, second, (CHANGE, 1, BUY, 100, 6)) == [(BUY, 100, 7), (BUY, 100, 6)]
    assert left(first, second, (CHANGE, 1, BUY, 100, 5)) == [(BUY, 100, 7), (BUY, 100, 5)]
    assert left(first, second, (CHANGE, 1, BUY, 101, 5)) == [(BUY, 101, 5), (BUY, 100, 7)]
    assert left(first, second, (CLEAR, 0, 0, 0, 0), (ADD, 1, SELL, 99, 1)) == [(SELL, 99, 1)]
    assert left(first, (REDUCE, 9, BUY, 100, 2), (CHANGE, 9, BUY, 100, 2)) == [(BUY, 100, 5)]


def test_what_a_trade_took_is_not_taken_twice() -> None:
    first, second = (ADD, 1, BUY, 100, 5), (ADD, 2, BUY, 100, 7)
    trade = (TRADE, 0, SELL, 100, 6)
    assert left(first, second, trade) == [(BUY, 100, 6)]
    assert left(first, second, trade, (REDUCE, 1, BUY, 100, 5), (CHANGE, 2, BUY, 100, 6)) == [(BUY, 100, 6)]


def test_an_order_leaves_with_its_record_where_another_was_filled_in_its_place() -> None:
    records = [(ADD, 1, BUY, 100, 5), (ADD, 2, BUY, 100, 7), (TRADE, 0, SELL, 100, 7), (REDUCE, 2, BUY, 100, 7)]
    assert left(*records) == []


def test_the_opening_trades_and_fills_of_the_chicago_recording(shared_data: Path) -> None:
    """Of 536 trades after the opening auction, a replay that runs free finds the feed's own resting orders, with their
    quantities and in their order, for 509. The others follow from icebergs, whose next part the feed gives the number
    of an order that is gone here, and from orders that the feed's own self-match rule took out.
    """
    path = shared_data / "l3" / "cme_mbo" / "esh4_20231225_records_00000_19999.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    records = list(cme_orders(lines, tick=250_000_000))
    opens = next(int(line.split(",")[1]) for line in lines if ",T,N," in line) - 1
    run = replay(
        records,
        Command(Action.SET_PHASE, price=BookPhase.AUCTION, at=records[0].at - 1),
        Command(Action.UNCROSS, at=opens),
        Command(Action.SET_PHASE, price=BookPhase.CONTINUOUS, at=opens),
        book=Book(1),
    )
    numbers = feed_numbers(run)
    record = run.run()
    theirs = feed_fills(lines, after=opens + 1)
    ours = replayed_fills(record.orders(), record.trades(), numbers)
    assert len(theirs) == len(ours) == 536
    assert sum(a == b for a, b in zip(ours, theirs, strict=True)) == 509


def feed_numbers(run: Simulation) -> dict[int, int]:
    """Filled while the run goes: the book's order number to the feed's."""
    flow = run._participants[0]
    numbers: dict[int, int] = {}
    assert isinstance(flow, RecordedOrders)
    add = flow._add

    def noted(record: RecordedOrder, view: View) -> Command:
        command = add(record, view)
        numbers[command.order_id] = record.order_id
        return command

    flow._add = noted  # type: ignore[method-assign]
    return numbers


def feed_fills(lines: list[str], *, after: int) -> list[list[tuple[int, int]]]:
    """Order and quantity of the resting side of each trade."""
    trades: list[list[tuple[int, int]]] = []
    taker = ""
    for line in lines[1:]:
        _, at, _, action, side, _, size, order_id, *_ = line.split(",")
        if int(at) > after and action == "T":
            trades.append([])
            taker = side
        elif int(at) > after and action == "F" and side != taker:
            trades[-1].append((int(order_id), int(size)))
    return trades


def replayed_fills(orders: Columns, trades: Columns, numbers: dict[int, int]) -> list[list[tuple[int, int]]]:
    """The same of the replay, a list for each order that was sent for a trade."""
    columns = ("event", "validity", "order_id")
    sent = zip(*(orders[name].tolist() for name in columns), strict=True)
    fills: dict[int, list[tuple[int, int]]] = {
        order_id: [] for event, validity, order_id in sent if (event, validity) == (Action.NEW, TimeInForce.IOC)
    }
    names = ("taker_id", "maker_id", "quantity")
    for taker, maker, quantity in zip(*(trades[name].tolist() for name in names), strict=True):
        if taker in fills:
            fills[taker].append((numbers[maker], quantity))
    return list(fills.values())


def test_the_nasdaq_recording_keeps_its_best_prices(shared_data: Path) -> None:
    """After all messages of one instant the best prices and their quantities are those of the recording's book; levels
    that its first row does not show surface later, so a replay drifts."""
    folder = shared_data / "l3" / "lobster"
    messages = (folder / "AAPL_2012-06-21_first998_message_10.csv").read_text().splitlines()
    rows = (folder / "AAPL_2012-06-21_first998_orderbook_10.csv").read_text().splitlines()
    run = replay(list(lobster_orders(messages, opening=rows[0], midnight=AT)))
    bests = watched_bests(run)
    run.run()
    theirs = {instant(message): best_of(row) for message, row in zip(messages, rows, strict=False)}
    ours, right = (0, 0, 0, 0), 0
    for at, best in theirs.items():
        ours = bests.get(at, ours)
        right += ours == best
    assert (right, len(theirs)) == (847, 890)


def instant(message: str) -> int:
    seconds, _, fraction = message.split(",")[0].partition(".")
    return AT + int(seconds) * SECOND + int(fraction.ljust(9, "0"))


def best_of(row: str) -> tuple[int, int, int, int]:
    ask, ask_size, bid, bid_size = (int(text) for text in row.split(",")[:4])
    return bid // 100, bid_size, ask // 100, ask_size


def watched_bests(run: Simulation) -> dict[int, tuple[int, int, int, int]]:
    """Filled while the run goes: the instant to the best prices after its last command."""
    bests: dict[int, tuple[int, int, int, int]] = {}
    submit = run.book.submit

    def noted(command: Command) -> object:
        answer = submit(command)
        bests[command.at] = run.book.best(0)
        return answer

    run.book.submit = noted  # type: ignore[method-assign, assignment]
    return bests


@pytest.mark.parametrize(
    "line",
    ["0,1,1,A,B,1000,5", "0,x,1,A,B,1000,5,7,0,0", "0,1,1,Z,B,1000,5,7,0,0", "0,1,1,A,B,1001,5,7,0,0", "", "\x00"],
)
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(DataError, match="line 2 "):
        list(cme_orders(["header", line], tick=1000))


def test_a_message_that_cannot_be_read_is_named() -> None:
    with pytest.raises(DataError, match="line 1 "):
        list(lobster_orders(["34200.5,1,7"], opening="", midnight=0))
