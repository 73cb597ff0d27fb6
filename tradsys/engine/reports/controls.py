"""The controls that a self-assessment asks about: one function each, from what a run's record shows to an answer.

None says that a control holds because it is built in: each answer comes from the settings, the log or the journal of
the run in question, or says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from tradsys.core.instruments import Segment
from tradsys.core.safety import SafetyLevel, SafetyRaised
from tradsys.core.units import SECOND, format_money
from tradsys.engine.reports.evidence import Evidence
from tradsys.engine.reports.violations import CHANGE, STRAY
from tradsys.engine.trading.trading import KILL
from tradsys.reference.self_assessment import seconds_of


class Status(StrEnum):
    """How a requirement stands in a run."""

    EVIDENCED = "evidenced"
    NOT_EVIDENCED = "not evidenced"
    NOT_APPLICABLE = "not applicable"


class Answer(NamedTuple):
    """A status and the words for it. `found`: the record shows the opposite."""

    status: Status
    words: str
    found: bool = False


Control = Callable[[Evidence], Answer]
BACKTEST = "a backtest has no venue, no connection and no clock of its own"
_DERIVATIVES = frozenset({Segment.FUTURE, Segment.OPTION, Segment.CRYPTO_PERPETUAL})


def shown(words: str) -> Answer:
    """The record shows it."""
    return Answer(Status.EVIDENCED, words)


def not_shown(words: str, *, found: bool = False) -> Answer:
    """The record does not show it, or (`found`) shows the opposite."""
    return Answer(Status.NOT_EVIDENCED, words, found)


def does_not_apply(words: str) -> Answer:
    """It is not asked of such a run."""
    return Answer(Status.NOT_APPLICABLE, words)


def limited(*settings: str, rules: tuple[str, ...]) -> Control:
    """A control that shows in the run file (`settings`, patterns of keys), by having refused (`rules`), or, where the
    run has the pack of rules that one of them is of, by being in force for what it trades."""

    def control(evidence: Evidence) -> Answer:
        found = evidence.settings(*settings) + evidence.refusals(*rules) + evidence.pack(*rules)
        if found:
            return shown("; ".join(found))
        return not_shown(f"not in the run file ({', '.join(settings)}), and no refusal by {', '.join(rules)}")

    return control


def outside(evidence: Evidence) -> Answer:
    """What no record of a run can show."""
    return not_shown("not in the record of a run: show it by the documents of whoever is responsible")


def validation_report(evidence: Evidence) -> Answer:
    """RTS 6 article 9: this document feeds the report; nobody has signed it."""
    return not_shown("these reports are what such a report is made of; its review and approval are not in the record")


def kill(evidence: Evidence) -> Answer:
    """A drill that was handed in, or a level of the run itself at which every order was withdrawn."""
    drill = evidence.drill
    if drill is not None:
        words = (
            f"drill: {drill.orders_cancelled} orders withdrawn, {drill.positions_closed} positions closed, "
            f"{'flat' if drill.flat else 'not flat'} after {drill.seconds_to_flat:.3f} s"
        )
        return shown(words) if drill.flat else not_shown(words, found=True)
    raised = [
        each for each in evidence.record.safety if isinstance(each, SafetyRaised) and each.level >= SafetyLevel.CANCEL
    ]
    if not raised:
        return not_shown("not used in the run, and no drill given (tradsys kill --drill --json, --drill FILE)")
    before = [each for each in evidence.approved if each.order.at <= raised[0].at]
    left = [each for each in before if each.ended_at is None]
    withdrawn = sum(1 for each in before if each.withdrawn_for == KILL)
    words = (
        f"raised to {raised[0].level.name} by {raised[0].trigger}: {withdrawn} orders withdrawn, {len(left)} left open"
    )
    if left or not withdrawn:
        return not_shown(words, found=bool(left))
    return shown(words)


def owner_of_order(evidence: Evidence) -> Answer:
    """Every order names the strategy that it is of."""
    nameless = sum(1 for each in evidence.orders if not each.order.strategy)
    if not evidence.orders:
        return not_shown("the run has no order")
    if nameless:
        return not_shown(f"{nameless} of {len(evidence.orders)} orders name no strategy", found=True)
    return shown(f"all {len(evidence.orders)} orders name their strategy")


def surveillance(evidence: Evidence) -> Answer:
    """All patterns, over every order and trade of the run."""
    finding = evidence.finding
    words = f"{len(finding.watched)} patterns over {finding.orders:,} orders and {finding.trades:,} trades: "
    words += f"{len(finding.alerts)} alerts"
    return shown(words) if finding.orders and finding.watched else not_shown(f"{words}: nothing to look at")


def surveillance_in_time(evidence: Evidence) -> Answer:
    """The record does not say when anybody read it."""
    return not_shown("when surveillance ran is not in the record: schedule this report for every night")


def overrides(evidence: Evidence) -> Answer:
    """No order went out that a check had blocked, or that no check had seen."""
    refused = [each for each in evidence.orders if each.refused is not None]
    changes = [each for each in evidence.violations if each.kind == CHANGE]
    unseen = [each for each in evidence.violations if each.kind == STRAY and each.rule == "external-fill"]
    passed = [each for each in refused if each.filled or each.acknowledged_at is not None]
    nameless = [each for each in changes if not each.by]
    if passed or unseen or nameless:
        words = f"{len(passed)} orders traded past a refusal, {len(unseen)} fills of no order"
        return not_shown(f"{words}, {len(nameless)} limits changed by nobody", found=True)
    if not refused:
        return not_shown("no order was blocked")
    return shown(f"{len(refused)} orders were blocked, none of them went out; persons changed {len(changes)} limits")


def monitoring(evidence: Evidence) -> Answer:
    """What a live run is watched by."""
    if not evidence.live:
        return does_not_apply(BACKTEST)
    found = evidence.settings("risk.monitoring.*", "risk.breakers.*.limit", "safety.*")
    return shown("; ".join(found)) if found else not_shown("neither risk.monitoring nor safety is set")


def alert_delay(evidence: Evidence) -> Answer:
    """How late, at the latest, the switch sees what it watches."""
    if not evidence.live:
        return does_not_apply(BACKTEST)
    if not evidence.record.epochs:
        return not_shown("no process has begun")
    terms = evidence.record.epochs[-1].terms.kill
    waits = {"the account": terms.evaluate_after, "the connection": terms.link_after}
    unwatched = [name for name, wait in waits.items() if wait is None]
    allowed = seconds_of("alert_delay")
    late = [name for name, wait in waits.items() if wait is not None and wait > allowed * SECOND]
    words = ", ".join(f"{name} after {wait / SECOND:g} s" for name, wait in waits.items() if wait is not None)
    if unwatched or late:
        return not_shown(f"later than {allowed} s, or never: {', '.join(unwatched + late)} ({words})")
    return shown(f"silence is told at the latest: {words}")


def exposure(evidence: Evidence) -> Answer:
    """The daily risk report, if its prices are those of the market."""
    priced = [each for each in evidence.days if each.held]
    if not priced:
        return not_shown("nothing was held at any close")
    unpriced = sum(1 for each in priced if any(held.priced_by != "close" for held in each.held))
    highest = max(priced, key=lambda each: each.gross)
    words = f"{len(priced)} closes, highest gross exposure {format_money(highest.gross, evidence.record.currency)}"
    if unpriced:
        return not_shown(f"{words}; {unpriced} of them priced by own fills alone")
    return shown(f"{words} on {highest.day}")


def derivative_positions(evidence: Evidence) -> Answer:
    """Limits on positions, of a run that has derivatives."""
    if not any(each.segment in _DERIVATIVES for each in evidence.record.instruments.values()):
        return does_not_apply("the run has no derivatives")
    return POSITIONS(evidence)


POSITIONS = limited(
    "risk.limits*.position", "risk.limits*.position_value",
    rules=("max-position*", "sebi-index-position", "sebi-stock-position"),
)  # fmt: skip

BY_SETTING: Mapping[str, Control] = {
    "price_collar": limited(
        "risk.limits*.price_collar",
        rules=("price-collar", "sebi-price-band", "sebi-limit-protection"),
    ),
    "order_value": limited("risk.limits*.order_value", rules=("max-order-value",)),
    "order_volume": limited(
        "risk.limits*.order_quantity",
        rules=("max-order-quantity", "sebi-freeze-quantity"),
    ),
    "message_limit": limited(
        "risk.limits*.orders_per_*", "rules.orders_per_second", "venue.orders_per_*",
        rules=("order-rate", "sebi-order-rate"),
    ),
    "sent_orders_count": limited(
        "risk.limits*.open_value", "risk.limits*.position", "risk.limits*.position_value", "risk.limits*.leverage",
        rules=("max-open-value", "max-position*", "max-leverage"),
    ),
    "repeated_execution": limited("risk.limits*.repeated_executions", rules=("repeated-execution",)),
    "risk_limits": limited(
        "risk.limits*.daily_loss", "risk.limits*.leverage", "risk.limits*.position*", "risk.limits*.concentration",
        "risk.breakers.*.limit", "risk.monitoring.*", "safety.loss_*",
        rules=("daily-loss", "max-leverage", "max-position*", "concentration", "insufficient-*"),
    ),
    "unauthorised_orders": limited(
        "risk.limits.strategies.*", "risk.limits.instruments.*", "strategies.*.instruments.*",
        rules=("product-not-allowed", "index-not-tradable", "instrument-halted", "safety-level", "sebi-product",
               "sebi-ban-period", "sebi-surveillance", "short-in-delivery"),
    ),
    "position_limits": POSITIONS,
}  # fmt: skip
"""Controls that show in the run file or by having refused."""
