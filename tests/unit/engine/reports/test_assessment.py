"""A self-assessment says what a run's record shows, and nothing that it does not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.saved_runs import kept, planned
from tests.unit.engine.reports.lines import BEGIN, Lines, record_of
from tests.unit.engine.reports.test_violations import NOTHING, found_in
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.core.errors import ConfigError, MissingData
from tradsys.core.events import Approved, Cancelled, CancelRequested
from tradsys.core.safety import SafetyLevel, SafetyRaised
from tradsys.core.units import SECOND
from tradsys.engine.reports.account import booked
from tradsys.engine.reports.algo_ids import algo_ids
from tradsys.engine.reports.assessment import Assessed, assess, assessment_sheet, counts
from tradsys.engine.reports.closes import Closes
from tradsys.engine.reports.controls import Answer, Status
from tradsys.engine.reports.daily_risk import risk_days
from tradsys.engine.reports.evidence import Evidence, Repeated, read_drill
from tradsys.engine.reports.orders import lives
from tradsys.engine.reports.record_controls import CONTROLS
from tradsys.engine.reports.reports import gather, report_of
from tradsys.engine.reports.run_record import RunRecord
from tradsys.engine.trading.trading import KILL
from tradsys.execution.flattening_parts import FlatReport
from tradsys.reference.self_assessment import requirements

ON = date(2026, 11, 22)
SHOWN, OPEN, NOT_ASKED = Status.EVIDENCED, Status.NOT_EVIDENCED, Status.NOT_APPLICABLE


def evidence_of(record: RunRecord, **more: Any) -> Evidence:
    """The evidence of a record that nobody replayed."""
    given: dict[str, Any] = {
        "repeated": Repeated(verified=None, words="not replayed"), "journal": None, "drill": None, **more,
    }  # fmt: skip
    return Evidence(
        record=record,
        orders=list(lives(record.entries).values()),
        booked=list(booked(record)),
        days=risk_days(record, Closes({}, missing="no data")),
        violations=found_in(record),
        finding=NOTHING,
        surveillance=SurveillanceSettings(),
        ids=algo_ids(record.saved.settings),
        **given,
    )


def answer(control: str, record: RunRecord, **more: Any) -> Answer:
    return CONTROLS[control](evidence_of(record, **more))


def with_settings(record: RunRecord, **sections: Any) -> RunRecord:
    """The same run with sections of its run file replaced, as its manifest has them."""
    configuration = {**record.saved.manifest["configuration"], **sections}
    record.saved = msgspec.structs.replace(
        record.saved, manifest={**record.saved.manifest, "configuration": configuration}
    )
    return record


def test_every_requirement_has_its_control_and_every_control_is_asked_for() -> None:
    assert {each.control for each in requirements(ON)} == set(CONTROLS)


def test_articles_nine_to_eighteen_stand_in_their_order() -> None:
    rows = [each for each in requirements(ON) if each.regime == "rts6"]
    articles = [int(each.article.partition("(")[0]) for each in rows]
    assert articles == sorted(articles) and set(articles) == set(range(9, 19))
    assert all(f"article {each.article}" in each.source for each in rows)


def test_what_is_not_in_force_yet_does_not_apply() -> None:
    assessed = assess(evidence_of(record_of([])), as_of=date(2015, 1, 1))
    rts = [each.answer for each in assessed if each.requirement.regime == "rts6"]
    assert {each.status for each in rts} == {NOT_ASKED}
    assert rts[0].words == "in force from 2018-01-03"


def test_a_run_of_which_nothing_is_known_evidences_nothing() -> None:
    assessed = assess(evidence_of(with_settings(record_of([]), strategies=[])), as_of=ON)
    assert [each.requirement.control for each in assessed if each.answer.status is SHOWN] == []
    assert not any(each.answer.found for each in assessed if each.requirement.control != "audit_trail")


@pytest.mark.parametrize(
    ("control", "section", "rule"),
    [
        ("price_collar", {"risk": {"limits": {"price_collar": 0.05}}}, "price-collar"),
        ("order_value", {"risk": {"limits": {"instruments": {"NSE:ABC": {"order_value": 5.0}}}}}, "max-order-value"),
        ("order_volume", {"risk": {"limits": {"order_quantity": 5}}}, "sebi-freeze-quantity"),
        ("message_limit", {"risk": {"limits": {"orders_per_second": 5}}}, "order-rate"),
        ("sent_orders_count", {"risk": {"limits": {"open_value": 5.0}}}, "max-open-value"),
        ("repeated_execution", {"risk": {"limits": {"repeated_executions": 5}}}, "repeated-execution"),
        ("risk_limits", {"risk": {"breakers": {"daily_loss": {"limit": 5.0}}}}, "insufficient-cash"),
        ("position_limits", {"risk": {"limits": {"position": 5}}}, "max-position"),
    ],
)
def test_a_limit_shows_in_the_run_file_or_by_having_refused(control: str, section: Any, rule: str) -> None:
    assert answer(control, record_of([])).status is OPEN
    found = answer(control, with_settings(record_of([]), **section))
    assert found.status is SHOWN and " = " in found.words
    lines = Lines()
    lines.refused(rule)
    found = answer(control, record_of(lines.entries))
    assert (found.status, found.words) == (SHOWN, f"1 refusals by {rule}")


def test_a_limit_of_nothing_is_none_and_what_only_a_live_run_watches_is_none_of_a_backtest() -> None:
    nothing = {"risk": {"limits": {"price_collar": None, "order_value": 0.0}}, "safety": {"loss_flatten": 5.0}}
    for control in ("price_collar", "order_value", "risk_limits", "message_limit"):
        assert answer(control, with_settings(record_of([]), **nothing)).status is OPEN


def test_the_kill_switch_is_shown_by_a_drill() -> None:
    flat = FlatReport(flat=True, seconds_to_flat=0.5, orders_cancelled=15, positions_closed=3)
    found = answer("kill", record_of([]), drill=flat)
    assert (found.status, found.found) == (SHOWN, False)
    assert "15 orders withdrawn, 3 positions closed, flat after 0.500 s" in found.words
    left = answer("kill", record_of([]), drill=msgspec.structs.replace(flat, flat=False))
    assert (left.status, left.found) == (OPEN, True)


def test_or_by_a_level_at_which_every_order_ended() -> None:
    lines = Lines()
    order = lines.approved()
    raised = SafetyRaised(at=BEGIN + 60 * SECOND, level=SafetyLevel.CANCEL, trigger="operator", limit="", value="")
    record = record_of(lines.entries)
    record.safety = [raised]
    assert answer("kill", record).found, "an order of before is open at the end"
    lines.add(CancelRequested(at=lines.at, order_id=order.order_id, reason=KILL))
    lines.add(Cancelled(at=lines.at, order_id=order.order_id, remaining=order.quantity, reason=KILL))
    found = answer("kill", record)
    assert (found.status, found.words) == (SHOWN, "raised to CANCEL by operator: 1 orders withdrawn, 0 left open")
    filled = Lines()
    filled.filled(filled.approved(), 10, 100)
    record.entries = filled.entries
    assert (answer("kill", record).status, answer("kill", record).found) == (OPEN, False), "nothing was withdrawn"


def test_a_drill_is_read_as_it_was_printed(tmp_path: Path) -> None:
    path = tmp_path / "drill.json"
    report = FlatReport(flat=True, seconds_to_flat=0.5, orders_cancelled=15, positions_closed=3)
    path.write_bytes(msgspec.json.encode(report))
    assert read_drill(path) == report
    path.write_text('{"flat": "yes"}')
    with pytest.raises(ConfigError, match="no report of a drill"):
        read_drill(path)
    with pytest.raises(MissingData, match="no report of a drill"):
        read_drill(tmp_path / "none")


def test_orders_of_india_are_counted_by_the_second() -> None:
    lines = Lines()
    orders = [lines.order() for _ in range(11)]
    for each in orders:
        lines.add(Approved(at=each.at, order_id=each.order_id, order=each))
    found = answer("order_rate", record_of(lines.entries))
    assert found.status is OPEN and found.words.startswith("at most 11 orders in a second (NSE equity)")
    assert answer("order_rate", record_of(lines.entries[:10])).status is SHOWN
    assert answer("market_orders", record_of(lines.entries)).status is SHOWN, "they have limits"
    assert "have no id" in answer("algo_id", record_of(lines.entries)).words
    assert answer("message_capacity", record_of(lines.entries)).words.startswith("no load test")


def test_a_replay_that_differs_is_a_contradiction() -> None:
    differs = Repeated(verified=False, words="replayed: 3 of 9 decisions identical")
    found = answer("replicable_logic", record_of([]), repeated=differs)
    assert (found.status, found.found) == (OPEN, True)
    same = Repeated(verified=True, words="replayed: 9 of 9 decisions identical")
    assert answer("replicable_logic", record_of([]), repeated=same).status is SHOWN


# --- a whole run


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], Assessed]:
    folder = kept(planned(tmp_path_factory.mktemp("assessed"))).folder
    return by_key(gather(folder, as_of=ON).assessed)


def by_key(found: Any) -> dict[tuple[str, str, str], Assessed]:
    return {(each.requirement.regime, each.requirement.article, each.requirement.item): each for each in found}


def test_a_backtest_shows_its_record_its_replay_and_its_account(
    assessed: dict[tuple[str, str, str], Assessed],
) -> None:
    def of(*key: str) -> Answer:
        return assessed[key].answer  # type: ignore[index]

    assert of("sebi", "5.V", "replicable logic").words == "replayed: 15 of 15 decisions identical"
    assert of("sebi", "I.a", "audit trail").status is SHOWN
    assert (
        of("rts6", "17(1)", "post-trade controls").words == "cash and 1 positions follow from the log to the last unit"
    )
    assert of("rts6", "12(3)", "owner of an order").words == "all 4 orders name their strategy"
    assert of("rts6", "15(6)", "overrides").words.startswith("1 orders were blocked, none of them")
    assert of("rts6", "15(5)", "unauthorised orders").words == "1 refusals by short-in-delivery"
    assert of("rts6", "17(3)", "records and reconciliation").status is NOT_ASKED
    assert of("rts6", "12(1)", "kill").status is OPEN
    assert of("sebi", "8.1.12", "market orders").status is OPEN
    assert not any(each.answer.found for each in assessed.values())


def test_rules_of_a_pack_are_evidence_where_they_are_in_force_for_what_is_traded(tmp_path: Path) -> None:
    facts = {"paper_access": True, "generic_algo_id": True}
    case = planned(
        tmp_path,
        rules={"pack": "sebi", "as_of": "2026-11-21", "facts": facts},
        execution={"market_protection": 2.0, "slippage_bps": 0, "participation": 0},
    )
    found = gather(kept(case).folder, as_of=ON, replays=False)
    answers = {key: each.answer for key, each in by_key(found.assessed).items()}
    assert answers["rts6", "15(1)(d)", "messages"].words == "sebi-order-rate of rules.pack"
    assert "sebi-price-band of rules.pack" in answers["sebi", "2012-6", "price band"].words
    assert answers["sebi", "2012-6", "order quantity"].status is OPEN, "freeze quantities are of derivatives"
    assert answers["sebi", "2012-6", "position limits"].status is OPEN
    (refused, *_) = (each for each in found.violations if each.rule == "sebi-price-band")
    assert refused.source.startswith("SEBI CIR/MRD/DP/09/2012")
    report = report_of("orders", found)
    column = [each.name for each in report.sheets[0].headings].index("algo_id")
    assert {row[column] for row in report.sheets[0].rows} == {"99999"}


def test_a_log_that_was_changed_contradicts_the_trail_and_the_account(tmp_path: Path) -> None:
    folder = kept(planned(tmp_path)).folder
    path = folder / "decisions"
    path.write_bytes(path.read_bytes().replace(b'"price":10000000000', b'"price":10100000000'))
    found = by_key(gather(folder, as_of=ON).assessed)
    trail, account = found["sebi", "I.a", "audit trail"].answer, found["rts6", "17(1)", "post-trade controls"].answer
    assert trail.found and "not those that the manifest was written with" in trail.words
    assert account.found and "does not explain the account: cash" in account.words
    assert found["sebi", "5.V", "replicable logic"].answer.found


def test_a_run_whose_data_are_gone_is_assessed_without_a_replay(tmp_path: Path) -> None:
    folder = kept(planned(tmp_path)).folder
    (tmp_path / "bars0.csv").unlink()
    found = by_key(gather(folder, as_of=ON).assessed)["sebi", "5.V", "replicable logic"].answer
    assert (found.status, found.found) == (OPEN, False)
    assert found.words.startswith("the run could not be replayed")


def test_the_sheet_counts_what_it_shows(assessed: dict[tuple[str, str, str], Assessed]) -> None:
    record = record_of([])
    sheet = assessment_sheet(record, list(assessed.values()), as_of=ON)
    status = [each.name for each in sheet.headings].index("status")
    found = counts(list(assessed.values()))
    assert found == {str(each): sum(row[status] == each for row in sheet.rows) for each in Status}
    assert sum(found.values()) == len(sheet.rows) == len(requirements(ON))
    assert json.dumps(found)
