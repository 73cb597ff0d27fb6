"""Controls that show in the record itself: program, replay, journal, reconciliation, persons, and rules of India."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tradsys.compliance.sebi.book import sebi_rules
from tradsys.compliance.surveillance.alerts import Pattern
from tradsys.core.events import OrderType
from tradsys.core.safety import SafetyLowered, SafetyRaised
from tradsys.core.units import SECOND, to_text
from tradsys.engine.reports import controls
from tradsys.engine.reports.account import Trade
from tradsys.engine.reports.controls import BACKTEST, Answer, Control, does_not_apply, not_shown, shown
from tradsys.engine.reports.evidence import ABROAD, Evidence, final_of
from tradsys.engine.reports.orders import OrderLife
from tradsys.engine.reports.violations import BREAKER, CHANGE
from tradsys.reference.clock import local_date
from tradsys.reference.retention import retention


def message_capacity(evidence: Evidence) -> Answer:
    """The busiest second and day, which a test has to double."""
    seconds = Counter(each.order.at // SECOND for each in evidence.approved)
    days = max((each.orders + each.cancels for each in evidence.days), default=0)
    return not_shown(
        f"no load test in the record; here at most {max(seconds.values(), default=0)} orders in a second "
        f"and {days} messages in a day"
    )


def trade_capacity(evidence: Evidence) -> Answer:
    """The busiest day by trades, which a test has to double."""
    most = max((each.trades for each in evidence.days), default=0)
    return not_shown(f"no load test in the record; here at most {most} trades in a day")


def change_review(evidence: Evidence) -> Answer:
    """What runs, and whether it changed since, is known by its hashes; who reviewed it, and who was told, is not."""
    manifest, begun = evidence.record.saved.manifest, evidence.record.begun
    code = begun.code if begun else manifest.get("code", {}).get("sha256", "")
    strategies = len(begun.strategies if begun else manifest.get("strategies", ()))
    if not code or not strategies:
        return not_shown("the record names no program, or no strategy")
    changed = evidence.repeated.code_changed
    since = f"; since then another: {', '.join(changed)}" if changed else ""
    program = f"program {code[:16]}…, {strategies} strategies by their hashes{since}"
    return not_shown(f"neither a review nor whom it was told to is in the record; {program}")


def orderly_stop(evidence: Evidence) -> Answer:
    """A run that ended as it should, with nothing left at the venue."""
    if not evidence.live:
        return does_not_apply(BACKTEST)
    if not evidence.record.stopped:
        return not_shown("the run has not ended, or not as it should")
    left = [each for each in evidence.approved if each.ended_at is None]
    if left:
        return not_shown(f"it ended with {len(left)} orders not at their end", found=True)
    return shown("it ended as it should, every order at its end")


def restart(evidence: Evidence) -> Answer:
    """Processes that went on with what another had left."""
    if not evidence.live:
        return does_not_apply(BACKTEST)
    count = len(evidence.record.epochs)
    if count < 2:
        return not_shown("the run was never stopped and gone on with")
    return shown(f"{count - 1} times another process went on with its orders and positions")


def post_trade(evidence: Evidence) -> Answer:
    """The account folded anew from the log, held to the one that the run ended with."""
    if evidence.live:
        verified = evidence.repeated.verified
        if verified is None:
            return not_shown(evidence.repeated.words)
        return shown(f"the account again, {evidence.repeated.words}") if verified else _differs(evidence)
    if not evidence.booked:
        return not_shown("nothing was booked")
    final = evidence.record.saved.manifest["final"]
    mine = _account(evidence)
    theirs = {"cash": final["cash"], **{" ".join(key): held for key, held in final_of(final).items()}}
    wrong = [name for name in theirs if mine.get(name, "0") != theirs[name]]
    if wrong:
        return not_shown(f"the log does not explain the account: {', '.join(wrong)}", found=True)
    return shown(f"cash and {len(theirs) - 1} positions follow from the log to the last unit")


def _account(evidence: Evidence) -> dict[str, str]:
    """Cash and quantities that trades and moves add up to."""
    cash, held = evidence.record.start, Counter[str]()
    for each in evidence.booked:
        cash += each.cash
        if isinstance(each, Trade):
            fill = each.fill
            held[f"{fill.strategy} {fill.instrument} {fill.product}"] += fill.side * fill.quantity
        elif each.quantity:
            held[f"{each.strategy} {each.instrument} {each.product}"] += each.quantity
    return {"cash": to_text(cash), **{name: to_text(quantity) for name, quantity in held.items()}}


def _differs(evidence: Evidence) -> Answer:
    return not_shown(f"the run does not repeat: {evidence.repeated.words}", found=True)


def reconciliation(evidence: Evidence) -> Answer:
    """What the venue was asked, and what differed."""
    if not evidence.live:
        return does_not_apply(BACKTEST)
    answers = evidence.record.answers
    failed = [
        each for each in evidence.record.safety if isinstance(each, SafetyRaised) and each.trigger == "reconciliation"
    ]
    words = ", ".join(f"{count} answers about {subject}" for subject, count in sorted(answers.items()))
    words = f"{words or 'no answer of the venue'}; {len(evidence.record.plan)} lines of reconciliation"
    if failed:
        return not_shown(f"{words}; it failed: {failed[0].value}", found=True)
    return shown(words) if {"orders", "positions"} <= set(answers) else not_shown(words)


def named_persons(evidence: Evidence) -> Answer:
    """Everybody who changed the safety level or a limit, or ended a halt, is named."""
    if not evidence.live:
        return does_not_apply(BACKTEST)
    asked = [said.by for _, said in evidence.record.operators if said.trigger != "storage"]
    asked += [each.by for each in evidence.record.safety if isinstance(each, SafetyLowered)]
    asked += [each.by for each in evidence.violations if each.kind == CHANGE]
    # A breaker that ended by itself names nobody.
    asked += [each.by for each in evidence.violations if each.kind == BREAKER and each.by]
    if not asked:
        return not_shown("nobody intervened")
    nameless = sum(1 for each in asked if not each.strip())
    if nameless:
        return not_shown(f"{nameless} of {len(asked)} interventions name nobody", found=True)
    return shown(f"{len(asked)} interventions, by {', '.join(dict.fromkeys(asked))}")


def audit_trail(evidence: Evidence) -> Answer:
    """The record is as it was written."""
    verdict = evidence.journal
    if verdict is None:
        same = evidence.record.digest == evidence.record.saved.manifest["decisions_sha256"]
        words = f"{len(evidence.record.entries):,} lines of the decision log"
        if not same:
            return not_shown(f"{words} are not those that the manifest was written with", found=True)
        return shown(f"{words}, SHA-256 as in the manifest; a backtest has no journal and no seals")
    words = (
        f"{verdict.records:,} records, {verdict.seals} seals ({verdict.signed} signed), {verdict.unsealed:,} not sealed"
    )
    if verdict.first_bad is not None:
        return not_shown(f"{words}; bad at record {verdict.first_bad.seq}: {verdict.first_bad.why}", found=True)
    kept = retention("order trail", last=local_date(evidence.record.ends_at, evidence.record.zone))
    return shown(f"{words}, all as written; to be kept until {kept.until} at least")


def replicable_logic(evidence: Evidence) -> Answer:
    """The same decisions, made anew from the same inputs."""
    verified = evidence.repeated.verified
    if verified is None:
        return not_shown(evidence.repeated.words)
    return shown(evidence.repeated.words) if verified else _differs(evidence)


def algo_id(evidence: Evidence) -> Answer:
    """Every order has an id that the exchange knows."""
    if not evidence.indian:
        return does_not_apply(ABROAD)
    without = sum(1 for each in evidence.approved if not _id_of(evidence, each))
    if not evidence.approved:
        return not_shown("no order was approved")
    if without:
        return not_shown(f"{without} of {len(evidence.approved)} approved orders have no id (rules.facts)")
    ids = dict.fromkeys(_id_of(evidence, each) for each in evidence.approved)
    return shown(f"all {len(evidence.approved)} approved orders: {', '.join(ids)}")


def _id_of(evidence: Evidence, life: OrderLife) -> str:
    order = life.order
    return evidence.ids.of(order.strategy, evidence.record.instruments[order.instrument], order.at)


def order_rate(evidence: Evidence) -> Answer:
    """The busiest calendar second of each exchange and segment, held to the threshold of the dated row."""
    if not evidence.indian:
        return does_not_apply(ABROAD)
    counts: Counter[tuple[str, str, int]] = Counter()
    for each in evidence.approved:
        instrument = evidence.record.instruments[each.order.instrument]
        counts[instrument.exchange, instrument.segment, each.order.at // SECOND] += 1
    if not counts:
        return not_shown("no order was approved")
    (exchange, segment, _), most = counts.most_common(1)[0]
    threshold = min(row.number for row in sebi_rules().history("sebi-order-rate") if row.item == "threshold")
    words = f"at most {most} orders in a second ({exchange} {segment}); the threshold is {threshold}"
    return shown(words) if most <= threshold else not_shown(words, found=evidence.live)


def access(evidence: Evidence) -> Answer:
    """Address and session, as the checks were told of them."""
    if not evidence.live:
        return does_not_apply(BACKTEST)
    if not evidence.indian:
        return does_not_apply(ABROAD)
    found = evidence.settings("rules.facts.address", "rules.facts.registered_addresses.*", "rules.facts.login")
    pack = evidence.settings("rules.pack")
    if evidence.settings("rules.facts.paper_access") or not pack or len(found) < 3:
        return not_shown("the rules are not asked about a real address and session (rules.pack, rules.facts)")
    return shown("; ".join([*pack, *found]))


def registered_logic(evidence: Evidence) -> Answer:
    """Registered algorithms ran as they were registered; the generic id needs no registration."""
    if not evidence.indian:
        return does_not_apply(ABROAD)
    stated = evidence.settings("rules.facts.registrations")
    if not stated:
        generic = evidence.settings("rules.facts.generic_algo_id")
        return (
            does_not_apply("orders go out under the generic id") if generic else not_shown("no registration is stated")
        )
    if not evidence.settings("rules.pack"):
        return not_shown("registrations are stated, but no check holds the code to them (rules.pack)")
    refused = evidence.refusals("sebi-algo-id")
    return not_shown("; ".join(refused), found=True) if refused else shown("; ".join(stated) + ": every order passed")


def market_orders(evidence: Evidence) -> Answer:
    """Orders without a limit price."""
    if not evidence.indian:
        return does_not_apply(ABROAD)
    if not evidence.approved:
        return not_shown("no order was approved")
    count = sum(1 for each in evidence.approved if each.order.type is OrderType.MARKET)
    words = f"{count} of {len(evidence.approved)} approved orders were market orders"
    return not_shown(words, found=evidence.live) if count else shown(words)


def own_orders(evidence: Evidence) -> Answer:
    """Nobody traded with himself."""
    met = [each for each in evidence.finding.alerts if each.pattern is Pattern.SELF_TRADE]
    if met:
        return not_shown(f"{len(met)} times own orders met", found=True)
    if not evidence.finding.trades:
        return not_shown("the run has no trade")
    return shown(f"no two of our own orders met in {evidence.finding.trades:,} trades")


def order_to_trade(evidence: Evidence) -> Answer:
    """The worst day of any strategy."""
    if not evidence.indian:
        return does_not_apply(ABROAD)
    worst = max(evidence.finding.ratios, key=lambda each: each.ratio, default=None)
    if worst is None:
        return not_shown("no messages to count")
    charged = sum(1 for each in evidence.finding.ratios if each.charge)
    words = f"at most {worst.ratio:.2f} ({worst.member}, {worst.date}); {charged} days at a ratio that is charged"
    return not_shown(words, found=True) if charged else shown(words)


CONTROLS: Mapping[str, Control] = {
    **controls.BY_SETTING,
    **{
        each.__name__: each
        for each in (
            controls.outside, controls.validation_report, controls.kill, controls.owner_of_order,
            controls.surveillance, controls.surveillance_in_time, controls.overrides, controls.monitoring,
            controls.alert_delay, controls.exposure, controls.derivative_positions, message_capacity, trade_capacity,
            change_review, orderly_stop, restart, post_trade, reconciliation, named_persons,
            audit_trail, replicable_logic, algo_id, order_rate, access, registered_logic, market_orders, own_orders,
            order_to_trade,
        )
    },
}  # fmt: skip
"""By the name that a requirement's row gives."""
