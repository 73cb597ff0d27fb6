"""How much trading is allowed, from all to none."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class SafetyLevel(IntEnum):
    """Each level includes those before it. It only rises by itself; a person lowers it."""

    NORMAL = 0
    NO_NEW_RISK = 1
    """Only what reduces a position, and cancels (also: safe mode, until the account is reconciled)."""
    CANCEL = 2
    """All working orders are withdrawn."""
    FLATTEN = 3
    """All positions are closed, and the venue is asked whether they are."""


class SafetyRaised(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """The level that holds from now on, and why: the trigger (`operator`, `loss`, `stale_feed`, `reject_burst`,
    `order_rate`, `lost_heartbeat`, `reconciliation`, `storage`), its limit, the value that passed it, who."""

    at: int
    level: SafetyLevel
    trigger: str
    limit: str
    value: str
    by: str = ""


class SafetyLowered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """A person lowered the level: who, and why."""

    at: int
    level: SafetyLevel
    by: str
    reason: str
