"""Brackets and pairs, for venues that know neither: exits wait for their entry; what one fills, its twin loses.

An exit sleeps until its entry has ended, and leaves with the quantity that the entry filled. An entry that filled in
part has a grace to fill the rest; then the rest is withdrawn, so that the position is never long without its exits. As
one of a pair fills, its twin is made smaller, and withdrawn when nothing is left of it, or if the venue declines.

Not modelled: both of a pair filling at once, before the venue heard of the change.
"""

from __future__ import annotations

import heapq

from tradsys.core.events import Fill, OrderEvent, Stray, StrayKind
from tradsys.execution.departures import Departures
from tradsys.execution.order_life import TERMINAL, Happening, TrackedState
from tradsys.execution.order_moves import OrderMoves
from tradsys.execution.tracked_orders import Tracked, TrackedOrders
from tradsys.execution.venue_limits import Patience, VenueLimits

_ASLEEP, _WAITING = TrackedState.ASLEEP, TrackedState.WAITING
_OPEN, _PARTLY_FILLED = TrackedState.OPEN, TrackedState.PARTLY_FILLED
_WITHDRAWN, _WOKEN = Happening.WITHDRAWN, Happening.WOKEN

Events = list[OrderEvent]


class LinkedOrders:
    """What the end or a fill of one order does to others. Costs nothing while no order is linked."""

    def __init__(
        self,
        orders: TrackedOrders,
        *,
        moves: OrderMoves,
        departures: Departures,
        limits: VenueLimits,
        patience: Patience,
    ) -> None:
        self._orders = orders
        self._moves = moves
        self._departures = departures
        self._limits = limits
        self._patience = patience
        self._children: dict[int, list[Tracked]] = {}
        self._groups: dict[int, list[Tracked]] = {}
        self._owing: dict[int, Tracked] = {}
        self._grace: list[tuple[int, int]] = []

    def add(self, tracked: Tracked) -> None:
        """Remember whose exit it is, and which pair it is of."""
        order = tracked.order
        if order.parent:
            self._children.setdefault(order.parent, []).append(tracked)
        if order.group:
            self._groups.setdefault(order.group, []).append(tracked)

    def rebuild(self) -> None:
        """The same from the tracked orders alone, after a restore."""
        self._children, self._groups, self._owing = {}, {}, {}
        for tracked in self._orders.live:
            if tracked.state is _ASLEEP and tracked.order.parent:
                self._children.setdefault(tracked.order.parent, []).append(tracked)
            if tracked.twin_filled:
                self._owing[tracked.order.order_id] = tracked
        for tracked in self._orders.by_id.values():
            if tracked.order.group:
                self._groups.setdefault(tracked.order.group, []).append(tracked)
        self._grace = sorted((t.grace_at, t.order.order_id) for t in self._orders.live if t.grace_at)

    def follow(self, events: Events, *, at: int) -> Events:
        """`events`, and what they lead to."""
        if not self._children and not self._groups:
            return events
        events = events + self._settle(at) if self._owing else events
        done = 0
        while done < len(events):
            for event in events[done:]:
                done += 1
                self._tell_twins(event)
                if event.order_id in self._children:
                    events += self._entry_moved(self._orders.by_id[event.order_id], at)
            events += self._settle(at)
        return events

    # --- brackets

    def _entry_moved(self, entry: Tracked, at: int) -> Events:
        if entry.state in TERMINAL:
            return self._release(entry, at)
        exits = [each for each in self._children[entry.order.order_id] if each.state is _ASLEEP]
        if exits and entry.filled and not entry.grace_at and not entry.withdrawing:
            entry.grace_at = at + self._patience.bracket
            heapq.heappush(self._grace, (entry.grace_at, entry.order.order_id))
        return []

    def _release(self, entry: Tracked, at: int) -> Events:
        """Wake the exits of an entry that has ended, or end them with it."""
        events: Events = []
        for exit_ in self._children.pop(entry.order.order_id):
            if exit_.state is not _ASLEEP:
                continue
            if not entry.filled:
                events += self._moves.happen(exit_, _WITHDRAWN, "its entry ended unfilled", at=at)
                continue
            exit_.base_cut = exit_.cut = max(0, exit_.order.quantity - entry.filled)
            events += self._moves.happen(exit_, _WOKEN, "", at=at)
        return events

    def wake(self, exit_: Tracked, *, at: int) -> Events:
        """An exit was submitted: if its entry has ended it does not sleep."""
        entry = self._orders.by_id.get(exit_.order.parent)
        if entry is None or (entry.state in TERMINAL and not entry.filled):
            self._children.pop(exit_.order.parent, None)
            return self._moves.happen(exit_, Happening.TOO_LATE, "its entry is not working", at=at)
        return self._entry_moved(entry, at)

    def grace_at(self) -> int | None:
        """When the first entry that filled in part has had its time."""
        while self._grace and self._orders.by_id[self._grace[0][1]].state in TERMINAL:
            heapq.heappop(self._grace)
        return self._grace[0][0] if self._grace else None

    def end_graces(self, *, at: int) -> Events:
        """Withdraw what is left of entries that have had their time."""
        events: Events = []
        while (due := self.grace_at()) is not None and due <= at:
            entry = self._orders.by_id[heapq.heappop(self._grace)[1]]
            entry.grace_at = 0
            events += self._moves.happen(entry, _WITHDRAWN, "it filled in part, and its exits wait", at=at)
        return events

    # --- pairs

    def _tell_twins(self, event: OrderEvent) -> None:
        if type(event) is Fill:
            quantity = event.quantity
        elif type(event) is Stray and event.kind is StrayKind.LATE:
            quantity = event.fill.quantity
        else:
            return
        tracked = self._orders.by_id.get(event.order_id)
        if tracked is None or not tracked.order.group:
            return
        for twin in self._groups[tracked.order.group]:
            if twin is not tracked and twin.state not in TERMINAL:
                twin.twin_filled += quantity
                self._owing[twin.order.order_id] = twin

    def _settle(self, at: int) -> Events:
        """Make the twins of what filled as small as they are to be, as far as they can be now."""
        events: Events = []
        for number in sorted(self._owing):
            twin = self._owing[number]
            if twin.state in TERMINAL or twin.withdrawing:
                del self._owing[number]
                continue
            wanted = twin.remaining - twin.base_cut - twin.twin_filled
            if wanted <= 0 or twin.change_declined or twin.changes >= self._limits.max_changes:
                events += self._moves.happen(twin, _WITHDRAWN, "the other of the pair filled", at=at)
            elif twin.state is _ASLEEP or twin.state is _WAITING:
                twin.cut = twin.base_cut + twin.twin_filled
            elif wanted < twin.remaining - twin.cut:
                self._shrink(twin, wanted, at)
        return events

    def _shrink(self, twin: Tracked, wanted: int, at: int) -> None:
        working = twin.state is _OPEN or twin.state is _PARTLY_FILLED
        if working and not twin.change_asked_at and self._departures.link:
            twin.change_quantity, twin.change_limit, twin.change_asked_at = wanted, twin.limit, at
            self._departures.add_change(twin)
