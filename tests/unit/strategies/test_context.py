"""What a strategy may ask for when it starts."""

from __future__ import annotations

import math

import pytest

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.numerics.indicators import MACD, SMA
from tradsys.strategies.context import Context, missing_output


def test_a_reading_is_nan_until_it_is_ready() -> None:
    reading = Context(("NSE:A",)).indicator(SMA(5))
    assert math.isnan(reading.value) and not reading.ready


def test_an_output_that_does_not_exist_names_those_that_do() -> None:
    indicator = MACD(3, 6, 2)
    reading = Context(("NSE:A",)).indicator(indicator)
    with pytest.raises(AttributeError, match="histgram") as raised:
        _ = reading.histgram
    assert all(name in missing_output(raised.value) for name in (*indicator.outputs, "`value`"))
    assert missing_output(AttributeError("of something else")) == missing_output(ValueError()) == ""


def test_instruments_must_be_its_own_and_named_where_there_are_several() -> None:
    context = Context(("NSE:A", "NSE:B"))
    with pytest.raises(ConfigError, match="several instruments"):
        context.indicator(SMA(5))
    with pytest.raises(UnknownName, match="NSE:A"):
        context.indicator(SMA(5), instrument="NSE:AA")
    context.indicator(SMA(5), instrument="NSE:B")
    assert [name for name, _, _ in context.requests] == ["NSE:B"]


@pytest.mark.parametrize("clock", ["", "9", "24:00", "12:60", "noon", "-1:30", "12:5x"])
def test_times_of_day(clock: str) -> None:
    with pytest.raises(ConfigError, match="time of day"):
        Context(("NSE:A",)).every_session_at(clock, name="n")
