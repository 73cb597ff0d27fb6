"""What a live run says of itself, and whether its account is at rest."""

from __future__ import annotations

from typing import Any

from tradsys.core.errors import ConfigError, InputRefused
from tradsys.core.safety import SafetyLevel
from tradsys.engine.control.protocol import Kill, Lower, Reset, SetLimit, level_of
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.records import ResetSaid
from tradsys.engine.trading.trading import Trading
from tradsys.risk.limit_changes import LimitWish, changed, person
from tradsys.risk.limit_checks import RepeatedExecution


class Rest:
    """Watches whether nothing works and nothing is held, and whether the venue was asked and said the same since."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._quiet_since: int | None = None
        self._asked_at = 0

    def look(self) -> None:
        """After every turn."""
        process, trading = self._process, self._process.trading
        if left_of(trading):
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = process.now
        self._asked_at = max(self._asked_at, trading.reconciling.reconciler.begun_at)

    @property
    def confirmed(self) -> bool:
        """Whether the account is at rest by the venue's word."""
        reconciling = self._process.trading.reconciling
        since = self._quiet_since
        done = reconciling.reconciled and not reconciling.reconciler.running
        return since is not None and done and self._asked_at >= since


def left_of(trading: Trading) -> list[str]:
    """What keeps an account from being at rest: orders that work, ours and others', and at `FLATTEN` positions."""
    left = [f"order {each.order.order_id} of {each.order.instrument}" for each in trading.tracker.live]
    left += [f"order {number} at the venue, not ours" for number in trading.tracker.external]
    if trading.level >= SafetyLevel.FLATTEN:
        held = trading.engine.ledger.open_positions.values()
        left += [f"position in {each.instrument.id} of {each.strategy}" for each in held]
    return left


def status(process: Process, rest: Rest, *, epoch: int) -> dict[str, Any]:
    """The answer to `status` and `kill`: `run`, `epoch`, `level`, `up`, `reconciled`, `rows` and `of` (of the feed),
    `records`, `on_reserve`, `flat`: None below `CANCEL`, else `flat` and what is `left`, and of a run under watch its
    `halts` and `alerts`, of one with limits its `limits` and the strategies that repeated themselves."""
    trading = process.trading
    left = left_of(trading)
    flat = None if trading.level < SafetyLevel.CANCEL else {"flat": rest.confirmed, "left": left}
    return {
        "run": process.run.run,
        "epoch": epoch,
        "level": trading.level.name,
        "up": process.up,
        "reconciled": trading.reconciling.reconciled,
        "rows": trading.rows,
        "of": len(process.feed),
        "records": process.durable,
        "on_reserve": process.on_reserve,
        "flat": flat,
        **({} if trading.watch is None else trading.watch.standing()),
        **({} if trading.engine.limited is None else trading.engine.limited.standing()),
    }


def said_level(process: Process, command: Kill | Lower) -> SafetyLevel:
    """The level that a command wants. Raises `ConfigError` for one that does not go where its verb says, or that is
    lowered without a name and a reason: nothing that cannot be done is journaled."""
    level, current = level_of(command.level), process.trading.level
    if isinstance(command, Lower):
        if level >= current:
            raise ConfigError(f"the level is {current.name}", value=level.name, limit=f"below {current.name}")
        if not command.by.strip() or not command.reason.strip():
            raise ConfigError("lowering needs a name and a reason", value=command.by, fix="give both")
    elif level == SafetyLevel.NORMAL:
        raise InputRefused("a kill does not lower", value=level.name, limit="no_new_risk, cancel, flatten")
    elif level < current:
        fix = f"tradsys lower, or --level {current.name.lower()} or higher"
        raise InputRefused("a kill does not lower", value=level.name, limit=current.name, fix=fix)
    return level


def said_reset(process: Process, command: Reset) -> ResetSaid:
    """What a reset says to the journal. Raises `ConfigError` for a run without breakers, or a reset without a name and
    a reason, `UnknownName` for a breaker that is not tripped: nothing that cannot be done is journaled."""
    watch, breaker = process.trading.watch, command.breaker.replace("_", "-")
    limited = process.trading.engine.limited
    if breaker == RepeatedExecution.rule and limited is not None:
        limited.commitments.demand_latched(command.subject, by=command.by, reason=command.reason)
        return ResetSaid(breaker=breaker, subject=command.subject, by=command.by, reason=command.reason)
    if watch is None:
        raise ConfigError("the run has no breakers", value=command.breaker, limit="[risk.breakers]", fix="see its file")
    watch.breakers.demand_tripped(breaker, subject=command.subject, by=command.by, reason=command.reason)
    return ResetSaid(breaker=breaker, subject=command.subject, by=command.by, reason=command.reason)


def said_limit(process: Process, command: SetLimit) -> LimitWish:
    """What a change of a limit says to the journal. Raises `ConfigError` for a run without limits and as `changed`,
    `UnknownName`: nothing that cannot be done is journaled."""
    limited = process.trading.engine.limited
    if limited is None:
        raise ConfigError("the run has no limits", value=command.limit, limit="[risk.limits]", fix="add it, start anew")
    wish = LimitWish(
        limit=command.limit,
        kind=command.kind,
        name=command.name,
        value=command.value,
        by=tuple(person(each) for each in command.by),
        reason=command.reason,
    )
    limited.demand_known(changed(wish, limited.limits, at=0))
    return wish
