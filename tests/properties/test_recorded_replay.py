"""The compiled replay of ticks gives the fills of the venue in Python, under every model."""

from __future__ import annotations

import numpy as np
import pytest

from tests.recorded import TICK, Trader, churn, churn_in_python, random_ticks, rows_of, ticks_of
from tradsys.core.events import Cancelled, Fill
from tradsys.core.units import SCALE
from tradsys.exchange.latency_models import ConstantLatency, Latency, lognormal, recorded
from tradsys.exchange.queue_models import FirstInFirstOut, Logarithm, Power, Proportional, QueueModel, RiskAverse
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.exchange.recorded_replay import replay_ticks
from tradsys.numerics.tick_replay import Replayed
from tradsys.numerics.tick_replay_layout import FILLED, WITHDRAW

QUEUES: list[QueueModel] = [
    RiskAverse(),
    FirstInFirstOut(),
    Proportional(Power(1.0)),
    Proportional(Power(2.5)),
    Proportional(Logarithm()),
]


def latencies(seed: int) -> list[Latency]:
    columns = random_ticks(seed, 400)
    return [
        ConstantLatency(),
        ConstantLatency(1500),
        lognormal(median=900, spread=1.2, least=100, seed=seed),
        recorded(exchange_at=columns["exchange_at"].tolist(), at=columns["at"].tolist(), scale=2.0),
    ]


def told(trader: Trader, *, before: int) -> list[tuple[int, ...]]:
    """Fills and withdrawals that the venue told of, in ticks and lots."""
    found: list[tuple[int, ...]] = []
    for each in trader.heard:
        if type(each) is Fill and each.at < before:
            exact = (each.price // TICK, each.quantity // SCALE, each.exchange_at, each.at, int(each.maker))
            found.append((each.order_id, *exact))
        elif type(each) is Cancelled and each.at < before:
            found.append((each.order_id, each.remaining // SCALE, each.at))
    return found


def reported(done: Replayed, *, before: int) -> list[tuple[int, ...]]:
    """The same of the compiled path, whose requests count withdrawals too."""
    order_ids = np.cumsum(done.requests["action"] != WITHDRAW)
    found: list[tuple[int, ...]] = []
    for kind, request, *rest in done.reports[done.reports["at"] < before].tolist():
        price, quantity, exchange_at, at, maker = rest
        order_id = int(order_ids[request])
        fill = (order_id, price, quantity, exchange_at, at, maker)
        found.append(fill if kind == FILLED else (order_id, quantity, at))
    return found


@pytest.mark.parametrize("seed", range(48))
def test_compiled_and_in_python_give_the_same_reports(seed: int) -> None:
    """Crowded with orders at first, then with so few that most ticks touch none."""
    count, every = (2500, 1 + seed % 5) if seed < 40 else (20_000, 61)
    columns = random_ticks(seed, count)
    models = RecordedModels(
        queue=QUEUES[seed % 5], entry=latencies(seed)[seed % 4], response=latencies(seed + 1)[(seed // 4) % 4]
    )
    trader = Trader(models)
    churn_in_python(trader, ticks_of(columns), every=every)
    done = replay_ticks(churn, rows_of(columns), models=models, state=np.array([0.0, every]))

    last = int(columns["exchange_at"].max())
    assert told(trader, before=last) == reported(done, before=last)
    assert len([each for each in done.reports if each["kind"] == FILLED]) > 50
