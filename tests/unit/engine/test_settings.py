"""Layers of configuration: defaults < run file < environment < flags, each value with its origin."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tradsys.cli.application import app
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.engine.settings import explain, load

FILE = """
[run]
name = "layers"
cash = 1000
from = 2024-06-03

[data]
path = "bars.csv"
format = "csv"
instruments = ["NSE:A", { id = "NSE:B", tick = 0.01 }]

[[strategies]]
use = "a.py:A"
params = { fast = 5 }

[execution]
slippage_bps = 3
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "run.toml"
    place.write_text(FILE)
    return place


def test_each_layer_overrides_the_one_before(path: Path) -> None:
    found = load(
        path,
        environment={"TRADSYS__EXECUTION__SLIPPAGE_BPS": "4", "TRADSYS_SHARED_DATA": "/x", "HOME": "/y"},
        flags=["execution.slippage_bps=5"],
    )
    assert found.run.execution.slippage_bps == 5.0
    value = found.values["execution.slippage_bps"]
    assert (value.value, value.origin) == (5, "--set execution.slippage_bps")
    assert value.overrode == (("environment TRADSYS__EXECUTION__SLIPPAGE_BPS", 4), (str(path), 3))


def test_defaults_are_explained_too(path: Path) -> None:
    known = explain(load(path, environment={}))
    assert (known["execution.participation"].value, known["execution.participation"].origin) == (0.1, "default")
    assert known["run.cash"].origin == str(path)
    assert known["run.from"].value == "2024-06-03"
    assert known["strategies.0.params.fast"].value == 5


def test_values_are_read_as_toml_and_bare_words_as_text(path: Path) -> None:
    flags = [
        "run.name=other",
        "run.seed=7",
        "charges.as_of=2026-01-01",
        'run.currency="USD"',
        "strategies.0.params.fast=9",
    ]
    run = load(path, environment={}, flags=flags).run
    assert (run.run.name, run.run.seed, run.charges.as_of, run.run.currency) == ("other", 7, "2026-01-01", "USD")
    assert run.strategies[0].params == {"fast": 9}


def test_tables_in_lists_are_named_by_number(path: Path) -> None:
    run = load(path, environment={}, flags=["strategies.1.use=b.py:B", "strategies.1.capital=5"]).run
    assert [each.use for each in run.strategies] == ["a.py:A", "b.py:B"]


@pytest.mark.parametrize(
    ("flag", "error", "says"),
    [
        ("run.csah=5", UnknownName, "run.cash"),
        ("run.name.first=5", UnknownName, "run.name.first"),
        ("run=5", ConfigError, "run"),
        ("run.cash=many", ConfigError, "run.cash"),
        ("execution", ConfigError, "key=value"),
        ("data.instruments.1.tick=fine", ConfigError, "tick"),
    ],
)
def test_what_is_wrong_is_named(path: Path, flag: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as raised:
        load(path, environment={}, flags=[flag])
    assert says in str(raised.value)


def test_missing_key(path: Path) -> None:
    path.write_text('[run]\nname = "x"\n')
    with pytest.raises(ConfigError, match="data"):
        load(path, environment={})


def explained(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["tradsys", "config", "explain", *words])
    with pytest.raises(SystemExit) as stopped:
        app()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, capsys.readouterr().out


def test_config_explain(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TRADSYS__RUN__CASH", "2000")
    code, out = explained(["run.cash", "--config", str(path), "--json"], monkeypatch, capsys)
    assert code == 0
    assert json.loads(out) == {
        "key": "run.cash",
        "value": 2000,
        "origin": "environment TRADSYS__RUN__CASH",
        "overrode": [{"origin": str(path), "value": 1000}],
    }
    code, out = explained(["execution", "--config", str(path), "--json"], monkeypatch, capsys)
    assert set(json.loads(out)) == {
        f"execution.{name}"
        for name in (
            *("venue", "queue", "queue_exponent", "latency", "latency_ms", "response_ms", "slippage_bps"),
            *("latency_spread", "latency_scale"),
            *("participation", "product", "price_band", "roll_days", "market_protection"),
            *("protection", "positions"),
        )
    }
    code, out = explained(["--config", str(path)], monkeypatch, capsys)
    assert code == 0 and "run.cash" in out


def test_config_explain_of_no_key(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = explained(["run.csah", "--config", str(path), "--json"], monkeypatch, capsys)
    assert code == 2 and json.loads(out)["error"]["fix"] == "did you mean 'run.cash'?"
