"""`configs/sebi_rules.toml` breaks SEBI's rules on minutes of the NSE, and every refusal stands on the tear sheet.

The same deeds on minutes of 2023 are judged by the rules of 2023.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import tomllib
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.builders import to_toml
from tradsys.compliance.sebi.book import TITLES
from tradsys.core.instruments import Segment
from tradsys.engine.run import Outcome, backtest
from tradsys.market.importing import import_files
from tradsys.market.store import Store
from tradsys.reference.calendar import calendar_for

TEN = {
    "sebi-algo-id",
    "sebi-daily-session",
    "sebi-price-band",
    "sebi-limit-protection",
    "sebi-freeze-quantity",
    "sebi-surveillance",
    "sebi-ban-period",
    "sebi-stock-position",
    "sebi-order-to-trade",
    "sebi-order-rate",
}
FOUR_MORE = {"sebi-stop-market-option", "sebi-closing-auction", "sebi-expiry-day", "sebi-self-trade"}
SINCE_2023 = {
    "sebi-algo-id",
    "sebi-daily-session",
    "sebi-closing-auction",
    "sebi-stock-position",
    "sebi-order-rate",
}
"""Of the fourteen those that came after 2023."""
LATER = {"2015-09-21": "2023-06-05", "2015-09-22": "2023-06-06", "2015-09-23": "2023-06-07", "2015-09-24": "2023-06-08"}
SYMBOLS = ("FEDERALBNK", "FORTIS", "NIFTY")


@pytest.fixture(scope="module")
def place(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the configuration, its facts and a store of the sample."""
    folder = tmp_path_factory.mktemp("show")
    shutil.copytree(repository / "configs", folder / "configs")
    shutil.copytree(repository / "strategies", folder / "configs" / "strategies")
    store = Store(folder / "configs" / "data" / "store")
    for symbol in SYMBOLS:
        (path,) = (repository / "data" / "sample" / "nse_1min_mit").glob(f"{symbol}_1min_*.parquet")
        calendar = calendar_for("NSE", Segment.EQUITY)
        import_files(str(path), format="nse_1min_mit", store=store, calendar=calendar)
    return folder


@pytest.fixture(scope="module")
def shown(place: Path) -> Outcome:
    return backtest(place / "configs" / "sebi_rules.toml", environment={}, out=place / "shown")


def first(outcome: Outcome, rule: str) -> Any:
    return next(each for each in outcome.result.refusals if each.rule == rule)


def cells(outcome: Outcome) -> list[list[str]]:
    """The rows of the table of refusals on the tear sheet."""
    page = (outcome.folder / "report.html").read_text("utf-8")
    section = page[page.index("<h2>Refused orders</h2>") :].partition("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", section, re.S)
    return [[unescape(re.sub("<[^>]*>", "", cell)).strip() for cell in re.findall("<td.*?</td>", row)] for row in rows]


def test_ten_rules_refuse_and_four_more(shown: Outcome) -> None:
    assert {each.rule for each in shown.result.refusals} == TEN | FOUR_MORE
    assert shown.result.halted == []


def test_the_tear_sheet_lists_each_by_rule(shown: Outcome) -> None:
    rows = {row[0]: row for row in cells(shown) if row}
    assert set(rows) == TEN | FOUR_MORE
    for each in shown.result.refusals:
        rule, title, times, case, limit, value, fix, source = rows[each.rule]
        assert (rule, title, times) == (each.rule, TITLES[each.rule], f"{each.count:,}")
        assert (limit, value, fix, source) == (each.limit, each.value, each.fix, each.source)
        assert case.startswith(each.instrument) and "2015-09-2" in case
        assert all((limit, value, fix, source)) and "(source:" not in fix


def test_metrics_count_by_rule(shown: Outcome) -> None:
    metrics = json.loads((shown.folder / "metrics.json").read_text("utf-8"))
    counts = metrics["refused_by_rule"]
    assert counts == {each.rule: each.count for each in shown.result.refusals}
    assert sum(counts.values()) == metrics["refused"]
    assert counts["sebi-algo-id"] == 4, "the unregistered strategy asks once a day"
    assert counts["sebi-order-rate"] == 1, "the ninth of nine"


@pytest.mark.parametrize(
    ("rule", "value", "limit"),
    [
        ("sebi-price-band", "unknown: price band of NSE:FEDERALBNK", "daily band"),
        ("sebi-algo-id", "algo 4711", "code 0000"),
        ("sebi-daily-session", "2015-09-21T09:20:00", "since 2015-09-22T06:00:00"),
        ("sebi-surveillance", "MIS under T2T", "CNC"),
        ("sebi-ban-period", "opens 8000 of NSE:FEDERALBNK in ban", "0"),
        ("sebi-freeze-quantity", "2000", "1800"),
        ("sebi-stock-position", "104000", "100000"),
        ("sebi-order-rate", "9", "8 a second"),
        ("sebi-order-to-trade", "100 messages, 0 trades", "below 100 messages a trade"),
        ("sebi-stop-market-option", "SL-M", "SL"),
        ("sebi-expiry-day", "opens 8000 on 2015-09-24", "0 on the day of expiry"),
        ("sebi-closing-auction", "SL at 2015-09-22T15:25:00", "LIMIT or MARKET for the day"),
        ("sebi-limit-protection", "", "at most"),
        ("sebi-self-trade", "", "own buy"),
    ],
)
def test_the_first_refusal_of_each(shown: Outcome, rule: str, value: str, limit: str) -> None:
    found = first(shown, rule)
    assert value in found.value and limit in found.limit


def test_what_breaks_no_rule_is_traded_and_closed(shown: Outcome) -> None:
    fills = shown.result.fills
    assert [(name, side) for name, side in zip(fills.instrument, fills.side.tolist(), strict=True)] == [
        ("NSE:FEDERALBNK", 1),
        ("NSE:FEDERALBNK", -1),
    ]
    assert list(fills.reason) == ["as it should be", "square_off"]


def test_the_report_says_by_which_rules_and_on_whose_word(shown: Outcome) -> None:
    said = " ".join(shown.result.assumptions)
    assert "Rules: pack sebi, every order by those of 2026-11-20 (rules.as_of)" in said
    assert "rules.facts.paper_access" in said
    inputs = shown.result.manifest["inputs"]
    assert isinstance(inputs, dict)
    assert sum("sebi_facts" in path for path in inputs) == 5


def redated(place: Path, folder: Path) -> Path:
    """The run file on the same minutes with dates of 2023, its facts moved with them, without `as_of` and without
    market protection."""
    folder.mkdir()
    store = Store(place / "configs" / "data" / "store")
    for symbol in SYMBOLS:
        _redate(store, symbol, folder / f"{symbol}.csv")
    facts = folder / "sebi_facts"
    shutil.copytree(place / "configs" / "sebi_facts", facts)
    ban = facts / "ban_list.csv"
    ban.write_text(ban.read_text().replace("2015-09-22,2015-09-23", "2023-06-06,2023-06-07"))
    run = tomllib.loads((place / "configs" / "sebi_rules.toml").read_text("utf-8"))
    run["run"] |= {"from": "2023-06-05", "to": "2023-06-08"}
    run["data"] |= {"path": "FEDERALBNK.csv", "format": "csv", "interval": "1m", "label": "end"}
    for each in run["data"]["instruments"]:
        if "path" in each:
            each["path"] = f"{re.findall('instrument=([A-Z]+)', each['path'])[0]}.csv"
        if "expiry" in each:
            each["expiry"] = "2023-06-08"
    for each in run["strategies"]:
        each["use"] = str(place / "configs" / each["use"])
    del run["rules"]["as_of"], run["execution"]["market_protection"]
    run["charges"] = {"plan": "none"}
    path = folder / "run.toml"
    path.write_text(to_toml(run), encoding="utf-8")
    return path


def _redate(store: Store, symbol: str, path: Path) -> None:
    from tradsys.reference.clock import text

    bars = store.read(symbol, interval="1m")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "open", "high", "low", "close", "volume"])
        for row in range(len(bars)):
            day, _, clock = text(int(bars.at[row]), "Asia/Kolkata", seconds=True).partition(" ")
            if day in LATER:
                writer.writerow([f"{LATER[day]} {clock[:8]}", *bars.matrix[:, row].tolist()])


def test_minutes_of_2023_get_the_rules_of_2023(place: Path) -> None:
    then = backtest(redated(place, place / "then"), environment={}, out=place / "out")
    refused = {each.rule for each in then.result.refusals}
    assert not refused & SINCE_2023, "not in force then"
    assert refused == (TEN | FOUR_MORE) - SINCE_2023
    assert first(then, "sebi-freeze-quantity").limit != "1800", "the freeze quantity of the day"
    assert "square_off" in list(then.result.fills.reason), "market orders were taken then"


def test_of_the_same_minutes_as_of_asks_for_todays(place: Path) -> None:
    path = redated(place, place / "now")
    flags = ["rules.as_of=2026-11-20", "execution.market_protection=2.0"]
    now = backtest(path, environment={}, flags=flags, out=place / "out")
    assert {each.rule for each in now.result.refusals} == TEN | FOUR_MORE
