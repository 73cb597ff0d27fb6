"""Prices, Greeks and American options beside QuantLib; where the two differ, 60 digits say who is right."""

from __future__ import annotations

import mpmath
import numpy as np
import numpy.typing as npt
import pytest
import QuantLib as ql

from tradsys.numerics.options import CALL, PUT, Greeks, Options, american_greeks, american_price, greeks

Array = npt.NDArray[np.float64]


def market(count: int, *, widest: float, seed: int) -> Options:
    """Options of up to ten years, 3 to 200 % of volatility, up to `widest` deviations from the money."""
    draw = np.random.default_rng(seed)
    spot, years = 10 ** draw.uniform(0.0, 5.0, count), 10 ** draw.uniform(-2.5, 1.0, count)
    volatility = 10 ** draw.uniform(-1.5, 0.3, count)
    rate, carried = draw.uniform(-0.02, 0.15, count), draw.uniform(-0.02, 0.15, count)
    away = draw.uniform(-widest, widest, count) * volatility * np.sqrt(years)
    return Options.on_spot(
        spot=spot,
        strike=spot * np.exp((rate - carried) * years - away),
        years=years,
        right=draw.choice([CALL, PUT], count),
        volatility=volatility,
        rate=rate,
        dividend_yield=carried,
    )


def of_quantlib(options: Options) -> Greeks:
    rows = []
    for spot, strike, years, volatility, rate, carried, right in options.matrix.T.tolist():
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if right > 0 else ql.Option.Put, strike)
        forward, deviation = spot * np.exp((rate - carried) * years), volatility * np.sqrt(years)
        library = ql.BlackCalculator(payoff, forward, deviation, np.exp(-rate * years))
        first = (library.value(), library.delta(spot), library.gamma(spot), library.vega(years))
        second = (library.theta(spot, years), library.rho(years), library.dividendRho(years))
        rows.append((*first, *second, library.strikeSensitivity()))
    return Greeks(*np.array(rows).T)


def terms_of_theta(options: Options, own: Greeks) -> Array:
    """What theta is the sum of, each positive: near its zero only that says how exact it is."""
    spot, strike, _, volatility, rate, carried, _ = options.matrix
    decay = 0.5 * own.gamma * (spot * volatility) ** 2
    return np.asarray(decay + np.abs(carried * spot * own.delta) + np.abs(rate * strike * own.dual_delta))


def by_digits(row: list[float]) -> mpmath.mpf:
    with mpmath.workdps(60):
        spot, strike, years, volatility, rate, carried, right = map(mpmath.mpf, row)
        deviation = volatility * mpmath.sqrt(years)
        d1 = (mpmath.log(spot / strike) + (rate - carried) * years) / deviation + deviation / 2
        share, bond = spot * mpmath.exp(-carried * years), strike * mpmath.exp(-rate * years)
        return right * (share * mpmath.ncdf(right * d1) - bond * mpmath.ncdf(right * (d1 - deviation)))


def test_prices_and_first_order_greeks_agree_to_ten_digits() -> None:
    options = market(5_000, widest=2.0, seed=1)
    own, theirs = greeks(options), of_quantlib(options)
    for name, mine, other in zip(Greeks._fields, own, theirs, strict=True):
        scale = terms_of_theta(options, own) if name == "theta" else np.abs(other)
        assert np.max(np.abs(mine - other) / scale) < 1e-10, name


def test_in_the_wings_sixty_digits_take_our_side() -> None:
    options = market(3_000, widest=12.0, seed=2)
    own, theirs = greeks(options).price, of_quantlib(options).price
    differ = np.flatnonzero(np.abs(own - theirs) > 1e-10 * np.abs(theirs))
    assert len(differ) > 100  # QuantLib subtracts; beyond four deviations that shows
    exact = [by_digits(options.matrix[:, place].tolist()) for place in differ[:150]]
    assert max(abs(float(own[place] / right - 1)) for place, right in zip(differ, exact, strict=False)) < 1e-12


def test_gamma_and_vega_agree_in_the_wings_too() -> None:
    options = market(3_000, widest=12.0, seed=3)
    own, theirs = greeks(options), of_quantlib(options)
    for name in ("gamma", "vega"):
        assert np.max(np.abs(getattr(own, name) / getattr(theirs, name) - 1)) < 2e-10, name


TODAY = ql.Date(1, 1, 2026)


def american_of_quantlib(row: list[float]) -> float:
    """By the same method, its iteration driven to its end; time is whole days of a year of 365."""
    spot, strike, years, volatility, rate, carried, right = row
    ql.Settings.instance().evaluationDate = TODAY
    days = ql.Actual365Fixed()

    def flat(level: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(TODAY, level, days))

    smile = ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, days)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)), flat(carried), flat(rate), ql.BlackVolTermStructureHandle(smile)
    )
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if right > 0 else ql.Option.Put, strike)
    option = ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, TODAY + round(years * 365)))
    option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpTanhSinhIterationScheme(40, 24, 1e-10)))
    return float(option.NPV())


def american_market(count: int, *, seed: int) -> Options:
    draw = np.random.default_rng(seed)
    volatility, years = 10 ** draw.uniform(-1.3, 0.3, count), np.round(10 ** draw.uniform(0.5, 3.5, count)) / 365
    away = np.clip(draw.normal(0.0, 1.0, count) * volatility * np.sqrt(years), -1.0, 1.0)
    return Options.on_spot(
        spot=100.0,
        strike=100.0 * np.exp(away),
        years=years,
        right=draw.choice([CALL, PUT], count),
        volatility=volatility,
        rate=10 ** draw.uniform(-3.0, -0.8, count),
        dividend_yield=np.where(draw.random(count) < 0.4, 0.0, 10 ** draw.uniform(-3.0, -0.8, count)),
    )


def test_american_prices_agree_to_seven_digits_of_the_spot() -> None:
    options = american_market(30, seed=4)
    theirs = np.array([american_of_quantlib(row) for row in options.matrix.T.tolist()])
    assert np.max(np.abs(american_price(options) - theirs)) < 1e-7 * 100.0


@pytest.mark.parametrize("seed", [5, 6])
def test_american_greeks_are_the_slopes_of_quantlibs_prices(seed: int) -> None:
    options = american_market(8, seed=seed)
    own = american_greeks(options)

    def theirs(**by: float) -> Array:
        return np.array([american_of_quantlib(row) for row in options.bumped(**by).matrix.T.tolist()])

    up, down = theirs(spot=0.05), theirs(spot=-0.05)
    assert own.delta == pytest.approx((up - down) / 0.1, abs=2e-5)
    assert own.vega == pytest.approx((theirs(volatility=1e-3) - theirs(volatility=-1e-3)) / 2e-3, abs=5e-3)
    assert own.rho == pytest.approx((theirs(rate=1e-4) - theirs(rate=-1e-4)) / 2e-4, abs=5e-2)
