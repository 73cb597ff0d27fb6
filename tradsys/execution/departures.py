"""What waits to leave: cancels first, then what reduces a position, then the rest, each in the order it was asked for.

Cancels and changes are kept until answered; a cancel is sent again (to do it twice is to do it once), an order never.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator

import msgspec

from tradsys.core.order_terms import within
from tradsys.core.venue import AnyCommand, CancelOrder, ChangeOrder, PlaceOrder
from tradsys.execution.bulkhead import Bulkhead
from tradsys.execution.circuit_breaker import BreakerState, CircuitBreaker
from tradsys.execution.order_life import LIFE, Happening, TrackedState
from tradsys.execution.throttle import Throttle
from tradsys.execution.tracked_orders import Tracked, TrackedOrders
from tradsys.execution.venue_limits import Patience, VenueLimits

_WAITING, _LET_OUT = TrackedState.WAITING, Happening.LET_OUT
_WORKING = (TrackedState.OPEN, TrackedState.PARTLY_FILLED)


class Cancel(msgspec.Struct, kw_only=True, gc=False):
    """A cancel under way: when it is next to be sent, how often it was, and when last (0: not yet)."""

    venue_id: int
    due: int
    tries: int = 0
    sent_at: int = 0


class Waiting(msgspec.Struct, kw_only=True):
    """What a snapshot keeps of the departures."""

    link: bool
    exits: list[int]
    entries: list[int]
    changes: list[int]
    answers: list[tuple[int, int]]
    cancels: list[Cancel]
    windows: list[list[int]]
    breaker: BreakerState


class Departures:
    """The one door to the venue. Every limit is asked here, and what leaves is counted here."""

    def __init__(self, orders: TrackedOrders, *, limits: VenueLimits, patience: Patience) -> None:
        self._orders = orders
        self._limits = limits
        self._patience = patience
        self._throttle = Throttle(limits)
        self._bulkhead = Bulkhead(limits)
        self.breaker = CircuitBreaker(patience)
        self.link = False
        self._exits: deque[int] = deque()
        self._entries: deque[int] = deque()
        self._changes: deque[int] = deque()
        self._answers: deque[tuple[int, int]] = deque()
        self.cancels: dict[int, Cancel] = {}
        self._due: list[tuple[int, int]] = []

    # --- in

    def add_order(self, tracked: Tracked) -> None:
        """Let it wait its turn."""
        (self._exits if tracked.reduces else self._entries).append(tracked.order.order_id)

    def add_change(self, tracked: Tracked) -> None:
        """Let the change noted in it wait its turn."""
        self._changes.append(tracked.order.order_id)

    def add_cancel(self, venue_id: int, *, at: int) -> None:
        """Withdraw what the venue has under its number, until it answers."""
        if venue_id not in self.cancels:
            self._schedule(Cancel(venue_id=venue_id, due=at))

    def end_cancel(self, venue_id: int) -> None:
        """It is answered."""
        self.cancels.pop(venue_id, None)

    def delay_cancel(self, venue_id: int, *, at: int) -> None:
        """It did nothing: it is tried again, later each time."""
        cancel = self.cancels[venue_id]
        cancel.due = at + self._spacing(cancel.tries)
        self._schedule(cancel)

    def _schedule(self, cancel: Cancel) -> None:
        self.cancels[cancel.venue_id] = cancel
        heapq.heappush(self._due, (cancel.due, cancel.venue_id))

    def _spacing(self, tries: int) -> int:
        patience = self._patience
        return min(patience.answer << min(max(tries - 1, 0), 16), max(patience.last_inquiry, patience.answer))

    def on_link(self, *, up: bool, at: int) -> None:
        """Cancels that may have been lost with the link are due as soon as it is back."""
        self.link = up
        self.breaker.forget_try()
        if up:
            for cancel in list(self.cancels.values()):
                cancel.due = at
                self._schedule(cancel)

    # --- out

    def leave(self, *, at: int) -> list[AnyCommand]:
        """The commands that may leave now, each counted as gone."""
        out: list[AnyCommand] = []
        if self.link:
            self._leave_cancels(out, at)
            self._leave_orders(self._exits, out, at, entry=False)
            self._leave_changes(out, at)
            self._leave_orders(self._entries, out, at, entry=True)
        return out

    def _leave_cancels(self, out: list[AnyCommand], at: int) -> None:
        due = self._next_cancel()
        while due is not None and due <= at and self._throttle.free_at(entry=False) <= at:
            cancel = self.cancels[heapq.heappop(self._due)[1]]
            cancel.tries += 1
            cancel.sent_at = at
            cancel.due = at + self._spacing(cancel.tries)
            self._schedule(cancel)
            self._throttle.count(entry=False, at=at)
            out.append(CancelOrder(venue_id=cancel.venue_id))
            due = self._next_cancel()

    def _leave_orders(self, queue: deque[int], out: list[AnyCommand], at: int, *, entry: bool) -> None:
        oldest = at - self._limits.max_decision_age
        while (tracked := self._head(queue)) is not None and not self._obstacle(at, entry=entry):
            if tracked.submitted_at <= oldest:
                return
            queue.popleft()
            cell = LIFE[tracked.state][_LET_OUT]
            self._orders.move(tracked, cell.to)
            tracked.sent_at = at
            self._answers.append((at + self._patience.answer, tracked.order.order_id))
            self._throttle.count(entry=entry, at=at)
            if entry:
                self.breaker.on_entry()
            out.append(_placing(tracked))

    def _leave_changes(self, out: list[AnyCommand], at: int) -> None:
        while (tracked := self._changing()) is not None:
            entry = not tracked.reduces
            if self._throttle.free_at(entry=entry) > at:
                return
            self._changes.popleft()
            tracked.change_sent_at = at
            tracked.changes += 1
            self._answers.append((at + self._patience.answer, tracked.order.order_id))
            self._throttle.count(entry=entry, at=at)
            out.append(
                ChangeOrder(venue_id=tracked.venue_id, quantity=tracked.change_quantity, limit=tracked.change_limit)
            )

    # --- what is next

    def _head(self, queue: deque[int]) -> Tracked | None:
        """The first that still waits."""
        while queue:
            tracked = self._orders.by_id[queue[0]]
            if tracked.state is _WAITING:
                return tracked
            queue.popleft()
        return None

    def _changing(self) -> Tracked | None:
        while self._changes:
            tracked = self._orders.by_id[self._changes[0]]
            if tracked.change_asked_at and not tracked.change_sent_at and tracked.state in _WORKING:
                return tracked
            self._changes.popleft()
        return None

    def _next_cancel(self) -> int | None:
        while self._due:
            due, venue_id = self._due[0]
            cancel = self.cancels.get(venue_id)
            if cancel is not None and cancel.due == due:
                return due
            heapq.heappop(self._due)
        return None

    def _obstacle(self, at: int, *, entry: bool) -> str:
        """What keeps an order from leaving now, if anything."""
        if not self.link:
            return "there is no link to the venue"
        free = self._throttle.free_at(entry=entry)
        if free > at:
            return f"the venue's rate is used up until {free}"
        if entry:
            rested = self.breaker.free_at()
            if rested is None or rested > at:
                return "the venue is in trouble: it did not answer, or refused for reasons of its own"
        orders = self._orders
        return self._bulkhead.full(orders.counts, external=len(orders.external), entry=entry)

    def ready_at(self) -> int | None:
        """From when something may leave that could not so far, for all that time alone decides."""
        if not self.link:
            return None
        instants: list[int] = []
        exits = self._throttle.free_at(entry=False)
        due = self._next_cancel()
        if due is not None:
            instants.append(max(due, exits))
        changing = self._changing()
        if changing is not None:
            instants.append(self._throttle.free_at(entry=not changing.reduces))
        orders = self._orders
        for queue, entry in ((self._exits, False), (self._entries, True)):
            if self._head(queue) is None:
                continue
            rested = self.breaker.free_at() if entry else 0
            if rested is not None and not self._bulkhead.full(
                orders.counts, external=len(orders.external), entry=entry
            ):
                instants.append(max(rested, self._throttle.free_at(entry=entry)))
        return min(instants, default=None)

    def too_old_at(self) -> int | None:
        """When the first that waits has waited too long."""
        heads = [self._head(self._exits), self._head(self._entries)]
        asked = [tracked.submitted_at for tracked in heads if tracked is not None]
        changing = self._changing()
        if changing is not None:
            asked.append(changing.change_asked_at)
        return min(asked) + self._limits.max_decision_age if asked else None

    def too_old(self, *, at: int) -> Iterator[tuple[Tracked, str]]:
        """Take out what has waited too long, each with what kept it."""
        for queue, entry in ((self._exits, False), (self._entries, True)):
            while (tracked := self._head(queue)) is not None:
                if tracked.submitted_at + self._limits.max_decision_age > at:
                    break
                queue.popleft()
                yield tracked, self._obstacle(at, entry=entry) or "nobody let it out in time"

    def old_changes(self, *, at: int) -> Iterator[Tracked]:
        """Take out changes that have waited too long."""
        while (tracked := self._changing()) is not None:
            if tracked.change_asked_at + self._limits.max_decision_age > at:
                break
            self._changes.popleft()
            yield tracked

    def all_waiting(self) -> Iterator[Tracked]:
        """Take out every order that waits."""
        for queue in (self._exits, self._entries):
            while (tracked := self._head(queue)) is not None:
                queue.popleft()
                yield tracked

    def all_changes(self) -> Iterator[Tracked]:
        """Take out every change that waits."""
        while (tracked := self._changing()) is not None:
            self._changes.popleft()
            yield tracked

    def unanswered_at(self) -> int | None:
        """When the first answer is overdue; it may have come since."""
        return self._answers[0][0] if self._answers else None

    def unanswered(self, *, at: int) -> Iterator[Tracked]:
        """Take out the orders whose answer is overdue; those that were answered are among them."""
        while self._answers and self._answers[0][0] <= at:
            yield self._orders.by_id[self._answers.popleft()[1]]

    # --- snapshots

    def state(self) -> Waiting:
        """All of it."""
        return Waiting(
            link=self.link,
            exits=list(self._exits),
            entries=list(self._entries),
            changes=list(self._changes),
            answers=list(self._answers),
            cancels=list(self.cancels.values()),
            windows=self._throttle.state(),
            breaker=self.breaker.state,
        )

    def restore(self, state: Waiting) -> None:
        """Take up where `state` was taken."""
        self.link = state.link
        self._exits = deque(state.exits)
        self._entries = deque(state.entries)
        self._changes = deque(state.changes)
        self._answers = deque(state.answers)
        self.cancels = {}
        self._due = []
        for cancel in state.cancels:
            self._schedule(cancel)
        self._throttle.restore(state.windows)
        self.breaker.state = state.breaker


def _placing(tracked: Tracked) -> PlaceOrder:
    order = tracked.order
    quantity = order.quantity - tracked.cut
    return PlaceOrder(
        tag=tracked.tag,
        instrument=order.instrument,
        side=order.side,
        quantity=quantity,
        type=order.type,
        product=order.product,
        validity=order.validity,
        limit=order.limit,
        trigger=order.trigger,
        trail=order.trail,
        reduces=tracked.reduces,
        terms=within(order.terms, quantity),
    )
