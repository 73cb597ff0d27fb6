"""Market orders under market protection: never more than was asked, nothing left unattended, exits end flat."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.builders import MONDAY, Case, Scripted, flat, minutes, scripted
from tests.properties.test_engine import encoded, random_case
from tests.properties.test_engine_state import restored, state_of
from tradsys.core.events import (
    Accepted,
    Approved,
    Bar,
    Cancelled,
    CancelRequested,
    Fill,
    Order,
    OrderType,
    Product,
    Rejected,
    Stray,
    StrayKind,
)
from tradsys.core.protection import Move, ProtectionStep
from tradsys.core.units import SCALE, Rounding, to_step
from tradsys.engine.assemble import Prepared
from tradsys.engine.protected_desk import ProtectedDesk, attending
from tradsys.engine.protection import Stage

INFY = "NSE:INFY"


def desk_of(prepared: Prepared) -> ProtectedDesk:
    desk = attending(prepared.engine)
    assert desk is not None
    return desk


def root(order: Order) -> int:
    """The order that was asked for."""
    return order.capped.first or order.order_id  # type: ignore[union-attr]  # asked of capped ones


class Watch:
    """Follows the log, and holds it against the live orders after every event."""

    def __init__(self) -> None:
        self.asked: dict[int, Order] = {}
        self.roots: dict[int, int] = {}
        self.filled: Counter[int] = Counter()
        self.left_alone: set[int] = set()
        self.seen: Counter[str] = Counter()

    def read(self, entries: list[Any]) -> None:
        for entry in entries:
            body = entry.body
            if isinstance(body, Approved) and body.order.capped:
                self.roots[body.order_id] = root(body.order)
                self.asked.setdefault(root(body.order), body.order)
            elif isinstance(body, Fill | Stray) and body.order_id in self.roots:
                fill = body.fill if isinstance(body, Stray) else body
                self.filled[self.roots[body.order_id]] += fill.quantity
            elif isinstance(body, ProtectionStep):
                self.seen[body.move] += 1
                if body.move in (Move.ALERT, Move.END):
                    self.left_alone.add(self.roots[body.order_id])
            elif isinstance(body, CancelRequested) and not body.reason.startswith("market protection"):
                self.left_alone.add(self.roots.get(body.order_id, 0))

    def check(self, prepared: Prepared) -> None:
        desk, alive = desk_of(prepared), Counter[int]()
        attended = {chain.order.order_id for _, chain in desk.chains()}
        for live in prepared.engine.working.values():
            order = live.order
            if not order.capped:
                continue
            assert order.type is OrderType.LIMIT
            first = root(order)
            assert not alive[first], "two orders of one chain are alive"
            alive[first] += live.remaining
            assert self.filled[first] + alive[first] <= self.asked[first].quantity
            resting = order.validity.value in ("DAY", "GTC", "GTD")
            assert order.order_id in attended or not resting or first in self.left_alone
        for _, chain in desk.chains():
            is_alive = chain.order.order_id in prepared.engine.working
            assert is_alive is not (chain.stage is Stage.OWING), "only what is owed has no order"


# --- on bars, with everything else that orders can do


@dataclass(frozen=True)
class Look:
    """Capped orders are looked at."""

    at: int


def lively(folder: Path, seed: int) -> Case:
    """Random orders of every kind, capped closely enough that many rest."""
    case, chance = random_case(folder, seed), random.Random(seed)
    case.sections["execution"].update(  # type: ignore[attr-defined]  # a dict
        market_protection=chance.choice([0.05, 0.3, 2.0]),
        protection={
            "wait_seconds": chance.choice([1, 90]),
            "entry_re_pegs": chance.choice([0, 1]),
            "entry_then": chance.choice(["cancel", "widen", "alert"]),
            "exit_re_pegs": chance.choice([0, 2]),
        },
    )
    return case


@given(st.integers(0, 10**9))
@settings(max_examples=15)
def test_on_bars_nothing_is_asked_for_twice_and_nothing_is_forgotten(seed: int) -> None:
    with TemporaryDirectory() as folder:
        prepared = lively(Path(folder), seed).prepare()
        watch = Watch()
        engine, look = prepared.engine, desk_of(prepared).look
        hear, process, sweep = engine.hear, engine.process, engine.sweep

        def followed(inner: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any, **named: Any) -> Any:
                entries = inner(*given, **named)
                watch.read(list(entries))
                watch.check(prepared)
                prepared.ledger.check()
                return entries

            return call

        def swept(bars: Any, **meeting: Any) -> Any:
            for entries in sweep(bars, **meeting):
                watch.read(list(entries))
                watch.check(prepared)
                yield entries

        engine.hear, engine.process, engine.sweep = followed(hear), followed(process), swept  # type: ignore[method-assign]
        desk_of(prepared).look = followed(look)  # type: ignore[method-assign]
        prepared.backtest.run(progress=lambda done: None, stop=lambda: False)
        again = lively(Path(folder), seed).prepare()
        again.backtest.run(progress=lambda done: None, stop=lambda: False)
        assert encoded(again.backtest.log) == encoded(prepared.backtest.log)


# --- at a venue where everything crosses


class Crossing:
    """A venue of one instrument where reports and withdrawals cross: an order trades inside its cap, in parts, also
    while its withdrawal is on its way; now and then a part is told after the withdrawal (`late`), at once or when the
    next order is there."""

    def __init__(self, chance: random.Random, *, late: bool) -> None:
        self.chance, self.late = chance, late
        self.orders: dict[int, tuple[Order, int]] = {}
        self.leaving: list[int] = []
        self.untold: list[Stray] = []
        self.price = 100 * SCALE

    def ask(self, asked: Approved | CancelRequested, at: int) -> list[Any]:
        if isinstance(asked, CancelRequested):
            self.leaving.append(asked.order_id)
            return []
        if self.chance.random() < 0.05:
            return [Rejected(at=at, order_id=asked.order_id, reason="no")]
        self.orders[asked.order_id] = (asked.order, asked.order.quantity)
        return [Accepted(at=at, order_id=asked.order_id)]

    def act(self, at: int, *, calm: bool) -> list[Any]:
        said: list[Any] = [replace(each, at=at) for each in self.untold]
        self.untold.clear()
        for order_id in list(self.orders):
            if calm or self.chance.random() < 0.4:
                said += self.trade(order_id, at, all_of_it=calm)
        for order_id in list(self.leaving):
            if calm or self.chance.random() < 0.6:
                self.leaving.remove(order_id)
                said += self.gone(order_id, at)
        return said

    def trade(self, order_id: int, at: int, *, all_of_it: bool) -> list[Any]:
        order, left = self.orders[order_id]
        if order.limit and (order.limit - self.price) * order.side < 0:
            return []
        quantity = left if all_of_it else self.chance.randint(1, left // SCALE) * SCALE
        self.orders[order_id] = (order, left - quantity)
        if quantity == left:
            del self.orders[order_id]
        return [_fill(order, quantity, self.price, at)]

    def gone(self, order_id: int, at: int) -> list[Any]:
        if order_id not in self.orders:
            return []
        order, left = self.orders.pop(order_id)
        said: list[Any] = [Cancelled(at=at, order_id=order_id, remaining=left, reason="asked")]
        if self.late and self.chance.random() < 0.5:
            quantity = self.chance.randint(1, left // SCALE) * SCALE
            fill = _fill(order, quantity, self.price, at)
            late = Stray(at=at, order_id=order_id, kind=StrayKind.LATE, fill=fill)
            (said if self.chance.random() < 0.5 else self.untold).append(late)
        return said


def _fill(order: Order, quantity: int, price: int, at: int) -> Fill:
    return Fill(
        at=at,
        order_id=order.order_id,
        exchange_at=at,
        strategy=order.strategy,
        instrument=order.instrument,
        side=order.side,
        quantity=quantity,
        price=price,
        product=order.product,
        reason=order.reason,
    )


WISHES = ("in", "out", "", "")


class World:
    """A strategy that goes in and out at market, beside a venue where everything crosses."""

    def __init__(self, folder: Path, seed: int, *, late: bool = False) -> None:
        chance = self.chance = random.Random(seed)
        self.by_target = chance.random() < 0.5
        self.case = Case(
            folder,
            {INFY: minutes(MONDAY, flat(*[100.0] * 300))},
            [scripted("crossing", self.decide, product="MIS")],
            sections={
                "execution": {
                    "market_protection": chance.choice([0.5, 2.0]),
                    "price_band": 0,
                    "protection": {"wait_seconds": chance.choice([1, 130]), "entry_then": "cancel", "widest": 60.0},
                }
            },
        )
        self.prepared = self.case.prepare(stepped=True)
        self.venue = Crossing(chance, late=late)
        self.watch = Watch()
        self.late = late
        self.wants = ""
        self.steps: list[tuple[Any, str, bytes]] = []
        self.after: Callable[[], None] = lambda: None

    def decide(self, strategy: Scripted, bar: Bar, account: Any) -> Any:
        """By a target, which is harmless to repeat, or by orders, where nothing is on its way."""
        wants = self.wants
        if wants and self.by_target:
            return [strategy.target(bar, 20 if wants == "in" else 0)]
        held = account.position(bar.instrument)
        desk = desk_of(self.prepared)
        if not wants or desk.live or next(desk.chains(), None):
            return None
        return [strategy.buy(bar, 20)] if wants == "in" else [strategy.sell(bar, held)] if held > 0 else None

    def tell(self, given: Any) -> None:
        entries, asked = given_to(self.prepared, given)
        self.steps.append((given, self.wants, encoded(entries)))
        self.watch.read(entries)
        if not self.late:
            self.watch.check(self.prepared)
        self.after()
        at = given.at if isinstance(given, Bar | Look) else given[-1].at
        for each in asked:
            if said := self.venue.ask(each, at):
                self.tell(tuple(said))

    def bar(self, number: int, *, wants: str, calm: bool = False) -> None:
        self.wants = wants
        if not calm:
            moved = round(self.venue.price * self.chance.choice([0.9, 0.97, 0.995, 1, 1, 1.005, 1.03, 1.1]))
            self.venue.price = max(to_step(moved, SCALE // 20, Rounding.NEAREST), SCALE)
        price = self.venue.price / SCALE
        at = (number + 1) * 60 * 10**9 + START
        self.tell(Bar(at, at, INFY, 60 * 10**9, price, price, price, price, 1e6))
        if said := self.venue.act(at, calm=calm):
            self.tell(tuple(said))
        self.tell(Look(at))


START = 1_717_386_300 * 10**9
"""The open of the exchange on that Monday."""


def given_to(prepared: Prepared, given: Any) -> tuple[list[Any], list[Any]]:
    """One input, as a live process gives it: the lines, and what the venue is asked."""
    engine = prepared.engine
    if isinstance(given, Look):
        entries = list(desk_of(prepared).look(given.at))
    else:
        entries = list(engine.hear(given) if isinstance(given, tuple) else engine.process(given))
    asked = list(engine.outbox)
    engine.outbox.clear()
    return entries, asked


@given(st.integers(0, 10**9))
@settings(max_examples=40)
def test_fills_that_cross_withdrawals_never_lead_to_more_than_was_asked(seed: int) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder), seed)
        for number in range(40):
            world.bar(number, wants=world.chance.choice(WISHES))
        held = world.prepared.ledger.position("crossing", INFY, Product.MIS)
        assert held >= 0, "no exit opened a position"
        for number in range(40, 60):
            world.bar(number, wants="out", calm=True)
        left = world.prepared.ledger.position("crossing", INFY, Product.MIS)
        owed = [chain for _, chain in desk_of(world.prepared).chains()]
        assert not left and not owed and not world.prepared.engine.working


@given(st.integers(0, 10**9))
@settings(max_examples=40)
def test_a_fill_told_after_its_order_was_gone_makes_the_next_smaller(seed: int) -> None:
    """What may still trade is never more than was asked, once the venue has heard the withdrawal that follows."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder), seed, late=True)

        def bounded() -> None:
            for live in world.prepared.engine.working.values():
                chain = desk_of(world.prepared)._by_order.get(live.order.order_id)
                if chain is not None and chain.stage is Stage.WORKING:
                    first = root(live.order)
                    assert world.watch.filled[first] + live.remaining <= world.watch.asked[first].quantity

        world.after = bounded
        for number in range(40):
            world.bar(number, wants=world.chance.choice(WISHES))


@given(st.integers(0, 10**9))
@settings(max_examples=10)
def test_a_snapshot_and_the_tail_are_the_whole(seed: int) -> None:
    with TemporaryDirectory() as folder:
        world, states = World(Path(folder), seed, late=bool(seed % 2)), dict[int, bytes]()

        def keep() -> None:
            if world.chance.random() < 0.1:
                states[len(world.steps)] = state_of(world.prepared)

        world.after = keep
        for number in range(25):
            world.bar(number, wants=world.chance.choice(WISHES))
        whole = state_of(world.prepared)
        for cut in list(states)[:: max(len(states) // 5, 1)]:
            again = world.prepared = restored(world.case, states[cut])
            assert state_of(again) == states[cut]
            for said, wants, lines in world.steps[cut:]:
                world.wants = wants
                entries, _ = given_to(again, said)
                assert encoded(entries) == lines
            assert state_of(again) == whole


def test_the_worlds_meet_every_step(tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    for seed in range(24):
        world = World(tmp_path, seed, late=seed % 2 == 1)
        for number in range(40):
            world.bar(number, wants=world.chance.choice(WISHES))
        met += world.watch.seen
        met.update(type(each).__name__ for said, _, _ in world.steps if isinstance(said, tuple) for each in said)
    assert {*Move, "Stray", "Rejected"} - {Move.ALERT} <= set(met), met
