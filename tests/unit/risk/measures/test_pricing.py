"""The price functions that ship, against formulas written plainly, and in the measures."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.risk.measures import books
from tests.unit.risk.measures.books import Array, hedged, history
from tradsys.risk.measures import pricing
from tradsys.risk.measures.positions import PriceFunction
from tradsys.risk.measures.report import measure
from tradsys.risk.measures.stress import Shock, stress

OPTIONS = {
    "spot": np.array([100.0, 100.0, 80.0, 120.0]),
    "strike": np.array([100.0, 95.0, 100.0, 100.0]),
    "years": np.array([0.1, 1.0, 0.5, 0.02]),
    "interest": np.array([0.06, 0.0, 0.1, 0.06]),
    "volatility": np.array([0.2, 0.4, 0.1, 0.6]),
}
CALL = np.array([True, False, False, True])


def test_black_scholes_is_the_plain_formula() -> None:
    assert pricing.black_scholes(**OPTIONS, call=CALL) == pytest.approx(
        books.black_scholes(**OPTIONS, call=CALL), rel=1e-9
    )


def test_black_76_is_that_of_the_discounted_future() -> None:
    discounted = {**OPTIONS, "spot": OPTIONS["spot"] * np.exp(-OPTIONS["interest"] * OPTIONS["years"])}
    assert pricing.black_76(**OPTIONS, call=CALL) == pytest.approx(
        books.black_scholes(**discounted, call=CALL), rel=1e-9
    )


def test_exercise_at_any_time_is_worth_something() -> None:
    european, any_time = pricing.black_scholes(**OPTIONS, call=CALL), pricing.american(**OPTIONS, call=CALL)
    assert (any_time >= european - 1e-9).all() and any_time[2] > european[2] + 1.0


@pytest.mark.parametrize("price", [pricing.black_scholes, pricing.black_76, pricing.american])
def test_an_unknown_input_is_an_unknown_price(price: PriceFunction) -> None:
    for name, values in OPTIONS.items():
        damaged = {**OPTIONS, name: np.where(np.arange(4) == 1, np.nan, values)}
        assert np.isnan(price(**damaged, call=CALL)).tolist() == [False, True, False, False]


def test_measures_agree_whoever_prices() -> None:
    def values(price: PriceFunction) -> Array:
        found = measure(hedged(), history=history(), equity=1e6, price=price).at[0.99]
        shocked = stress(hedged(), shock=Shock(name="x", spot=-0.1, volatility=0.1), price=price)
        return np.array([*found.by_method["historical"][:2], shocked.profit])

    assert values(pricing.black_scholes) == pytest.approx(values(books.black_scholes), rel=1e-9)
