"""Our view against the venue's: every difference a line, with what to do about it and what it is known from.

Rules for this file:
1. What the venue shows is true of an instant after `asked_at`; what it lacks is missing only if we knew it before.
2. Trades are matched by number, orders by the venue's number, then by tag; never by time or size.
3. Booking what a line says leaves nothing to say: the same answers compared again give no line that changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from tradsys.core.orders import TERMINAL, OrderState
from tradsys.core.units import to_text
from tradsys.core.venue import OrderRow, Subject, TradeRow, VenueState
from tradsys.execution.reconciliation_cash import compared_cash
from tradsys.execution.reconciliation_lines import (
    Action,
    Case,
    CashStanding,
    Line,
    OwnOrder,
    OwnView,
    Plan,
    evidence,
    of_own,
    of_row,
    of_trades,
)
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.reconciliation_positions import differences, position_lines, signed
from tradsys.execution.venue_snapshot import VenueSnapshot

_WORKING = (OrderState.OPEN, OrderState.PARTLY_FILLED)
_RANK = {action: rank for rank, action in enumerate(Action)}


def compare(
    own: OwnView,
    venue: VenueSnapshot,
    *,
    policy: Policy,
    reason: str = "asked",
    cash: Mapping[str, CashStanding] | None = None,
) -> Plan:
    """The plan that makes our view the venue's. Pure: the same views and policy give the same plan. `cash` is how it
    stood after the plan before; without it, it was never compared."""
    orders = _Orders(own, venue, policy)
    found = differences(own, venue)
    positions = list(position_lines(found, own, venue, policy))
    money = compared_cash(found, own, venue, policy, standing=cash or {}, positions=positions)
    lines = [*orders.lines(), *positions, *money.lines]
    return Plan(
        at=venue.at,
        asked_at=venue.asked_at,
        reason=reason,
        lines=tuple(sorted(lines, key=_place)),
        settled=not venue.moved,
        cash=money.standing,
    )


def _place(line: Line) -> tuple[int, bool, int, str, int, str, str]:
    """By action; what has trades before what has none, by trade: an order is adopted as it is after its trades."""
    first = min((row.trade_id for row in line.trades), default=0)
    rank = _RANK[line.action]
    return rank, not line.trades, first, line.instrument, line.venue_id, line.case.value, line.subject


class _Orders:
    """Lines about orders and their trades."""

    def __init__(self, own: OwnView, venue: VenueSnapshot, policy: Policy) -> None:
        self._own, self._venue, self._policy = own, venue, policy
        self._rows = {row.venue_id: row for row in sorted(venue.orders, key=lambda row: row.venue_id)}
        # An adopted order hides the one of ours that it was before it was given up.
        known = sorted(own.orders, key=lambda order: (order.external, order.venue_id, order.tag))
        self._by_id = {order.venue_id: order for order in known if order.venue_id}
        self._by_tag = {order.tag: order for order in known if order.tag and not order.venue_id}
        self._trades: dict[int, list[TradeRow]] = {}
        for row in sorted(venue.trades, key=lambda row: (row.trade_id, row.venue_id)):
            self._trades.setdefault(row.venue_id, []).append(row)

    def lines(self) -> Iterator[Line]:
        """In no particular order, but always the same."""
        claimed = set()
        for venue_id in sorted({**self._rows, **self._trades}):
            row, trades = self._rows.get(venue_id), self._trades.get(venue_id, [])
            mine = self._claim(venue_id, row.tag if row else trades[0].tag)
            if mine and (row or mine.in_doubt):  # trades alone do not say that an order stands
                claimed.add((mine.tag, mine.venue_id))
            yield from self._altered(trades)
            yield from self._pair(mine, row, trades) if mine else self._external(venue_id, row, trades)
        for order in sorted(self._own.orders, key=lambda order: (order.instrument, order.tag, order.venue_id)):
            if (order.tag, order.venue_id) not in claimed:
                yield from self._lacking(order)

    def _claim(self, venue_id: int, tag: str) -> OwnOrder | None:
        """Our order of that number, else of that tag if its number is not known: a second one of a tag is not ours."""
        return self._by_id.get(venue_id) or (self._by_tag.pop(tag, None) if tag else None)

    def _new(self, trades: list[TradeRow]) -> list[TradeRow]:
        """Trades never heard of."""
        return [row for row in trades if (row.trade_id, row.venue_id) not in self._own.known]

    # --- ours

    def _pair(self, mine: OwnOrder, row: OrderRow | None, trades: list[TradeRow]) -> Iterator[Line]:
        new = self._new(trades)
        case = self._case(mine, row) if row else None
        if row and case is Case.TERMS and self._busted_before(mine, row, new):
            yield self._open_differs(mine, row)
            case = None
        late = case is Case.WORKING_AFTER_END
        if row and late:
            action = self._halt(row.instrument) if self._policy.ended_orders == "halt" else Action.CANCEL
            yield self._of_row(row, action=action, case=Case.WORKING_AFTER_END, ours=of_own(mine))
        if new or (case and not late):
            certain = row and not late and (case or (mine.at < self._venue.asked_at and not self._moved(row)))
            current = row if certain else None
            yield self._attach(
                mine, current, trades if current else new, case=case if case and not late else Case.FILLS
            )
        if new:
            yield from self._over_filled(mine, row, new)
        elif row and not case:
            yield from self._filled_differs(mine, row, trades)

    def _moved(self, row: OrderRow) -> bool:
        return (row.instrument, row.product) in self._venue.moved

    def _case(self, mine: OwnOrder, row: OrderRow) -> Case | None:
        """What the venue's row says that we do not know."""
        works, over, before = row.state is VenueState.OPEN, mine.state in TERMINAL, mine.at < self._venue.asked_at
        if over:
            return Case.WORKING_AFTER_END if works and before else None
        if not mine.venue_id:
            return Case.FOUND
        if not before:
            return None
        if mine.in_doubt or mine.state not in _WORKING:
            return Case.FOUND
        if not works:
            return Case.ENDED
        return Case.TERMS if self._terms(mine, row) else None

    def _terms(self, mine: OwnOrder, row: OrderRow) -> bool:
        """Whether the venue has another quantity open than we shall have once all its trades are booked."""
        new = self._new(self._trades.get(row.venue_id, []))
        ours = mine.quantity - mine.filled - sum(each.quantity for each in new)
        return mine.instrument != row.instrument or (ours != row.open and not self._moved(row))

    def _busted_before(self, mine: OwnOrder, row: OrderRow, new: list[TradeRow]) -> bool:
        """Whether trades were counted on one side alone: a busted one takes its part of the order along."""
        return not mine.external and row.filled != mine.filled + sum(each.quantity for each in new)

    def _open_differs(self, mine: OwnOrder, row: OrderRow) -> Line:
        reason = "trades of it were busted; what we count as open may be more, until it ends"
        line = self._attach(mine, row, [], case=Case.TERMS)
        return replace(line, action=Action.IGNORE, reason=reason, order=None)

    def _attach(self, mine: OwnOrder, row: OrderRow | None, trades: list[TradeRow], *, case: Case) -> Line:
        new = self._new(trades)
        said = [of_row(row)] if row else []
        return Line(
            action=Action.ATTACH,
            case=case,
            subject=_subject(mine.tag, row.venue_id if row else trades[0].venue_id),
            ours=of_own(mine),
            venue="; ".join([*said, of_trades(new)] if new else said),
            answer=evidence(self._venue, *([Subject.ORDERS] if row else []), *([Subject.TRADES] if new else [])),
            label="external" if mine.external else "",
            tag=mine.tag,
            venue_id=row.venue_id if row else trades[0].venue_id,
            instrument=row.instrument if row else trades[0].instrument,
            product=row.product if row else trades[0].product,
            order=row,
            trades=tuple(trades),
        )

    def _over_filled(self, mine: OwnOrder, row: OrderRow | None, new: list[TradeRow]) -> Iterator[Line]:
        most = max(mine.quantity, row.quantity if row else 0)
        filled = mine.filled + sum(each.quantity for each in new)
        if filled <= most or self._halt(new[0].instrument) is Action.IGNORE:
            return
        line = self._attach(mine, row, new, case=Case.OVER_FILLED)
        reason = "more than was asked for; booked as it happened"
        yield replace(line, action=Action.HALT, reason=reason, order=None, trades=())

    def _filled_differs(self, mine: OwnOrder, row: OrderRow, trades: list[TradeRow]) -> Iterator[Line]:
        """The venue contradicts its own trades; positions decide, so this is only to be known of."""
        listed = sum(each.quantity for each in trades)
        if row.filled in (listed, mine.filled) or mine.at >= self._venue.asked_at or self._moved(row):
            return
        line = self._attach(mine, row, trades, case=Case.FILLED_DIFFERS)
        reason = "the venue's count of its fills is not that of its trades; trades count"
        yield replace(line, action=Action.IGNORE, reason=reason, order=None, trades=())

    def _altered(self, trades: list[TradeRow]) -> Iterator[Line]:
        """Trades that are not what they were, or are back after they were busted."""
        for row in trades:
            mine = self._own.trades.get((row.trade_id, row.venue_id))
            if mine is None or mine.at >= self._venue.asked_at:
                continue
            same = (mine.holding, mine.side, mine.quantity, mine.price) == (
                (row.instrument, row.product),
                row.side,
                row.quantity,
                row.price,
            )
            if mine.undone or not same:
                yield Line(
                    action=self._halt(row.instrument),
                    case=Case.TRADE_DIFFERS,
                    subject=f"trade {row.trade_id} of order {row.venue_id}",
                    ours=of_trades([mine]) + (", busted" if mine.undone else ""),
                    venue=of_trades([row]),
                    answer=evidence(self._venue, Subject.TRADES),
                    tag=row.tag,
                    venue_id=row.venue_id,
                    instrument=row.instrument,
                    product=row.product,
                )

    def _lacking(self, order: OwnOrder) -> Iterator[Line]:
        """An order of ours that the venue does not list."""
        if order.at >= self._venue.asked_at or order.state in TERMINAL:
            return
        absent = order.in_doubt and not order.venue_id
        if not absent and order.state not in _WORKING and not order.in_doubt:
            return
        reason = "in doubt until whole answers lack it for long enough" if absent else "nothing says how it ended"
        yield Line(
            action=Action.IGNORE if absent else self._halt(order.instrument),
            case=Case.ABSENT if absent else Case.MISSING,
            subject=_subject(order.tag, order.venue_id),
            ours=of_own(order),
            venue="no such order",
            answer=evidence(self._venue, Subject.ORDERS),
            reason=reason,
            tag=order.tag,
            venue_id=order.venue_id,
            instrument=order.instrument,
            product=order.product,
        )

    # --- not ours

    def _external(self, venue_id: int, row: OrderRow | None, trades: list[TradeRow]) -> Iterator[Line]:
        new = self._new(trades)
        if new:
            yield Line(
                action=Action.ADOPT,
                case=Case.EXTERNAL_FILLS,
                subject=_subject(new[0].tag, venue_id),
                ours=f"no such order; {len(new)} unknown fills, {to_text(signed(new))} in all",
                venue=of_trades(new),
                answer=evidence(self._venue, Subject.TRADES),
                label="external",
                tag=new[0].tag,
                venue_id=venue_id,
                instrument=new[0].instrument,
                product=new[0].product,
                trades=tuple(new),
            )
        if row and row.state is VenueState.OPEN:
            wanted = Action(self._policy.external_orders)
            action = self._halt(row.instrument) if wanted is Action.HALT else wanted
            yield self._of_row(row, action=action, case=Case.EXTERNAL_ORDER, ours="no such order")

    def _of_row(self, row: OrderRow, *, action: Action, case: Case, ours: str) -> Line:
        return Line(
            action=action,
            case=case,
            subject=_subject(row.tag, row.venue_id),
            ours=ours,
            venue=of_row(row),
            answer=evidence(self._venue, Subject.ORDERS),
            label="external",
            tag=row.tag,
            venue_id=row.venue_id,
            instrument=row.instrument,
            product=row.product,
            order=row,
        )

    def _halt(self, instrument: str) -> Action:
        """Halting what is halted changes nothing."""
        return Action.IGNORE if instrument in self._own.halted else Action.HALT


def _subject(tag: str, venue_id: int) -> str:
    return f"order {' '.join(filter(None, (tag, str(venue_id) if venue_id else '')))}"
