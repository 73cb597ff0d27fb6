"""Market protection of a run: by what market orders are capped, and what is kept of every one that was."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from tradsys.core.events import Order
from tradsys.core.instruments import Instrument
from tradsys.exchange.models import PriceBand
from tradsys.execution.protected_orders import ProtectionPolicy

FAR = 2**62
"""Later than anything that is due."""


class Stage(StrEnum):
    """Where a chain stands: an order works; it is being withdrawn to be placed anew, or for good; none is alive and the
    next price brings one."""

    WORKING = "working"
    LEAVING = "leaving"
    ENDING = "ending"
    OWING = "owing"


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """What a run says of market protection. `percent` gives hundredths of a percent for an instrument, its last price
    and an instant; it raises `UncoveredDate` where it has none."""

    percent: Callable[[Instrument, int, int], int]
    policy: ProtectionPolicy
    band: PriceBand


class Chain(msgspec.Struct, kw_only=True, gc=False):
    """One order asked for at market, and the orders that went on with what was left of it; `order` is the last.

    `asked` and `filled` are quantities of the whole chain, `seen` what was filled at the last look, `seq` the log line
    of the last step. It is looked at when `due`; while it owes an order, a price newer than `since` brings it, both by
    the market's own clock.
    """

    order: Order
    ids: list[int]
    asked: int
    seq: int
    closes: bool
    forced: bool
    pursues: bool
    percent: int
    filled: int = 0
    seen: int = 0
    attempt: int = 0
    refusals: int = 0
    due: int = FAR
    since: int = 0
    stage: Stage = Stage.WORKING
    linked: bool = False
    told: bool = False
