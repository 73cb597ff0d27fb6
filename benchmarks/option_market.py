"""The options that every side of `options` prices, from one seed; the best time of some calls; the line printed."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

COUNT = 100_000
COLUMNS = ("spot", "strike", "years", "volatility", "rate", "dividend_yield", "right")


def market(count: int = COUNT) -> dict[str, Any]:
    """Columns of options of a day to two years, 5 to 80 % of volatility, up to three deviations from the money."""
    draw = np.random.default_rng(26)
    years, volatility = draw.uniform(1 / 365, 2.0, count), draw.uniform(0.05, 0.8, count)
    columns = (
        np.full(count, 24_000.0),
        24_000.0 * np.exp(draw.uniform(-3.0, 3.0, count) * volatility * np.sqrt(years)),
        years,
        volatility,
        np.full(count, 0.065),
        np.full(count, 0.012),
        draw.choice([1.0, -1.0], count),
    )
    return dict(zip(COLUMNS, columns, strict=True))


def best_seconds(call: Callable[[], object], *, times: int) -> float:
    """The fastest of `times` calls after one to warm up."""
    call()
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return min(spent)


def show(peer: str, *, version: str, count: int, seconds: float, total: float, **more: Any) -> None:
    """Print one line; `total` is the sum of all prices."""
    line = {
        "peer": peer,
        "version": version,
        "workload": "options",
        "n": count,
        "seconds": seconds,
        "per_sec": round(count / seconds, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "setup_seconds": 0.0,
        "result": {"total": round(total, 4)},
    }
    print(json.dumps(line | more), flush=True)
