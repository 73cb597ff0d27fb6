"""The proof finds every planted cheat, and nothing in its honest twin."""

from __future__ import annotations

import csv
import json
import math
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tradsys.core.errors import DataError, StrategyError
from tradsys.engine.verify import verify

CHEATS = Path(__file__).resolve().parents[2] / "cheats"
DAYS = [date(2024, 6, day) for day in (3, 4, 5, 6, 7, 10)]
Bars = list[dict[str, Any]]


def bars(scale: float = 100.0) -> Bars:
    """Five-minute bars of six sessions, labelled by their end; they rise and fall in waves of several lengths."""
    made: Bars = []
    price = scale
    for day in DAYS:
        for number in range(1, 76):
            n = len(made)
            at = datetime(day.year, day.month, day.day, 9, 15) + timedelta(minutes=5 * number)
            opened, price = (
                price,
                scale * (1 + 0.04 * math.sin(n / 9) + 0.02 * math.sin(n / 2.3) + 0.03 * math.cos(n / 61)),
            )
            high, low = max(opened, price) * 1.001, min(opened, price) * 0.999
            made.append(
                {"datetime": f"{at}", "open": opened, "high": high, "low": low, "close": price, "volume": 10_000 + n}
            )
    return made


def write_csv(path: Path, rows: Bars) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


RUN = """
[run]
name = "proof"
cash = 500000
{window}
[data]
path = {path}
format = "{format}"
interval = "5m"
{label}
instruments = {instruments}
[charges]
plan = "none"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project: data, strategies, and the current directory."""
    write_csv(tmp_path / "data/bars.csv", bars())
    shutil.copytree(CHEATS, tmp_path / "strategies")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_file(
    place: Path,
    *uses: str,
    parameters: dict[str, str] | None = None,
    path: str | list[str] = "data/bars.csv",
    format: str = "csv",
    label: str = 'label = "end"',
    instruments: tuple[str, ...] = ("NSE:ABC",),
    product: str = "CNC",
    window: str = "",
) -> Path:
    text = RUN.format(path=json.dumps(path), format=format, label=label, instruments=list(instruments), window=window)
    for use in uses:
        given = ", ".join(f'{name} = "{value}"' for name, value in (parameters or {}).items())
        text += f'[[strategies]]\nuse = "strategies/{use}"\nproduct = "{product}"\nparams = {{ {given} }}\n'
    config = place / "run.toml"
    config.write_text(text)
    return config


def first(found: dict[str, object]) -> dict[str, Any]:
    assert found["verified"] is False, found
    guilty = found["first"]
    assert isinstance(guilty, dict)
    return guilty


def test_honest_strategies_pass(place: Path) -> None:
    uses = ("centred_window.py:Trailing", "whole_sample.py:Expanding", "own_file.py:Rising", "memory.py:InModule")
    found = verify(run_file(place, *uses))
    assert found == {"verified": True, "instants": 24, "first": None, "findings": 0, "not_cut": 0}


def test_square_offs_brackets_timers_halts_and_several_instruments_raise_no_false_alarm(place: Path) -> None:
    write_csv(place / "data/other.csv", [row | {"datetime": row["datetime"]} for row in bars(250.0)[80:]])
    config = run_file(
        place,
        "honest.py:Intraday",
        "honest.py:Halting",
        path=["data/bars.csv", "data/other.csv"],
        instruments=("NSE:bars", "NSE:other"),
        product="MIS",
        window="from = 2024-06-03\nto = 2024-06-10",
    )
    found = verify(config)
    assert found["verified"] is True, found


@pytest.mark.parametrize("use", ["centred_window.py:Centred", "whole_sample.py:Whole"])
def test_an_indicator_that_reads_later_bars_is_found(place: Path, use: str) -> None:
    guilty = first(verify(run_file(place, use)))
    assert guilty["kind"] in ("cut", "poisoned")
    assert guilty["strategy"] == use.rpartition(":")[2]
    assert guilty["instrument"] == "NSE:ABC"
    assert guilty["full"] != guilty["cut"]
    assert guilty["at"] <= guilty["instant"]


def test_the_guilty_one_of_two_strategies_is_named(place: Path) -> None:
    guilty = first(verify(run_file(place, "centred_window.py:Trailing", "whole_sample.py:Whole")))
    assert guilty["strategy"] == "Whole"


def test_a_relative_path_leads_to_the_copies(place: Path) -> None:
    guilty = first(verify(run_file(place, "own_file.py:Reader")))
    assert guilty["kind"] in ("cut", "poisoned")
    assert guilty["strategy"] == "Reader"


def test_a_path_from_the_strategys_own_file_leads_to_the_copies(place: Path) -> None:
    shutil.move(place / "data/bars.csv", place / "strategies/bars.csv")
    config = run_file(
        place, "own_file.py:Reader", path="strategies/bars.csv", parameters={"way": "beside", "path": "bars.csv"}
    )
    assert first(verify(config))["kind"] in ("cut", "poisoned")


@pytest.mark.parametrize("way", ["csv", "arrow", "duckdb"])
def test_opening_the_original_is_found_whatever_opens_it(place: Path, way: str) -> None:
    config = run_file(place, "own_file.py:Reader", parameters={"way": way, "path": str(place / "data/bars.csv")})
    guilty = first(verify(config))
    assert guilty["kind"] == "opened"
    assert guilty["strategy"] == "Reader"
    assert str(place / "data/bars.csv") in guilty["why"]


@pytest.mark.parametrize("way", ["csv", "arrow"])
def test_another_file_with_prices_is_found(place: Path, way: str) -> None:
    write_csv(place / "strategies/later.csv", bars())
    config = run_file(place, "own_file.py:Reader", parameters={"way": way, "path": str(place / "strategies/later.csv")})
    guilty = first(verify(config))
    assert guilty["kind"] == "opened"
    assert "later.csv" in guilty["why"]


def test_a_file_that_is_not_among_the_data_is_not_there_in_the_copies(place: Path) -> None:
    write_csv(place / "later.csv", bars())
    guilty = first(verify(run_file(place, "own_file.py:Reader", parameters={"way": "arrow", "path": "later.csv"})))
    assert guilty["kind"] == "copied"


def test_what_an_earlier_run_wrote_down_is_found(place: Path) -> None:
    config = run_file(place, "memory.py:OnDisk")
    verify(config)
    assert (place / "seen.json").is_file()
    assert first(verify(config))["kind"] == "copied"


def test_a_wrong_bar_label_is_refused_with_the_right_one(place: Path) -> None:
    with pytest.raises(DataError, match="labelled by their end") as problem:
        verify(run_file(place, "own_file.py:Rising", label='label = "start"'))
    assert problem.value.limit == "end"


def test_a_run_that_fails_by_itself_says_so(place: Path) -> None:
    (place / "strategies/broken.py").write_text("from tradsys import Strategy\nclass Broken(Strategy):\n  x = 1 / 0\n")
    with pytest.raises(StrategyError, match="ZeroDivisionError"):
        verify(run_file(place, "broken.py:Broken"))


def test_progress_ends_at_all_instants(place: Path) -> None:
    told: list[tuple[int, int]] = []
    found = verify(run_file(place, "own_file.py:Rising"), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (found["instants"], found["instants"])
    assert told == sorted(told)


def test_files_that_hold_nothing_yet_are_not_there(place: Path) -> None:
    rows = [row | {"symbol": "ABC"} for row in bars()]
    write_csv(place / "data/1.csv", rows[:200])
    write_csv(place / "data/2.csv", rows[200:])
    found = verify(run_file(place, "whole_sample.py:Expanding", path=["data/1.csv", "data/2.csv"]))
    assert found == {"verified": True, "instants": 24, "first": None, "findings": 0, "not_cut": 0}


def test_another_process_that_reads_the_data_is_no_finding(place: Path) -> None:
    data = place / "data/bars.csv"

    def read(done: int, total: int) -> None:
        data.read_text()

    found = verify(run_file(place, "own_file.py:Rising"), progress=read)
    assert found["verified"] is True, found


def test_the_command_exits_with_1_and_names_the_guilty_decision(place: Path) -> None:
    config = run_file(place, "whole_sample.py:Whole")
    command = [
        sys.executable,
        "-c",
        "from tradsys.cli import app; app()",
        "backtest",
        str(config),
        "--verify",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verified"], answer["first"]["strategy"]) == (1, False, "Whole")
