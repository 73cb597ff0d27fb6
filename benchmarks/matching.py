"""The shared stream of a million messages through the order book: in batch, one by one, and by number of live orders.

Prints a JSON line each: `batch` (an outcome a message and an event a trade, both kept), `one by one` (a Python call a
message; `latency_ns` with the clock's own cost taken off), and `batch, 1,000 live` … `batch, 1,000,000 live`, where
45 % of the messages add, 45 % cancel an order at random and 10 % trade. Each timed run has a fresh book whose memory
has been touched; making books and commands is set-up. The fastest of three runs counts. A wrong result ends the script.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.agreement import shared_bars
from tradsys.core.matching import Action, Kind, TimeInForce
from tradsys.exchange.book import OUTCOME, PLAIN_COMMAND, Book

RUNS = 3
TIMED_SINGLY = 200_000
LIVE = (1_000, 10_000, 100_000, 1_000_000)
MIDDLE, SPREAD_OUT = 1_000_000, 500
A_MIX = 200_000

Rows = np.ndarray[Any, Any]


def main() -> None:
    """Measure and print the lines."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    messages = {name: column[:count] for name, column in shared_bars().messages(1_000_000).items() if name != "stats"}
    wanted = shared_bars().messages(1_000_000)["stats"].tolist() if count == 1_000_000 else []
    started = time.perf_counter()
    rows = commands_of(messages)
    warm_up(rows)
    ready = time.perf_counter() - started
    seconds, result = batch(rows)
    emit("batch", count, seconds, ready, checked(result, wanted))
    seconds, result = singly(messages)
    emit("one by one", count, seconds, ready, checked(result, wanted), latency_ns=latency(messages))
    for live in LIVE:
        seconds = with_live_orders(live)
        emit(f"batch, {live:,} live", A_MIX, seconds, ready, [live], ns_a_message=round(seconds / A_MIX * 1e9, 1))


def emit(mode: str, count: int, seconds: float, ready: float, result: list[int], **more: object) -> None:
    """One JSON line in the form of the peers' scripts."""
    shared_bars().emit("TradSys", version("tradsys"), "matching", count, seconds, ready, result, mode=mode, **more)


def commands_of(messages: dict[str, Rows]) -> Rows:
    """The stream's columns as rows for the book."""
    rows = np.zeros(len(messages["kind"]), PLAIN_COMMAND)
    rows["action"] = np.where(messages["kind"] == 1, int(Action.CANCEL), int(Action.NEW))
    rows["kind"] = np.where(messages["kind"] == 2, int(Kind.MARKET), int(Kind.LIMIT))
    rows["time_in_force"] = int(TimeInForce.GTC)
    for name, column in (("side", "side"), ("price", "price"), ("quantity", "qty"), ("order_id", "oid")):
        rows[name] = messages[column]
    return rows


def warm_up(rows: Rows) -> None:
    """Compile or load what the measurements use."""
    book = Book()
    book.apply(rows[:1000])
    book.market(-1, side=0, quantity=1)


def checked(result: list[int], wanted: list[int]) -> list[int]:
    """Fills, quantity traded, best prices and live orders, where they are what the stream's own book has."""
    if wanted and result != wanted:
        raise SystemExit(f"the result is {result}, not {wanted}")
    return result


def statistics_of(book: Book) -> list[int]:
    """What the stream's own book tells of itself at the end."""
    bid, _, ask, _ = book.best()
    return [*book.traded, bid, ask, book.live_orders]


def fastest(run: Callable[[], tuple[float, list[int]]]) -> tuple[float, list[int]]:
    """The fastest of a few runs, and its result."""
    return min((run() for _ in range(RUNS)), key=lambda each: each[0])


def batch(rows: Rows) -> tuple[float, list[int]]:
    """Seconds for all messages in one call."""
    outcomes = np.ones(len(rows), OUTCOME)

    def run() -> tuple[float, list[int]]:
        book = Book(prepared=len(rows) // 2)
        started = time.perf_counter()
        _, events = book.apply(rows, outcomes=outcomes)
        seconds = time.perf_counter() - started
        if len(events) != book.traded[0] or int(events["quantity"].sum()) != book.traded[1]:
            raise SystemExit("a fill is not reported")
        return seconds, statistics_of(book)

    return fastest(run)


def singly(messages: dict[str, Rows]) -> tuple[float, list[int]]:
    """Seconds for all messages, a Python call each."""
    columns = [messages[name].tolist() for name in ("kind", "side", "price", "qty", "oid")]

    def run() -> tuple[float, list[int]]:
        book = Book(prepared=len(columns[0]) // 2)
        limit, cancel, market = book.limit, book.cancel, book.market
        started = time.perf_counter()
        for kind, side, price, quantity, order_id in zip(*columns, strict=True):
            if kind == 0:
                limit(order_id, side=side, price=price, quantity=quantity)
            elif kind == 1:
                cancel(order_id)
            else:
                market(order_id, side=side, quantity=quantity)
        return time.perf_counter() - started, statistics_of(book)

    return fastest(run)


def latency(messages: dict[str, Rows]) -> dict[str, float]:
    """Percentiles of the nanoseconds a message takes, one by one."""
    clock = time.perf_counter_ns
    columns = [messages[name][:TIMED_SINGLY].tolist() for name in ("kind", "side", "price", "qty", "oid")]
    book = Book(prepared=TIMED_SINGLY)
    limit, cancel, market = book.limit, book.cancel, book.market
    spent = np.zeros(len(columns[0]), np.int64)
    for number, (kind, side, price, quantity, order_id) in enumerate(zip(*columns, strict=True)):
        started = clock()
        if kind == 0:
            limit(order_id, side=side, price=price, quantity=quantity)
        elif kind == 1:
            cancel(order_id)
        else:
            market(order_id, side=side, quantity=quantity)
        spent[number] = clock() - started
    own = float(np.median([-(clock() - clock()) for _ in range(20_000)]))
    return {f"p{share}": round(float(np.percentile(spent, share)) - own, 1) for share in (50, 99, 99.9)}


def with_live_orders(live: int) -> float:
    """Seconds for a mix of messages on a book that holds about as many live orders all the time."""
    resting, mix = a_mix(live)
    outcomes = np.ones(len(mix), OUTCOME)

    def run() -> tuple[float, list[int]]:
        book = Book(prepared=live + A_MIX)
        book.apply(resting)
        started = time.perf_counter()
        book.apply(mix, outcomes=outcomes)
        seconds = time.perf_counter() - started
        if abs(book.live_orders - live) > A_MIX // 50 or set(outcomes["status"].tolist()) - {0, 2, 3}:
            raise SystemExit(f"{book.live_orders} live orders, not about {live}")
        return seconds, []

    return fastest(run)[0]


def a_mix(live: int) -> tuple[Rows, Rows]:
    """Orders to begin with, and messages that keep their number: large orders, small trades, random cancels."""
    chance = np.random.default_rng(live)
    rows = np.zeros(live + A_MIX, PLAIN_COMMAND)
    rows["order_id"] = np.arange(len(rows)) + 1
    rows["side"] = chance.integers(0, 2, len(rows))
    away = chance.integers(1, SPREAD_OUT, len(rows))
    rows["price"] = np.where(rows["side"] == 0, MIDDLE - away, MIDDLE + away)
    rows["quantity"] = 1_000_000
    rows["time_in_force"] = int(TimeInForce.GTC)
    mix = rows[live:]
    draw = chance.random(A_MIX)
    mix["kind"][draw < 0.1] = int(Kind.MARKET)
    mix["quantity"][draw < 0.1] = 1
    mix["action"][draw >= 0.55] = int(Action.CANCEL)
    known = list(range(1, live + 1))
    for number, at in zip(np.nonzero(draw >= 0.1)[0].tolist(), chance.random(A_MIX).tolist(), strict=False):
        if mix["action"][number] == int(Action.CANCEL):
            place = int(at * len(known))
            mix["order_id"][number], known[place] = known[place], known[-1]
            known.pop()
        else:
            known.append(live + number + 1)
    return rows[:live], mix


if __name__ == "__main__":
    main()
