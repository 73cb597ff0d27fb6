"""Permission to send: what the journal mints once an intent is on stable storage, and a transport demands."""

from __future__ import annotations

import msgspec

from tradsys.core.venue import CancelOrder, ChangeOrder, PlaceOrder


class DurableIntent(msgspec.Struct, frozen=True, kw_only=True):
    """A command whose record is durable: `sequence` is that record's, `epoch` the lease under which it may leave.

    Only `Journal.mint` makes one (`tests/house` looks at every file), so that to send first is a type error.
    """

    sequence: int
    epoch: int
    command: PlaceOrder | ChangeOrder | CancelOrder


class EmergencyIntent(msgspec.Struct, frozen=True, kw_only=True):
    """A cancel or a closing order of the watchdog's when storage itself has failed: `why` names the failure.

    Only the watchdog makes one.
    """

    epoch: int
    command: PlaceOrder | CancelOrder
    why: str
