"""What a strategy is given when it starts: its instruments, its indicators, its timers. The only door there is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

from tradsys.core.errors import ConfigError, UnknownName


class Indicator(Protocol):
    """What `ctx.indicator` takes: something with named outputs that can be computed over bars or stepped."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs; the first is `value`."""


class Reading:
    """The indicator's value as of the bar in hand: `value`, and each output by its own name; NaN until `ready`.

    Read on every bar, so what would slow a look-up several times is left out: a `__getattr__`, and the key-sharing
    dictionary that an object has until it is given another.
    """

    value: float
    ready: bool

    def __init__(self, outputs: tuple[str, ...]) -> None:
        self.__dict__ = {"value": math.nan, "ready": False, **dict.fromkeys(outputs, math.nan)}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> float: ...


def missing_output(error: Exception) -> str:
    """What to write instead, where an error comes from asking a reading for an output it lacks; else nothing."""
    if not isinstance(error, AttributeError) or not isinstance(error.obj, Reading):
        return ""
    outputs = [key for key in vars(error.obj) if key not in ("value", "ready")]
    return f" (this indicator has {', '.join(outputs)}; the first is also `value`)"


class Context:
    """Handed to `on_start`. `instruments` are those the strategy trades; a strategy of scope `instrument` has one."""

    def __init__(self, instruments: tuple[str, ...]) -> None:
        self.instruments = instruments
        self.requests: list[tuple[str, Any, Reading]] = []
        self.timers: list[tuple[str, str]] = []

    @property
    def instrument(self) -> str:
        """The one instrument. Raises `ConfigError` when there are several."""
        if len(self.instruments) != 1:
            raise ConfigError("this strategy has several instruments", value=len(self.instruments), fix="name one")
        return self.instruments[0]

    def indicator(self, indicator: Indicator, *, instrument: str | None = None) -> Reading:
        """A live reading of an indicator over the bars of `instrument` (the only one when there is one).

        Computed ahead by the kernel in a backtest, stepped by the same kernel live. Raises `UnknownName` for an
        instrument that the strategy does not have.
        """
        name = self.instrument if instrument is None else instrument
        if name not in self.instruments:
            raise UnknownName("instrument", name, self.instruments, where="ctx.indicator")
        reading = Reading(indicator.outputs)
        self.requests.append((name, indicator, reading))
        return reading

    def every_session_at(self, clock: str, *, name: str) -> None:
        """Ask for `on_timer` with this name at an exchange time (`"15:10"`) of every session."""
        hour, _, minute = clock.partition(":")
        if not (hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
            raise ConfigError("not a time of day", value=clock, limit="HH:MM", fix='write it like "15:10"')
        self.timers.append((clock, name))
