"""Order commands through a Python strategy, all checks, the matching book and back: one record and one command each.

The record is a bid at 99.99 and an ask at 100.01, of which one lot goes at every message, so that the strategy is
called once a message; its command is a limit order, a cancel or a market order, as the peers' data say.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.agreement import shared_bars

STRATEGY = '''
import numpy as np

from tradsys import Param, Strategy

LAST = (1, 0, 0, 0, -1)


class Messages(Strategy):
    """Sends what each message says: a limit order, a cancel of one it sent, or a market order."""

    file: str = Param("")

    def on_start(self, ctx):
        columns = np.load(self.file)
        self.rows = iter(zip(*(columns[name].tolist() for name in ("kind", "side", "price", "qty", "oid"))))
        self.ids = {}
        self.sent = 0
        self.opening = 3

    def on_tick(self, tick, account):
        if self.opening:
            self.opening -= 1
            return
        kind, side, price, quantity, number = next(self.rows, LAST)
        if kind == 0:
            self.sent = number
            send = self.sell if side else self.buy
            yield send(tick, quantity, limit=price / 100, validity="GTC")
        elif kind == 2:
            self.sent = 0
            send = self.sell if side else self.buy
            yield send(tick, quantity, validity="IOC")
        elif number in self.ids:
            yield self.cancel(tick, order_id=self.ids.pop(number))

    def on_order(self, order, account):
        if order.event == "accepted" and self.sent:
            self.ids[self.sent] = order.order_id
'''

RUN = """
[run]
name = "bench"
cash = 1000000000000
currency = "USD"

[data]
path = "orders.parquet"
format = "orders"
interval = "1m"
instruments = [{ id = "SIM:AAA", segment = "crypto_perpetual", tick = 0.01, lot = 1 }]

[execution]
venue = "exchange"

[charges]
plan = "none"

[[strategies]]
use = "messages.py:Messages"
params = { file = "FILE" }
"""

START = 1_704_067_200 * 10**9
MILLISECOND = 10**6
DEPTH = 1e9
OPENING = 3
"""Records, each with a tick, before the first message."""


def record(count: int) -> pa.Table:
    """A bid, an ask and a first trade; one lot less of the bid at every message; a last trade, with which bars end."""
    rows = count + OPENING + 1
    columns = {
        "event": np.array(["new"] * OPENING + ["reduce"] * count + ["new"]),
        "side": np.array(["buy", "sell", "sell"] + ["buy"] * count + ["sell"]),
        "validity": np.array(["gtc", "gtc", "ioc"] + ["gtc"] * count + ["ioc"]),
        "order_id": np.array([1, 2, 3] + [1] * count + [4]),
        "price": np.array([99.99, 100.01, 99.99] + [0.0] * count + [99.99]),
        "quantity": np.array([DEPTH, DEPTH, 1.0] + [1.0] * (count + 1)),
        "at": START + MILLISECOND * np.arange(rows, dtype=np.int64),
    }
    columns |= {name: np.array([word] * rows) for name, word in (("kind", "limit"), ("phase", "continuous"))}
    columns |= {name: np.zeros(rows) for name in ("trigger", "trail", "display")}
    columns |= {name: np.zeros(rows, np.int64) for name in ("flags", "account", "expires_at")}
    return pa.table(columns)


def write_files(folder: Path, messages: dict[str, Any], count: int) -> Path:
    """The run file, its strategy, the record and the messages."""
    columns = {name: messages[name][:count] for name in ("kind", "side", "price", "qty", "oid")}
    np.savez(folder / "messages.npz", **columns)
    pq.write_table(record(count), folder / "orders.parquet")
    (folder / "messages.py").write_text(STRATEGY, encoding="utf-8")
    config = folder / "run.toml"
    config.write_text(RUN.replace("FILE", str(folder / "messages.npz")), encoding="utf-8")
    return config


def measure(count: int, *, mode: str) -> None:
    """Prepare the run file as a user would, time the run, and print one JSON line."""
    from tradsys.core.events import Approved, CancelRequested, Fill
    from tradsys.engine import settings
    from tradsys.engine.assemble import prepare

    with tempfile.TemporaryDirectory() as folder:
        config = write_files(Path(folder), shared_bars().messages(1_000_000), count)
        started = time.perf_counter()
        prepared = prepare(settings.load(config, environment={}))
        loaded = time.perf_counter()
        prepared.backtest.run(progress=lambda done: None, stop=lambda: False)
        done = time.perf_counter()
    kinds = [type(entry.body) for entry in prepared.backtest.log]
    line = {
        "peer": "TradSys",
        "version": version("tradsys"),
        "workload": "orders",
        "mode": mode,
        "n": count,
        "seconds": round(done - loaded, 6),
        "per_sec": round(count / (done - loaded), 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "setup_seconds": round(loaded - started, 3),
        "result": {
            "orders": kinds.count(Approved),
            "cancels": kinds.count(CancelRequested),
            "fills": kinds.count(Fill),
            "live": len(prepared.engine.working),
        },
        "note": f"one record, one tick and one order command a message; {len(kinds):,} lines of decision log kept",
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    """As many messages as the peer is given, and ten times as many: no term in their number."""
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]), mode="asked")
        return
    measure(20_000, mode="20,000")
    measure(200_000, mode="200,000")


if __name__ == "__main__":
    main()
