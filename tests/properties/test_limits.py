"""No order that passes breaks a limit, and none is refused that would have kept it: the log counted again."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import MONDAY, Case, Row, Scripted, conserve, minutes, run, scripted
from tradsys.core.errors import ConfigError
from tradsys.core.events import (
    Approved,
    Bar,
    Cancelled,
    CancelRequested,
    Entry,
    Expired,
    Fill,
    Order,
    Refused,
    Rejected,
)
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Check, Claim
from tradsys.core.units import DAY, MINUTE, SCALE, SECOND
from tradsys.engine.assemble import Prepared

LIMITS: dict[str, list[float]] = {
    "position": [20, 50],
    "position_value": [3_000, 8_000],
    "order_value": [1_000, 2_500],
    "order_quantity": [8, 20],
    "open_value": [3_000, 6_000],
    "orders_per_second": [2, 4],
    "orders_per_minute": [3, 6],
    "duplicate_seconds": [60, 120],
    "trades_per_day": [5, 20],
    "repeated_executions": [2, 3],
}
ALL = {
    **LIMITS,
    "leverage": [0.2, 0.5, 1.0],
    "daily_loss": [20.0, 200.0],
    "price_collar": [0.01, 0.03],
    "concentration": [0.1, 0.3],
}
SCOPES = ("account", "strategies", "instruments", "segments")
NAMES = {"strategies": "first", "instruments": "NSE:A", "segments": "equity"}
ENDS = (Cancelled, Expired, Rejected)


def walk(chance: random.Random, *, start: float) -> list[Row]:
    """Two days of minutes."""
    rows: list[Row] = []
    price = start
    for day in (MONDAY, MONDAY.replace(day=4)):
        prices = []
        for _ in range(15):
            price = round(max(price * chance.uniform(0.97, 1.03), 1.0) * 20) / 20
            prices.append((price, round(price * 1.01, 2), round(price * 0.99, 2), price))
        rows += minutes(day, [[round(each * 20) / 20 for each in row] for row in prices])
    return rows


def wishes(chance: random.Random, strategy: Scripted, bar: Bar) -> Iterator[Any]:
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        send = strategy.buy if chance.random() < 0.55 else strategy.sell
        quantity = chance.choice([1, 5, 5, 5, 10, 15])
        kind = chance.random()
        if kind < 0.4:
            yield send(bar, quantity)
        elif kind < 0.8:
            yield send(bar, quantity, limit=round(bar.close * chance.choice([0.97, 1.0, 1.03]) * 20) / 20)
        else:
            yield strategy.cancel(bar)


def written(chosen: dict[tuple[str, str], float]) -> dict[str, Any]:
    """As a run file has them."""
    limits: dict[str, Any] = {}
    for (name, scope), value in chosen.items():
        place = limits if scope == "account" else limits.setdefault(scope, {}).setdefault(NAMES[scope], {})
        place[name] = int(value) if name.startswith(("orders", "trades", "repeated")) else float(value)
    return limits


def random_run(folder: Path, seed: int, limits: dict[str, Any]) -> Prepared:
    chance = random.Random(seed)
    made = []
    for name in ("first", "second"):

        def on_bar(strategy: Scripted, bar: Bar, account: Any) -> Iterator[Any]:
            return wishes(random.Random(f"{seed}{strategy.script}{bar.at}{bar.instrument}"), strategy, bar)

        made.append(scripted(name, on_bar, use="Listening", product=chance.choice(["CNC", "MIS"])))
    bars = {"NSE:A": walk(chance, start=100.0), "NSE:B": walk(chance, start=300.0)}
    sections: dict[str, dict[str, Any]] = {"risk": {"limits": limits}, "run": {"cash": 20_000.0}}
    return Case(folder, bars, made, sections=sections).prepare()


class Oracle:
    """Every measure worked out from lists, each time anew."""

    def __init__(self, limits: dict[tuple[str, str], float]) -> None:
        self.limits = limits
        self.live: dict[int, tuple[Order, int, int, int]] = {}
        self.held: dict[tuple[str, str], int] = defaultdict(int)
        self.sent: list[tuple[int, Order]] = []
        self.opened: list[Order] = []
        self.executed: list[Order] = []
        self.executed_at: list[tuple[int, Order]] = []
        self.latched: set[tuple[str, str]] = set()
        self.orders: dict[int, Order] = {}
        self.broken: list[str] = []

    def within(self, scope: str, order: Order) -> bool:
        name = {"strategies": order.strategy, "instruments": order.instrument}.get(scope)
        return name is None or name == NAMES[scope]

    def judged(self, order: Order, claim: Claim, refused: str) -> None:
        for (name, scope), limit in self.limits.items():
            if claim.opening <= 0 or not self.within(scope, order):
                continue
            keeps = self.keeps(name, scope, limit, order, claim)
            rule = RULES[name]
            if refused == "" and not keeps:
                self.broken.append(f"{rule} let {order} pass")
            if refused == rule and name not in SHARED and keeps and self.alone(name):
                self.broken.append(f"{rule} refused {order}")
        if refused == "repeated-execution":
            self.latched.add((order.strategy, order.instrument))

    def alone(self, name: str) -> bool:
        """No other scope has this limit."""
        return sum(1 for each, _ in self.limits if each == name) == 1

    def keeps(self, name: str, scope: str, limit: float, order: Order, claim: Claim) -> bool:
        price = max(claim.price, order.limit, order.trigger)
        others = [each for each in self.live.values() if self.within(scope, each[0])]
        if name in ("position", "position_value"):
            whose = order.strategy if scope == "strategies" else None
            live = [(o, left) for o, left, *_ in self.live.values() if o.instrument == order.instrument]
            working = sum(left for o, left in live if o.side is order.side and whose in (None, o.strategy))
            held = sum(q for (s, i), q in self.held.items() if i == order.instrument and whose in (None, s))
            units = order.side * held + working + order.quantity
            return (units if name == "position" else max(units, 0) * price / SCALE) <= limit * SCALE
        if name == "order_value":
            return claim.opening * price / SCALE <= limit * SCALE
        if name == "order_quantity":
            return order.quantity <= limit * SCALE
        if name == "open_value":
            whole = sum(opening * at for _, _, opening, at in others) + claim.opening * price
            return whole / SCALE <= limit * SCALE
        if name in ("orders_per_second", "orders_per_minute"):
            window = SECOND if name == "orders_per_second" else MINUTE
            sent = [at for at, each in self.sent if self.within(scope, each) and at > order.at - window]
            return len(sent) + 1 <= limit
        if name == "duplicate_seconds":
            before = [each.at for each in self.orders.values() if same(each) == same(order)]
            return not before or day(before[-1]) != day(order.at) or order.at - before[-1] >= limit * SECOND
        if name == "trades_per_day":
            return len([o for o in self.opened if self.within(scope, o) and day(o.at) == day(order.at)]) + 1 <= limit
        return (order.strategy, order.instrument) not in self.latched and self.in_a_row(order) + 1 <= limit

    def in_a_row(self, order: Order) -> int:
        waiting = [o for o, *_ in self.live.values() if o in self.opened and o not in self.executed]
        count = sum(1 for each in waiting if alike(each) == alike(order))
        for at, each in reversed(self.executed_at):
            if (each.strategy, each.instrument) == (order.strategy, order.instrument):
                if alike(each) != alike(order) or day(at) != day(order.at):
                    break
                count += 1
        return count

    def happened(self, entry: Entry, claims: dict[int, Claim]) -> None:
        body = entry.body
        if isinstance(body, Approved):
            order, claim = body.order, claims[body.order_id]
            price = max(claim.price, order.limit, order.trigger)
            self.live[order.order_id] = (order, order.quantity, claim.opening, price)
            self.orders[order.order_id] = order
            self.sent.append((order.at, order))
            if claim.opening:
                self.opened.append(order)
        elif isinstance(body, CancelRequested):
            self.sent.append((body.at, self.orders[body.order_id]))
        elif isinstance(body, Fill):
            self.held[body.strategy, body.instrument] += body.side * body.quantity
            order = self.orders[body.order_id]
            if order in self.opened and order not in self.executed:
                self.executed.append(order)
                self.executed_at.append((body.at, order))
            self.left(body.order_id, self.live[body.order_id][1] - body.quantity)
        elif isinstance(body, ENDS):
            self.left(body.order_id, 0)

    def left(self, order_id: int, remaining: int) -> None:
        order, _, opening, price = self.live.pop(order_id)
        if remaining:
            self.live[order_id] = (order, remaining, min(opening, remaining), price)
        elif order in self.opened and order not in self.executed:
            self.opened.remove(order)


def day(at: int) -> int:
    return (at + 330 * MINUTE) // DAY


def alike(order: Order) -> tuple[Any, ...]:
    return (order.strategy, order.instrument, order.side, order.quantity)


def same(order: Order) -> tuple[Any, ...]:
    return (order.strategy, order.instrument, order.product, order.side, order.quantity, order.type, order.limit)


RULES = {
    "position": "max-position",
    "position_value": "max-position-value",
    "order_value": "max-order-value",
    "order_quantity": "max-order-quantity",
    "open_value": "max-open-value",
    "orders_per_second": "order-rate",
    "orders_per_minute": "order-rate",
    "duplicate_seconds": "duplicate-order",
    "trades_per_day": "max-trades-day",
    "repeated_executions": "repeated-execution",
}
SHARED = ("orders_per_second", "orders_per_minute")


def check(prepared: Prepared, chosen: dict[tuple[str, str], float]) -> list[str]:
    claims: dict[int, Claim] = {}

    def told(check: Check, order: Order, instrument: Instrument, claim: Claim, refused: Refused | None) -> None:
        claims[order.order_id] = claim

    prepared.engine.gate.witness(told)
    run(prepared, watch=conserve)
    oracle = Oracle(chosen)
    for entry in prepared.backtest.log:
        if isinstance(entry.body, Approved):
            oracle.judged(entry.body.order, claims[entry.body.order_id], "")
        elif isinstance(entry.body, Refused) and entry.body.order is not None:
            oracle.judged(entry.body.order, claims[entry.body.order_id], entry.body.rule)
        oracle.happened(entry, claims)
    return oracle.broken


@given(st.integers(0, 10**9), st.sets(st.tuples(st.sampled_from(sorted(LIMITS)), st.sampled_from(SCOPES)), min_size=1))
@settings(max_examples=20, deadline=None)
def test_the_log_tells_the_same_as_the_gate(seed: int, picked: set[tuple[str, str]]) -> None:
    chance = random.Random(seed)
    chosen = {each: chance.choice(LIMITS[each[0]]) for each in sorted(picked)}
    limits = written(chosen)
    with TemporaryDirectory() as folder:
        assert check(random_run(Path(folder), seed, limits), chosen) == []


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_the_cases_reach_every_limit(tmp_path: Path, name: str) -> None:
    """Else the property above would say nothing of it."""
    value = min(LIMITS[name])
    limits = {name: int(value) if name.startswith(("orders", "trades", "repeated")) else float(value)}
    prepared = random_run(tmp_path, 7, limits)
    assert check(prepared, {(name, "account"): value}) == []
    assert any(isinstance(each.body, Refused) and each.body.rule == RULES[name] for each in prepared.backtest.log)


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_the_same_after_they_were_kept(tmp_path: Path, seed: int) -> None:
    limits = {
        name: int(max(values)) if name.startswith(("orders", "trades", "repeated")) else float(max(values))
        for name, values in LIMITS.items()
    }
    prepared = random_run(tmp_path / "one", seed, limits)
    limited, kept = prepared.engine.limited, 0
    assert limited is not None

    def restored(watched: Prepared, event: Any) -> None:
        nonlocal kept
        other = random_run(tmp_path / "other", seed, {"order_value": 1.0}).engine.limited if not kept % 40 else None
        kept += 1
        if other is not None:
            other.restore(limited.state(), watched.instruments)
            assert other.state() == limited.state() and other.limits.all == limited.limits.all

    run(prepared, watch=restored)
    assert kept > 60


@pytest.mark.parametrize("state", [b"", b"\x92\xc4\x01x\xc4\x01x", b"\xff"])
def test_bytes_that_are_no_counts_are_refused(tmp_path: Path, state: bytes) -> None:
    prepared = random_run(tmp_path, 1, {"order_value": 1.0})
    assert prepared.engine.limited is not None
    with pytest.raises(ConfigError, match="not a state"):
        prepared.engine.limited.restore(state, prepared.instruments)


@given(st.integers(0, 10**9), st.sets(st.tuples(st.sampled_from(sorted(ALL)), st.sampled_from(SCOPES)), min_size=1))
@settings(max_examples=20, deadline=None)
def test_looking_at_all_limits_at_once_says_what_each_says(seed: int, picked: set[tuple[str, str]]) -> None:
    chance = random.Random(seed)
    limits = written({each: chance.choice(ALL[each[0]]) for each in sorted(picked)})
    with TemporaryDirectory() as folder:
        one, other = (random_run(Path(folder) / name, seed, limits) for name in ("one", "other"))
        other.engine.gate.witness(lambda *told: None)
        logs = [run(each).backtest.log for each in (one, other)]
    assert logs[0] == logs[1]
