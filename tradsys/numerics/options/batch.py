"""Many options as one matrix: what every function on options takes."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import DataError

Array = npt.NDArray[np.float64]

CALL: Final = 1.0
PUT: Final = -1.0

ROWS: Final = ("spot", "strike", "years", "volatility", "rate", "dividend_yield", "right")


class Options:
    """Options and the market they are in: `matrix`, float64[7, n] with the rows of `ROWS`, and the `shape` of answers.

    Make it with `on_spot` or `on_future`. Inputs are numbers or arrays that broadcast together; all answers have the
    shape that results. What cannot be an option (NaN, a price or strike of 0 or below, time or volatility below 0, a
    right other than `CALL` and `PUT`) is not refused here: it gives NaN, and only for itself.
    """

    __slots__ = ("future", "matrix", "shape")

    def __init__(self, matrix: Array, *, shape: tuple[int, ...], future: bool) -> None:
        self.matrix = matrix
        self.shape = shape
        self.future = future

    @classmethod
    def on_spot(
        cls,
        *,
        spot: npt.ArrayLike,
        strike: npt.ArrayLike,
        years: npt.ArrayLike,
        right: npt.ArrayLike,
        volatility: npt.ArrayLike = np.nan,
        rate: npt.ArrayLike = 0.0,
        dividend_yield: npt.ArrayLike = 0.0,
    ) -> Options:
        """Options on a share, an index or a coin (Black, Scholes and Merton).

        Args:
            spot: price of the underlying.
            strike: in the same unit.
            years: time to expiry in years, 0 or above.
            right: `CALL` (+1) or `PUT` (-1).
            volatility: a year, 0.2 for 20 %. May be left out to ask for the implied one.
            rate: continuously compounded, a year.
            dividend_yield: continuous, a year; the foreign rate for a currency.

        Raises:
            DataError: shapes that do not broadcast.
        """
        matrix, shape = _stacked((spot, strike, years, volatility, rate, dividend_yield, right))
        return cls(matrix, shape=shape, future=False)

    @classmethod
    def on_future(
        cls,
        *,
        future: npt.ArrayLike,
        strike: npt.ArrayLike,
        years: npt.ArrayLike,
        right: npt.ArrayLike,
        volatility: npt.ArrayLike = np.nan,
        rate: npt.ArrayLike = 0.0,
    ) -> Options:
        """Options on a future or a forward price (Black 1976); arguments as in `on_spot`, `future` its price.

        Raises:
            DataError: shapes that do not broadcast.
        """
        matrix, shape = _stacked((future, strike, years, volatility, rate, rate, right))
        return cls(matrix, shape=shape, future=True)

    def bumped(self, **by: float | Array) -> Options:
        """The same options with `by` added to rows, by their names in `ROWS`."""
        matrix = self.matrix.copy()
        for name, amount in by.items():
            matrix[ROWS.index(name)] += amount
        return Options(matrix, shape=self.shape, future=self.future)

    def shaped(self, values: Array) -> Array:
        """Answers, float64[n], in the shape of the inputs."""
        return values.reshape(self.shape)


def broadcast(values: npt.ArrayLike, *, shape: tuple[int, ...], what: str) -> Array:
    """`values` as float64[n] for n options of that shape. Raises `DataError` where they do not fit."""
    array = np.asarray(values, np.float64)
    try:
        return np.ascontiguousarray(np.broadcast_to(array, shape)).reshape(-1)
    except ValueError:
        raise DataError(f"{what} do not fit the options", value=array.shape, limit=shape) from None


def _stacked(rows: tuple[npt.ArrayLike, ...]) -> tuple[Array, tuple[int, ...]]:
    arrays = [np.asarray(row, np.float64) for row in rows]
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(ROWS, arrays, strict=True))
        raise DataError(f"options of shapes that do not go together: {shapes}", fix="one number, or as many") from None
    matrix = np.empty((len(arrays), *shape))
    for row, array in enumerate(arrays):
        matrix[row] = array
    return matrix.reshape(len(arrays), -1), shape
