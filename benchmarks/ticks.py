"""One million ticks, half quotes of one side and half trades, through a compiled strategy with queue and latency.

The strategy follows the bid with a running mean and sends a limit order each 1,000 ticks, buys and sells in turn.
"""

from __future__ import annotations

import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.agreement import shared_bars
from benchmarks.tick_run import emit_event_driven
from tradsys.exchange.queue_models import RiskAverse
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.exchange.recorded_replay import replay_ticks
from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.tick_requests import send_limit
from tradsys.numerics.tick_replay import Replayed, tick_rows
from tradsys.numerics.tick_replay_layout import FILLED

TICK = LOT = 10**8
"""The data counts prices in ticks and quantities in lots."""

SEEN, MEAN, SIDE, BID, ASK, EVERY, LEFT = 0, 1, 2, 3, 4, 5, 6
"""Places in the strategy's memory."""


@kernel
def follow_bid(tick: Any, account: Any, requests: Any, state: Any) -> None:
    """An order at the best price of its side each so many ticks."""
    if tick.bid > 0:
        state[BID] = tick.bid
    if tick.ask > 0:
        state[ASK] = tick.ask
    state[SEEN] += 1
    state[MEAN] += 0.01 * (state[BID] - state[MEAN])
    state[LEFT] -= 1
    if state[LEFT] == 0:
        send_limit(account, requests, int(state[SIDE]), int(state[BID] if state[SIDE] > 0 else state[ASK]), 1)
        state[LEFT], state[SIDE] = state[EVERY], -state[SIDE]


def rows(ticks: dict[str, Any]) -> Any:
    """What the peer is given: a quote row tells the bid or the ask, turn and turn about."""
    trade = ticks["kind"] == 1
    of_bid = np.arange(len(trade)) % 2 == 0
    said = {name: np.where(trade, ticks[key], 0).astype(float) for name, key in (("last", "price"), ("size", "qty"))}
    quotes = {
        name: np.where(~trade & (of_bid == (name == "bid")), ticks[name], np.nan).astype(float)
        for name in ("bid", "ask")
    }
    quantity = ticks["bsz"].astype(float)
    return tick_rows(
        at=ticks["ts"],
        exchange_at=ticks["ts"],
        last=said["last"],
        last_quantity=said["size"],
        aggressor=np.where(ticks["side"] == 0, 1, -1),
        bid=quotes["bid"],
        bid_quantity=quantity,
        ask=quotes["ask"],
        ask_quantity=quantity,
        tick=TICK,
        lot=LOT,
    )


def run(each: Any, *, every: int) -> Replayed:
    """One run over the rows."""
    state = np.zeros(7)
    state[EVERY] = state[LEFT] = every
    state[SIDE] = 1
    return replay_ticks(follow_bid, each, models=RecordedModels(queue=RiskAverse()), state=state)


def main() -> None:
    """Measure the compiled run and print its line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    data = shared_bars()
    began = time.perf_counter()
    each = rows(data.ticks(count))
    run(each[:2000], every=100)
    ready = time.perf_counter()
    done = run(each, every=1000)
    finished = time.perf_counter()
    fills = done.reports[done.reports["kind"] == FILLED]
    position = int((done.requests["side"][fills["request"]] * fills["quantity"]).sum())
    result = {"seen": int(done.state[SEEN]), "orders": len(done.requests), "n_trades": len(fills), "position": position}
    data.emit(
        "TradSys",
        version("tradsys"),
        "ticks",
        count,
        finished - ready,
        ready - began,
        result,
        mode="compiled",
        note="risk-averse queue; loading, rows and compilation in setup; each tick is taken in by venue and strategy",
    )


if __name__ == "__main__":
    main()
    emit_event_driven(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
