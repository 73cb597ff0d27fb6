"""European options: prices, first- and second-order Greeks under Black, Scholes and Merton (1973) and Black (1976).

A = S·exp(-qT), B = K·exp(-rT), d1 = ln(A / B) / (σ√T) + σ√T / 2, d2 = d1 - σ√T, θ = +1 for a call, -1 for a put,
φ and Φ the normal density and distribution. An option on a future of price F has S = F and q = r, and its rate moves
both. Formulas: Haug, The complete guide to option pricing formulas (2007), chapters 1 and 2; signs are those said here.

Units: Greeks are plain derivatives of the price of one unit of the underlying. Vega is per 1.00 of volatility (divide
by 100 for a point), rho per 1.00 of rate, and whatever has time in it is per year as time passes, so minus the
derivative to T (divide by 365 for a calendar day).

NaN in, or what cannot be an option (see `Options`), is NaN out, for that option alone. Without deviation (σ√T = 0) the
price is max(θ(A - B), 0) and Greeks are its derivatives; at A = B, where it has a kink, they are NaN.

Not modelled: discrete dividends, smiles (each option has its own volatility), days that differ in volatility.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tradsys.numerics.options.batch import Array, Options


class Greeks(NamedTuple):
    """Price and first derivatives, with gamma; each float64 in the shape of the options.

    | field      | is                              | formula                                              |
    |------------|---------------------------------|------------------------------------------------------|
    | price      | V                               | θ(A·Φ(θd1) - B·Φ(θd2))                               |
    | delta      | ∂V/∂S                           | θ·exp(-qT)·Φ(θd1)                                    |
    | gamma      | ∂²V/∂S²                         | exp(-qT)·φ(d1) / (S·σ√T)                             |
    | vega       | ∂V/∂σ, per 1.00 of volatility   | A·φ(d1)·√T                                           |
    | theta      | -∂V/∂T, per year                | -A·φ(d1)·σ / (2√T) + θ(q·A·Φ(θd1) - r·B·Φ(θd2))      |
    | rho        | ∂V/∂r, per 1.00 of rate         | θ·T·B·Φ(θd2); on a future -T·V                       |
    | psi        | ∂V/∂q, per 1.00 of yield        | -θ·T·A·Φ(θd1); on a future 0                         |
    | dual_delta | ∂V/∂K                           | -θ·exp(-rT)·Φ(θd2)                                   |
    """

    price: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array
    psi: Array
    dual_delta: Array


class SecondOrderGreeks(NamedTuple):
    """Second derivatives; each float64 in the shape of the options. c = (r - q) / (σ√T) - d2 / (2T) is ∂d1/∂T.

    | field      | is                                    | formula                                    |
    |------------|---------------------------------------|--------------------------------------------|
    | gamma      | ∂²V/∂S²                               | exp(-qT)·φ(d1) / (S·σ√T)                   |
    | vanna      | ∂²V/∂S∂σ = ∂delta/∂σ                  | -exp(-qT)·φ(d1)·d2 / σ                     |
    | volga      | ∂²V/∂σ² = ∂vega/∂σ, also vomma        | vega·d1·d2 / σ                             |
    | charm      | -∂²V/∂S∂T = delta's change a year     | θ·q·exp(-qT)·Φ(θd1) - exp(-qT)·φ(d1)·c     |
    | veta       | -∂²V/∂σ∂T = vega's change a year      | vega·(q + d1·c - 1 / (2T))                 |
    | vera       | ∂²V/∂r∂σ = ∂rho/∂σ, also rhova        | -T·A·φ(d1)·d1 / σ; on a future -T·vega     |
    | dual_gamma | ∂²V/∂K²                               | exp(-rT)·φ(d2) / (K·σ√T)                   |
    """

    gamma: Array
    vanna: Array
    volga: Array
    charm: Array
    veta: Array
    vera: Array
    dual_gamma: Array


def price(options: Options) -> Array:
    """V = θ(A·Φ(θd1) - B·Φ(θd2)), float64 in the shape of the options, in the unit of the underlying's price."""
    from tradsys.numerics.options.european_kernels import prices

    out = np.empty(options.matrix.shape[1])
    prices(options.matrix, out)
    return options.shaped(out)


def greeks(options: Options) -> Greeks:
    """Price, first derivatives and gamma, in one pass."""
    from tradsys.numerics.options.european_kernels import first_order

    out = np.empty((len(Greeks._fields), options.matrix.shape[1]))
    first_order(options.matrix, out, options.future)
    return Greeks(*(options.shaped(row) for row in out))


def second_order_greeks(options: Options) -> SecondOrderGreeks:
    """Second derivatives, in one pass."""
    from tradsys.numerics.options.european_kernels import second_order

    out = np.empty((len(SecondOrderGreeks._fields), options.matrix.shape[1]))
    second_order(options.matrix, out, options.future)
    return SecondOrderGreeks(*(options.shaped(row) for row in out))
