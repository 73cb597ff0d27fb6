"""What people ask of a running process beside its safety level: the end of a halt, another limit."""

from __future__ import annotations

from collections.abc import Sequence

from tradsys.core.events import Entry
from tradsys.core.risk_events import LimitChanged, RepeatReset
from tradsys.engine.engine import Engine
from tradsys.engine.monitoring import Watch
from tradsys.engine.trading.records import ResetSaid
from tradsys.risk.limit_changes import LimitWish, apply, changed
from tradsys.risk.limit_checks import RepeatedExecution


def heeded(said: ResetSaid | LimitWish, engine: Engine, watch: Watch | None, *, at: int) -> Sequence[Entry]:
    """Do it, as lines of the log; whether it can be done was asked before it was journaled."""
    limited = engine.limited
    if isinstance(said, LimitWish):
        if limited is None:
            return ()
        change = changed(said, limited.limits, at=at)
        apply(change, limited.limits)
        return _line(engine, change, at=at)
    if said.breaker == RepeatedExecution.rule and limited is not None:
        limited.commitments.reset(said.subject)
        reset = RepeatReset(at=at, strategy=said.subject, by=said.by, reason=said.reason)
        return _line(engine, reset, at=at, strategy=said.subject)
    if watch is None:
        return ()
    return watch.reset(said.breaker, subject=said.subject, by=said.by, reason=said.reason, at=at)


def _line(engine: Engine, body: LimitChanged | RepeatReset, *, at: int, strategy: str = "") -> list[Entry]:
    entries: list[Entry] = []
    engine.parts[0].append(entries, body, cause=-1, at=at, strategy=strategy)
    return entries
