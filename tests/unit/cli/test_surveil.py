"""`tradsys audit surveil`: of a day that was simulated, of a backtest, of recorded orders; table, files, JSON."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.saved_runs import kept, planned
from tests.unit.compliance.surveillance.streams import Stream
from tradsys.cli.application import app
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.engine.surveillance.report import alerts_csv, render


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command line with these words; its exit code."""
    monkeypatch.setattr("sys.argv", ["tradsys", *words])
    with pytest.raises(SystemExit) as stop:
        app()
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day that `tradsys exchange simulate` wrote."""
    out = tmp_path_factory.mktemp("days") / "day"
    words = ["exchange", "simulate", "--instrument", "NSE:INFY", "--date", "2025-10-21", "--seed", "3"]
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, *words, "--activity", "0.02", "--out", str(out), "--json") == 0
    return out


def test_a_simulated_day(
    day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(monkeypatch, "audit", "surveil", str(day), "--out", str(tmp_path), "--json")
    said = json.loads(capsys.readouterr().out)
    assert code == (1 if said["alerts"] else 0)
    assert said["orders"] > 1_000
    assert {"alerts", "watched", "composite", "ratios", "files"} <= set(said)
    assert sorted(Path(each).name for each in said["files"]) == [
        "alerts.csv",
        "order_to_trade.csv",
        "surveillance.html",
    ]
    rows = list(csv.DictReader((tmp_path / "order_to_trade.csv").open()))
    assert len(rows) == len(said["ratios"])


def test_a_backtest_and_a_file_of_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = kept(planned(tmp_path / "case"))
    settings = tmp_path / "surveillance.toml"
    settings.write_text("[spoofing]\nthreshold = 0.9\n")
    assert run(monkeypatch, "audit", "surveil", str(saved.folder), "--config", str(settings)) == 0
    assert "a backtest: 0 alerts in" in capsys.readouterr().out
    settings.write_text("[spoofing]\ntreshold = 0.9\n")
    assert run(monkeypatch, "audit", "surveil", str(saved.folder), "--config", str(settings)) == 2
    assert "did you mean 'spoofing.threshold'?" in capsys.readouterr().err


def test_what_cannot_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "audit", "surveil", str(tmp_path)) == 2
    assert "nothing to look at" in capsys.readouterr().err
    file = tmp_path / "AAPL_2012-06-21_message.csv"
    file.write_text("")
    assert run(monkeypatch, "audit", "surveil", str(file), "--accounts", "many") == 2
    assert "unknown way to name accounts 'many'" in capsys.readouterr().err


def test_recorded_orders(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared_data / "l3" / "lobster" / "AAPL_2012-06-21_first998_message_10.csv"
    assert run(monkeypatch, "audit", "surveil", str(path)) == 0
    assert "0 alerts in 470 orders and 159 trades" in capsys.readouterr().out


def test_the_page_is_whole_and_escapes_names_and_the_file_has_the_evidence() -> None:
    stream = Stream()
    for _ in range(2):
        stream.wait(5).meet(buyer="<b>a", seller="<b>a", quantity=10, price=50)
    finding = stream.find()
    page = render(finding, source="a <day>", zone="Asia/Kolkata", settings=SurveillanceSettings())
    assert "&lt;b&gt;a" in page
    assert "<b>a" not in page
    assert "a &lt;day&gt;" in page
    assert "Content-Security-Policy" in page
    assert not re.search(r"""(src|href)=""", page.partition("<script")[0])
    (row,) = csv.DictReader(alerts_csv(finding, "Asia/Kolkata").splitlines())
    assert (row["pattern"], row["accounts"], row["orders"], row["trades"]) == ("self_trade", "<b>a", "1 2", "1")
    assert row["at"].endswith("+05:30")


def test_without_alerts_the_page_draws_nothing() -> None:
    stream = Stream()
    stream.enter("a", 1, 1, 1)
    page = render(stream.find(), source="x", zone="Asia/Kolkata", settings=SurveillanceSettings())
    assert "Plotly" not in page
    assert "None." in page
