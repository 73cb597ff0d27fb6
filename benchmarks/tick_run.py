"""A million ticks through a Python strategy and the public backtest path, with a limit order each thousand."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.agreement import shared_bars

STRATEGY = '''
from tradsys import Strategy


class Quoter(Strategy):
    """Follows the bid; each thousand ticks joins the bid or the ask by turns."""

    def on_start(self, ctx):
        self.seen, self.sent, self.mean = 0, 0, 0.0

    def on_tick(self, tick, account):
        self.seen += 1
        self.mean += 0.01 * (tick.bid - self.mean)
        if self.seen % 1000 == 0:
            self.sent += 1
            return [
                self.buy(tick, 1, limit=tick.bid, validity="GTC")
                if self.sent % 2
                else self.sell(tick, 1, limit=tick.ask, validity="GTC")
            ]
'''

RUN = """
[run]
name = "ticks"
cash = 1000000
currency = "USD"

[data]
path = "ticks.parquet"
format = "ticks"
interval = "1m"
timezone = "UTC"
instruments = [{ id = "SIM:TICKS", tick = 0.01, lot = 1, segment = "crypto_perpetual" }]

[[strategies]]
use = "quoter.py:Quoter"

[execution]
venue = "exchange"

[charges]
plan = "none"
"""


def emit_event_driven(count: int) -> None:
    """Run it and print one JSON line; `seconds` is the event loop, `setup_seconds` loading."""
    from tradsys.engine import settings
    from tradsys.engine.assemble import prepare

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, count)
        started = time.perf_counter()
        prepared = prepare(settings.load(folder / "run.toml", environment={}))
        loaded = time.perf_counter()
        prepared.backtest.run(progress=lambda done: None, stop=lambda: False)
        done = time.perf_counter()
    kinds = [type(entry.body).__name__ for entry in prepared.backtest.log]
    line = {
        "peer": "TradSys",
        "version": version("tradsys"),
        "workload": "ticks",
        "mode": "event-driven",
        "n": count,
        "seconds": round(done - loaded, 6),
        "per_sec": round(count / (done - loaded), 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "setup_seconds": round(loaded - started, 3),
        "result": {"orders": kinds.count("Approved"), "fills": kinds.count("Fill")},
        "note": f"{len(kinds):,} lines of decision log kept",
    }
    print(json.dumps(line), flush=True)


def write_files(folder: Path, count: int) -> None:
    """The run file, its strategy and the ticks: quotes and trades, each with the best quotes of its moment."""
    ticks = {name: column[:count] for name, column in shared_bars().ticks(1_000_000).items()}
    traded = ticks["kind"] == 1
    table = {
        "time": ticks["ts"],
        "last": np.where(traded, ticks["price"] / 100, np.nan),
        "last_quantity": np.where(traded, ticks["qty"], np.nan),
        "bid": ticks["bid"] / 100,
        "bid_quantity": ticks["bsz"].astype(float),
        "ask": ticks["ask"] / 100,
        "ask_quantity": ticks["asz"].astype(float),
    }
    pq.write_table(pa.table(table), folder / "ticks.parquet")
    (folder / "quoter.py").write_text(STRATEGY, encoding="utf-8")
    (folder / "run.toml").write_text(RUN, encoding="utf-8")
