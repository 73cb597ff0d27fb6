"""The order desk of a run with a rule pack: it tells the counts what leaves, and closes as the rules allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from tradsys.compliance.sebi.conduct import crosses
from tradsys.compliance.sebi.facts import UNKNOWN, Band, Unknown
from tradsys.compliance.sebi.prices import sliced
from tradsys.core.events import Entry, Fill, Order
from tradsys.core.instruments import Instrument
from tradsys.core.orders import OrderState
from tradsys.engine.order_desk import LiveOrder, OrderDesk
from tradsys.engine.ruled.traffic import Traffic
from tradsys.engine.runner import Desire

Largest = Callable[[Order, Instrument], int | Unknown]
"""The largest quantity of one order (1e-8), where it is known."""

BandOf = Callable[[str, int], Band | Unknown]
"""The price band of an instrument at an instant, where it is known."""

CROSSING = "would trade with an order of our own that closes a position"
_UNHEARD = (OrderState.APPROVED, OrderState.UNKNOWN)


class RuledDesk(OrderDesk):
    """See `OrderDesk`. An order that no strategy asked for (square-off, kill, roll) must not strand a position: own
    orders that it could trade with are withdrawn first, it is sliced by the freeze quantity, and the rate counts it but
    does not refuse it. Every other rule holds for it too. A market order that is protected stays inside the band."""

    def __init__(self, *, traffic: Traffic, largest: Largest, band: BandOf, **parts: Any) -> None:
        super().__init__(**parts)
        self.traffic = traffic
        self.order_ids: Iterator[int] = iter(())
        self._largest = largest
        self._band = band

    def submit(self, desire: Desire, order: Order, pursues: bool, cause: int, entries: list[Entry]) -> bool:
        """See `OrderDesk.submit`; `cause` is below 0 for an order that no strategy asked for."""
        if order.capped is not UNSET:
            order = self._inside(order)
        if cause >= 0:
            return self._submit(desire, order, pursues, cause, entries)
        self._make_way(order, entries)
        whole = True
        for each in self._slices(desire, order):
            whole = self._submit(desire, each, pursues, cause, entries) and whole
        return whole

    def _submit(self, desire: Desire, order: Order, pursues: bool, cause: int, entries: list[Entry]) -> bool:
        self.traffic.rate.spares = cause < 0
        approved = super().submit(desire, order, pursues, cause, entries)
        if approved:
            self.traffic.on_order(order)
        return approved

    def _inside(self, order: Order) -> Order:
        """What market protection made of a market order, no further than the day's band."""
        band = self._band(order.instrument, order.at)
        if band is UNKNOWN or band.low <= order.limit <= band.high:
            return order
        return replace(order, limit=min(max(order.limit, band.low), band.high))

    def _make_way(self, order: Order, entries: list[Entry]) -> None:
        for live in self.traffic.own(order.instrument):
            if crosses(order, own=live.order):
                self.request_cancel(live, at=order.at, reason=CROSSING, cause=-1, entries=entries)

    def _slices(self, desire: Desire, order: Order) -> tuple[Order, ...]:
        lot, most = desire.instrument.lot_at(order.at), self._largest(order, desire.instrument)
        if most is UNKNOWN or most < lot or order.quantity % lot:
            return (order,)
        return sliced(order, most=most, lot=lot, order_ids=self.order_ids)

    def _on_fill(self, live: LiveOrder, fill: Fill, entries: list[Entry]) -> None:
        self.traffic.on_fill(fill)
        super()._on_fill(live, fill, entries)

    def request_cancel(self, live: LiveOrder, *, at: int, reason: str, cause: int, entries: list[Entry]) -> None:
        """See `OrderDesk.request_cancel`."""
        leaves = live.state not in _UNHEARD
        super().request_cancel(live, at=at, reason=reason, cause=cause, entries=entries)
        self.traffic.on_withdrawal(live.order, at=at, leaves=leaves)

    def state(self) -> bytes:
        """What was counted, for a snapshot."""
        return self.traffic.state(live=self.live)
