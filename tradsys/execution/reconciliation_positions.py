"""Positions against the venue's: what trades explain, which trades were busted, and what nothing explains.

A position of the venue's is that of the trades listed with it. So ours at any later instant must equal it once trades
that only we have are added and trades that only the venue has are taken off, whatever happened in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator

from tradsys.core.events import Side
from tradsys.core.units import to_text
from tradsys.core.venue import PositionRow, Subject, TradeRow, Undone
from tradsys.execution.reconciliation_lines import (
    Action,
    Case,
    Line,
    OwnTrade,
    OwnView,
    evidence,
    of_trades,
)
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.venue_snapshot import Holding, VenueSnapshot


def signed(trades: Iterable[TradeRow | OwnTrade]) -> int:
    """What trades add to a position."""
    return sum(row.side * row.quantity for row in trades)


def unbooked(own: OwnView, row: TradeRow) -> bool:
    """Whether our position is without a trade that the venue lists."""
    key = row.trade_id, row.venue_id
    mine = own.trades.get(key)
    return mine.undone if mine is not None else key not in own.known


class Differences:
    """Trades of one holding that one side alone has, and what is left of the position without them."""

    def __init__(
        self, own: OwnView, venue: VenueSnapshot, holding: Holding, *, mine: list[OwnTrade], rows: list[TradeRow]
    ) -> None:
        listed = {(row.trade_id, row.venue_id) for row in rows}
        lacking = sorted((each for each in mine if each.key not in listed), key=lambda each: each.key)
        self.holding = holding
        self.ours = own.positions.get(holding, 0)
        self.row = next((row for row in venue.positions if (row.instrument, row.product) == holding), None)
        self.theirs = 0 if self.row is None else self.row.quantity
        self.gone = [each for each in lacking if each.at < venue.asked_at]
        self.fresh = [row for row in rows if unbooked(own, row)]
        newer = [each for each in lacking if each.at >= venue.asked_at]
        self.left = self.theirs - self.ours + signed(newer) - signed(self.fresh)
        self.traded = bool(mine)
        self.same_trades = not (lacking or self.fresh)
        self.last_trade = max((row.trade_id for row in rows), default=0)

    def verdict(self, whole: Container[int]) -> tuple[list[OwnTrade], list[OwnTrade], int]:
        """Trades of ours that were busted, those only listed no more, and what is left of the position.

        Busted are those whose order at the venue has no more filled than its listed trades (`whole` are such orders),
        and the others where the position is without all of them. A day that is over takes orders off the list with
        their trades, and leaves the position.
        """
        off = [each for each in self.gone if each.venue_id in whole]
        rest = [each for each in self.gone if each.venue_id not in whole]
        left = self.left + signed(off)
        if signed(rest) and left + signed(rest) == 0:
            return self.gone, [], 0
        return off, rest, left


def _whole(venue: VenueSnapshot) -> frozenset[int]:
    """Orders of which every fill is listed."""
    listed: dict[int, int] = {}
    for row in venue.trades:
        listed[row.venue_id] = listed.get(row.venue_id, 0) + row.quantity
    return frozenset(row.venue_id for row in venue.orders if row.filled <= listed.get(row.venue_id, 0))


def differences(own: OwnView, venue: VenueSnapshot) -> list[Differences]:
    """All holdings of both sides, by instrument and product."""
    mine: dict[Holding, list[OwnTrade]] = {}
    rows: dict[Holding, list[TradeRow]] = {}
    for each in own.trades.values():
        if not each.undone and each.trade_id >= 0:  # what we adopted was no trade, and is on no list
            mine.setdefault(each.holding, []).append(each)
    for row in venue.trades:
        rows.setdefault((row.instrument, row.product), []).append(row)
    held = {(row.instrument, row.product): row for row in venue.positions}
    return [
        Differences(own, venue, holding, mine=mine.get(holding, []), rows=rows.get(holding, []))
        for holding in sorted({**own.positions, **mine, **rows, **held})
    ]


def position_lines(holdings: list[Differences], own: OwnView, venue: VenueSnapshot, policy: Policy) -> Iterator[Line]:
    """Lines about positions and busted trades, by instrument and product."""
    whole = _whole(venue)
    for found in holdings:
        if found.holding in venue.moved:
            yield _moved(found, venue)
            continue
        busted, unlisted, left = found.verdict(whole)
        yield from (_bust(each, venue) for each in busted)
        if left:
            yield _unexplained(found, own, venue, policy, left=left, certain=not unlisted)
        elif unlisted:
            yield _unlisted(found, venue, unlisted)


def _line(found: Differences, venue: VenueSnapshot, *, action: Action, case: Case, **more: object) -> Line:
    instrument, product = found.holding
    average = f" at {to_text(found.row.average)}" if found.row is not None and found.theirs else ""
    values = {
        "action": action,
        "case": case,
        "subject": f"position {instrument} {product}",
        "ours": to_text(found.ours),
        "venue": to_text(found.theirs) + average,
        "answer": evidence(venue, Subject.POSITIONS, Subject.TRADES),
        "instrument": instrument,
        "product": product,
        **more,
    }
    return Line(**values)  # type: ignore[arg-type]


def _moved(found: Differences, venue: VenueSnapshot) -> Line:
    reason = "traded while we asked; compared the next time"
    return _line(found, venue, action=Action.IGNORE, case=Case.MOVED, reason=reason)


def _unlisted(found: Differences, venue: VenueSnapshot, trades: list[OwnTrade]) -> Line:
    reason = f"no longer listed, yet in the venue's position: {of_trades(trades)}"
    return _line(found, venue, action=Action.IGNORE, case=Case.UNLISTED, reason=reason)


def _bust(trade: OwnTrade, venue: VenueSnapshot) -> Line:
    """A trade of ours that the venue has taken off its list and off the position."""
    answer = venue.answer(Subject.TRADES)
    undone = Undone(
        at=answer.venue_at if answer else venue.at, tag=trade.tag, venue_id=trade.venue_id, trade_id=trade.trade_id
    )
    return Line(
        action=Action.ATTACH,
        case=Case.BUSTED,
        subject=f"trade {trade.trade_id} of order {trade.venue_id}",
        ours=of_trades([trade]),
        venue="no such trade",
        answer=evidence(venue, Subject.TRADES, Subject.ORDERS, Subject.POSITIONS),
        tag=trade.tag,
        venue_id=trade.venue_id,
        instrument=trade.instrument,
        product=trade.product,
        undone=(undone,),
    )


def _unexplained(
    found: Differences, own: OwnView, venue: VenueSnapshot, policy: Policy, *, left: int, certain: bool
) -> Line:
    """What to do about a position that differs by `left`; `certain`: every trade of ours is listed or busted."""
    instrument, _ = found.holding
    ours = found.traded or found.ours or any(each.instrument == instrument and not each.external for each in own.orders)
    case = Case.POSITION if ours else Case.EXTERNAL_POSITION
    action = Action(policy.unexplained_positions if ours else policy.external_positions)
    reason = f"{to_text(left)} more than trades explain"
    made = adopted(found.row, quantity=left, after=found.last_trade, at=_venue_time(venue)) if found.row else None
    if action is not Action.HALT and certain and made is not None and (made.trade_id, 0) not in own.known:
        label = "synthetic: the difference as one trade at the venue's average"
        return _line(found, venue, action=action, case=case, reason=reason, label=label, quantity=left, trades=(made,))
    halted = instrument in own.halted
    action, reason = (Action.IGNORE, f"{reason}; halted already") if halted else (Action.HALT, reason)
    return _line(found, venue, action=action, case=case, reason=reason, quantity=left)


def _venue_time(venue: VenueSnapshot) -> int:
    answer = venue.answer(Subject.POSITIONS)
    return answer.venue_at if answer else venue.at


def adopted(row: PositionRow, *, quantity: int, after: int, at: int) -> TradeRow | None:
    """A difference of `quantity` (signed) as a trade that never was, at the venue's average; None where it has none.

    Its number is negative, so that it is never one of the venue's, and a pure function of the position, the difference
    and the last trade listed (`after`): made again from the same facts, it is the same trade.
    """
    if row.average <= 0:
        return None
    facts = f"{row.instrument}/{row.product.value}/{row.quantity}/{row.average}/{quantity}/{after}"
    number = int.from_bytes(hashlib.blake2b(facts.encode(), digest_size=7).digest(), "big")
    return TradeRow(
        trade_id=-1 - number,
        tag="",
        venue_id=0,
        instrument=row.instrument,
        side=Side.BUY if quantity > 0 else Side.SELL,
        product=row.product,
        quantity=abs(quantity),
        price=row.average,
        at=at,
    )
