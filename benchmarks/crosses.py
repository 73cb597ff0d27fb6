"""What our bar workloads share: the run file, the strategy, and a timed run through the public backtest path."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

STRATEGY = '''
from tradsys import SMA, Param, Strategy


class Crossover(Strategy):
    """Long one unit while the fast mean is above the slow one, flat otherwise."""

    fast: int = Param(10, low=2, high=100)
    slow: int = Param(50, low=5, high=400)

    def on_start(self, ctx):
        self.fast_mean = ctx.indicator(SMA(self.fast))
        self.slow_mean = ctx.indicator(SMA(self.slow))
        self.long = False

    def on_bar(self, bar, account):
        if self.slow_mean.ready:
            long = self.fast_mean.value > self.slow_mean.value
            if long is not self.long:
                self.long = long
                yield self.signal(bar, 1.0 if long else 0.0, reason="cross")
'''

HEAD = """
[run]
name = "bench"
cash = 100000
currency = "USD"

[data]
path = "bars.parquet"
format = "parquet"
interval = "1m"
label = "end"
timezone = "UTC"

[[strategies]]
use = "crossover.py:Crossover"
capital = 100000
sizer = { kind = "fixed_quantity", value = 1 }

[execution]
slippage_bps = 0

[charges]
plan = "flat"
rate = 0.001
"""


def run_workload(workload: str, series: Sequence[dict[str, Any]]) -> None:
    """Write the data as Parquet, prepare the run file as a user would, time the run, and print one JSON line.

    `seconds` is the event loop alone: strategy, sizing, checks, venue, charges, ledger and decision log; `results_s`
    what the curves, trades and metrics took on top, `setup_seconds` loading and indicators.
    """
    from tradsys.engine import settings
    from tradsys.engine.assemble import prepare
    from tradsys.engine.results import collect
    from tradsys.portfolio.performance import measure

    with tempfile.TemporaryDirectory() as folder:
        config = write_files(Path(folder), series)
        started = time.perf_counter()
        prepared = prepare(settings.load(config, environment={}))
        loaded = time.perf_counter()
        prepared.backtest.run(progress=lambda done: None, stop=lambda: False)
        done = time.perf_counter()
        result, _ = collect(prepared, {})
        metrics = measure(result)
        finished = time.perf_counter()
    bars = prepared.replay.events
    line = {
        "peer": "TradSys",
        "version": version("tradsys"),
        "workload": workload,
        "n": bars,
        "seconds": round(done - loaded, 6),
        "per_sec": round(bars / (done - loaded), 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "setup_seconds": round(loaded - started, 3),
        "results_s": round(finished - done, 3),
        "result": {"final_equity": round(float(str(metrics["final_equity"])), 2), "n_trades": len(result.fills)},
        "fill": "next open",
        "note": f"{len(prepared.backtest.log):,} lines of decision log kept",
    }
    print(json.dumps(line), flush=True)


def write_files(folder: Path, series: Sequence[dict[str, Any]]) -> Path:
    """The run file, its strategy, and one Parquet file an instrument."""
    (folder / "crossover.py").write_text(STRATEGY, encoding="utf-8")
    text = HEAD
    for number, bars in enumerate(series):
        columns = {"time": bars["ts"], **{name: bars[name] for name in ("open", "high", "low", "close", "volume")}}
        pq.write_table(
            pa.table({name: np.asarray(each) for name, each in columns.items()}), folder / f"I{number:02d}.parquet"
        )
        text += (
            f'\n[[data.instruments]]\nid = "SIM:I{number:02d}"\npath = "I{number:02d}.parquet"\ntick = 0.01\nlot = 1\n'
        )
    config = folder / "run.toml"
    config.write_text(text, encoding="utf-8")
    return config
