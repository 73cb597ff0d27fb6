"""Strength to units, each sizer by hand."""

from __future__ import annotations

import pytest

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.signals.sizing import SizerChoice, build


@pytest.mark.parametrize(
    ("kind", "value", "strength", "units"),
    [
        ("fixed_quantity", 50.0, -0.5, -25.0),
        ("fixed_notional", 10_000.0, 1.0, 40.0),
        ("fraction_of_equity", 0.5, 1.0, 200.0),
        ("fraction_of_equity", 0.5, -1.0, -200.0),
    ],
)
def test_units(kind: str, value: float, strength: float, units: float) -> None:
    assert build(SizerChoice(kind, value)).quantity(strength=strength, price=250.0, equity=100_000.0) == units


def test_nothing_is_bought_with_a_debt() -> None:
    assert build(SizerChoice()).quantity(strength=1.0, price=250.0, equity=-5.0) == 0.0


def test_choices_that_are_none() -> None:
    with pytest.raises(UnknownName, match="fixed_quantity"):
        build(SizerChoice("fixed_quantty", 1.0))
    for value in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="positive"):
            build(SizerChoice("fixed_quantity", value))
