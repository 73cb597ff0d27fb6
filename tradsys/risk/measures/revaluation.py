"""What positions make when their underlyings move: linear ones exactly, options by pricing them anew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tradsys.numerics.portfolio_risk import scenario_profits
from tradsys.risk.measures.history import History
from tradsys.risk.measures.positions import OptionTerms, Portfolio, PriceFunction

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

NO_PRICES = "the portfolio holds options and no price function was given"


def option_profits(
    portfolio: Portfolio, *, moves: Array, volatility: Array, interest: float = 0.0, price: PriceFunction
) -> Array:
    """Model price after the shock less model price before, times the units held: float64[s, options].

    Both prices are the function's own, so that a market price it does not hit is no profit. Time stands still.

    Args:
        moves: relative move of each option's underlying, float64[s, options]. volatility: added to each option's
            implied volatility (0.05 is five points), float64[s, options]; NaN where not known.
        interest: added to each option's interest rate.
    """
    held = [portfolio.positions[i] for i in portfolio.options]
    terms = [each.option for each in held if each.option is not None]
    units = np.array([each.quantity * each.multiplier * each.rate for each in held])
    still = np.zeros((1, len(held)))
    before = _prices(terms, still, still, 0.0, price)
    profits: Array = (_prices(terms, moves, volatility, interest, price) - before) * units
    return profits


def historical_profits(
    portfolio: Portfolio, *, history: History, price: PriceFunction | None = None
) -> tuple[Array, Array]:
    """What today's positions would have made each past day, float64[s], and of that the options, float64[s, options].

    Volatility and interest stay as they are. NaN throughout where `reason_against` has one.
    """
    chosen = np.array(portfolio.options, np.intp)
    if reason_against(portfolio, history=history, price=price):
        return np.full(len(history), np.nan), np.full((len(history), len(chosen)), np.nan)
    columns, linear = history.columns_of(portfolio), portfolio.exposures.copy()
    linear[chosen] = 0.0
    profits = scenario_profits(history.moves, exposures=by_column(linear, columns=columns, history=history))
    if price is None or not len(chosen):
        return profits, np.empty((len(history), 0))
    moves = history.moves[:, columns[chosen]]
    each = option_profits(portfolio, moves=moves, volatility=np.zeros_like(moves), price=price)
    return profits + each.sum(axis=1), each


def by_column(exposures: Array, *, columns: Integers, history: History) -> Array:
    """Exposures of positions that one underlying moves, added up: float64[names of the history]."""
    return np.bincount(columns, weights=exposures, minlength=len(history.names)).astype(np.float64)


def reason_against(portfolio: Portfolio, *, history: History, price: PriceFunction | None) -> str:
    """Why this portfolio has no figure over this history, or nothing."""
    unpriced = NO_PRICES if portfolio.options and price is None else ""
    return portfolio.undefined or history.missing_for(portfolio) or unpriced


def _prices(terms: list[OptionTerms], moves: Array, volatility: Array, interest: float, price: PriceFunction) -> Array:
    """One price an element of `moves`, in its shape; NaN where a volatility is not above 0 or a spot below it."""

    def wide(values: list[float]) -> Array:
        return np.broadcast_to(np.array(values, np.float64), moves.shape).flatten()

    spot = wide([each.spot for each in terms]) * (1.0 + moves.ravel())
    implied = wide([each.volatility for each in terms]) + volatility.ravel()
    found = price(
        spot=spot,
        strike=wide([each.strike for each in terms]),
        years=wide([each.years for each in terms]),
        interest=wide([each.interest for each in terms]) + interest,
        volatility=implied,
        call=wide([float(each.call) for each in terms]) > 0.0,
    )
    return np.where((implied > 0.0) & (spot >= 0.0), found, np.nan).reshape(moves.shape)
