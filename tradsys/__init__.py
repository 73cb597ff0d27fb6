"""TradSys: algorithmic trading for Indian and crypto markets.

What a strategy author needs, loaded when first used, so that `import tradsys` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradsys.core.events import Bar as Bar
    from tradsys.core.events import Side as Side
    from tradsys.core.ports import Account as Account
    from tradsys.numerics.indicators import *  # noqa: F403
    from tradsys.strategies.base import Strategy as Strategy
    from tradsys.strategies.context import Context as Context
    from tradsys.strategies.parameters import Param as Param

_HOMES = {
    "Account": "tradsys.core.ports",
    "Bar": "tradsys.core.events",
    "Context": "tradsys.strategies.context",
    "Param": "tradsys.strategies.parameters",
    "Side": "tradsys.core.events",
    "Strategy": "tradsys.strategies.base",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name.startswith("_"):
        raise AttributeError(name)
    indicators = import_module("tradsys.numerics.indicators")
    if name not in indicators.__all__:
        raise AttributeError(f"module 'tradsys' has no attribute {name!r}")
    found: object = getattr(indicators, name)
    return found
