"""Everything that went against a rule, each with limit, value and source; counted by rule."""

from __future__ import annotations

from typing import Any

from tests.unit.compliance.surveillance.streams import Stream
from tests.unit.engine.reports.lines import BEGIN, NAME, Lines, record_of
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.surveillance import Finding
from tradsys.core.events import Approved, Halted, Refused, Rejected, StrayKind
from tradsys.core.protection import Move, ProtectionStep
from tradsys.core.risk_events import BreakerReset, BreakerTripped, HaltScope, Liquidating, RiskAlert, Severity
from tradsys.core.safety import SafetyLevel, SafetyLowered, SafetyRaised
from tradsys.core.units import SCALE
from tradsys.engine.reports.orders import lives
from tradsys.engine.reports.run_record import RunRecord
from tradsys.engine.reports.violations import Violation, count_sheet, refused_by_rule, violation_sheet, violations

NOTHING = Stream().find()


def found_in(record: RunRecord, finding: Finding = NOTHING) -> list[Violation]:
    return violations(record, lives(record.entries), finding, SurveillanceSettings())


def test_a_refusal_keeps_its_source_apart_from_what_to_do() -> None:
    lines = Lines()
    lines.refused("sebi-price-band", limit="90 to 110", value="120", fix="price it inside (source: NSE/CMTR/1)")
    lines.refused("max-order-value", fix="trade less")
    first, second = found_in(record_of(lines.entries))
    assert (first.rule, first.limit, first.value, first.fix, first.source) == (
        "sebi-price-band", "90 to 110", "120", "price it inside", "NSE/CMTR/1",
    )  # fmt: skip
    assert (second.fix, second.source, second.instrument, second.order_id) == ("trade less", "", NAME, 2)


def test_an_intent_that_was_no_order_is_refused_without_one() -> None:
    lines = Lines()
    lines.add(Refused(at=lines.at, order_id=0, order=None, rule="no-number", limit="a number", value="nan"))
    (found,) = found_in(record_of(lines.entries))
    assert (found.strategy, found.detail) == ("plan", "an intent that could not be made an order")


def test_every_kind_has_its_row_in_order_of_time() -> None:
    lines = Lines()
    order = lines.order()
    lines.add(Approved(at=lines.at, order_id=1, order=order))
    lines.add(Rejected(at=lines.at, order_id=1, reason="price band"))
    lines.add(Halted(at=lines.at, strategy="plan", error="ValueError: no", traceback="…"))
    lines.stray(order, StrayKind.EXTERNAL, lines.fill(order, 1, 100))
    lines.add(RiskAlert(at=lines.at, rule="drawdown", subject="", severity=Severity.BREACHED, value="6 %", limit="5 %"))
    lines.add(
        BreakerTripped(
            at=lines.at, breaker="daily_loss", scope=HaltScope.ACCOUNT, subject="", value="9", limit="8", reset="person"
        )
    )
    lines.add(
        BreakerReset(at=lines.at, breaker="daily_loss", scope=HaltScope.ACCOUNT, subject="", by="asha", reason="seen")
    )
    lines.add(Liquidating(at=lines.at, rule="margin", value="1.2", limit="1", positions=3))
    for move in (Move.HOLD, Move.ALERT):
        lines.add(
            ProtectionStep(
                at=lines.at, order_id=1, instrument=NAME, move=move, reason="no room", percent=500, remaining=3 * SCALE
            )
        )
    record = record_of(lines.entries)
    record.safety = [
        SafetyRaised(at=BEGIN, level=SafetyLevel.FLATTEN, trigger="loss", limit="100", value="120"),
        SafetyLowered(at=lines.at, level=SafetyLevel.NORMAL, by="asha", reason="checked"),
    ]
    record.alerts = [(lines.at, "unknown: NSE:ABC an order without an answer")]
    kinds = [each.kind for each in found_in(record)]
    assert kinds == [
        "kill_switch", "rejection", "halt", "stray", "alert", "breaker", "breaker", "liquidation", "alert",
        "kill_switch", "alert",
    ]  # fmt: skip
    by_rule = {each.rule: each for each in found_in(record)}
    assert (by_rule["raised-loss"].limit, by_rule["raised-loss"].value) == ("100", "120")
    assert (by_rule["lowered"].by, by_rule["price band"].instrument) == ("asha", NAME)
    assert (by_rule["market-protection"].value, by_rule["market-protection"].order_id) == ("3", 1)
    assert by_rule["external-fill"].value == "buy 1 at 100"


def test_surveillance_at_or_above_its_threshold_is_among_them() -> None:
    stream = Stream(NAME)
    for _ in range(2):
        stream.wait(5).meet(buyer="plan", seller="plan", quantity=10, price=50)
    (found,) = found_in(record_of([]), stream.find())
    assert (found.kind, found.rule, found.strategy) == ("surveillance", "self-trade", "plan")
    assert float(found.value) >= float(found.limit) == 0.5
    assert found.source.startswith("PFUTP 4(2)(b)") and "orders 1 2" in found.detail


def test_counts_by_rule_name_the_first_case() -> None:
    lines = Lines()
    for value in ("5", "6", "7"):
        lines.refused("max-order-value", value=value)
    lines.refused("daily-loss")
    record = record_of(lines.entries)
    found = found_in(record)
    sheet = count_sheet(record, found)
    rows: list[dict[str, Any]] = [
        dict(zip([each.name for each in sheet.headings], row, strict=True)) for row in sheet.rows
    ]
    assert [(each["rule"], each["count"], each["value"]) for each in rows] == [
        ("max-order-value", 3, "5"), ("daily-loss", 1, "2"),
    ]  # fmt: skip
    assert refused_by_rule(found) == {"max-order-value": 3, "daily-loss": 1}
    assert violation_sheet(record, []).rows == [] and count_sheet(record, []).rows == []
