"""Value at risk and expected shortfall of a portfolio by normal scenarios, and with correlations that give way."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradsys.numerics import portfolio_risk
from tradsys.numerics.tail_risk import TailRisk, checked_confidence, historical, normal_tail, not_defined
from tradsys.risk.measures.history import History
from tradsys.risk.measures.positions import Portfolio, PriceFunction
from tradsys.risk.measures.revaluation import option_profits, reason_against

Array = npt.NDArray[np.float64]

TWO_SIDED_95 = 1.959963984540054


class MonteCarlo(NamedTuple):
    """Figures of drawn scenarios, and the 95 % interval that the value at risk of infinitely many lies in."""

    risk: TailRisk
    low: float
    high: float


def monte_carlo(
    portfolio: Portfolio,
    *,
    history: History,
    confidence: float,
    seed: int,
    scenarios: int = 10_000,
    correlation_to_one: float = 0.0,
    price: PriceFunction | None = None,
) -> MonteCarlo:
    """Normal moves of the history's covariance and mean 0; options are priced anew in every scenario.

    The same seed gives the same scenarios. The interval is that of the order statistics n (1 - c) ± 1.96 sqrt(n c (1
    - c)).

    Not modelled: fat tails, changes of volatility and interest.
    """
    checked_confidence(confidence)
    reason = reason_against(portfolio, history=history, price=price) or _too_short(history)
    if reason:
        return MonteCarlo(not_defined(reason), math.nan, math.nan)
    used, where = np.unique(history.columns_of(portfolio), return_inverse=True)
    matrix = portfolio_risk.covariance(history.moves[:, used])
    matrix = portfolio_risk.toward_one(matrix, share=correlation_to_one)
    moves = portfolio_risk.normal_scenarios(matrix, count=scenarios, seed=seed)
    profits = _profits(portfolio, moves[:, where], price)
    risk = historical(profits, confidence=confidence)
    if risk.undefined:
        return MonteCarlo(risk, math.nan, math.nan)
    return MonteCarlo(risk, *_interval(np.sort(-profits)[::-1], confidence))


def correlated(
    portfolio: Portfolio, *, history: History, confidence: float, correlation_to_one: float = 1.0
) -> TailRisk:
    """Delta-normal figures, mean 0, each correlation moved to 1 by a share k: s^2 = w' ((1 - k) C + k d d') w.

    At 1 s is |sum of exposure × deviation|: diversification is gone, and a hedge still is one.
    """
    reason = portfolio.undefined or history.missing_for(portfolio) or _too_short(history)
    if reason:
        return not_defined(reason)
    moves = history.moves[:, history.columns_of(portfolio)]
    matrix = portfolio_risk.toward_one(portfolio_risk.covariance(moves), share=correlation_to_one)
    variance = float(portfolio.exposures @ matrix @ portfolio.exposures)
    return normal_tail(0.0, deviation=math.sqrt(max(variance, 0.0)), confidence=confidence)


def undiversified(portfolio: Portfolio, *, history: History, confidence: float) -> TailRisk:
    """Sum of the delta-normal figures, mean 0, of each position alone: as if every hedge failed (Jorion 2007)."""
    reason = portfolio.undefined or history.missing_for(portfolio) or _too_short(history)
    if reason:
        return not_defined(reason)
    deviations = history.moves.std(axis=0, ddof=1)[history.columns_of(portfolio)]
    return normal_tail(0.0, deviation=float((np.abs(portfolio.exposures) * deviations).sum()), confidence=confidence)


def _profits(portfolio: Portfolio, moves: Array, price: PriceFunction | None) -> Array:
    linear, chosen = portfolio.exposures.copy(), np.array(portfolio.options, np.intp)
    linear[chosen] = 0.0
    profits = portfolio_risk.scenario_profits(moves, exposures=linear)
    if not len(chosen) or price is None:
        return profits
    # A normal move may take more than all; a price stops at 0.
    bounded = np.maximum(moves[:, chosen], -1.0)
    priced = option_profits(portfolio, moves=bounded, volatility=np.zeros_like(bounded), price=price)
    total: Array = profits + priced.sum(axis=1)
    return total


def _interval(losses: Array, confidence: float) -> tuple[float, float]:
    count = len(losses)
    rank, spread = count * (1.0 - confidence), TWO_SIDED_95 * math.sqrt(count * confidence * (1.0 - confidence))
    deeper, nearer = max(math.floor(rank - spread) - 1, 0), min(math.ceil(rank + spread) - 1, count - 1)
    return float(losses[nearer]), float(losses[deeper])


def _too_short(history: History) -> str:
    return "" if len(history) > 1 else f"a covariance needs two days, the history has {len(history)}"
