"""Margin of an account and what an order adds to it."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.risk.margin.books import MARKETS, NIFTY, at, future, option, share
from tradsys.core.errors import ConfigError, MissingData
from tradsys.core.events import Product
from tradsys.core.instruments import OptionRight, Segment
from tradsys.core.units import SCALE
from tradsys.risk.margin.portfolio import order_margin, portfolio_margin
from tradsys.risk.margin.positions import Position


def test_parts_by_underlying_and_by_product() -> None:
    held = [share(), share(50, product=Product.MIS), future(), future(underlying="INFY", quantity=400, mark=1_000.0)]
    found = portfolio_margin(held, markets=MARKETS, at=at())
    assert sorted(found.parts) == ["INFY", "NIFTY", "NSE:INFY CNC", "NSE:INFY MIS"]
    # 1,00,000 + 20 % of 50,000 + 2,11,875 + 70,800.
    assert found.total == (100_000 + 10_000 + 211_875 + 70_800) * SCALE
    assert found.total == found.items()["total"] == sum(each.total for each in found.parts.values())


def test_a_hedge_gives_margin_back() -> None:
    sold = option(OptionRight.CALL, 25_000.0, quantity=-75, mark=300.0)
    wing = option(OptionRight.CALL, 25_500.0, mark=120.0)
    opened = order_margin([], sold, markets=MARKETS, at=at())
    hedged = order_margin([sold], wing, markets=MARKETS, at=at())
    assert opened.added > 0
    assert hedged.added < 0
    assert hedged.items()["option_premium"] == 9_000 * SCALE
    assert hedged.items()["span"] < -9_000 * SCALE
    assert hedged.items()["total"] == hedged.added


def test_closing_gives_all_of_it_back() -> None:
    for each in (share(), future(), option(OptionRight.PUT, 24_000.0, quantity=-75)):
        closing = msgspec.structs.replace(each, quantity=-each.quantity)
        whole = portfolio_margin([each], markets=MARKETS, at=at()).total
        assert order_margin([each], closing, markets=MARKETS, at=at()).added == -whole


@pytest.mark.parametrize(
    ("order", "price", "item", "dearer"),
    [
        (option(OptionRight.CALL, 25_500.0, mark=120.0), 125, "option_premium", 375),
        (share(), 1_010, "additional", 1_000),
        (share(product=Product.MIS), 1_010, "additional", 0),
        (share(), 990, "additional", 0),
    ],
)
def test_a_limit_above_the_mark_is_asked_for(order: Position, price: int, item: str, dearer: int) -> None:
    plain = order_margin([], order, markets=MARKETS, at=at()).items()
    priced = order_margin([], order, markets=MARKETS, at=at(), price=price * SCALE).items()
    assert priced[item] - plain[item] == priced["total"] - plain["total"] == dearer * SCALE


def test_refused() -> None:
    with pytest.raises(MissingData, match="no price of NIFTY, which NFO"):
        portfolio_margin([future()], markets={}, at=at())
    with pytest.raises(MissingData, match="no price of NIFTY"):
        portfolio_margin([future()], markets={"NIFTY": msgspec.structs.replace(NIFTY, price=0)}, at=at())
    for segment in (Segment.INDEX, Segment.CRYPTO_PERPETUAL, Segment.CRYPTO_SPOT):
        other = msgspec.structs.replace(
            share(), instrument=msgspec.structs.replace(share().instrument, segment=segment)
        )
        with pytest.raises(ConfigError, match=f"no margin of {segment}"):
            portfolio_margin([other], markets=MARKETS, at=at())
