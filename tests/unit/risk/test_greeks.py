"""Greeks of a portfolio: sums, units, and what cannot be valued."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import DAY, SCALE
from tradsys.numerics.options import CALL, PUT, Options, greeks
from tradsys.risk.greeks import Holding, OptionModel, PositionGreeks, Underlying, portfolio_greeks

NOW = 1_700_000_000 * 10**9
EXPIRY = NOW + 73 * DAY
NIFTY = "NSE:NIFTY 50"
MARKET = {NIFTY: Underlying(price=24_000.0, rate=0.065, dividend_yield=0.012)}


def option(strike: float, right: OptionRight, **other: Any) -> Instrument:
    terms: dict[str, Any] = {
        "id": f"NFO:NIFTY {strike:g} {right}",
        "exchange": "NFO",
        "symbol": f"NIFTY{strike:g}{right}",
        "segment": Segment.OPTION,
        "underlying": NIFTY,
        "expiry": EXPIRY,
        "strike": round(strike * SCALE),
        "right": right,
    }
    return Instrument(**{**terms, **other})


FUTURE = Instrument(
    id="NFO:NIFTY FUT", exchange="NFO", symbol="NIFTYFUT", segment=Segment.FUTURE, underlying=NIFTY, expiry=EXPIRY
)
SHARE = Instrument(id="NSE:INFY", exchange="NSE", symbol="INFY", segment=Segment.EQUITY)
PUT_24000 = option(24_000.0, OptionRight.PUT)
CALL_25000 = option(25_000.0, OptionRight.CALL)


def test_an_option_counts_its_derivatives_times_quantity() -> None:
    found = portfolio_greeks(
        [Holding(instrument=PUT_24000, quantity=-75 * SCALE, volatility=0.14)], underlyings=MARKET, at=NOW
    )
    one = greeks(
        Options.on_spot(
            spot=24_000.0,
            strike=24_000.0,
            years=0.2,
            right=PUT,
            volatility=0.14,
            rate=0.065,
            dividend_yield=0.012,
        )
    )
    own = found.by_underlying[NIFTY]
    assert own.delta == pytest.approx(-75 * float(one.delta))
    assert own.gamma == pytest.approx(-75 * float(one.gamma))
    assert own.vega == pytest.approx(-75 * float(one.vega))
    assert own.theta == pytest.approx(-75 * float(one.theta))
    assert own.delta_money == pytest.approx(own.delta * 24_000.0)
    assert own.gamma_money == pytest.approx(own.gamma * 24_000.0**2 / 100)
    assert own.vega_point == pytest.approx(own.vega / 100)
    assert own.theta_day == pytest.approx(own.theta / 365)
    assert found.unvalued == ()


def test_money_says_what_a_move_does() -> None:
    """One per cent up: delta_money grows by gamma_money, as revaluing shows."""
    holding = [Holding(instrument=CALL_25000, quantity=75 * SCALE, volatility=0.14)]
    before, after = (
        portfolio_greeks(holding, underlyings={NIFTY: Underlying(price=price)}, at=NOW).by_underlying[NIFTY]
        for price in (24_000.0, 24_024.0)
    )
    change = after.delta - before.delta
    assert change * 24_000.0 == pytest.approx(before.gamma_money / 10, rel=0.02)


def test_futures_and_shares_have_a_delta_of_one_and_add_up_by_underlying() -> None:
    held = [
        Holding(instrument=FUTURE, quantity=150 * SCALE),
        Holding(instrument=PUT_24000, quantity=75 * SCALE, volatility=0.14),
        Holding(instrument=SHARE, quantity=-40 * SCALE),
    ]
    found = portfolio_greeks(held, underlyings={**MARKET, "NSE:INFY": Underlying(price=1_500.0)}, at=NOW)
    alone = portfolio_greeks(held[1:2], underlyings=MARKET, at=NOW).by_underlying[NIFTY]
    assert found.by_underlying[NIFTY].delta == pytest.approx(150 + alone.delta)
    assert found.by_underlying[NIFTY].vega == alone.vega
    assert found.by_underlying["NSE:INFY"] == PositionGreeks(delta=-40.0, delta_money=-60_000.0)
    total = found.total("INR")
    assert (total.delta, total.gamma) == (0.0, 0.0)
    assert total.delta_money == pytest.approx(found.by_underlying[NIFTY].delta_money - 60_000.0)
    assert found.total("USD") == PositionGreeks()


def test_the_multiplier_counts() -> None:
    coin = option(60_000.0, OptionRight.CALL, multiplier=10, currency="USDT")
    small = option(60_000.0, OptionRight.CALL, currency="USDT")
    market = {NIFTY: Underlying(price=60_000.0)}
    one, ten = (
        portfolio_greeks([Holding(instrument=each, quantity=SCALE, volatility=0.6)], underlyings=market, at=NOW)
        for each in (small, coin)
    )
    assert ten.by_underlying[NIFTY].vega == pytest.approx(10 * one.by_underlying[NIFTY].vega)
    assert ten.total("USDT").vega == ten.by_underlying[NIFTY].vega


def test_options_priced_on_the_future_follow_black() -> None:
    market = {NIFTY: Underlying(price=24_150.0, rate=0.065, model=OptionModel.FUTURE)}
    found = portfolio_greeks(
        [Holding(instrument=CALL_25000, quantity=SCALE, volatility=0.14)], underlyings=market, at=NOW
    )
    one = greeks(
        Options.on_future(future=24_150.0, strike=25_000.0, years=0.2, right=CALL, volatility=0.14, rate=0.065)
    )
    assert found.by_underlying[NIFTY].delta == pytest.approx(float(one.delta))


def test_a_closed_position_is_none() -> None:
    assert portfolio_greeks([Holding(instrument=FUTURE, quantity=0)], underlyings={}, at=NOW).by_underlying == {}


INDEX = Instrument(id=NIFTY, exchange="NSE", symbol="NIFTY 50", segment=Segment.INDEX)
NAKED = msgspec.structs.replace(PUT_24000, strike=None)


@pytest.mark.parametrize(
    ("holding", "market", "reason", "value"),
    [
        (Holding(instrument=FUTURE, quantity=SCALE), {}, "no price of the underlying", "none"),
        *(
            (
                Holding(instrument=SHARE, quantity=SCALE),
                {"NSE:INFY": Underlying(price=price)},
                "price of the underlying is none",
                str(price),
            )
            for price in (math.nan, 0.0, -1.0, math.inf)
        ),
        *(
            (Holding(instrument=PUT_24000, quantity=SCALE, volatility=bad), MARKET, "no volatility", str(bad))
            for bad in (math.nan, 0.0, -0.1, math.inf)
        ),
        (
            Holding(instrument=PUT_24000, quantity=SCALE, volatility=0.1),
            {NIFTY: Underlying(price=24_000.0, rate=math.nan)},
            "rate or yield is no number",
            "nan, 0.0",
        ),
        (Holding(instrument=INDEX, quantity=SCALE), MARKET, "an index is a number, not a position", NIFTY),
        (
            Holding(instrument=NAKED, quantity=SCALE, volatility=0.1),
            MARKET,
            "an option without its terms",
            f"strike None, right PE, expiry {EXPIRY}",
        ),
        (
            Holding(instrument=PUT_24000, quantity=SCALE, volatility=0.1),
            {NIFTY: Underlying(price=24_000.0, rate=1e6)},
            "has no derivatives here",
            None,
        ),
    ],
)
def test_what_cannot_be_valued_is_named(
    holding: Holding, market: dict[str, Underlying], reason: str, value: str | None
) -> None:
    found = portfolio_greeks([holding], underlyings=market, at=NOW)
    (why,) = found.unvalued
    assert (why.instrument, why.reason) == (holding.instrument.id, reason)
    assert value is None or why.value == value
    assert found.by_underlying == {}


def test_past_its_expiry_a_position_is_unvalued() -> None:
    held = [Holding(instrument=FUTURE, quantity=SCALE)]
    assert portfolio_greeks(held, underlyings=MARKET, at=EXPIRY - 1).unvalued == ()
    (why,) = portfolio_greeks(held, underlyings=MARKET, at=EXPIRY).unvalued
    assert why.reason == "past its expiry and not settled"


def test_one_underlying_in_two_currencies_is_unvalued() -> None:
    abroad = option(24_000.0, OptionRight.CALL, currency="USD")
    held = [
        Holding(instrument=FUTURE, quantity=SCALE),
        Holding(instrument=abroad, quantity=SCALE, volatility=0.1),
    ]
    (why,) = portfolio_greeks(held, underlyings=MARKET, at=NOW).unvalued
    assert (why.instrument, why.reason, why.value) == (abroad.id, "its underlying is held in INR", "USD")
