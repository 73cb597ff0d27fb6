"""What the table of an order's life says, done: the order's new state, and what the engine is told of it.

Rules for this file:
1. The engine hears `Accepted` before anything else of an order that works, and of an end only when all its trades
   were told: what may still fill stays counted.
2. What contradicts itself is an alarm, never an exception: the venue's mistakes must not stop us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import (
    Accepted,
    Cancelled,
    Expired,
    Fill,
    OrderEvent,
    Rejected,
    Stray,
    StrayKind,
    Triggered,
    Unanswered,
)
from tradsys.core.venue import Changed, Declined, Ended, VenueState
from tradsys.execution.departures import Departures
from tradsys.execution.inquiry import Inquiries
from tradsys.execution.order_life import LIFE, TERMINAL, Cell, Happening, Move, TrackedState
from tradsys.execution.tracked_orders import Alert, AlertKind, External, Tracked, TrackedOrders
from tradsys.execution.venue_limits import Patience

_FILLED, _PARTLY_FILLED = TrackedState.FILLED, TrackedState.PARTLY_FILLED
_ENDING, _CANCELLED, _EXPIRED = TrackedState.ENDING, TrackedState.CANCELLED, TrackedState.EXPIRED
_UNKNOWN = TrackedState.UNKNOWN
_QUIET = frozenset({Move.IGNORE, Move.DEFECT})
_ENDS = frozenset({VenueState.CANCELLED, VenueState.EXPIRED, VenueState.FILLED})

Events = list[OrderEvent]


NO_LINK = "there is no link to the venue"


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, asked for at `asked_at`, in which an order was not."""

    asked_at: int


class OrderMoves:
    """Applies the table to tracked orders; each of its moves returns what the engine is told."""

    def __init__(
        self,
        orders: TrackedOrders,
        *,
        departures: Departures,
        inquiries: Inquiries,
        patience: Patience,
        alerts: list[Alert],
    ) -> None:
        self._orders = orders
        self._departures = departures
        self._inquiries = inquiries
        self._patience = patience
        self._alerts = alerts
        self._moves: dict[Move, Callable[[Tracked, Cell, Any, int], Events]] = {
            Move.WAKE: self._wake,
            Move.SEND: _defect,
            Move.END_UNSENT: self._end_unsent,
            Move.REFUSE: self._refuse,
            Move.CANCEL: self._cancel,
            Move.DOUBT: self._doubt,
            Move.ACCEPT: self._accept,
            Move.REJECT: self._reject,
            Move.AWAKE: self._awake,
            Move.TERMS: self._terms,
            Move.DEAL: self._deal,
            Move.END: self._end,
            Move.REOPEN: self._reopen,
            Move.COUNT_ABSENCE: self._count_absence,
            Move.WRITE_OFF: self._write_off,
            Move.REVIVE: self._revive,
            Move.IGNORE: _nothing,
            Move.ALARM: _nothing,
            Move.DEFECT: _defect,
        }

    def happen(self, tracked: Tracked, what: Happening, said: Any, *, at: int) -> Events:
        """Look a pair up and do what it says. `said` is the report, the fill, or the reason for what we did ourselves.
        Raises `InvariantBroken` for what only a defect of ours can bring about."""
        cell = LIFE[tracked.state][what]
        if cell.why and cell.move not in _QUIET:
            self.alert(AlertKind.CONTRADICTION, cell.why, tracked, at=at, halts=True)
            self._inquiries.want(at=at)
        return self._moves[cell.move](tracked, cell, said, at)

    def alert(
        self,
        kind: AlertKind,
        detail: str,
        tracked: Tracked | None = None,
        *,
        at: int,
        halts: bool = False,
        instrument: str = "",
        venue_id: int = 0,
    ) -> None:
        """Note a finding for a person."""
        self._alerts.append(
            Alert(
                at=at,
                kind=kind,
                instrument=tracked.order.instrument if tracked else instrument,
                order_id=tracked.order.order_id if tracked else 0,
                venue_id=venue_id or (tracked.venue_id if tracked else 0),
                detail=detail,
                halts=halts,
            )
        )

    # --- what we do

    def _end_unsent(self, tracked: Tracked, cell: Cell, reason: str, at: int) -> Events:
        self._orders.move(tracked, cell.to)
        return [Cancelled(at=at, order_id=tracked.order.order_id, remaining=tracked.remaining, reason=reason)]

    def _wake(self, tracked: Tracked, cell: Cell, said: object, at: int) -> Events:
        """An exit takes its place among what waits; its age counts from now."""
        self._orders.move(tracked, cell.to)
        tracked.submitted_at = at
        if not self._departures.link:
            return self.happen(tracked, Happening.TOO_LATE, NO_LINK, at=at)
        self._departures.add_order(tracked)
        return []

    def _refuse(self, tracked: Tracked, cell: Cell, reason: str, at: int) -> Events:
        self._orders.move(tracked, cell.to)
        if tracked.reduces:
            self.alert(AlertKind.UNPROTECTED, f"exit {tracked.tag} was never sent: {reason}", tracked, at=at)
        return [Rejected(at=at, order_id=tracked.order.order_id, reason=f"never sent: {reason}")]

    def _cancel(self, tracked: Tracked, cell: Cell, reason: str, at: int) -> Events:
        """Remembered until the venue's number is known, and then until the order has ended."""
        tracked.withdrawing = tracked.withdrawing or reason or "withdrawn"
        if tracked.venue_id:
            self._departures.add_cancel(tracked.venue_id, at=at)
        return []

    def _doubt(self, tracked: Tracked, cell: Cell, reason: str, at: int) -> Events:
        self._orders.move(tracked, cell.to)
        self.alert(AlertKind.UNKNOWN, f"order {tracked.tag}: {reason}", tracked, at=at)
        self._inquiries.want(at=at)
        return [Unanswered(at=at, order_id=tracked.order.order_id, reason=reason)]

    # --- what the venue says

    def _known_to_work(self, tracked: Tracked, at: int) -> Events:
        """`Accepted`, the first time."""
        if tracked.accepted:
            return []
        tracked.accepted = True
        return [Accepted(at=at, order_id=tracked.order.order_id)]

    def _accept(self, tracked: Tracked, cell: Cell, said: object, at: int) -> Events:
        self._orders.move(tracked, cell.to)
        return self._known_to_work(tracked, at)

    def _reject(self, tracked: Tracked, cell: Cell, said: Declined, at: int) -> Events:
        self._finish_commands(tracked, at)
        self._orders.move(tracked, cell.to)
        return [Rejected(at=at, order_id=tracked.order.order_id, reason=_declined(said))]

    def _awake(self, tracked: Tracked, cell: Cell, said: object, at: int) -> Events:
        self._orders.move(tracked, cell.to)
        events = self._known_to_work(tracked, at)
        if not tracked.awoken:
            tracked.awoken = True
            events.append(Triggered(at=at, order_id=tracked.order.order_id))
        return events

    def _terms(self, tracked: Tracked, cell: Cell, said: Changed, at: int) -> Events:
        """Other terms hold. What the venue has open less is cut off; it is told as not filled when the order ends."""
        self._orders.move(tracked, cell.to)
        self.end_change(tracked, "", at=at)
        tracked.limit = said.limit
        tracked.cut = max(0, tracked.remaining - said.open)
        if said.open > tracked.remaining:
            detail = f"the venue has {said.open} open of order {tracked.tag}, we {tracked.remaining}"
            self.alert(AlertKind.CONTRADICTION, detail, tracked, at=at, halts=True)
        return self._known_to_work(tracked, at)

    def _deal(self, tracked: Tracked, cell: Cell, fill: Fill, at: int) -> Events:
        """A trade: a fill of what the engine has open, a stray where it has nothing (more) open."""
        room = tracked.remaining
        part, over = min(fill.quantity, room), max(0, fill.quantity - room)
        events: Events = []
        if part:
            tracked.filled += part
            piece = fill if not over else msgspec.structs.replace(fill, quantity=part)
            if tracked.state in TERMINAL:
                events.append(Stray(at=at, order_id=fill.order_id, kind=StrayKind.LATE, fill=piece))
            else:
                events += [*self._known_to_work(tracked, at), piece, *self._after_fill(tracked, cell, at)]
        if over:
            detail = f"order {tracked.tag} of {tracked.order.quantity} is over-filled by {over}"
            self.alert(AlertKind.OVER_FILL, detail, tracked, at=at, halts=True)
            rest = msgspec.structs.replace(fill, quantity=over)
            events.append(Stray(at=at, order_id=fill.order_id, kind=StrayKind.OVER, fill=rest))
        return events

    def _after_fill(self, tracked: Tracked, cell: Cell, at: int) -> Events:
        """Where an order is after a fill: filled, ended now that its last trade is told, or working on."""
        if not tracked.remaining:
            self._finish_commands(tracked, at)
            self._orders.move(tracked, _FILLED)
        elif tracked.state is _ENDING:
            if tracked.filled >= tracked.ended_filled:
                return self._finish(tracked, at)
        elif tracked.remaining <= tracked.cut and not tracked.changes:
            tracked.ended_reason = "its entry, or the other of the pair, filled"
            self._finish_commands(tracked, at)
            return self._finish(tracked, at)
        elif tracked.remaining <= tracked.cut:
            tracked.ended_filled = tracked.order.quantity
            tracked.ended_reason = "a change took the rest off"
            self._await_trades(tracked, at)
        else:
            self._orders.move(tracked, cell.to)
        return []

    def _end(self, tracked: Tracked, cell: Cell, said: Ended | Declined, at: int) -> Events:
        """The order has left the venue; while trades of it are missing, it counts as it did."""
        if type(said) is Declined:
            tracked.ended_filled, tracked.ended_reason = tracked.filled, _declined(said)
        elif type(said) is Ended and said.state in _ENDS:
            tracked.ended_filled = tracked.order.quantity - tracked.cut - said.open
            tracked.expires = said.state is VenueState.EXPIRED
            tracked.ended_reason = said.reason
        else:
            detail = f"the venue ends order {tracked.tag} as {getattr(said, 'state', said)}"
            self.alert(AlertKind.CONTRADICTION, detail, tracked, at=at, halts=True)
            return []
        self._finish_commands(tracked, at)
        if tracked.filled >= tracked.ended_filled:
            return self._finish(tracked, at)
        self._await_trades(tracked, at)
        return []

    def _await_trades(self, tracked: Tracked, at: int) -> None:
        self._finish_commands(tracked, at)
        self._orders.move(tracked, _ENDING)
        self._inquiries.want(at=at)

    def _finish(self, tracked: Tracked, at: int) -> Events:
        """Tell of an end, all trades told."""
        expires = tracked.expires
        self._orders.move(tracked, _EXPIRED if expires else _CANCELLED)
        end = Expired if expires else Cancelled
        reason = tracked.withdrawing if tracked.withdrawing and not expires else tracked.ended_reason
        return [end(at=at, order_id=tracked.order.order_id, remaining=tracked.remaining, reason=reason)]

    def _reopen(self, tracked: Tracked, cell: Cell, said: object, at: int) -> Events:
        if tracked.ended_filled < tracked.order.quantity:
            detail = "the venue has an order open that it said had ended"
            self.alert(AlertKind.CONTRADICTION, detail, tracked, at=at, halts=True)
        self._orders.move(tracked, cell.to if tracked.filled else TrackedState.OPEN)
        if tracked.withdrawing and tracked.venue_id:
            self._departures.add_cancel(tracked.venue_id, at=at)
        return self._known_to_work(tracked, at)

    def settle(self, tracked: Tracked, *, at: int) -> Events:
        """Tell of the end of an order although trades that the venue spoke of never came: it has none more."""
        detail = f"the venue filled {tracked.ended_filled} of order {tracked.tag} and has trades for {tracked.filled}"
        self.alert(AlertKind.CONTRADICTION, detail, tracked, at=at, halts=True)
        return self._finish(tracked, at)

    # --- what only evidence ends

    def _count_absence(self, tracked: Tracked, cell: Cell, said: Absence, at: int) -> Events:
        """Given up once two whole answers in a row, the last after the quarantine, do not have it."""
        asked_at = said.asked_at
        if asked_at < max(tracked.sent_at, tracked.heard_at) or (tracked.agreed and asked_at <= tracked.agreed_at):
            return []
        tracked.agreed += 1
        tracked.agreed_at = asked_at
        since = max(tracked.sent_at, tracked.heard_at)
        if tracked.agreed < 2 or asked_at < since + self._patience.quarantine:
            return []
        self._finish_commands(tracked, at)
        self._orders.move(tracked, cell.to)
        reason = f"the venue does not have it: {tracked.agreed} whole answers, the last asked for at {asked_at}"
        return [Rejected(at=at, order_id=tracked.order.order_id, reason=reason)]

    def _write_off(self, tracked: Tracked, cell: Cell, reason: str, at: int) -> Events:
        self._finish_commands(tracked, at)
        unknown = tracked.state is _UNKNOWN
        tracked.expires, tracked.ended_reason, tracked.withdrawing = False, reason, ""
        self._orders.move(tracked, cell.to)
        order_id = tracked.order.order_id
        if unknown:
            return [Rejected(at=at, order_id=order_id, reason=reason)]
        return [Cancelled(at=at, order_id=order_id, remaining=tracked.remaining, reason=reason)]

    def _revive(self, tracked: Tracked, cell: Cell, said: Any, at: int) -> Events:
        if tracked.venue_id:
            left = getattr(said, "open", tracked.remaining)
            self.note_external(External(venue_id=tracked.venue_id, tag=tracked.tag, open=left), at=at)
            self._departures.add_cancel(tracked.venue_id, at=at)
        return []

    # --- what goes with it

    def _finish_commands(self, tracked: Tracked, at: int) -> None:
        """Nothing is left that a cancel or a change could do."""
        if tracked.venue_id:
            self._departures.end_cancel(tracked.venue_id)
        self.end_change(tracked, "", at=at)

    def end_change(self, tracked: Tracked, detail: str, *, at: int) -> None:
        """No change is under way any more; with a `detail` it was not made, and somebody should know."""
        if detail and tracked.change_asked_at:
            self.alert(AlertKind.CHANGE, detail, tracked, at=at)
        tracked.change_asked_at = tracked.change_sent_at = 0

    def note_external(self, found: External, *, at: int) -> None:
        """Keep a working order that is not ours. The first word of it is an alert; under one of our tags, an alarm."""
        known = self._orders.external.get(found.venue_id)
        if known is not None:
            known.open, known.row, known.heard_at = found.open, found.row or known.row, at
            return
        found.heard_at = at
        self._orders.external[found.venue_id] = found
        ours = self._orders.by_tag.get(found.tag)
        detail = f"order {found.venue_id} with tag {found.tag!r} is not ours"
        if ours is not None:
            detail = f"order {found.venue_id} works under our tag {found.tag}, and should not"
        self.alert(AlertKind.EXTERNAL, detail, ours, at=at, halts=ours is not None, venue_id=found.venue_id)


def _declined(said: Declined) -> str:
    return f"{said.rule}: {said.value}, limit {said.limit}"


def _nothing(tracked: Tracked, cell: Cell, said: object, at: int) -> Events:
    return []


def _defect(tracked: Tracked, cell: Cell, said: object, at: int) -> Events:
    raise InvariantBroken(
        f"order {tracked.order.order_id} in state {tracked.state}: {cell.why}", value=said, limit=tracked.state
    )
