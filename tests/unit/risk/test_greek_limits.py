"""Limits on Greeks: one unit below, at and above each, and closed where anything is unknown."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest

from tradsys.core.errors import ConfigError
from tradsys.risk.greek_limits import Greek, GreekExceeded, GreekLimit, exceeded
from tradsys.risk.greeks import PortfolioGreeks, PositionGreeks, Unvalued

NIFTY = "NSE:NIFTY 50"


def holding(**greeks: float) -> PortfolioGreeks:
    return PortfolioGreeks(by_underlying={NIFTY: PositionGreeks(**greeks)}, currencies={NIFTY: "INR"})


@pytest.mark.parametrize("greek", get_args(Greek))
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("value", [math.nextafter(50.0, 0.0), 50.0, math.nextafter(50.0, 100.0)])
def test_a_value_at_its_limit_is_kept_and_above_it_not(greek: Any, sign: float, value: float) -> None:
    limit = GreekLimit(greek=greek, most=50.0, underlying=NIFTY)
    found = exceeded([limit], holding(**{greek: sign * value}))
    assert bool(found) == (value > 50.0)
    if found:
        assert found == [
            GreekExceeded(
                rule=f"greek-{greek.replace('_', '-')}",
                underlying=NIFTY,
                limit="50",
                value=repr(sign * value),
                fix=f"bring {greek} back, or raise the limit",
            )
        ]


def test_the_whole_portfolio_counts_by_currency() -> None:
    both = PortfolioGreeks(
        by_underlying={
            NIFTY: PositionGreeks(vega_point=40.0),
            "NSE:BANK": PositionGreeks(vega_point=30.0),
            "DERIBIT:BTC": PositionGreeks(vega_point=1e6),
        },
        currencies={NIFTY: "INR", "NSE:BANK": "INR", "DERIBIT:BTC": "USD"},
    )
    (found,) = exceeded([GreekLimit(greek="vega_point", most=69.0)], both)
    assert (found.limit, found.value, found.underlying) == ("69", "70.0", "")
    assert exceeded([GreekLimit(greek="vega_point", most=70.0)], both) == []
    assert len(exceeded([GreekLimit(greek="vega_point", most=70.0, currency="USD")], both)) == 1


def test_what_is_not_held_keeps_its_limit() -> None:
    assert exceeded([GreekLimit(greek="delta", most=1.0, underlying="NSE:OTHER")], holding(delta=9.0)) == []


def test_all_that_are_exceeded_are_named_in_order() -> None:
    limits = [
        GreekLimit(greek="delta_money", most=1.0),
        GreekLimit(greek="vega", most=100.0),
        GreekLimit(greek="gamma", most=1.0, underlying=NIFTY),
    ]
    found = exceeded(limits, holding(delta_money=2.0, vega=3.0, gamma=-4.0))
    assert [each.rule for each in found] == ["greek-delta-money", "greek-gamma"]


@pytest.mark.parametrize("underlying", ["", NIFTY])
def test_anything_unvalued_closes_the_limits_it_could_count_in(underlying: str) -> None:
    why = Unvalued(instrument="NFO:X", underlying=NIFTY, reason="no volatility", value="nan")
    unknown = PortfolioGreeks(by_underlying={}, currencies={}, unvalued=(why,))
    (found,) = exceeded([GreekLimit(greek="theta_day", most=1e9, underlying=underlying)], unknown)
    assert (found.rule, found.underlying) == ("greeks-unknown", NIFTY)
    assert found.value == "NFO:X: no volatility: nan"
    assert exceeded([GreekLimit(greek="theta_day", most=1.0, underlying="NSE:OTHER")], unknown) == []


def test_a_greek_that_is_no_number_is_over_any_limit() -> None:
    (found,) = exceeded([GreekLimit(greek="vega", most=1e300)], holding(vega=math.nan))
    assert found.value == "nan"


@pytest.mark.parametrize("most", [0.0, -1.0, math.nan, math.inf])
def test_a_limit_that_is_none_is_refused(most: float) -> None:
    with pytest.raises(ConfigError, match="positive"):
        GreekLimit(greek="vega", most=most)


def test_a_misspelt_greek_is_refused() -> None:
    wrong: Any = "vegas"
    with pytest.raises(ConfigError, match="no such Greek"):
        GreekLimit(greek=wrong, most=1.0)


@pytest.mark.parametrize("greek", ["delta", "gamma"])
def test_units_of_different_things_have_no_limit_together(greek: Any) -> None:
    with pytest.raises(ConfigError, match="does not add up"):
        GreekLimit(greek=greek, most=1.0)
