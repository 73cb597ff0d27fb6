"""Portfolios, histories and a price function for the tests of risk measures."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.special

from tradsys.risk.measures.history import History
from tradsys.risk.measures.positions import OptionTerms, Portfolio, Position

Array = npt.NDArray[np.float64]


def black_scholes(
    *, spot: Array, strike: Array, years: Array, interest: Array, volatility: Array, call: npt.NDArray[np.bool_]
) -> Array:
    """European options on what pays nothing (Black and Scholes 1973), written plainly."""
    with np.errstate(all="ignore"):
        spread = volatility * np.sqrt(years)
        first = (np.log(spot / strike) + (interest + 0.5 * volatility**2) * years) / spread
        discounted = strike * np.exp(-interest * years)
        calls = spot * scipy.special.ndtr(first) - discounted * scipy.special.ndtr(first - spread)
    found: Array = np.where(call, calls, calls - spot + discounted)
    return found


def returns(count: int = 3, *, days: int = 500) -> dict[str, Array]:
    """Fat-tailed daily returns with a factor in common, by name: A, B, C …"""
    drawn = np.random.default_rng(count * days)
    common = drawn.standard_t(4, days) * 0.008
    return {chr(65 + i): common * (0.6 + 0.2 * i) + drawn.normal(0.0004, 0.01, days) for i in range(count)}


def history(count: int = 3, *, days: int = 500) -> History:
    """The history of `returns`."""
    return History(returns(count, days=days))


def shares() -> Portfolio:
    """Long A and C, short B."""
    return Portfolio(
        [
            Position(instrument="A", quantity=1000, price=250.0, sector="banks", market="NIFTY", beta=1.1),
            Position(instrument="B", quantity=-400, price=900.0, sector="software", market="NIFTY", beta=0.8),
            Position(
                instrument="C",
                quantity=5,
                price=30_000.0,
                rate=2.0,
                currency="USD",
                sector="coins",
                market="BTC",
                beta=1.0,
            ),
        ]
    )


def option(*, quantity: float = -50, call: bool = False, strike: float = 240.0, underlying: str = "A") -> Position:
    """An option on A at 250, a month to expiry, at its model price and delta."""
    years, volatility, spot = 1 / 12, 0.2, 250.0
    terms = {"strike": strike, "years": years, "interest": 0.06, "volatility": volatility}
    spots = np.array([spot, spot * 1.0001, spot * 0.9999])
    columns = {name: np.full(3, value) for name, value in terms.items()}
    prices = black_scholes(spot=spots, call=np.full(3, call), **columns)
    return Position(
        instrument=f"{underlying}-{strike:g}",
        quantity=quantity,
        price=float(prices[0]),
        multiplier=10.0,
        underlying=underlying,
        sector="banks",
        market="NIFTY",
        beta=1.1,
        option=OptionTerms(call=call, spot=spot, delta=float((prices[1] - prices[2]) / (spots[1] - spots[2])), **terms),
    )


def hedged() -> Portfolio:
    """The shares with a put sold and a call bought on A."""
    return Portfolio([*shares().positions, option(), option(quantity=30, call=True, strike=260.0)])


def is_nan(*values: float) -> bool:
    """Whether every value is NaN."""
    return all(math.isnan(value) for value in values)
