"""A plain SMA cross on ORCL daily equals what backtesting.py and backtrader made of it under the same rules."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.builders import to_toml
from tradsys.engine.run import Outcome, backtest

RECORDS = Path(__file__).parents[2] / "answers" / "peers"

STRATEGY = '''
from tradsys import SMA, Strategy


class Cross(Strategy):
    """100 shares while SMA(10) is above SMA(30)."""

    def on_start(self, ctx):
        self.fast = ctx.indicator(SMA(10))
        self.slow = ctx.indicator(SMA(30))

    def on_bar(self, bar, account):
        if self.slow.ready:
            yield self.target(bar, 100 if self.fast.value > self.slow.value else 0)
'''


@pytest.fixture(scope="module")
def outcome(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("peers")
    (folder / "cross.py").write_text(STRATEGY)
    tables = {
        "run": {"name": "orcl", "cash": 100_000.0, "currency": "USD"},
        "data": {
            "path": str(shared_data / "peers" / "backtrader" / "orcl-1995-2014.txt.gz"),
            "format": "csv",
            "interval": "1d",
            "timezone": "UTC",
            "instruments": [{"id": "NASDAQ:ORCL", "name": "orcl-1995-2014", "tick": 0.000001, "lot": 1.0}],
        },
        "execution": {"slippage_bps": 0, "participation": 0},
        "charges": {"plan": "flat", "rate": 0.001},
        "strategies": [{"use": "cross.py:Cross"}],
    }
    (folder / "orcl.toml").write_text(to_toml(tables))
    return backtest(folder / "orcl.toml", environment={}, out=folder / "out")


def record(peer: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDS / f"orcl_sma_cross_{peer}.json").read_text())
    return found


def date_of(at: int) -> str:
    """The day a daily bar that ends at an instant is of."""
    return str(np.datetime64(at - 1, "ns").astype("datetime64[D]"))


@pytest.mark.parametrize("peer", ["backtesting_py", "backtrader"])
def test_equity_of_every_day(outcome: Outcome, peer: str) -> None:
    recorded = record(peer)
    table = pq.read_table(outcome.folder / "equity.parquet")
    assert [date_of(at) for at in table["at"].to_pylist()] == recorded["dates"]
    assert table["equity"].to_pylist() == pytest.approx(recorded["equity"], abs=1e-6)


@pytest.mark.parametrize("peer", ["backtesting_py", "backtrader"])
def test_every_trade(outcome: Outcome, peer: str) -> None:
    recorded = record(peer)
    expected = sorted(
        [(t["entry_date"], "buy", t["size"], t["entry_price"]) for t in recorded["trades"] + recorded["open_trades"]]
        + [(t["exit_date"], "sell", t["size"], t["exit_price"]) for t in recorded["trades"]]
    )
    fills = pq.read_table(outcome.folder / "fills.parquet").to_pylist()
    assert len(fills) == 197
    for fill, (day, side, size, price) in zip(fills, expected, strict=True):
        assert (date_of(fill["at"]), fill["side"], fill["quantity"]) == (day, side, size)
        assert fill["price"] == pytest.approx(price, abs=1e-6)
        assert fill["charges"] == pytest.approx(price * size * 0.001, abs=1e-6)


@pytest.mark.parametrize("peer", ["backtesting_py", "backtrader"])
def test_round_trips(outcome: Outcome, peer: str) -> None:
    recorded = record(peer)
    with (outcome.folder / "trades.csv").open(newline="") as file:
        trips = [row for row in csv.DictReader(file) if row["open"] == "False"]
    assert len(trips) == len(recorded["trades"]) == 98
    for trip, trade in zip(trips, recorded["trades"], strict=True):
        assert float(trip["entry_price"]) == pytest.approx(trade["entry_price"], abs=1e-6)
        assert float(trip["exit_price"]) == pytest.approx(trade["exit_price"], abs=1e-6)
        gross = (trade["exit_price"] - trade["entry_price"]) * trade["size"]
        assert float(trip["gross"]) == pytest.approx(gross, abs=1e-6)
        costs = (trade["exit_price"] + trade["entry_price"]) * trade["size"] * 0.001
        assert float(trip["net"]) == pytest.approx(gross - costs, abs=1e-6)
