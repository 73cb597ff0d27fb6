"""From a shell's point of view: the first compilation on a clean machine, a warm start, and `--help`.

`cold_compile_s` is what the kernels of the shipped strategies take with an empty cache; `warm_start_s` the whole of
`tradsys backtest` on 1,000 bars, results and tear sheet left out; `help_s` the whole of `tradsys --help`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.agreement import shared_bars
from benchmarks.crosses import write_files

COMPILE = """
from tradsys import ATR, EMA, RSI, SMA, BollingerBands, DonchianChannel
import numpy as np
bars = np.cumsum(np.ones((5, 300)), axis=1)
for each in (SMA(), EMA(), ATR(), RSI(), BollingerBands(), DonchianChannel()):
    each.batch(bars)
from tradsys.numerics.compilation import compile_seconds
print(compile_seconds())
"""

START = """
import sys
from pathlib import Path
from tradsys.engine import settings
from tradsys.engine.assemble import prepare
prepare(settings.load(Path(sys.argv[1]), environment={}))
"""


def timed(command: list[str], **environment: str) -> tuple[float, str]:
    """Wall-clock seconds of a command and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, done.stdout


def main() -> None:
    """Print one JSON line."""
    tradsys = [sys.executable, "-m", "tradsys"]
    with tempfile.TemporaryDirectory() as folder:
        config = write_files(Path(folder), [{name: each[:1000] for name, each in shared_bars().bars(20_000).items()}])
        cold, printed = timed([sys.executable, "-c", COMPILE], NUMBA_CACHE_DIR=str(Path(folder) / "cache"))
        start = [sys.executable, "-c", START, str(config)]
        timed(start)
        warm, _ = timed(start)
        timed([*tradsys, "--help"])
        help_seconds, _ = timed([*tradsys, "--help"])
    line = {
        "peer": "TradSys",
        "version": version("tradsys"),
        "workload": "start",
        "n": 1,
        "seconds": round(warm, 3),
        "per_sec": round(1 / warm, 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1),
        "setup_seconds": round(cold, 3),
        "cold_compile_s": round(float(printed), 3),
        "warm_start_s": round(warm, 3),
        "help_s": round(help_seconds, 3),
        "result": {},
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
