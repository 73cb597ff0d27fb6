"""What watching the account said in a run, counted by what happened, rule and subject."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from tradsys.core.events import Entry
from tradsys.core.risk_events import BreakerReset, BreakerTripped, Liquidating, RiskAlert, Severity
from tradsys.portfolio.result import RiskEventRow


def risk_events(log: Sequence[Entry]) -> list[RiskEventRow]:
    """Alerts, trips, resets and forced closings in the order of their first cases; what only cleared is left out."""
    found: dict[tuple[str, str, str], RiskEventRow] = {}
    for entry in log:
        row = _row(entry.body)
        if row is not None:
            key = (row.what, row.rule, row.subject)
            first = found.get(key)
            found[key] = row if first is None else replace(first, count=first.count + 1)
    return list(found.values())


def _row(body: object) -> RiskEventRow | None:
    if isinstance(body, RiskAlert) and body.severity is not Severity.CLEARED:
        return _first(body.at, body.severity.value, body.rule, body.subject, value=body.value, limit=body.limit)
    if isinstance(body, BreakerTripped):
        return _first(body.at, "tripped", body.breaker, body.subject, value=body.value, limit=body.limit)
    if isinstance(body, BreakerReset):
        return _first(body.at, "reset", body.breaker, body.subject, value=body.reason, limit="")
    if isinstance(body, Liquidating):
        return _first(body.at, "closed by force", body.rule, "", value=body.value, limit=body.limit)
    return None


def _first(at: int, what: str, rule: str, subject: str, *, value: str, limit: str) -> RiskEventRow:
    return RiskEventRow(what=what, rule=rule, subject=subject, count=1, first=at, value=value, limit=limit)
