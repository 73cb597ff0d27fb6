"""Charges typed in from the worked examples of the tariff (Zerodha, NSE, rates of November 2026), to the paisa."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.core.events import Side
from tradsys.core.units import SCALE, Rounding, divide
from tradsys.reference.charges import exercise_tax, goods_and_services_tax, trade_charges

NOVEMBER_2026 = date(2026, 11, 20)
PAISA = SCALE // 100


def in_paise(units: int) -> int:
    return divide(units, PAISA, Rounding.NEAREST)


def charges(segment: str, side: Side, quantity: int, price: int, day: date = NOVEMBER_2026) -> dict[str, int]:
    return trade_charges(
        "zerodha",
        exchange="NSE",
        segment=segment,
        side=side,
        quantity=quantity * SCALE,
        price=price * SCALE,
        day=day,
    )


# segment, side, quantity, price, items in paise as printed in the worked examples, with one correction: they print 9.25
# for the GST of the future's buy leg, where their own base gives 18 % x (20 + 29.735875 + 1.625) = 9.2449575
LEGS = [
    ("delivery", Side.BUY, 100, 1500, {"stt": 15000, "sebi": 15, "gst": 86, "stamp": 2250}, 460, 17811),
    ("delivery", Side.SELL, 100, 1520, {"stt": 15200, "sebi": 15, "gst": 87, "dp": 1534}, 467, 15769 + 1534),
    ("intraday", Side.BUY, 100, 1500, {"brokerage": 2000, "sebi": 15, "gst": 446, "stamp": 450}, 460, 3371),
    ("intraday", Side.SELL, 100, 1520, {"brokerage": 2000, "stt": 3800, "sebi": 15, "gst": 447}, 467, 6729),
    ("future", Side.BUY, 65, 25000, {"brokerage": 2000, "sebi": 163, "gst": 924, "stamp": 3250}, 2974, 9311),
    ("future", Side.SELL, 65, 25100, {"brokerage": 2000, "stt": 81575, "sebi": 163, "gst": 927}, 2985, 87651),
    ("option", Side.BUY, 65, 120, {"brokerage": 2000, "sebi": 1, "gst": 410, "stamp": 23}, 277, 2711),
    ("option", Side.SELL, 65, 150, {"brokerage": 2000, "stt": 1463, "sebi": 1, "gst": 423}, 346, 4232),
]


@pytest.mark.parametrize(("segment", "side", "quantity", "price", "items", "exchange", "total"), LEGS)
def test_each_leg_of_the_worked_examples(
    segment: str, side: Side, quantity: int, price: int, items: dict[str, int], exchange: int, total: int
) -> None:
    found = charges(segment, side, quantity, price)
    assert in_paise(found["exchange"]) == exchange
    for name in ("brokerage", "stt", "sebi", "gst", "stamp", "dp"):
        assert in_paise(found[name]) == items.get(name, 0), name
    assert in_paise(found["total"]) == total


@pytest.mark.parametrize(
    ("segment", "quantity", "bought", "sold", "both_legs", "net"),
    [
        ("delivery", 100, 1500, 1520, 33580 + 1534, 164886),
        ("intraday", 100, 1500, 1520, 10100, 189900),
        ("future", 65, 25000, 25100, 96961, 553039),
        ("option", 65, 120, 150, 6944, 188056),
    ],
)
def test_round_trips_of_the_worked_examples(
    segment: str, quantity: int, bought: int, sold: int, both_legs: int, net: int
) -> None:
    paid = charges(segment, Side.BUY, quantity, bought)["total"] + charges(segment, Side.SELL, quantity, sold)["total"]
    assert in_paise(paid) == both_legs
    assert in_paise((sold - bought) * quantity * SCALE - paid) == net


def test_exercised_option_pays_on_intrinsic_value() -> None:
    # long call, intrinsic 200 × 65 = 13,000: 0.15 % = 19.50
    assert in_paise(exercise_tax(13_000 * SCALE, day=NOVEMBER_2026, plan="zerodha", exchange="NFO")) == 1950


def test_gst_base_of_the_official_virtual_contract_note() -> None:
    # MCX sample of kiteconnect-mocks: brokerage 1.7586, exchange 0.152412, SEBI 0.005862 -> GST 0.34503732 exactly
    base = 175_860_000 + 15_241_200 + 586_200
    assert goods_and_services_tax(base, rate=180_000_000_000) == 34_503_732


def test_gst_of_the_official_order_margins_sample() -> None:
    # INFY delivery at 1498: brokerage 0.01, exchange 0.051681, SEBI 0.001498 -> GST 0.01137222
    assert goods_and_services_tax(1_000_000 + 5_168_100 + 149_800, rate=180_000_000_000) == 1_137_222


# rate by trade date: STT on one crore of futures turnover and of option premium, sold
@pytest.mark.parametrize(
    ("day", "future", "option"),
    [
        (date(2024, 10, 1), 2_000, 10_000),
        (date(2026, 3, 31), 2_000, 10_000),
        (date(2026, 4, 1), 5_000, 15_000),
    ],
)
def test_stt_by_trade_date(day: date, future: int, option: int) -> None:
    assert charges("future", Side.SELL, 1_000, 10_000, day)["stt"] == future * SCALE
    assert charges("option", Side.SELL, 1_000, 10_000, day)["stt"] == option * SCALE


# the total of transaction charge and IPFT stayed the same when its split was redone on 1 Mar 2026: per crore
@pytest.mark.parametrize(
    ("segment", "per_crore"), [("delivery", 307), ("intraday", 307), ("future", 183), ("option", 3553)]
)
@pytest.mark.parametrize("day", [date(2024, 10, 1), date(2026, 2, 28), date(2026, 3, 1), NOVEMBER_2026])
def test_transaction_charge_with_ipft(segment: str, per_crore: int, day: date) -> None:
    found = charges(segment, Side.BUY, 1_000, 10_000, day)
    assert found["exchange"] + found["ipft"] == per_crore * SCALE


def test_bse_pays_its_own_transaction_charge() -> None:
    found = {
        segment: trade_charges(
            "zerodha",
            exchange="BSE",
            segment=segment,
            side=Side.BUY,
            quantity=1_000 * SCALE,
            price=10_000 * SCALE,
            day=NOVEMBER_2026,
        )
        for segment in ("delivery", "future", "option")
    }
    assert found["delivery"]["exchange"] == 375 * SCALE
    assert found["future"]["exchange"] == 0
    assert found["option"]["exchange"] == 3_250 * SCALE
    assert all(items["ipft"] == 0 for items in found.values())
