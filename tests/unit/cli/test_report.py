"""`tradsys audit report`: of the demo's backtest, of a live run's journal; its files, exit codes and errors."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.postgres_server import connection_file
from tests.saved_runs import kept, planned, sample_store, shipped
from tools.kill_scene import write_key, write_scene
from tools.live_desk import Desk, coin_settings, coin_venue, process_of
from tradsys.cli.application import app
from tradsys.core.events import Approved, Fill
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import SCALE, from_text, to_text
from tradsys.engine.live_folder import run_of
from tradsys.engine.live_journal import kept_in
from tradsys.engine.live_replay import completed, open_live
from tradsys.engine.saved_run import open_run
from tradsys.engine.settings import load
from tradsys.execution.tags import tag_of
from tradsys.journal import FolderDisk, Lease, open_journal

FILES = {
    "orders.csv", "orders.html", "trades.csv", "account_moves.csv", "trades.html", "violations.csv",
    "violations_by_rule.csv", "violations.html", "daily_risk.csv", "exposures.csv", "daily_risk.html",
    "self_assessment.csv", "self_assessment.html",
}  # fmt: skip
Capture = pytest.CaptureFixture[str]


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """The command line with these words; its exit code."""
    monkeypatch.setattr("sys.argv", ["tradsys", "audit", "report", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        app()
    return int(stop.value.code or 0)


def said(capsys: Capture) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def demo(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the README's demo: hourly bars of FEDERALBNK through its bonus issue."""
    folder = tmp_path_factory.mktemp("demo")
    return shipped("ema_trend", store=sample_store(repository, folder / "store"), repository=repository, folder=folder)


def test_the_demo(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run(monkeypatch, demo, "--out", tmp_path, "--as-of", "2026-11-22", "--json") == 0
    body = said(capsys)
    assert {Path(each).name for each in body["files"]} == FILES == {each.name for each in tmp_path.iterdir()}
    manifest = json.loads((demo / "manifest.json").read_text())
    final, trades, moves = manifest["final"], rows(tmp_path / "trades.csv"), rows(tmp_path / "account_moves.csv")
    assert len(trades) == body["trades"] == pq.read_table(demo / "fills.parquet").num_rows
    cash = from_text(final["start"]) + sum(from_text(each["cash"]) for each in [*trades, *moves])
    assert to_text(cash) == final["cash"]
    held: dict[tuple[str, str], int] = defaultdict(int)
    for each in trades:
        sign = 1 if each["side"] == "buy" else -1
        held[each["strategy"], each["instrument"]] += sign * from_text(each["quantity"])
    for each in moves:
        held[each["strategy"], each["instrument"]] += from_text(each["quantity"])
    assert {key: to_text(units) for key, units in held.items()} == {
        (each["strategy"], each["instrument"]): each["quantity"] for each in final["positions"]
    }
    items = {name: sum(from_text(each[f"charge_{name}"]) for each in trades) for name in final["charges"]}
    assert {name: to_text(paid) for name, paid in items.items()} == final["charges"]
    assert [each["reason"] for each in moves] == ["bonus 2:1"]


def test_its_days_are_those_of_the_run(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, demo, "--out", tmp_path, "--kind", "risk", "--format", "csv") == 0
    found = rows(tmp_path / "daily_risk.csv")
    curve = pq.read_table(demo / "equity.parquet").to_pydict()
    last_of_day = {
        (at + 19_800 * 10**9) // (86_400 * 10**9): worth for at, worth in zip(curve["at"], curve["equity"], strict=True)
    }
    assert [float(each["equity"]) for each in found] == pytest.approx(list(last_of_day.values()), abs=1e-6)
    assert found[-1]["equity"] == json.loads((demo / "manifest.json").read_text())["final"]["equity"]
    assert sum(from_text(each["profit"]) for each in found) == from_text(found[-1]["equity"]) - 500_000 * SCALE
    known = [each for each in found if each["value_at_risk_95"]]
    assert len(known) > 30
    for each in known:
        assert (
            0 < float(each["value_at_risk_95"]) <= float(each["expected_shortfall_95"]) < float(each["gross_exposure"])
        )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["daily_risk.csv", "exposures.csv"]


def test_orders_are_all_of_the_log(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, demo, "--out", tmp_path, "--kind", "orders") == 0
    found = rows(tmp_path / "orders.csv")
    approved = [each.body for each in open_run(demo).entries() if isinstance(each.body, Approved)]
    assert [int(each["order_id"]) for each in found] == [each.order_id for each in approved]
    assert all(each["acknowledged_utc"].endswith("+00:00") for each in found)
    assert all(each["made_exchange"].endswith("+05:30") for each in found)

    class Table(HTMLParser):
        count = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.count += tag == "tr"

    page = Table()
    page.feed((tmp_path / "orders.html").read_text())
    assert page.count == len(found) + 1


def test_one_day(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    run(monkeypatch, demo, "--out", tmp_path / "all", "--kind", "trades", "--format", "csv")
    by_day = Counter(each["at_exchange"][:10] for each in rows(tmp_path / "all" / "trades.csv"))
    day, count = by_day.most_common(1)[0]
    capsys.readouterr()
    assert run(monkeypatch, demo, "--out", tmp_path / "one", "--day", day, "--json") == 0
    body = said(capsys)
    assert (body["from"], body["to"], body["trades"]) == (day, day, count)
    assert "self-assessment" not in body["kinds"] and "self_assessment.csv" not in {Path(f).name for f in body["files"]}
    assert {each["at_exchange"][:10] for each in rows(tmp_path / "one" / "trades.csv")} == {day}
    assert [each["date"] for each in rows(tmp_path / "one" / "daily_risk.csv")] == [day]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--day", "2015-01-04"], "2015-01-04 is no day of the run"),
        (["--day", "4 January"], "--day is no date"),
        (["--day", "2015-01-05", "--kind", "self-assessment"], "of a whole run"),
        (["--kind", "order"], "did you mean 'orders'"),
        (["--format", "pdf"], "unknown format 'pdf'"),
        (["--as-of", "soon"], "--as-of is no date"),
        (["--drill", "none.json"], "no report of a drill"),
        (["--config", "none.toml"], "no file of settings"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    demo: Path, words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, demo, "--out", tmp_path / "new", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_what_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run(monkeypatch, tmp_path, "--json") == 2
    assert said(capsys)["error"]["code"] == "missing_data"
    saved = kept(planned(tmp_path / "case"))
    (saved.folder / "decisions").write_text("{}\n")
    assert run(monkeypatch, saved.folder, "--json") == 2
    assert said(capsys)["error"]["code"] == "data"


def test_a_run_in_which_nothing_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    case = planned(tmp_path, plan={})
    folder = kept(case).folder
    assert run(monkeypatch, folder, "--json") == 0
    body = said(capsys)
    assert (body["orders"], body["trades"], body["violations"], body["equity"]) == (0, 0, {}, 10**14)
    out = folder / "reports"
    assert {each.name for each in out.iterdir()} == FILES
    for name in ("orders", "trades", "account_moves", "violations", "violations_by_rule", "exposures"):
        assert rows(out / f"{name}.csv") == [] and (out / f"{name}.csv").read_text().count(",") > 5
    for name in ("orders", "trades", "violations"):
        assert '<div class="card">none</div>' in (out / f"{name}.html").read_text()
    (day,) = rows(out / "daily_risk.csv")
    assert (day["profit"], day["orders"], day["gross_exposure"], day["value_at_risk_95"]) == ("0", "0", "0", "")


def test_a_hostile_name_runs_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = planned(tmp_path)
    case.strategies[0]["name"] = "=HYPERLINK(1)<script>x</script>"  # type: ignore[index]
    folder = kept(case).folder
    run(monkeypatch, folder, "--kind", "trades")
    assert {each["strategy"][:2] for each in rows(folder / "reports" / "trades.csv")} == {"'="}
    page = (folder / "reports" / "trades.html").read_text()
    assert "<script>x" not in page and "=HYPERLINK(1)&lt;script&gt;x" in page


def test_a_strategy_that_was_halted_is_something_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def raises(strategy: Any, bar: Any) -> Any:
        raise ValueError("no more")

    folder = kept(planned(tmp_path, plan={1: raises})).folder
    assert run(monkeypatch, folder, "--kind", "violations", "--json") == 1
    assert said(capsys)["violations"] == {"halt": 1}
    (row,) = rows(folder / "reports" / "violations.csv")
    assert (row["kind"], row["rule"], row["detail"]) == ("halt", "strategy-raised", "ValueError: no more")


# --- live


def traded(folder: Path, *, kill: bool = False) -> Path:
    """A live run's folder after sixty rows of its feed; one that was `kill`ed had an order open then."""
    settings = coin_settings(folder)
    place = folder / "run"
    journal = open_journal(FolderDisk(place / "journal"), segment_bytes=2**18, reserve_bytes=2**12)
    desk = Desk(process_of(settings, run=run_of(place, settings, stamp=7)), venue=coin_venue(), journal=journal)
    desk.trade(54 if kill else 60)
    if kill:
        desk.process.operator(SafetyLevel.FLATTEN, trigger="operator", by="asha", reason="a test", at=desk.now)
        desk.settle()
        desk.trade(20)
    journal.close()
    return place


def test_a_live_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    place = traded(tmp_path)
    code = run(monkeypatch, place, "--as-of", "2026-11-22", "--json")
    body = said(capsys)
    assert body["live"] and body["contradicted"] == []
    assert code == (1 if set(body["violations"]) - {"refusal", "rejection"} else 0)
    orders, trades = rows(place / "reports" / "orders.csv"), rows(place / "reports" / "trades.csv")
    assert len(trades) == sum(isinstance(each.body, Fill) for each in open_live(place).entries()) > 10
    name = json.loads((place / "manifest.json").read_text())["run"]
    sent = [each for each in orders if each["sent_utc"]]
    assert len(sent) > 10
    assert all(each["tag"] == tag_of(name, int(each["order_id"])) and int(each["venue_id"]) > 0 for each in sent)
    final = completed(open_live(place)).manifest["final"]
    cash = from_text(final["start"]) + sum(from_text(each["cash"]) for each in trades)
    assert to_text(cash) == final["cash"]
    held = sum((1 if each["side"] == "buy" else -1) * from_text(each["quantity"]) for each in trades)
    assert to_text(held) == final["positions"][0]["quantity"]
    status = {(each["regime"], each["item"]): each for each in rows(place / "reports" / "self_assessment.csv")}
    trail = status["SEBI, NSE", "audit trail"]
    assert trail["status"] == "evidenced" and "all as written" in trail["evidence"]
    assert status["SEBI, NSE", "replicable logic"]["status"] == "evidenced"
    assert status["EU 2017/589 (RTS 6)", "records and reconciliation"]["status"] == "evidenced"
    assert status["EU 2017/589 (RTS 6)", "alerts within five seconds"]["status"] == "evidenced"
    assert status["EU 2017/589 (RTS 6)", "messages"]["evidence"].startswith("venue.orders_per_second = 10")
    assert status["SEBI, NSE", "order rate"]["status"] == "not applicable"


def test_a_run_that_was_killed_says_who_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    place = traded(tmp_path, kill=True)
    assert run(monkeypatch, place, "--as-of", "2026-11-22", "--json") == 1
    assert said(capsys)["contradicted"] == []
    (raised,) = [each for each in rows(place / "reports" / "violations.csv") if each["rule"] == "raised-operator"]
    assert (raised["kind"], raised["by"]) == ("kill_switch", "asha") and "FLATTEN" in raised["detail"]
    status = {(each["regime"], each["item"]): each for each in rows(place / "reports" / "self_assessment.csv")}
    kill = status["EU 2017/589 (RTS 6)", "kill"]
    assert kill["status"] == "evidenced" and "1 orders withdrawn, 0 left open" in kill["evidence"]
    assert status["EU 2017/589 (RTS 6)", "named persons"]["evidence"] == "1 interventions, by asha"
    (day,) = rows(place / "reports" / "daily_risk.csv")
    assert (day["highest_level"], int(day["level_raised"]) > 0) == ("FLATTEN", True)


def test_a_damaged_journal_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    place = traded(tmp_path)
    segment = sorted((place / "journal").glob("*.segment"))[0]
    content = bytearray(segment.read_bytes())
    content[len(content) // 8] ^= 0xFF
    segment.write_bytes(content)
    assert run(monkeypatch, place, "--json") == 70
    assert said(capsys)["error"]["code"] == "journal_damaged"


def test_a_live_run_kept_in_postgresql(
    server: str, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    write_key(tmp_path)
    connection_file(tmp_path)
    flags = ("journal.kind=postgresql", "journal.connection_file=server", f"journal.schema={schema}")
    settings = load(write_scene(tmp_path, port=7700, seconds=30), environment={}, flags=flags)
    place = tmp_path / "run"
    store = kept_in(settings, run=None)(FolderDisk(place / "journal"))
    name = run_of(place, settings, stamp=7)
    lease = Lease.acquire(FolderDisk(place / "journal"), holder="a test", now=0, above=store.epoch)
    journal = store.open(lease=lease)
    Desk(process_of(settings, run=name), venue=coin_venue(), journal=journal).trade(40)
    journal.close()
    lease.release()
    run(monkeypatch, place, "--kind", "trades", "--json")
    assert said(capsys)["trades"] == len(rows(place / "reports" / "trades.csv")) > 5
