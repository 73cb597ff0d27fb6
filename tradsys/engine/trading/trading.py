"""What a trading process decides: one fold over its inputs. No I/O, no clock; the same inputs give the same outputs.

The order of things after every input: what was heard is booked, the engine's wishes go to the tracker, the safety level
is acted on, a reconciliation begins where one is due, and what may leave now leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from tradsys.core.events import Approved, CancelRequested, Entry, MarketEvent, OrderEvent, Phase, SessionChange
from tradsys.core.safety import SafetyLevel, SafetyLowered, SafetyRaised
from tradsys.core.units import MINUTE
from tradsys.core.venue import AnyCommand, Ask, AskFailed, Declined, Page, PlaceOrder
from tradsys.engine.engine import Engine
from tradsys.engine.monitoring import Watch, told
from tradsys.engine.protected_desk import attending
from tradsys.engine.runner import mark_open
from tradsys.engine.schedule import Cutoff, Due, Roll, Schedule
from tradsys.engine.trading.people import heeded
from tradsys.engine.trading.reconciling import Reconciling
from tradsys.engine.trading.records import (
    Alert,
    ClockRead,
    EpochBegun,
    KeptBack,
    LinkChanged,
    MarketRead,
    OperatorSaid,
    PlanLine,
    ResetSaid,
    RunBegun,
    Stopped,
)
from tradsys.engine.trading.terms import LiveSettings
from tradsys.execution.order_life import TrackedState
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.tracked_orders import Alert as TrackerAlert
from tradsys.reference.clock import local_date
from tradsys.risk.kill_switch import KillSwitch
from tradsys.risk.limit_changes import LimitWish
from tradsys.risk.safety import SafetyCheck

Output = Entry | AnyCommand | PlanLine | SafetyRaised | SafetyLowered | Alert
KILL = "kill"
"""Reason of the orders that close everything."""
_LOOKS = 30
"""While positions are being closed by force, what is left is looked at so often between two reconciliations."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What this fold knows beside what its parts know: for a snapshot."""

    rows: int
    forced_at: int
    stops_entries: bool
    terms: LiveSettings | None


class Trading:
    """Engine, tracker, reconciliation and kill switch behind `handle`. `zone` gives the trading date.

    `questions` is what the venue is to be asked: whoever drives this takes them out. Asking changes nothing, so they
    are not journaled.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        schedule: Schedule,
        cutoffs: dict[str, int],
        tracker: OrderTracker,
        reconciling: Reconciling,
        switch: KillSwitch,
        safety: SafetyCheck,
        zone: str,
        watch: Watch | None = None,
    ) -> None:
        self.engine = engine
        self.schedule = schedule
        self.cutoffs = cutoffs
        self.tracker = tracker
        self.reconciling = reconciling
        self.switch = switch
        self.safety = safety
        self.watch = watch
        self.rows = 0
        self.questions: list[Ask] = []
        self._zone = zone
        self._attending = attending(engine)
        self._forced_at = 0
        self._patience = 0
        self._stops_entries = False
        self._terms: LiveSettings | None = None
        self._minute = self._date = -1
        self._outputs: list[Output] = []
        self._handlers: dict[type, Callable[[Any, int], None]] = {
            RunBegun: self._on_begin,
            EpochBegun: self._on_epoch,
            LinkChanged: self._on_link,
            ClockRead: self._on_clock,
            OperatorSaid: self._on_operator,
            Stopped: self._on_stop,
            KeptBack: self._on_kept_back,
            ResetSaid: self._on_said,
            LimitWish: self._on_said,
            Page: self._on_answer,
            AskFailed: self._on_answer,
        }

    def handle(self, item: Any, *, at: int, events: Sequence[MarketEvent] = ()) -> list[Output]:
        """Everything that one input causes, in order. `events` are the rows of a `MarketRead`.

        Raises `InvariantBroken` where a law of the ledger or of an order's life is broken.
        """
        outputs = self._outputs = []
        if type(item) is MarketRead:
            self._on_market(item, events, at)
        else:
            self._handlers.get(type(item), self._on_report)(item, at)
        self._act(at)
        return outputs

    @property
    def next_at(self) -> int | None:
        """When the clock is to be read next, if nothing else happens."""
        due = [
            self.tracker.next_at,
            self.reconciling.next_at,
            self.switch.next_at,
            self.schedule.next_at + 1,
            self._forced_at + self._patience if self._closing else None,
            self.watch.next_at if self.watch is not None else None,
            self._attending.next_at if self._attending is not None and not self.safety.safe_mode else None,
        ]
        return min((each for each in due if each is not None), default=None)

    @property
    def level(self) -> SafetyLevel:
        """How much trading is allowed."""
        return self.switch.level

    def memory(self) -> Memory:
        """For `remember`; the parts have states of their own."""
        return Memory(
            rows=self.rows,
            forced_at=self._forced_at,
            stops_entries=self._stops_entries,
            terms=self._terms,
        )

    def remember(self, memory: Memory) -> None:
        """Be what `memory` was taken of: before the parts are, since they go on under its terms."""
        if memory.terms is not None:
            self._go_on_under(memory.terms)
        self.rows, self._forced_at, self._stops_entries = memory.rows, memory.forced_at, memory.stops_entries

    # --- inputs

    def _on_begin(self, begun: RunBegun, at: int) -> None:
        self.safety.enter_safe_mode("not yet reconciled")

    def _on_epoch(self, begun: EpochBegun, at: int) -> None:
        self._go_on_under(begun.terms)
        self.safety.enter_safe_mode("not yet reconciled")
        self._hear(self.tracker.on_restart(at=at))
        self._raise(self.switch.on_link(up=False, at=at))
        self.reconciling.link(up=False, at=at)

    def _go_on_under(self, terms: LiveSettings) -> None:
        """What is known stays; what is waited for and allowed is the new process's."""
        self._terms = terms
        self.tracker = self.tracker.under(limits=terms.limits, patience=terms.patience)
        self.reconciling.go_on_under(self.tracker, terms)
        self._patience = terms.reconcile_every // _LOOKS
        self.switch.configure(terms.kill)

    def _on_link(self, change: LinkChanged, at: int) -> None:
        if not change.up:
            self.safety.enter_safe_mode(f"the venue cannot be reached: {change.reason}")
        self._hear(self.tracker.on_link(up=change.up, at=at))
        self._raise(self.switch.on_link(up=change.up, at=at))
        self.reconciling.link(up=change.up, at=at)

    def _on_market(self, read: MarketRead, events: Iterable[MarketEvent], at: int) -> None:
        watch, now = self.watch, 0
        for event in events:
            if watch is not None and event.at > now:
                self._keep(watch.look(at=now) if now else (), at)
                now = event.at
                self._keep(watch.release(at=now), at)
            self._pass_time(event.at)
            self._raise(self.switch.on_expected(event.instrument, expected=True, at=at))
            self._raise(self.switch.on_market(event.instrument, at=at))
            self._keep(self.engine.process(event), at)
        if watch is not None and now:
            self._keep(watch.look(at=now), at)
        self.rows = read.last + 1
        self._weigh(at)

    def _weigh(self, at: int) -> None:
        """The account's worth, for whoever watches losses."""
        ledger = self.engine.ledger
        mark_open(ledger, self.engine.markets)
        self._raise(self.switch.on_equity(ledger.equity(), date=self._date_of(at), at=at))

    def _date_of(self, at: int) -> int:
        """YYYYMMDD where the exchange is; worked out once a minute, since no zone changes within one."""
        minute = at // MINUTE
        if minute != self._minute:
            day = local_date(at, self._zone)
            self._minute, self._date = minute, day.year * 10_000 + day.month * 100 + day.day
        return self._date

    def _on_report(self, report: Any, at: int) -> None:
        self._hear(self.tracker.on_report(report, at=at))
        if type(report) is Declined:
            self._raise(self.switch.on_reject(at=at))

    def _on_answer(self, report: Page | AskFailed, at: int) -> None:
        self._outputs += self.reconciling.on_answer(report, at=at)

    def _on_clock(self, read: ClockRead, at: int) -> None:
        self._pass_time(at)
        if self.watch is not None:
            self._keep((*self.watch.release(at=at), *self.watch.look(at=at)), at)
        self._weigh(at)
        self._raise(self.switch.on_time(at=at))

    def _on_operator(self, said: OperatorSaid, at: int) -> None:
        if said.trigger == "storage":
            self._raise(self.switch.on_storage(failed=said.reason, at=at))
        elif said.level > self.switch.level:
            self._raise(self.switch.on_operator(said.level, by=said.by, reason=said.reason, at=at))
        elif said.level < self.switch.level:
            self._outputs.append(self.switch.lower(said.level, by=said.by, reason=said.reason, at=at))

    def _on_kept_back(self, kept: KeptBack, at: int) -> None:
        self._hear(self.tracker.on_kept_back(kept.tag, at=at))

    def _on_said(self, said: ResetSaid | LimitWish, at: int) -> None:
        self._keep(heeded(said, self.engine, self.watch, at=at), at)

    def _on_stop(self, stopped: Stopped, at: int) -> None:
        self._keep(self.engine.stop(at=at), at)

    # --- time

    def _pass_time(self, at: int) -> None:
        """Sessions, timers, ex-dates and rolls that are due before an instant."""
        if at > self.schedule.next_at:
            for due in self.schedule.before(at):
                self._due(due, at)

    def _due(self, due: Due, at: int) -> None:
        if self.watch is not None:
            self.watch.on_due(due)
        if type(due) is Cutoff:
            self.cutoffs[due.exchange] = due.until
        elif type(due) is Roll:
            self._keep(self.engine.roll(near=due.near, far=due.far, at=due.at), at)
        else:
            self._keep(self.engine.process(due), at)
            if type(due) is SessionChange and due.phase in (Phase.OPEN, Phase.CLOSED):
                self._expect(due.exchange, due.phase is Phase.OPEN, at)

    def _expect(self, exchange: str, is_open: bool, at: int) -> None:
        """Data is expected of an exchange that is open, and of no other."""
        for name, market in self.engine.markets.items():
            if market.instrument.exchange == exchange:
                self._raise(self.switch.on_expected(name, expected=is_open, at=at))

    # --- what follows

    def _hear(self, events: Sequence[OrderEvent]) -> None:
        if events:
            self._keep(self.engine.hear(events), events[-1].at)

    def _keep(self, entries: Sequence[Entry], at: int) -> None:
        """Log lines, what a person should see of them, and what the engine wants of the venue, to the tracker."""
        self._outputs += entries
        if self.watch is not None or self._attending is not None:
            self._outputs += [Alert(what=words) for each in entries if (words := told(each.body))]
        outbox = self.engine.outbox
        while outbox:
            asked = outbox.copy()
            outbox.clear()
            for each in asked:
                self._ask(each, at)

    def _ask(self, asked: Approved | CancelRequested, at: int) -> None:
        if isinstance(asked, CancelRequested):
            self.tracker.withdraw(asked, at=at)
        else:
            reduces = self._reduces(asked)
            self.tracker.submit(asked, reduces=reduces, at=at)
            if not reduces and (self.safety.safe_mode or self.switch.level >= SafetyLevel.NO_NEW_RISK):
                # It closed something when it was approved, and what was heard in the same moment closed that.
                self._stops_entries = True

    def _reduces(self, approved: Approved) -> bool:
        """Whether an order can only close what its strategy holds and no earlier order closes: the exits of a bracket
        do, whose entry comes first."""
        working, order = self.engine.working, approved.order
        live = working.get(order.order_id)
        if order.parent or live is None:
            return bool(order.parent)
        held = -live.route.position.quantity * order.side
        earlier = [each for each in working.values() if each.route is live.route and each.offers]
        closing = sum(each.remaining for each in earlier if each.order.order_id < order.order_id)
        return 0 < order.quantity <= held - closing

    def _raise(self, raised: Sequence[SafetyRaised]) -> None:
        for each in raised:
            self._outputs.append(each)
            self._forced_at = 0
            self._stops_entries = True

    @property
    def _closing(self) -> bool:
        return self.switch.level >= SafetyLevel.FLATTEN and bool(self.engine.ledger.open_positions)

    def _act(self, at: int) -> None:
        """Everything that does not follow from one input alone."""
        self._outputs += self.reconciling.on_time(at=at)
        self._reconcile(at)
        self._force(at)
        if self._attending is not None and not self.safety.safe_mode and self._attending.next_at <= at:
            self._keep(self._attending.look(at), at)
        while True:
            if self._stops_entries:
                self._stop_entries(at)
            if not (self._is_due(at) and (said := self.tracker.on_time(at=at))):
                break
            self._hear(said)
        for command in self.tracker.departing(at=at):
            self._outputs.append(command)
            if type(command) is PlaceOrder:
                self._raise(self.switch.on_order(at=at))
        for alert in self.tracker.take_alerts():
            self._alarm(alert)
        self.questions += self.reconciling.questions(at=at)

    def _stop_entries(self, at: int) -> None:
        """What opens a position and has not left yet never will."""
        self._stops_entries = False
        waiting = [each for each in self.tracker.live if each.state is TrackedState.WAITING and not each.reduces]
        ids = [each.order.order_id for each in waiting]
        self._keep(self.engine.withdraw(ids, at=at, reason=f"safety level {self.level.name}"), at)

    def _is_due(self, at: int) -> bool:
        due = self.tracker.speaks_at
        return due is not None and due <= at

    def _alarm(self, alert: TrackerAlert) -> None:
        self._outputs.append(Alert(what=f"{alert.kind}: {alert.instrument} {alert.detail}"))
        if alert.halts and alert.instrument:
            self.safety.halt_instrument(alert.instrument, why=alert.detail)

    def _reconcile(self, at: int) -> None:
        """Apply a finished comparison with the venue; the account is safe to trade when nothing is left open."""
        outcome = self.reconciling.take(at=at)
        if outcome is None:
            return
        self._outputs += outcome.lines
        self._hear(outcome.events)
        for instrument, why in outcome.halts.items():
            self.safety.halt_instrument(instrument, why=why)
        if outcome.failed:
            self._raise(self.switch.on_reconciliation(failed=outcome.failed, at=at))
        for instrument in outcome.flatten:
            self._keep(self.engine.close_all(at=at, reason=KILL, instrument=instrument), at)
        if self.reconciling.reconciled:
            self.safety.leave_safe_mode()
        self._forced_at = 0

    def _force(self, at: int) -> None:
        """Withdraw and close what the safety level says, and look again while something is left."""
        level = self.switch.level
        if level < SafetyLevel.CANCEL or (self._forced_at and at < self._forced_at + self._patience):
            return
        self._forced_at = at
        self._keep(self.engine.withdraw_all(at=at, reason=KILL), at)
        for venue_id in list(self.tracker.external):
            self.tracker.withdraw_external(venue_id, at=at)
        if level >= SafetyLevel.FLATTEN:
            self._keep(self.engine.close_all(at=at, reason=KILL), at)
