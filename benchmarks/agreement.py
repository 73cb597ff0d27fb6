"""Whether a run's result is what a bare computation of the same rules gives; before that no speed means anything."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.peers import data_folder, scripts_folder

INSTRUMENTS = 50
CASH = 100_000.0
CENT = 0.0101  # Peers print their equity to the cent.


@functools.cache
def shared_bars() -> ModuleType:
    """The module that makes every peer's data from one seed."""
    os.environ.setdefault("PEERS_DATA", str(data_folder()))
    specification = importlib.util.spec_from_file_location("bench_data", scripts_folder() / "data.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def exact_cross(bars: Mapping[str, Any], *, fill: str) -> tuple[float, int]:
    """Gain and fills of one unit held while SMA(10) is above SMA(50) in whole cents, at 0.1 % commission."""
    cents = np.rint(bars["close"] * 100).astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(cents)])
    above = 5 * (sums[50:] - sums[40:-10]) > sums[50:] - sums[:-50]
    changes = np.diff(np.concatenate([np.zeros(50, np.int64), above.astype(np.int64)]))
    at = np.nonzero(changes)[0]
    if fill == "next open":
        at = at[at + 1 < len(cents)]
    prices = bars["open"][at + 1] if fill == "next open" else bars["close"][at]
    held = changes[at]
    gain = held.sum() * bars["close"][-1] - (held * prices).sum() - 0.001 * prices.sum()
    return float(gain), len(at)


@functools.cache
def expected(workload: str, *, bars: int, fill: str) -> tuple[float, int]:
    """Final equity and number of fills; the gains of `multi`'s 50 instruments on one account add up."""
    data = shared_bars()
    series = [data.bars(bars)] if workload == "sma_cross" else data.multi(INSTRUMENTS, bars // INSTRUMENTS)
    single = [exact_cross(each, fill=fill) for each in series]
    return CASH + sum(gain for gain, _ in single), sum(fills for _, fills in single)


def agreement(line: Mapping[str, Any]) -> str:
    """ "equal", or by how much the result differs; "–" for workloads without a fill convention."""
    fill, result = line.get("fill"), line["result"]
    if line["workload"] not in ("sma_cross", "multi") or fill not in ("next open", "bar close"):
        return "–"
    if not isinstance(result.get("final_equity"), int | float):
        return f"no equity: {result.get('final_equity')}"
    equity, fills = expected(line["workload"], bars=line["n"], fill=fill)
    off, more = result["final_equity"] - equity, result["n_trades"] - fills
    if abs(off) <= CENT and not more:
        return f"equal ({fill})"
    return f"equity {off:+.2f}, fills {more:+d} of {fills} ({fill})"
