"""When the account is compared, and what it takes to be reconciled."""

from __future__ import annotations

from tests.asked_venue import Books, View, dealt
from tradsys.core.events import Product
from tradsys.core.units import SCALE, SECOND
from tradsys.core.venue import AskFailed, Page, Subject
from tradsys.execution.reconciliation import Reconciler
from tradsys.execution.reconciliation_lines import Action, Case, Plan
from tradsys.execution.reconciliation_policy import Policy


class Desk:
    """A reconciler that talks with a venue; every snapshot taken is counted."""

    def __init__(self) -> None:
        self.books, self.view, self.at = Books(), View(), 0
        self.reconciler = Reconciler(policy=Policy())
        self.snapshots = 0

    def up(self) -> None:
        self.reconciler.on_link(up=True, at=self.at)

    def talk(self, *held: int, cash: tuple[int, ...] = ()) -> Plan:
        """Until there is a plan; `held` is the position that each snapshot after the other shows, `cash` the money."""
        while True:
            self.at += 1
            self.books.at = self.at
            if self.snapshots < len(held):
                self.books.held["A", Product.MIS] = held[self.snapshots] * SCALE
            if self.snapshots < len(cash):
                self.books.cash = cash[self.snapshots] * SCALE
            for ask in self.reconciler.questions(at=self.at):
                assert self.reconciler.on_report(self.books.page(ask), at=self.at) is None
            if not self.reconciler.answered:
                continue
            self.snapshots += 1
            plan = self.reconciler.plan(self.view.view(), at=self.at)
            if plan is not None:
                self.view.apply(plan, at=self.at)
                self.reconciler.applied(plan, at=self.at)
                return plan


def test_nothing_is_trusted_or_asked_before_the_link() -> None:
    desk = Desk()
    assert not desk.reconciler.reconciled
    assert desk.reconciler.questions(at=0) == []
    assert desk.reconciler.next_at is None
    desk.reconciler.begin("asked", at=0)
    assert not desk.reconciler.running


def test_at_start_after_each_reconnect_and_every_thirty_seconds() -> None:
    desk = Desk()
    desk.up()
    assert desk.reconciler.begun_at == 0
    assert desk.talk().reason == "start"
    assert desk.reconciler.reconciled
    assert desk.reconciler.next_at == desk.at + 30 * SECOND
    desk.reconciler.on_time(at=desk.at + 30 * SECOND - 1)
    assert not desk.reconciler.running
    desk.at += 30 * SECOND
    desk.reconciler.on_time(at=desk.at)
    assert desk.talk().reason == "routine"
    desk.reconciler.on_link(up=False, at=desk.at)
    assert not desk.reconciler.reconciled
    assert desk.reconciler.next_at is None
    desk.up()
    assert desk.talk().reason == "reconnect"
    assert desk.reconciler.reconciled


def test_a_link_that_goes_ends_what_was_asked() -> None:
    desk = Desk()
    desk.up()
    (ask,) = desk.reconciler.questions(at=0)
    page = desk.books.page(ask)
    desk.reconciler.on_link(up=False, at=1)
    desk.up()
    assert desk.reconciler.on_report(page, at=1) is None
    (again,) = desk.reconciler.questions(at=1)
    assert again.subject is Subject.TRADES
    assert again.request == ask.request + 1


def test_what_is_asked_for_meanwhile_comes_after() -> None:
    desk = Desk()
    desk.up()
    desk.reconciler.begin("something is unknown", at=0)
    assert desk.talk().reason == "start"
    assert desk.reconciler.running
    assert desk.talk().reason == "something is unknown"
    assert not desk.reconciler.running


def test_a_difference_that_nothing_explains_takes_two_snapshots() -> None:
    desk = Desk()
    desk.up()
    (line,) = desk.talk(1, 1).lines
    assert desk.snapshots == 2
    assert (line.action, line.case) == (Action.ADOPT, Case.EXTERNAL_POSITION)


def test_a_difference_seen_once_is_none() -> None:
    desk = Desk()
    desk.up()
    assert desk.talk(1, 0, 0).lines == ()
    assert desk.snapshots == 3


def test_one_that_comes_and_goes_is_left_for_the_next_time() -> None:
    desk = Desk()
    desk.up()
    (line,) = desk.talk(1, 0, 1, 0, 1).lines
    assert desk.snapshots == 5
    assert (line.action, line.reason) == (Action.IGNORE, "not in the answers before; asked again")
    assert not desk.reconciler.reconciled
    assert desk.reconciler.next_at == desk.at + SECOND


def opened() -> Desk:
    """Reconciled, with 5 on the account that are not the run's."""
    desk = Desk()
    desk.up()
    assert [line.case for line in desk.talk(cash=(5, 5)).lines] == [Case.CASH_OPENING]
    assert desk.snapshots == 2
    return desk


def again(desk: Desk, **shown: tuple[int, ...]) -> Plan:
    desk.snapshots = 0
    desk.reconciler.begin("asked", at=desk.at)
    return desk.talk(**shown)


def test_what_the_account_has_beside_is_taken_once_and_kept_in_the_state() -> None:
    desk = opened()
    assert again(desk).lines == ()
    state = desk.reconciler.state()
    desk.reconciler = Reconciler(policy=Policy())
    desk.reconciler.restore(state)
    assert again(desk).lines == ()
    desk.reconciler.on_link(up=False, at=desk.at)
    desk.up()
    assert desk.talk().lines == ()


def test_money_is_believed_when_two_snapshots_agree_on_the_amount() -> None:
    desk = opened()
    (line,) = again(desk, cash=(6, 7, 7)).lines
    assert (line.case, line.quantity, desk.snapshots) == (Case.CASH, 2 * SCALE, 3)
    assert again(desk).lines == ()


def test_money_that_never_stands_still_keeps_nobody_from_trading_unless_it_would_halt() -> None:
    desk = opened()
    (line,) = again(desk, cash=(6, 7, 8, 9, 10)).lines
    assert (line.action, desk.snapshots) == (Action.IGNORE, 5)
    assert desk.reconciler.next_at == desk.at + 30 * SECOND
    assert [line.quantity for line in again(desk, cash=(10, 10)).lines] == [5 * SCALE], "it was not taken for said"
    state = desk.reconciler.state()
    desk.reconciler = Reconciler(policy=Policy(cash="halt"))
    desk.reconciler.restore(state)
    assert [line.action for line in again(desk, cash=(6, 7, 8, 9, 11)).lines] == [Action.IGNORE]
    assert desk.reconciler.next_at == desk.at + SECOND


def test_what_was_traded_while_we_asked_is_compared_soon_and_not_yet_trusted() -> None:
    desk = Desk()
    order = desk.books.place("t1", quantity=1000)
    desk.view.send(order, at=0)
    desk.up()
    plan = None
    while plan is None:
        desk.at += 1
        desk.books.at = desk.at
        for ask in desk.reconciler.questions(at=desk.at):
            if ask.subject is Subject.CASH:
                desk.books.fill(order, 1)
            desk.reconciler.on_report(desk.books.page(ask), at=desk.at)
        if desk.reconciler.answered:
            plan = desk.reconciler.plan(desk.view.view(), at=desk.at)
    assert Case.MOVED in {line.case for line in plan.lines}
    desk.view.apply(plan, at=desk.at)
    desk.reconciler.applied(plan, at=desk.at)
    assert not desk.reconciler.reconciled
    assert desk.reconciler.next_at == desk.at + SECOND
    desk.at += SECOND
    desk.reconciler.on_time(at=desk.at)
    desk.talk()
    assert desk.reconciler.reconciled


def test_a_failed_answer_is_told_and_nothing_concluded() -> None:
    desk = Desk()
    desk.books.fill(desk.books.place("t1"), 1)
    desk.up()
    (ask,) = desk.reconciler.questions(at=0)
    refused = desk.reconciler.on_report(AskFailed(at=0, request=ask.request, why="busy"), at=0)
    assert refused is not None
    assert refused.why == "not answered: busy"
    assert not desk.reconciler.answered
    assert desk.reconciler.plan(desk.view.view(), at=0) is None
    assert desk.reconciler.next_at == SECOND
    desk.at = SECOND
    assert [line.case for line in desk.talk().lines] == [Case.EXTERNAL_FILLS, Case.EXTERNAL_ORDER]


def test_pushes_pass_by_and_a_restored_one_goes_on() -> None:
    desk = Desk()
    order = desk.books.place("t1")
    desk.up()
    desk.reconciler.on_report(dealt(desk.books.fill(order, 1)), at=0)
    (ask,) = desk.reconciler.questions(at=0)
    other = Reconciler(policy=Policy())
    other.restore(desk.reconciler.state())
    assert other.state() == desk.reconciler.state()
    page: Page = desk.books.page(ask)
    assert other.on_report(page, at=0) is None
    assert [each.subject for each in other.questions(at=0)] == [Subject.ORDERS]
