"""The order manager under whatever a venue, a wire and a process can do to it."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.order_world import LIMITS, PATIENCE, World
from tests.unit.execution.orders import RUN
from tradsys.core.orders import TERMINAL
from tradsys.execution.order_life import TrackedState
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.throttle import Throttle
from tradsys.execution.venue_limits import DAY, MINUTE, SECOND, VenueLimits, for_entries

STEPS = st.lists(st.tuples(st.integers(0, 17), st.integers(0, 999)), max_size=120)


def _steps(seed: int) -> list[tuple[int, int]]:
    """A long run; hypothesis alone prefers short ones."""
    chance = random.Random(seed)
    return [(chance.randrange(18), chance.randrange(1000)) for _ in range(chance.randint(50, 300))]


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_sent_once_booked_once_and_nothing_that_the_engine_could_not_take(steps: list[tuple[int, int]]) -> None:
    _check(steps)


@pytest.mark.parametrize("seed", range(200))
def test_the_same_over_long_runs(seed: int) -> None:
    _check(_steps(seed))


def _check(steps: list[tuple[int, int]]) -> None:
    world = World()
    for kind, choice in steps:
        world.act(kind, choice)
    world.rest()
    assert set(world.placed.values()) <= {1}
    trades = world.venue.trades.values()
    assert world.desk.position == sum(row.side * row.quantity for row in trades)
    _nothing_is_open_that_the_venue_does_not_have(world)
    _never_too_many(world)


def _nothing_is_open_that_the_venue_does_not_have(world: World) -> None:
    working = {order.venue_id for order in world.venue.orders.values() if order.open}
    tracked = {each.venue_id for each in world.made.live if each.state is not TrackedState.ASLEEP}
    assert tracked | set(world.made.external) == working
    live = {number for number, state in world.desk.states.items() if state not in TERMINAL}
    assert live == {each.order.order_id for each in world.made.live}


def _never_too_many(world: World) -> None:
    for entries, size in (
        *(((False, True), size) for size in (LIMITS.per_second,)),
        ((True,), for_entries(LIMITS.per_second)),
    ):
        recent: deque[int] = deque()
        for at, entry in world.left:
            if entry in entries:
                recent.append(at)
                while recent[0] <= at - SECOND:
                    recent.popleft()
                assert len(recent) <= size


@pytest.mark.parametrize("seed", range(60))
def test_a_restored_tracker_goes_on_as_the_other(seed: int) -> None:
    steps = _steps(seed)
    cut = len(steps) // 2
    one, other = World(), World()
    for number, (kind, choice) in enumerate(steps):
        if number == cut:
            state = other.made.state()
            other.made = OrderTracker(run=RUN, limits=LIMITS, patience=PATIENCE)
            other.made.restore(state)
            assert other.made.state() == state
        one.act(kind, choice)
        other.act(kind, choice)
        assert one.outputs[-1] == other.outputs[-1]
    assert one.outputs == other.outputs
    assert one.made.state() == other.made.state()


@given(st.lists(st.tuples(st.integers(0, 2 * SECOND), st.booleans()), max_size=200), st.integers(2, 6))
def test_no_window_holds_more_than_its_limit(asked: list[tuple[int, bool]], size: int) -> None:
    limits = VenueLimits(per_second=size, per_minute=4 * size, per_day=60, jitter=0)
    throttle, at, left = Throttle(limits), 0, list[tuple[int, bool]]()
    for number, (gap, entry) in enumerate(asked):
        at += gap
        if number == len(asked) // 2:
            state, throttle = throttle.state(), Throttle(limits)
            throttle.restore(state)
        if throttle.free_at(entry=entry) <= at:
            throttle.count(entry=entry, at=at)
            left.append((at, entry))
    for span, most in ((SECOND, size), (MINUTE, 4 * size), (DAY, 60)):
        for begin, _ in left:
            within = [entry for when, entry in left if begin <= when < begin + span]
            assert len(within) <= most and sum(within) <= for_entries(most)


@pytest.mark.parametrize(("limit", "entries"), [(2, 1), (3, 2), (10, 7), (50, 35), (400, 280)])
def test_three_tenths_are_kept_for_exits(limit: int, entries: int) -> None:
    assert for_entries(limit) == entries


def test_entries_stop_at_nine_tenths_of_a_day() -> None:
    throttle = Throttle(VenueLimits(per_second=100, per_minute=100, per_day=100, jitter=0))
    sent: list[Any] = []
    for number in range(100):
        at = number * MINUTE
        entry = throttle.free_at(entry=True) <= at and number >= 60
        throttle.count(entry=entry, at=at)
        sent.append(entry)
    assert sent.count(True) == 30 and not any(sent[90:])
    assert throttle.free_at(entry=False) > 99 * MINUTE
