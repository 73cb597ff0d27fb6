"""American options on what pays a continuous yield: price and Greeks by the exercise boundary.

The method (Andersen, Lake and Offengenden 2016) is told in `american_kernels`; docs/options.md states its error.

Not modelled: discrete dividends; a yield below a negative rate for a put (a rate below a negative yield for a call),
where there are two boundaries; no volatility with time left. All give NaN, as does a boundary that does not settle.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from tradsys.numerics.options.batch import ROWS, Array, Options

NODES, POINTS, LAST_POINTS = 16, 32, 64
"""Chebyshev nodes of the boundary, Gauss-Legendre points of its equation and of the premium."""

VOLATILITY_STEP, RATE_STEP = 1e-3, 1e-4
"""Half the width of the central difference: relative for vega, absolute for rho."""


class AmericanGreeks(NamedTuple):
    """Price and derivatives in the units of `Greeks`, each float64 in the shape of the options.

    Delta and gamma are derivatives of the integral, theta follows from the equation of Black and Scholes, vega and rho
    are central differences. Where exercise is due now: delta ±1, all others 0.
    """

    price: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array


def american_price(options: Options) -> Array:
    """Price, float64 in the shape of the options; never below the European price or what exercise brings."""
    return options.shaped(_values(options)[0])


def american_greeks(options: Options) -> AmericanGreeks:
    """Price, delta, gamma, vega, theta and rho: five boundaries an option."""
    value, delta, gamma, theta = (options.shaped(row) for row in _values(options))
    return AmericanGreeks(value, delta, gamma, _vega(options), theta, _rho(options))


def _vega(options: Options) -> Array:
    volatility = options.matrix[ROWS.index("volatility")]
    step = np.where((volatility > 0.0) & (volatility < np.inf), VOLATILITY_STEP * volatility, np.nan)
    up, down = (_values(options.bumped(volatility=way * step))[0] for way in (1.0, -1.0))
    return options.shaped((up - down) / (2.0 * step))


def _rho(options: Options) -> Array:
    moved = ("rate", "dividend_yield") if options.future else ("rate",)
    up, down = (_values(options.bumped(**dict.fromkeys(moved, way * RATE_STEP)))[0] for way in (1.0, -1.0))
    return options.shaped((up - down) / (2.0 * RATE_STEP))


def _values(options: Options) -> Array:
    from tradsys.numerics.options.american_kernels import american_values

    out = np.empty((4, options.matrix.shape[1]))
    american_values(options.matrix, *_rules(), out)
    return out


@cache
def _rules() -> tuple[Array, Array, Array]:
    """Quadrature of the boundary's equation, interpolation at its points by node, quadrature of the premium."""
    rule = _quadrature(POINTS, power=1)
    nodes = 0.5 + 0.5 * np.cos(np.pi * np.arange(NODES + 1) / NODES)
    weights = np.array([_interpolation(nodes, node * rule[1]) for node in nodes[:-1]])
    last = _quadrature(LAST_POINTS, power=2)
    return rule, weights, np.ascontiguousarray(np.vstack([last, _interpolation(nodes, last[1]).T]))


def _quadrature(count: int, *, power: int) -> Array:
    """Sine and cosine of angles a = π / 2 · w^power, w at Gauss-Legendre points of (0, 1), and their weights."""
    points, weights = np.polynomial.legendre.leggauss(count)
    w = 0.5 * (points + 1.0)
    angle = 0.5 * np.pi * w**power
    return np.array([np.sin(angle), np.cos(angle), 0.25 * np.pi * power * w ** (power - 1) * weights])


def _interpolation(nodes: Array, at: Array) -> Array:
    """Barycentric weights (Berrut and Trefethen 2004) of values at Chebyshev nodes for values `at`; no node is hit."""
    factors = (-1.0) ** np.arange(len(nodes))
    factors[[0, -1]] *= 0.5
    terms = factors / (at[:, None] - nodes[None, :])
    share: Array = terms / terms.sum(axis=1, keepdims=True)
    return share
