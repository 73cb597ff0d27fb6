"""Margins of futures and options, worked by hand or by the textbook formula written out here."""

from __future__ import annotations

import math
from datetime import date
from statistics import NormalDist

import msgspec
import pytest

from tests.unit.risk.margin.books import FAR, INFY, LONG, NEAR, NIFTY, ON, at, future, option, share
from tradsys.core.errors import ConfigError, MissingData, UncoveredDate
from tradsys.core.instruments import OptionRight
from tradsys.core.units import DAY, SCALE, to_float
from tradsys.reference.margin_parameters import scan_parameters
from tradsys.risk.margin.derivatives import derivative_margin, netted, sessions_left, span_of
from tradsys.risk.margin.positions import Market, Position
from tradsys.risk.margin.simplified import most_lost
from tradsys.risk.margin.span import SpanRisk

CALL, PUT = OptionRight.CALL, OptionRight.PUT
PARAMETERS = scan_parameters("index", ON)


def black_scholes(spot: float, strike: float, years: float, volatility: float, right: OptionRight) -> float:
    """Without rates; the formula of 1973."""
    deviation = volatility * math.sqrt(years)
    d1 = math.log(spot / strike) / deviation + deviation / 2
    call = spot * NormalDist().cdf(d1) - strike * NormalDist().cdf(d1 - deviation)
    return call if right is CALL else call - spot + strike


def span(*held: Position, market: Market = NIFTY, on: date = ON) -> SpanRisk:
    found = span_of(netted(held), market, scan_parameters(market.kind, on), at=at(on))
    assert isinstance(found, SpanRisk)
    return found


def test_a_future_is_its_floor() -> None:
    # 6 × 0.8 % × √2 = 6.79 %, below 9.3 %: 25,000 × 9.3 % = 2,325 a unit; × 75 = 1,74,375.
    # Exposure 2 % × 25,000 × 75 = 37,500.
    for quantity in (75, -75):
        found = derivative_margin([future(quantity=quantity)], NIFTY, at=at())
        assert found.items()["span"] == 174_375 * SCALE
        assert found.items()["exposure"] == 37_500 * SCALE
        assert found.total == 211_875 * SCALE


def test_a_wild_market_is_scanned_wider() -> None:
    # 6 × 1.2 % × √2 = 10.182 % → 10.1823376 % to 1e-8: 25,000 × 0.10182338 × 75 = 1,90,918.8375.
    wild = msgspec.structs.replace(NIFTY, daily_volatility=0.012)
    assert span(future(), market=wild).span == round(190_918.8375 * SCALE)


def test_a_stock_future_is_wider() -> None:
    # 6 × 1.5 % × √2 = 12.73 %, below 14.2 %: 1,000 × 14.2 % × 400 = 56,800; exposure 3.5 % × 4,00,000 = 14,000.
    held = future(underlying="INFY", quantity=400, mark=1_000.0)
    assert derivative_margin([held], INFY, at=at()).items() == {
        "span": 56_800 * SCALE,
        "exposure": 14_000 * SCALE,
        "option_premium": 0,
        "var": 0,
        "elm": 0,
        "additional": 0,
        "total": 70_800 * SCALE,
    }


@pytest.mark.parametrize(("right", "move", "scenario"), [(CALL, 2_325.0, 11), (PUT, -2_325.0, 13)])
def test_a_sold_option_is_priced_anew(right: OptionRight, move: float, scenario: int) -> None:
    sold = option(right, 25_000.0, quantity=-75, mark=200.0)
    years = (at(NEAR, "15:30") - at()) / (365 * DAY)
    # Volatility scan: max(25 % × 0.8 % × √252, 4 %) = 4 %.
    worst = black_scholes(25_000.0 + move, 25_000.0, years, 0.19, right)
    loss = 75 * (worst - black_scholes(25_000.0, 25_000.0, years, 0.15, right))
    found = span(sold)
    assert found.scenario == scenario
    assert to_float(found.scan) == pytest.approx(loss, abs=1e-4)
    assert found.net_option_value == -75 * 200 * SCALE
    assert found.span == found.scan + 75 * 200 * SCALE


def test_far_out_of_the_money_the_extreme_move_or_the_minimum_decides() -> None:
    sold = option(PUT, 21_500.0, quantity=-75, mark=1.0, volatility=0.12)
    years = (at(NEAR, "15:30") - at()) / (365 * DAY)
    extreme = black_scholes(25_000.0 - 2 * 2_325.0, 21_500.0, years, 0.12, PUT)
    loss = 75 * 0.35 * (extreme - black_scholes(25_000.0, 21_500.0, years, 0.12, PUT))
    found = span(sold)
    assert found.scenario == 16
    assert to_float(found.scan) == pytest.approx(loss, abs=1e-4)
    # 3 % × 25,000 × 75 = 56,250 is more.
    assert found.risk == found.short_option_minimum == 56_250 * SCALE


def test_a_bought_option_is_its_premium() -> None:
    bought = option(CALL, 25_500.0, mark=120.0)
    found = derivative_margin([bought], NIFTY, at=at())
    assert found.items()["option_premium"] == found.total == 75 * 120 * SCALE


def test_expiries_offset_but_for_the_calendar_spread() -> None:
    # 1.75 % × 25,200 × 75 = 33,075; exposure 2 % × (25,000 + 25,200) × 75 = 75,300.
    spread = [future(), future(FAR, quantity=-75, mark=25_200.0)]
    found = span(*spread)
    assert (found.scan, found.calendar_spread, found.span) == (0, 33_075 * SCALE, 33_075 * SCALE)
    assert derivative_margin(spread, NIFTY, at=at()).total == 108_375 * SCALE


def test_an_unequal_spread_is_charged_on_what_offsets() -> None:
    # 150 long, 75 short: 75 offset, 75 are left: 33,075 + 1,74,375.
    found = span(future(quantity=150), future(FAR, quantity=-75, mark=25_200.0))
    assert found.span == (33_075 + 174_375) * SCALE


@pytest.mark.parametrize(
    ("market", "name", "on", "spread"),
    [
        (NIFTY, "NIFTY", date(2025, 1, 30), True),
        (NIFTY, "NIFTY", date(2025, 2, 27), False),
        (INFY, "INFY", date(2026, 4, 28), True),
        (INFY, "INFY", date(2026, 5, 26), False),
    ],
)
def test_what_expires_today_offsets_nothing_since(market: Market, name: str, on: date, spread: bool) -> None:
    mark = to_float(market.price)
    held = [
        future(on, underlying=name, mark=mark),
        future(date(2026, 12, 29), underlying=name, quantity=-75, mark=mark),
    ]
    single = span(held[0], market=market, on=on).span
    found = span(*held, market=market, on=on)
    assert (found.span < single) is spread
    assert (found.span == 2 * single) is not spread


def test_hedges_help() -> None:
    sold, wing = option(CALL, 25_000.0, quantity=-75, mark=300.0), option(CALL, 25_500.0, mark=120.0)
    naked = derivative_margin([sold], NIFTY, at=at()).total
    hedged = derivative_margin([sold, wing], NIFTY, at=at()).total
    assert hedged < naked
    straddle = [sold, option(PUT, 25_000.0, quantity=-75, mark=300.0)]
    whole = derivative_margin(straddle, NIFTY, at=at()).total
    assert whole < sum(derivative_margin([each], NIFTY, at=at()).total for each in straddle)


def test_long_dated_index_options_are_scanned_wider() -> None:
    # More than nine months after 10 Nov 2026 is after 10 Aug 2027: 17.7 % instead of 9.3 %.
    sold = option(CALL, 25_000.0, LONG, quantity=-75, mark=1_500.0)
    years = (at(LONG, "15:30") - at()) / (365 * DAY)
    worst = black_scholes(25_000.0 * 1.177, 25_000.0, years, 0.19, CALL)
    loss = 75 * (worst - black_scholes(25_000.0, 25_000.0, years, 0.15, CALL))
    assert to_float(span(sold).scan) == pytest.approx(loss, abs=1e-4)


@pytest.mark.parametrize(("on", "extra"), [(date(2024, 11, 14), 0), (date(2024, 11, 21), 37_500), (NEAR, 37_500)])
def test_short_index_options_owe_more_on_the_day_they_expire(on: date, extra: int) -> None:
    # 2 % × 25,000 × 75 = 37,500, since 20 Nov 2024.
    sold = option(CALL, 25_000.0, on, quantity=-75)
    assert derivative_margin([sold], NIFTY, at=at(on)).items()["additional"] == extra * SCALE
    assert derivative_margin([option(CALL, 25_000.0, on)], NIFTY, at=at(on)).items()["additional"] == 0


@pytest.mark.parametrize(
    ("on", "sessions", "share"),
    [(date(2026, 9, 21), 6, 0), (date(2026, 9, 22), 5, 0), (date(2026, 9, 23), 4, 10), (date(2026, 9, 24), 3, 25)],
)
def test_delivery_steps_up(on: date, sessions: int, share: int) -> None:
    expiry = date(2026, 9, 29)
    bought = option(CALL, 900.0, expiry, underlying="INFY", quantity=400, mark=105.0, volatility=0.3)
    assert sessions_left(bought.instrument, on) == min(sessions, 5)
    # VaR max(6 × 1.5 %, 9 %) = 9 %, ELM 3.5 %: 12.5 % × 900 × 400 = 45,000, of which the share.
    found = derivative_margin([bought], INFY, at=at(on)).items()
    assert found["additional"] == 45_000 * SCALE * share // 100
    assert found["option_premium"] == 42_000 * SCALE


@pytest.mark.parametrize("strike", [1_000.0, 1_100.0])
def test_nothing_is_delivered_of_what_is_not_in_the_money(strike: float) -> None:
    on = date(2026, 9, 29)
    bought = option(CALL, strike, on, underlying="INFY", quantity=400, mark=5.0, volatility=0.3)
    assert derivative_margin([bought], INFY, at=at(on)).total == 2_000 * SCALE


def test_products_net_and_flat_contracts_are_nothing() -> None:
    held = [future(), future(quantity=-75)]
    assert netted(held) == []
    assert derivative_margin(held, NIFTY, at=at()).total == 0


@pytest.mark.parametrize(
    ("held", "market", "on", "why"),
    [
        (future(), msgspec.structs.replace(NIFTY, daily_volatility=math.nan), ON, "no daily volatility"),
        (option(CALL, 25_000.0, quantity=-75, volatility=math.nan), NIFTY, ON, "no implied volatility of NFO:NIFTY"),
        (option(CALL, 25_000.0, quantity=-75, volatility=0.0), NIFTY, ON, "no implied volatility of NFO:NIFTY"),
        (future(date(2020, 4, 30)), NIFTY, date(2020, 4, 29), "covered from 2020-05-01"),
    ],
)
def test_what_is_missing_is_the_simplified_model_by_name(held: Position, market: Market, on: date, why: str) -> None:
    found = derivative_margin([held], market, at=at(on))
    assert found.simplified
    assert why in found.notes[0]
    # 12 % × 25,000 × 75 = 2,25,000, and the premium of what is sold, 250 × 75.
    premium = 18_750 if held.quantity < 0 else 0
    assert found.total == (225_000 + premium) * SCALE


def test_a_spread_by_the_simplified_model_is_what_it_can_lose() -> None:
    blind = msgspec.structs.replace(NIFTY, daily_volatility=math.nan)
    sold, wing = option(CALL, 25_000.0, quantity=-75, mark=300.0), option(CALL, 25_200.0, mark=200.0)
    assert most_lost([sold, wing]) == 75 * 200 * SCALE
    assert most_lost([sold]) is None
    assert most_lost([option(PUT, 100.0, quantity=-1)]) == 100 * SCALE
    # 200 × 75 = 15,000; 2 % × 25,000 × 75 = 37,500; the wing costs 15,000.
    found = derivative_margin([sold, wing], blind, at=at())
    assert found.items()["span"] == 52_500 * SCALE
    assert found.total == 67_500 * SCALE


def test_refused() -> None:
    with pytest.raises(ConfigError, match="no future or option"):
        derivative_margin([share()], INFY, at=at())
    with pytest.raises(ConfigError, match="past its expiry"):
        derivative_margin([future(date(2026, 11, 9))], NIFTY, at=at())
    with pytest.raises(ConfigError, match="two prices"):
        derivative_margin([future(), future(mark=25_001.0)], NIFTY, at=at())
    with pytest.raises(MissingData, match="no price of NFO"):
        derivative_margin([future(mark=0.0)], NIFTY, at=at())
    with pytest.raises(UncoveredDate):
        derivative_margin([future(date(2004, 12, 30))], NIFTY, at=at(date(2004, 12, 29)))
    bare = option(CALL, 1.0)
    bare = msgspec.structs.replace(bare, instrument=msgspec.structs.replace(bare.instrument, strike=None))
    with pytest.raises(ConfigError, match="without strike"):
        derivative_margin([bare], NIFTY, at=at())
