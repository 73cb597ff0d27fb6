"""What the gate adds to an order with every check on: our own limits of each kind and SEBI's rules of the day.

The same run file twice, a share's minutes in 2026 with an order a bar: once as it is, once with a gate of no check, no
limits and no rules. Each order is timed from its making to its place among the live orders; `latency_ns` has the
difference of the percentiles, and those of both.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Approved, Refused
from tradsys.core.instruments import Segment
from tradsys.core.units import MINUTE
from tradsys.engine import settings
from tradsys.engine.assemble import Prepared, prepare
from tradsys.engine.gate import Gate
from tradsys.reference.calendar import calendar_for

WARM = 500
STRATEGY = '''
from tradsys import Strategy


class Churn(Strategy):
    """In and out at market, an order a bar, from the second day on: the first has no price band."""

    def on_start(self, ctx):
        self.bars = 0

    def on_bar(self, bar, account):
        self.bars += 1
        if self.bars > 375:
            send = self.sell if account.position(bar.instrument) > 0 else self.buy
            yield send(bar, 10)
'''
RUN = """
[run]
name = "gate"
cash = 10000000

[data]
path = "bars.parquet"
format = "parquet"
interval = "1m"
label = "end"
instruments = [{ id = "NSE:AAA" }]

[execution]
product = "CNC"
slippage_bps = 0
market_protection = 2.0
price_band = 0.2

[charges]
plan = "none"

[[strategies]]
use = "churn.py:Churn"
"""
CHECKS = """
[rules]
pack = "sebi"
orders_per_second = 8

[rules.facts]
paper_access = true
generic_algo_id = true
surveillance = "none.csv"
ban_list = "no.csv"

[risk.limits]
position = 1e6
position_value = 1e9
leverage = 5
daily_loss = 1e6
price_collar = 0.1
order_value = 1e6
order_quantity = 1e4
open_value = 1e7
orders_per_second = 100
orders_per_minute = 1000
duplicate_seconds = 1
concentration = 0.5
trades_per_day = 1000
repeated_executions = 1000
"""
FACTS = "instrument,value,effective_from,effective_to,source\n*,{},2015-01-01,,made up for the benchmark\n"


def write_files(folder: Path, *, checks: bool) -> Path:
    """Eleven weeks of minutes that hardly move, and the run file."""
    sessions = calendar_for("NSE", Segment.EQUITY).sessions(date(2026, 9, 1), date(2026, 11, 20))
    at = np.concatenate([np.arange(each.open + MINUTE, each.open + 370 * MINUTE, MINUTE) for each in sessions])
    steps = np.random.default_rng(7).integers(-1, 2, len(at))
    close = 100 + 0.05 * np.clip(np.cumsum(steps), -60, 60)
    columns = {"time": at, "open": close, "high": close + 0.05, "low": close - 0.05, "close": close}
    pq.write_table(pa.table({**columns, "volume": np.full(len(at), 1e6)}), folder / "bars.parquet")
    (folder / "churn.py").write_text(STRATEGY, encoding="utf-8")
    for name, value in (("none", "none"), ("no", "no")):
        (folder / f"{name}.csv").write_text(FACTS.format(value), encoding="utf-8")
    path = folder / "run.toml"
    path.write_text(RUN + CHECKS * checks, encoding="utf-8")
    return path


def timed(prepared: Prepared) -> list[int]:
    """Nanoseconds that each order of a run took to be judged and kept."""
    desk, clock = prepared.engine.parts[2], time.perf_counter_ns
    submit, spent = desk.submit, list[int]()

    def measured(*asked: Any) -> bool:
        began = clock()
        found = submit(*asked)
        spent.append(clock() - began)
        return found

    desk.submit = measured  # type: ignore[method-assign,assignment]
    prepared.backtest.run(progress=lambda done: None, stop=lambda: False)
    return spent[WARM:]


def played(*, checks: bool) -> tuple[list[int], int, int]:
    """Times, orders approved, orders refused of a run."""
    with tempfile.TemporaryDirectory() as name:
        prepared = prepare(settings.load(write_files(Path(name), checks=checks), environment={}))
        if not checks:
            prepared.engine.parts[2]._gate = Gate(())
        spent = timed(prepared)
    kinds = [type(entry.body) for entry in prepared.backtest.log]
    return spent, kinds.count(Approved), kinds.count(Refused)


def percentiles(spent: Sequence[int]) -> tuple[float, float]:
    """The middle and the 99th."""
    p50, p99 = np.percentile(spent, (50, 99)).tolist()
    return p50, p99


def main() -> None:
    """Measure both and print one line."""
    bare, orders, _ = played(checks=False)
    full, approved, refused = played(checks=True)
    if refused or approved != orders:
        raise InvariantBroken("the two runs are not the same", value=f"{approved}, {refused} refused", limit=orders)
    (least, slow), (p50, p99) = percentiles(bare), percentiles(full)
    line = {
        "peer": "TradSys",
        "version": version("tradsys"),
        "workload": "gate",
        "n": approved,
        "seconds": round(sum(full) / 1e9, 4),
        "per_sec": round(len(full) / (sum(full) / 1e9), 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "setup_seconds": 0.0,
        "latency_ns": {"p50": round(p50 - least), "p99": round(p99 - slow)},
        "note": f"added to an order {(p50 - least) / 1e3:.1f} us in the middle and {(p99 - slow) / 1e3:.1f} us at p99: "
        f"from {least / 1e3:.1f} and {slow / 1e3:.1f} without any check to {p50 / 1e3:.1f} and {p99 / 1e3:.1f}",
        "result": {"approved": approved, "refused": refused},
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
