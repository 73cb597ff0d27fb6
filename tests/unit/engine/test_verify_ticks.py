"""The proof on recorded data: it finds every planted cheat, and nothing in honest strategies."""

from __future__ import annotations

import csv
import gzip
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from tests.builders import to_toml
from tradsys.engine.run import backtest
from tradsys.engine.verify import verify

CHEATS = Path(__file__).resolve().parents[2] / "cheats"
DAYS = [date(2024, 6, day) for day in (3, 4)]
STEP = timedelta(minutes=1)


def ticks(scale: float = 100.0) -> list[dict[str, Any]]:
    """Ticks of two sessions: prices rise and fall in waves, trades at the bid and the ask in turn."""
    made: list[dict[str, Any]] = []
    for day in DAYS:
        for number in range(370):
            n = len(made)
            wave = 0.04 * math.sin(n / 9) + 0.02 * math.sin(n / 2.3) + 0.03 * math.cos(n / 61)
            bid = round(scale * (1 + wave) / 0.05) * 0.05
            at = datetime(day.year, day.month, day.day, 9, 15, 1) + number * STEP
            quotes = {
                "bid": round(bid, 2),
                "bid_quantity": 5 + n % 7,
                "ask": round(bid + 0.05, 2),
                "ask_quantity": 9 - n % 4,
            }
            last = quotes["ask" if n % 2 else "bid"]
            made.append({"time": f"{at}", "last": last, "last_quantity": 1 + n % 9, **quotes})
    return made


def write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    listed = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, listed[0])
        writer.writeheader()
        writer.writerows(listed)
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project: ticks, strategies, and the current directory."""
    write(tmp_path / "data/ticks.csv", ticks())
    shutil.copytree(CHEATS, tmp_path / "strategies")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_file(
    place: Path, *uses: str, product: str = "MIS", parameters: dict[str, str] | None = None, **given: Any
) -> Path:
    data = {"path": "data/ticks.csv", "format": "ticks", "interval": "5m", "instruments": ["NSE:ABC"]} | given.pop(
        "data", {}
    )
    sections = {
        "run": {"name": "proof", "cash": 500_000.0} | given.pop("run", {}),
        "data": data,
        "execution": {"venue": "exchange", "latency_ms": 5, "response_ms": 3} | given,
        "charges": {"plan": "none"},
        "strategies": [{"use": f"strategies/{use}", "product": product, "params": parameters or {}} for use in uses],
    }
    (place / "run.toml").write_text(to_toml(sections), encoding="utf-8")
    return place / "run.toml"


def first(found: dict[str, object]) -> dict[str, Any]:
    assert found["verified"] is False, found
    guilty = found["first"]
    assert isinstance(guilty, dict)
    return guilty


PROVEN = {"verified": True, "instants": 24, "first": None, "findings": 0, "not_cut": 0}


def test_honest_strategies_pass_on_ticks(place: Path) -> None:
    uses = ("on_ticks.py:Moving", "centred_window.py:Trailing", "memory.py:InModule")
    assert verify(run_file(place, *uses)) == PROVEN


def test_honest_strategies_pass_on_several_instruments_queues_and_columns_of_parquet(place: Path) -> None:
    rows = write(place / "data/other.csv", ticks(250.0)[40:])
    table = arrow_csv.read_csv(rows)
    pq.write_table(table, place / "data/other.parquet")
    pq.write_table(arrow_csv.read_csv(place / "data/ticks.csv"), place / "data/ticks.parquet")
    instruments = [{"id": "NSE:ABC", "path": "data/ticks.parquet"}, {"id": "NSE:DEF", "path": "data/other.parquet"}]
    config = run_file(
        place,
        "on_ticks.py:Moving",
        data={"instruments": instruments},
        run={"from": "2024-06-03", "to": "2024-06-04"},
        queue="proportional",
    )
    found = verify(config)
    assert found["verified"] is True, found


def test_quotes_alone_after_the_end_of_a_bar_raise_no_false_alarm(place: Path) -> None:
    rows = ticks()
    for number, row in enumerate(rows):
        row["last"] = row["last"] if number % 7 == 0 else ""
    write(place / "data/ticks.csv", rows)
    found = verify(run_file(place, "on_ticks.py:Moving"))
    assert (found["verified"], found["instants"]) == (True, 24), found


@pytest.mark.parametrize(
    "use", ["on_ticks.py:Peeking", "on_ticks.py:Feature", "at_load.py:Peak", "centred_window.py:Centred"]
)
def test_what_knows_later_ticks_is_found(place: Path, use: str) -> None:
    guilty = first(verify(run_file(place, use)))
    assert guilty["kind"] in ("cut", "poisoned")
    assert guilty["strategy"] == use.rpartition(":")[2]
    assert guilty["instrument"] == "NSE:ABC"
    assert guilty["full"] != guilty["cut"]
    assert guilty["at"] <= guilty["instant"]


def test_the_guilty_one_of_two_strategies_is_named(place: Path) -> None:
    assert first(verify(run_file(place, "on_ticks.py:Moving", "on_ticks.py:Peeking")))["strategy"] == "Peeking"


@pytest.mark.parametrize("way", ["csv", "arrow"])
def test_opening_the_original_is_found_whatever_opens_it(place: Path, way: str) -> None:
    original = str(place / "data/ticks.csv")
    guilty = first(verify(run_file(place, "on_ticks.py:Peeking", parameters={"way": way, "path": original})))
    assert (guilty["kind"], guilty["strategy"]) == ("opened", "Peeking")
    assert original in guilty["why"]


def test_the_command_exits_with_1_and_names_the_guilty_decision(place: Path) -> None:
    command = [sys.executable, "-c", "from tradsys.cli import app; app()", "backtest"]
    config = str(run_file(place, "on_ticks.py:Feature"))
    done = subprocess.run([*command, config, "--verify", "--json"], capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verified"], answer["first"]["strategy"]) == (1, False, "Feature")


def test_funding_is_known_to_every_copy(place: Path) -> None:
    (place / "data/funding.csv").write_text("time,rate\n2024-06-03T08:00:00+00:00,0.0001\n", encoding="utf-8")
    instrument = {"id": "SIM:ABC", "segment": "crypto_perpetual", "tick": 0.05, "lot": 1, "funding": "data/funding.csv"}
    data = {"instruments": [instrument], "timezone": "Asia/Kolkata"}
    assert verify(run_file(place, "on_ticks.py:Moving", product="NRML", data=data))["verified"] is True


def recorded(shared_data: Path, name: str) -> Path:
    path = shared_data / name
    if not path.exists():
        pytest.skip("the shared sample data are not there")
    return path


def depth(place: Path, shared_data: Path) -> dict[str, Any]:
    feed = gzip.decompress(recorded(shared_data, "l2/binance/spot_btcusdt_20240808.gz").read_bytes())
    (place / "data/feed.gz").write_bytes(gzip.compress(b"\n".join(feed.split(b"\n")[:2500])))
    instrument = {"id": "SIM:BTCUSDT", "tick": 0.01, "lot": 0.00001, "segment": "crypto_perpetual"}
    return {
        "path": "data/feed.gz",
        "format": "binance",
        "instruments": [instrument],
        "timezone": "UTC",
        "interval": "5s",
    }


def nasdaq(place: Path, shared_data: Path) -> dict[str, Any]:
    name = "AAPL_2012-06-21_first998_message_10.csv"
    for each in (name, name.replace("message", "orderbook")):
        shutil.copy(recorded(shared_data, f"l3/lobster/{each}"), place / "data" / each)
    instrument = {"id": "US:AAPL", "segment": "crypto_spot", "tick": 0.01, "lot": 1}
    return {"path": f"data/{name}", "format": "lobster", "instruments": [instrument]}


def cme(place: Path, shared_data: Path) -> dict[str, Any]:
    part = recorded(shared_data, "l3/cme_mbo/esh4_20231225_records_00000_19999.csv.gz")
    rows = gzip.decompress(part.read_bytes()).split(b"\n")
    (place / "data/esh4.csv").write_bytes(b"\n".join([rows[0], *rows[9_000:11_500], b""]))
    instrument = {"id": "CME:ESH4", "segment": "future", "expiry": "2024-03-15", "tick": 0.25, "lot": 1}
    return {"path": "data/esh4.csv", "format": "databento", "instruments": [instrument]}


FEEDS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {"depth": depth, "nasdaq": nasdaq, "cme": cme}


@pytest.mark.parametrize("feed", FEEDS)
def test_the_honest_pass_and_the_others_do_not_on_depth_and_single_orders(
    place: Path, shared_data: Path, feed: str
) -> None:
    data = FEEDS[feed](place, shared_data)
    given: dict[str, Any] = {"product": "SPOT" if feed == "nasdaq" else "NRML", "run": {"currency": "USD"}}
    config = run_file(place, f"on_ticks.py:{'OnDepth' if feed == 'depth' else 'Moving'}", data=data, **given)
    done = backtest(config, out=place / "runs").result
    assert not done.halted
    assert len(done.fills) > 5
    assert verify(config) == PROVEN
    guilty = first(verify(run_file(place, "on_ticks.py:Ending", data=data, parameters={"path": data["path"]}, **given)))
    assert (guilty["kind"], guilty["strategy"]) == ("cut", "Ending")
