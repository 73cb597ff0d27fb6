"""A portfolio across scenarios: its profits, what each instrument contributes, and normal scenarios from a seed.

`moves` are changes by scenario and instrument, float64[s, i]; `exposures` money a unit of move, float64[i].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import ConfigError
from tradsys.numerics.distributions import normal_density, normal_quantile
from tradsys.numerics.kernels import normals, portfolio_risk
from tradsys.numerics.tail_risk import checked_confidence, tail

Array = npt.NDArray[np.float64]

TOLERANCE = 1e-10
"""What rounding may leave of a variance that is explained in full, as a fraction of it."""


class Contributions(NamedTuple):
    """By instrument, float64[i] each: what its exposure adds to the figure of the whole, in the same order.

    `value_at_risk` adds up to the portfolio's value at risk, `expected_shortfall` to its expected shortfall (Euler).
    Marginal figures are these over the exposure: the change of the whole for one unit of money more.
    """

    value_at_risk: Array
    expected_shortfall: Array


def scenario_profits(moves: Array, *, exposures: Array) -> Array:
    """sum_i moves[s, i] exposures[i], float64[s], added in that order; NaN where either is NaN, even against a 0."""
    profits = np.empty(moves.shape[0])
    portfolio_risk.portfolio_profits(np.ascontiguousarray(moves), np.ascontiguousarray(exposures), profits)
    return profits


def deviation_marginals(moves: Array, *, profits: Array) -> Array:
    """Change of the deviation of profits for one more of each exposure: cov(move_i, profit) / s, float64[i].

    NaN where profits do not vary, or there are fewer than two.
    """
    found = np.full(moves.shape[1], np.nan)
    deviation = float(profits.std(ddof=1)) if len(profits) > 1 else 0.0
    if deviation > 0.0:
        means, mean = moves.mean(axis=0), float(profits.mean())
        portfolio_risk.covariances(np.ascontiguousarray(moves), means, profits, mean, found)
        found /= deviation
    return found


def normal_marginals(slopes: Array, *, means: Array, confidence: float) -> Contributions:
    """Normal figures for one more of each exposure: z d - m (Jorion 2007), phi(z) / (1 - confidence) for z in ES.

    Args:
        slopes: `deviation_marginals`, float64[i].
        means: mean move of each instrument, float64[i].
    """
    z = normal_quantile(checked_confidence(confidence))
    return Contributions(z * slopes - means, normal_density(z) / (1.0 - confidence) * slopes - means)


def historical_marginals(moves: Array, *, profits: Array, confidence: float) -> Contributions:
    """Historical figures for one more of each exposure: minus its move in the scenarios of `tail_risk.tail`.

    For VaR in its last scenario, for ES by the shares of all of them. The order of scenarios is taken as it is: right
    for a change too small to alter it.
    """
    scenarios, shares = tail(profits, confidence=confidence)
    worst = moves[scenarios]
    return Contributions(-worst[-1], -(shares[:, None] * worst).sum(axis=0))


def covariance(moves: Array) -> Array:
    """Sample covariance (n - 1) of moves, float64[i, i]."""
    away = moves - moves.mean(axis=0)
    found: Array = away.T @ away / (len(moves) - 1)
    return found


def toward_one(matrix: Array, *, share: float) -> Array:
    """The covariance with every correlation moved to 1 by a share of the way, float64[i, i]: (1 - k) C + k s s'.

    At 1 everything falls together: long and short of equal volatility still offset each other.
    """
    if not 0.0 <= share <= 1.0:
        raise ConfigError(f"share {share} is not from 0 to 1", value=share, limit="0 to 1")
    deviations = np.sqrt(np.diag(matrix))
    found: Array = (1.0 - share) * matrix + share * np.outer(deviations, deviations)
    return found


def cholesky(matrix: Array) -> Array:
    """Lower L with L L' = matrix, float64[i, i]; columns that the earlier ones explain in full are 0.

    Raises:
        ConfigError: the matrix is no covariance: not square, not symmetric, not finite, or a portfolio would have a
            variance below 0.
    """
    values = np.ascontiguousarray(matrix, np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not np.isfinite(values).all():
        raise ConfigError("a covariance matrix is square and finite", value=str(values.shape))
    if not np.allclose(values, values.T, rtol=1e-9, atol=0.0):
        raise ConfigError("a covariance matrix is symmetric", value=float(abs(values - values.T).max()), limit=0.0)
    factor = np.empty_like(values)
    if not portfolio_risk.cholesky(values, factor, TOLERANCE):
        raise ConfigError("a covariance matrix has no portfolio of variance below 0", fix="take it from one history")
    return factor


def standard_normals(count: int, *, seed: int) -> Array:
    """Independent standard normal numbers of a seed, float64[count]; a longer run begins with the shorter."""
    found = np.empty(count)
    normals.fill_normals(np.uint64(seed & (2**64 - 1)), found)
    return found


def normal_scenarios(matrix: Array, *, count: int, seed: int) -> Array:
    """Moves of mean 0 and this covariance, float64[count, i]: L z for standard normal z."""
    drawn = standard_normals(count * len(matrix), seed=seed).reshape(count, len(matrix))
    found: Array = drawn @ cholesky(matrix).T
    return found
