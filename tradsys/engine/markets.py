"""What the engine knows of one instrument: its last bar, its indicators, who listens.

An indicator is computed ahead over the whole series (a backtest) or stepped bar by bar (live). Both run the same
compiled kernel, so a strategy cannot tell which. Over a split, indicators see prices in one continuous unit (price ×
factor known so far) and their readings are turned back into the price of the day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradsys.core.events import Bar, Tick
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE, from_float
from tradsys.market.series import BarSeries
from tradsys.numerics.indicators import SPLIT_EXPONENT, Indicator, Stepper
from tradsys.strategies.context import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradsys.engine.runner import AccountView, Runner
    from tradsys.strategies.base import Intents

    Listener = tuple[Callable[[Any, Any], Intents], AccountView, Runner]

CHUNK = 256
"""Rows of a precomputed column turned into Python floats at a time: bounded memory, warm cache."""


class _Column:
    """One precomputed output: where its values go and where they come from."""

    __slots__ = ("fields", "name", "values")

    def __init__(self, fields: dict[str, Any], name: str, values: NDArray[np.float64]) -> None:
        self.fields = fields
        self.name = name
        self.values = values


class Market:
    """One instrument inside the engine."""

    __slots__ = (
        "_base",
        "_columns",
        "_factors",
        "_warming",
        "bar",
        "bar_listeners",
        "boundary",
        "columns",
        "conversion",
        "depth_listeners",
        "instrument",
        "previous_close",
        "row",
        "runners",
        "seen",
        "seen_at",
        "stepped",
        "steppers",
        "tick",
        "tick_listeners",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.bar: Bar | None = None
        self.tick: Tick | None = None
        self.seen = 0.0
        self.seen_at = 0
        self.previous_close = 0
        self.conversion = 1.0
        self._factors: NDArray[np.float64] | None = None
        self.runners: list[Runner] = []
        self.bar_listeners: list[Listener] = []
        self.tick_listeners: list[Listener] = []
        self.depth_listeners: list[Listener] = []
        self.columns: list[tuple[dict[str, Any], str, list[float]]] = []
        self.row = 0
        self.boundary = 0
        self._base = 0
        self._columns: list[_Column] = []
        self._warming: list[tuple[Reading, int]] = []
        self.stepped = False
        self.steppers: list[tuple[Reading, Indicator, Stepper]] = []

    @property
    def price(self) -> int:
        """Last price seen, of a bar or a trade (`seen`, at `seen_at`), 1e-8; 0 before the first."""
        bar = self.bar
        if self.seen_at and (bar is None or self.seen_at > bar.at):
            return from_float(self.seen)
        return round(bar.close * SCALE) if bar is not None else 0

    # --- computed ahead

    def precompute(
        self,
        requests: list[tuple[Indicator, Reading]],
        matrix: NDArray[np.float64],
        *,
        factor: NDArray[np.float64] | None,
        first: int,
    ) -> None:
        """Compute every requested indicator over `matrix` (5 × n); row `first` is the first that will be asked for."""
        source = matrix if factor is None else np.ascontiguousarray(continuous(matrix, factor=factor))
        for indicator, reading in requests:
            outputs = indicator.batch(source)
            for index, name in enumerate(indicator.outputs):
                values = outputs[index]
                exponent = SPLIT_EXPONENT[indicator.units[index]]
                if factor is not None and exponent:
                    values = values * factor**exponent
                for field in dict.fromkeys((name, "value") if index == 0 else (name,)):
                    self._columns.append(_Column(reading.__dict__, field, values))
            self._warming.append((reading, indicator.warmup))
        self._base = first
        self.boundary = self.row = 0

    def advance(self, bar: Bar) -> None:
        """The bar in hand needs more than the next row: a new stretch of columns, or, live, a step with every bar."""
        if self.stepped:
            self.step(bar)
            self.boundary = self.row + 1
        else:
            self.refill()

    def refill(self) -> None:
        """Bring in the next rows of every column; a reading is `ready` from the row its warm-up ends.

        The stretch stops where a reading becomes ready, so that the hot loop needs one comparison for both.
        """
        base = self._base = self._base + self.row
        stretch = CHUNK
        waiting = []
        for reading, warmup in self._warming:
            if base >= warmup:
                reading.ready = True
            else:
                waiting.append((reading, warmup))
                stretch = min(stretch, warmup - base)
        self._warming = waiting
        self.columns = [(c.fields, c.name, c.values[base : base + stretch].tolist()) for c in self._columns]
        self.row = 0
        self.boundary = stretch

    # --- stepped

    def attach(self, requests: list[tuple[Indicator, Reading]], *, factor: NDArray[np.float64] | None = None) -> None:
        """Step every requested indicator with each bar, whose continuity factor is its row of `factor`."""
        self._factors = factor
        for indicator, reading in requests:
            self.steppers.append((reading, indicator, indicator.stepper()))
        self.stepped = True

    def warm(self, series: BarSeries, first: int) -> None:
        """Step through the rows before the first that will be traded on."""
        for row in range(first):
            prices = series.matrix[:, row].tolist()
            self.step(Bar(int(series.at[row]), int(series.exchange_at[row]), series.instrument, series.span, *prices))
            self.boundary = self.row = row + 1

    def step(self, bar: Bar) -> None:
        """Feed a bar to the stepped indicators."""
        factor = 1.0 if self._factors is None else float(self._factors[self.row])
        for reading, indicator, stepper in self.steppers:
            values = stepper.step(
                open=bar.open * factor,
                high=bar.high * factor,
                low=bar.low * factor,
                close=bar.close * factor,
                volume=bar.volume / factor,
            )
            for index, name in enumerate(indicator.outputs):
                value = float(values[index]) * factor ** SPLIT_EXPONENT[indicator.units[index]]
                setattr(reading, name, value)
                if index == 0:
                    reading.value = value
            reading.ready = self.row >= indicator.warmup


def continuous(matrix: NDArray[np.float64], *, factor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Prices × factor, volume ÷ factor: one unit across splits, using only what was known at each row."""
    scaled = matrix.copy()
    scaled[:4] *= factor
    scaled[4] /= factor
    return scaled
