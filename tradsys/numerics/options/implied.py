"""Implied volatility of European options, or the reason why there is none."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradsys.numerics.options.batch import Array, Options, broadcast


class Implied(IntEnum):
    """What came of the search; all but `SOLVED` go with NaN."""

    SOLVED = 0
    BAD_INPUT = 1
    """NaN, an infinity, or what cannot be an option."""
    EXPIRED = 2
    """No time left: volatility does nothing."""
    BELOW_LOWER_BOUND = 3
    """Less than max(θ(A - B), 0): arbitrage, or prices of different instants."""
    AT_LOWER_BOUND = 4
    """No more than max(θ(A - B), 0), as far as the numbers tell: every small volatility gives it."""
    AT_UPPER_BOUND = 5
    """A or above for a call, B or above for a put: no volatility gives it."""
    UNRESOLVED = 6
    """Prices that round to this one span more than a millionth of the volatility, or it is below 1e-290 · √(A·B)."""


class ImpliedVolatility(NamedTuple):
    """`volatility` a year, float64, NaN where `reason` (int8, of `Implied`) is not 0; in the options' shape."""

    volatility: Array
    reason: npt.NDArray[np.int8]


def implied_volatility(options: Options, *, price: npt.ArrayLike) -> ImpliedVolatility:
    """σ at which the model gives `price`; the options' own volatility is not looked at.

    Safeguarded Newton iteration in three transformations of the time value (see `implied_kernels`). An answer is within
    a millionth of the σ that made the price, and mostly within 1e-12: the rounding of `price` decides, which leaves
    nothing of the time value of an option deep in the money.

    Raises:
        DataError: as many prices as do not fit the options.
    """
    from tradsys.numerics.options.implied_kernels import implied_volatilities

    out = np.empty((2, options.matrix.shape[1]))
    implied_volatilities(options.matrix, broadcast(price, shape=options.shape, what="prices"), out)
    return ImpliedVolatility(options.shaped(out[0]), options.shaped(out[1]).astype(np.int8))
