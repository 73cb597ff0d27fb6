"""A strategy driven by hand: readings are set, events are given, what it wants is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tradsys.core.events import Bar, Phase, SessionChange, Timer
from tradsys.core.units import MINUTE
from tradsys.strategies.base import Strategy
from tradsys.strategies.context import Context, Reading

NAME = "NSE:SHARE"
OPEN = 1_420_429_500_000_000_000
"""2015-01-05 09:15 in India."""


@dataclass
class Purse:
    """An account with one position."""

    equity: float = 200_000.0
    allotment: float = 200_000.0
    cash: float = 200_000.0
    held: float = 0.0

    def position(self, instrument: str, *, product: str = "") -> float:
        """Units held, of whatever instrument."""
        return self.held


def started(strategy: Strategy) -> dict[str, Reading]:
    """Start a strategy; its readings by the indicator's `repr`, not ready yet."""
    context = Context((NAME,))
    strategy.on_start(context)
    return {repr(indicator): reading for _, indicator, reading in context.requests}


def show(reading: Reading, **outputs: float) -> None:
    """Set a reading as a warm indicator would."""
    reading.__dict__.update(outputs, ready=True)


def bar(minute: int, close: float, *, high: float | None = None, low: float | None = None) -> Bar:
    """A one-minute bar that ends `minute` minutes after the open."""
    at = OPEN + minute * MINUTE
    return Bar(at, at, NAME, MINUTE, close, high or close, low or close, close, 1000.0)


def opened() -> SessionChange:
    """The session begins."""
    return SessionChange(at=OPEN, exchange="NSE", phase=Phase.OPEN, date=20150105)


def rings(name: str) -> Timer:
    """A timer the strategy asked for comes due."""
    return Timer(at=OPEN, name=name, exchange="NSE")


def wanted(intents: Iterable[Any] | None) -> list[Any]:
    """Everything a handler yields."""
    return list(intents or ())
