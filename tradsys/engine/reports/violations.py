"""Whatever went against a rule, and what was done about it: refusals, rejections, halts, the kill switch, strays, and
what surveillance found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tradsys.compliance.sebi.rule_check import source_of
from tradsys.compliance.surveillance.alerts import Alert, Pattern
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.surveillance import Finding
from tradsys.core.events import Entry, Halted, Refused, Rejected, Stray
from tradsys.core.protection import Move, ProtectionStep
from tradsys.core.risk_events import (
    BreakerReset,
    BreakerTripped,
    LimitChanged,
    Liquidating,
    RepeatReset,
    RiskAlert,
    RiskEvent,
)
from tradsys.core.safety import SafetyRaised
from tradsys.core.units import to_text
from tradsys.engine.reports.orders import OrderLife
from tradsys.engine.reports.run_record import RunRecord, SafetyChange
from tradsys.engine.reports.sheets import Heading, Sheet

REFUSAL, REJECTION, HALT, SWITCH, BREAKER = "refusal", "rejection", "halt", "kill_switch", "breaker"
LIQUIDATION, CHANGE, STRAY, WARNING, SURVEILLANCE = "liquidation", "limit_change", "stray", "alert", "surveillance"
KINDS = (REFUSAL, REJECTION, HALT, SWITCH, BREAKER, LIQUIDATION, CHANGE, STRAY, WARNING, SURVEILLANCE)

HEADINGS = (
    Heading("at_utc", "utc", "At (UTC)"),
    Heading("at_exchange", "local", "At (exchange)"),
    Heading("kind"),
    Heading("rule"),
    Heading("strategy"),
    Heading("instrument"),
    Heading("order_id", "count", "Order"),
    Heading("limit"),
    Heading("value"),
    Heading("detail"),
    Heading("what_to_do"),
    Heading("by"),
    Heading("line", "count"),
    Heading("source"),
)

COUNT_HEADINGS = (
    Heading("kind"),
    Heading("rule"),
    Heading("count", "count", "Times"),
    Heading("first_utc", "utc", "First (UTC)"),
    Heading("last_utc", "utc", "Last (UTC)"),
    Heading("limit", label="Limit, of the first"),
    Heading("value", label="Value, of the first"),
    Heading("source"),
)


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went against a rule; `kind` is one of `KINDS`, `line` that of the log (None: not in it)."""

    at: int
    kind: str
    rule: str
    strategy: str = ""
    instrument: str = ""
    order_id: int = 0
    limit: str = ""
    value: str = ""
    detail: str = ""
    fix: str = ""
    by: str = ""
    line: int | None = None
    source: str = ""


def violations(
    record: RunRecord, orders: Mapping[int, OrderLife], finding: Finding, settings: SurveillanceSettings
) -> list[Violation]:
    """All of a run in order of time; `finding` is what surveillance of it came to under `settings`."""
    found = [each for entry in record.entries for each in _of_entry(entry, orders)]
    found += [_of_switch(each) for each in record.safety]
    found += [Violation(at=at, kind=WARNING, rule=what.partition(":")[0], detail=what) for at, what in record.alerts]
    found += [_of_alert(each, settings) for each in finding.alerts]
    return sorted(found, key=lambda each: each.at)


def _of_entry(entry: Entry, orders: Mapping[int, OrderLife]) -> Iterator[Violation]:
    body = entry.body
    if isinstance(body, Refused):
        yield _of_refusal(entry, body)
    elif isinstance(body, Rejected):
        life = orders.get(body.order_id)
        yield Violation(
            at=entry.at,
            kind=REJECTION,
            rule=body.reason,
            strategy=life.order.strategy if life else entry.strategy,
            instrument=life.order.instrument if life else "",
            order_id=body.order_id,
            detail="the venue did not take the order",
            line=entry.seq,
        )
    elif isinstance(body, Halted):
        yield Violation(
            at=entry.at, kind=HALT, rule="strategy-raised", strategy=body.strategy, detail=body.error, line=entry.seq
        )
    elif isinstance(body, Stray):
        yield _of_stray(entry, body)
    elif isinstance(body, ProtectionStep) and body.move is Move.ALERT:
        yield Violation(
            at=entry.at,
            kind=WARNING,
            rule="market-protection",
            strategy=entry.strategy,
            instrument=body.instrument,
            order_id=body.order_id,
            value=to_text(body.remaining),
            detail=f"rests beyond its protection: {body.reason}",
            line=entry.seq,
        )
    elif isinstance(body, LimitChanged | RepeatReset):
        yield _of_change(entry, body)
    elif isinstance(body, RiskAlert | BreakerTripped | BreakerReset | Liquidating):
        yield _of_risk(entry, body)


def _of_refusal(entry: Entry, refused: Refused) -> Violation:
    order, source = refused.order, source_of(refused)
    return Violation(
        at=entry.at,
        kind=REFUSAL,
        rule=refused.rule,
        strategy=order.strategy if order else entry.strategy,
        instrument=order.instrument if order else "",
        order_id=refused.order_id,
        limit=refused.limit,
        value=refused.value,
        detail="" if order else "an intent that could not be made an order",
        fix=refused.fix.partition(" (source: ")[0] if source else refused.fix,
        line=entry.seq,
        source=source,
    )


def _of_stray(entry: Entry, stray: Stray) -> Violation:
    fill = stray.fill
    price, quantity = to_text(fill.price), to_text(fill.quantity)
    return Violation(
        at=entry.at,
        kind=STRAY,
        rule=f"{stray.kind}-fill",
        strategy=fill.strategy,
        instrument=fill.instrument,
        order_id=fill.order_id,
        limit="a fill of a working order",
        value=f"{fill.side.name.lower()} {quantity} at {price}",
        line=entry.seq,
    )


def _of_risk(entry: Entry, event: RiskEvent) -> Violation:
    """What watching the account said."""
    at, line = entry.at, entry.seq
    match event:
        case RiskAlert():
            subject, limit, value = event.subject, event.limit, event.value
            return Violation(
                at=at,
                kind=WARNING,
                rule=event.rule,
                limit=limit,
                value=value,
                line=line,
                detail=f"{event.severity} {subject}".strip(),
            )
        case BreakerTripped():
            detail = f"nothing opens: {event.scope} {event.subject}".strip() + f", until {event.reset}"
            return Violation(
                at=at, kind=BREAKER, rule=event.breaker, limit=event.limit, value=event.value, line=line, detail=detail
            )
        case BreakerReset():
            detail = f"ended: {event.scope} {event.subject}".strip() + f", {event.reason}"
            return Violation(at=at, kind=BREAKER, rule=event.breaker, detail=detail, by=event.by, line=line)
        case Liquidating():
            return Violation(
                at=at,
                kind=LIQUIDATION,
                rule=event.rule,
                limit=event.limit,
                value=event.value,
                line=line,
                detail=f"{event.positions} positions closed by force",
            )


def _of_change(entry: Entry, event: LimitChanged | RepeatReset) -> Violation:
    """What a person allowed while the run went on."""
    if isinstance(event, RepeatReset):
        return Violation(
            at=entry.at,
            kind=CHANGE,
            rule="repeated-execution",
            strategy=event.strategy,
            detail=f"opens again: {event.reason}",
            by=event.by,
            line=entry.seq,
        )
    return Violation(
        at=entry.at,
        kind=CHANGE,
        rule=event.limit,
        limit="none" if event.before is None else str(event.before),
        value="none" if event.after is None else str(event.after),
        detail=f"{event.kind} {event.name}: {event.reason}",
        by=", ".join(event.by),
        line=entry.seq,
    )


def _of_switch(change: SafetyChange) -> Violation:
    if isinstance(change, SafetyRaised):
        return Violation(
            at=change.at,
            kind=SWITCH,
            rule=f"raised-{change.trigger}",
            limit=change.limit,
            value=change.value,
            detail=f"the level is {change.level.name}",
            by=change.by,
        )
    return Violation(
        at=change.at,
        kind=SWITCH,
        rule="lowered",
        detail=f"the level is {change.level.name}: {change.reason}",
        by=change.by,
    )


def _of_alert(alert: Alert, settings: SurveillanceSettings) -> Violation:
    threshold = _threshold(alert.pattern, settings)
    measures = ", ".join(f"{name} {value:g}" for name, value in alert.measures.items())
    return Violation(
        at=alert.at,
        kind=SURVEILLANCE,
        rule=str(alert.pattern).replace("_", "-"),
        strategy=", ".join(alert.accounts),
        instrument=alert.instrument,
        limit="" if threshold is None else f"{threshold:g}",
        value=f"{alert.score:.2f}",
        detail=f"{measures}; orders {' '.join(map(str, alert.orders)) or 'none'}",
        source=alert.clause,
    )


def _threshold(pattern: Pattern, settings: SurveillanceSettings) -> float | None:
    """The score from which a pattern is told; None where it has none of its own."""
    if pattern is Pattern.SELF_TRADE:
        return settings.wash_trade.self_trade_score
    found = getattr(getattr(settings, str(pattern)), "threshold", None)
    return float(found) if found is not None else None


def violation_sheet(record: RunRecord, chosen: Sequence[Violation]) -> Sheet:
    """One row a violation, in order of time."""
    return Sheet(
        name="violations",
        title="Violations",
        lead="Orders that were refused or rejected, strategies halted, every change of the safety level, fills of no "
        "working order, and what surveillance found.",
        headings=HEADINGS,
        rows=[_row(each) for each in chosen],
        zone=record.zone,
        currency=record.currency,
    )


def count_sheet(record: RunRecord, chosen: Sequence[Violation]) -> Sheet:
    """Counts by kind and rule, the most frequent of each kind first."""
    groups: dict[tuple[str, str], list[Violation]] = {}
    for each in chosen:
        groups.setdefault((each.kind, each.rule), []).append(each)
    ordered = sorted(groups.items(), key=lambda item: (KINDS.index(item[0][0]), -len(item[1]), item[0][1]))
    rows: list[tuple[Any, ...]] = [
        (*key, len(of), of[0].at, of[-1].at, of[0].limit, of[0].value, of[0].source) for key, of in ordered
    ]
    return Sheet(
        name="violations_by_rule",
        title="By rule",
        lead="How often each rule spoke, with its first case.",
        headings=COUNT_HEADINGS,
        rows=rows,
        zone=record.zone,
        currency=record.currency,
    )


def refused_by_rule(chosen: Sequence[Violation]) -> Counter[str]:
    """How often each rule refused an order."""
    return Counter(each.rule for each in chosen if each.kind == REFUSAL)


def _row(each: Violation) -> tuple[Any, ...]:
    return (
        each.at, each.at, each.kind, each.rule, each.strategy, each.instrument, each.order_id or None, each.limit,
        each.value, each.detail, each.fix, each.by, each.line, each.source,
    )  # fmt: skip
