"""An author's own function as an indicator: with a step it runs live, without one it says so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tradsys.core.errors import ConfigError, DataError, UnknownName
from tradsys.numerics.indicators import Custom

Array = npt.NDArray[np.float64]

MATRIX = np.random.default_rng(3).uniform(90.0, 110.0, (5, 40))


def change(close: Array) -> Array:
    return np.concatenate(([math.nan], np.diff(close)))


def change_step(memory: dict[str, Any], close: float) -> float:
    before: float = memory.get("close", math.nan)
    memory["close"] = close
    return close - before


def test_function_and_step_agree_and_restart() -> None:
    own = Custom(function=change, warmup=1, step=change_step)
    own.check_parity(MATRIX)
    first, second = own.stepper(), own.stepper()
    first.step(open=1.0, high=1.0, low=1.0, close=5.0, volume=0.0)
    second.restore(first.state())
    assert second.step(open=1.0, high=1.0, low=1.0, close=7.5, volume=0.0).tolist() == [2.5]
    assert first.step(open=1.0, high=1.0, low=1.0, close=4.0, volume=0.0).tolist() == [-1.0]


def test_a_step_that_differs_is_named_with_its_bar() -> None:
    own = Custom(function=change, warmup=1, step=lambda memory, close: 0.0)
    with pytest.raises(ConfigError, match=r"Custom\(change\): at bar 0 the function gives \[nan\], the step \[0.0\]"):
        own.check_parity(MATRIX)


def test_many_rows_and_outputs() -> None:
    own = Custom(
        function=lambda high, low: (high - low, high + low),
        step=lambda memory, high, low: (high - low, high + low),
        inputs="high_low",
        warmup=0,
        outputs=("reach", "double"),
        units=("price", "price"),
    )
    own.check_parity(MATRIX)
    assert own.batch(MATRIX).shape == (2, 40)


def test_without_a_step_it_is_for_backtests_only() -> None:
    own = Custom(function=change, warmup=1)
    assert not own.streams
    with pytest.raises(ConfigError, match="cannot run live"):
        own.stepper()


def test_the_function_cannot_change_the_bars() -> None:
    def greedy(close: Array) -> Array:
        close[:] = 0.0
        return close

    before = MATRIX.copy()
    Custom(function=greedy, warmup=0).batch(MATRIX)
    assert np.array_equal(before, MATRIX)


def test_wrong_registrations_are_refused() -> None:
    with pytest.raises(UnknownName, match="close_volume"):
        Custom(function=change, warmup=0, inputs="close_volum")
    with pytest.raises(ConfigError, match="warmup is -1"):
        Custom(function=change, warmup=-1)
    with pytest.raises(ConfigError, match="2 outputs but 1 units"):
        Custom(function=change, warmup=0, outputs=("a", "b"))
    with pytest.raises(UnknownName, match="unit 'rupees'"):
        Custom(function=change, warmup=0, units=("rupees",))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="gave shape"):
        Custom(function=lambda close: close[1:], warmup=0).batch(MATRIX)
