"""What a process waits for and allows: journaled by each one that starts, so that a replay does the same."""

from __future__ import annotations

import msgspec

from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.venue_limits import Patience, VenueLimits
from tradsys.risk.kill_triggers import KillSettings


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """In nanoseconds of the run's clock, and counts."""

    limits: VenueLimits
    patience: Patience
    kill: KillSettings
    policy: Policy
    reconcile_every: int
