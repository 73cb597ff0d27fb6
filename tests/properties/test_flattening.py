"""An account always comes to rest: over a venue that is slow, loses messages, fills in parts and takes orders late,
every order goes, every position closes, and no closing order ever trades more than there is to close."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.safety import SafetyLevel
from tradsys.core.venue import (
    Ask,
    AskFailed,
    CancelOrder,
    Declined,
    OrderRow,
    Page,
    PlaceOrder,
    PositionRow,
    Report,
    Subject,
    VenueState,
)
from tradsys.execution.flattening import Flattener, closing_prefix
from tradsys.execution.flattening_parts import SECOND, FlattenSettings, Sent

MS = SECOND // 1000
SETTINGS = FlattenSettings(surfaces_within=8 * SECOND, deadline=200 * SECOND)
CALM_AFTER = 40 * SECOND
NAMES = ("A", "B", "C")


class Venue:
    """Orders, positions and a clock. Messages are late or lost until `CALM_AFTER`; a command reaches it within
    `surfaces_within`, or never. Positions lag behind the orders by up to 150 ms."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.now = 0
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self.count = 0
        self.positions = dict.fromkeys(NAMES, 0)
        self.lagging: list[tuple[int, dict[str, int]]] = []
        self.orders: dict[int, dict[str, object]] = {}
        self.rows: dict[int, OrderRow] = {}
        self.crossed: list[str] = []
        self.worst = chance.choice([0.0, 0.1, 0.4])
        self.page_rows = chance.choice([1, 3, 100])

    def later(self, delay: int, happens: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (self.now + delay, self.count, happens))

    def trouble(self) -> bool:
        return self.now < CALM_AFTER and self.chance.random() < self.worst

    def set_position(self, name: str, change: int) -> None:
        self.lagging.append((self.now, dict(self.positions)))
        self.positions[name] += change

    def place(self, order: PlaceOrder) -> None:
        """A closing order fills in part or whole at once; what is left of it ends, or works on for a while."""
        if self.trouble():
            report = Declined(at=self.now, tag=order.tag, rule="band", value=0, limit=0)
            self.answer(report)
            return
        venue_id = len(self.rows) + 1
        self.rows[venue_id] = OrderRow(
            tag=order.tag,
            venue_id=venue_id,
            instrument=order.instrument,
            side=order.side,
            product=order.product,
            quantity=order.quantity,
            filled=0,
            open=order.quantity,
            limit=0,
            state=VenueState.OPEN,
            at=self.now,
        )
        part = self.chance.choice([order.quantity, order.quantity, self.chance.randint(0, order.quantity)])
        self.fill(venue_id, part)
        if self.rows[venue_id].open and self.chance.random() < 0.8:
            self.end(venue_id)
        else:
            self.later(self.chance.randint(1, 4000) * MS, lambda: self.fill(venue_id, 10**6))

    def fill(self, venue_id: int, quantity: int) -> None:
        row = self.rows[venue_id]
        quantity = min(quantity, row.open)
        if row.state is not VenueState.OPEN or not quantity:
            return
        if row.tag.startswith("flat") and quantity > -row.side * self.positions[row.instrument]:
            self.crossed.append(f"{row.tag} traded {row.side * quantity} of {self.positions[row.instrument]}")
        self.set_position(row.instrument, row.side * quantity)
        state = VenueState.OPEN if row.open > quantity else VenueState.FILLED
        self.put(row, filled=row.filled + quantity, open=row.open - quantity, state=state)

    def end(self, venue_id: int) -> None:
        row = self.rows[venue_id]
        if row.state is VenueState.OPEN:
            self.put(row, filled=row.filled, open=0, state=VenueState.CANCELLED)

    def put(self, row: OrderRow, *, filled: int, open: int, state: VenueState) -> None:
        fields = {name: getattr(row, name) for name in row.__struct_fields__}
        self.rows[row.venue_id] = OrderRow(**{**fields, "filled": filled, "open": open, "state": state})

    def hear(self, message: Ask | CancelOrder | PlaceOrder) -> None:
        """A message on its way to the venue: late, or lost."""
        if self.trouble():
            if self.chance.random() < 0.5:
                return
            delay = self.chance.randint(0, 7000)
        else:
            delay = self.chance.randint(0, 20)
        self.later(delay * MS, lambda: self.take(message))

    def take(self, message: Ask | CancelOrder | PlaceOrder) -> None:
        if isinstance(message, Ask):
            self.answer(self.page(message))
        elif isinstance(message, CancelOrder):
            self.end(message.venue_id)
        else:
            self.place(message)

    def page(self, ask: Ask) -> Report:
        if self.trouble():
            return AskFailed(at=self.now, request=ask.request, why="busy")
        lag = self.chance.randint(0, 150) * MS
        held = next((then for at, then in self.lagging if at > self.now - lag), self.positions)
        orders = tuple(self.rows.values()) if ask.subject is Subject.ORDERS else ()
        positions = tuple(
            PositionRow(instrument=name, product=Product.MIS, quantity=quantity, average=1)
            for name, quantity in held.items()
            if ask.subject is Subject.POSITIONS
        )
        rows, begin = len(orders) + len(positions), ask.page * self.page_rows
        return Page(
            at=self.now,
            request=ask.request,
            subject=ask.subject,
            page=ask.page,
            pages=max(1, -(-rows // self.page_rows)),
            rows=rows,
            orders=orders[begin : begin + self.page_rows],
            positions=positions[begin : begin + self.page_rows],
        )

    def answer(self, report: Report) -> None:
        if self.trouble():
            return
        self.later(self.chance.randint(0, 20) * MS, lambda: self.flattener.on_report(report, at=self.now))

    def run(self, flattener: Flattener) -> None:
        """Time goes on until the flattener is done."""
        self.flattener = flattener
        while flattener.report is None:
            for message in flattener.advance(at=self.now):
                self.hear(message)
            due = flattener.next_at
            if due is None:
                return
            due = max(due, self.now + MS)
            if self.events and self.events[0][0] <= due:
                self.now, _, happens = heapq.heappop(self.events)
                happens()
            else:
                self.now = due


def stranger(tag: str, chance: Random) -> PlaceOrder:
    """An order of the engine's."""
    return PlaceOrder(
        tag=tag,
        instrument=chance.choice(NAMES),
        side=chance.choice([Side.BUY, Side.SELL]),
        quantity=chance.randint(1, 40),
        type=OrderType.LIMIT,
        product=Product.MIS,
        validity=Validity.DAY,
        limit=5,
    )


def busy(chance: Random) -> tuple[Venue, list[Sent]]:
    """A venue with positions, working orders that fill now and then, and orders that it takes late or never."""
    venue = Venue(chance)
    for name in NAMES:
        venue.positions[name] = chance.choice([0, chance.randint(-50, 50)])
    for number in range(chance.randint(0, 25)):
        order = stranger(f"x{number}", chance)
        venue_id = number + 1
        venue.rows[venue_id] = OrderRow(
            tag=order.tag,
            venue_id=venue_id,
            instrument=order.instrument,
            side=order.side,
            product=order.product,
            quantity=order.quantity,
            filled=0,
            open=order.quantity,
            limit=5,
            state=VenueState.OPEN,
            at=0,
        )
        if chance.random() < 0.3:
            part = chance.randint(1, 40)
            venue.later(chance.randint(0, 6000) * MS, lambda which=venue_id, of=part: venue.fill(which, of))  # type: ignore[misc]
    unanswered = [Sent(order=stranger(f"u{number}", chance), at=0) for number in range(chance.randint(0, 3))]
    for sent in unanswered:
        if chance.random() < 0.6:
            venue.later(chance.randint(0, 7900) * MS, lambda order=sent.order: venue.place(order))  # type: ignore[misc]
    return venue, unanswered


@settings(max_examples=150)
@given(st.integers(min_value=0, max_value=2**32))
def test_ends_flat_and_never_trades_more_than_is_held(seed: int) -> None:
    venue, unanswered = busy(Random(seed))
    flattener = Flattener(
        level=SafetyLevel.FLATTEN,
        prefix=closing_prefix("run", epoch=2),
        settings=SETTINGS,
        at=0,
        sent=unanswered,
    )
    venue.run(flattener)
    report = flattener.report
    assert venue.crossed == []
    assert report is not None and report.flat, report
    assert set(venue.positions.values()) == {0}
    assert all(row.state is not VenueState.OPEN for row in venue.rows.values())
    assert report.seconds_to_flat == venue.now / SECOND
    while venue.events:
        venue.now, _, happens = heapq.heappop(venue.events)
        happens()
    assert set(venue.positions.values()) == {0}, "an order surfaced after the account was called flat"


@settings(max_examples=40)
@given(st.integers(min_value=0, max_value=2**32))
def test_cancel_withdraws_and_closes_nothing(seed: int) -> None:
    venue, _ = busy(Random(seed))
    venue.worst = min(venue.worst, 0.1)
    flattener = Flattener(level=SafetyLevel.CANCEL, prefix="flat", settings=SETTINGS, at=0, sent=())
    venue.run(flattener)
    assert flattener.report is not None and flattener.report.flat
    assert not [row for row in venue.rows.values() if row.tag.startswith("flat")]
