"""Where an option stops being one: no time, no volatility, NaN, infinities, prices at their bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tradsys.core.errors import DataError
from tradsys.numerics.options import (
    CALL,
    PUT,
    Implied,
    Options,
    american_greeks,
    american_price,
    greeks,
    implied_volatility,
    price,
    second_order_greeks,
)

USUAL: dict[str, Any] = {
    "spot": 100.0,
    "strike": 95.0,
    "years": 0.5,
    "right": CALL,
    "volatility": 0.2,
    "rate": 0.06,
    "dividend_yield": 0.01,
}


def usual(**other: Any) -> Options:
    return Options.on_spot(**{**USUAL, **other})


BAD = [
    {name: value}
    for name in ("spot", "strike", "years", "volatility", "rate", "dividend_yield", "right")
    for value in (math.nan, math.inf, -math.inf)
] + [{"spot": 0.0}, {"strike": 0.0}, {"spot": -1.0}, {"years": -0.1}, {"volatility": -0.2}, {"right": 0.0}]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_what_is_no_option_is_nan_everywhere(bad: dict[str, float]) -> None:
    options = usual(**bad)
    for answers in (greeks(options), second_order_greeks(options), american_greeks(options)):
        assert all(np.isnan(each) for each in answers)
    if "volatility" not in bad:
        assert implied_volatility(options, price=10.0).reason == Implied.BAD_INPUT


def test_one_bad_option_spoils_no_other() -> None:
    options = usual(strike=[90.0, math.nan, 110.0])
    assert np.isnan(price(options)).tolist() == [False, True, False]
    assert price(options)[2] == price(usual(strike=110.0))


@pytest.mark.parametrize("still", [{"years": 0.0}, {"volatility": 0.0}], ids=str)
@pytest.mark.parametrize("right", [CALL, PUT])
@pytest.mark.parametrize("strike", [80.0, 120.0])
def test_without_deviation_the_price_is_its_limit(still: dict[str, float], right: float, strike: float) -> None:
    options = usual(right=right, strike=strike, **still)
    years = options.matrix[2, 0]
    share, bond = 100.0 * math.exp(-0.01 * years), strike * math.exp(-0.06 * years)
    first, second = greeks(options), second_order_greeks(options)
    inside = right * (share - bond) > 0
    assert float(first.price) == pytest.approx(max(right * (share - bond), 0.0), rel=1e-14)
    assert float(first.delta) == pytest.approx(right * share / 100.0 * inside)
    assert float(first.theta) == pytest.approx(right * (0.01 * share - 0.06 * bond) * inside)
    assert float(first.rho) == pytest.approx(right * years * bond * inside)
    assert [float(each) for each in (first.gamma, first.vega)] == [0.0, 0.0]
    assert float(second.charm) == pytest.approx(right * 0.01 * share / 100.0 * inside)
    assert [float(getattr(second, name)) for name in ("vanna", "volga", "veta", "vera", "dual_gamma")] == [0.0] * 5


def test_at_the_kink_there_is_a_price_and_no_slope() -> None:
    options = usual(strike=100.0, years=0.0)
    assert price(options) == 0.0
    assert all(np.isnan(each) for each in greeks(options)[1:])
    assert all(np.isnan(each) for each in second_order_greeks(options))


def test_extremes_reach_their_limits_without_a_warning() -> None:
    far = usual(strike=[1e-12, 1e12], years=1e-9)
    assert price(far) == pytest.approx([100.0, 0.0])
    sure = usual(volatility=1e3, years=30.0)
    assert float(price(sure)) == pytest.approx(100.0 * math.exp(-0.3), rel=1e-15)
    assert all(np.isfinite(each).all() for each in (*greeks(far), *second_order_greeks(far), *greeks(sure)))


def test_answers_take_the_shape_of_the_inputs() -> None:
    grid = usual(strike=np.array([[90.0], [100.0]]), years=[0.1, 0.2, 0.3])
    assert price(grid).shape == (2, 3)
    assert greeks(grid).vega.shape == (2, 3)
    assert implied_volatility(grid, price=5.0).reason.shape == (2, 3)
    assert price(usual()).shape == ()
    assert price(usual(strike=[])).shape == (0,)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="strike"):
        usual(strike=[90.0, 100.0], years=[0.1, 0.2, 0.3])
    with pytest.raises(DataError, match="prices"):
        implied_volatility(usual(), price=[1.0, 2.0])


SHARE, BOND = 100.0 * math.exp(-0.005), 95.0 * math.exp(-0.03)


@pytest.mark.parametrize(
    ("asked", "given", "reason"),
    [
        (math.nan, {}, Implied.BAD_INPUT),
        (math.inf, {}, Implied.BAD_INPUT),
        (10.0, {"years": 0.0}, Implied.EXPIRED),
        (-1.0, {"strike": 120.0}, Implied.BELOW_LOWER_BOUND),
        (SHARE - BOND - 1e-9, {}, Implied.BELOW_LOWER_BOUND),
        (SHARE - BOND, {}, Implied.AT_LOWER_BOUND),
        (0.0, {"strike": 120.0}, Implied.AT_LOWER_BOUND),
        (SHARE, {}, Implied.AT_UPPER_BOUND),
        (SHARE + 1.0, {}, Implied.AT_UPPER_BOUND),
        (BOND, {"right": PUT}, Implied.AT_UPPER_BOUND),
        (BOND + 1.0, {"right": PUT}, Implied.AT_UPPER_BOUND),
        (1e-295, {"strike": 120.0}, Implied.UNRESOLVED),
        (SHARE - BOND + 1e-12, {}, Implied.UNRESOLVED),
    ],
)
def test_no_volatility_has_a_reason(asked: float, given: dict[str, float], reason: Implied) -> None:
    found = implied_volatility(usual(**given), price=asked)
    assert Implied(int(found.reason)) is reason
    assert np.isnan(found.volatility)


@pytest.mark.parametrize("volatility", [1e-4, 0.01, 0.2, 1.0, 5.0])
@pytest.mark.parametrize("strike", [1.0, 50.0, 99.0, 100.0, 101.0, 200.0, 1e4])
def test_a_volatility_comes_back_from_what_is_out_of_the_money(volatility: float, strike: float) -> None:
    right = CALL if strike * math.exp(-0.03) >= SHARE else PUT
    options = usual(strike=strike, volatility=volatility, right=right)
    asked = price(options)
    found = implied_volatility(options, price=asked)
    if asked > 1e-280:
        assert float(found.volatility) == pytest.approx(volatility, rel=1e-12)
    else:
        assert found.reason in (Implied.AT_LOWER_BOUND, Implied.UNRESOLVED)


def test_an_option_on_a_future_ignores_the_carry() -> None:
    future = Options.on_future(future=100.0, strike=105.0, years=0.4, right=CALL, volatility=0.3, rate=0.07)
    share = Options.on_spot(
        spot=100.0, strike=105.0, years=0.4, right=CALL, volatility=0.3, rate=0.07, dividend_yield=0.07
    )
    assert price(future) == price(share)
    assert greeks(future).rho == pytest.approx(-0.4 * float(price(future)))
    assert greeks(future).psi == 0.0
    assert float(implied_volatility(future, price=price(future)).volatility) == pytest.approx(0.3, rel=1e-14)


# --- American


def test_an_american_call_without_yield_is_european() -> None:
    options = usual(dividend_yield=0.0)
    assert american_price(options) == price(options)


def test_deep_in_the_money_it_is_exercised() -> None:
    greeks_now = american_greeks(usual(spot=40.0, right=PUT))
    assert [float(each) for each in greeks_now] == [55.0, -1.0, 0.0, 0.0, 0.0, 0.0]


def test_at_expiry_an_american_option_is_what_exercise_brings() -> None:
    assert american_price(usual(years=0.0, strike=[90.0, 110.0])).tolist() == [10.0, 0.0]


def test_two_boundaries_are_not_modelled() -> None:
    assert np.isnan(american_price(usual(right=PUT, rate=-0.01, dividend_yield=-0.03)))
    assert np.isfinite(american_price(usual(right=PUT, rate=-0.01, dividend_yield=0.02)))


def test_without_volatility_an_american_option_is_not_modelled() -> None:
    assert np.isnan(american_price(usual(volatility=0.0)))


@pytest.mark.parametrize("right", [CALL, PUT])
def test_american_greeks_are_slopes_of_the_price(right: float) -> None:
    options = usual(right=right, dividend_yield=0.05, strike=[85.0, 95.0, 100.0, 105.0, 120.0])
    own = american_greeks(options)

    def slope(**by: float) -> Any:
        up, down = (
            american_price(options.bumped(**by)),
            american_price(options.bumped(**{name: -step for name, step in by.items()})),
        )
        return (up - down) / (2 * next(iter(by.values())))

    middle = american_price(options)
    bend = (american_price(options.bumped(spot=0.02)) - 2 * middle + american_price(options.bumped(spot=-0.02))) / 4e-4
    assert own.delta == pytest.approx(slope(spot=0.01), abs=1e-6)
    assert own.gamma == pytest.approx(bend, abs=1e-4)
    assert own.theta == pytest.approx(-slope(years=1e-4), abs=1e-4)
    assert own.vega == pytest.approx(slope(volatility=1e-4), abs=1e-4)
    assert own.rho == pytest.approx(slope(rate=1e-5), abs=1e-3)
