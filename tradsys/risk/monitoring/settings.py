"""What is watched, and from which value on: `[risk.monitoring]` of a run file, and the same in exact units."""

from __future__ import annotations

import math

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.units import SCALE, SECOND, from_float


class MonitoringSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[risk.monitoring]`; 0 watches nothing.

    `approach`: share of a limit from which it is approached; an alert clears below `clear` times what it was said at.
    `margin_call`: share of what covers it that margin may use. `drawdown`: fraction of the highest worth. `daily_loss`:
    money. `gross_exposure`, `net_exposure`, `instrument_exposure`: times the account's worth. `stale_seconds`: age of
    an instrument's last price in session. `every_seconds`: the account is looked at so often, no oftener.
    `liquidate_margin`, `liquidate_gross`: from these shares on, positions are closed by force.
    """

    approach: float = 0.8
    clear: float = 0.95
    margin_call: float = 0.0
    drawdown: float = 0.0
    daily_loss: float = 0.0
    gross_exposure: float = 0.0
    net_exposure: float = 0.0
    instrument_exposure: float = 0.0
    stale_seconds: float = 0.0
    every_seconds: float = 5.0
    liquidate_margin: float = 0.0
    liquidate_gross: float = 0.0


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """The same: shares and money in 1e-8, times in nanoseconds."""

    approach: int
    clear: int
    margin_call: int
    drawdown: int
    daily_loss: int
    gross_exposure: int
    net_exposure: int
    instrument_exposure: int
    stale: int
    every: int
    liquidate_margin: int
    liquidate_gross: int


_SHARES = ("approach", "clear")
_LONGEST = 86_400 * 366


def thresholds(settings: MonitoringSettings) -> Thresholds:
    """Exact thresholds. Raises `ConfigError` for a share outside 0 to 1, or a limit below 0 or not finite."""
    given = msgspec.structs.asdict(settings)
    for name in _SHARES:
        if not 0 < given[name] <= 1:
            raise _refused(name, given[name], "above 0, at most 1")
    if not 0 < settings.every_seconds <= _LONGEST:
        raise _refused("every_seconds", settings.every_seconds, "above 0")
    spans = {
        name: span("risk.monitoring." + key, given.pop(key))
        for key, name in (("stale_seconds", "stale"), ("every_seconds", "every"))
    }
    return Thresholds(**{name: amount("risk.monitoring." + name, value) for name, value in given.items()}, **spans)


def amount(key: str, value: float) -> int:
    """A limit in 1e-8. Raises `ConfigError` for one below 0, finer than 1e-8, not finite or out of range."""
    if not 0 <= value < math.inf or (value > 0 and round(value * SCALE) == 0):
        raise ConfigError(f"{key} out of range", value=value, limit=">= 0", fix="0 watches nothing")
    return from_float(value)


def span(key: str, seconds: float) -> int:
    """Seconds in nanoseconds. Raises `ConfigError` for less than 0 or more than a year."""
    if not 0 <= seconds <= _LONGEST:
        raise ConfigError(f"{key} out of range", value=seconds, limit=f"0 to {_LONGEST}", fix="give seconds")
    return round(seconds * SECOND)


def _refused(name: str, value: float, limit: str) -> ConfigError:
    return ConfigError(f"risk.monitoring.{name} out of range", value=value, limit=limit, fix="leave it out")
