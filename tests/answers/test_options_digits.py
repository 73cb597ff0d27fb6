"""Every price and Greek beside derivatives of the plain formula taken with hundreds of digits, the wings included."""

from __future__ import annotations

from functools import cache

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

from tradsys.numerics.options import (
    CALL,
    PUT,
    Greeks,
    Options,
    SecondOrderGreeks,
    greeks,
    second_order_greeks,
)

Array = npt.NDArray[np.float64]

# Orders of derivation by spot, strike, years, volatility, rate, yield, and a sign: years are derived as they pass.
DERIVATIVES = {
    "price": ((0, 0, 0, 0, 0, 0), 1),
    "delta": ((1, 0, 0, 0, 0, 0), 1),
    "gamma": ((2, 0, 0, 0, 0, 0), 1),
    "vega": ((0, 0, 0, 1, 0, 0), 1),
    "theta": ((0, 0, 1, 0, 0, 0), -1),
    "rho": ((0, 0, 0, 0, 1, 0), 1),
    "psi": ((0, 0, 0, 0, 0, 1), 1),
    "dual_delta": ((0, 1, 0, 0, 0, 0), 1),
    "vanna": ((1, 0, 0, 1, 0, 0), 1),
    "volga": ((0, 0, 0, 2, 0, 0), 1),
    "charm": ((1, 0, 1, 0, 0, 0), -1),
    "veta": ((0, 0, 1, 1, 0, 0), -1),
    "vera": ((0, 0, 0, 1, 1, 0), 1),
    "dual_gamma": ((0, 2, 0, 0, 0, 0), 1),
}
SMALLEST = 1e-290
"""Below it doubles lose digits, then everything; no relative error is asked for."""

COUNT = 70


def by_formula(*terms: mpmath.mpf, right: int) -> mpmath.mpf:
    spot, strike, years, volatility, rate, carried = terms
    deviation = volatility * mpmath.sqrt(years)
    share, bond = spot * mpmath.exp(-carried * years), strike * mpmath.exp(-rate * years)
    d1 = mpmath.log(share / bond) / deviation + deviation / 2
    return right * (share * mpmath.ncdf(right * d1) - bond * mpmath.ncdf(right * (d1 - deviation)))


@cache
def wings() -> tuple[Options, Array]:
    """Seconds to thirty years, 0.1 to 500 % of volatility, up to 37 deviations from the money, and how many."""
    draw = np.random.default_rng(7)
    spot, years = 10 ** draw.uniform(-2.0, 5.0, COUNT), 10 ** draw.uniform(-6.5, 1.5, COUNT)
    volatility = 10 ** draw.uniform(-3.0, 0.7, COUNT)
    rate, carried = draw.uniform(-0.05, 0.2, (2, COUNT))
    away = np.clip(draw.uniform(-37.0, 37.0, COUNT) * draw.choice([1.0, 0.1, 0.01], COUNT), -37.0, 37.0)
    options = Options.on_spot(
        spot=spot,
        strike=spot * np.exp(np.clip((rate - carried) * years - away * volatility * np.sqrt(years), -40.0, 40.0)),
        years=years,
        right=draw.choice([CALL, PUT], COUNT),
        volatility=volatility,
        rate=rate,
        dividend_yield=carried,
    )
    return options, away


def errors(name: str, own: Array) -> list[float]:
    """Relative error of each value that is not too small to have one."""
    options, away = wings()
    orders, sign = DERIVATIVES[name]
    found = []
    for value, deviations, row in zip(own.tolist(), away.tolist(), options.matrix.T.tolist(), strict=True):
        with mpmath.workdps(60 + int(0.3 * deviations**2)):
            terms, right = tuple(map(mpmath.mpf, row[:6])), int(row[6])
            exact = sign * mpmath.diff(lambda *at, right=right: by_formula(*at, right=right), terms, orders)
            if abs(exact) > SMALLEST:
                found.append(float(abs(value / exact - 1)))
    assert len(found) > 0.7 * COUNT
    return found


@pytest.mark.parametrize("name", Greeks._fields)
def test_prices_and_first_order_greeks(name: str) -> None:
    assert max(errors(name, getattr(greeks(wings()[0]), name))) < 1e-12


@pytest.mark.parametrize("name", SecondOrderGreeks._fields)
def test_second_order_greeks(name: str) -> None:
    assert max(errors(name, getattr(second_order_greeks(wings()[0]), name))) < 1e-11


def on_future(*terms: mpmath.mpf, right: int) -> mpmath.mpf:
    future, strike, years, volatility, rate, _ = terms
    return by_formula(future, strike, years, volatility, rate, rate, right=right)


@pytest.mark.parametrize("right", [CALL, PUT])
@pytest.mark.parametrize("name", DERIVATIVES)
def test_options_on_futures(name: str, right: float) -> None:
    options = Options.on_future(future=101.5, strike=97.0, years=0.3, right=right, volatility=0.22, rate=0.065)
    own = {**greeks(options)._asdict(), **second_order_greeks(options)._asdict()}[name]
    orders, sign = DERIVATIVES[name]
    with mpmath.workdps(60):
        terms = tuple(map(mpmath.mpf, options.matrix[:6].ravel().tolist()))
        exact = sign * mpmath.diff(lambda *at: on_future(*at, right=int(right)), terms, orders)
        assert abs(float(own) - exact) <= 1e-13 * abs(exact)
