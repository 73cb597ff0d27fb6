"""The peers: one environment each, built under a cache folder, and their scripts run in it.

`$TRADSYS_BENCH_HOME` moves the environments and generated data, `$TRADSYS_BENCH_SCRIPTS` names the folder of the
peers' scripts (default: `shared/bench` beside the repository). Nothing of a peer enters TradSys's own environment:
some carry copyleft licences and most pin versions that conflict.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 900


class PeerUnavailable(Exception):
    """A peer that cannot be installed or run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What to install, under which Python."""

    name: str
    requirements: tuple[str, ...]
    python: str = "3.11"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerScript:
    """One peer's side of one workload; `vectorised` peers never call a strategy and are shown for information."""

    peer: Peer
    script: str
    arguments: tuple[str, ...] = ()
    vectorised: bool = False


BACKTESTING = Peer("backtesting.py", ("backtesting==0.6.6",))
BACKTRADER = Peer("backtrader", ("backtrader==1.9.78.123", "pandas==3.1.1"))
VECTORBT = Peer("vectorbt", ("vectorbt==1.2.0",))
NAUTILUS = Peer("nautilus_trader", ("nautilus_trader==1.231.0",), python="3.12")
TALIB = Peer("TA-Lib", ("ta-lib==0.8.2",))
POLARS_TALIB = Peer("polars-talib", ("polars-talib==0.2.1", "numpy==2.4.6"))
TA = Peer("ta", ("ta==0.11.0", "pandas==3.1.1"))
LIMIT_ORDER_BOOK = Peer("limit-order-book", ("limit-order-book==2.0.0", "numpy"))
LIQUIBOOK = Peer("liquibook", ("liquibook==2.0.1", "numpy"))
LITEBOOK = Peer("litebook", ("litebook==0.0.1", "numpy"))
HFTBACKTEST = Peer("hftbacktest", ("hftbacktest==2.4.4",))
CCXT = Peer("ccxt", ("ccxt==4.5.90", "numpy"))
QUANTLIB = Peer("QuantLib", ("quantlib==1.44", "numpy==2.4.6"))
SCIPY = Peer("NumPy and SciPy", ("scipy==1.17.1", "numpy==2.4.6"))

# Peers' scripts that are kept here.
OWN_SCRIPTS = ROOT / "benchmarks" / "recorders"

WORKLOADS: dict[str, tuple[PeerScript, ...]] = {
    "sma_cross": (
        PeerScript(peer=BACKTESTING, script="backtesting_sma_cross.py"),
        PeerScript(peer=BACKTRADER, script="backtrader_sma_cross.py"),
        PeerScript(peer=NAUTILUS, script="nautilus_rust_sma_cross.py"),
        PeerScript(peer=VECTORBT, script="vectorbt_sma_cross.py", vectorised=True),
    ),
    "multi": (
        PeerScript(peer=BACKTRADER, script="backtrader_multi.py"),
        PeerScript(peer=NAUTILUS, script="nautilus_rust_multi.py"),
        PeerScript(peer=VECTORBT, script="vectorbt_multi.py", vectorised=True),
    ),
    "indicators": (
        PeerScript(peer=TALIB, script="talib_indicators.py"),
        PeerScript(peer=POLARS_TALIB, script="polars_talib_indicators.py"),
        PeerScript(peer=TA, script="ta_indicators.py", arguments=("100000", "range-index")),
    ),
    "matching": (
        PeerScript(peer=LIMIT_ORDER_BOOK, script="limit_order_book_matching.py"),
        PeerScript(peer=LIQUIBOOK, script="liquibook_matching.py"),
        PeerScript(peer=LITEBOOK, script="litebook_matching.py"),
    ),
    "l2": (
        PeerScript(peer=HFTBACKTEST, script="hftbacktest_l2.py", arguments=("1000000", "roi")),
        PeerScript(peer=CCXT, script="ccxt_l2.py"),
    ),
    "ticks": (
        PeerScript(peer=HFTBACKTEST, script="hftbacktest_ticks.py"),
        PeerScript(peer=NAUTILUS, script="nautilus_rust_ticks.py"),
    ),
    "orders": (PeerScript(peer=NAUTILUS, script="nautilus_rust_orders.py"),),
    "options": (
        PeerScript(peer=QUANTLIB, script=str(OWN_SCRIPTS / "quantlib_options.py")),
        PeerScript(peer=SCIPY, script=str(OWN_SCRIPTS / "scipy_options.py")),
    ),
}


def home() -> Path:
    """The cache folder of the peers' environments and data."""
    return Path(os.environ.get("TRADSYS_BENCH_HOME") or platformdirs.user_cache_path("tradsys") / "bench")


def data_folder() -> Path:
    """Where the generated bars are kept, so that every process reads the same numbers."""
    return Path(os.environ.get("PEERS_DATA") or home() / "data")


def scripts_folder() -> Path:
    """The folder of the peers' scripts.

    Raises PeerUnavailable where it is absent.
    """
    folder = Path(os.environ.get("TRADSYS_BENCH_SCRIPTS") or ROOT.parent / "shared" / "bench")
    if not (folder / "data.py").is_file():
        raise PeerUnavailable(f"no peers' scripts at {folder}; set TRADSYS_BENCH_SCRIPTS")
    return folder


def _answers(python: str, version: str) -> bool:
    command = [python, "-c", f"import sys; sys.exit(sys.version_info[:2] != {tuple(map(int, version.split('.')))})"]
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except OSError:
        return False


def interpreter(version: str) -> str:
    """A Python of that `version` ("3.12"): `$TRADSYS_BENCH_PYTHON_3_12`, this one, the path's or pyenv's.

    Raises PeerUnavailable where there is none.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    setting = f"TRADSYS_BENCH_PYTHON_{version.replace('.', '_')}"
    candidates = [os.environ.get(setting, ""), sys.executable, shutil.which(f"python{version}") or ""]
    candidates += [str(found) for found in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        if _answers(candidate, version):
            return candidate
    raise PeerUnavailable(f"no Python {version} here; set {setting}")


def _checked(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    if done.returncode:
        raise PeerUnavailable(f"{what} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


def environment(peer: Peer) -> Path:
    """The Python of the peer's environment, built first where it is missing or was built from other versions.

    Raises PeerUnavailable where the interpreter or a package cannot be had.
    """
    folder = home() / "environments" / peer.name
    python, stamp = folder / "bin" / "python", folder / "requirements.json"
    wanted = json.dumps([peer.python, *peer.requirements])
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    base = interpreter(peer.python)
    _checked([base, "-m", "venv", "--clear", str(folder)], "making the environment")
    uv = Path(sys.executable).with_name("uv")
    installer = [str(uv), "pip", "install", "--python", str(python)]
    fallback = [str(python), "-m", "pip", "install"]
    _checked([*(installer if uv.is_file() else fallback), *peer.requirements], "installing")
    stamp.write_text(wanted)
    return python


def printed(command: Sequence[str], *, what: str) -> list[dict[str, Any]]:
    """The JSON objects that a command prints, one a line; it runs in a process of its own at the root.

    Raises PeerUnavailable where it fails, prints none or exceeds 15 minutes.
    """
    environ = os.environ | {
        "PEERS_DATA": str(data_folder()),
        "TRADSYS_BENCH_SCRIPTS": str(scripts_folder()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise PeerUnavailable(f"{what} took more than {TIMEOUT_SECONDS} s") from None
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise PeerUnavailable(f"{what} failed: {(done.stderr.strip().splitlines() or ['nothing printed'])[-1]}")
    return lines


def main() -> int:
    """Build every peer's environment and say which could not be had."""
    peers = {run.peer.name: run.peer for scripts in WORKLOADS.values() for run in scripts}
    for name, peer in peers.items():
        try:
            environment(peer)
        except PeerUnavailable as reason:
            print(f"{name}: skipped, {reason}")
        else:
            print(f"{name}: {', '.join(peer.requirements)}, Python {peer.python}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
