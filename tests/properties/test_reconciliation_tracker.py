"""The order manager, told what a plan says, has what the venue has; a second plan has nothing to tell it."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.asked_venue import Books, VenueOrder, dealt, undone
from tradsys.core.events import Approved, Order, OrderType, Product, Side, Validity
from tradsys.core.orders import OrderState
from tradsys.core.units import SCALE, SECOND
from tradsys.core.venue import PlaceOrder, Taken, VenueState
from tradsys.execution.order_life import TrackedState
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.reconciliation_lines import Action, Case, OwnOrder, OwnTrade, OwnView, Plan, describe, reports
from tradsys.execution.reconciliation_plan import compare
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.venue_limits import Patience, VenueLimits
from tradsys.execution.venue_snapshot import Holding

STATES: Mapping[TrackedState, OrderState] = {
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
    TrackedState.WAITING: OrderState.APPROVED,
}


class Live:
    """A tracker and a venue of which it hears one thing in two."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.books = Books(at=1)
        limits = VenueLimits(jitter=0, per_second=1000, per_minute=1000, open_orders=100, in_flight=100)
        self.tracker = OrderTracker(run="r", limits=limits, patience=Patience())
        self.tracker.on_link(up=True, at=0)
        self.sent = 0

    def step(self) -> None:
        """Something happens at the venue."""
        self.books.at += SECOND
        working = [order for order in self.books.orders.values() if order.state is VenueState.OPEN]
        self.tracker.on_time(at=self.books.at)
        what = self.random.choice(["ours", "theirs", "fill", "fill", "fill", "end", "bust"])
        if what == "theirs":
            self.books.place("", instrument=self.random.choice("AB"))
        elif what == "ours" or not working:
            self._ours()
        elif what == "fill":
            self._fill(self.random.choice(working))
        elif what == "end":
            self.random.choice(working).state = VenueState.CANCELLED
        elif self.books.trades:
            row = self.books.bust(self.random.choice(list(self.books.trades)))
            if self._hears():
                self.tracker.on_report(undone(row, at=self.books.at), at=self.books.at)

    def _hears(self) -> bool:
        return self.random.random() < 0.5

    def _ours(self) -> None:
        self.sent += 1
        order = Order(
            at=self.books.at, order_id=self.sent, strategy="s", instrument=self.random.choice("AB"), side=Side.BUY,
            quantity=10 * SCALE, type=OrderType.MARKET, product=Product.MIS, validity=Validity.DAY, limit=100 * SCALE,
        )  # fmt: skip
        approved = Approved(at=self.books.at, order_id=self.sent, order=order)
        self.tracker.submit(approved, reduces=False, at=self.books.at)
        for command in self.tracker.departing(at=self.books.at):
            assert isinstance(command, PlaceOrder)
            taken = self.books.place(command.tag, instrument=command.instrument)
            if self._hears():
                said = Taken(at=self.books.at, tag=taken.tag, venue_id=taken.venue_id, open=command.quantity)
                self.tracker.on_report(said, at=self.books.at)

    def _fill(self, order: VenueOrder) -> None:
        row = self.books.fill(order, self.random.randint(1, order.left))
        if self._hears():
            self.tracker.on_report(dealt(row), at=self.books.at)

    def own(self) -> OwnView:
        """What the tracker knows; positions are those of its trades."""
        trades = [
            OwnTrade(
                trade_id=each.trade_id, tag="", venue_id=each.venue_id, instrument=each.fill.instrument,
                side=each.fill.side, product=each.fill.product, quantity=each.fill.quantity, price=each.fill.price,
                at=each.fill.at, undone=each.undone,
            )
            for each in self.tracker.trades.values() if each.fill is not None
        ]  # fmt: skip
        held: dict[Holding, int] = {}
        for trade in trades:
            held[trade.holding] = held.get(trade.holding, 0) + trade.side * trade.quantity * (not trade.undone)
        return OwnView(
            orders=[*self._orders(), *self._external()],
            trades={trade.key: trade for trade in trades},
            known=self.tracker.trades,
            positions=held,
            cash={},
        )

    def _orders(self) -> list[OwnOrder]:
        found = [self.tracker.find(number) for number in range(1, self.sent + 1)]
        return [
            OwnOrder(
                tag=each.tag, venue_id=each.venue_id, instrument=each.order.instrument, side=each.order.side,
                product=each.order.product, quantity=each.order.quantity - each.cut, filled=each.filled,
                state=STATES[each.state], at=max(each.sent_at, each.heard_at),
                in_doubt=each.state in (TrackedState.UNKNOWN, TrackedState.ENDING),
            )
            for each in found if each is not None
        ]  # fmt: skip

    def _external(self) -> list[OwnOrder]:
        return [
            OwnOrder(
                tag=row.tag, venue_id=row.venue_id, instrument=row.instrument, side=row.side, product=row.product,
                quantity=row.filled + each.open, filled=row.filled, state=OrderState.OPEN, in_doubt=False, at=0,
                external=True,
            )
            for each in self.tracker.external.values() if (row := each.row) is not None
        ]  # fmt: skip

    def plan(self) -> Plan:
        self.books.at += SECOND
        return compare(self.own(), self.books.snapshot(), policy=Policy())

    def apply(self, plan: Plan) -> None:
        self.books.at += 1
        for line in plan.changes:
            assert line.action in (Action.ATTACH, Action.ADOPT), describe(plan)
            if line.order is not None:
                self.tracker.on_evidence(line.order, trades=line.trades, asked_at=plan.asked_at, at=self.books.at)
                continue
            for report in reports(line):
                self.tracker.on_report(report, at=self.books.at)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 40))
def test_a_plan_tells_the_order_manager_everything(seed: int, steps: int) -> None:
    live = Live(seed)
    for _ in range(steps):
        live.step()
    for _ in range(3):  # what an order traded before it ended is believed after two more answers
        live.apply(live.plan())
    again = live.plan()
    assert again.changes == (), describe(again)
    assert Case.POSITION not in {line.case for line in again.lines}
    booked = {key[0] for key, trade in live.tracker.trades.items() if not trade.undone}
    assert booked == set(live.books.trades)
    working = {order.venue_id for order in live.books.orders.values() if order.state is VenueState.OPEN}
    ours = {each.venue_id for each in live.tracker.live if each.state is not TrackedState.WAITING}
    assert ours | set(live.tracker.external) == working
