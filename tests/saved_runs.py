"""Runs that are kept, for tests: run folders of small cases and of what ships, on the sample in a store."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.builders import MONDAY, Case, at_bar, minutes, scripted
from tradsys.core.instruments import Segment
from tradsys.engine.run import backtest
from tradsys.engine.saved_run import SavedRun, open_run
from tradsys.market.bars import resample
from tradsys.market.importing import import_files
from tradsys.market.store import Store
from tradsys.reference.calendar import calendar_for

PRICES = [(100, 100, 100, 100), (100, 103, 99, 102), (102, 106, 101, 105), (105, 106, 97, 98), (98, 99, 96, 97)]

PLAN: dict[int, Callable[..., Any]] = {
    0: lambda s, b: s.buy(b, 10, reason="in"),
    2: lambda s, b: [s.sell(b, 10, reason="out"), s.sell(b, 99)],
    3: lambda s, b: s.buy(b, 5, limit=90.0),
}

BUYER = """from tradsys import SMA, Param, Strategy


class Buyer(Strategy):
    size: int = Param(10, low=1, high=100)

    def on_start(self, ctx):
        self.mean = ctx.indicator(SMA(2))
        self.seen = 0

    def on_bar(self, bar, account):
        self.seen += 1
        if self.mean.ready:
            yield self.target(bar, self.size if bar.close > self.mean.value else 0, reason="close against its mean")
"""


def planned(folder: Path, plan: dict[int, Callable[..., Any]] = PLAN, **sections: Any) -> Case:
    """Five bars, on which a script buys and sells, with charges of a tenth of a percent."""
    given = {"charges": {"plan": "flat", "rate": 0.001}, **sections}
    script = f"plan {id(plan)}"  # a script of the same name would take the place of one that is to be repeated
    strategy = scripted(script, at_bar(plan), product="CNC") | {"name": "plan"}
    return Case(folder, {"NSE:A": minutes(MONDAY, PRICES)}, [strategy], sections=given)


def with_file(folder: Path, text: str = BUYER, **sections: Any) -> Case:
    """The same bars, with a strategy that stands in a file beside the run file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "buyer.py").write_text(text, encoding="utf-8")
    strategy = {"use": "buyer.py:Buyer", "product": "CNC"}
    return Case(folder, {"NSE:A": minutes(MONDAY, PRICES)}, [strategy], sections=sections)


def kept(case: Case, *, flags: Sequence[str] = (), out: Path | None = None) -> SavedRun:
    """Run a case and open what it left."""
    outcome = backtest(case.write(), flags=flags, environment={}, out=out or case.folder / "backtests")
    return open_run(outcome.folder)


SHIPPED = {
    "ema_trend": ("FEDERALBNK", "1h", "CNC"),
    "donchian_breakout": ("FEDERALBNK", "1h", "CNC"),
    "bollinger_rsi": ("FORTIS", "15m", "CNC"),
    "opening_range": ("FEDERALBNK", "1m", "MIS"),
    "strategies/two_day_reversal.py:TwoDayReversal": ("FEDERALBNK", "1h", "CNC"),
}
"""Strategies that ship: what each trades, on which bars, under which product."""


def sample_store(repository: Path, folder: Path) -> Path:
    """FEDERALBNK by the minute and the hour, FORTIS by the minute and the quarter hour."""
    place = Store(folder)
    calendar = calendar_for("NSE", Segment.EQUITY)
    for symbol, interval in (("FEDERALBNK", "1h"), ("FORTIS", "15m")):
        (path,) = (repository / "data" / "sample" / "nse_1min_mit").glob(f"{symbol}_1min_*.parquet")
        import_files(str(path), format="nse_1min_mit", store=place, calendar=calendar)
        place.write(resample(place.read(symbol, interval="1m"), interval, calendar=calendar))
    return folder


def shipped(use: str, *, store: Path, repository: Path, folder: Path, until: str = "2015-10-01") -> Path:
    """The run folder of a strategy that ships, run on the sample."""
    symbol, interval, product = SHIPPED[use]
    place, _, name = use.rpartition("/")
    run_file = folder / "run.toml"
    run_file.write_text(
        "\n".join(
            [
                f'run = {{ name = "shipped", cash = 500_000, to = "{until}" }}',
                f'execution = {{ product = "{product}" }}',
                'charges = { plan = "zerodha", as_of = 2026-11-21 }',
                f"strategies = [{{ use = {json.dumps(str(repository / place / name) if place else name)} }}]",
                "[data]",
                f'path = "{store / f"instrument={symbol}" / f"interval={interval}"}"',
                'format = "tradsys"',
                f'instruments = ["NSE:{symbol}"]',
                'corporate_actions = "reference"',
            ]
        ),
        encoding="utf-8",
    )
    return backtest(run_file, environment={}, out=folder / "backtests").folder
