"""A venue's books and our view of them, small enough to be right: what reconciliation is tested with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradsys.core.events import Product, Side
from tradsys.core.orders import TERMINAL, OrderState
from tradsys.core.units import SCALE
from tradsys.core.venue import (
    Ask,
    CashRow,
    Dealt,
    OrderRow,
    Page,
    PositionRow,
    Report,
    Subject,
    TradeRow,
    Undone,
    VenueState,
)
from tradsys.execution.reconciliation_lines import (
    Action,
    CashStanding,
    Line,
    OwnOrder,
    OwnTrade,
    OwnView,
    Plan,
    TradeKey,
    reports,
)
from tradsys.execution.venue_snapshot import Answered, Holding, VenueSnapshot

PRICE = 100 * SCALE
ENDS = {
    VenueState.FILLED: OrderState.FILLED,
    VenueState.CANCELLED: OrderState.CANCELLED,
    VenueState.EXPIRED: OrderState.EXPIRED,
    VenueState.REJECTED: OrderState.REJECTED,
}


@dataclass
class VenueOrder:
    """An order as the venue has it; quantities in whole units."""

    venue_id: int
    tag: str
    instrument: str
    side: Side
    quantity: int
    filled: int = 0
    state: VenueState = VenueState.OPEN
    dealt: int = 0
    """Busted trades too: what they took is not open again."""

    @property
    def left(self) -> int:
        return self.quantity - self.dealt


@dataclass
class Books:
    """Everything the venue has. Answers are cut from what is there at that instant, page by page."""

    page_rows: int = 1000
    at: int = 0
    orders: dict[int, VenueOrder] = field(default_factory=dict)
    trades: dict[int, TradeRow] = field(default_factory=dict)
    held: dict[Holding, int] = field(default_factory=dict)
    cash: int = 0
    numbers: int = 0
    average: int = PRICE

    def place(self, tag: str, *, instrument: str = "A", side: Side = Side.BUY, quantity: int = 10) -> VenueOrder:
        """An order of anybody's."""
        self.numbers += 1
        order = self.orders[self.numbers] = VenueOrder(self.numbers, tag, instrument, side, quantity)
        return order

    def fill(self, order: VenueOrder, quantity: int) -> TradeRow:
        """A trade of it."""
        self.numbers += 1
        order.filled += quantity
        order.dealt += quantity
        if order.left <= 0:
            order.state = VenueState.FILLED
        row = self.trades[self.numbers] = TradeRow(
            trade_id=self.numbers, tag=order.tag, venue_id=order.venue_id, instrument=order.instrument,
            side=order.side, product=Product.MIS, quantity=quantity * SCALE, price=PRICE, at=self.at,
        )  # fmt: skip
        self._hold(row, 1)
        return row

    def bust(self, trade_id: int) -> TradeRow:
        """It never was."""
        row = self.trades.pop(trade_id)
        self.orders[row.venue_id].filled -= row.quantity // SCALE
        self._hold(row, -1)
        return row

    def _hold(self, row: TradeRow, sign: int) -> None:
        holding = row.instrument, row.product
        self.held[holding] = self.held.get(holding, 0) + sign * row.side * row.quantity
        self.cash -= sign * row.side * row.quantity * row.price // SCALE

    def row(self, order: VenueOrder) -> OrderRow:
        """As an answer shows it."""
        left = order.left if order.state is VenueState.OPEN else 0
        return OrderRow(
            tag=order.tag, venue_id=order.venue_id, instrument=order.instrument, side=order.side,
            product=Product.MIS, quantity=order.quantity * SCALE, filled=order.filled * SCALE, open=left * SCALE,
            limit=PRICE, state=order.state, at=self.at,
        )  # fmt: skip

    def rows(self, subject: Subject) -> tuple[Any, ...]:
        """The whole answer about a subject, now."""
        match subject:
            case Subject.ORDERS:
                return tuple(self.row(order) for order in self.orders.values())
            case Subject.TRADES:
                return tuple(self.trades.values())
            case Subject.POSITIONS:
                return tuple(
                    PositionRow(instrument=name, product=product, quantity=quantity, average=self.average)
                    for (name, product), quantity in sorted(self.held.items())
                )
            case Subject.CASH:
                return (CashRow(currency="INR", cash=self.cash),)

    def page(self, ask: Ask) -> Page:
        """One page of it."""
        rows = self.rows(ask.subject)
        part: dict[str, Any] = {ask.subject.value: rows[ask.page * self.page_rows : (ask.page + 1) * self.page_rows]}
        pages = max(1, -(-len(rows) // self.page_rows))
        return Page(
            at=self.at, request=ask.request, subject=ask.subject, page=ask.page, pages=pages, rows=len(rows), **part
        )

    def snapshot(self, *, asked_at: int | None = None, moved: tuple[Holding, ...] = ()) -> VenueSnapshot:
        """All of it, of this instant."""
        asked_at = self.at if asked_at is None else asked_at
        answers = tuple(
            Answered(subject=subject, request=n, asked_at=asked_at, venue_at=self.at)
            for n, subject in enumerate(Subject, 1)
        )
        rows = {subject.value: self.rows(subject) for subject in Subject}
        return VenueSnapshot(asked_at=asked_at, at=self.at, answers=answers, moved=moved, **rows)


@dataclass
class View:
    """What we have. Told of trades and ends one by one, or by a plan."""

    orders: dict[str, OwnOrder] = field(default_factory=dict)
    external: dict[int, OwnOrder] = field(default_factory=dict)
    trades: dict[TradeKey, OwnTrade] = field(default_factory=dict)
    known: set[TradeKey] = field(default_factory=set)
    held: dict[Holding, int] = field(default_factory=dict)
    cash: int = 0
    halted: set[str] = field(default_factory=set)
    withdrawn: set[int] = field(default_factory=set)
    agreed: Mapping[str, CashStanding] = field(default_factory=dict)

    def view(self) -> OwnView:
        """As a reconciliation takes it."""
        return OwnView(
            orders=(*self.orders.values(), *self.external.values()),
            trades=dict(self.trades),
            known=frozenset(self.known),
            positions=dict(self.held),
            cash={"INR": self.cash},
            halted=frozenset(self.halted),
        )

    def send(self, order: VenueOrder, *, at: int, in_doubt: bool = False) -> None:
        """An order of ours left."""
        self.orders[order.tag] = OwnOrder(
            tag=order.tag, venue_id=0, instrument=order.instrument, side=order.side, product=Product.MIS,
            quantity=order.quantity * SCALE, filled=0, in_doubt=in_doubt, at=at,
            state=OrderState.UNKNOWN if in_doubt else OrderState.APPROVED,
        )  # fmt: skip

    def hear(self, row: OrderRow, *, at: int) -> None:
        """The venue's word of an order of ours, or of an adopted one."""
        mine = self.external.get(row.venue_id) or self.orders.get(row.tag)
        if mine is None or (mine.venue_id not in (0, row.venue_id)):
            return
        working = OrderState.PARTLY_FILLED if mine.filled else OrderState.OPEN
        state = ENDS.get(row.state, working)
        quantity = mine.filled + row.open if row.state is VenueState.OPEN else mine.quantity
        self._keep(mine, venue_id=row.venue_id, state=state, quantity=quantity, in_doubt=False, at=at)

    def _keep(self, mine: OwnOrder, **changed: Any) -> None:
        new = OwnOrder(**{name: changed.get(name, getattr(mine, name)) for name in OwnOrder.__struct_fields__})
        if not mine.external:
            self.orders[mine.tag] = new
        elif new.state in TERMINAL:
            self.external.pop(new.venue_id)
        else:
            self.external[new.venue_id] = new

    def told(self, report: Report, *, at: int) -> None:
        """A trade or a bust: booked once."""
        if isinstance(report, Dealt) and (report.trade_id, report.venue_id) not in self.known:
            self._deal(report, at=at)
        elif isinstance(report, Undone):
            trade = self.trades.get((report.trade_id, report.venue_id))
            if trade is not None and not trade.undone:
                self._book(trade, sign=-1)
                self.trades[trade.key] = OwnTrade(
                    **{
                        name: getattr(trade, name)
                        for name in OwnTrade.__struct_fields__
                        if name not in ("at", "undone")
                    },
                    at=at,
                    undone=True,
                )

    def _deal(self, report: Dealt, *, at: int) -> None:
        trade = OwnTrade(
            trade_id=report.trade_id, tag=report.tag, venue_id=report.venue_id, instrument=report.instrument,
            side=report.side, product=report.product, quantity=report.quantity, price=report.price, at=at,
        )  # fmt: skip
        self.known.add(trade.key)
        self.trades[trade.key] = trade
        self._book(trade, sign=1)
        mine = self.external.get(report.venue_id) or self.orders.get(report.tag)
        if mine is not None and mine.venue_id in (0, report.venue_id):
            filled = mine.filled + report.quantity
            over = mine.state in TERMINAL
            working = OrderState.PARTLY_FILLED if filled < mine.quantity else OrderState.FILLED
            self._keep(
                mine,
                venue_id=report.venue_id,
                filled=filled,
                in_doubt=False,
                at=at,
                state=mine.state if over else working,
            )

    def _book(self, trade: OwnTrade, *, sign: int) -> None:
        self.held[trade.holding] = self.held.get(trade.holding, 0) + sign * trade.side * trade.quantity
        self.cash -= sign * trade.side * trade.quantity * trade.price // SCALE

    def apply(self, plan: Plan, *, at: int) -> None:
        """Do what a plan says, in its order."""
        self.agreed = plan.cash
        for line in plan.changes:
            if line.action is Action.HALT:
                self.halted.add(line.instrument)
                continue
            if line.action in (Action.ADOPT, Action.CANCEL) and line.order is not None:
                self._adopt(line, line.order)
            for report in reports(line):
                self.told(report, at=at)
            if line.order is not None:
                self.hear(line.order, at=at)

    def _adopt(self, line: Line, row: OrderRow) -> None:
        if line.action is Action.CANCEL:
            self.withdrawn.add(row.venue_id)
        self.external[row.venue_id] = OwnOrder(
            tag=row.tag, venue_id=row.venue_id, instrument=row.instrument, side=row.side, product=row.product,
            quantity=row.filled + row.open, filled=row.filled, state=OrderState.OPEN, in_doubt=False, at=0,
            external=True,
        )  # fmt: skip


def same(view: View, books: Books) -> list[str]:
    """What differs of trades, positions and working orders, where we did not halt."""
    wrong = []
    standing = {key[0] for key, trade in view.trades.items() if not trade.undone and key[0] > 0}
    wrong += [f"trade {number}" for number in sorted(standing ^ set(books.trades))]
    holdings = sorted({*view.held, *books.held})
    wrong += [f"{h}: {view.held.get(h)} {books.held.get(h)}" for h in holdings
              if view.held.get(h, 0) != books.held.get(h, 0)]  # fmt: skip
    mine = [*view.orders.values(), *view.external.values()]
    # What a bust that we never heard of took along is known only to the venue.
    ours = {o.venue_id: o.quantity - o.filled for o in mine if o.venue_id and o.state not in TERMINAL}
    theirs = {o.venue_id: o for o in books.orders.values() if o.state is VenueState.OPEN}
    left = {number: order.left * SCALE for number, order in theirs.items()}
    busted = {number for number, order in theirs.items() if order.dealt != order.filled}
    if ours.keys() != left.keys() or any(ours[n] != left[n] for n in left if n not in busted):
        wrong.append("working orders")
    return wrong


def dealt(row: TradeRow) -> Dealt:
    """A trade as the venue pushes it."""
    return Dealt(
        at=row.at, tag=row.tag, venue_id=row.venue_id, trade_id=row.trade_id, instrument=row.instrument,
        side=row.side, product=row.product, quantity=row.quantity, price=row.price,
    )  # fmt: skip


def undone(row: TradeRow, *, at: int) -> Undone:
    """A bust as the venue pushes it."""
    return Undone(at=at, tag=row.tag, venue_id=row.venue_id, trade_id=row.trade_id)
