"""Perpetuals at Binance's brackets of March 2021, worked by hand."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from tradsys.core.errors import ConfigError, MissingData, UncoveredDate
from tradsys.core.units import SCALE, from_text
from tradsys.reference.margin_parameters import perpetual_tiers, tiers_of
from tradsys.risk.margin.perpetual import (
    Perpetual,
    cross_liquidation_price,
    cross_margin,
    initial_margin,
    isolated_liquidation_price,
    isolated_margin,
    maintenance_margin,
    order_initial_margin,
    unrealised,
)

ON = date(2021, 3, 18)
TIERS = perpetual_tiers("binance", symbol="BTCUSDT", on=ON)
LONG = Perpetual(
    symbol="BTCUSDT", quantity=SCALE, entry=50_000 * SCALE, mark=50_000 * SCALE, tiers=TIERS, tick=SCALE // 100
)
SHORT = msgspec.structs.replace(LONG, quantity=-SCALE)


def test_deductions_are_those_the_venue_states() -> None:
    # 50,000 × (0.5 − 0.4) % = 50; + 250,000 × (1 − 0.5) % = 1,300; + 1,000,000 × (2.5 − 1) % = 16,300;
    # + 10,000,000 × (5 − 2.5) % = 266,300; + 20,000,000 × 5 % = 1,266,300.
    assert [each.deduction // SCALE**2 for each in TIERS[:6]] == [0, 50, 1_300, 16_300, 266_300, 1_266_300]
    assert [each.leverage for each in TIERS[:3]] == [125, 100, 50]
    assert all(each.source.startswith("Binance Futures announcement") for each in TIERS)


def test_maintenance_and_initial_by_bracket() -> None:
    # 50,000 is the end of the first bracket: 0.4 % = 200, and at 125x 400.
    assert maintenance_margin(LONG) == 200 * SCALE
    assert initial_margin(LONG, leverage=125) == 400 * SCALE
    # 10 BTC are 500,000: 1 % − 1,300 = 3,700, and 50x at most.
    ten = msgspec.structs.replace(LONG, quantity=10 * SCALE)
    assert maintenance_margin(ten) == 3_700 * SCALE
    assert initial_margin(ten, leverage=50) == 10_000 * SCALE
    with pytest.raises(ConfigError, match="leverage of BTCUSDT at this size"):
        initial_margin(ten, leverage=51)


def test_isolated_liquidation_of_both_sides() -> None:
    # 10x, so 5,000 of its own. Long, first bracket: (50,000 − 5,000) / (1 − 0.004) = 45,180.7228…, down to the tick.
    assert isolated_liquidation_price(LONG, margin=5_000 * SCALE) == from_text("45180.72")
    # Short, second bracket (above 50,000): (50,000 + 5,000 + 50) / (1 + 0.005) = 54,776.1194…, up to the tick.
    assert isolated_liquidation_price(SHORT, margin=5_000 * SCALE) == from_text("54776.12")


def test_a_fee_brings_it_nearer() -> None:
    # 0.05 %: (50,000 − 5,000) / (1 − 0.004 − 0.0005) = 45,203.4153…
    dear = msgspec.structs.replace(LONG, fee=from_text("0.0005"))
    assert isolated_liquidation_price(dear, margin=5_000 * SCALE) == from_text("45203.41")


def test_without_leverage_a_long_has_no_price_of_liquidation() -> None:
    assert isolated_liquidation_price(LONG, margin=50_000 * SCALE) is None


def test_a_short_beyond_saving_is_liquidated_at_any_price() -> None:
    assert isolated_liquidation_price(SHORT, margin=-60_000 * SCALE) == SHORT.tick


def test_cross_counts_the_others() -> None:
    # The other short has lost 1,000 and owes 0.4 % of 51,000 × 1 → bracket 2: 255 − 50 = 205.
    # A wallet of 6,205 is then 5,000 for the long: as isolated.
    other = msgspec.structs.replace(SHORT, symbol="other", mark=51_000 * SCALE)
    assert unrealised(other) == -1_000 * SCALE
    assert cross_liquidation_price(LONG, wallet=6_205 * SCALE, others=[other]) == from_text("45180.72")
    found = cross_margin([LONG, other], wallet=6_205 * SCALE)
    # Equity 5,205; maintenance 200 + 205 = 405; ratio 405 / 5,205 = 7.78 %.
    assert (found.equity, found.maintenance, found.liquidated) == (5_205 * SCALE, 405 * SCALE, False)
    assert found.ratio == -(-405 * SCALE // 5_205)


def test_an_account_without_equity_is_liquidated_and_an_empty_one_is_not() -> None:
    assert isolated_margin(LONG, margin=0).liquidated
    assert isolated_margin(LONG, margin=0).ratio is None
    assert isolated_margin(LONG, margin=200 * SCALE).liquidated
    assert not isolated_margin(LONG, margin=200 * SCALE + 1).liquidated
    assert not cross_margin([], wallet=0).liquidated


def test_what_an_order_adds() -> None:
    assert order_initial_margin(LONG, quantity=SCALE, leverage=100) == 500 * SCALE
    assert order_initial_margin(LONG, quantity=-SCALE, leverage=100) == -500 * SCALE


def test_refused() -> None:
    with pytest.raises(ConfigError, match="above the last bracket"):
        maintenance_margin(msgspec.structs.replace(LONG, quantity=10_001 * SCALE))
    with pytest.raises(ConfigError, match="no position"):
        maintenance_margin(msgspec.structs.replace(LONG, quantity=0))
    with pytest.raises(MissingData, match="no price"):
        maintenance_margin(msgspec.structs.replace(LONG, mark=0))
    with pytest.raises(ConfigError, match="leave nothing"):
        maintenance_margin(msgspec.structs.replace(LONG, fee=SCALE // 2))
    with pytest.raises(MissingData, match="no maintenance tiers of ETHUSDT at binance"):
        perpetual_tiers("binance", symbol="ETHUSDT", on=ON)
    with pytest.raises(UncoveredDate):
        perpetual_tiers("binance", symbol="BTCUSDT", on=date(2021, 3, 17))
    with pytest.raises(ConfigError, match="brackets must rise"):
        tiers_of([(SCALE, SCALE // 100, 10), (SCALE, SCALE // 50, 5)], source="test")
    with pytest.raises(ConfigError, match="no brackets"):
        tiers_of([], source="test")
