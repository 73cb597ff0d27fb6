"""What a venue lets us do, and how long we wait for it. One of each a venue; spans in nanoseconds."""

from __future__ import annotations

import msgspec

from tradsys.core.errors import ConfigError

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND

RESERVED = 3, 10
"""Part of every limit that only cancels and what reduces a position may use."""


class VenueLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of placements, changes and cancels together in any window of a second, a minute, a day; of orders at the
    venue (`open_orders`) and of those it has not answered for (`in_flight`). The defaults are Kite's.

    `jitter` widens each window: commands that left in two windows may arrive in one. `entries_of_day` stops what opens
    a position once the day's commands are that many (0: nine tenths of `per_day`). Raises `ConfigError`.
    """

    per_second: int = 10
    per_minute: int = 400
    per_day: int = 5_000
    entries_of_day: int = 0
    open_orders: int = 50
    in_flight: int = 20
    max_changes: int = 25
    max_decision_age: int = 2 * SECOND
    jitter: int = 50_000_000

    def __post_init__(self) -> None:
        for name in ("per_second", "per_minute", "per_day", "open_orders", "in_flight"):
            if getattr(self, name) < 2:
                raise ConfigError(
                    f"{name} leaves no room beside the part kept for exits",
                    value=getattr(self, name),
                    limit=">= 2",
                    fix=f"set {name} to 2 or more",
                )
        if min(self.max_changes, self.jitter, self.entries_of_day) < 0 or self.max_decision_age <= 0:
            raise ConfigError("limits of a venue are not negative", value=repr(self), limit=">= 0")

    @property
    def day_of_entries(self) -> int:
        """Commands of a day after which nothing opens a position."""
        return self.entries_of_day or max(1, self.per_day * 9 // 10)


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long silence is borne. `answer`: until an order or cancel counts as unanswered. `bracket`: what an entry that
    filled in part has to fill the rest, while its exits wait. `quarantine`: how long after
    it left an order cannot be given up for absent. `first_inquiry` doubles to `last_inquiry` between questions while
    something is unknown. `trouble` are rules of a refusal that say something of the venue, not of the order: that many
    (`failures`) in a row, unanswered orders counted, stop entries for `rest`, doubling to `longest_rest`."""

    answer: int = 2 * SECOND
    bracket: int = 2 * SECOND
    quarantine: int = 120 * SECOND
    first_inquiry: int = SECOND
    last_inquiry: int = 30 * SECOND
    trouble: tuple[str, ...] = ("throttled", "busy", "maintenance", "timeout", "internal")
    failures: int = 5
    rest: int = 5 * SECOND
    longest_rest: int = 60 * SECOND

    def __post_init__(self) -> None:
        spans = (
            self.answer,
            self.bracket,
            self.quarantine,
            self.first_inquiry,
            self.last_inquiry,
            self.failures,
            self.rest,
        )
        if min(spans) <= 0 or self.longest_rest < self.rest or self.last_inquiry < self.first_inquiry:
            raise ConfigError("spans of patience are positive, the longest not below the first", value=repr(self))


def for_entries(limit: int) -> int:
    """How much of a limit what opens a position may use: at least one, at most seven tenths."""
    part, whole = RESERVED
    return max(1, limit - -(-limit * part // whole))
