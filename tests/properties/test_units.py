"""Laws of units: what is written is what is meant, rounding is the one named, and never in the trader's favour."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tradsys.core.errors import ConfigError
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import (
    LARGEST,
    SCALE,
    Rounding,
    divide,
    format_money,
    from_float,
    from_text,
    group_indian,
    notional,
    to_float,
    to_step,
    to_text,
)

units = st.integers(-(10**40), 10**40)
positive = st.integers(1, 10**20)


@given(units)
def test_text_and_back(value: int) -> None:
    assert from_text(to_text(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**30), max_value=10**30))
def test_text_means_its_decimal(value: Decimal) -> None:
    assert Fraction(from_text(str(value)), SCALE) == Fraction(value)


@given(units.filter(lambda value: value % 10))
def test_finer_than_a_unit_is_refused(value: int) -> None:
    with pytest.raises(ConfigError, match="finer"):
        from_text(f"{value}e-9")


@pytest.mark.parametrize("text", ["", "a", "nan", "inf", "-Infinity", "1e5000", "1.000000001", "0x10", "1,5", "sNaN"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        from_text(text)


@given(st.floats())
def test_a_float_is_its_nearest_unit_or_refused(value: float) -> None:
    if not -LARGEST <= value <= LARGEST:
        with pytest.raises(ConfigError, match="out of range"):
            from_float(value)
    else:
        assert abs(Fraction(from_float(value), SCALE) - Fraction(value)) <= Fraction(1, SCALE)


@given(st.integers(-LARGEST * SCALE, LARGEST * SCALE))
def test_units_and_floats(value: int) -> None:
    assert from_float(to_float(value)) == value


@given(units, st.integers(-(10**20), 10**20).filter(bool), st.sampled_from(Rounding))
def test_rounding_is_the_one_named(numerator: int, denominator: int, rounding: Rounding) -> None:
    exact, found = Fraction(numerator, denominator), divide(numerator, denominator, rounding)
    if rounding is Rounding.NEAREST:
        assert abs(found - exact) <= Fraction(1, 2)
        if abs(found - exact) == Fraction(1, 2):
            assert abs(found) > abs(exact)
        return
    assert abs(found - exact) < 1
    if rounding is Rounding.DOWN or (rounding is Rounding.TOWARD_ZERO and exact >= 0):
        assert found <= exact
    else:
        assert found >= exact


@given(units, positive, st.sampled_from(Rounding))
def test_a_step_is_a_multiple_and_stays(value: int, step: int, rounding: Rounding) -> None:
    found = to_step(value, step, rounding)
    assert found % step == 0 and abs(found - value) < step
    assert to_step(found, step, rounding) == found


@given(positive, units, st.integers(1, 100))
def test_money_is_rounded_against_the_trader(price: int, quantity: int, multiplier: int) -> None:
    exact = Fraction(price * quantity * multiplier, SCALE)
    assert 0 <= notional(price=price, quantity=quantity, multiplier=multiplier) - exact < 1


@given(st.integers(1, 10**7), st.integers(-(10**6), 10**6))
def test_money_on_the_grid_is_exact(ticks: int, shares: int) -> None:
    tick = SCALE // 20
    found = notional(price=ticks * tick, quantity=shares * SCALE)
    assert Fraction(found) == Fraction(ticks * tick * shares)


@given(units)
def test_lakhs_and_crores_group_the_same_digits(value: int) -> None:
    text = group_indian(value)
    rounded = divide(value, 10**6, Rounding.NEAREST)
    assert Fraction(text.replace(",", "")) == Fraction(rounded, 100)
    head, *groups = text.lstrip("-").partition(".")[0].split(",")
    assert not groups or (len(groups[-1]) == 3 and all(len(each) == 2 for each in groups[:-1]) and 1 <= len(head) <= 2)
    assert text.startswith("-") == (rounded < 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "₹0.00"),
        (123_456_789_000_000, "₹12,34,567.89"),
        (10**15, "₹1,00,00,000.00"),
        (-(10**15), "-₹1,00,00,000.00"),
        (99_999_500_000, "₹1,000.00"),
        (-1, "₹0.00"),
    ],
)
def test_rupees_as_people_write_them(value: int, text: str) -> None:
    assert format_money(value) == text


def test_other_money() -> None:
    assert format_money(123_456_789_000_000, "USD") == "USD 1,234,567.89"


@given(
    st.floats(0.01, 1e6),
    st.sampled_from([1, 1000, 100_000, SCALE // 20, SCALE]),
    st.sampled_from([Rounding.DOWN, Rounding.UP]),
)
def test_a_price_reaches_the_grid_on_the_named_side(value: float, tick: int, rounding: Rounding) -> None:
    instrument = Instrument(
        id="X:A", exchange="X", symbol="A", segment=Segment.CRYPTO_SPOT, ticks=(DatedStep(0, tick),)
    )
    found, meant = instrument.price(value, at=0, rounding=rounding), from_float(value)
    assert found % tick == 0
    assert found <= meant if rounding is Rounding.DOWN else found >= meant


@given(st.floats(-1e6, 1e6), st.sampled_from([1, 1000, SCALE, 75 * SCALE]))
def test_a_quantity_never_grows(value: float, lot: int) -> None:
    instrument = Instrument(id="X:A", exchange="X", symbol="A", segment=Segment.EQUITY, lots=(DatedStep(0, lot),))
    found, meant = instrument.quantity(value, at=0), from_float(value)
    assert found % lot == 0 and abs(found) <= abs(meant) < abs(found) + lot
    assume(found)
    assert (found > 0) == (value > 0)


def test_the_lot_and_the_tick_of_the_day() -> None:
    instrument = Instrument(
        id="X:A",
        exchange="X",
        symbol="A",
        segment=Segment.EQUITY,
        ticks=(DatedStep(0, SCALE // 20), DatedStep(100, SCALE // 100)),
        lots=(DatedStep(50, 10 * SCALE), DatedStep(100, SCALE)),
    )
    assert [instrument.tick_at(at) for at in (0, 99, 100, 101)] == [SCALE // 20] * 2 + [SCALE // 100] * 2
    assert [instrument.quantity(25.0, at=at) // SCALE for at in (0, 50, 99, 100)] == [20, 20, 20, 25]


@pytest.mark.parametrize("steps", [(), (DatedStep(0, 0),), (DatedStep(5, 1), DatedStep(5, 2))])
def test_steps_that_are_none(steps: tuple[DatedStep, ...]) -> None:
    with pytest.raises(ConfigError):
        Instrument(id="X:A", exchange="X", symbol="A", segment=Segment.EQUITY, ticks=steps)
