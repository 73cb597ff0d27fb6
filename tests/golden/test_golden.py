"""Each strategy that ships, run from its run file, trades and ends exactly as an independent computation says.

The golden files are written by the `independent_*.py` beside them (`python -m tests.golden.independent_ema_trend`).
Those share no code with the package; here both must give the files, to the last digit.
"""

from __future__ import annotations

import datetime
import importlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.golden.independent_rules import HERE
from tradsys.engine.run import backtest
from tradsys.market.store import Store

RUNS = {
    "ema_trend": ("demo_ema_trend.toml", "FEDERALBNK", "1h", []),
    "donchian_breakout": ("donchian_breakout.toml", "FEDERALBNK", "1h", []),
    "bollinger_rsi": ("bollinger_rsi.toml", "FORTIS", "15m", []),
    "opening_range": (
        "demo_opening_range.toml",
        "FEDERALBNK",
        "1m",
        ["run.from=2015-01-01", "run.to=2015-02-28"],
    ),
}


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    assert len(found["fills"]) > 10
    return found


@pytest.mark.parametrize("name", RUNS)
def test_the_independent_computation_gives_the_golden_file(name: str) -> None:
    assert importlib.import_module(f"tests.golden.independent_{name}").compute() == golden(name)


@pytest.mark.parametrize("name", RUNS)
def test_the_backtest_gives_the_golden_file(name: str, repository: Path, store: Store, tmp_path: Path) -> None:
    config, symbol, interval, flags = RUNS[name]
    bars = store.root / f"instrument={symbol}" / f"interval={interval}"
    outcome = backtest(
        repository / "configs" / config, flags=[f"data.path={bars}", *flags], environment={}, out=tmp_path
    )
    found = [_line(row) for row in pq.read_table(outcome.folder / "fills.parquet").to_pylist()]
    expected = golden(name)
    assert found == expected["fills"]
    assert f"{outcome.summary()['final_equity']:.8f}" == expected["final_equity"]
    assert outcome.summary()["refused"] == 0


def _line(row: dict[str, Any]) -> list[Any]:
    at = row["at"]
    if isinstance(at, datetime.datetime):
        at = int(at.timestamp()) * 10**9
    return [at, row["side"], round(row["quantity"]), f"{row['price']:.2f}", f"{row['charges']:.8f}"]


def test_a_changed_rule_is_noticed(store: Store, repository: Path, tmp_path: Path) -> None:
    config, symbol, interval, _ = RUNS["ema_trend"]
    bars = store.root / f"instrument={symbol}" / f"interval={interval}"
    flags = [f"data.path={bars}", "execution.slippage_bps=20"]
    outcome = backtest(repository / "configs" / config, flags=flags, environment={}, out=tmp_path)
    assert f"{outcome.summary()['final_equity']:.8f}" != golden("ema_trend")["final_equity"]
