"""A snapshot and the events after it are the whole: every line, every order asked for, and the state at the end."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import Case
from tests.properties.test_engine import bar_venue, encoded, random_case
from tradsys.core.events import (
    Accepted,
    Approved,
    Bar,
    CancelRequested,
    CorporateAction,
    Entry,
    Fill,
    Phase,
    Product,
    SessionChange,
    Side,
    Stray,
    StrayKind,
    Tick,
    Unanswered,
)
from tradsys.core.orders import OrderState
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared
from tradsys.engine.duties import SQUARE_OFF
from tradsys.engine.schedule import Cutoff, Roll, Schedule
from tradsys.engine.trading.engine_state import can_snapshot, engine_state, restore_engine, state_hash
from tradsys.numerics.indicators import SMA, BollingerBands
from tradsys.strategies.base import Strategy
from tradsys.strategies.context import Context
from tradsys.strategies.parameters import Param

HERE = "tests.properties.test_engine_state"


class Remembering(Strategy):
    """Keeps something of every kind, and decides by all of it."""

    scope = "portfolio"
    length: int = Param(4, low=1, high=50)

    def on_start(self, ctx: Context) -> None:
        self.context = ctx
        self.means = {name: ctx.indicator(SMA(3), instrument=name) for name in ctx.instruments}
        self.bands = [ctx.indicator(BollingerBands(4), instrument=name) for name in ctx.instruments]
        self.chosen = self.means[ctx.instruments[0]]
        self.recent: deque[float] = deque(maxlen=self.length)
        self.days: set[int] = set()
        self.worst, self.best = math.nan, -math.inf
        self.last: dict[str, Bar] = {}
        self.seen = np.zeros(3)
        self.fill: Any = None
        self.tick: Tick | None = None
        self.huge = 3**60
        self.phase = Phase.CLOSED

    def on_session(self, change: SessionChange, account: Any) -> None:
        self.days.add(change.date)
        self.phase = change.phase

    def on_tick(self, tick: Tick, account: Any) -> Iterator[Any]:
        self.tick = tick
        if tick.last == tick.last:
            self.worst = tick.last if math.isnan(self.worst) else min(self.worst, tick.last)
            yield self.target(tick, len(self.recent), reason=f"tick {self.worst!r}")

    def on_fill(self, fill: Any, account: Any) -> None:
        self.fill, self.huge = fill, self.huge * 3 % 5**40

    def on_bar(self, bar: Bar, account: Any) -> Iterator[Any]:
        self.account = account
        before = self.last.get(bar.instrument)
        self.last[bar.instrument] = bar
        self.recent.append(bar.close)
        self.seen[len(self.days) % 3] += bar.volume
        self.chosen = self.means[bar.instrument] if self.seen.sum() % 2 else self.chosen
        price = before.close if before else math.nan
        said = f"{self.chosen.value!r} {self.bands[0].upper!r} {price!r} {self.huge} {self.worst!r} {self.seen.sum()!r}"
        if bar.close > sum(self.recent) / len(self.recent):
            yield self.target(bar, len(self.days) * 3 + (self.fill is not None), reason=said)
        else:
            yield self.signal(bar, 0.0, reason=said)


class Failing(Strategy):
    """Raises at its twentieth bar, with orders working; what it holds then could not be kept."""

    def on_start(self, ctx: Context) -> None:
        self.n = 0

    def on_bar(self, bar: Bar, account: Any) -> Iterator[Any]:
        self.n += 1
        yield self.buy(bar, 1, limit=bar.close * 0.9, validity="GTC", product="CNC")
        if self.n == 20:
            self.left = iter(())
            raise ValueError("enough")


@dataclass
class Step:
    """One input, and what came of it."""

    given: Any
    entries: bytes
    asked: list[Approved | CancelRequested]


def take(prepared: Prepared, given: Any) -> Step:
    """Give an engine one input, as a live process does: a time, what the venue said, or a market event."""
    engine = prepared.engine
    engine.outbox.clear()
    entries: list[Entry] = []
    if isinstance(given, int):
        for due in schedule_of(prepared).before(given):
            if type(due) is Cutoff:
                prepared.backtest._cutoffs[due.exchange] = due.until
            elif type(due) is Roll:
                entries += engine.roll(near=due.near, far=due.far, at=due.at)
            else:
                entries += engine.process(due)
    else:
        entries += engine.hear(given) if isinstance(given, tuple) else engine.process(given)
    return Step(given, encoded(entries), list(engine.outbox))


def schedule_of(prepared: Prepared) -> Schedule:
    return prepared.backtest._schedule


def state_of(prepared: Prepared) -> bytes:
    return engine_state(prepared.engine, schedule=schedule_of(prepared), cutoffs=prepared.backtest._cutoffs)


def restored(case: Case, state: bytes) -> Prepared:
    fresh = case.prepare(stepped=True)
    restore_engine(fresh.engine, schedule=schedule_of(fresh), cutoffs=fresh.backtest._cutoffs, state=state)
    return fresh


@dataclass
class Live:
    """Drives a run as a live process does: the venue's answers are inputs of their own, some of them odd."""

    prepared: Prepared
    chance: random.Random
    after: Callable[[int], None] = lambda number: None
    steps: list[Step] = field(default_factory=list)
    said: deque[Any] = field(default_factory=deque)

    def run(self) -> None:
        """Every bar, and everything due before each."""
        venue, before = bar_venue(self.prepared), defaultdict[str, int](int)
        feed = self.prepared.backtest._bar_feed  # type: ignore[attr-defined]
        for bar in feed.bars(slice(0, len(feed))):
            while schedule_of(self.prepared).next_at < bar.at:
                self.clock()
            if bar.instrument in venue.working:
                self.tell(venue.match(bar, before[bar.instrument]))
            before[bar.instrument] = bar.exchange_at
            self.give(bar)
            if self.chance.random() < 0.1:
                self.give(self.tick(bar))
            if self.chance.random() < 0.02:
                self.give((self.stray(bar),))

    def clock(self) -> None:
        schedule, venue = schedule_of(self.prepared), bar_venue(self.prepared)
        at, past = schedule.next_at, schedule.past
        self.give(at + 1)
        for due in schedule.first(schedule.past)[past:]:
            if isinstance(due, SessionChange | CorporateAction):
                for name, market in self.prepared.engine.markets.items():
                    venue.set_reference(name, market.previous_close, at=at)
            if isinstance(due, SessionChange) and due.phase is Phase.CLOSED:
                for live in list(self.prepared.engine.working.values()):
                    if live.order.reason == SQUARE_OFF:
                        price = self.prepared.engine.markets[live.order.instrument].price
                        self.tell(venue.close_out(live.order.order_id, price=price, at=at))
                self.tell(venue.expire(at=at, exchange=due.exchange))

    def tell(self, events: Sequence[Any]) -> None:
        """What the venue said, each a step of its own in its turn; now and then it says nothing first."""
        waiting = bool(self.said)
        self.said.extend(events)
        while self.said and not waiting:
            each = self.said[0]
            live = self.prepared.engine.working.get(each.order_id)
            if live and live.state is OrderState.APPROVED and type(each) is Accepted and self.chance.random() < 0.2:
                self.give((Unanswered(at=each.at, order_id=each.order_id, reason="silence"),))
            self.give((each,))
            self.said.popleft()

    def give(self, given: Any) -> None:
        venue = bar_venue(self.prepared)
        step = take(self.prepared, given)
        self.steps.append(step)
        self.after(len(self.steps))
        for asked in step.asked:
            if isinstance(asked, Approved):
                self.tell(venue.submit(asked))
            else:
                self.tell(venue.cancel(asked.order_id, at=asked.at, reason=asked.reason))

    def tick(self, bar: Bar) -> Tick:
        last = math.nan if self.chance.random() < 0.3 else round(bar.close * self.chance.uniform(0.99, 1.01), 2)
        return Tick(bar.at + 1, bar.at + 1, bar.instrument, last, 1.0, math.nan, 0.0, math.nan, 0.0, 0.0)

    def stray(self, bar: Bar) -> Stray:
        fill = Fill(
            at=bar.at,
            order_id=0,
            exchange_at=bar.at,
            strategy="by hand",
            instrument=bar.instrument,
            side=Side.BUY,
            quantity=SCALE,
            price=round(bar.close) * SCALE,
            product=Product.CNC,
        )
        return Stray(at=bar.at, order_id=0, kind=StrayKind.EXTERNAL, fill=fill)


SHIPPED: list[dict[str, Any]] = [
    {"use": "ema_trend", "params": {"fast": 2, "slow": 5, "shorts": True}, "product": "MIS"},
    {"use": "bollinger_rsi", "params": {"period": 5, "deviations": 0.5, "rsi_period": 2, "oversold": 50.0}},
    {"use": "donchian_breakout", "params": {"entry": 3, "exit": 2}},
    {"use": "opening_range", "params": {"minutes": 5, "risk": 0.05}, "product": "MIS"},
]


def lively(folder: Path, seed: int) -> Case:
    """Random orders of every kind beside strategies that ship, one that remembers and one that fails."""
    case = random_case(folder, seed)
    mine = [{"use": f"{HERE}:Remembering", "product": "CNC"}, {"use": f"{HERE}:Failing", "product": "CNC"}]
    case.strategies = [*case.strategies, *mine, *SHIPPED]
    if seed % 3 == 1:
        case.sections = {**case.sections, "risk": {"sell_unsettled": False}}
    if seed % 2:
        case.sections["run"]["from"] = "2024-06-03T09:20:00+05:30"  # type: ignore[index]  # a dict, and a warm start
    return case


@given(st.integers(0, 10**9))
@settings(max_examples=6)
def test_a_snapshot_and_the_tail_are_the_whole(seed: int) -> None:
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        case = lively(Path(folder), seed)
        prepared, states = case.prepare(stepped=True), dict[int, bytes]()

        def keep(number: int) -> None:
            if chance.random() < 0.03:
                states[number] = state_of(prepared)

        live = Live(prepared, chance, after=keep)
        live.run()
        whole = state_of(prepared)
        for cut in chance.sample(sorted(states), min(6, len(states))):
            again = restored(case, states[cut])
            assert state_of(again) == states[cut]
            for step in live.steps[cut:]:
                assert take(again, step.given) == step
            again.ledger.check()
            assert state_of(again) == whole


def test_the_cuts_meet_everything(tmp_path: Path) -> None:
    """At some of the places where these runs can be cut there is an order of every kind and state, and a halt."""
    met: set[str] = set()
    for seed in range(3):
        prepared = lively(tmp_path, seed).prepare(stepped=True)

        def look(number: int, prepared: Prepared = prepared) -> None:
            engine = prepared.engine
            for each in engine.working.values():
                met.update((each.state, each.order.type, each.order.product, each.order.validity))
                met.update(name for name in ("parent", "group", "reason") if getattr(each.order, name))
                met.add("withdrawn" if not (each.offers or each.order.parent or each.order.group) else "offers")
            met.update("halted" for each in engine.runners if each.halted)
            met.update(type(each).__name__ for each in engine.outbox)
            met.add("lent" if engine.parts[2].standing.borrows else "paid")

        live = Live(prepared, random.Random(seed), after=look)
        live.run()
        met.update(
            word for step in live.steps for word in ("Stray", "CorporateAction") if word.encode() in step.entries
        )
    expected = (
        "approved unknown open partly_filled MARKET LIMIT SL SL-M TRAILING MIS CNC DAY IOC GTC parent group reason"
    )
    assert {*expected.split(), "withdrawn", "offers", "halted", "Approved", "CancelRequested", "lent"} <= met
    assert {"Stray", "CorporateAction"} <= met


CHILD = f"""
import sys, random
from pathlib import Path
from {HERE} import Live, lively, schedule_of
from tradsys.engine.trading.engine_state import state_hash
prepared = lively(Path(sys.argv[1]), 7).prepare(stepped=True)
Live(prepared, random.Random(7)).run()
print(state_hash(prepared.engine, schedule=schedule_of(prepared), cutoffs=prepared.backtest._cutoffs))
"""


def test_other_hash_seeds_give_the_same_state(tmp_path: Path, repository: Path) -> None:
    found = set()
    for seed in ("0", "424242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(repository)}
        command = [sys.executable, "-c", CHILD, str(tmp_path)]
        done = subprocess.run(command, env=environment, cwd=repository, capture_output=True, text=True, check=True)
        found.add(done.stdout.strip())
    assert len(found) == 1 and len(found.pop()) == 64


@pytest.mark.parametrize("seed", [3, 4])
def test_every_event_changes_the_state_or_says_nothing(tmp_path: Path, seed: int) -> None:
    """The hash tells states apart: an input that led to a line of the log led to another state."""
    prepared = lively(tmp_path, seed).prepare(stepped=True)
    hashes: list[str] = []

    def keep(number: int) -> None:
        if number < 150:
            cutoffs = prepared.backtest._cutoffs
            hashes.append(state_hash(prepared.engine, schedule=schedule_of(prepared), cutoffs=cutoffs))

    live = Live(prepared, random.Random(seed), after=keep)
    live.run()
    assert can_snapshot(prepared.engine) == ""
    for number in range(1, 149):
        assert hashes[number] != hashes[number - 1] or not live.steps[number].entries
