"""What every indicator is: validated parameters, a batch over all bars, and a stepper for one bar at a time."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final, Literal, Protocol, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from tradsys.core.errors import ConfigError, DataError

Array = npt.NDArray[np.float64]
Kernel = Callable[[Array, Array, Array], None]
Saved = tuple[Any, ...]
Source = Literal["open", "high", "low", "close", "volume"]
Unit = Literal["price", "ratio", "volume", "money", "price_squared_per_volume"]

ROWS: Final = ("open", "high", "low", "close", "volume")
INPUTS: Final = {
    "open": slice(0, 1),
    "high": slice(1, 2),
    "low": slice(2, 3),
    "close": slice(3, 4),
    "volume": slice(4, 5),
    "high_low": slice(1, 3),
    "close_volume": slice(3, 5),
    "high_low_close": slice(1, 4),
    "open_high_low_close": slice(0, 4),
    "high_low_close_volume": slice(1, 5),
    "open_high_low_close_volume": slice(0, 5),
}
SPLIT_EXPONENT: Final[dict[Unit, int]] = {
    "price": -1,
    "ratio": 0,
    "volume": 1,
    "money": 0,
    "price_squared_per_volume": -3,
}
"""A split by factor f divides prices by f and multiplies volumes by f: an output changes by f to this power."""

LONGEST: Final = 100_000
LARGEST: Final = 1e12


class Stepper(Protocol):
    """One indicator on one instrument, a bar at a time.

    Write the bar into `bar` (float64[5, 1]: open, high, low, close, volume), call `advance()`, read `values`
    (float64[m], NaN until warm). Steppers may share one `bar`.
    """

    bar: Array
    values: Array
    advance: Callable[[], None]

    def step(self, *, open: float, high: float, low: float, close: float, volume: float) -> Array:
        """Take one bar and give its outputs, a view that the next step overwrites."""
        ...

    def state(self) -> Saved:
        """A copy of everything needed to go on later from this bar."""
        ...

    def restore(self, saved: Saved) -> None:
        """Go on from what `state` gave."""
        ...


class KernelStepper:
    """Steps a kernel: the batch's machine code, called with one column."""

    __slots__ = ("_memory", "_out", "advance", "bar", "values")

    def __init__(self, indicator: Indicator, bar: Array | None = None) -> None:
        from tradsys.numerics.compilation import entry_point

        self.bar = np.full((5, 1), math.nan) if bar is None else checked_bar(bar)
        self._memory, self._out = indicator.memory(), np.full((len(indicator.outputs), 1), math.nan)
        self.values: Array = self._out[:, 0]
        arrays = (self._memory, self.bar[INPUTS[indicator.inputs]], self._out)
        self.advance: Callable[[], None] = partial(entry_point(indicator.load(), *arrays), *arrays)

    def step(self, *, open: float, high: float, low: float, close: float, volume: float) -> Array:
        """Take one bar and give its outputs (float64[m]), a view that the next step overwrites."""
        self.bar[:, 0] = (open, high, low, close, volume)
        self.advance()
        return self.values

    def state(self) -> Saved:
        """Copies of the kernel's memory and of the outputs."""
        return self._memory.copy(), self._out.copy()

    def restore(self, saved: Saved) -> None:
        """Go on from what `state` gave.

        Raises:
            DataError: `saved` belongs to an indicator of other parameters.
        """
        mine = (self._memory, self._out)
        parameters = slice(0, 2 + int(self._memory[0]))
        same_shape = [array.shape for array in mine] == [np.shape(array) for array in saved]
        if not same_shape or not np.array_equal(self._memory[parameters], saved[0][parameters]):
            raise DataError("the saved state belongs to another indicator or other parameters", fix="warm up afresh")
        for array, copy in zip(mine, saved, strict=True):
            array[...] = copy


class Indicator(msgspec.Struct, frozen=True):
    """Base of all indicators. Every parameter has a default and is checked when the object is made.

    Raises:
        ConfigError: a parameter is of the wrong type or out of range.
    """

    kernel: ClassVar[str]
    reads: ClassVar[str] = "high_low_close"
    outputs: ClassVar[tuple[str, ...]] = ("value",)
    measures: ClassVar[tuple[Unit, ...]] = ("price",)
    least: ClassVar[tuple[tuple[str, float], ...]] = ()

    def __post_init__(self) -> None:
        for name, default in zip(self.__struct_fields__, self.__struct_defaults__, strict=True):
            if name != "source":
                self._check_number(name, getattr(self, name), like=default)

    def _check_number(self, name: str, value: float, *, like: float) -> None:
        whole = isinstance(like, int)
        low, high = dict(self.least).get(name, 1 if whole else 0.0), LONGEST if whole else LARGEST
        kind = "whole number" if whole else "number"
        right_type = isinstance(value, int) or (isinstance(value, float) and not whole)
        if isinstance(value, bool) or not right_type or not low <= value <= high:
            raise ConfigError(
                f"{type(self).__name__}: {name} is {value!r}; it must be a {kind} from {low} to {high}",
                value=value,
                limit=f"{low} to {high}",
                fix=f"change {name}",
            )

    def refuse_unless(self, holds: bool, *, rule: str) -> None:
        """Raise ConfigError with `rule` unless it holds: for limits between two parameters."""
        if not holds:
            raise ConfigError(f"{self!r}: {rule}", value=repr(self), limit=rule, fix="change either of them")

    @property
    def inputs(self) -> str:
        """The rows it reads, a key of INPUTS."""
        return self.reads

    @property
    def units(self) -> tuple[Unit, ...]:
        """What each output measures; SPLIT_EXPONENT says what a split does to it."""
        return self.measures

    @property
    def warmup(self) -> int:
        """Bars before the first one on which every output has a value."""
        raise NotImplementedError

    def sizes(self) -> tuple[int, int]:
        """Lengths of the kernel's state and window."""
        raise NotImplementedError

    def parameters(self) -> Array:
        """What the kernel takes as parameters: by default the numbers, in the order of the fields."""
        names = [name for name in self.__struct_fields__ if name != "source"]
        return np.array([float(getattr(self, name)) for name in names])

    def memory(self) -> Array:
        """The kernel's memory before the first bar (layout: `kernels.steps.parts`)."""
        parameters, (state, window) = self.parameters(), self.sizes()
        return np.concatenate(([len(parameters), state], parameters, np.zeros(state), np.full(window, math.nan)))

    @classmethod
    def load(cls) -> Kernel:
        """The compiled kernel; imports the compiler on first use."""
        module, name = cls.kernel.split(".")
        loaded: Kernel = getattr(importlib.import_module(f"tradsys.numerics.kernels.{module}"), name)
        return loaded

    def run(self, matrix: Array, *, memory: Array, out: Array) -> None:
        """Go on from `memory` over `matrix` (float64[5, n]) into `out` (float64[m, n]): a batch in pieces.

        Raises:
            DataError: `matrix` of another shape or type.
        """
        self.load()(memory, checked_matrix(matrix)[INPUTS[self.inputs]], out)

    def batch(self, matrix: Array) -> Array:
        """All values at once.

        Args:
            matrix: float64[5, n], rows open, high, low, close, volume; C-contiguous. Read in place where writeable.

        Returns:
            float64[m, n], one row an output, NaN until warm. Equal, bit for bit, to stepping bar by bar.

        Raises:
            DataError: another shape or type.
        """
        rows = checked_matrix(matrix)[INPUTS[self.inputs]]
        out = np.empty((len(self.outputs), rows.shape[1]))
        self.load()(self.memory(), rows, out)
        return out

    def stepper(self, bar: Array | None = None) -> KernelStepper:
        """A fresh stepper; give `bar` (float64[5, 1]) to share one row of input among many."""
        return KernelStepper(self, bar)


class SourceIndicator(Indicator, frozen=True, kw_only=True):
    """An indicator of one row of the bars, by default the close."""

    source: Source = "close"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.source not in get_args(Source):
            raise ConfigError(
                f"{type(self).__name__}: source is {self.source!r}; it must be one of {', '.join(ROWS)}",
                value=self.source,
                limit=", ".join(ROWS),
            )

    @property
    def inputs(self) -> str:
        """The row it reads."""
        return self.source

    @property
    def units(self) -> tuple[Unit, ...]:
        """What each output measures: volume in place of price where the source is the volume."""
        if self.source != "volume":
            return self.measures
        return tuple("volume" if unit == "price" else unit for unit in self.measures)


def checked_matrix(matrix: Array) -> Array:
    """`matrix` if kernels can read it in place, a copy where it is read-only.

    Raises:
        DataError: not C-contiguous float64[5, n].
    """
    if matrix.dtype != np.float64 or matrix.ndim != 2 or matrix.shape[0] != 5 or not matrix.flags.c_contiguous:
        raise DataError(
            f"bars are {matrix.dtype}{list(matrix.shape)}; indicators read C-contiguous float64[5, n]",
            value=f"{matrix.dtype}{list(matrix.shape)}",
            limit="float64[5, n]",
            fix="stack open, high, low, close, volume with numpy.ascontiguousarray",
        )
    # A read-only array is another type to the compiler: a copy is cheaper than a second compilation.
    return matrix if matrix.flags.writeable else matrix.copy()


def checked_bar(bar: Array) -> Array:
    """`bar` if steppers can share it.

    Raises:
        DataError: not a writeable, C-contiguous float64[5, 1].
    """
    if bar.dtype != np.float64 or bar.shape != (5, 1) or not bar.flags.carray:
        raise DataError(
            f"the bar to share is {bar.dtype}{list(bar.shape)}",
            value=f"{bar.dtype}{list(bar.shape)}",
            limit="writeable float64[5, 1]",
            fix="make it with numpy.empty((5, 1))",
        )
    return bar
