"""The one interface of all detectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tradsys.compliance.surveillance.alerts import Alert
from tradsys.compliance.surveillance.events import AnyEvent
from tradsys.compliance.surveillance.market import Market


class Detector(Protocol):
    """Looks for one pattern. Its state is a fold over the events: in stream and after the fact it says the same.

    Time is that of the events; memory is bounded by windows.
    """

    concerns: tuple[type[AnyEvent], ...]
    """Kinds of events that say anything to it; it is shown no others."""

    def observe(self, event: AnyEvent, market: Market) -> Iterable[Alert]:
        """What an event shows; the market is as it was just before."""

    def close(self, at: int, market: Market) -> Iterable[Alert]:
        """What is only clear at the end of the stream."""
