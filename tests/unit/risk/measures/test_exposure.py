"""Exposure, concentration and days to exit by hand."""

from __future__ import annotations

import math

import msgspec
import pytest

from tests.unit.risk.measures.books import is_nan, option, shares
from tradsys.core.errors import ConfigError, DataError
from tradsys.risk.measures.concentration import concentration, days_to_exit
from tradsys.risk.measures.exposure import beta_weighted_delta, exposure
from tradsys.risk.measures.history import History
from tradsys.risk.measures.positions import Portfolio, Position


def test_exposure_by_hand() -> None:
    found = exposure(shares(), equity=455_000.0)
    assert (found.long, found.short, found.gross, found.net) == (550_000.0, 360_000.0, 910_000.0, 190_000.0)
    assert found.leverage == pytest.approx(2.0) and not found.undefined
    assert found.beta_weighted == pytest.approx(250_000 * 1.1 - 360_000 * 0.8 + 300_000)
    assert beta_weighted_delta(found, index_price=25_000.0) == pytest.approx(found.beta_weighted / 25_000)
    assert math.isnan(beta_weighted_delta(found, index_price=0.0))


def test_an_option_counts_with_its_delta() -> None:
    put = option(quantity=-50)
    assert put.option is not None and -0.5 < put.option.delta < 0.0
    found = exposure(Portfolio([put]), equity=1e6)
    assert found.long == pytest.approx(500 * -put.option.delta * 250.0) and found.short == 0.0
    assert Portfolio([put]).values[0] == pytest.approx(-500 * put.price)


@pytest.mark.parametrize("equity", [0.0, -5.0, math.nan])
def test_leverage_needs_equity(equity: float) -> None:
    found = exposure(shares(), equity=equity)
    assert is_nan(found.leverage) and "not above 0" in found.undefined["leverage"]
    assert found.gross == 910_000.0


def test_an_unknown_beta_leaves_the_rest() -> None:
    found = exposure(Portfolio([Position(instrument="A", quantity=1, price=5.0)]), equity=10.0)
    assert is_nan(found.beta_weighted) and found.undefined == {"beta_weighted": "A: beta is not known"}
    assert found.leverage == 0.5


def test_concentration_by_hand() -> None:
    by_instrument = concentration(shares(), by="instrument", top=2)
    weights = [360 / 910, 300 / 910, 250 / 910]
    assert by_instrument.herfindahl == pytest.approx(sum(each**2 for each in weights))
    assert by_instrument.effective == pytest.approx(1 / by_instrument.herfindahl)
    assert [name for name, _ in by_instrument.largest] == ["B", "C"]
    assert [share for _, share in by_instrument.largest] == pytest.approx(weights[:2])
    assert by_instrument.largest_share == pytest.approx(weights[0])
    by_currency = concentration(shares(), by="currency")
    assert dict(by_currency.largest) == pytest.approx({"INR": 610 / 910, "USD": 300 / 910})


def test_a_hedge_inside_a_group_does_not_make_it_smaller() -> None:
    first, second, third = shares().positions
    portfolio = Portfolio([first, msgspec.structs.replace(second, underlying="A"), third])
    assert dict(concentration(portfolio, by="underlying").largest)["A"] == pytest.approx(610 / 910)


def test_concentration_without_names_or_money_is_not_defined() -> None:
    nameless = Portfolio([Position(instrument="A", quantity=1, price=5.0)])
    found = concentration(nameless, by="sector")
    assert is_nan(found.herfindahl, found.effective, found.largest_share) and found.undefined == "A: no sector"
    assert concentration(Portfolio([]), by="instrument").undefined == "nothing held"
    with pytest.raises(ConfigError, match="grouping"):
        concentration(nameless, by="colour")  # type: ignore[arg-type]


def test_days_to_exit_by_hand() -> None:
    first, second, third = shares().positions
    volumes = (20_000.0, 1_000.0, 50.0)
    held = [msgspec.structs.replace(p, daily_volume=v) for p, v in zip((first, second, third), volumes, strict=True)]
    found = days_to_exit(Portfolio(held), participation=0.1)
    assert found.by_instrument == pytest.approx({"A": 0.5, "B": 4.0, "C": 1.0}) and found.days == 4.0
    twice = days_to_exit(Portfolio([*held, held[1]]), participation=0.1)
    assert twice.by_instrument["B"] == pytest.approx(8.0) == twice.days
    for volume in (math.nan, 0.0):
        without = days_to_exit(Portfolio([held[0], msgspec.structs.replace(second, daily_volume=volume)]))
        assert is_nan(without.days, without.by_instrument["B"]) and without.undefined.startswith("B:")
    with pytest.raises(ConfigError, match="participation"):
        days_to_exit(Portfolio(held), participation=0.0)


def test_prices_and_rates_that_cannot_be_are_not_known() -> None:
    for field, value in (("price", -1.0), ("rate", 0.0), ("multiplier", -2.0)):
        wrong = msgspec.structs.replace(shares().positions[0], **{field: value})
        assert Portfolio([wrong]).undefined.startswith("A: price below 0")


def test_series_of_different_length_are_refused() -> None:
    with pytest.raises(DataError, match="series of 2 and 3 days"):
        History({"A": [0.1, 0.2], "B": [0.1, 0.2, 0.3]})  # type: ignore[dict-item]
