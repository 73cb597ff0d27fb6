"""The strategy of `tradsys exchange simulate --strategy`: its options, and what it reports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradsys.core.errors import ConfigError
from tradsys.core.units import MICROSECOND, MILLISECOND, SECOND, from_text

if TYPE_CHECKING:
    from tradsys.core.instruments import Instrument
    from tradsys.engine.strategy_participant import StrategyParticipant, StrategyReport

ACCOUNT = 1_000
"""Its account in the day's files, far above those of the background."""

_UNITS = {"ns": 1, "us": MICROSECOND, "ms": MILLISECOND, "s": SECOND}
_DURATION = re.compile(r"(\d{1,9})(ns|us|ms|s)")


class StrategyOptions:
    """What the command line says of a strategy; `described` is what the files say of it."""

    def __init__(self, use: str, *, latency: str, every: str, cash: str, parameters: Sequence[str]) -> None:
        self._use = use
        self._latency = duration(latency, "--strategy-latency")
        self._every = duration(every, "--strategy-every")
        self._cash = from_text(cash)
        self._parameters = dict(map(_parameter, parameters))

    def participant(self, instrument: Instrument) -> StrategyParticipant:
        """The strategy, loaded and ready to trade. Raises as `discovery.load` and the strategy's parameters do."""
        from tradsys.engine.strategy_participant import StrategyParticipant
        from tradsys.strategies.discovery import load

        strategy = load(self._use, folder=Path())(**self._parameters)
        return StrategyParticipant(
            ACCOUNT, strategy, instrument, every=self._every, latency=self._latency, cash=self._cash
        )

    def described(self, report: StrategyReport) -> Mapping[str, object]:
        """Options and report; of a file's path only its name, so that the bytes do not depend on where it lies."""
        return {
            "use": re.split(r"[/\\]", self._use)[-1],
            "parameters": self._parameters,
            "latency": self._latency,
            "every": self._every,
            "report": report,
        }


def duration(text: str, option: str) -> int:
    """Nanoseconds of `2ms`, `500us`, `1s`, `0s`. Raises `ConfigError`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ConfigError(f"{option} is no time", value=text, limit="a number of ns, us, ms or s", fix="write 2ms")
    return int(match[1]) * _UNITS[match[2]]


def _parameter(text: str) -> tuple[str, Any]:
    from tradsys.engine.settings import parsed

    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError("--strategy-param takes name=value", value=text, fix="--strategy-param size=10")
    return name.strip(), parsed(value.strip())


def rows(report: StrategyReport) -> Iterator[tuple[str, str]]:
    """The report for people."""
    name = report.name
    yield f"{name}: trades", f"{report.trades:,}"
    yield f"{name}: bought, sold", f"{report.bought:,g}, {report.sold:,g}"
    yield f"{name}: position", f"{report.position:,g}"
    yield f"{name}: profit at the last price {report.last_price:g}", f"{report.profit:,.2f}"
    yield f"{name}: orders refused, rejected", f"{report.refused:,}, {report.rejected:,}"
    for rule, count in report.refused_by.items():
        yield f"{name}: refused by {rule}", f"{count:,}"
    if report.halted:
        yield f"{name}: halted by its own error", report.halted
