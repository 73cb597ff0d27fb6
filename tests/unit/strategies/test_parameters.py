"""Parameters are typed, ranged and found; every mistake is named with its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.strategies.base import Strategy
from tradsys.strategies.parameters import Param

if TYPE_CHECKING:
    from collections import OrderedDict


class Base(Strategy):
    fast: int = Param(10, low=5, high=50, doc="bars")
    cache: OrderedDict[str, int]


class Derived(Base):
    slow: float = Param(60.0, low=20)
    mode: str = Param("a", choices=("a", "b"))
    on: bool = Param(True)
    fast: int = Param(7, low=1)


def test_defaults_and_inheritance() -> None:
    made = Derived(slow=30)
    assert (made.fast, made.slow, made.mode, made.on) == (7, 30.0, "a", True)
    assert list(Derived.parameters) == ["fast", "slow", "mode", "on"]
    assert Base.parameters["fast"].default == 10 and Base.parameters["fast"].kind is int


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"fast": 0}, "below its low of 1"),
        ({"fast": 5.0}, "must be int"),
        ({"fast": True}, "must be int"),
        ({"fast": "5"}, "must be int"),
        ({"slow": float("nan")}, "finite"),
        ({"slow": float("inf")}, "finite"),
        ({"slow": 19.9}, "below its low"),
        ({"mode": "c"}, "one of"),
        ({"on": 1}, "must be bool"),
    ],
)
def test_values_that_do_not_fit(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Derived(**given)


def test_misspelt_parameter() -> None:
    with pytest.raises(UnknownName, match="did you mean 'slow'"):
        Derived(slwo=5)


def test_declarations_that_contradict_themselves() -> None:
    with pytest.raises(ConfigError, match="above its high"):
        type("Bad", (Strategy,), {"__annotations__": {"n": int}, "n": Param(9, high=5)})
    with pytest.raises(ConfigError, match="annotate"):
        type("Bad", (Strategy,), {"n": Param(9)})
    with pytest.raises(ConfigError, match="scope"):
        type("Bad", (Strategy,), {"scope": "galaxy"})
