"""`tradsys audit tax`: a backtest's folder and a live run's are read alike; a wrong year is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.builders import Case, at_bar, days, flat, scripted
from tests.saved_runs import kept, planned
from tools.live_desk import Desk, coin_settings, coin_venue, process_of
from tradsys.cli.application import verbs
from tradsys.core.errors import ConfigError, MissingData, ResourceError, TradSysError
from tradsys.core.events import Fill
from tradsys.core.units import SCALE
from tradsys.engine.bookings import bookings, tax_report_of
from tradsys.engine.live_folder import run_of
from tradsys.engine.live_replay import open_any, open_live
from tradsys.engine.run import backtest
from tradsys.engine.saved_run import open_run
from tradsys.journal import FolderDisk, open_journal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten shares bought at 100 and sold at 106 on 3 June 2024, each fill costing a tenth of a percent."""
    return kept(planned(tmp_path_factory.mktemp("tax"))).folder


def run(*words: object) -> str:
    result = CliRunner().invoke(verbs, ["audit", "tax", *(str(word) for word in words)], catch_exceptions=True)
    if isinstance(result.exception, TradSysError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json_says_what_a_backtest_closed(folder: Path) -> None:
    found: dict[str, Any] = json.loads(run(folder, "--json"))
    assert (found["currency"], found["scale"], list(found["years"])) == ("INR", SCALE, ["2024-25"])
    (row,) = found["years"]["2024-25"]["by_income"]
    fills = [each.body for each in open_run(folder).entries() if isinstance(each.body, Fill)]
    gross = sum(-each.side * each.quantity * each.price // SCALE for each in fills)
    assert (row["income"], row["lots"], row["turnover"]) == ("speculative", 1, abs(gross))
    assert row["taxable"] == gross - row["charges"] == row["gains"] + row["losses"]
    assert row["charges"] == sum(each.quantity * each.price // SCALE // 1000 for each in fills)


def test_tables_name_the_year_and_say_that_they_are_no_advice(folder: Path) -> None:
    shown = run(folder)
    assert "Financial year 2024-25" in shown and "no tax advice" in shown and "Speculative" in shown
    assert run(folder, "--year", "2024") == run(folder, "--year", "2024-25") == shown


def test_every_lot_goes_to_a_file(folder: Path, tmp_path: Path) -> None:
    run(folder, "--csv", tmp_path / "lots.csv")
    with (tmp_path / "lots.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["income"], row["opening_reason"], row["closing_reason"]) == ("speculative", "in", "out")
    with pytest.raises(ResourceError, match="cannot write"):
        run(folder, "--csv", tmp_path / "none" / "lots.csv")


@pytest.mark.parametrize("year", ["2024-26", "24-25", "next"])
def test_a_year_that_is_none_is_refused(folder: Path, year: str) -> None:
    with pytest.raises(ConfigError, match="financial year"):
        run(folder, "--year", year)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData):
        run(tmp_path)


def test_a_live_run_is_read_from_its_journal(tmp_path: Path) -> None:
    settings = coin_settings(tmp_path)
    place = tmp_path / "run"
    journal = open_journal(FolderDisk(place / "journal"), segment_bytes=2**18, reserve_bytes=2**12)
    desk = Desk(process_of(settings, run=run_of(place, settings, stamp=7)), venue=coin_venue(), journal=journal)
    desk.trade(60)
    journal.close()
    saved = open_live(place)
    report = tax_report_of(open_any(place))
    fills = [each for each in bookings(saved.entries()) if isinstance(each, tuple)]
    assert len(fills) > 10 and report.lots
    sold = sum(fill.quantity for fill, _ in fills if fill.side < 0)
    bought = sum(fill.quantity for fill, _ in fills if fill.side > 0)
    assert sum(each.quantity for each in report.lots) == min(sold, bought)
    assert "virtual" in run(place, "--json")


def test_dividends_are_listed(tmp_path: Path) -> None:
    (tmp_path / "actions.csv").write_text(
        "instrument,ex_date,kind,ratio,cash,source\nNSE:A,2024-06-06,dividend,,4.5,made up\n"
    )
    path = Case(
        tmp_path,
        {"NSE:A": days(flat(100, 100, 100, 95.5, 95.5))},
        [scripted("plan", at_bar({0: lambda s, b: s.buy(b, 10)}))],
        sections={"data": {"corporate_actions": "actions.csv"}},
        interval="1d",
    ).write()
    held = backtest(path, environment={}, out=tmp_path / "runs").folder
    found = json.loads(run(held, "--json"))["years"]["2024-25"]
    assert found["by_income"] == []
    assert found["dividends"] == [{"instrument": "NSE:A", "ex_dates": 1, "received": 45 * SCALE, "paid": 0}]
    assert "Dividends 2024-25" in run(held) and "₹45.00" in run(held)
