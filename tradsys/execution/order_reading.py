"""What the venue says, made into what the engine can take.

A trade is booked as it happened, whatever the order's state, and its number once, for ever. What the venue answers to
a question is read as if it had been reported: there is one way in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Fill, OrderEvent, Side, Stray, StrayKind
from tradsys.core.venue import (
    Awoken,
    Changed,
    CommandDeclined,
    Dealt,
    Declined,
    Ended,
    OrderRow,
    Report,
    Taken,
    TradeRow,
    Undone,
    VenueState,
)
from tradsys.execution.departures import Departures
from tradsys.execution.inquiry import Inquiries
from tradsys.execution.order_life import TERMINAL, Happening, TrackedState
from tradsys.execution.order_moves import Absence, OrderMoves
from tradsys.execution.tracked_orders import (
    AlertKind,
    External,
    SeenTrade,
    Tracked,
    TrackedOrders,
    fill_of,
)

_ENDING = TrackedState.ENDING
_OPEN = (TrackedState.OPEN, TrackedState.PARTLY_FILLED)
_DEALT, _WORKING = Happening.DEALT, Happening.WORKING
_HAPPENINGS: dict[type, Happening] = {
    Taken: Happening.TAKEN,
    Declined: Happening.DECLINED,
    Awoken: Happening.AWOKEN,
    Changed: Happening.CHANGED,
    Ended: Happening.ENDED,
}
Word = Taken | Declined | Awoken | Changed | Ended
Events = list[OrderEvent]


class OrderReading:
    """Finds whose a report is and lets the table say what it means. Every method returns what the engine is told."""

    def __init__(
        self,
        orders: TrackedOrders,
        *,
        moves: OrderMoves,
        departures: Departures,
        inquiries: Inquiries,
        trouble: tuple[str, ...],
    ) -> None:
        self._orders = orders
        self._moves = moves
        self._departures = departures
        self._breaker = departures.breaker
        self._inquiries = inquiries
        self._trouble = trouble
        self._readers: dict[type, Callable[[Any, int], Events]] = {
            Taken: self._on_word,
            Declined: self._on_word,
            Awoken: self._on_word,
            Changed: self._on_word,
            Ended: self._on_word,
            Dealt: self._on_dealt,
            Undone: self._on_undone,
            CommandDeclined: self._on_command_declined,
        }

    def read(self, report: Report, *, at: int) -> Events:
        """A report about an order or a trade. Raises `InvariantBroken` for one about neither: it is for others."""
        reader = self._readers.get(type(report))
        if reader is None:
            raise InvariantBroken(
                f"{type(report).__name__} is not about an order",
                value=type(report).__name__,
                limit=", ".join(each.__name__ for each in self._readers),
            )
        return reader(report, at)

    def _on_word(self, report: Word, at: int) -> Events:
        """A report of an order's state."""
        tracked = self._about(report.tag, report.venue_id, at)
        if tracked is None:
            return self._on_external_word(report, at)
        if type(report) is Declined and report.rule in self._trouble:
            self._breaker.on_failure(at=at)
        else:
            self._breaker.on_answer()
        gone = type(report) is Ended or type(report) is Declined
        if gone and report.venue_id in self._orders.external:
            self._forget_external(report.venue_id)
        return self._moves.happen(tracked, _HAPPENINGS[type(report)], report, at=at)

    def _about(self, tag: str, venue_id: int, at: int) -> Tracked | None:
        """The order that a report is about. Its number at the venue is learnt; a cancel that waited for it goes."""
        tracked = self._orders.find(tag=tag, venue_id=venue_id)
        if tracked is None:
            return None
        tracked.heard_at = at
        tracked.agreed = 0
        if venue_id and not tracked.venue_id:
            self._orders.learn(tracked, venue_id)
            if tracked.withdrawing and tracked.state not in TERMINAL:
                self._departures.add_cancel(venue_id, at=at)
        return tracked

    # --- trades

    def _on_dealt(self, report: Dealt, at: int) -> Events:
        """A trade: once."""
        key = report.trade_id, report.venue_id
        if key in self._orders.trades:
            return []
        if report.quantity <= 0 or report.price <= 0:
            self._contradict(f"trade {report.trade_id} of {report.quantity} at {report.price} is none", report, at)
            return []
        tracked = self._about(report.tag, report.venue_id, at)
        if tracked is not None and _of_another(report, tracked):
            self._contradict(f"trade {report.trade_id} is not what order {tracked.tag} asks for", report, at)
            tracked = None
        fill = fill_of(report, tracked.order if tracked else None, at=at)
        self._orders.trades[key] = SeenTrade(trade_id=report.trade_id, venue_id=report.venue_id, fill=fill)
        self._count_external(report, at)
        if tracked is None:
            return self._book_external(report, fill, at)
        self._breaker.on_answer()
        return self._moves.happen(tracked, _DEALT, fill, at=at)

    def _contradict(self, detail: str, report: Dealt, at: int) -> None:
        self._inquiries.want(at=at)
        self._moves.alert(
            AlertKind.CONTRADICTION,
            detail,
            at=at,
            halts=True,
            instrument=report.instrument,
            venue_id=report.venue_id,
        )

    def _on_undone(self, report: Undone, at: int) -> Events:
        """A trade never happened: its opposite is booked, once; one not yet heard of will never be."""
        key = report.trade_id, report.venue_id
        seen = self._orders.trades.get(key)
        if seen is None:
            seen = SeenTrade(trade_id=report.trade_id, venue_id=report.venue_id, fill=None, undone=True)
            self._orders.trades[key] = seen
            self._inquiries.want(at=at)
            return []
        if seen.undone or seen.fill is None:
            return []
        seen.undone = True
        fill = seen.fill
        detail = f"trade {report.trade_id} of {fill.quantity} at {fill.price} was undone"
        tracked = self._orders.by_id.get(fill.order_id)
        self._moves.alert(AlertKind.BUST, detail, tracked, at=at, instrument=fill.instrument, venue_id=report.venue_id)
        opposite = _opposite(fill, at=at, exchange_at=report.at)
        return [Stray(at=at, order_id=fill.order_id, kind=StrayKind.BUST, fill=opposite)]

    # --- cancels and changes

    def _on_command_declined(self, report: CommandDeclined, at: int) -> Events:
        """A cancel or a change did nothing; of two under way the one that left first is meant."""
        venue_id = report.venue_id
        tracked = self._orders.by_venue.get(venue_id)
        cancel = self._departures.cancels.get(venue_id)
        cancelled_at = cancel.sent_at if cancel is not None else 0
        if tracked is not None and tracked.change_sent_at and not 0 < cancelled_at < tracked.change_sent_at:
            detail = f"the venue declined a change: {report.rule}, {report.value}, limit {report.limit}"
            tracked.change_declined = True
            self._moves.end_change(tracked, detail, at=at)
        elif cancel is not None:
            self._on_cancel_declined(tracked, venue_id, at)
        return []

    def _on_cancel_declined(self, tracked: Tracked | None, venue_id: int, at: int) -> None:
        """What it was meant for has ended, as we shall hear, or cannot be withdrawn now: ask, and try again."""
        self._inquiries.want(at=at)
        if tracked is None or tracked.state in TERMINAL:
            self._departures.end_cancel(venue_id)
        else:
            self._departures.delay_cancel(venue_id, at=at)

    # --- not ours

    def _on_external_word(self, report: Word, at: int) -> Events:
        if type(report) is Ended or type(report) is Declined:
            self._forget_external(report.venue_id)
        elif type(report) is Taken or type(report) is Changed:
            self._moves.note_external(External(venue_id=report.venue_id, tag=report.tag, open=report.open), at=at)
            self._inquiries.want(at=at)
        return []

    def _forget_external(self, venue_id: int) -> None:
        self._orders.external.pop(venue_id, None)
        self._departures.end_cancel(venue_id)

    def _count_external(self, report: Dealt, at: int) -> None:
        """A trade of an order that is not ours: less of it is open."""
        known = self._orders.external.get(report.venue_id)
        if known is not None:
            known.open, known.heard_at = max(0, known.open - report.quantity), at
            if not known.open:
                self._forget_external(report.venue_id)

    def _book_external(self, report: Dealt, fill: Fill, at: int) -> Events:
        detail = f"trade {report.trade_id} of {fill.quantity} at {fill.price} is not ours: tag {report.tag!r}"
        self._moves.alert(AlertKind.EXTERNAL, detail, at=at, instrument=fill.instrument, venue_id=report.venue_id)
        return [Stray(at=at, order_id=0, kind=StrayKind.EXTERNAL, fill=fill)]

    # --- answers to questions

    def read_row(self, row: OrderRow, trades: Sequence[TradeRow], *, asked_at: int, at: int) -> Events:
        """A row of a whole answer with all its trades, asked for at `asked_at`."""
        fresh = self._orders.find(tag=row.tag, venue_id=row.venue_id)
        stale = fresh is not None and fresh.heard_at > asked_at
        agreed = fresh.agreed if fresh is not None and fresh.state is _ENDING else 0
        events: Events = []
        for trade in trades:
            events += self._on_dealt(_dealt(trade), at)
        tracked = self._about(row.tag, row.venue_id, at) if not stale else fresh
        if tracked is None:
            self._read_external(row, at)
        elif row.state is not VenueState.OPEN:
            events += self._read_end(tracked, row, agreed=0 if events else agreed + 1, at=at)
        elif not stale:
            events += self._read_open(tracked, row, asked_at=asked_at, at=at)
        return events

    def _read_open(self, tracked: Tracked, row: OrderRow, *, asked_at: int, at: int) -> Events:
        events = self._moves.happen(tracked, _WORKING, row, at=at)
        sent = tracked.change_sent_at
        terms = tracked.limit, tracked.remaining - tracked.cut
        if terms != (row.limit, row.open) and tracked.state in _OPEN and row.filled == tracked.filled:
            changed = Changed(at=row.at, tag=row.tag, venue_id=row.venue_id, open=row.open, limit=row.limit)
            events += self._moves.happen(tracked, Happening.CHANGED, changed, at=at)
        elif 0 < sent < asked_at:
            self._moves.end_change(tracked, "the venue has the order as it was before the change", at=at)
        return events

    def _read_end(self, tracked: Tracked, row: OrderRow, *, agreed: int, at: int) -> Events:
        """`agreed` answers in a row had no trade that was not booked."""
        if row.state is VenueState.REJECTED:
            said: Word = Declined(
                at=row.at, tag=row.tag, venue_id=row.venue_id, rule="rejected", value=row.reason, limit=""
            )
            return self._on_word(said, at) if not tracked.accepted else []
        if tracked.state in TERMINAL:
            self._forget_external(row.venue_id)
            return []
        left = max(0, tracked.order.quantity - tracked.cut - row.filled)
        said = Ended(at=row.at, tag=row.tag, venue_id=row.venue_id, open=left, state=row.state, reason=row.reason)
        events = self._moves.happen(tracked, Happening.ENDED, said, at=at)
        if tracked.state is _ENDING:
            tracked.agreed = agreed
            if agreed >= 2:
                events += self._moves.settle(tracked, at=at)
        return events

    def _read_external(self, row: OrderRow, at: int) -> None:
        if row.state is VenueState.OPEN:
            found = External(venue_id=row.venue_id, tag=row.tag, open=row.open, row=row)
            self._moves.note_external(found, at=at)
        else:
            self._forget_external(row.venue_id)

    def read_absence(self, tag: str, *, asked_at: int, at: int) -> Events:
        """A whole answer, asked for at `asked_at`, has no order of this tag."""
        tracked = self._orders.by_tag.get(tag)
        if tracked is None or tracked.heard_at > asked_at:
            return []
        return self._moves.happen(tracked, Happening.ABSENT, Absence(asked_at=asked_at), at=at)


def _of_another(report: Dealt, tracked: Tracked) -> bool:
    order = tracked.order
    return report.instrument != order.instrument or report.side != order.side or report.product != order.product


def _dealt(trade: TradeRow) -> Dealt:
    return Dealt(
        at=trade.at,
        tag=trade.tag,
        venue_id=trade.venue_id,
        trade_id=trade.trade_id,
        instrument=trade.instrument,
        side=trade.side,
        product=trade.product,
        quantity=trade.quantity,
        price=trade.price,
        maker=trade.maker,
    )


def _opposite(fill: Fill, *, at: int, exchange_at: int) -> Fill:
    return Fill(
        at=at,
        order_id=fill.order_id,
        exchange_at=exchange_at,
        strategy=fill.strategy,
        instrument=fill.instrument,
        side=Side(-fill.side),
        quantity=fill.quantity,
        price=fill.price,
        product=fill.product,
        maker=fill.maker,
        reason=fill.reason,
    )
