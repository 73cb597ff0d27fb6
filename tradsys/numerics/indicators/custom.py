"""An indicator of the author's own: a function over whole arrays, beside it, if it is to run live, a step."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from tradsys.core.errors import ConfigError, DataError, UnknownName
from tradsys.numerics.indicators.base import INPUTS, SPLIT_EXPONENT, Array, Saved, Unit, checked_bar, checked_matrix

Step = Callable[..., float | Sequence[float]]


class Custom(msgspec.Struct, frozen=True, kw_only=True):
    """A function registered as an indicator.

    Args:
        function: takes one float64[n] array a row of `inputs`, gives float64[n] (or one such array an output); NaN
            until warm. Its value at a bar must not depend on later bars: `tradsys backtest --verify` looks for that.
        inputs: the rows it reads, a key of INPUTS.
        warmup: bars before the first one on which every output has a value.
        step: takes a dict, empty at the first bar and the step's own from then on, and one float a row; gives the
            output (or outputs). Keep plain numbers and lists in the dict: it is saved for restarts. Without a step the
            indicator serves backtests only.
        outputs, units: names of the outputs and what each measures (a key of SPLIT_EXPONENT).

    Raises:
        ConfigError: a parameter is wrong.
    """

    function: Callable[..., Any]
    inputs: str = "close"
    warmup: int
    step: Step | None = None
    outputs: tuple[str, ...] = ("value",)
    units: tuple[Unit, ...] = ("price",)

    def __post_init__(self) -> None:
        if self.inputs not in INPUTS:
            raise UnknownName("inputs", str(self.inputs), INPUTS, where=self.name)
        if self.warmup < 0:
            raise ConfigError(f"{self.name}: warmup is {self.warmup}", value=self.warmup, limit="0 or more")
        if len(self.units) != len(self.outputs):
            raise ConfigError(
                f"{self.name}: {len(self.outputs)} outputs but {len(self.units)} units",
                value=len(self.units),
                limit=len(self.outputs),
                fix="give one unit an output",
            )
        for unit in self.units:
            if unit not in SPLIT_EXPONENT:
                raise UnknownName("unit", str(unit), SPLIT_EXPONENT, where=self.name)

    @property
    def name(self) -> str:
        """The function's own name."""
        return f"Custom({getattr(self.function, '__name__', 'function')})"

    @property
    def streams(self) -> bool:
        """Whether it can run live: whether it has a step."""
        return self.step is not None

    def batch(self, matrix: Array) -> Array:
        """All values: float64[m, n] from float64[5, n].

        Raises:
            DataError: the matrix, or what the function gave, has another shape.
        """
        rows = checked_matrix(matrix)[INPUTS[self.inputs]]
        out = np.atleast_2d(np.asarray(self.function(*rows.copy()), dtype=np.float64))
        expected = (len(self.outputs), matrix.shape[1])
        if out.shape != expected:
            raise DataError(f"{self.name} gave shape {out.shape}", value=str(out.shape), limit=str(expected))
        return np.ascontiguousarray(out)

    def stepper(self, bar: Array | None = None) -> CustomStepper:
        """A fresh stepper.

        Raises:
            ConfigError: there is no step.
        """
        if self.step is None:
            raise ConfigError(f"{self.name} has no step, so it cannot run live", fix="give step= beside function=")
        return CustomStepper(self, self.step, np.full((5, 1), math.nan) if bar is None else checked_bar(bar))

    def check_parity(self, matrix: Array, *, tolerance: float = 1e-9) -> None:
        """Run both ways over `matrix` (float64[5, n]) and compare, relative to the larger of 1 and the value.

        Raises:
            ConfigError: there is no step, or the two differ: says at which bar, and how.
        """
        batch, stepper = self.batch(matrix), self.stepper()
        for at in range(matrix.shape[1]):
            stepper.bar[:, 0] = matrix[:, at]
            stepper.advance()
            whole, stepped = batch[:, at], stepper.values
            close = np.isclose(whole, stepped, rtol=tolerance, atol=tolerance, equal_nan=True)
            if not close.all():
                raise ConfigError(
                    f"{self.name}: at bar {at} the function gives {whole.tolist()}, the step {stepped.tolist()}",
                    value=str(stepped.tolist()),
                    limit=str(whole.tolist()),
                    fix="make function and step agree",
                )


class CustomStepper:
    """Steps an author's own step function; the same face as a kernel's stepper."""

    __slots__ = ("_memory", "_rows", "_step", "advance", "bar", "values")

    def __init__(self, indicator: Custom, step: Step, bar: Array) -> None:
        self.bar = bar
        self.values: Array = np.full(len(indicator.outputs), math.nan)
        self.advance: Callable[[], None] = self._advance
        self._rows, self._step = bar[INPUTS[indicator.inputs], 0], step
        self._memory: dict[str, Any] = {}

    def step(self, *, open: float, high: float, low: float, close: float, volume: float) -> Array:
        """Take one bar and give its outputs (float64[m]), a view that the next step overwrites."""
        self.bar[:, 0] = (open, high, low, close, volume)
        self.advance()
        return self.values

    def state(self) -> Saved:
        """Copies of the step's dict and of the outputs."""
        return copy.deepcopy(self._memory), self.values.copy()

    def restore(self, saved: Saved) -> None:
        """Go on from what `state` gave."""
        self._memory, values = copy.deepcopy(saved[0]), saved[1]
        self.values[:] = values

    def _advance(self) -> None:
        self.values[:] = self._step(self._memory, *self._rows.tolist())
