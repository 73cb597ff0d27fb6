"""Laws of margins: hedges never cost, bought options cost their premium, sizes scale, and liquidation is exact."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from functools import cache

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.risk.margin.books import FAR, INFY, NEAR, NIFTY, at, future, option, share
from tradsys.core.events import Product
from tradsys.core.instruments import OptionRight
from tradsys.core.units import DAY, SCALE
from tradsys.numerics.options import CALL, PUT, Options
from tradsys.numerics.options import price as price_of
from tradsys.reference.margin_parameters import Tier, perpetual_tiers, scan_parameters, tiers_of
from tradsys.risk.margin.cash import cash_margin
from tradsys.risk.margin.derivatives import derivative_margin, netted, span_of
from tradsys.risk.margin.items import Item, Margin
from tradsys.risk.margin.perpetual import Perpetual, cross_margin, isolated_liquidation_price
from tradsys.risk.margin.portfolio import order_margin, portfolio_margin
from tradsys.risk.margin.positions import Market, Position
from tradsys.risk.margin.span import SpanRisk

BINANCE = perpetual_tiers("binance", symbol="BTCUSDT", on=date(2021, 3, 18))
BLIND = msgspec.structs.replace(NIFTY, daily_volatility=math.nan)
quantities = st.integers(-3, 3).filter(bool).map(lambda lots: 75 * lots)
UNIT = 20
"""Last places that rounding each charge of a few contracts may move."""


@st.composite
def contracts(draw: st.DrawFn, *, expiry: date | None = None, bought: bool = False) -> Position:
    day = expiry or draw(st.sampled_from([NEAR, FAR]))
    quantity = abs(draw(quantities)) if bought else draw(quantities)
    if not bought and draw(st.booleans()):
        return future(day, quantity=quantity)
    strike = 500.0 * draw(st.integers(36, 64))
    right = draw(st.sampled_from(list(OptionRight)))
    # One price and one volatility a contract, so that two of the same net; the price is the model's.
    volatility = 0.05 + abs(math.cos(strike)) / 2
    plain = option(right, strike, day, quantity=quantity, volatility=volatility)
    return msgspec.structs.replace(plain, mark=model_price(right, strike, day, volatility))


@cache
def model_price(right: OptionRight, strike: float, day: date, volatility: float) -> int:
    years = (at(day, "15:30") - at()) / (365 * DAY)
    terms = {"strike": strike, "years": years, "right": CALL if right is OptionRight.CALL else PUT}
    return math.ceil(float(price_of(Options.on_spot(spot=25_000.0, volatility=volatility, **terms))) * SCALE)


markets = st.floats(0.0, 0.05).map(lambda each: msgspec.structs.replace(NIFTY, daily_volatility=each))


def spread_of(held: list[Position], market: Market) -> int:
    found = span_of(netted(held), market, scan_parameters("index", date(2026, 11, 10)), at=at())
    assert isinstance(found, SpanRisk)
    return found.calendar_spread


def margin(held: list[Position], market: Market, *, day: date | None = None) -> Margin:
    return derivative_margin(held, market, at=at(day) if day else at())


@given(st.lists(contracts(expiry=NEAR), min_size=1, max_size=5), markets)
def test_within_an_expiry_the_whole_is_no_more_than_its_parts(held: list[Position], market: Market) -> None:
    for day in (date(2026, 11, 10), NEAR):
        parts = sum(margin([each], market, day=day).total for each in held)
        assert margin(held, market, day=day).total <= parts + UNIT


@given(st.lists(contracts(), min_size=1, max_size=5), markets)
def test_across_expiries_it_is_no_more_than_its_parts_and_the_calendar_spread(
    held: list[Position], market: Market
) -> None:
    parts = sum(margin([each], market).total for each in held)
    assert margin(held, market).total <= parts + spread_of(held, market) + UNIT


@given(st.lists(contracts(), min_size=1, max_size=5))
def test_the_simplified_model_is_no_more_than_its_parts_either(held: list[Position]) -> None:
    whole = margin(held, BLIND)
    assert whole.simplified
    assert whole.total <= sum(margin([each], BLIND).total for each in held) + UNIT


@given(st.lists(contracts(bought=True), min_size=1, max_size=5), st.one_of(markets, st.just(BLIND)))
def test_bought_index_options_need_their_premium_and_no_more(held: list[Position], market: Market) -> None:
    premium = sum(each.mark * each.quantity // SCALE for each in held)
    for day in (date(2026, 11, 10), NEAR):
        whole = margin(held, market, day=day)
        assert whole.of(Item.OPTION_PREMIUM) == whole.total
        assert abs(whole.total - premium) <= UNIT


@given(st.lists(contracts(), min_size=1, max_size=4), st.integers(2, 50), st.one_of(markets, st.just(BLIND)))
def test_margin_grows_with_size(held: list[Position], times: int, market: Market) -> None:
    larger = [msgspec.structs.replace(each, quantity=each.quantity * times) for each in held]
    once, whole = margin(held, market).total, margin(larger, market).total
    assert abs(whole - times * once) <= times * UNIT


@given(st.lists(contracts(), min_size=1, max_size=5), st.one_of(markets, st.just(BLIND)))
def test_no_item_is_negative_and_all_have_a_source(held: list[Position], market: Market) -> None:
    whole = margin(held, market)
    assert all(each.amount > 0 and each.source and each.reason for each in whole.charges)
    assert whole.total == sum(amount for name, amount in whole.items().items() if name != "total")


@given(st.lists(contracts(), max_size=4), contracts())
def test_what_an_order_adds_and_its_opposite_gives_back(held: list[Position], order: Position) -> None:
    book = {"NIFTY": NIFTY}
    added = order_margin(held, order, markets=book, at=at())
    opposite = msgspec.structs.replace(order, quantity=-order.quantity)
    assert order_margin([*held, order], opposite, markets=book, at=at()).added == -added.added
    assert added.before.total + added.added == portfolio_margin([*held, order], markets=book, at=at()).total


@given(st.integers(1, 10**6), st.floats(0.0, 0.3), st.sampled_from(["group_1", "group_2", "group_3", "index_etf"]))
def test_intraday_shares_owe_a_fifth_to_their_value_and_delivery_all(
    quantity: int, volatility: float, group: str
) -> None:
    market = msgspec.structs.replace(INFY, daily_volatility=volatility, group=group)
    on, value = date(2026, 11, 10), quantity * 1_000 * SCALE
    intraday = cash_margin(share(quantity, product=Product.MIS), market, on=on).total
    delivered = cash_margin(share(quantity), market, on=on).total
    assert value // 5 <= intraday <= value * 104 // 100
    assert value <= delivered == max(intraday, value)


@st.composite
def brackets(draw: st.DrawFn) -> tuple[Tier, ...]:
    steps = draw(st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, SCALE // 20)), min_size=1, max_size=5))
    rows, up_to, rate = [], 0, 0
    for width, rise in steps:
        up_to, rate = up_to + width, rate + rise
        rows.append((up_to, rate, 1))
    return tiers_of(rows, source="drawn")


def excess(position: Perpetual, price: int, wallet: int) -> Fraction:
    """Equity less closing fee and maintenance at a price, in units: the plain definition, bracket by bracket."""
    size = Fraction(abs(position.quantity) * position.multiplier, SCALE)
    side = 1 if position.quantity > 0 else -1
    notional = size * price
    owed, above = Fraction(0), 0
    for tier in position.tiers:
        last = tier is position.tiers[-1]
        inside = max((notional if last else min(notional, Fraction(tier.up_to))) - above, Fraction(0))
        owed, above = owed + inside * tier.rate / SCALE, tier.up_to
    return wallet + side * size * (price - position.entry) - notional * position.fee / SCALE - owed


@given(
    st.one_of(st.just(BINANCE), brackets()),
    st.integers(-(10**11), 10**11).filter(bool),
    st.integers(1, 10**13),
    st.integers(0, 10**15),
    st.sampled_from([1, SCALE // 100, SCALE // 2]),
    st.integers(0, SCALE // 100),
    st.sampled_from([1, 10]),
)
def test_at_the_price_of_liquidation_equity_is_maintenance_and_a_tick_better_is_solvent(
    tiers: tuple[Tier, ...], quantity: int, entry: int, wallet: int, tick: int, fee: int, multiplier: int
) -> None:
    position = Perpetual(
        symbol="X",
        quantity=quantity,
        entry=entry,
        mark=entry,
        tiers=tiers,
        tick=tick,
        fee=fee,
        multiplier=multiplier,
    )
    price = isolated_liquidation_price(position, margin=wallet)
    if price is None:
        assert quantity > 0
        assert excess(position, tick, wallet) > 0
        return
    assert price % tick == 0
    better = price + tick if quantity > 0 else price - tick
    assert excess(position, price, wallet) <= 0
    assert better == 0 or excess(position, better, wallet) > 0


@given(st.integers(-(10**9), 10**9).filter(bool), st.integers(10**11, 10**13), st.integers(1, 125))
def test_the_margin_ratio_is_reached_at_the_price_of_liquidation(quantity: int, entry: int, leverage: int) -> None:
    position = Perpetual(symbol="X", quantity=quantity, entry=entry, mark=entry, tiers=BINANCE)
    margin_put = abs(quantity) * entry // (SCALE * leverage)
    price = isolated_liquidation_price(position, margin=margin_put)
    assume(price is not None and price > 1 and abs(quantity) * price // SCALE < BINANCE[-1].up_to)
    assert price is not None
    better = price + 1 if quantity > 0 else price - 1
    assert cross_margin([msgspec.structs.replace(position, mark=price)], wallet=margin_put).liquidated
    assert not cross_margin([msgspec.structs.replace(position, mark=better)], wallet=margin_put).liquidated
