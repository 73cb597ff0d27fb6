"""What the kill switch watches for, and from which value on: settings, and counting inside a window of time."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.safety import SafetyLevel

SECOND = 10**9


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """From this value on, this level holds. Units are those of the trigger."""

    limit: int
    level: SafetyLevel


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """More than `count` inside `window` nanoseconds raises to `level`."""

    count: int
    window: int
    level: SafetyLevel = SafetyLevel.NO_NEW_RISK


class KillSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of every trigger. An empty or None limit watches nothing.

    `loss` money (1e-8) lost since the day's start, one rung a level; `stale_after`, `link_after`, `evaluate_after`
    nanoseconds of silence (market data while expected, the venue's connection, the account's worth while a market is
    expected). Raises `ConfigError` where a limit is not positive or the rungs do not rise.
    """

    loss: tuple[Rung, ...] = ()
    rejects: Burst | None = Burst(count=10, window=10 * SECOND)
    orders: Burst | None = Burst(count=100, window=10 * SECOND, level=SafetyLevel.CANCEL)
    stale_after: int | None = 30 * SECOND
    stale_level: SafetyLevel = SafetyLevel.NO_NEW_RISK
    link_after: int | None = 5 * SECOND
    link_level: SafetyLevel = SafetyLevel.NO_NEW_RISK
    evaluate_after: int | None = 3 * SECOND
    reconciliation_level: SafetyLevel = SafetyLevel.NO_NEW_RISK
    storage_level: SafetyLevel = SafetyLevel.NO_NEW_RISK

    def __post_init__(self) -> None:
        """See the class."""
        limits = {
            "rejects.window": self.rejects.window if self.rejects is not None else None,
            "orders.window": self.orders.window if self.orders is not None else None,
            "stale_after": self.stale_after,
            "link_after": self.link_after,
            "evaluate_after": self.evaluate_after,
        }
        for name, value in limits.items():
            if value is not None and value <= 0:
                raise ConfigError(f"kill switch: {name} must be positive", value=value, limit="> 0", fix="or leave out")
        for burst in (self.rejects, self.orders):
            if burst is not None and burst.count < 0:
                raise ConfigError("kill switch: a count must not be negative", value=burst.count, limit=">= 0")
        _check_rungs(self.loss)


def _check_rungs(rungs: tuple[Rung, ...]) -> None:
    before = Rung(limit=0, level=SafetyLevel.NORMAL)
    for rung in rungs:
        if rung.limit <= before.limit or rung.level <= before.level:
            raise ConfigError(
                "kill switch: loss limits must be positive and rise with their level",
                value=f"{rung.limit} → {rung.level.name}",
                limit=f"above {before.limit} → {before.level.name}",
                fix="order them no_new_risk, cancel, flatten with growing losses",
            )
        before = rung


class Window:
    """Counts instants of the last `burst.window` nanoseconds; keeps no more than it takes to know of too many."""

    __slots__ = ("burst", "instants")

    def __init__(self, burst: Burst, instants: list[int]) -> None:
        self.burst = burst
        self.instants = instants

    def add(self, at: int) -> int:
        """Count one more, not before the last; how many there are, at most one above the limit."""
        instants = self.instants
        instants.append(at)
        del instants[: max(bisect_right(instants, at - self.burst.window), len(instants) - self.burst.count - 1)]
        return len(instants)
