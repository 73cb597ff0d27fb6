"""Laws that every indicator keeps, on bars that hypothesis makes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradsys.numerics.indicators import SPLIT_EXPONENT
from tradsys.numerics.table import TABLE, Row

Array = npt.NDArray[np.float64]

every_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: type(row.indicator).__name__)


@st.composite
def bars(draw: st.DrawFn) -> Array:
    """Valid positive bars, float64[5, n], walking in whole ticks: ties, flat stretches and jumps included."""
    count = draw(st.integers(1, 160))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0, 1, 3, 40]))
    close = 1000 + np.abs(np.cumsum(rng.integers(-size, size + 1, count)))
    opening = np.concatenate(([1000], close[:-1]))
    high = np.maximum(opening, close) + rng.integers(0, size + 1, count)
    low = np.minimum(opening, close) - rng.integers(0, size + 1, count)
    volume = rng.integers(0, draw(st.sampled_from([1, 2, 10_000])), count)
    return np.ascontiguousarray(np.vstack([np.stack([opening, high, low, close]) * 0.05, volume]))


@every_row
@settings(max_examples=25, deadline=None)
@given(matrix=bars(), data=st.data())
def test_cutting_the_batch_anywhere_changes_no_bit(row: Row, matrix: Array, data: st.DataObject) -> None:
    """One call, or one call a piece from the memory the piece before left: the same bits."""
    indicator, count = row.indicator, matrix.shape[1]
    cuts = sorted(data.draw(st.lists(st.integers(0, count), max_size=4)))
    whole, memory, pieces = indicator.batch(matrix), indicator.memory(), []
    for start, end in zip([0, *cuts], [*cuts, count], strict=True):
        piece = np.ascontiguousarray(matrix[:, start:end])
        out = np.empty((len(indicator.outputs), end - start))
        indicator.run(piece, memory=memory, out=out)
        pieces.append(out)
    assert np.array_equal(np.concatenate(pieces, axis=1), whole, equal_nan=True)


@every_row
@settings(max_examples=25, deadline=None)
@given(matrix=bars(), data=st.data())
def test_the_future_changes_nothing(row: Row, matrix: Array, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, matrix.shape[1]))
    poisoned = matrix.copy()
    poisoned[:, cut:] *= 7.0
    assert np.array_equal(row.indicator.batch(poisoned)[:, :cut], row.indicator.batch(matrix)[:, :cut], equal_nan=True)


@every_row
@settings(max_examples=25, deadline=None)
@given(matrix=bars())
def test_a_split_of_the_whole_history_rescales_by_the_unit(row: Row, matrix: Array) -> None:
    """Prices halved and volumes doubled, both exact in binary: outputs follow SPLIT_EXPONENT to the bit, or nearly."""
    split = matrix.copy()
    split[:4] /= 2.0
    split[4] *= 2.0
    before, after = row.indicator.batch(matrix), row.indicator.batch(split)
    for old, new, unit in zip(before, after, row.indicator.units, strict=True):
        np.testing.assert_allclose(new, old * 2.0 ** SPLIT_EXPONENT[unit], rtol=1e-9, atol=1e-12)


@every_row
@settings(max_examples=25, deadline=None)
@given(matrix=bars())
def test_values_are_there_once_warm(row: Row, matrix: Array) -> None:
    assert np.isfinite(row.indicator.batch(matrix)[:, row.indicator.warmup :]).all()
