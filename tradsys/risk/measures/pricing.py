"""Price functions for revaluation, over the options of `tradsys.numerics.options`; without dividends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tradsys.numerics.options import CALL, PUT, Options, american_price, price

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def black_scholes(
    *, spot: Array, strike: Array, years: Array, interest: Array, volatility: Array, call: Flags
) -> Array:
    """European options on a share, an index or a coin (Black and Scholes 1973); NaN for what is no option."""
    return price(_on_spot(spot, strike, years, interest, volatility, call))


def american(*, spot: Array, strike: Array, years: Array, interest: Array, volatility: Array, call: Flags) -> Array:
    """The same with exercise at any time, float64[n]."""
    return american_price(_on_spot(spot, strike, years, interest, volatility, call))


def black_76(*, spot: Array, strike: Array, years: Array, interest: Array, volatility: Array, call: Flags) -> Array:
    """European options on a future, whose price is `spot` (Black 1976), float64[n]."""
    return price(
        Options.on_future(
            future=spot,
            strike=strike,
            years=years,
            rate=interest,
            volatility=volatility,
            right=np.where(call, CALL, PUT),
        )
    )


def _on_spot(spot: Array, strike: Array, years: Array, interest: Array, volatility: Array, call: Flags) -> Options:
    return Options.on_spot(
        spot=spot, strike=strike, years=years, rate=interest, volatility=volatility, right=np.where(call, CALL, PUT)
    )
