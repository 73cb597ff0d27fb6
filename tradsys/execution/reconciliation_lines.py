"""What a reconciliation compares, and what it concludes: our own view as plain data, and lines with their evidence."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Container, Mapping

import msgspec

from tradsys.core.events import Product, Side, Word
from tradsys.core.orders import OrderState
from tradsys.core.units import to_text
from tradsys.core.venue import Dealt, OrderRow, Report, Subject, TradeRow, Undone
from tradsys.execution.venue_snapshot import Holding, VenueSnapshot

TradeKey = tuple[int, int]
"""Number of a trade, number of the order at the venue: two orders of one account may share a trade."""


class OwnOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as we have it; `venue_id` 0 where we do not know it. `at`: when we last did or learned anything about it
    (our clock): an older answer says nothing against it. `external`: adopted, not sent by us. Quantities 1e-8."""

    tag: str
    venue_id: int
    instrument: str
    side: Side
    product: Product
    quantity: int
    filled: int
    state: OrderState
    in_doubt: bool
    at: int
    external: bool = False


class OwnTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of the venue's day as we booked it; `at`: when we learned of it or of its bust (our clock)."""

    trade_id: int
    tag: str
    venue_id: int
    instrument: str
    side: Side
    product: Product
    quantity: int
    price: int
    at: int
    undone: bool = False

    @property
    def key(self) -> TradeKey:
        """What it is known by."""
        return self.trade_id, self.venue_id

    @property
    def holding(self) -> Holding:
        """What it is of."""
        return self.instrument, self.product


class OwnView(msgspec.Struct, frozen=True, kw_only=True):
    """All that we have, of one instant.

    `trades`: those of the venue's day; `known`: keys of every trade ever booked or busted, these included; `positions`:
    signed, others' included, from the ledger; `cash`: by currency, had every trade been paid in full and cost no
    charges, empty where it is not to be compared; `charges` booked so far, by currency; `halted`: instruments that
    trade no more.
    """

    orders: Collection[OwnOrder]
    trades: Mapping[TradeKey, OwnTrade]
    known: Container[TradeKey]
    positions: Mapping[Holding, int]
    cash: Mapping[str, int]
    charges: Mapping[str, int] = {}
    halted: Container[str] = ()


class Action(Word):
    """What a line does, in the order in which lines are applied."""

    ATTACH = "attach"
    """Book what the venue says of an order or a trade of ours."""
    ADOPT = "adopt"
    """Count something that is not ours from now on."""
    CANCEL = "cancel"
    """Adopt an order, then withdraw it."""
    FLATTEN = "flatten"
    """Adopt a position, then close it."""
    HALT = "halt"
    """No new orders in the instrument (in none, where the line names none) until a person has looked."""
    REPORT = "report"
    """Say it once, and remember that it was said."""
    IGNORE = "ignore"
    """Do nothing, for a reason."""


class Case(Word):
    """What was found."""

    FOUND = "order_found"
    ENDED = "order_ended"
    TERMS = "order_changed"
    FILLS = "unknown_fills"
    BUSTED = "trade_busted"
    OVER_FILLED = "over_filled"
    ABSENT = "order_in_doubt_absent"
    MISSING = "order_missing"
    WORKING_AFTER_END = "ended_order_works"
    EXTERNAL_ORDER = "external_order"
    EXTERNAL_FILLS = "external_fills"
    EXTERNAL_POSITION = "external_position"
    POSITION = "position_differs"
    TRADE_DIFFERS = "trade_differs"
    UNLISTED = "trades_not_listed"
    FILLED_DIFFERS = "filled_differs"
    CASH = "cash_differs"
    CASH_OPENING = "cash_opening"
    CASH_AGREES = "cash_agrees"
    MOVED = "traded_while_asked"


GRAVE = frozenset(
    {
        Case.BUSTED,
        Case.MISSING,
        Case.WORKING_AFTER_END,
        Case.EXTERNAL_POSITION,
        Case.POSITION,
        Case.TRADE_DIFFERS,
        Case.CASH,
        Case.CASH_OPENING,
    }
)
"""Cases concluded from what an answer lacks, or that no trade explains: believed when two snapshots in a row say so."""

OF_CASH = frozenset({Case.CASH, Case.CASH_OPENING})
"""Those of them that are of money alone."""


class CashStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the venue's cash in one currency, 1e-8: `opening` is what it had more than the run counts when
    they were first compared, `said` the difference from there on that was told last (0: none), `halted` whether it
    halted the account."""

    opening: int
    said: int = 0
    halted: bool = False


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One difference and what to do about it.

    `ours`, `venue`, `answer` are the evidence: what we have, what the venue has, which answer said so. `label` names
    what is not the venue's own word: `external`, or `synthetic` with how it was made. `order` is the row to take as
    evidence; `trades` were not booked yet, or are all of `order`'s; `undone` never happened. `quantity` is signed: what
    a position or cash differs by. A line that halts or ignores books nothing, whatever it carries.
    """

    action: Action
    case: Case
    subject: str
    ours: str
    venue: str
    answer: str
    label: str = ""
    reason: str = ""
    tag: str = ""
    venue_id: int = 0
    instrument: str = ""
    product: Product | None = None
    quantity: int = 0
    order: OrderRow | None = None
    trades: tuple[TradeRow, ...] = ()
    undone: tuple[Undone, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether applying it changes anything."""
        return self.action != Action.IGNORE

    @property
    def key(self) -> str:
        """What two snapshots have to agree on: of cash the amount too, since no trade moves it."""
        amount = f" {self.quantity}" if self.case in OF_CASH else ""
        return f"{self.action} {self.case} {self.subject}{amount}"


class Plan(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="event"):
    """What to do so that we have what the venue has: apply the lines in order. Everything the venue said was read after
    `asked_at`. `settled` is false where something could not be compared because it was traded while we asked; `cash`
    is how cash stands once it is applied, by currency."""

    at: int
    asked_at: int
    reason: str
    lines: tuple[Line, ...]
    settled: bool = True
    cash: Mapping[str, CashStanding] = {}

    @property
    def changes(self) -> tuple[Line, ...]:
        """Lines that change something."""
        return tuple(line for line in self.lines if line.changes)

    @property
    def absent(self) -> tuple[str, ...]:
        """Tags of orders in doubt that whole answers, asked for at `asked_at`, do not have."""
        return tuple(line.tag for line in self.lines if line.case is Case.ABSENT)


def reports(line: Line) -> list[Report]:
    """Trades and busts of a line as the venue would have pushed them, trades first."""
    told: list[Report] = [
        Dealt(
            at=row.at,
            tag=row.tag,
            venue_id=row.venue_id,
            trade_id=row.trade_id,
            instrument=row.instrument,
            side=row.side,
            product=row.product,
            quantity=row.quantity,
            price=row.price,
            maker=row.maker,
        )
        for row in line.trades
    ]
    return [*told, *line.undone]


def evidence(venue: VenueSnapshot, *subjects: Subject) -> str:
    """Which answers said so."""
    found = filter(None, map(venue.answer, subjects))
    return ", ".join(f"{each.subject} answer {each.request} of {_clock(each.venue_at)}" for each in found)


def _clock(at: int) -> str:
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=at // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def of_own(order: OwnOrder) -> str:
    """An order of ours in words."""
    doubt = ", in doubt" if order.in_doubt else ""
    return f"{order.state} {order.side.name} {to_text(order.filled)} of {to_text(order.quantity)}{doubt}"


def of_row(row: OrderRow) -> str:
    """An order of the venue's in words."""
    filled = f"{to_text(row.filled)} of {to_text(row.quantity)}"
    return f"{row.state} {row.side.name} {filled}, {to_text(row.open)} open{f', {row.reason}' if row.reason else ''}"


def of_trades(rows: Collection[TradeRow | OwnTrade]) -> str:
    """Trades in words."""
    return ", ".join(
        f"trade {row.trade_id}: {row.side.name} {to_text(row.quantity)} at {to_text(row.price)}" for row in rows
    )


def describe(plan: Plan) -> str:
    """The plan as a table to read, one line a line."""
    count = len(plan.changes)
    title = f"{plan.reason}, {_clock(plan.at)}: {count} to change, {len(plan.lines) - count} to know of"
    heads = ("action", "case", "what", "we have", "the venue has", "which answer said so", "note")
    rows = [heads, *map(_cells, plan.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, *(table if plan.lines else ["nothing differs"])])


def _cells(line: Line) -> tuple[str, ...]:
    place = f"{line.subject} {line.instrument}" if line.instrument not in line.subject else line.subject
    note = "; ".join(filter(None, (line.label, line.reason)))
    cells = line.action.value, line.case.value, place, line.ours, line.venue, line.answer, note
    return tuple(" ".join(cell.split()) for cell in cells)
