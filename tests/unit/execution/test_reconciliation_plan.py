"""Each kind of difference gives its line, with evidence; what is explained gives none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.asked_venue import Books, VenueOrder, View, dealt, undone
from tradsys.core.events import Product, Side
from tradsys.core.orders import OrderState
from tradsys.core.units import SCALE
from tradsys.core.venue import Dealt, TradeRow, Undone, VenueState
from tradsys.execution.reconciliation_lines import Action, Case, CashStanding, Line, OwnTrade, Plan, describe, reports
from tradsys.execution.reconciliation_plan import compare
from tradsys.execution.reconciliation_policy import Policy

replace = msgspec.structs.replace


class Account:
    """A venue and us, agreed at instant 10: 4 of an order's 10 filled."""

    def __init__(self) -> None:
        self.books, self.view = Books(at=1), View()
        self.order = self.books.place("t1")
        self.view.send(self.order, at=1)
        self.view.hear(self.books.row(self.order), at=2)
        self.first = self.deal(4)
        self.books.at = 10
        self.view.agreed = {"INR": CashStanding(opening=0)}

    def deal(self, quantity: int, order: VenueOrder | None = None, *, heard: bool = True) -> TradeRow:
        row = self.books.fill(order or self.order, quantity)
        if heard:
            self.view.told(dealt(row), at=self.books.at)
        return row

    def plan(self, policy: Policy | None = None, *, asked_at: int = 10, **other: Any) -> Plan:
        venue = replace(self.books.snapshot(asked_at=asked_at), **other)
        return compare(self.view.view(), venue, policy=policy or Policy(), cash=self.view.agreed)

    def lines(self, policy: Policy | None = None, **other: Any) -> list[tuple[Action, Case]]:
        return [(line.action, line.case) for line in self.plan(policy, **other).lines]

    def only(self, policy: Policy | None = None, **other: Any) -> Line:
        (line,) = self.plan(policy, **other).lines
        return line

    def mine(self, **changed: Any) -> None:
        self.view.orders["t1"] = replace(self.view.orders["t1"], **changed)


@pytest.fixture
def account() -> Account:
    return Account()


def test_nothing_differs(account: Account) -> None:
    plan = account.plan()
    assert plan.lines == ()
    assert describe(plan).endswith("nothing differs")


def test_an_order_in_doubt_is_found_by_its_tag(account: Account) -> None:
    late = account.books.place("t2", instrument="B")
    account.view.send(late, at=5, in_doubt=True)
    line = account.only()
    assert (line.action, line.case, line.venue_id) == (Action.ATTACH, Case.FOUND, late.venue_id)
    assert line.order == account.books.row(late)
    assert "unknown BUY 0 of 10, in doubt" in line.ours
    assert "open BUY 0 of 10" in line.venue
    assert line.answer.startswith("orders answer 1 of 1970-01-01T00:00:00")


def test_an_order_in_doubt_that_is_absent_is_only_counted(account: Account) -> None:
    account.view.send(VenueOrder(0, "t2", "B", Side.BUY, 1), at=5, in_doubt=True)
    plan = account.plan()
    assert plan.absent == ("t2",)
    assert plan.changes == ()
    assert account.plan(asked_at=5).absent == ()


def test_a_second_order_of_one_tag_is_not_ours(account: Account) -> None:
    twin = account.books.place("t1")
    line = account.only()
    assert (line.action, line.case, line.venue_id) == (Action.ADOPT, Case.EXTERNAL_ORDER, twin.venue_id)
    assert line.label == "external"


def test_of_two_orders_of_a_tag_in_doubt_the_first_is_ours(account: Account) -> None:
    first, second = account.books.place("t2"), account.books.place("t2")
    account.view.send(first, at=5, in_doubt=True)
    lines = {line.venue_id: line.case for line in account.plan().lines}
    assert lines == {first.venue_id: Case.FOUND, second.venue_id: Case.EXTERNAL_ORDER}


def test_fills_we_missed_come_with_their_order(account: Account) -> None:
    row = account.deal(2, heard=False)
    line = account.only()
    assert (line.action, line.case) == (Action.ATTACH, Case.FILLS)
    assert [each.trade_id for each in line.trades] == [account.first.trade_id, row.trade_id]
    assert f"trade {row.trade_id}: BUY 2 at 100" in line.venue
    assert str(account.first.trade_id) not in line.venue.partition("trade")[2].split(":")[0]
    assert isinstance(reports(line)[0], Dealt)


def test_fills_of_an_order_heard_of_since_come_without_its_older_row(account: Account) -> None:
    account.deal(2, heard=False)
    account.mine(at=11)
    line = account.only()
    assert line.order is None
    assert len(line.trades) == 1


def test_an_end_we_missed(account: Account) -> None:
    account.order.state = VenueState.CANCELLED
    line = account.only()
    assert (line.action, line.case) == (Action.ATTACH, Case.ENDED)
    account.mine(at=10)
    assert account.plan().lines == ()


def test_other_terms(account: Account) -> None:
    account.order.quantity = 7
    assert account.only().case is Case.TERMS


def test_an_open_order_that_is_missing_stops_its_instrument(account: Account) -> None:
    del account.books.orders[account.order.venue_id]
    line = account.only()
    assert (line.action, line.case, line.instrument) == (Action.HALT, Case.MISSING, "A")
    account.view.halted.add("A")
    assert account.plan().changes == ()
    account.mine(at=10)
    assert account.plan().lines == ()


def test_an_ended_order_that_works(account: Account) -> None:
    account.mine(state=OrderState.CANCELLED)
    assert account.lines() == [(Action.CANCEL, Case.WORKING_AFTER_END)]
    assert account.lines(Policy(ended_orders="halt")) == [(Action.HALT, Case.WORKING_AFTER_END)]


@pytest.mark.parametrize("wanted", ["adopt", "cancel", "halt"])
def test_an_order_of_somebody_else(account: Account, wanted: Any) -> None:
    other = account.books.place("", instrument="B")
    account.deal(1, other, heard=False)
    policy = Policy(external_orders=wanted)
    assert account.lines(policy) == [(Action.ADOPT, Case.EXTERNAL_FILLS), (Action(wanted), Case.EXTERNAL_ORDER)]
    plan = account.plan(policy)
    account.view.apply(plan, at=10)
    assert account.plan(policy).changes == ()
    assert account.view.held["B", Product.MIS] == SCALE


def test_more_than_was_asked_for_is_booked_and_stops_the_instrument(account: Account) -> None:
    account.deal(9, heard=False)
    assert account.lines() == [(Action.ATTACH, Case.ENDED), (Action.HALT, Case.OVER_FILLED)]
    account.view.apply(account.plan(), at=10)
    assert account.view.held["A", Product.MIS] == 13 * SCALE
    assert account.view.halted == {"A"}
    assert account.plan(asked_at=11).changes == ()


def test_a_busted_trade_is_undone(account: Account) -> None:
    account.books.bust(account.first.trade_id)
    line = account.only()
    assert (line.action, line.case) == (Action.ATTACH, Case.BUSTED)
    assert reports(line) == [Undone(at=10, tag="t1", venue_id=1, trade_id=account.first.trade_id)]


def test_a_bust_that_something_else_makes_up_for_is_one_all_the_same(account: Account) -> None:
    account.books.bust(account.first.trade_id)
    account.books.held["A", Product.MIS] += 4 * SCALE
    assert account.lines() == [(Action.ATTACH, Case.BUSTED), (Action.HALT, Case.POSITION)]


def test_a_bust_is_seen_in_the_position_where_the_order_still_counts_it(account: Account) -> None:
    account.books.bust(account.first.trade_id)
    account.order.filled += 4
    assert account.lines() == [(Action.ATTACH, Case.BUSTED)]


def test_a_trade_we_heard_of_after_we_asked_is_no_bust(account: Account) -> None:
    venue = account.books.snapshot()
    account.books.at = 11
    account.deal(3)
    assert compare(account.view.view(), venue, policy=Policy()).lines == ()


def test_a_bust_we_heard_of_after_we_asked_is_no_difference(account: Account) -> None:
    venue = account.books.snapshot()
    account.view.told(undone(account.books.bust(account.first.trade_id), at=11), at=11)
    assert compare(account.view.view(), venue, policy=Policy()).lines == ()


def test_trades_of_a_day_that_is_over_are_not_busted(account: Account) -> None:
    account.books.trades.clear()
    account.books.orders.clear()
    account.mine(state=OrderState.EXPIRED)
    line = account.only()
    assert (line.action, line.case) == (Action.IGNORE, Case.UNLISTED)
    account.view.trades.clear()
    assert account.plan().lines == ()


def test_nor_are_those_of_an_order_that_works_on_and_counts_them(account: Account) -> None:
    account.books.trades.clear()
    assert account.lines() == [(Action.IGNORE, Case.UNLISTED)]


def test_a_busted_trade_that_is_back_or_another_stops_the_instrument(account: Account) -> None:
    row = account.books.trades[account.first.trade_id]
    account.books.trades[row.trade_id] = replace(row, price=7)
    assert account.lines() == [(Action.HALT, Case.TRADE_DIFFERS)]
    account.books.trades[row.trade_id] = row
    account.view.told(undone(row, at=5), at=5)
    assert account.plan().lines[0].case is Case.TRADE_DIFFERS


def test_a_count_of_fills_that_is_not_that_of_the_trades_is_only_known_of(account: Account) -> None:
    account.order.filled += 2
    line = account.only()
    assert (line.action, line.case) == (Action.IGNORE, Case.FILLED_DIFFERS)


def test_a_position_that_trades_do_not_explain_stops_the_instrument(account: Account) -> None:
    account.books.held["A", Product.MIS] += SCALE
    line = account.only()
    assert (line.action, line.case, line.quantity) == (Action.HALT, Case.POSITION, SCALE)
    assert (line.ours, line.venue) == ("4", "5 at 100")
    assert account.lines(moved=(("A", Product.MIS),)) == [(Action.IGNORE, Case.MOVED)]
    account.view.halted.add("A")
    assert account.lines() == [(Action.IGNORE, Case.POSITION)]


def test_a_row_older_than_the_trades_around_it_is_no_difference(account: Account) -> None:
    stale = account.books.row(account.order)
    account.deal(2, heard=False)
    row = account.deal(1, heard=False)
    (fills, moved) = account.plan(moved=(("A", Product.MIS),), orders=(stale,)).lines
    assert (fills.case, moved.case) == (Case.FILLS, Case.MOVED)
    assert fills.order is None
    assert fills.trades[-1] == row
    account.view.apply(account.plan(), at=10)
    account.mine(at=5)
    assert account.lines(moved=(("A", Product.MIS),), orders=(stale,)) == [(Action.IGNORE, Case.MOVED)]


def test_by_policy_it_is_adopted_at_the_venues_average_under_a_number_of_its_own(account: Account) -> None:
    policy = Policy(unexplained_positions="adopt")
    account.books.held["A", Product.MIS] -= SCALE
    account.books.cash += account.books.average
    line = account.only(policy)
    assert (line.action, line.case, line.quantity) == (Action.ADOPT, Case.POSITION, -SCALE)
    assert line.label.startswith("synthetic")
    (made,) = line.trades
    assert (made.side, made.quantity, made.price, made.venue_id) == (Side.SELL, SCALE, account.books.average, 0)
    assert made.trade_id < 0
    account.view.apply(account.plan(policy), at=10)
    assert account.plan(policy, asked_at=11).changes == ()
    account.view.held["A", Product.MIS] += SCALE
    assert account.plan(policy, asked_at=11).lines[0].action is Action.HALT, "one invention does for one difference"


def test_nothing_is_adopted_at_no_price(account: Account) -> None:
    account.books.held["A", Product.MIS] += SCALE
    account.books.average = 0
    assert account.only(Policy(unexplained_positions="adopt")).action is Action.HALT


@pytest.mark.parametrize("wanted", ["adopt", "flatten", "halt"])
def test_a_position_in_what_we_never_traded(account: Account, wanted: Any) -> None:
    policy = Policy(external_positions=wanted)
    account.books.held["B", Product.CNC] = 5 * SCALE
    account.books.cash -= 5 * account.books.average
    line = account.only(policy)
    assert (line.action, line.case, line.instrument) == (Action(wanted), Case.EXTERNAL_POSITION, "B")
    account.view.apply(account.plan(policy), at=10)
    unpaid = [Case.CASH] if wanted == "halt" else []
    assert [each.case for each in account.plan(policy, asked_at=11).changes] == unpaid


def test_a_synthetic_trade_is_not_looked_for_at_the_venue(account: Account) -> None:
    trade = OwnTrade(
        trade_id=-5, tag="", venue_id=0, instrument="A", side=Side.BUY, product=Product.MIS, quantity=1, price=1, at=1
    )
    account.view.trades[trade.key] = trade
    assert account.plan().lines == ()


def test_the_table_has_a_line_a_line_with_its_evidence(account: Account) -> None:
    account.deal(2, heard=False)
    account.books.place("", instrument="B")
    title, heads, *rows = describe(account.plan()).splitlines()
    assert title == "asked, 1970-01-01T00:00:00.000000Z: 2 to change, 0 to know of"
    assert heads.split()[:2] == ["action", "case"]
    assert [row.split()[0] for row in rows] == ["attach", "adopt"]
    assert "partly_filled BUY 4 of 10" in rows[0]
    assert "trades answer 2" in rows[0]
    assert rows[1].endswith("external")
