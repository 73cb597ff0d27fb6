"""Whatever happened at the venue and whatever of it we missed: one plan, and we have what the venue has."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.asked_venue import Books, VenueOrder, View, dealt, same, undone
from tradsys.core.events import Product, Side
from tradsys.core.orders import OrderState
from tradsys.core.units import MILLISECOND, SCALE, SECOND
from tradsys.core.venue import Ask, AskFailed, Page, Report, Subject, VenueState
from tradsys.execution.reconciliation import Reconciler
from tradsys.execution.reconciliation_lines import Action, Case, Plan, describe
from tradsys.execution.reconciliation_plan import compare
from tradsys.execution.reconciliation_policy import Policy

SEEDS = st.integers(0, 2**32)
POLICY = Policy()


class World:
    """A venue, us, and what of the venue's pushes reaches us (`heard` of 1)."""

    def __init__(self, seed: int, *, heard: float, page_rows: int = 1000) -> None:
        self.random = random.Random(seed)
        self.heard = heard
        self.books, self.view = Books(page_rows=page_rows), View()
        self.busted: set[int] = set()
        self.tags = 0

    def step(self) -> None:
        """Something happens at the venue."""
        self.books.at += self.random.choice([0, 1, MILLISECOND])
        working = [order for order in self.books.orders.values() if order.state is VenueState.OPEN]
        what = self.random.choice(["ours", "theirs", "fill", "fill", "fill", "end", "bust"])
        if what in ("ours", "theirs") or not working:
            self._order(ours=what != "theirs")
        elif what == "fill":
            self._fill(self.random.choice(working))
        elif what == "end":
            self._end(self.random.choice(working))
        elif self.books.trades:
            self._bust()

    def _hears(self) -> bool:
        return self.random.random() < self.heard

    def _order(self, *, ours: bool) -> None:
        self.tags += 1
        tag = f"t{self.tags}" if ours else ""
        order = self.books.place(
            tag, instrument=self.random.choice("ABC"), side=self.random.choice([Side.BUY, Side.SELL]),
            quantity=self.random.randint(1, 9),
        )  # fmt: skip
        if ours:
            self.view.send(order, at=self.books.at, in_doubt=self.random.random() < 0.5)
            self._tell(order)

    def _tell(self, order: VenueOrder) -> None:
        if self._hears():
            self.view.hear(self.books.row(order), at=self.books.at)

    def _fill(self, order: VenueOrder) -> None:
        row = self.books.fill(order, self.random.randint(1, order.left))
        if self._hears():
            self.view.told(dealt(row), at=self.books.at)

    def _end(self, order: VenueOrder) -> None:
        order.state = self.random.choice([VenueState.CANCELLED, VenueState.EXPIRED])
        self._tell(order)

    def _bust(self) -> None:
        row = self.books.bust(self.random.choice(list(self.books.trades)))
        self.busted.add(row.trade_id)
        if self._hears():
            self.view.told(undone(row, at=self.books.at), at=self.books.at)


def halts(plan: Plan) -> list[str]:
    return [line.key for line in plan.lines if line.action is Action.HALT]


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, steps=st.integers(0, 40), heard=st.sampled_from([0.0, 0.5, 0.9]))
def test_one_plan_makes_us_what_the_venue_is_and_a_second_changes_nothing(seed: int, steps: int, heard: float) -> None:
    world = World(seed, heard=heard)
    for _ in range(steps):
        world.step()
    world.books.at += 1
    plan = compare(world.view.view(), world.books.snapshot(), policy=POLICY)
    assert halts(plan) == []
    world.view.apply(plan, at=world.books.at)
    assert same(world.view, world.books) == [], describe(plan)
    assert world.view.cash == world.books.cash
    world.books.at += 1
    again = compare(world.view.view(), world.books.snapshot(), policy=POLICY)
    assert again.changes == (), describe(again)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, steps=st.integers(0, 20), order=st.randoms(use_true_random=False))
def test_the_order_in_which_rows_and_orders_come_changes_nothing(seed: int, steps: int, order: random.Random) -> None:
    world = World(seed, heard=0.5)
    for _ in range(steps):
        world.step()
    world.books.at += 1
    own, venue = world.view.view(), world.books.snapshot()
    shuffled = {
        subject.value: tuple(order.sample(getattr(venue, subject.value), len(getattr(venue, subject.value))))
        for subject in Subject
    }
    other = msgspec.structs.replace(venue, **shuffled)
    turned = msgspec.structs.replace(
        own,
        orders=tuple(reversed(tuple(own.orders))),
        trades=dict(reversed(list(own.trades.items()))),
        positions=dict(reversed(list(own.positions.items()))),
    )
    assert compare(turned, other, policy=POLICY) == compare(own, venue, policy=POLICY)


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, steps=st.integers(0, 30), held=st.integers(-5, 5))
def test_what_was_held_before_is_adopted_once_by_a_number_of_its_own(seed: int, steps: int, held: int) -> None:
    world = World(seed, heard=0.5)
    world.books.held["A", Product.MIS] = held * SCALE
    for _ in range(steps):
        world.step()
    world.books.at += 1
    venue = world.books.snapshot()
    policy = Policy(unexplained_positions="adopt")
    plan = compare(world.view.view(), venue, policy=policy)
    assert plan == compare(world.view.view(), venue, policy=policy)
    world.view.apply(plan, at=world.books.at)
    assert halts(plan) == []
    assert same(world.view, world.books) == []
    invented = [line for line in plan.lines if any(row.trade_id < 0 for row in line.trades)]
    assert all("synthetic" in line.label for line in invented)
    paid = sum(row.side * row.quantity * row.price // SCALE for line in invented for row in line.trades)
    world.books.at += 1
    again = compare(world.view.view(), world.books.snapshot(), policy=policy, cash=world.view.agreed)
    assert [(line.case, line.quantity) for line in again.changes] == [(Case.CASH_OPENING, paid)] * bool(paid)
    world.view.apply(again, at=world.books.at)
    last = compare(world.view.view(), world.books.snapshot(), policy=policy, cash=world.view.agreed)
    assert last.changes == (), describe(last)


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, beside=st.integers(-3, 3), moves=st.lists(st.integers(-2, 2), max_size=8), halts_on=st.booleans())
def test_whatever_is_missed_of_trades_all_money_that_people_moved_is_told_of_once(
    seed: int, beside: int, moves: list[int], halts_on: bool
) -> None:
    world, policy = World(seed, heard=0.5), Policy(cash="halt" if halts_on else "ignore")
    world.books.cash += beside * SCALE
    moved, known = 0, 0
    for turn, amount in enumerate([0, *moves]):
        for _ in range(world.random.randint(0, 6)):
            world.step()
        world.books.cash += amount * SCALE
        moved += amount * SCALE
        told: list[Case] = []
        for _ in range(3):
            world.books.at += 1
            plan = compare(world.view.view(), world.books.snapshot(), policy=policy, cash=world.view.agreed)
            told += [line.case for line in plan.changes if line.subject == "cash INR"]
            world.view.apply(plan, at=world.books.at)
        standing = world.view.agreed["INR"]
        if turn == 0:
            assert told == [Case.CASH_OPENING] * (beside != 0)
        else:
            assert told == [Case.CASH if moved else Case.CASH_AGREES] * (moved != known)
        assert (standing.opening, standing.said) == (beside * SCALE, moved)
        assert standing.halted is (halts_on and moved != 0)
        known = moved


def spoilt(page: Page, world: World) -> list[Report]:
    """What becomes of an answer on the way: mostly nothing."""
    chance = world.random
    rows = getattr(page, page.subject.value)
    match chance.choice(["lost", "twice", "failed", "short", "count", "subject", "page", "other"]):
        case "lost":
            return []
        case "twice":
            return [page, page]
        case "failed":
            return [AskFailed(at=page.at, request=page.request, why="busy")]
        case "short":
            return [msgspec.structs.replace(page, **{page.subject.value: rows[:-1]}, rows=page.rows + (not rows))]
        case "count":
            return [msgspec.structs.replace(page, rows=page.rows + chance.choice([-1, 1]))]
        case "subject":
            other = chance.choice([each for each in Subject if each != page.subject])
            return [msgspec.structs.replace(page, subject=other)]
        case "page":
            return [msgspec.structs.replace(page, page=page.page + 1)]
        case _:
            return [msgspec.structs.replace(page, request=page.request + 1000)]


class Talk:
    """A reconciler asking a venue that goes on trading, over a link that spoils answers."""

    def __init__(self, world: World, *, spoils: float, trades: float) -> None:
        self.world, self.spoils, self.trades = world, spoils, trades
        self.reconciler = Reconciler(policy=POLICY)
        self.reconciler.on_link(up=True, at=world.books.at)
        self.plans: list[Plan] = []

    def run(self, *, turns: int) -> None:
        """Until a plan was applied, or the turns are over."""
        done = len(self.plans)
        for _ in range(turns):
            self._turn()
            if len(self.plans) > done and not self.reconciler.running:
                return

    def _turn(self) -> None:
        books, reconciler = self.world.books, self.reconciler
        reconciler.restore(reconciler.state())
        asks = reconciler.questions(at=books.at)
        if not asks:
            books.at = max(books.at + 1, min(reconciler.next_at or 0, books.at + SECOND))
        for ask in asks:
            self._trade()
            for report in self._answers(ask):
                books.at += 1
                reconciler.on_report(report, at=books.at)
        reconciler.on_time(at=books.at)
        if reconciler.answered:
            plan = reconciler.plan(self.world.view.view(), at=books.at)
            if plan is not None:
                self._check(plan)
                self.world.view.apply(plan, at=books.at)
                self.plans.append(plan)
                reconciler.applied(plan, at=books.at)
        self._trade()

    def _trade(self) -> None:
        if self.world.random.random() < self.trades:
            self.world.step()

    def _answers(self, ask: Ask) -> list[Report]:
        books = self.world.books
        if ask.page * books.page_rows > len(books.rows(ask.subject)):
            return [AskFailed(at=books.at, request=ask.request, why="no such page")]
        page = books.page(ask)
        return spoilt(page, self.world) if self.world.random.random() < self.spoils else [page]

    def _check(self, plan: Plan) -> None:
        """Nobody lies here, so nothing may be halted, and only what was busted is."""
        assert halts(plan) == [], describe(plan)
        assert Case.POSITION not in {line.case for line in plan.lines}
        undone = {each.trade_id for line in plan.lines for each in line.undone}
        assert undone <= self.world.busted, describe(plan)


@settings(max_examples=120, deadline=None)
@given(
    seed=SEEDS,
    page_rows=st.sampled_from([1, 2, 3, 1000]),
    spoils=st.sampled_from([0.0, 0.2, 0.5]),
    trades=st.sampled_from([0.0, 0.1, 0.6]),
)
def test_spoilt_answers_and_trades_between_questions_lead_to_no_wrong_conclusion(
    seed: int, page_rows: int, spoils: float, trades: float
) -> None:
    world = World(seed, heard=0.7, page_rows=page_rows)
    for _ in range(10):
        world.step()
    world.books.at += 1
    talk = Talk(world, spoils=spoils, trades=trades)
    talk.run(turns=60)
    talk.spoils = talk.trades = 0.0
    for _ in range(2):
        world.books.at += 1
        talk.reconciler.begin("asked", at=world.books.at)
        talk.run(turns=200)
    world.books.at += 1
    talk.reconciler.begin("asked", at=world.books.at)
    talk.run(turns=200)
    assert len(talk.plans) >= 3
    assert talk.reconciler.reconciled
    assert same(world.view, world.books) == [], describe(talk.plans[-1])
    assert talk.plans[-1].changes == ()


def test_an_order_given_up_that_works_after_all_is_withdrawn_once() -> None:
    world = World(1, heard=0.0)
    order = world.books.place("t1")
    world.view.send(order, at=0)
    world.view.orders["t1"] = msgspec.structs.replace(world.view.orders["t1"], state=OrderState.REJECTED)
    world.books.fill(order, 3)
    world.books.at = 5
    plan = compare(world.view.view(), world.books.snapshot(), policy=POLICY)
    assert [(line.action, line.case) for line in plan.lines] == [
        (Action.ATTACH, Case.FILLS),
        (Action.CANCEL, Case.WORKING_AFTER_END),
    ]
    world.view.apply(plan, at=5)
    assert same(world.view, world.books) == []
    assert world.view.withdrawn == {order.venue_id}
    world.books.at = 6
    assert compare(world.view.view(), world.books.snapshot(), policy=POLICY).changes == ()
