"""Charge plans as the ledger drives them: state by order and day, names and dates refused."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.core.errors import ConfigError, UncoveredDate, UnknownName
from tradsys.core.events import Fill, Product, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import DAY, SCALE
from tradsys.reference.charge_plans import charge_plan
from tradsys.reference.charges import funding_amount, total

SHARE = Instrument(id="NSE:INFY", exchange="NSE", symbol="INFY", segment=Segment.EQUITY)
FUTURE = Instrument(id="NFO:NIFTY26NOVFUT", exchange="NFO", symbol="NIFTY26NOVFUT", segment=Segment.FUTURE)
OPTION = Instrument(id="NFO:NIFTYCE", exchange="NFO", symbol="NIFTYCE", segment=Segment.OPTION)
COIN = Instrument(id="CRYPTO:BTCUSDT", exchange="CRYPTO", symbol="BTCUSDT", segment=Segment.CRYPTO_SPOT)


def at(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY + DAY // 4


def fill(
    instrument: Instrument,
    *,
    side: Side,
    quantity: int,
    price: int,
    product: Product,
    day: date = date(2026, 11, 20),
    order_id: int = 1,
    maker: bool = False,
    reason: str = "",
) -> Fill:
    return Fill(
        at=at(day),
        exchange_at=at(day),
        order_id=order_id,
        strategy="s",
        instrument=instrument.id,
        side=side,
        quantity=quantity * SCALE,
        price=price * SCALE,
        product=product,
        maker=maker,
        reason=reason,
    )


def sale(*, order_id: int, day: date = date(2026, 11, 20)) -> Fill:
    return fill(SHARE, side=Side.SELL, quantity=10, price=1500, product=Product.CNC, day=day, order_id=order_id)


def test_dp_charge_falls_once_a_scrip_and_day() -> None:
    plan = charge_plan("zerodha")
    paid = [dict(plan.on_fill(sale(order_id=order), SHARE))["dp"] for order in (1, 2)]
    next_day = dict(plan.on_fill(sale(order_id=3, day=date(2026, 11, 23)), SHARE))["dp"]
    assert paid == [1_534_000_000, 0]
    assert next_day == 1_534_000_000


def test_brokerage_of_partial_fills_stops_at_the_cap() -> None:
    # 0.03 % of 50,000 is 15, of 100,000 is 30: the cap of 20 leaves 5 for the second fill and nothing for the third
    plan = charge_plan("zerodha")
    part = fill(SHARE, side=Side.BUY, quantity=50, price=1000, product=Product.MIS)
    assert [dict(plan.on_fill(part, SHARE))["brokerage"] for _ in range(3)] == [15 * SCALE, 5 * SCALE, 0]


def test_flat_brokerage_of_an_option_order_is_paid_once() -> None:
    plan = charge_plan("zerodha")
    part = fill(OPTION, side=Side.BUY, quantity=65, price=120, product=Product.NRML)
    assert [dict(plan.on_fill(part, OPTION))["brokerage"] for _ in range(2)] == [20 * SCALE, 0]


def test_rates_follow_the_trade_date_within_one_run() -> None:
    plan = charge_plan("zerodha")
    paid = [
        dict(
            plan.on_fill(
                fill(FUTURE, side=Side.SELL, quantity=1, price=20_000, product=Product.NRML, day=day, order_id=n),
                FUTURE,
            )
        )["stt"]
        for n, day in enumerate((date(2026, 3, 31), date(2026, 4, 1), date(2026, 3, 31)))
    ]
    assert paid == [4 * SCALE, 10 * SCALE, 4 * SCALE]


def test_trade_date_is_the_date_in_india() -> None:
    # 2026-03-31 19:00 UTC is 2026-04-01 00:30 in India
    instant = at(date(2026, 3, 31)) - DAY // 4 + 19 * DAY // 24
    sold = fill(FUTURE, side=Side.SELL, quantity=1, price=20_000, product=Product.NRML)
    moved = Fill(**{name: getattr(sold, name) for name in sold.__struct_fields__} | {"exchange_at": instant})
    assert dict(charge_plan("zerodha").on_fill(moved, FUTURE))["stt"] == 10 * SCALE


def test_a_date_without_rates_names_item_date_and_as_of() -> None:
    with pytest.raises(UncoveredDate) as caught:
        charge_plan("zerodha").on_fill(sale(order_id=1, day=date(2015, 3, 2)), SHARE)
    assert "brokerage" in str(caught.value)
    assert "2015-03-02" in str(caught.value)
    assert "charges.as_of" in str(caught.value)


def test_as_of_prices_any_date_at_one_days_rates() -> None:
    old = charge_plan("zerodha", as_of=date(2026, 11, 20)).on_fill(sale(order_id=1, day=date(2015, 3, 2)), SHARE)
    new = charge_plan("zerodha").on_fill(sale(order_id=1), SHARE)
    assert old == new


def test_broker_square_off_costs_fifty_and_its_gst() -> None:
    closing = fill(SHARE, side=Side.SELL, quantity=10, price=1500, product=Product.MIS, reason="square_off")
    without = charge_plan("zerodha").on_fill(closing, SHARE)
    with_fee = charge_plan("zerodha", square_off_fee=True).on_fill(closing, SHARE)
    assert total(with_fee) - total(without) == 59 * SCALE


def test_exercise_is_taxed_on_intrinsic_value() -> None:
    plan = charge_plan("zerodha")
    assert plan.on_exercise(13_000 * SCALE, OPTION, at=at(date(2026, 11, 24))) == (("stt", 1_950_000_000),)
    assert plan.on_exercise(13_000 * SCALE, OPTION, at=at(date(2025, 11, 25))) == (("stt", 1_625_000_000),)


def test_maker_and_taker_pay_their_own_rate() -> None:
    plan = charge_plan("crypto", maker=0.0002, taker=0.0005)
    paid = [
        plan.on_fill(fill(COIN, side=Side.BUY, quantity=2, price=50_000, product=Product.SPOT, maker=maker), COIN)
        for maker in (True, False)
    ]
    assert paid == [(("brokerage", 20 * SCALE),), (("brokerage", 50 * SCALE),)]


def test_none_charges_nothing() -> None:
    assert charge_plan("none").on_fill(sale(order_id=1), SHARE) == ()


def test_longs_pay_positive_funding() -> None:
    # 0.01 % of 2 coins at 50,000
    assert funding_amount(rate=0.0001, mark=50_000.0, quantity=2 * SCALE) == -10 * SCALE
    assert funding_amount(rate=0.0001, mark=50_000.0, quantity=-2 * SCALE) == 10 * SCALE


@pytest.mark.parametrize(
    ("plan", "parameters", "said"),
    [
        ("zeroda", {}, "did you mean 'zerodha'"),
        ("flat", {"rte": 0.1}, "did you mean 'rate'"),
        ("flat", {}, "set charges.rate"),
        ("flat", {"rate": 2.0}, "0.001 is 0.1 %"),
        ("flat", {"rate": float("nan")}, "0.001 is 0.1 %"),
        ("crypto", {"maker": 0.001}, "set charges.taker"),
    ],
)
def test_bad_plans_are_refused(plan: str, parameters: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        charge_plan(plan, as_of=None, **parameters)
    assert said in str(caught.value)


def test_a_tariff_refuses_what_it_does_not_price() -> None:
    coin = fill(COIN, side=Side.BUY, quantity=1, price=100, product=Product.SPOT)
    with pytest.raises(ConfigError, match="no Indian tariff"):
        charge_plan("zerodha").on_fill(coin, COIN)
    elsewhere = Instrument(id="NYSE:X", exchange="NYSE", symbol="X", segment=Segment.EQUITY)
    bought = fill(elsewhere, side=Side.BUY, quantity=1, price=100, product=Product.CNC)
    with pytest.raises(UnknownName, match="unknown exchange 'NYSE'"):
        charge_plan("zerodha").on_fill(bought, elsewhere)
