"""The orders under way and what is known of each, by number, by tag, by the venue's number."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Fill, Order, Side, Word
from tradsys.core.venue import Dealt, OrderRow
from tradsys.execution.order_life import TERMINAL, TrackedState


class AlertKind(Word):
    """What a person should look at."""

    UNKNOWN = "unknown"
    """An order nobody answered for."""
    CONTRADICTION = "contradiction"
    """The venue says what cannot be."""
    OVER_FILL = "over_fill"
    BUST = "bust"
    EXTERNAL = "external"
    """Somebody else trades on the account, or another process under our tags."""
    UNPROTECTED = "unprotected"
    """The exit of a position did not leave."""
    CHANGE = "change"
    """A change was not made, or not answered."""


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A finding for the caller to pass on; one that `halts` says that the instrument should trade no more until
    somebody looked. `order_id` and `venue_id` are 0 where there is none."""

    at: int
    kind: AlertKind
    instrument: str
    order_id: int
    venue_id: int
    detail: str
    halts: bool


class Tracked(msgspec.Struct, kw_only=True):
    """An order and all that is known of it. Quantities in 1e-8, instants UTC nanoseconds, 0 for never.

    `filled` counts trades up to the order's quantity, those after its end too; `cut` is what changes took off it; the
    venue had `ended_filled` traded when it ended (-1: it did not say). `withdrawing` is why it was asked to go. An exit
    is smaller by `base_cut` where its entry filled less, and by what its twin filled (`twin_filled`).
    """

    order: Order
    tag: str
    reduces: bool
    submitted_at: int
    state: TrackedState = TrackedState.WAITING
    sent_at: int = 0
    heard_at: int = 0
    venue_id: int = 0
    filled: int = 0
    cut: int = 0
    limit: int = 0
    accepted: bool = False
    awoken: bool = False
    withdrawing: str = ""
    ended_filled: int = -1
    expires: bool = False
    ended_reason: str = ""
    agreed: int = 0
    agreed_at: int = 0
    changes: int = 0
    change_quantity: int = 0
    change_limit: int = 0
    change_asked_at: int = 0
    change_sent_at: int = 0
    change_declined: bool = False
    base_cut: int = 0
    twin_filled: int = 0
    grace_at: int = 0

    @property
    def remaining(self) -> int:
        """What the engine counts as not yet filled."""
        return self.order.quantity - self.filled


class External(msgspec.Struct, kw_only=True):
    """A working order at the venue that is not ours, or was given up. The venue's first word says neither instrument
    nor side: until an answer does, `row` is None. `heard_at`: when we last learned anything of it (our clock)."""

    venue_id: int
    tag: str
    open: int
    row: OrderRow | None = None
    heard_at: int = 0


class SeenTrade(msgspec.Struct, kw_only=True, gc=False):
    """A trade that was booked, or, without `fill`, one that was undone before it was heard of."""

    trade_id: int
    venue_id: int
    fill: Fill | None
    undone: bool = False


class Exposure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What may still trade in an instrument, 1e-8: everything not filled of all orders, `doubtful_*` the part of it
    that nobody answered for. That part may have traded already, or never will: a position is to be judged at both."""

    buys: int
    sells: int
    doubtful_buys: int
    doubtful_sells: int

    def worst(self, position: int) -> int:
        """The largest size, whichever the side, that a signed position may come to, or may be already."""
        return max(abs(position), abs(position + self.buys), abs(position - self.sells))


class TrackedOrders:
    """Owner of the tracked orders. Look-ups and changes of state cost the same however many orders there are."""

    def __init__(self) -> None:
        self.by_id: dict[int, Tracked] = {}
        self.by_tag: dict[str, Tracked] = {}
        self.by_venue: dict[int, Tracked] = {}
        self.external: dict[int, External] = {}
        self.trades: dict[tuple[int, int], SeenTrade] = {}
        self.counts: dict[TrackedState, int] = dict.fromkeys(TrackedState, 0)
        self._live: dict[str, dict[int, Tracked]] = {}

    def add(self, tracked: Tracked) -> None:
        """Track one more. Raises `InvariantBroken` for a number or a tag that is there: it would be sent twice."""
        order = tracked.order
        if order.order_id in self.by_id or tracked.tag in self.by_tag:
            raise InvariantBroken(
                f"order {order.order_id} was submitted before", value=tracked.tag, limit="one submission an order"
            )
        self._index(tracked)

    def _index(self, tracked: Tracked) -> None:
        order = tracked.order
        self.by_id[order.order_id] = self.by_tag[tracked.tag] = tracked
        if tracked.venue_id:
            self.by_venue[tracked.venue_id] = tracked
        self.counts[tracked.state] += 1
        if tracked.state not in TERMINAL:
            self._live.setdefault(order.instrument, {})[order.order_id] = tracked

    def move(self, tracked: Tracked, state: TrackedState) -> None:
        """Put an order into a state."""
        self.counts[tracked.state] -= 1
        self.counts[state] += 1
        tracked.state = state
        if state in TERMINAL:
            self._live[tracked.order.instrument].pop(tracked.order.order_id, None)

    def learn(self, tracked: Tracked, venue_id: int) -> None:
        """The venue's number of an order."""
        tracked.venue_id = venue_id
        self.by_venue[venue_id] = tracked

    def find(self, *, tag: str, venue_id: int) -> Tracked | None:
        """The order that a report is about; one of our tags under a second number of the venue is not it."""
        found = self.by_venue.get(venue_id)
        if found is None and tag:
            found = self.by_tag.get(tag)
            if found is not None and found.venue_id and venue_id:
                return None
        return found

    @property
    def live(self) -> list[Tracked]:
        """Orders that have not ended, oldest first, whatever ended before them."""
        found = [tracked for orders in self._live.values() for tracked in orders.values()]
        return sorted(found, key=lambda tracked: tracked.order.order_id)

    @property
    def ended(self) -> int:
        """How many have ended."""
        return sum(self.counts[state] for state in TERMINAL)

    def live_in(self, instrument: str) -> list[Tracked]:
        """Those of one instrument."""
        return list(self._live.get(instrument, {}).values())

    def exposure(self, instrument: str) -> Exposure:
        """What may still trade in an instrument; orders that nobody answered for in full."""
        awake = [t for t in self._live.get(instrument, {}).values() if t.state is not TrackedState.ASLEEP]
        buys = [tracked for tracked in awake if tracked.order.side > 0]
        sells = [tracked for tracked in awake if tracked.order.side < 0]
        others = [e.row for e in self.external.values() if e.row is not None and e.row.instrument == instrument]
        return Exposure(
            buys=_remaining(buys) + sum(row.open for row in others if row.side is Side.BUY),
            sells=_remaining(sells) + sum(row.open for row in others if row.side is Side.SELL),
            doubtful_buys=_remaining([t for t in buys if t.state is TrackedState.UNKNOWN]),
            doubtful_sells=_remaining([t for t in sells if t.state is TrackedState.UNKNOWN]),
        )

    def restore(self, *, orders: Sequence[Tracked], external: Sequence[External], trades: Sequence[SeenTrade]) -> None:
        """Take up where these were taken."""
        for kept in (self.by_id, self.by_tag, self.by_venue, self.external, self.trades, self._live):
            kept.clear()
        self.counts.update(dict.fromkeys(TrackedState, 0))
        for tracked in orders:
            self._index(tracked)
        self.external.update({each.venue_id: each for each in external})
        self.trades.update({(each.trade_id, each.venue_id): each for each in trades})


def _remaining(orders: Sequence[Tracked]) -> int:
    return sum(tracked.remaining - tracked.cut for tracked in orders)


EXTERNAL = "external"
"""The strategy that fills of nobody's orders are booked under."""


def fill_of(report: Dealt, order: Order | None, *, at: int) -> Fill:
    """A trade as the ledger books it: under its order, or under `external`. `at` is when we learnt of it."""
    return Fill(
        at=at,
        order_id=0 if order is None else order.order_id,
        exchange_at=report.at,
        strategy=EXTERNAL if order is None else order.strategy,
        instrument=report.instrument,
        side=report.side,
        quantity=report.quantity,
        price=report.price,
        product=report.product,
        maker=report.maker,
        reason="" if order is None else order.reason,
    )
