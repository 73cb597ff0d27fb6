"""Laws of option prices: parity, bounds, monotonicity, and implied volatilities that are right or absent."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradsys.numerics.options import (
    CALL,
    PUT,
    Implied,
    Options,
    american_price,
    greeks,
    implied_volatility,
    price,
    second_order_greeks,
)

spots = st.floats(1e-3, 1e6)
deviations = st.floats(-30.0, 30.0)
years_left = st.floats(1e-6, 30.0)
volatilities = st.floats(1e-3, 5.0)
rates = st.floats(-0.1, 0.3)
rights = st.sampled_from([CALL, PUT])
COARSE = {"spot": 100.0, "years": 0.4, "volatility": 0.25}


def strike_at(spot: float, *, away: float, years: float, volatility: float) -> float:
    return spot * math.exp(min(-away * volatility * math.sqrt(years), 600.0))


@given(spots, deviations, years_left, volatilities, rates, rates)
def test_call_less_put_is_the_forward(
    spot: float, away: float, years: float, volatility: float, rate: float, carried: float
) -> None:
    strike = strike_at(spot, away=away, years=years, volatility=volatility)
    assume(1e-100 < strike < 1e100)
    both = Options.on_spot(
        spot=spot,
        strike=strike,
        years=years,
        right=[CALL, PUT],
        volatility=volatility,
        rate=rate,
        dividend_yield=carried,
    )
    call, put = price(both)
    share, bond = spot * math.exp(-carried * years), strike * math.exp(-rate * years)
    rounding = 1e-14 * (share + bond) * (1 + 30 * years)
    assert abs(call - put - (share - bond)) <= rounding
    assert max(0.0, share - bond - rounding) <= call <= share + rounding
    assert max(0.0, bond - share - rounding) <= put <= bond + rounding
    delta = greeks(both).delta
    assert abs(delta[0] - delta[1] - share / spot) <= 1e-13 * (1 + share / spot)


@given(spots, deviations, years_left, volatilities, rates, rates, rights, st.floats(1e-6, 0.5))
def test_more_volatility_costs_more(
    spot: float, away: float, years: float, volatility: float, rate: float, carried: float, right: float, more: float
) -> None:
    strike = strike_at(spot, away=away, years=years, volatility=volatility)
    assume(1e-100 < strike < 1e100)
    low, high = price(
        Options.on_spot(
            spot=spot,
            strike=strike,
            years=years,
            right=right,
            volatility=[volatility, volatility * (1 + more)],
            rate=rate,
            dividend_yield=carried,
        )
    )
    assert low <= high * (1 + 1e-13)


@given(st.floats(50.0, 200.0), st.floats(1e-4, 0.2), rights)
def test_price_is_monotonic_and_convex_in_the_strike(strike: float, step: float, right: float) -> None:
    strikes = strike * (1 + step * np.arange(3))
    below, middle, above = price(Options.on_spot(strike=strikes, right=right, rate=0.05, **COARSE))
    assert right * (below - middle) >= 0 and right * (middle - above) >= 0
    assert below - 2 * middle + above >= -1e-12
    assert abs(middle - below) <= strike * step


@given(spots, deviations, years_left, volatilities, rates, rates, rights)
def test_greeks_have_their_signs(
    spot: float, away: float, years: float, volatility: float, rate: float, carried: float, right: float
) -> None:
    strike = strike_at(spot, away=away, years=years, volatility=volatility)
    assume(1e-100 < strike < 1e100)
    option = Options.on_spot(
        spot=spot,
        strike=strike,
        years=years,
        right=right,
        volatility=volatility,
        rate=rate,
        dividend_yield=carried,
    )
    first, second = greeks(option), second_order_greeks(option)
    assert right * first.delta >= 0 and first.gamma >= 0 and first.vega >= 0
    assert right * first.rho >= 0 and right * first.psi <= 0 and right * first.dual_delta <= 0
    assert second.gamma == first.gamma and second.dual_gamma >= 0
    # Euler: the price is homogeneous of degree one in share and strike.
    rounding = 1e-13 * (abs(spot * first.delta) + abs(strike * first.dual_delta)) + 1e-300
    assert abs(spot * first.delta + strike * first.dual_delta - first.price) <= rounding


@given(spots, deviations, years_left, volatilities, rates, rates, rights)
def test_implied_volatility_is_the_one_or_none(
    spot: float, away: float, years: float, volatility: float, rate: float, carried: float, right: float
) -> None:
    strike = strike_at(spot, away=away, years=years, volatility=volatility)
    assume(1e-100 < strike < 1e100)
    option = Options.on_spot(
        spot=spot,
        strike=strike,
        years=years,
        right=right,
        volatility=volatility,
        rate=rate,
        dividend_yield=carried,
    )
    found, reason = implied_volatility(option, price=price(option))
    if reason == Implied.SOLVED:
        assert abs(found / volatility - 1) < 1e-6
    else:
        assert np.isnan(found)
        assert reason in (Implied.AT_LOWER_BOUND, Implied.AT_UPPER_BOUND, Implied.UNRESOLVED)


@given(spots, spots, years_left, rates, rates, rights, st.floats(-1e7, 1e7))
def test_any_price_has_a_volatility_that_gives_it_or_a_reason(
    spot: float, strike: float, years: float, rate: float, carried: float, right: float, asked: float
) -> None:
    option = Options.on_spot(spot=spot, strike=strike, years=years, right=right, rate=rate, dividend_yield=carried)
    found, reason = implied_volatility(option, price=asked)
    assert np.isnan(found) == (reason != Implied.SOLVED)
    if reason == Implied.SOLVED:
        again = Options.on_spot(
            spot=spot,
            strike=strike,
            years=years,
            right=right,
            volatility=found,
            rate=rate,
            dividend_yield=carried,
        )
        vega = greeks(again).vega
        assert abs(price(again) - asked) <= 1e-12 * (spot + strike + asked) + 1e-6 * vega * found


@given(st.floats(50.0, 200.0), years_left, st.floats(0.02, 2.0), st.floats(0.0, 0.2), st.floats(0.0, 0.2), rights)
def test_american_is_worth_no_less_than_european_and_exercise_and_no_more_than_what_it_delivers(
    strike: float, years: float, volatility: float, rate: float, carried: float, right: float
) -> None:
    option = Options.on_spot(
        spot=100.0,
        strike=strike,
        years=years,
        right=right,
        volatility=volatility,
        rate=rate,
        dividend_yield=carried,
    )
    american = american_price(option)
    assert american >= price(option) * (1 - 1e-9)
    assert american >= right * (100.0 - strike)
    assert american <= (100.0 if right == CALL else strike) * (1 + 1e-9)


@settings(max_examples=25)
@given(st.floats(50.0, 200.0), years_left, st.floats(0.05, 2.0), st.floats(0.0, 0.2), st.floats(0.0, 0.2))
def test_american_call_is_the_put_the_other_way_round(
    strike: float, years: float, volatility: float, rate: float, carried: float
) -> None:
    call = Options.on_spot(
        spot=100.0, strike=strike, years=years, right=CALL, volatility=volatility, rate=rate, dividend_yield=carried
    )
    put = Options.on_spot(
        spot=strike, strike=100.0, years=years, right=PUT, volatility=volatility, rate=carried, dividend_yield=rate
    )
    assert abs(american_price(call) - american_price(put)) <= 1e-10 * (100.0 + strike)
