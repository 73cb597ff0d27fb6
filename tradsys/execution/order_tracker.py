"""The order manager of one venue: from the gate's approval to what became of it.

It decides what may leave and when, remembers what left, and makes of the venue's reports what the engine can take. It
does no I/O and reads no clock: `at` comes with every call, UTC nanoseconds that never go back. Everything it knows is a
fold over its calls, so that a replay of them, or `restore(state())`, gives the same.

Not modelled: orders that the venue itself links (brackets); trades between two of our own orders at one price.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import msgspec

from tradsys.core.errors import InputRefused, InvariantBroken
from tradsys.core.events import Approved, Cancelled, CancelRequested, OrderEvent, Rejected
from tradsys.core.venue import AnyCommand, CancelOrder, Declined, OrderRow, Report, TradeRow
from tradsys.execution.departures import Departures, Waiting
from tradsys.execution.inquiry import Inquiries, Inquiry
from tradsys.execution.linked_orders import LinkedOrders
from tradsys.execution.order_life import Happening, TrackedState
from tradsys.execution.order_moves import NO_LINK, OrderMoves
from tradsys.execution.order_reading import OrderReading
from tradsys.execution.tags import tag_of
from tradsys.execution.tracked_orders import (
    Alert,
    AlertKind,
    Exposure,
    External,
    SeenTrade,
    Tracked,
    TrackedOrders,
)
from tradsys.execution.venue_limits import SECOND, Patience, VenueLimits

_SENT, _UNKNOWN, _ENDING = TrackedState.SENT, TrackedState.UNKNOWN, TrackedState.ENDING
_SILENCE, _TOO_LATE = Happening.SILENCE, Happening.TOO_LATE
_WORKING = (TrackedState.OPEN, TrackedState.PARTLY_FILLED)
Told = Cancelled | Rejected


class Snapshot(msgspec.Struct, kw_only=True):
    """All that a tracker knows."""

    orders: list[Tracked]
    external: list[External]
    trades: list[SeenTrade]
    told: list[Told]
    alerts: list[Alert]
    waiting: Waiting
    inquiry: Inquiry


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Snapshot)


class OrderTracker:
    """Tracks the orders of one run at one venue.

    What `submit` and `withdraw` end on the spot is told by the next `on_` call; `next_at` is then that very instant.
    After each call, and at `next_at` after `on_time`, take what is `departing`.
    """

    def __init__(self, *, run: str, limits: VenueLimits, patience: Patience) -> None:
        self._run = run
        self._limits = limits
        self._patience = patience
        self._orders = TrackedOrders()
        self._departures = Departures(self._orders, limits=limits, patience=patience)
        self._inquiries = Inquiries(patience)
        self._told: list[Told] = []
        self._told_at = 0
        self.alerts: list[Alert] = []
        self._moves = OrderMoves(
            self._orders,
            departures=self._departures,
            inquiries=self._inquiries,
            patience=patience,
            alerts=self.alerts,
        )
        self._reading = OrderReading(
            self._orders,
            moves=self._moves,
            departures=self._departures,
            inquiries=self._inquiries,
            trouble=patience.trouble,
        )
        self._linked = LinkedOrders(
            self._orders, moves=self._moves, departures=self._departures, limits=limits, patience=patience
        )

    def under(self, *, limits: VenueLimits, patience: Patience) -> OrderTracker:
        """A tracker that knows the same, under other limits."""
        other = OrderTracker(run=self._run, limits=limits, patience=patience)
        other.restore(self.state())
        return other

    # --- what the engine asks

    def submit(self, approved: Approved, *, reduces: bool, at: int) -> None:
        """An order to place, once. `reduces`: it can only close what is open. Raises `InvariantBroken` for an order
        submitted before."""
        order = approved.order
        tracked = Tracked(
            order=order,
            tag=tag_of(self._run, order.order_id),
            reduces=reduces or order.parent > 0,
            submitted_at=at,
            limit=order.limit,
            state=TrackedState.ASLEEP if order.parent else TrackedState.WAITING,
        )
        self._orders.add(tracked)
        self._linked.add(tracked)
        if order.parent:
            self._tell(self._linked.wake(tracked, at=at), at)
        elif self._departures.link:
            self._departures.add_order(tracked)
        else:
            self._tell(self._moves.happen(tracked, _TOO_LATE, NO_LINK, at=at), at)

    def withdraw(self, asked: CancelRequested, *, at: int) -> None:
        """Withdraw an order: on the spot if it did not leave, else as soon as the venue's number of it is known."""
        tracked = self._known(asked.order_id)
        self._tell(self._moves.happen(tracked, Happening.WITHDRAWN, asked.reason, at=at), at)

    def withdraw_external(self, venue_id: int, *, at: int) -> None:
        """Withdraw a working order that is not ours. Raises `InputRefused` for one that was not heard of."""
        if venue_id not in self._orders.external:
            raise InputRefused(
                f"no order {venue_id} works that is not ours", value=venue_id, limit=str(list(self._orders.external))
            )
        self._departures.add_cancel(venue_id, at=at)

    def change(self, order_id: int, *, quantity: int, limit: int, at: int) -> None:
        """Ask for a new open quantity, at most what is left, and a new limit. Raises `InputRefused`."""
        tracked = self._known(order_id)
        self._may_change(tracked, quantity)
        tracked.change_quantity, tracked.change_limit, tracked.change_asked_at = quantity, limit, at
        self._departures.add_change(tracked)

    def _may_change(self, tracked: Tracked, quantity: int) -> None:
        limits, left = self._limits, tracked.remaining - tracked.cut
        refusals = (
            (tracked.state not in _WORKING, f"is {tracked.state}", tracked.state, "open or partly_filled"),
            (bool(tracked.withdrawing), "is being withdrawn", tracked.withdrawing, "not withdrawn"),
            (bool(tracked.change_asked_at), "has a change under way", tracked.change_limit, "one at a time"),
            (tracked.changes >= limits.max_changes, "was changed too often", tracked.changes, limits.max_changes),
            (not 0 < quantity <= left, "can only be made smaller by a change", quantity, left),
            (not self._departures.link, "cannot be changed: no link to the venue", "down", "up"),
        )
        for refused, why, value, limit in refusals:
            if refused:
                raise InputRefused(f"order {tracked.order.order_id} {why}", value=value, limit=limit)

    def _known(self, order_id: int) -> Tracked:
        tracked = self._orders.by_id.get(order_id)
        if tracked is None:
            raise InvariantBroken(f"order {order_id} was never submitted", value=order_id)
        return tracked

    def _tell(self, events: list[OrderEvent], at: int) -> None:
        self._told += cast(list[Told], self._linked.follow(events, at=at))
        self._told_at = at

    # --- what happens

    def on_report(self, report: Report, *, at: int) -> list[OrderEvent]:
        """What the venue says of an order or a trade."""
        return self._also_told(self._reading.read(report, at=at), at)

    def on_kept_back(self, tag: str, *, at: int) -> list[OrderEvent]:
        """A command of `departing` to place this order did not leave and never will, for certain."""
        tracked = self._orders.by_tag.get(tag)
        if tracked is None or tracked.state is not _SENT:
            return []
        never = Declined(at=at, tag=tag, rule="never sent", value="disk full", limit="space")
        return self._also_told(self._moves.happen(tracked, Happening.DECLINED, never, at=at), at)

    def on_link(self, *, up: bool, at: int) -> list[OrderEvent]:
        """The way to the venue opened or closed. With the old one went the answers of what was sent on it."""
        events = self._lose("the link to the venue was lost", at=at) if self._departures.link else []
        self._departures.on_link(up=up, at=at)
        return self._also_told(events, at)

    def on_restart(self, *, at: int) -> list[OrderEvent]:
        """The process began anew: there is no link, and of what was sent nobody knows."""
        events = self._lose("the process restarted before an answer", at=at)
        for tracked in self._orders.live:
            if tracked.state is _UNKNOWN:
                tracked.heard_at, tracked.agreed = at, 0
        self._departures.on_link(up=False, at=at)
        return self._also_told(events, at)

    def _lose(self, reason: str, *, at: int) -> list[OrderEvent]:
        """What was sent without an answer is unknown; what waits will not be sent."""
        events: list[OrderEvent] = []
        for tracked in self._departures.all_waiting():
            events += self._moves.happen(tracked, _TOO_LATE, NO_LINK, at=at)
        for tracked in self._departures.all_changes():
            self._moves.end_change(tracked, f"a change was never sent: {NO_LINK}", at=at)
        for tracked in self._orders.live:
            if tracked.state is _SENT:
                events += self._moves.happen(tracked, _SILENCE, reason, at=at)
            elif tracked.change_sent_at:
                self._doubt_change(tracked, at)
        return events

    def on_time(self, *, at: int) -> list[OrderEvent]:
        """Answers that are overdue, and orders that have waited too long."""
        events: list[OrderEvent] = []
        for tracked in self._departures.unanswered(at=at):
            if tracked.state is _SENT:
                self._departures.breaker.on_failure(at=at)
                reason = f"no answer in {self._patience.answer / SECOND:g} s"
                events += self._moves.happen(tracked, _SILENCE, reason, at=at)
            elif 0 < tracked.change_sent_at <= at - self._patience.answer:
                self._doubt_change(tracked, at)
        for tracked, why in self._departures.too_old(at=at):
            reason = f"it waited {(at - tracked.submitted_at) / SECOND:g} s: {why}"
            events += self._moves.happen(tracked, _TOO_LATE, reason, at=at)
        for tracked in self._departures.old_changes(at=at):
            self._moves.end_change(tracked, "a change was never sent: it waited too long", at=at)
        events += self._linked.end_graces(at=at)
        return self._also_told(events, at)

    def _doubt_change(self, tracked: Tracked, at: int) -> None:
        self._moves.alert(AlertKind.CHANGE, "a change was not answered", tracked, at=at)
        self._inquiries.want(at=at)

    def _also_told(self, events: list[OrderEvent], at: int) -> list[OrderEvent]:
        """Add what follows for linked orders, and put first what ended without the venue."""
        events = self._linked.follow(events, at=at)
        if not self._told:
            return events
        events = [*self._told, *events]
        self._told.clear()
        return events

    # --- evidence

    def on_evidence(self, row: OrderRow, *, trades: Sequence[TradeRow], asked_at: int, at: int) -> list[OrderEvent]:
        """A row of a whole answer, and all the trades of that order from one not older. `asked_at` is when the
        earlier of the two was asked for: what was heard since then holds."""
        return self._also_told(self._reading.read_row(row, trades, asked_at=asked_at, at=at), at)

    def on_absent(self, tag: str, *, asked_at: int, at: int) -> list[OrderEvent]:
        """A whole answer, asked for at `asked_at`, has no order of this tag. A failed or half answer says nothing:
        do not report it here."""
        return self._also_told(self._reading.read_absence(tag, asked_at=asked_at, at=at), at)

    def on_asked(self, *, at: int) -> None:
        """The venue was asked about everything; while something is unknown it is to be asked again."""
        counts = self._orders.counts
        pending = counts[_UNKNOWN] + counts[_ENDING] > 0 or any(t.change_sent_at for t in self._orders.live)
        self._inquiries.on_asked(at=at, pending=pending)

    def write_off(self, order_id: int, *, by: tuple[str, str], reason: str, at: int) -> list[OrderEvent]:
        """Two people say that an order is gone. Raises `InputRefused` if they are not two."""
        first, second = by
        if not first or not second or first == second:
            raise InputRefused("an order is written off by two people", value=by, limit="two different names")
        said = f"written off by {first} and {second}: {reason}"
        return self._also_told(self._moves.happen(self._known(order_id), Happening.WRITTEN_OFF, said, at=at), at)

    # --- what follows

    def departing(self, *, at: int) -> list[AnyCommand]:
        """The commands that leave now: each is given once, and counts as sent."""
        commands = self._departures.leave(at=at)
        for command in commands:
            if type(command) is CancelOrder and self._departures.cancels[command.venue_id].tries > 1:
                self._inquiries.want(at=at)
        return commands

    @property
    def next_at(self) -> int | None:
        """When `on_time`, and then `departing`, have something to do."""
        instants = (self.speaks_at, self._departures.ready_at())
        return min([instant for instant in instants if instant is not None], default=None)

    @property
    def speaks_at(self) -> int | None:
        """When `on_time` has something to say."""
        departures = self._departures
        instants = [departures.unanswered_at(), departures.too_old_at(), self._linked.grace_at()]
        if self._told:
            instants.append(self._told_at)
        return min([instant for instant in instants if instant is not None], default=None)

    @property
    def wants_reconciliation_at(self) -> int | None:
        """When the venue is to be asked about everything; say `on_asked` when it is."""
        return self._inquiries.state.due or None

    def take_alerts(self) -> list[Alert]:
        """The findings since the last time."""
        taken = list(self.alerts)
        self.alerts.clear()
        return taken

    # --- looking

    def find(self, order_id: int) -> Tracked | None:
        """What is known of an order; not to be changed."""
        return self._orders.by_id.get(order_id)

    def by_tag(self, tag: str) -> Tracked | None:
        """The same by its tag."""
        return self._orders.by_tag.get(tag)

    @property
    def all(self) -> Collection[Tracked]:
        """Every order there ever was, oldest first."""
        return self._orders.by_id.values()

    @property
    def live(self) -> list[Tracked]:
        """Orders that have not ended."""
        return self._orders.live

    @property
    def ended(self) -> int:
        """How many orders have ended."""
        return self._orders.ended

    @property
    def external(self) -> dict[int, External]:
        """Working orders that are not ours, by the venue's number."""
        return self._orders.external

    @property
    def trades(self) -> dict[tuple[int, int], SeenTrade]:
        """Trades that were booked, by their number and their order's at the venue."""
        return self._orders.trades

    def exposure(self, instrument: str) -> Exposure:
        """What may still trade in an instrument, orders that nobody answered for in full."""
        return self._orders.exposure(instrument)

    # --- snapshots

    def state(self) -> bytes:
        """Everything, as MessagePack."""
        orders = self._orders
        return _ENCODER.encode(
            Snapshot(
                orders=list(orders.by_id.values()),
                external=list(orders.external.values()),
                trades=list(orders.trades.values()),
                told=self._told,
                alerts=self.alerts,
                waiting=self._departures.state(),
                inquiry=self._inquiries.state,
            )
        )

    def restore(self, state: bytes) -> None:
        """Take up where `state` was taken, under the limits of today."""
        snapshot = _DECODER.decode(state)
        self._orders.restore(orders=snapshot.orders, external=snapshot.external, trades=snapshot.trades)
        self._departures.restore(snapshot.waiting)
        self._linked.rebuild()
        self._inquiries.state = snapshot.inquiry
        self._told[:] = snapshot.told
        self._told_at = max([event.at for event in snapshot.told], default=0)
        self.alerts[:] = snapshot.alerts
