"""A saved run, run again: the same lines, the same end, on the same data or on none."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import MONDAY, Case, flat, minutes, scripted, to_toml
from tests.saved_runs import BUYER, SHIPPED, kept, planned, sample_store, shipped, with_file
from tradsys.core.errors import ConfigError, DataError, MissingData
from tradsys.core.events import Fill, Halted, Refused, Target
from tradsys.core.units import MILLISECOND, SECOND
from tradsys.engine.replay import replay
from tradsys.engine.run import backtest
from tradsys.engine.saved_run import SavedRun, open_run
from tradsys.strategies.base import Strategy


@pytest.fixture(scope="module")
def store(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_store(repository, tmp_path_factory.mktemp("store"))


def by_authors(verdict: dict[str, Any]) -> list[str]:
    """What changed but the package itself, which somebody may be working on."""
    return [name for name in verdict["code_changed"] if name != "tradsys"]


@pytest.mark.parametrize("use", SHIPPED)
def test_half_of_the_data_gives_a_prefix_of_the_log(use: str, store: Path, repository: Path, tmp_path: Path) -> None:
    """On data that end there, so nothing computed ahead can have seen the rest."""
    until = "2015-01-31" if use == "opening_range" else "2015-10-01"
    saved = open_run(shipped(use, store=store, repository=repository, folder=tmp_path, until=until))
    whole = replay(saved).verdict()
    assert whole["verified"] and whole["state_identical"] and not by_authors(whole)
    assert whole["decisions"] == whole["identical"] == len(list(saved.lines()))
    assert any(isinstance(entry.body, Fill) for entry in saved.entries())
    half = replay(saved, until="0.5")
    verdict = half.verdict()
    assert verdict["first_difference"] is None and 0 < verdict["decisions"] == verdict["identical"] < whole["decisions"]
    lines = list(half.lines())
    assert lines == list(saved.lines())[: len(lines)], "an exact prefix"
    assert half.prepared.backtest.bars == pytest.approx(replay(saved).prepared.backtest.bars / 2, abs=1)


START = 1_700_000_040 * SECOND


class Quoter(Strategy):
    """Quotes on every seventh tick."""

    def on_start(self, ctx: Any) -> None:
        self.n = 0

    def on_tick(self, tick: Any, account: Any) -> Iterable[Any]:
        self.n += 1
        if self.n % 7 == 0:
            yield self.quote(tick, bid=tick.bid, ask=tick.ask, quantity=1)


def on_ticks(folder: Path) -> SavedRun:
    rows = 3000
    drift = [100 + math.sin(each / 30) for each in range(rows)]
    names = ("last", "last_quantity", "bid", "bid_quantity", "ask", "ask_quantity")
    last, bid, ask = ([round(each + step, 2) for each in drift] for step in (0.0, -0.05, 0.05))
    sizes = [2.0] * rows
    columns = [last, sizes, bid, sizes, ask, sizes]
    table = {"time": [START + each * 210 * MILLISECOND for each in range(rows)]}
    pq.write_table(pa.table({**table, **dict(zip(names, columns, strict=True))}), folder / "ticks.parquet")
    instrument = {"id": "SIM:BTCUSDT", "tick": 0.01, "lot": 0.00001, "segment": "crypto_perpetual"}
    data = {"path": "ticks.parquet", "format": "ticks", "interval": "1m", "timezone": "UTC"}
    sections = {
        "run": {"name": "recorded", "cash": 1_000_000.0, "currency": "USD"},
        "data": {"instruments": [instrument], **data},
        "execution": {"venue": "exchange", "latency_ms": 300.0, "response_ms": 150.0},
        "charges": {"plan": "flat", "rate": 0.001},
        "strategies": [{"use": f"{__name__}:Quoter"}],
    }
    (folder / "run.toml").write_text(to_toml(sections), encoding="utf-8")
    return open_run(backtest(folder / "run.toml", environment={}, out=folder / "out").folder)


def test_a_run_on_ticks_and_its_parts(tmp_path: Path) -> None:
    """Orders and reports are on their way where the data end."""
    saved = on_ticks(tmp_path)
    assert sum(isinstance(entry.body, Fill) for entry in saved.entries()) > 50
    assert replay(saved).verdict()["verified"]
    for part in ("0.25", "0.5", "0.8", "1"):
        verdict = replay(saved, until=part).verdict()
        assert verdict["first_difference"] is None and verdict["decisions"] > 100


def test_until_an_instant(tmp_path: Path) -> None:
    saved = kept(planned(tmp_path))
    found = replay(saved, until="2024-06-03T09:18:00+05:30").verdict()
    assert found["verified"] and found["bars"] == 3 and found["until"] == "2024-06-03T09:18:00+05:30"
    for wrong in ("0", "1.5", "-1", "2024-06-03T09:18:00", "2025-06-03T09:18:00+05:30", "noon"):
        with pytest.raises(ConfigError):
            replay(saved, until=wrong)


def test_changed_data_are_refused_by_name(tmp_path: Path) -> None:
    saved = kept(planned(tmp_path))
    bars = tmp_path / "bars0.csv"
    bars.write_text(bars.read_text().replace("106", "107", 1))
    with pytest.raises(DataError, match=r"bars0\.csv is not what the run read") as refused:
        replay(saved)
    assert refused.value.exit_code == 2
    bars.unlink()
    with pytest.raises(MissingData, match=r"bars0\.csv"):
        replay(saved)


def test_a_file_more_is_other_data(tmp_path: Path) -> None:
    path = planned(tmp_path).write()
    for day in ("3", "4"):
        (tmp_path / "prices" / day).mkdir(parents=True)
    shutil.move(tmp_path / "bars0.csv", tmp_path / "prices" / "3" / "A.csv")
    path.write_text(path.read_text().replace('"bars0.csv"', '"prices"'))
    saved = open_run(backtest(path, environment={}, out=tmp_path / "out").folder)
    assert replay(saved).verdict()["verified"]
    monday = (tmp_path / "prices" / "3" / "A.csv").read_text()
    (tmp_path / "prices" / "4" / "A.csv").write_text(monday.replace("06-03", "06-04"))
    with pytest.raises(DataError, match="is not what the run read"):
        replay(saved)


def test_changed_code_is_said_and_its_first_effect_found(tmp_path: Path) -> None:
    saved = kept(with_file(tmp_path))
    same = replay(saved).verdict()
    assert same["verified"] and by_authors(same) == []
    (tmp_path / "buyer.py").write_text(BUYER + "\n# as before\n")
    same = replay(saved).verdict()
    assert same["verified"] and by_authors(same) == ["strategies.Buyer"]
    (tmp_path / "buyer.py").write_text(BUYER.replace("self.size if", "self.size + 1 if"))
    other = replay(saved).verdict()
    first = other["first_difference"]
    assert not other["verified"] and by_authors(other) == ["strategies.Buyer"] and not other["state_identical"]
    assert (first["saved"]["body"]["quantity"], first["replayed"]["body"]["quantity"]) == (10.0, 11.0)
    lines = [json.loads(line) for line in saved.lines()]
    assert lines[first["line"]] == first["saved"]
    assert other["identical"] < other["decisions"] == len(lines)


def test_a_line_taken_out_or_changed_is_found(tmp_path: Path) -> None:
    saved = kept(planned(tmp_path))
    place = saved.folder / "decisions"
    head, *lines = place.read_bytes().splitlines()
    place.write_bytes(b"\n".join([head, *lines[:-1], lines[-1].replace(b'"seq":', b'"seq":9')]) + b"\n")
    verdict = replay(saved).verdict()
    assert verdict["first_difference"]["line"] == len(lines) - 1 and verdict["identical"] == len(lines) - 1
    shorter = json.loads(head) | {"lines": len(lines) - 1}
    place.write_bytes(b"\n".join([json.dumps(shorter).encode(), *lines[:-1]]) + b"\n")
    verdict = replay(saved).verdict()
    assert verdict["first_difference"]["saved"] is None and not verdict["verified"]
    assert verdict["identical"] == verdict["decisions"] == len(lines) - 1


def test_an_interrupted_run_ends_where_it_ended(tmp_path: Path) -> None:
    turns = scripted("turns", lambda s, b, a: [s.target(b, s.n % 3)], product="CNC")
    days = [row for day in range(4) for row in minutes(MONDAY.replace(day=3 + day), flat(*range(100, 450)))]
    case = Case(tmp_path, {"NSE:A": days}, [turns])
    asked = iter([False, True])
    outcome = backtest(case.write(), environment={}, out=tmp_path / "out", stop=lambda: next(asked))
    saved = open_run(outcome.folder)
    assert saved.manifest["partial"] and saved.manifest["bars"] < len(days)
    verdict = replay(saved).verdict()
    assert verdict["verified"] and verdict["bars"] == saved.manifest["bars"]


def test_an_intent_without_a_number_is_kept_and_repeated(tmp_path: Path) -> None:
    saved = kept(planned(tmp_path, {1: lambda s, b: s.target(b, math.nan), 2: lambda s, b: s.buy(b, math.inf)}))
    found = [entry.body for entry in saved.entries()]
    assert isinstance(found[0], Target) and math.isnan(found[0].quantity) and isinstance(found[1], Refused)
    assert replay(saved).verdict()["verified"]


def test_a_whole_tree_may_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are kept as seen from the run folder."""
    monkeypatch.chdir(tmp_path)
    saved = kept(with_file(tmp_path / "one"))
    shutil.move(tmp_path / "one", tmp_path / "two")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert replay(open_run(tmp_path / "two" / "backtests" / saved.folder.name)).verdict()["verified"]


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    saved = kept(planned(tmp_path))
    with pytest.raises(MissingData, match="no run at"):
        open_run(tmp_path / "nothing")
    decisions, manifest = saved.folder / "decisions", saved.folder / "manifest.json"
    whole, told = decisions.read_bytes(), manifest.read_text()
    decisions.write_bytes(whole[:-5])
    with pytest.raises(DataError, match="not whole"):
        list(open_run(saved.folder).lines())
    decisions.write_bytes(whole.replace(b'"version":1', b'"version":2', 1))
    with pytest.raises(DataError, match="version 1"):
        open_run(saved.folder)
    decisions.write_bytes(whole)
    manifest.write_text(told[:-10])
    with pytest.raises(DataError, match="damaged"):
        open_run(saved.folder)
    manifest.write_text(json.dumps({key: each for key, each in json.loads(told).items() if key != "inputs"}))
    with pytest.raises(ConfigError, match="no inputs"):
        open_run(saved.folder)
    manifest.write_text(told.replace('"participation"', '"participations"'))
    with pytest.raises(ConfigError, match="participations"):
        open_run(saved.folder)


@pytest.fixture(scope="module")
def trend(store: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trend")
    return shipped("ema_trend", store=store, repository=repository, folder=folder)


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_two_processes_with_any_hash_seed_decide_alike(seed: str, trend: Path) -> None:
    saved = open_run(trend)
    command = [sys.executable, "-m", "tradsys", "replay", str(trend), "--verify", "--json"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    for process in runs:
        answer, _ = process.communicate(timeout=60)
        found = json.loads(answer)
        assert process.returncode == 0 and found["first_difference"] is None
        for name in ("decisions_sha256", "state_sha256"):
            assert found[name] == saved.manifest[name] and len(found[name]) == 64


def test_a_strategy_that_raises_is_halted_again_with_the_same_words(tmp_path: Path) -> None:
    saved = kept(with_file(tmp_path, BUYER.replace("self.seen += 1", "self.seen += 1 if self.seen < 2 else []")))
    assert any(isinstance(entry.body, Halted) for entry in saved.entries())
    assert replay(saved).verdict()["verified"]
