"""When trading halts by itself and what ends the halt: `[risk.breakers]` of a run file, and the same in exact units."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.risk_events import HaltScope
from tradsys.risk.monitoring.measures import Unit
from tradsys.risk.monitoring.settings import amount, span


class ResetBy(StrEnum):
    """What ends a halt."""

    PERSON = "person"
    NEXT_DAY = "next_day"
    AFTER = "after"


class Breaker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One breaker: it trips at `limit` (0: never). Whatever `reset` says, a person may end the halt; `reset_seconds`
    is how long one lasts that ends `after` a time."""

    limit: float = 0.0
    reset: ResetBy = ResetBy.PERSON
    reset_seconds: float = 0.0


class VolatilityBreaker(Breaker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move by `limit` (a fraction) within `window_seconds`."""

    window_seconds: float = 300.0


class ProfitBreaker(Breaker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last `trades` trades of an instrument together made less than `limit` (money); 0 trades: never."""

    trades: int = 0


class BreakersSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[risk.breakers]`: a table a breaker. Of `liquidation`, which trips whenever positions are closed by force, only
    the reset is chosen."""

    volatility: VolatilityBreaker = VolatilityBreaker()
    daily_loss: Breaker = Breaker()
    drawdown: Breaker = Breaker()
    loss_streak: Breaker = Breaker()
    instrument_streak: Breaker = Breaker()
    low_profit: ProfitBreaker = ProfitBreaker()
    liquidation: Breaker = Breaker()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker in exact units: `limit` in 1e-8, or a count; `lasts` and `window` in nanoseconds."""

    name: str
    scope: HaltScope
    limit: int
    unit: Unit
    reset: ResetBy
    lasts: int = 0
    window: int = 0
    trades: int = 0


VOLATILITY, DAILY_LOSS, DRAWDOWN, LIQUIDATION = "volatility", "daily-loss", "drawdown", "liquidation"
LOSS_STREAK, INSTRUMENT_STREAK, LOW_PROFIT = "loss-streak", "instrument-streak", "low-profit"

_SHAPES = {
    VOLATILITY: (HaltScope.INSTRUMENT, Unit.SHARE),
    DAILY_LOSS: (HaltScope.ACCOUNT, Unit.MONEY),
    DRAWDOWN: (HaltScope.ACCOUNT, Unit.SHARE),
    LOSS_STREAK: (HaltScope.STRATEGY, Unit.COUNT),
    INSTRUMENT_STREAK: (HaltScope.INSTRUMENT, Unit.COUNT),
    LOW_PROFIT: (HaltScope.INSTRUMENT, Unit.MONEY),
    LIQUIDATION: (HaltScope.ACCOUNT, Unit.COUNT),
}
NAMES = tuple(_SHAPES)


def rules(section: BreakersSection) -> dict[str, Rule]:
    """The breakers that are on, by name. Raises `ConfigError` for what is out of range or contradicts itself."""
    found = {}
    for name, (scope, unit) in _SHAPES.items():
        key = name.replace("-", "_")
        given: Breaker = getattr(section, key)
        place = f"risk.breakers.{key}"
        lasts = _lasts(place, given)
        trades = given.trades if isinstance(given, ProfitBreaker) else 0
        window = _window(place, given) if isinstance(given, VolatilityBreaker) else 0
        if trades < 0:
            raise ConfigError(f"{place}.trades is negative", value=trades, limit=">= 0", fix="0 is off")
        if name == LIQUIDATION and given.limit:
            raise ConfigError(
                f"{place}.limit has no meaning", value=given.limit, fix="set risk.monitoring.liquidate_margin"
            )
        limit = _limit(f"{place}.limit", given.limit, unit)
        if limit or trades or name == LIQUIDATION:
            found[name] = Rule(
                name=name,
                scope=scope,
                limit=limit,
                unit=unit,
                reset=given.reset,
                lasts=lasts,
                window=window,
                trades=trades,
            )
    if LOW_PROFIT in found and not found[LOW_PROFIT].trades:
        raise ConfigError("risk.breakers.low_profit.trades is 0", value=0, limit="> 0", fix="say of how many trades")
    return found


def _limit(key: str, value: float, unit: Unit) -> int:
    if unit is not Unit.COUNT:
        return amount(key, value)
    if not value >= 0 or value != int(value):
        raise ConfigError(f"{key} is a count", value=value, limit="a whole number", fix="0 is off")
    return int(value)


def _lasts(place: str, given: Breaker) -> int:
    lasts = span(f"{place}.reset_seconds", given.reset_seconds)
    if (given.reset is ResetBy.AFTER) != (lasts > 0):
        raise ConfigError(
            f'{place}.reset_seconds goes with reset = "after"',
            value=f"{given.reset_seconds} with {given.reset.value!r}",
            limit='above 0 with "after", 0 otherwise',
        )
    return lasts


def _window(place: str, given: VolatilityBreaker) -> int:
    window = span(f"{place}.window_seconds", given.window_seconds)
    if not window:
        raise ConfigError(f"{place}.window_seconds is 0", value=0, limit="> 0", fix="give seconds")
    return window
