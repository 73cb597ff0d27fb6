"""One million price-level deltas into a book: in one call, and one by one from Python.

Prints one JSON line: `seconds` and `per_sec` are of the batch, `one_by_one_per_sec` of a call a delta, `bare_per_sec`
of the barest compiled loop over two flat arrays in the same process, which says what the machine can do. `result` is
the best bid, the best ask and the levels of both sides at the end; `setup_seconds` the time spent compiling (0 when the
cache had everything).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

import tradsys
from benchmarks.agreement import shared_bars
from tradsys.numerics.compilation import compile_seconds
from tradsys.numerics.depth import ASK, BID, DepthLadder

TICKS = 20_000
TIMES = 5


@numba.njit
def _bare(book: Any, sides: Any, prices: Any, quantities: Any) -> tuple[int, int]:
    best_bid, best_ask = -1, TICKS
    for row in range(len(prices)):
        side, price, quantity = sides[row], prices[row], quantities[row]
        book[side, price] = quantity
        if side == 0:
            if quantity > 0:
                best_bid = max(best_bid, price)
            elif price == best_bid:
                while best_bid >= 0 and book[0, best_bid] == 0:
                    best_bid -= 1
        elif quantity > 0:
            best_ask = min(best_ask, price)
        elif price == best_ask:
            while best_ask < TICKS and book[1, best_ask] == 0:
                best_ask += 1
    return best_bid, best_ask


def _seconds(call: Callable[[], object], *, times: int = TIMES) -> float:
    """The fastest of some calls after one to warm up."""
    call()
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return min(spent)


def _in_one_call(columns: tuple[Any, Any, Any]) -> DepthLadder:
    ladder = DepthLadder()
    ladder.update_all(*columns)
    return ladder


def _one_by_one(rows: list[tuple[int, int, float]]) -> DepthLadder:
    ladder = DepthLadder()
    update = ladder.update
    for side, price, quantity in rows:
        update(side, price=price, quantity=quantity)
    return ladder


def _result(ladder: DepthLadder) -> dict[str, int | None]:
    counts = {"bid_levels": ladder.count(BID), "ask_levels": ladder.count(ASK)}
    return {"best_bid": ladder.best(BID), "best_ask": ladder.best(ASK), **counts}


def main() -> None:
    """Measure and print one line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    data = shared_bars()
    deltas = {name: column[:count] for name, column in data.l2(1_000_000).items() if name != "stats"}
    columns = deltas["side"], deltas["price"], deltas["size"].astype(np.float64)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    result = _result(_in_one_call(columns))
    if _result(_one_by_one(rows)) != result:
        raise SystemExit("one by one and in one call disagree")
    compiling = compile_seconds()
    bare = _seconds(lambda: _bare(np.zeros((2, TICKS)), *columns))
    data.emit(
        "TradSys",
        getattr(tradsys, "__version__", "source"),
        "l2",
        count,
        _seconds(lambda: _in_one_call(columns)),
        compiling,
        result,
        expected=data.l2(1_000_000)["stats"].tolist() if count == 1_000_000 else None,
        one_by_one_per_sec=round(count / _seconds(lambda: _one_by_one(rows), times=2), 1),
        bare_per_sec=round(count / bare, 1),
    )


if __name__ == "__main__":
    main()
