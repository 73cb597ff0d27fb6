"""FEDERALBNK went ex bonus (1:1) on 2015-07-03: what was held keeps its value, and no indicator jumps."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from tradsys.core.events import CorporateAction, Signal
from tradsys.engine.run import Outcome, backtest
from tradsys.market.store import Store

CONFIG = """
[run]
name = "bonus"
cash = 500_000
from = 2015-06-01
to = 2015-07-31
[data]
path = "{bars}"
format = "tradsys"
instruments = ["NSE:FEDERALBNK"]
[[strategies]]
use = "watch.py:Watch"
[charges]
plan = "none"
"""

WATCH = '''
from tradsys import EMA, RSI, Strategy


class Watch(Strategy):
    """Holds 100 shares and says what it sees."""

    def on_start(self, ctx):
        self.mean, self.rsi = ctx.indicator(EMA(20)), ctx.indicator(RSI(14))

    def on_bar(self, bar, account):
        seen = (self.mean.value / bar.close, self.rsi.value, account.position(bar.instrument))
        yield self.signal(bar, 0.1, reason=" ".join(map(repr, seen)))
'''

OPEN = int(datetime.datetime(2015, 7, 3, 9, 15, tzinfo=ZoneInfo("Asia/Kolkata")).timestamp()) * 10**9


def run(store: Store, folder: Path, *flags: str) -> Outcome:
    bars = store.root / "instrument=FEDERALBNK" / "interval=1h"
    (folder / "run.toml").write_text(CONFIG.format(bars=bars), encoding="utf-8")
    (folder / "watch.py").write_text(WATCH, encoding="utf-8")
    return backtest(folder / "run.toml", flags=flags, environment={}, out=folder)


def around(outcome: Outcome) -> tuple[list[float], list[float]]:
    """What the strategy saw at the last close before the ex-date and at the first after it."""
    seen = [entry.body for entry in outcome.prepared.backtest.log if isinstance(entry.body, Signal)]
    times = [entry.at for entry in outcome.prepared.backtest.log if isinstance(entry.body, Signal)]
    first = next(index for index, at in enumerate(times) if at > OPEN)
    before, after = ([float(word) for word in seen[index].reason.split()] for index in (first - 1, first))
    return before, after


def equity(outcome: Outcome) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = pq.read_table(outcome.folder / "equity.parquet").to_pylist()
    for row in rows:
        if isinstance(row["at"], datetime.datetime):
            row["at"] = int(row["at"].timestamp()) * 10**9
    first = next(index for index, row in enumerate(rows) if row["at"] > OPEN)
    return rows[first - 1], rows[first]


def test_a_position_keeps_its_value(store: Store, tmp_path: Path) -> None:
    outcome = run(store, tmp_path, "data.corporate_actions=reference")
    (before, after), (row, following) = around(outcome), equity(outcome)
    assert after[2] == 2 * before[2] > 0
    series = outcome.prepared.data.series["NSE:FEDERALBNK"]
    index = int((series.at > OPEN).argmax())
    old, new = float(series.close[index - 1]), float(series.close[index])
    assert old > 1.8 * new, "the sample's price halves"
    gain = following["equity"] - row["equity"]
    assert gain == pytest.approx(after[2] * new - before[2] * old, abs=1e-6)
    assert abs(gain) < 0.05 * before[2] * old
    assert following["cash"] == row["cash"]
    assert sum(isinstance(entry.body, CorporateAction) for entry in outcome.prepared.backtest.log) == 1


def test_indicators_do_not_jump(store: Store, tmp_path: Path) -> None:
    before, after = around(run(store, tmp_path, "data.corporate_actions=reference"))
    assert after[0] == pytest.approx(before[0], rel=0.05)
    assert abs(after[1] - before[1]) < 30


def test_without_corporate_actions_they_would(store: Store, tmp_path: Path) -> None:
    before, after = around(run(store, tmp_path))
    assert after[0] > 1.5 * before[0]
    assert after[1] < 10
    assert after[2] == before[2]


@pytest.mark.parametrize("interval", ["1m", "1h"])
def test_the_data_check_suspects_it(store: Store, interval: str) -> None:
    bars = store.root / "instrument=FEDERALBNK" / f"interval={interval}"
    done = subprocess.run(
        [sys.executable, "-m", "tradsys", "data", "check", str(bars), "--format", "tradsys", "--json"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    (suspect,) = [each for each in json.loads(done.stdout)["findings"] if each["kind"] == "split_suspect"]
    assert suspect["from"].startswith("2015-07-02T15:30")
    assert suspect["to"].startswith("2015-07-03")


def test_nothing_fills_where_the_bar_did_not_trade(store: Store, repository: Path, tmp_path: Path) -> None:
    """Not told of the bonus, a run has a price band that the whole day lies outside of."""
    bars = store.root / "instrument=FEDERALBNK" / "interval=1m"
    (tmp_path / "known.txt").write_text("instrument,ex_date,kind,ratio,cash,source\n", encoding="utf-8")
    flags = [
        f"data.path={bars}",
        f"data.corporate_actions={tmp_path / 'known.txt'}",
        "run.from=2015-07-02",
        "run.to=2015-07-03",
    ]
    outcome = backtest(repository / "configs" / "demo_opening_range.toml", flags=flags, environment={}, out=tmp_path)
    series = outcome.prepared.data.series["NSE:FEDERALBNK"]
    rows = {int(at): index for index, at in enumerate(series.at)}
    fills = pq.read_table(outcome.folder / "fills.parquet").to_pylist()
    assert len(fills) >= 2
    for fill in fills:
        row = rows[fill["at"] if isinstance(fill["at"], int) else int(fill["at"].timestamp()) * 10**9]
        assert 0.999 * series.low[row] - 0.05 <= fill["price"] <= 1.001 * series.high[row] + 0.05
