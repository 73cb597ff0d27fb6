"""What market protection leaves in the log: of which market order a limit order was made, and what was done with a
remainder that rests.

Percentages are hundredths of a percent, prices and quantities 1e-8.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Capped(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Why a limit order has its limit: it was a market order, capped `percent` beyond the last price `last`.

    `first` is the order that was asked for, where this one goes on with what is left of it (0: this is the one), and
    `attempt` how often that was looked at before.
    """

    percent: int
    last: int
    first: int = 0
    attempt: int = 0


class Move(StrEnum):
    """What is done with a capped order that rests: it is left alone, placed anew at the last price, placed anew with
    more room, withdrawn, told of, or no longer attended to."""

    HOLD = "hold"
    RE_PEG = "re-peg"
    WIDEN = "widen"
    CANCEL = "cancel"
    ALERT = "alert"
    END = "end"


class ProtectionStep(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """One step with a capped order: `remaining` of it is unfilled, its `limit` would now be this (0: none is given)."""

    at: int
    order_id: int
    instrument: str
    move: Move
    reason: str
    percent: int
    remaining: int
    limit: int = 0
