"""What of the venue's cash was never ours, what is said of the rest, and when nothing can be said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.asked_venue import Books, View, dealt
from tradsys.core.events import Product
from tradsys.core.units import SCALE
from tradsys.core.venue import CashRow
from tradsys.execution.reconciliation_lines import Action, Case, CashStanding, Line, Plan
from tradsys.execution.reconciliation_plan import compare
from tradsys.execution.reconciliation_policy import Policy

replace = msgspec.structs.replace
HALT = Policy(cash="halt")


class Money:
    """A run that counts on 100 and a venue that has the same; 4 at 100 were bought with it, and both know."""

    def __init__(self) -> None:
        self.books, self.view = Books(at=1), View()
        self.books.cash = self.view.cash = 100 * SCALE
        self.charges = 0
        self.order = self.books.place("t1")
        self.view.send(self.order, at=1)
        self.view.hear(self.books.row(self.order), at=2)
        self.view.told(dealt(self.books.fill(self.order, 4)), at=2)
        self.books.at = 10

    def plan(self, policy: Policy | None = None, **venue: Any) -> Plan:
        """Compared and not applied."""
        own = replace(self.view.view(), charges={"INR": self.charges})
        there = replace(self.books.snapshot(), **venue)
        return compare(own, there, policy=policy or Policy(), cash=self.view.agreed)

    def settle(self, policy: Policy | None = None, **venue: Any) -> list[tuple[Action, Case, int]]:
        """Compared and applied: the lines with their amounts in whole units."""
        plan = self.plan(policy, **venue)
        self.view.apply(plan, at=self.books.at)
        self.books.at += 1
        return [(line.action, line.case, line.quantity // SCALE) for line in plan.lines]

    def line(self, policy: Policy | None = None, **venue: Any) -> Line:
        (line,) = self.plan(policy, **venue).lines
        return line

    @property
    def standing(self) -> CashStanding:
        return self.view.agreed["INR"]


@pytest.fixture
def money() -> Money:
    return Money()


@pytest.fixture
def opened(money: Money) -> Money:
    assert money.settle() == []
    return money


# --- the first comparison


def test_cash_that_is_the_same_needs_no_line(money: Money) -> None:
    assert money.settle() == []
    assert money.standing == CashStanding(opening=0)


def test_what_the_account_has_beside_the_run_is_adopted_once_and_labelled(money: Money) -> None:
    money.books.cash += 50 * SCALE
    line = money.line()
    assert (line.action, line.case, line.subject, line.changes) == (Action.ADOPT, Case.CASH_OPENING, "cash INR", True)
    assert (line.ours, line.venue) == ("-300", "-250")
    assert line.label.startswith("opening: 50 more on the account")
    assert line.answer.startswith("cash answer 4 of")
    assert money.settle() == [(Action.ADOPT, Case.CASH_OPENING, 50)]
    assert money.settle() == []
    assert money.standing == CashStanding(opening=50 * SCALE)


def test_less_than_the_run_counts_on_is_a_warning_or_a_halt(money: Money) -> None:
    money.books.cash -= 20 * SCALE
    assert money.line().reason == "the venue has less than the run counts on"
    assert money.line(HALT).action is Action.HALT
    assert money.settle(HALT) == [(Action.HALT, Case.CASH_OPENING, -20)]
    assert money.settle(HALT) == [], "a person who has looked goes on with it"
    assert money.standing.opening == -20 * SCALE


def test_more_than_the_run_counts_on_halts_nothing(money: Money) -> None:
    money.books.cash += SCALE
    assert money.settle(HALT) == [(Action.ADOPT, Case.CASH_OPENING, 1)]


def test_a_currency_the_venue_does_not_list_is_said_to_be_so(money: Money) -> None:
    line = money.line(cash=(CashRow(currency="USDT", cash=5),))
    assert (line.case, line.venue, line.quantity) == (Case.CASH_OPENING, "not listed", 300 * SCALE)


# --- from there on


def test_a_deposit_is_said_once_and_its_end_too(opened: Money) -> None:
    opened.books.cash += 3 * SCALE
    assert opened.line().reason == "3 more than trades explain; tolerance 0"
    assert opened.settle() == [(Action.REPORT, Case.CASH, 3)]
    assert opened.settle() == []
    opened.books.cash -= 5 * SCALE
    assert opened.line().reason == "2 less than trades explain, said of it so far 3; tolerance 0"
    assert opened.settle() == [(Action.REPORT, Case.CASH, -2)]
    opened.books.cash += 2 * SCALE
    assert opened.settle() == [(Action.REPORT, Case.CASH_AGREES, 0)]
    assert opened.settle() == []
    assert opened.standing == CashStanding(opening=0)


def test_it_halts_once_an_amount(opened: Money) -> None:
    opened.books.cash += 3 * SCALE
    assert opened.settle(HALT) == [(Action.HALT, Case.CASH, 3)]
    assert opened.settle(HALT) == []
    opened.books.cash += SCALE
    assert opened.settle(HALT) == [(Action.HALT, Case.CASH, 4)]
    assert opened.settle() == [], "what halted was said"


def test_what_was_only_said_halts_under_another_policy(opened: Money) -> None:
    opened.books.cash += 3 * SCALE
    opened.settle()
    assert opened.settle(HALT) == [(Action.HALT, Case.CASH, 3)]
    assert opened.settle(HALT) == []


def test_what_is_within_the_tolerance_is_none(opened: Money) -> None:
    policy = Policy(cash_tolerance="3")
    opened.books.cash += 3 * SCALE
    assert opened.settle(policy) == []
    opened.books.cash += SCALE
    assert opened.settle(policy) == [(Action.REPORT, Case.CASH, 4)]
    opened.books.cash += 3 * SCALE
    assert opened.settle(policy) == [], "no more than the tolerance has changed since"
    opened.books.cash += SCALE
    assert opened.settle(policy) == [(Action.REPORT, Case.CASH, 8)]
    opened.books.cash -= 6 * SCALE
    assert opened.settle(policy) == [(Action.REPORT, Case.CASH_AGREES, 2)]


def test_the_opening_is_exact_whatever_the_tolerance(money: Money) -> None:
    money.books.cash += SCALE
    assert money.settle(Policy(cash_tolerance="3")) == [(Action.ADOPT, Case.CASH_OPENING, 1)]


def test_two_snapshots_have_to_agree_on_the_amount(opened: Money) -> None:
    opened.books.cash += SCALE
    one = opened.line().key
    opened.books.cash += SCALE
    assert opened.line().key != one


# --- both sides alike


def test_what_open_derivatives_cost_cancels_out(opened: Money) -> None:
    (row,) = opened.books.snapshot().cash
    unpaid = replace(row, cash=row.cash + 400 * SCALE, open_cost=400 * SCALE)
    assert opened.settle(cash=(unpaid,)) == []
    line = opened.line(cash=(replace(unpaid, cash=unpaid.cash + SCALE),))
    assert (line.ours, line.venue, line.quantity) == ("100", "101", SCALE), "in the venue's own terms"


@pytest.mark.parametrize(("charges", "taken"), [("apart", 0), ("in_cash", 2)])
def test_charges_count_where_the_venue_takes_them_from_the_cash(opened: Money, charges: Any, taken: int) -> None:
    opened.charges = 2 * SCALE
    opened.books.cash -= taken * SCALE
    assert opened.settle(Policy(charges=charges)) == []


# --- when nothing can be said


def test_cash_waits_until_both_have_the_same_trades(opened: Money) -> None:
    opened.books.cash += SCALE
    opened.books.fill(opened.order, 1)
    assert opened.settle() == [(Action.ATTACH, Case.FILLS, 0)]
    assert opened.standing == CashStanding(opening=0)
    assert opened.settle() == [(Action.REPORT, Case.CASH, 1)]


def test_cash_waits_for_what_was_heard_or_dealt_while_we_asked(opened: Money) -> None:
    opened.books.cash += SCALE
    assert [line.case for line in opened.plan(moved=(("A", Product.MIS),)).lines] == [Case.MOVED]
    opened.view.told(dealt(opened.books.fill(opened.order, 1)), at=opened.books.at)
    assert opened.plan().lines == ()
    opened.books.at += 1
    assert opened.line().case is Case.CASH


def test_cash_waits_until_positions_are_dealt_with(opened: Money) -> None:
    opened.books.held["A", Product.MIS] += SCALE
    opened.books.cash -= 100 * SCALE
    assert opened.settle() == [(Action.HALT, Case.POSITION, 1)]
    assert opened.settle() == [(Action.REPORT, Case.CASH, -100), (Action.IGNORE, Case.POSITION, 1)]
    assert opened.settle() == [(Action.IGNORE, Case.POSITION, 1)]


def test_nothing_is_compared_of_a_run_without_cash(opened: Money) -> None:
    own = replace(opened.view.view(), cash={})
    plan = compare(own, replace(opened.books.snapshot(), cash=()), policy=HALT, cash=opened.view.agreed)
    assert (plan.lines, plan.cash) == ((), opened.view.agreed)
