"""`tradsys new strategy` writes a file that runs as it stands."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import date
from pathlib import Path

from tradsys.core.instruments import Segment
from tradsys.reference.calendar import calendar_for

RUN = """
[run]
name = "mine"
[data]
path = "bars.csv"
format = "csv"
interval = "1d"
label = "start"
timezone = "Asia/Kolkata"
instruments = ["NSE:SHARE"]
[[strategies]]
use = "strategies/my_idea.py:MyIdea"
[charges]
plan = "none"
"""


def tradsys(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tradsys", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def sessions() -> list[str]:
    """A year of NSE dates, from the calendar that the run will use."""
    found = calendar_for("NSE", Segment.EQUITY).sessions(date(2019, 1, 1), date(2019, 12, 31))
    return [session.date.isoformat() for session in found]


def test_what_it_writes_runs(tmp_path: Path) -> None:
    written = tradsys(tmp_path, "new", "strategy", "my_idea")
    assert written.returncode == 0, written.stderr
    assert len((tmp_path / "strategies" / "my_idea.py").read_text().splitlines()) <= 20
    lines = ["date,open,high,low,close,volume"]
    for index, day in enumerate(sessions()):
        price = round(100 + 20 * math.sin(index / 20), 2)
        lines.append(f"{day},{price},{price + 1},{price - 1},{price},1000000")
    (tmp_path / "bars.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "run.toml").write_text(RUN, encoding="utf-8")
    done = tradsys(tmp_path, "backtest", "run.toml", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    summary = json.loads(done.stdout)
    assert summary["fills"] >= 2
    assert summary["halted"] == []
    assert (tmp_path / summary["run_dir"] / "report.html").is_file()
    assert "MyIdea" in tradsys(tmp_path, "strategies", "--json").stdout
