"""Indicators computed ahead and stepped read the same, bit for bit, also across a split and from a warm start."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tradsys.core.events import Bar
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import MINUTE
from tradsys.engine.markets import Market
from tradsys.market.series import BarSeries
from tradsys.numerics.table import TABLE, Row
from tradsys.strategies.context import Reading

INSTRUMENT = Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY)
BARS = 400


def series() -> BarSeries:
    chance = np.random.default_rng(11)
    close = 200 * np.exp(np.cumsum(chance.normal(0, 0.01, BARS)))
    close[150:] /= 5
    opened = close * (1 + chance.normal(0, 0.002, BARS))
    high = np.maximum(opened, close) * (1 + chance.uniform(0, 0.01, BARS))
    low = np.minimum(opened, close) * (1 - chance.uniform(0, 0.01, BARS))
    volume = np.rint(chance.uniform(1, 1e5, BARS))
    at = (np.arange(BARS, dtype=np.int64) + 1) * MINUTE
    matrix = np.ascontiguousarray(np.vstack([opened, high, low, close, volume]))
    return BarSeries("NSE:A", MINUTE, at, at, matrix, Path("made up"), "")


def readings(row: Row, *, stepped: bool, first: int, split: bool) -> list[tuple[object, ...]]:
    """Every output and `ready` at every bar from `first` on, as the engine's loop brings them about."""
    bars, factor = series(), np.where(np.arange(BARS) < 150, 1.0, 5.0) if split else None
    market, reading = Market(INSTRUMENT), Reading(row.indicator.outputs)
    if stepped:
        market.attach([(row.indicator, reading)], factor=factor)
        market.warm(bars, first)
    else:
        market.precompute([(row.indicator, reading)], bars.matrix, factor=factor, first=first)
    seen = []
    for number in range(first, BARS):
        bar = Bar(int(bars.at[number]), int(bars.at[number]), "NSE:A", MINUTE, *bars.matrix[:, number].tolist())
        if market.row == market.boundary:
            market.advance(bar)
        for fields, name, column in market.columns:
            fields[name] = column[market.row]
        market.row += 1
        seen.append((reading.ready, reading.value, *(getattr(reading, name) for name in row.indicator.outputs)))
    return seen


@pytest.mark.parametrize("row", TABLE, ids=lambda row: type(row.indicator).__name__)
def test_stepped_reads_as_computed_ahead(row: Row) -> None:
    for first, split in ((0, False), (120, True)):
        ahead = readings(row, stepped=False, first=first, split=split)
        stepped = readings(row, stepped=True, first=first, split=split)
        assert [repr(each) for each in ahead] == [repr(each) for each in stepped]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: type(row.indicator).__name__)
def test_ready_means_that_every_output_has_a_value(row: Row) -> None:
    seen = readings(row, stepped=False, first=0, split=False)
    assert [each[0] for each in seen] == [number >= row.indicator.warmup for number in range(BARS)]
    for ready, *values in seen:
        assert not ready or not any(math.isnan(float(str(value))) for value in values)
