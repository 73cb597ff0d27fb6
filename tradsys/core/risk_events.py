"""What watching the account says: alerts, tripped breakers and their resets, positions closed by force."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How a value stands to its limit."""

    APPROACHING = "approaching"
    BREACHED = "breached"
    CLEARED = "cleared"


class HaltScope(StrEnum):
    """What a tripped breaker halts."""

    ACCOUNT = "account"
    STRATEGY = "strategy"
    INSTRUMENT = "instrument"


class RiskAlert(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """A value approaches its limit, is at or beyond it, or is well below it again. `subject` is the instrument or
    strategy, empty for the account."""

    at: int
    rule: str
    subject: str
    severity: Severity
    value: str
    limit: str


class BreakerTripped(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """From here on nothing opens in the scope. `reset` says what ends it (`person`, `next_day`, `after`), `until` from
    when on, where it is a time (UTC nanoseconds, else 0)."""

    at: int
    breaker: str
    scope: HaltScope
    subject: str
    value: str
    limit: str
    reset: str
    until: int = 0


class BreakerReset(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """A halt ended: who ended it (empty: it ended itself), and why."""

    at: int
    breaker: str
    scope: HaltScope
    subject: str
    by: str
    reason: str


class Liquidating(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """Positions are closed by force, as many as it says: the rule, its limit and the value that passed it."""

    at: int
    rule: str
    value: str
    limit: str
    positions: int


class LimitChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """A limit was set, changed or taken away (None) while the run went on: 1e-8 of its unit, or a count. `kind` and
    `name` say on what, `by` whom."""

    at: int
    limit: str
    kind: str
    name: str
    before: int | None
    after: int | None
    by: tuple[str, ...]
    reason: str


class RepeatReset(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """A person let a strategy open again that had repeated itself."""

    at: int
    strategy: str
    by: str
    reason: str


RiskEvent = RiskAlert | BreakerTripped | BreakerReset | Liquidating
