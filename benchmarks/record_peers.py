"""Record what the peers do with a plain SMA cross on Oracle's daily bars, as answers for our own tests.

Rules, the same for every peer: mean of 10 closes above mean of 30 at a close, hold 100 shares from the next open, else
be flat at the next open; start cash 100,000; commission 0.1 % of each fill's notional; prices as the file's
Open, High, Low, Close stand. A trade still open at the end stays open and is marked at the last close.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers import BACKTESTING, BACKTRADER, ROOT, Peer, PeerUnavailable, environment, printed

RULES = {"fast": 10, "slow": 30, "size": 100, "cash": 100_000.0, "commission": 0.001, "fill": "next open"}
FOLDER = ROOT / "tests" / "answers" / "peers"
RECORDERS: dict[str, tuple[Peer, str]] = {
    "backtesting_py": (BACKTESTING, "backtesting_trades.py"),
    "backtrader": (BACKTRADER, "backtrader_trades.py"),
}


def data_file() -> Path:
    """Oracle's daily bars of 1995 to 2014 in the shared data folder.

    Raises PeerUnavailable where it is absent.
    """
    shared = Path(os.environ.get("TRADSYS_SHARED_DATA") or ROOT.parent / "shared" / "data")
    path = shared / "peers" / "backtrader" / "orcl-1995-2014.txt.gz"
    if not path.is_file():
        raise PeerUnavailable(f"no data at {path}; set TRADSYS_SHARED_DATA")
    return path


def record(peer: Peer, script: str) -> dict[str, Any]:
    """One peer's trades and equity, with the rules and the data's hash."""
    path = data_file()
    arguments = [str(RULES[name]) for name in ("fast", "slow", "size", "cash", "commission")]
    recorder = ROOT / "benchmarks" / "recorders" / script
    (answer,) = printed([str(environment(peer)), str(recorder), str(path), *arguments], what=script)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"data": {"file": path.name, "sha256": digest}, "rules": RULES, **answer}


def lines(answer: dict[str, Any]) -> str:
    """JSON with one trade a line and the curves on one line each, so that a change reads in a diff."""
    trades = ",\n".join(f"  {json.dumps(trade)}" for trade in answer["trades"])
    rest = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in answer.items() if key != "trades"]
    return "{\n" + ",\n".join(rest) + f',\n"trades": [\n{trades}\n]\n}}\n'


def main() -> int:
    """Write one file a peer under tests/answers/peers; 1 where a peer could not be had."""
    missing = 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (peer, script) in RECORDERS.items():
        try:
            answer = record(peer, script)
        except PeerUnavailable as reason:
            print(f"{peer.name}: skipped, {reason}", file=sys.stderr)
            missing += 1
            continue
        (FOLDER / f"orcl_sma_cross_{name}.json").write_text(lines(answer))
        print(f"{peer.name} {answer['version']}: {len(answer['trades'])} trades, final {answer['equity'][-1]:.6f}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
