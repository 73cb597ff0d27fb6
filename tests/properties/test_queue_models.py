"""Laws of the queue models: the truth lies at or before what the careful one says, shares lie between the extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import NAME, Trader
from tradsys.core.units import SCALE
from tradsys.exchange.queue_models import (
    FirstInFirstOut,
    Logarithm,
    Power,
    Proportional,
    QueueModel,
    RiskAverse,
    Weight,
)
from tradsys.exchange.recorded_events import ChangeKind, OrderChange
from tradsys.exchange.recorded_models import RecordedModels

lots = st.integers(0, 10_000)
weights = st.one_of(st.just(Logarithm()), st.floats(0.1, 8).map(Power))


@given(lots, lots, st.data(), weights)
def test_a_share_lies_between_none_and_all(front: int, back: int, data: st.DataObject, weight: Weight) -> None:
    gone = data.draw(st.integers(0, front + back))
    ahead, level = front * SCALE, (front + back) * SCALE
    careful = RiskAverse().advance(ahead, level=level, gone=gone * SCALE, lot=SCALE)
    shared = Proportional(weight).advance(ahead, level=level, gone=gone * SCALE, lot=SCALE)
    assert max(ahead - gone * SCALE, 0) <= shared <= careful == min(ahead, level - gone * SCALE)
    assert shared % SCALE == 0


@given(lots, lots, st.data())
def test_the_even_share_is_the_ratio_of_lengths(front: int, back: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, front + back))
    shared = Proportional().advance(front, level=front + back, gone=gone, lot=1)
    exact = front - gone * front / (front + back) if front else 0
    assert exact - 1e-6 <= shared <= exact + 1


@given(lots, lots, st.data())
def test_a_heavier_exponent_takes_from_the_longer_part(front: int, back: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, front + back))
    even, heavy = (
        Proportional(Power(exponent)).advance(front, level=front + back, gone=gone, lot=1) for exponent in (1.0, 3.0)
    )
    assert heavy <= even if front >= back else heavy >= even


def random_book(seed: int, count: int) -> list[OrderChange]:
    """Orders on one bid level that come, shrink, leave and trade from the head: first in, first out."""
    draw, queue, events, number = np.random.default_rng(seed), list[list[int]](), list[OrderChange](), 0
    for at in range(1, count):
        choice = draw.random()
        if choice < 0.45 or len(queue) < 3:
            number += 1
            queue.append([number, int(draw.integers(1, 9))])
            kind, (name, quantity) = ChangeKind.ADD, queue[-1]
        elif choice < 0.75:
            name, quantity = queue.pop(int(draw.integers(len(queue))))
            kind = ChangeKind.DELETE
        else:
            place = 0 if choice < 0.9 else int(draw.integers(len(queue)))
            quantity = int(draw.integers(1, queue[place][1] + 1))
            name = queue[place][0]
            kind = ChangeKind.EXECUTE if place == 0 and choice < 0.9 else ChangeKind.REDUCE
            queue[place][1] -= quantity
            if not queue[place][1]:
                queue.pop(place)
        events.append(OrderChange(at, at, NAME, kind, name, 1, 10.0, float(quantity)))
    return events


@pytest.mark.parametrize("seed", range(25))
def test_the_careful_model_never_fills_before_the_exact_one(seed: int) -> None:
    """Also: the exact one says how much of the queue at our arrival is still there, order by order."""
    events = random_book(seed, 240)
    models: list[QueueModel] = [RiskAverse(), Proportional(), Proportional(Logarithm()), FirstInFirstOut()]
    traders = [Trader(RecordedModels(queue=model)) for model in models]
    there: set[int] = set()
    for place, event in enumerate(events):
        for trader in traders:
            trader.see(event)
        exact = traders[-1].venue._desks[NAME]
        if place == 60:
            there = set(exact.ladders[1].orders)
            for trader in traders:
                trader.send(1, 25, at=event.at, limit=10.0)
        filled = [sum(quantity for _, quantity, _ in trader.fills()) for trader in traders]
        assert filled[0] <= min(filled[1:])
        if exact.resting[1]:
            live = exact.resting[1][0]
            assert live.ahead == sum(exact.ladders[1].orders[each][1] for each in there & set(exact.ladders[1].orders))
            assert all(trader.venue._desks[NAME].resting[1][0].ahead >= live.ahead for trader in traders[:1])
    assert there
    assert sum(quantity for _, quantity, _ in traders[-1].fills()) > 0
