"""Comparing the account with the venue: our view from tracker and ledger, and the plan carried out."""

from __future__ import annotations

import msgspec

from tradsys.core.events import OrderEvent, Product, Side
from tradsys.core.orders import OrderState
from tradsys.core.venue import Ask, AskFailed, Page
from tradsys.engine.trading.records import PlanLine
from tradsys.engine.trading.terms import LiveSettings
from tradsys.execution.order_life import TrackedState
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.reconciliation import Reconciler
from tradsys.execution.reconciliation_answers import AnswerRefused, AskingLimits
from tradsys.execution.reconciliation_lines import Action, Line, OwnOrder, OwnTrade, OwnView, Plan, reports
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.tracked_orders import Tracked
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.clock import local_date
from tradsys.risk.safety import SafetyCheck

_STATES = {
    TrackedState.WAITING: OrderState.APPROVED,
    TrackedState.SENT: OrderState.APPROVED,
    TrackedState.UNKNOWN: OrderState.UNKNOWN,
    TrackedState.OPEN: OrderState.OPEN,
    TrackedState.PARTLY_FILLED: OrderState.PARTLY_FILLED,
    TrackedState.ENDING: OrderState.PARTLY_FILLED,
    TrackedState.FILLED: OrderState.FILLED,
    TrackedState.CANCELLED: OrderState.CANCELLED,
    TrackedState.EXPIRED: OrderState.EXPIRED,
    TrackedState.REJECTED: OrderState.REJECTED,
    TrackedState.NEVER_SENT: OrderState.REJECTED,
}
_DOUBTFUL = (TrackedState.UNKNOWN, TrackedState.ENDING)


class Outcome(msgspec.Struct, kw_only=True):
    """What a finished comparison leads to: lines for the journal, events for the engine, instruments to halt and why,
    positions to close, and what does not hold (`failed`)."""

    lines: list[PlanLine] = []
    events: list[OrderEvent] = []
    halts: dict[str, str] = {}
    flatten: list[str] = []
    failed: str = ""


class Reconciling:
    """Owner of the reconciler of one account. `zone` says which trades are of the venue's day."""

    def __init__(
        self, tracker: OrderTracker, ledger: Ledger, safety: SafetyCheck, *, policy: Policy, every: int, zone: str
    ) -> None:
        self._tracker = tracker
        self._ledger = ledger
        self._zone = zone
        self._safety = safety
        self.reconciler = Reconciler(policy=policy, every=every)
        self.opening: Plan | None = None
        """The last plan that was carried out after a start or a reconnect: whoever shows it takes it out."""

    def go_on_under(self, tracker: OrderTracker, terms: LiveSettings) -> None:
        """Go on with another tracker, policy, rhythm and patience; what is known stays."""
        state, patience = self.reconciler.state(), terms.patience
        self._tracker = tracker
        limits = AskingLimits(
            deadline=patience.answer, first_delay=patience.first_inquiry, longest_delay=patience.last_inquiry
        )
        self.reconciler = Reconciler(policy=terms.policy, every=terms.reconcile_every, limits=limits)
        self.reconciler.restore(state)

    @property
    def next_at(self) -> int | None:
        """When `on_time` has something to do."""
        due, wanted = self.reconciler.next_at, self._tracker.wants_reconciliation_at
        if due is None or wanted is None or self.reconciler.running:
            return due
        return min(due, wanted)

    @property
    def reconciled(self) -> bool:
        """Whether the account may be trusted."""
        return self.reconciler.reconciled

    def link(self, *, up: bool, at: int) -> None:
        """The venue can be reached, or not."""
        self.reconciler.on_link(up=up, at=at)

    def on_answer(self, report: Page | AskFailed, *, at: int) -> list[PlanLine]:
        """An answer; what was not taken of it, to be journaled."""
        return _refusals(self.reconciler.on_report(report, at=at))

    def on_time(self, *, at: int) -> list[PlanLine]:
        """Begin what is due; what was not answered in time, to be journaled."""
        wanted = self._tracker.wants_reconciliation_at
        if wanted is not None and self.reconciler.begun_at < wanted <= at:
            self.reconciler.begin("something is unknown", at=at)
        return _refusals(self.reconciler.on_time(at=at))

    def questions(self, *, at: int) -> list[Ask]:
        """What the venue is to be asked now."""
        return self.reconciler.questions(at=at)

    def take(self, *, at: int) -> Outcome | None:
        """Carry out a comparison that has become whole."""
        if not self.reconciler.answered:
            return None
        plan = self.reconciler.plan(self._own(at), at=at)
        if plan is None:
            return None
        if not self.reconciled:
            self.opening = plan
        outcome = Outcome()
        for line in plan.lines:
            outcome.lines.append(journaled(line))
            self._apply(line, plan, outcome, at)
        for tag in plan.absent:
            outcome.events += self._tracker.on_absent(tag, asked_at=plan.asked_at, at=at)
        self._tracker.on_asked(at=at)
        self.reconciler.applied(plan, at=at)
        return outcome

    # --- our view

    def _own(self, at: int) -> OwnView:
        tracker, ledger = self._tracker, self._ledger
        positions: dict[tuple[str, object], int] = {}
        for held in ledger.open_positions.values():
            key = (held.instrument.id, held.product)
            positions[key] = positions.get(key, 0) + held.quantity
        return OwnView(
            orders=[*map(_own_order, tracker.all), *self._external_orders()],
            trades=self._trades_of_day(at),
            known=tracker.trades,
            positions=positions,  # type: ignore[arg-type]
            cash={ledger.currency: ledger.cash_before_charges},
            charges={ledger.currency: ledger.charges},
            halted=self._safety.halted,
        )

    def _external_orders(self) -> list[OwnOrder]:
        """Of one that only a report named so far, no more than its number is known: any row of it is news."""
        found = []
        for each in self._tracker.external.values():
            row = each.row
            found.append(
                OwnOrder(
                    tag=each.tag,
                    venue_id=each.venue_id,
                    instrument="" if row is None else row.instrument,
                    side=Side.BUY if row is None else row.side,
                    product=Product.SPOT if row is None else row.product,
                    quantity=each.open if row is None else row.filled + each.open,
                    filled=0 if row is None else row.filled,
                    state=OrderState.OPEN,
                    in_doubt=row is None,
                    at=each.heard_at,
                    external=True,
                )
            )
        return found

    def _trades_of_day(self, at: int) -> dict[tuple[int, int], OwnTrade]:
        """Trades that the venue lists today, if it has them."""
        today = local_date(at, self._zone)
        found = {}
        for key, seen in self._tracker.trades.items():
            fill = seen.fill
            if fill is None or local_date(fill.exchange_at, self._zone) != today:
                continue
            found[key] = OwnTrade(
                trade_id=seen.trade_id, tag="", venue_id=seen.venue_id, instrument=fill.instrument, side=fill.side,
                product=fill.product, quantity=fill.quantity, price=fill.price, at=fill.at, undone=seen.undone,
            )  # fmt: skip
        return found

    # --- the plan

    def _apply(self, line: Line, plan: Plan, outcome: Outcome, at: int) -> None:
        if line.action is Action.HALT:
            self._halt(line, outcome)
        elif line.action is not Action.IGNORE:
            outcome.events += self._booked(line, plan, at)
            if line.action is Action.CANCEL and line.venue_id in self._tracker.external:
                self._tracker.withdraw_external(line.venue_id, at=at)
            elif line.action is Action.FLATTEN:
                outcome.flatten.append(line.instrument)

    def _booked(self, line: Line, plan: Plan, at: int) -> list[OrderEvent]:
        if line.order is not None:
            return self._tracker.on_evidence(line.order, trades=line.trades, asked_at=plan.asked_at, at=at)
        events: list[OrderEvent] = []
        for report in reports(line):
            events += self._tracker.on_report(report, at=at)
        return events

    def _halt(self, line: Line, outcome: Outcome) -> None:
        why = f"{line.case}: {line.subject}, we have {line.ours}, the venue {line.venue}"
        if line.instrument:
            outcome.halts[line.instrument] = why
        else:
            outcome.failed = why


def _own_order(tracked: Tracked) -> OwnOrder:
    order = tracked.order
    return OwnOrder(
        tag=tracked.tag,
        venue_id=tracked.venue_id,
        instrument=order.instrument,
        side=order.side,
        product=order.product,
        quantity=order.quantity - tracked.cut,
        filled=tracked.filled,
        state=_STATES[tracked.state],
        in_doubt=tracked.state in _DOUBTFUL or tracked.change_sent_at > 0,
        at=max(tracked.sent_at, tracked.heard_at),
    )


def _refusals(refused: AnswerRefused | None) -> list[PlanLine]:
    return [] if refused is None else [PlanLine(action="refuse", subject=refused.subject, evidence=refused.why)]


def journaled(line: Line) -> PlanLine:
    """A line of a plan as the journal has it."""
    evidence = f"we have {line.ours}; the venue has {line.venue}; {line.answer}"
    note = "; ".join(filter(None, (line.label, line.reason)))
    return PlanLine(
        action=f"{line.action} {line.case}", subject=line.subject, evidence=f"{evidence}; {note}" if note else evidence
    )
