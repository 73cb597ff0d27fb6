"""When an account is compared with the venue's word, and whether it may be trusted: at start, after every reconnect,
every 30 s, and whenever something is not known.

Rules for this file:
1. Until the first comparison after a start or a reconnect is applied, the account is not `reconciled`: only what
   reduces risk may go.
2. What is concluded from what an answer lacks is believed when two snapshots in a row say so.
3. Nobody waits for a comparison: it is begun, told of what comes in, and asked for its plan when `answered`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tradsys.core.units import SECOND
from tradsys.core.venue import Ask, Report
from tradsys.execution.reconciliation_answers import AnswerRefused, AskingLimits
from tradsys.execution.reconciliation_lines import GRAVE, OF_CASH, Action, CashStanding, OwnView, Plan
from tradsys.execution.reconciliation_plan import compare
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.venue_snapshot import SnapshotCollector

EVERY = 30 * SECOND
"""From one comparison to the next, ns."""

AGREEMENTS = 5
"""Snapshots compared before those lines go that no two in a row agreed on."""


class _State(msgspec.Struct, kw_only=True):
    up: bool = False
    reconciled: bool = False
    started: bool = False
    reason: str = ""
    again: str = ""
    due: int = 0
    begun_at: int = 0
    snapshots: int = 0
    suspects: list[str] = []
    cash: dict[str, CashStanding] = {}


class Reconciler:
    """Begins, asks, compares, asks for a second opinion, and gives the plan. Sans I/O and deterministic.

    `every`: ns from one comparison to the next. Requests are numbered from `first_request` on: whoever else asks on the
    same connection takes other numbers.
    """

    def __init__(
        self, *, policy: Policy, every: int = EVERY, limits: AskingLimits | None = None, first_request: int = 1
    ) -> None:
        self._policy = policy
        self._every = every
        self._collector = SnapshotCollector(limits=limits or AskingLimits(), first_request=first_request)
        self._state = _State()

    @property
    def reconciled(self) -> bool:
        """Whether the account was compared since the link came up, and the plan applied."""
        return self._state.reconciled

    @property
    def running(self) -> bool:
        """Whether one is under way, until its plan was applied."""
        return bool(self._state.reason)

    @property
    def begun_at(self) -> int:
        """Since when it is under way; 0 when it is not. For whoever decides that it takes too long."""
        return self._state.begun_at if self.running else 0

    @property
    def cash(self) -> Mapping[str, CashStanding]:
        """What is known of the venue's cash, by currency; nothing of one that was never compared."""
        return self._state.cash

    @property
    def answered(self) -> bool:
        """Whether `plan` is to be called."""
        return self.running and self._collector.result is not None

    @property
    def next_at(self) -> int | None:
        """When `on_time` and `questions` have something to do. UTC ns."""
        if not self._state.up:
            return None
        return self._collector.next_at if self.running else self._state.due

    def on_link(self, *, up: bool, at: int) -> None:
        """The link to the venue came up, or went. Nothing asked before it went is answered any more."""
        self._state.up = up
        self._state.reconciled = False
        if up:
            self._start("reconnect" if self._state.started else "start", at=at)
        else:
            self._collector.stop()
            self._state.reason = self._state.again = ""

    def begin(self, reason: str, *, at: int) -> None:
        """Compare now, because of `reason`; where one is under way, once more after it. Without a link nothing is
        lost: the next one begins with it."""
        if self.running:
            self._state.again = self._state.again or reason
        elif self._state.up:
            self._start(reason, at=at)

    def _start(self, reason: str, *, at: int) -> None:
        state = self._state
        state.started = True
        state.reason, state.begun_at, state.snapshots, state.suspects = reason, at, 0, []
        self._collector.begin(at=at)

    def questions(self, *, at: int) -> list[Ask]:
        """What to send now; each is given once."""
        return self._collector.questions(at=at) if self._state.up else []

    def on_report(self, report: Report, *, at: int) -> AnswerRefused | None:
        """Anything the venue said. An answer that was not taken comes back, to be recorded."""
        return self._collector.on_report(report, at=at)

    def on_time(self, *, at: int) -> AnswerRefused | None:
        """Time went on: begin the next, or give up a question that was not answered."""
        if self._state.up and not self.running and at >= self._state.due:
            self._start("routine", at=at)
        return self._collector.on_time(at=at)

    def plan(self, own: OwnView, *, at: int) -> Plan | None:
        """What to do, or None: not answered yet, or to be asked a second time. `own` is what we have now.

        To be called once for each `answered`, and followed by `applied`.
        """
        venue, state = self._collector.result, self._state
        if venue is None or not self.running:
            return None
        plan = compare(own, venue, policy=self._policy, reason=state.reason, cash=state.cash)
        grave = sorted({line.key for line in plan.changes if line.case in GRAVE})
        state.snapshots += 1
        if grave != state.suspects and state.snapshots < AGREEMENTS:
            state.suspects = grave
            self._collector.begin(at=at)
            return None
        return _believed(plan, suspects=state.suspects, cash=state.cash)

    def applied(self, plan: Plan, *, at: int) -> None:
        """Every line was applied. The next is due after the usual time, sooner where something was not settled."""
        state = self._state
        state.cash = dict(plan.cash)
        state.reconciled = state.reconciled or plan.settled
        state.due = at + (self._every if plan.settled else SECOND)
        again, state.reason, state.again = state.again, "", ""
        self._collector.stop()
        if again:
            self._start(again, at=at)

    def state(self) -> bytes:
        """Everything, for `restore`."""
        return msgspec.msgpack.encode((msgspec.msgpack.encode(self._state), self._collector.state()))

    def restore(self, state: bytes) -> None:
        """Go on from a `state`. Raises `msgspec.ValidationError` for anything else."""
        mine, collector = msgspec.msgpack.decode(state, type=tuple[bytes, bytes])
        self._state = msgspec.msgpack.decode(mine, type=_State)
        self._collector.restore(collector)


def _believed(plan: Plan, *, suspects: list[str], cash: dict[str, CashStanding]) -> Plan:
    """The plan without grave lines that the snapshot before did not have: these are left for the next time, and with
    one of cash, `cash` stands as it did."""
    doubtful = [line for line in plan.changes if line.case in GRAVE and line.key not in suspects]
    if not doubtful:
        return plan
    reason = "not in the answers before; asked again"
    lines = tuple(
        msgspec.structs.replace(line, action=Action.IGNORE, reason=reason, order=None, trades=(), undone=())
        if line in doubtful
        else line
        for line in plan.lines
    )
    cash = cash if any(line.case in OF_CASH for line in doubtful) else dict(plan.cash)
    # Cash that moves while it is read says nothing about what may be traded, unless it would have halted.
    settled = plan.settled and all(line.case in OF_CASH and line.action != Action.HALT for line in doubtful)
    return msgspec.structs.replace(plan, lines=lines, cash=cash, settled=settled)
