"""The driver of compiled strategies: what it takes, what it refuses, and that it goes on where room runs out."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from tests.recorded import TICK, random_ticks, rows_of
from tradsys.core.errors import ConfigError, DataError, StrategyError
from tradsys.core.units import SCALE
from tradsys.exchange.models import PercentBand
from tradsys.exchange.queue_models import Proportional
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.exchange.recorded_replay import replay_ticks
from tradsys.numerics.kernels.tick_requests import send_limit, send_market, withdraw
from tradsys.numerics.tick_replay import replay, tick_rows
from tradsys.numerics.tick_replay_layout import FILLED, WITHDRAW, WITHDRAWN

NAN = np.nan


def rows(**columns: list[float]) -> Any:
    """Ticks a microsecond apart; what is not named is not said."""
    count = len(next(iter(columns.values())))
    at = np.arange(1, count + 1) * 1000
    names = ("last", "last_quantity", "bid", "bid_quantity", "ask", "ask_quantity")
    said = {name: np.array(columns.get(name, [NAN] * count), float) for name in names}
    return tick_rows(at=at, exchange_at=at, **said, tick=TICK, lot=SCALE)


@numba.njit
def buy_then_note(tick, account, requests, state):  # type: ignore[no-untyped-def]  # numba infers the types
    """Buys 3 at market on the first tick; notes position and what is open on every tick."""
    if account.sent == 0:
        send_market(account, requests, 1, 3)
    else:
        place = 2 * (account.sent + int(state[0]))
        state[place], state[place + 1] = account.position, requests[0].open
        state[0] += 1


def test_a_step_learns_of_its_fills_as_they_are_heard() -> None:
    quoted = rows(ask=[10.0] * 4, ask_quantity=[2, 2, 2, 3], bid=[9.9] * 4, bid_quantity=[1.0] * 4)
    response = np.array([0, 0, 1, 1500], np.int64)
    done = replay(buy_then_note, quoted, state=np.zeros(16), response=response)
    assert done.reports[["kind", "price", "quantity", "exchange_at", "at"]].tolist() == [
        (FILLED, 1000, 2, 1000, 2500),
        (FILLED, 1000, 1, 4000, 5500),
    ]
    assert done.state[2:8].tolist() == [0, 3, 2, 1, 2, 1]
    assert done.position == 2


@numba.njit
def spam(tick, account, requests, state):  # type: ignore[no-untyped-def]
    """As many orders a tick as state says, each withdrawn on the next tick."""
    before = account.sent
    for number in range(before - int(state[1]), before):
        if number >= 0 and requests[number].action != WITHDRAW:
            withdraw(account, requests, number)
    state[1] = 0
    for _ in range(int(state[0])):
        state[1] += 1
        send_limit(account, requests, 1, 1, 1)


def test_room_grows_as_it_is_needed() -> None:
    many = rows(bid=[9.9] * 2000, bid_quantity=[1.0] * 2000)
    done = replay(spam, many, state=np.array([20.0, 0.0]))
    assert len(done.requests) == 2000 * 40 - 20
    assert (done.reports["kind"] == WITHDRAWN).sum() == 1999 * 20
    assert (done.requests["action"] == WITHDRAW).sum() == 1999 * 20


def test_too_many_requests_on_one_tick_are_an_error() -> None:
    with pytest.raises(StrategyError, match="too many requests"):
        replay(spam, rows(bid=[9.9], bid_quantity=[1.0]), state=np.array([65.0, 0.0]))
    assert len(replay(spam, rows(bid=[9.9], bid_quantity=[1.0]), state=np.array([64.0, 0.0])).requests) == 64


def test_a_step_must_be_compiled_and_return_nothing() -> None:
    with pytest.raises(StrategyError, match="must be compiled"):
        replay(lambda *four: None, rows(bid=[1.0], bid_quantity=[1.0]), state=np.zeros(1))
    with pytest.raises(StrategyError, match="returns nothing"):
        replay(returns_a_number, rows(bid=[1.0], bid_quantity=[1.0]), state=np.zeros(1))


@numba.njit
def returns_a_number(tick, account, requests, state):  # type: ignore[no-untyped-def]
    """Not a step."""
    return 1


def test_rows_say_what_the_ticks_say() -> None:
    made = rows(
        last=[NAN, 10.1, 10.0, 10.05, 10.05],
        last_quantity=[NAN, 2, 3, 4, 0],
        bid=[10.0, NAN, 0.0, 10.0, 10.0],
        bid_quantity=[5, NAN, 0, NAN, 6],
        ask=[10.1, NAN, 10.1, 10.1, 10.1],
        ask_quantity=[5, 1, 0, 2, 2],
    )
    assert made["quantity"].tolist() == [0, 2, 3, 4, 0]
    assert made["aggressor"].tolist() == [0, 1, -1, 0, 0]
    assert made["bid"].tolist() == [1000, -1, 0, -1, 1000]
    assert made["ask"].tolist() == [1010, -1, 0, 1010, 1010]


def test_a_repeated_volume_is_no_new_trade() -> None:
    columns = random_ticks(5, 500)
    made = rows_of(columns)
    repeated = np.flatnonzero(columns["volume"][1:] == columns["volume"][:-1]) + 1
    assert len(repeated) > 50
    assert not made["quantity"][repeated].any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"last": [10.001]}, "off the grid"),
        ({"bid_quantity": [1.5]}, "off the grid"),
        ({"bid": [1.0, 2.0]}, "differ in length"),
    ],
)
def test_what_cannot_be_replayed_is_refused(change: dict[str, list[float]], says: str) -> None:
    columns = {
        name: np.array([10.0]) for name in ("last", "last_quantity", "bid", "bid_quantity", "ask", "ask_quantity")
    }
    columns |= {name: np.array(values) for name, values in change.items()}
    at = np.array([1])
    with pytest.raises(DataError, match=says):
        tick_rows(at=at, exchange_at=at, **columns, tick=TICK, lot=SCALE)


def test_ticks_must_be_in_the_order_they_were_heard() -> None:
    columns = random_ticks(1, 10)
    columns["at"] = columns["at"][::-1]
    with pytest.raises(DataError, match="order they were heard"):
        rows_of(columns)


def test_models_that_are_not_compiled_are_refused() -> None:
    class Own:
        def __call__(self, lots: float) -> float:
            return lots

        def describe(self) -> str:
            return "mine"

    for models in (RecordedModels(band=PercentBand(1)), RecordedModels(queue=Proportional(Own()))):
        with pytest.raises(ConfigError):
            replay_ticks(spam, rows(bid=[1.0], bid_quantity=[1.0]), models=models, state=np.zeros(2))
