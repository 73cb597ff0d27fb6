"""Option prices printed in books and papers."""

from __future__ import annotations

import pytest

from tradsys.numerics.options import CALL, PUT, Options, american_price, price


def test_haugs_examples_of_black_scholes_merton_and_black() -> None:
    """Haug, The complete guide to option pricing formulas (2007), sections 1.1.1, 1.1.2 and 1.1.3."""
    call = Options.on_spot(spot=60.0, strike=65.0, years=0.25, right=CALL, volatility=0.3, rate=0.08)
    assert float(price(call)) == pytest.approx(2.1334, abs=5e-5)
    put = Options.on_spot(spot=100.0, strike=95.0, years=0.5, right=PUT, volatility=0.2, rate=0.1, dividend_yield=0.05)
    assert float(price(put)) == pytest.approx(2.4648, abs=5e-5)
    both = Options.on_future(future=19.0, strike=19.0, years=0.75, right=[CALL, PUT], volatility=0.28, rate=0.1)
    assert price(both) == pytest.approx([1.7011, 1.7011], abs=5e-5)


def test_the_premium_of_andersen_lake_and_offengenden() -> None:
    """High-performance American option pricing (2016), table 2: at the money, r = q = 5 %, σ = 25 %, one year."""
    put = Options.on_spot(
        spot=100.0, strike=100.0, years=1.0, right=PUT, volatility=0.25, rate=0.05, dividend_yield=0.05
    )
    assert float(american_price(put) - price(put)) == pytest.approx(0.106952702747, rel=1e-9)
