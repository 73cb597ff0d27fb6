"""What a run leaves behind: every file and column that is promised, and figures that follow from the fills."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.builders import MONDAY, Case, Listening, Scripted, at_bar, bodies, conserve, fills, flat, minutes, scripted
from tradsys.core.events import Entry, Halted
from tradsys.core.units import SCALE
from tradsys.engine.run import Outcome, backtest

PRICES = [(100, 100, 100, 100), (100, 103, 99, 102), (102, 106, 101, 105), (105, 106, 97, 98), (98, 99, 96, 97)]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("run")
    plan = {
        0: lambda s, b: s.buy(b, 10, reason="in"),
        2: lambda s, b: [s.sell(b, 10, reason="out"), s.sell(b, 99)],
        3: lambda s, b: s.buy(b, 5, limit=90.0),
    }
    path = Case(
        folder,
        {"NSE:A": minutes(MONDAY, PRICES)},
        [scripted("plan", at_bar(plan), product="CNC")],
        sections={"charges": {"plan": "flat", "rate": 0.001}, "run": {"name": "two trades / one day"}},
    ).write()
    return backtest(path, environment={}, out=folder / "backtests")


FILES = [
    "manifest.json",
    "metrics.json",
    "orders.parquet",
    "fills.parquet",
    "positions.parquet",
    "equity.parquet",
    "trades.csv",
    "attribution.csv",
    "decisions",
    "report.html",
]


def test_every_promised_file(outcome: Outcome) -> None:
    assert sorted(each.name for each in outcome.folder.iterdir()) == sorted(FILES)
    assert outcome.folder.name.startswith("two-trades---one-day-2")
    assert not list(outcome.folder.parent.glob(".*")), "the draft is gone"


def test_promised_columns(outcome: Outcome) -> None:
    fills = pq.read_table(outcome.folder / "fills.parquet")
    assert fills.column_names == (
        ["at", "strategy", "instrument", "side", "quantity", "price", "charges", "order_id", "product", "reason"]
    )
    equity = pq.read_table(outcome.folder / "equity.parquet")
    assert equity.column_names == ["at", "cash", "equity"]
    assert str(fills.schema.field("at").type) == str(equity.schema.field("at").type) == "int64"
    with (outcome.folder / "trades.csv").open(newline="") as file:
        (trip,) = csv.DictReader(file)
    assert {"gross", "charges", "net", "break_even_move"} <= set(trip)
    assert (trip["gross"], trip["charges"], trip["net"]) == ("50", "2.05", "47.95")
    assert trip["entered"].endswith("+05:30")


def test_figures_follow_from_the_fills(outcome: Outcome) -> None:
    """Bought 10 at 100, sold at 105; a tenth of a percent each way."""
    rows = pq.read_table(outcome.folder / "fills.parquet").to_pylist()
    assert [(r["side"], r["quantity"], r["price"], r["charges"], r["reason"]) for r in rows] == [
        ("buy", 10.0, 100.0, 1.0, "in"),
        ("sell", 10.0, 105.0, 1.05, "out"),
    ]
    metrics = json.loads((outcome.folder / "metrics.json").read_text())
    assert metrics["final_equity"] == pytest.approx(1_000_047.95)
    assert metrics["net_pnl"] == pytest.approx(47.95)
    assert metrics["charges"] == pytest.approx(2.05)
    assert (metrics["trades"], metrics["refused"], metrics["win_rate"]) == (1, 1, 1.0)
    equity = pq.read_table(outcome.folder / "equity.parquet")
    assert equity["cash"].to_pylist() == pytest.approx([1e6, 998_999.0, 998_999.0, 1_000_047.95, 1_000_047.95])
    assert equity["equity"].to_pylist() == pytest.approx([1e6, 1_000_019.0, 1_000_049.0, 1_000_047.95, 1_000_047.95])


def test_orders_and_their_ends(outcome: Outcome) -> None:
    rows = pq.read_table(outcome.folder / "orders.parquet").to_pylist()
    assert [(r["side"], r["type"], r["quantity"], r["filled"], r["state"]) for r in rows] == [
        ("buy", "MARKET", 10.0, 10.0, "filled"),
        ("sell", "MARKET", 10.0, 10.0, "filled"),
        ("sell", "MARKET", 99.0, 0.0, "refused"),
        ("buy", "LIMIT", 5.0, 0.0, "open"),
    ]
    assert "short-in-delivery" in rows[2]["detail"]


def test_positions(outcome: Outcome) -> None:
    rows = pq.read_table(outcome.folder / "positions.parquet").to_pylist()
    assert [(r["strategy"], r["quantity"], r["cost"], r["realised"]) for r in rows] == [
        ("plan", 10.0, 1000.0, 0.0),
        ("plan", 0.0, 0.0, 50.0),
    ]


def test_decisions_read_back_as_what_was_decided(outcome: Outcome) -> None:
    head, *lines = (outcome.folder / "decisions").read_bytes().splitlines()
    assert json.loads(head) == {"format": "tradsys-decisions", "version": 1, "scale": SCALE, "lines": len(lines)}
    decoder = msgspec.json.Decoder(Entry)
    assert [decoder.decode(line) for line in lines] == outcome.prepared.backtest.log


def test_manifest(outcome: Outcome) -> None:
    manifest = json.loads((outcome.folder / "manifest.json").read_text())
    assert manifest["configuration"]["charges"]["rate"] == 0.001
    assert manifest["origins"]["charges.rate"].endswith("run.toml")
    assert len(manifest["data"]["NSE:A"]["sha256"]) == len(manifest["code"]["sha256"]) == 64
    assert manifest["strategies"]["plan"]["parameters"] == {"script": "plan"}
    assert manifest["partial"] is False and manifest["bars"] == 5


def test_a_second_run_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    path = Case(tmp_path, {"NSE:A": minutes(MONDAY, PRICES)}, [scripted("idle", lambda s, b, a: None)]).write()
    first, second = (backtest(path, environment={}, out=tmp_path / "out") for _ in range(2))
    assert first.folder != second.folder and first.folder.is_dir() and second.folder.is_dir()
    assert any("5 bars" in reason for reason in first.result.why_no_trades), "a run without a trade says why"


def test_interrupted_before_the_first_bar(tmp_path: Path) -> None:
    path = Case(tmp_path, {"NSE:A": minutes(MONDAY, PRICES)}, [scripted("idle", lambda s, b, a: None)]).write()
    with pytest.raises(KeyboardInterrupt):
        backtest(path, environment={}, out=tmp_path / "out", stop=lambda: True)
    assert not (tmp_path / "out").exists()


# --- strategies that fail


def test_a_strategy_that_raises_is_out_and_the_others_go_on(tmp_path: Path) -> None:
    def fails(strategy: Scripted, bar: Any, account: Any) -> Any:
        if strategy.n == 2:
            raise ValueError("no such price")
        return [strategy.buy(bar, 1, limit=50.0)] if strategy.n == 0 else []

    good = scripted("good", lambda s, b, a: [s.target(b, 1 + s.n % 2)])
    path = Case(tmp_path, {"NSE:A": minutes(MONDAY, PRICES)}, [scripted("bad", fails), good]).write()
    found = backtest(path, environment={}, out=tmp_path / "out")
    assert found.summary()["halted"] == ["bad"]
    (halted,) = found.result.halted
    assert halted.error == "ValueError: no such price"
    assert 'raise ValueError("no such price")' in halted.traceback
    assert "no such price" in (found.folder / "report.html").read_text()
    assert {fill.strategy for fill in fills(found.prepared)} == {"good"} and len(fills(found.prepared)) == 4
    assert not [live for live in found.prepared.engine.working.values() if live.order.strategy == "bad"]


@pytest.mark.parametrize("wrong", ["text", None, object(), 5])
def test_what_is_no_intent_halts_its_strategy(tmp_path: Path, wrong: object) -> None:
    case = Case(tmp_path, {"NSE:A": minutes(MONDAY, PRICES)}, [scripted("odd", lambda s, b, a: [wrong])])  # type: ignore[list-item]
    found = backtest(case.write(), environment={}, out=tmp_path / "out")
    assert found.summary()["halted"] == ["odd"]


def test_an_instrument_that_is_not_its_own_halts_a_strategy(tmp_path: Path) -> None:
    case = Case(tmp_path, {"NSE:A": minutes(MONDAY, PRICES)}, [scripted("far", lambda s, b, a: [s.buy("NSE:Z", 1)])])
    assert "NSE:Z" in bodies(case.run(watch=conserve), Halted)[0].error


class Last(Scripted):
    """Fails when all is over."""

    def on_stop(self, account: Any) -> None:
        raise KeyError("at the end")


def test_on_stop_may_fail(tmp_path: Path) -> None:
    section = {**scripted("last", lambda s, b, a: None), "use": "tests.unit.engine.test_run_folder:Last"}
    run = Case(tmp_path, {"NSE:A": minutes(MONDAY, PRICES)}, [section]).run()
    assert [each.error for each in bodies(run, Halted)] == ["KeyError: 'at the end'"]


def test_numpy_numbers_in_intents_reach_the_log(tmp_path: Path) -> None:
    def numbers(strategy: Scripted, bar: Any, account: Any) -> Any:
        price = np.float64(99.0)
        yield strategy.buy(bar, np.int64(2), limit=price, stop=price - 5, target=np.float32(120.0))  # type: ignore[arg-type]
        yield strategy.quote(bar, bid=price, ask=None, quantity=np.float64(1))
        yield strategy.signal(bar, np.float64(0.0), confidence=np.float64(0.5))

    path = Case(tmp_path, {"NSE:A": minutes(MONDAY, PRICES)}, [scripted("numpy", numbers)]).write()
    assert (backtest(path, environment={}, out=tmp_path / "out").folder / "decisions").stat().st_size > 1000


def test_an_answer_to_one_of_several_fills_meets_the_others(tmp_path: Path) -> None:
    """A strategy that withdraws everything on its first fill, while a second order filled in the same bar."""
    Listening.fills.clear()
    script = scripted("both", at_bar({0: lambda s, b: [s.buy(b, 30), s.buy(b, 30)]}), use="Listening")
    scripted("both/fill", lambda s, fill, account: [s.cancel(fill.instrument)])
    rows = minutes(MONDAY, [(100, 100, 100, 100, 400.0)] * 4)
    run = Case(tmp_path, {"NSE:A": rows}, [script], sections={"execution": {"participation": 0.1}}).run(watch=conserve)
    assert [each.quantity for each in Listening.fills] == [30.0, 10.0]
    assert not run.engine.working


def test_more_than_ninety_million(tmp_path: Path) -> None:
    case = Case(
        tmp_path,
        {"NSE:A": minutes(MONDAY, flat(100, 100, 100))},
        [scripted("rich", lambda s, b, a: [s.signal(b, 1.0)], sizer={"kind": "fixed_notional", "value": 2e8})],
        sections={"run": {"cash": 1_000_000_000.0}},
    )
    assert fills(case.run(watch=conserve))[0].quantity == 2_000_000 * SCALE


def test_sizing_sees_the_prices_of_now(tmp_path: Path) -> None:
    """Asking for the equity, or not, changes nothing: a gain in one share sizes the next order either way."""
    for looks in (False, True):

        def script(strategy: Scripted, bar: Any, account: Any, looks: bool = looks) -> Any:
            if looks:
                assert account.equity > 0
            if strategy.n == 0:
                return [strategy.signal("NSE:A", 0.5)]
            return [strategy.signal("NSE:B", 0.5)] if strategy.n == 5 else []

        case = Case(
            tmp_path,
            {"NSE:A": minutes(MONDAY, flat(100, 100, 110, 110)), "NSE:B": minutes(MONDAY, flat(10, 10, 10, 10))},
            [scripted("sized", script, use="Portfolio", sizer={"kind": "fraction_of_equity", "value": 0.5})],
            sections={"execution": {"price_band": 0.0}},
        )
        run = case.run(watch=conserve)
        # 0.5 x 0.5 x 1,000,000 / 100 = 2,500 shares, 25,000 gained, 0.25 x 1,025,000 / 10 = 25,625
        assert [fill.quantity // SCALE for fill in fills(run)] == [2_500, 25_625]
