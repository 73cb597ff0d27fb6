"""Margins of shares, worked by hand, and what is refused."""

from __future__ import annotations

import math
from datetime import date

import msgspec
import pytest

from tests.unit.risk.margin.books import INFY, LAKH, ON, share
from tradsys.core.errors import ConfigError, MissingData, UncoveredDate, UnknownName
from tradsys.core.events import Product
from tradsys.core.units import SCALE
from tradsys.reference.margin_parameters import cash_parameters
from tradsys.risk.margin.cash import cash_margin

CALM = msgspec.structs.replace(INFY, daily_volatility=0.01)


def test_delivery_is_paid_in_full_item_by_item() -> None:
    # 100 × 1,000 = 1,00,000. Group I: max(6 × 1 %, 9 %) = 9 % → 9,000; ELM 3.5 % → 3,500; the rest to 100 %: 87,500.
    found = cash_margin(share(), CALM, on=ON)
    assert found.items() == {
        "span": 0,
        "exposure": 0,
        "option_premium": 0,
        "var": 9_000 * SCALE,
        "elm": 3_500 * SCALE,
        "additional": 87_500 * SCALE,
        "total": LAKH,
    }
    assert all(each.source for each in found.charges)
    assert not found.simplified


@pytest.mark.parametrize(
    ("volatility", "group", "var", "total"),
    [
        # 6 × 2.5 % = 15 %; with ELM 18.5 %, up to the intraday floor of 20 %.
        (0.025, "group_1", 15_000, 20_000),
        # 6 × 4 % = 24 %; with ELM 27.5 % above the floor.
        (0.04, "group_1", 24_000, 27_500),
        # Group II has at least 21.5 %; with ELM 25 %.
        (0.01, "group_2", 21_500, 25_000),
        # Group III: 50 %, and 75 % where it did not trade for a week, whatever the volatility.
        (math.nan, "group_3", 50_000, 53_500),
        (math.nan, "group_3_untraded", 75_000, 78_500),
        # Broad index funds: at least 6 %, ELM 2 %; the floor of 20 % stays.
        (0.001, "index_etf", 6_000, 20_000),
    ],
)
def test_intraday_by_group(volatility: float, group: str, var: int, total: int) -> None:
    market = msgspec.structs.replace(INFY, daily_volatility=volatility, group=group)
    for quantity in (100, -100):
        found = cash_margin(share(quantity, product=Product.MIS), market, on=ON)
        assert found.items()["var"] == var * SCALE
        assert found.total == total * SCALE


def test_a_surveillance_margin_is_a_floor() -> None:
    found = cash_margin(share(product=Product.MIS), CALM, on=ON, surveillance=SCALE // 2)
    assert found.total == LAKH // 2


@pytest.mark.parametrize(
    ("market", "on", "why"),
    [
        (msgspec.structs.replace(INFY, daily_volatility=math.nan), ON, "no daily volatility"),
        (msgspec.structs.replace(INFY, daily_volatility=-1.0), ON, "no daily volatility"),
        (INFY, date(2020, 4, 30), "covered from 2020-05-01"),
    ],
)
def test_what_is_missing_is_the_simplified_model_by_name(market: object, on: date, why: str) -> None:
    found = cash_margin(share(product=Product.MIS), market, on=on)  # type: ignore[arg-type]
    assert found.simplified
    assert found.notes[0].startswith("simplified model: ")
    assert why in found.notes[0]
    assert found.total == LAKH // 5


def test_refused() -> None:
    with pytest.raises(ConfigError, match="CNC cannot be short"):
        cash_margin(share(-1), INFY, on=ON)
    with pytest.raises(ConfigError, match="no NRML on stock equity"):
        cash_margin(share(product=Product.NRML), INFY, on=ON)
    with pytest.raises(MissingData, match="no price of NSE:INFY"):
        cash_margin(share(mark=0.0), INFY, on=ON)
    with pytest.raises(UncoveredDate):
        cash_margin(share(), INFY, on=date(2004, 12, 31))
    with pytest.raises(UnknownName):
        cash_parameters("group_4", ON)  # type: ignore[arg-type]
