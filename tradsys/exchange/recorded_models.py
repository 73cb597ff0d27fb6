"""What a run on recorded data assumes, one object an assumption."""

from __future__ import annotations

import msgspec

from tradsys.exchange.latency_models import ConstantLatency, Latency
from tradsys.exchange.models import NoBand, PriceBand
from tradsys.exchange.queue_models import QueueModel, RiskAverse


class RecordedModels(msgspec.Struct, frozen=True, kw_only=True):
    """The assumptions of a run on recorded ticks or books. `entry` is the way of an order to the venue, `response` that
    of its reports back; the feed's own delay is in the record (`at` after `exchange_at`)."""

    queue: QueueModel = RiskAverse()
    entry: Latency = ConstantLatency()
    response: Latency = ConstantLatency()
    band: PriceBand = NoBand()

    def describe(self) -> list[str]:
        """The sentences that every report prints."""
        return [
            "The record does not react to our orders; they trade with what it shows or prints, and no more.",
            "What we took from a level stays taken while the level stands.",
            self.queue.describe(),
            f"Orders reach the venue after a latency: {self.entry.describe()}.",
            f"Reports reach us after a latency: {self.response.describe()}.",
            self.band.describe(),
        ]
