"""Every row of the table: agreement with independent sources, warm-up, parity of batch and stepper, flat markets."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import talib

from tests.unit.numerics.oracles import ORACLES, Bars
from tradsys.core.errors import ConfigError, DataError
from tradsys.numerics import indicators, kernels
from tradsys.numerics.indicators import EMA, MACD, MFI, RSI, SMA, BollingerBands, Indicator
from tradsys.numerics.table import TABLE, Row

Array = npt.NDArray[np.float64]


def name_of(row: Row) -> str:
    return type(row.indicator).__name__


def random_bars(count: int, seed: int) -> Array:
    """Bars on a tick of 0.05, so that closes stay unchanged and extremes tie now and then."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, count)))
    opening = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0.0, 0.002, count))
    high = np.maximum(opening, close) * np.exp(rng.exponential(0.004, count))
    low = np.minimum(opening, close) * np.exp(-rng.exponential(0.004, count))
    prices = np.round(np.stack([opening, high, low, close]) / 0.05) * 0.05
    prices[1] = np.maximum(prices[1], prices[2] + 0.05)
    return np.ascontiguousarray(np.vstack([prices, rng.integers(100, 10_000, count).astype(float)]))


@pytest.fixture(scope="module")
def matrix() -> Array:
    return random_bars(1600, seed=7)


KERNEL_ARGUMENTS = ["memory", "rows", "out"]
every_row = pytest.mark.parametrize("row", TABLE, ids=name_of)


def test_every_kernel_has_exactly_one_row() -> None:
    found = {
        f"{module.name}.{name}"
        for module in pkgutil.iter_modules(kernels.__path__)
        for name, function in vars(importlib.import_module(f"{kernels.__name__}.{module.name}")).items()
        if hasattr(function, "py_func") and list(inspect.signature(function.py_func).parameters) == KERNEL_ARGUMENTS
    }
    assert found == {row.indicator.kernel for row in TABLE}
    assert len(found) == len(TABLE) >= 50


def test_every_public_indicator_has_a_row() -> None:
    public = {name for name in indicators.__all__ if inspect.isclass(getattr(indicators, name))}
    public = {name for name in public if issubclass(getattr(indicators, name), Indicator)} - {"Indicator"}
    assert public == {name_of(row) for row in TABLE}


def test_every_named_oracle_exists_and_none_is_forgotten() -> None:
    named = {(name_of(row), source) for row in TABLE for source in row.oracles if source != "worksheet"}
    assert named == set(ORACLES)
    assert all(row.oracles for row in TABLE)


@pytest.mark.parametrize(("name", "source"), ORACLES, ids=[" by ".join(key) for key in ORACLES])
def test_agrees_with(name: str, source: str, matrix: Array) -> None:
    row = next(row for row in TABLE if name_of(row) == name)
    oracle = ORACLES[name, source]
    expected = oracle.function(Bars(*(pd.Series(values) for values in matrix)))
    expected = expected if isinstance(expected, tuple | list) else (expected,)
    ours, start = row.indicator.batch(matrix), oracle.settled or row.indicator.warmup
    assert len(expected) == len(ours)
    for mine, other in zip(ours, expected, strict=True):
        if other is not None:
            other = np.asarray(other, dtype=np.float64)[start:]
            assert np.isfinite(other).all()
            np.testing.assert_allclose(mine[start:], other, rtol=1e-8, atol=1e-8 * np.abs(other).max())


@every_row
def test_batch_and_stepper_give_the_same_bits(row: Row, matrix: Array) -> None:
    batch, stepper = row.indicator.batch(matrix), row.indicator.stepper()
    for column, expected in zip(matrix.T[:400], batch.T[:400], strict=True):
        opening, high, low, close, volume = column
        values = stepper.step(open=opening, high=high, low=low, close=close, volume=volume)
        assert np.array_equal(values, expected, equal_nan=True)


@every_row
def test_a_saved_stepper_goes_on_as_if_never_stopped(row: Row, matrix: Array) -> None:
    bar = np.empty((5, 1))
    first, second = row.indicator.stepper(bar), row.indicator.stepper(bar)
    for i in range(150):
        bar[:] = matrix[:, i : i + 1]
        first.advance()
    second.restore(first.state())
    assert np.array_equal(first.values, second.values, equal_nan=True)
    for i in range(150, 300):
        bar[:] = matrix[:, i : i + 1]
        first.advance()
        second.advance()
        assert np.array_equal(first.values, second.values, equal_nan=True)


@every_row
def test_nan_only_during_warm_up(row: Row, matrix: Array) -> None:
    out, warmup = row.indicator.batch(matrix), row.indicator.warmup
    assert np.isfinite(out[:, warmup:]).all()
    assert warmup == 0 or np.isnan(out[:, :warmup]).any(axis=0).all()


@every_row
@pytest.mark.parametrize("volume", [0.0, 500.0])
def test_a_flat_market_divides_nothing_by_zero(row: Row, volume: float) -> None:
    """Flat from the start, and flat after a jump, whose rounding must not be taken for movement."""
    flat = np.full((5, 300), 104.35)
    flat[:4, :130] = 33.1
    flat[4] = volume
    with np.errstate(all="raise"):
        out = row.indicator.batch(flat)
    assert np.isfinite(out[:, row.indicator.warmup :]).all()


@every_row
def test_shape_and_units_are_declared(row: Row, matrix: Array) -> None:
    indicator = row.indicator
    assert indicator.batch(matrix).shape == (len(indicator.outputs), matrix.shape[1])
    assert len(indicator.units) == len(indicator.outputs) == len(set(indicator.outputs))
    assert set(indicator.units) <= set(indicators.SPLIT_EXPONENT)
    assert indicator.__doc__


@every_row
def test_no_bars_and_few_bars(row: Row, matrix: Array) -> None:
    assert row.indicator.batch(np.empty((5, 0))).shape == (len(row.indicator.outputs), 0)
    few = max(row.indicator.warmup, 1)
    assert np.array_equal(
        row.indicator.batch(np.ascontiguousarray(matrix[:, :few])),
        row.indicator.batch(matrix)[:, :few],
        equal_nan=True,
    )


def of_other_periods(row: Row) -> list[Indicator]:
    """The row's indicator with rings of other lengths, where it has a period."""
    if "period" not in row.indicator.__struct_fields__:
        return []
    least = dict(row.indicator.least).get("period", 1)
    return [type(row.indicator)(period=period) for period in (1, 2, 3, 5, 7, 50) if period >= least]


@pytest.mark.parametrize("indicator", [other for row in TABLE for other in of_other_periods(row)], ids=repr)
def test_periods_short_and_odd(indicator: Indicator, matrix: Array) -> None:
    out = indicator.batch(matrix)
    assert np.isfinite(out[:, indicator.warmup :]).all()
    assert indicator.warmup == 0 or np.isnan(out[:, : indicator.warmup]).any(axis=0).all()


def test_money_flow_agrees_with_talib_where_typical_prices_never_tie(matrix: Array) -> None:
    """On tied typical prices TA-Lib takes the last bit of a rounded sum for a move, so the table has the formula."""
    bars = matrix.copy()
    bars[1:4] += np.random.default_rng(1).uniform(0.0, 1e-3, bars[1:4].shape)
    expected = talib.MFI(bars[1], bars[2], bars[3], bars[4], 14)
    np.testing.assert_allclose(MFI(14).batch(bars)[0, 14:], expected[14:], rtol=1e-9)


def test_source_picks_the_row(matrix: Array) -> None:
    swapped = matrix[[3, 1, 2, 0, 4]].copy()
    assert np.array_equal(SMA(10, source="open").batch(matrix), SMA(10).batch(swapped), equal_nan=True)
    assert SMA(10, source="volume").units == ("volume",)


def test_read_only_bars_are_read(matrix: Array) -> None:
    sealed = matrix.copy()
    sealed.flags.writeable = False
    assert np.array_equal(EMA(10).batch(sealed), EMA(10).batch(matrix), equal_nan=True)


@pytest.mark.parametrize(
    "bars",
    [np.zeros((4, 10)), np.zeros((5, 10), dtype=np.float32), np.zeros((10, 5)).T, np.zeros(5)],
    ids=["four rows", "float32", "transposed", "one bar"],
)
def test_bars_of_another_layout_are_refused(bars: Array) -> None:
    with pytest.raises(DataError, match="float64"):
        SMA(2).batch(bars)


@pytest.mark.parametrize("bar", [np.empty(5), np.empty((5, 1), dtype=np.float32), np.empty((5, 2))[:, :1]])
def test_a_bar_that_cannot_be_shared_is_refused(bar: Array) -> None:
    with pytest.raises(DataError, match="the bar to share"):
        SMA(2).stepper(bar)


@pytest.mark.parametrize("period", [0, -1, 2.5, True, "14", math.nan, 10**9])
def test_a_period_out_of_range_is_refused(period: object) -> None:
    with pytest.raises(ConfigError, match=r"RSI: period is .* whole number from 1 to") as refusal:
        RSI(period)  # type: ignore[arg-type]
    assert refusal.value.value is period


def test_other_bad_parameters_are_refused() -> None:
    with pytest.raises(ConfigError, match="deviations"):
        BollingerBands(20, math.nan)
    with pytest.raises(ConfigError, match="fast must be below slow"):
        MACD(26, 12, 9)
    with pytest.raises(ConfigError, match="source is 'vwap'"):
        SMA(10, source="vwap")  # type: ignore[arg-type]


def test_a_state_of_other_parameters_is_refused() -> None:
    with pytest.raises(DataError, match="another indicator or other parameters"):
        SMA(10).stepper().restore(SMA(11).stepper().state())
    with pytest.raises(DataError, match="another indicator or other parameters"):
        EMA(10).stepper().restore(EMA(11).stepper().state())


def test_importing_indicators_loads_no_compiler() -> None:
    code = "import sys, tradsys.numerics.table; sys.exit('numba' in sys.modules or 'pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_documentation_names_each_indicator_with_its_warm_up(repository: Path) -> None:
    page = (repository / "docs" / "indicators.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(TABLE)
    for row, line in zip(TABLE, rows, strict=True):
        assert line.startswith(f"| `{name_of(row)}(")
        assert f"| {row.indicator.warmup} | {', '.join(row.oracles)} |" in line
