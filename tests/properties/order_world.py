"""A small venue that takes, fills, declines, loses, repeats and reorders, and the engine's side as its desk counts it.

Everything that happens is read from a list of numbers, so that hypothesis can shrink it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.unit.execution.orders import NAME, RUN, approved
from tradsys.core.events import CancelRequested, Fill, OrderEvent, Product, Side, Stray, StrayKind
from tradsys.core.orders import TERMINAL, OrderState, step
from tradsys.core.venue import (
    CancelOrder,
    Changed,
    ChangeOrder,
    CommandDeclined,
    Dealt,
    Declined,
    Ended,
    OrderRow,
    PlaceOrder,
    Report,
    Taken,
    TradeRow,
    Undone,
    VenueState,
)
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.venue_limits import SECOND, Patience, VenueLimits

LIMITS = VenueLimits(per_second=4, per_minute=30, per_day=200, open_orders=12, in_flight=6, max_changes=3)
PATIENCE = Patience(quarantine=20 * SECOND, failures=3, rest=SECOND)


@dataclass
class VenueOrder:
    """An order as the venue has it; `quantity` follows changes."""

    tag: str
    venue_id: int
    side: Side
    quantity: int
    limit: int
    filled: int = 0
    state: VenueState = VenueState.OPEN

    @property
    def open(self) -> int:
        return self.quantity - self.filled if self.state is VenueState.OPEN else 0


@dataclass
class Venue:
    """Keeps orders and trades; what it says waits in `said` until it is delivered."""

    orders: dict[int, VenueOrder] = field(default_factory=dict)
    trades: dict[int, TradeRow] = field(default_factory=dict)
    said: list[Report] = field(default_factory=list)
    number: int = 0

    def next(self) -> int:
        self.number += 1
        return self.number

    def place(self, command: PlaceOrder, *, declines: bool, silent: bool) -> None:
        if declines:
            rule = "busy" if silent else "band"
            self.said.append(Declined(at=1, tag=command.tag, rule=rule, value=1, limit=1))
            return
        order = VenueOrder(command.tag, self.next(), command.side, command.quantity, command.limit)
        self.orders[order.venue_id] = order
        if not silent:
            self.said.append(Taken(at=1, tag=order.tag, venue_id=order.venue_id, open=order.quantity))

    def cancel(self, venue_id: int) -> None:
        order = self.orders[venue_id]
        if order.state is VenueState.OPEN:
            self.end(order, VenueState.CANCELLED)
        else:
            self.said.append(CommandDeclined(at=1, venue_id=venue_id, rule="not_open", value=0, limit=0))

    def end(self, order: VenueOrder, state: VenueState) -> None:
        left = order.open
        order.state = state
        self.said.append(Ended(at=1, tag=order.tag, venue_id=order.venue_id, open=left, state=state, reason="over"))

    def change(self, command: ChangeOrder) -> None:
        order = self.orders[command.venue_id]
        if order.state is VenueState.OPEN and command.quantity <= order.open:
            order.quantity, order.limit = order.filled + command.quantity, command.limit
            self.said.append(Changed(at=1, tag=order.tag, venue_id=order.venue_id, open=order.open, limit=order.limit))
        else:
            self.said.append(CommandDeclined(at=1, venue_id=order.venue_id, rule="not_open", value=0, limit=0))

    def trade(self, order: VenueOrder, quantity: int) -> None:
        """May be more than the order asked for."""
        row = TradeRow(
            trade_id=self.next(),
            tag=order.tag,
            venue_id=order.venue_id,
            instrument=NAME,
            side=order.side,
            product=Product.MIS,
            quantity=quantity,
            price=50,
            at=1,
        )
        self.trades[row.trade_id] = row
        order.filled += quantity
        if order.filled >= order.quantity:
            order.state = VenueState.FILLED
        fields = {name: getattr(row, name) for name in row.__struct_fields__}
        self.said.append(Dealt(**fields))

    def bust(self, trade_id: int) -> None:
        row = self.trades.pop(trade_id)
        self.said.append(Undone(at=1, tag=row.tag, venue_id=row.venue_id, trade_id=trade_id))

    def row(self, order: VenueOrder) -> OrderRow:
        return OrderRow(
            tag=order.tag,
            venue_id=order.venue_id,
            instrument=NAME,
            side=order.side,
            product=Product.MIS,
            quantity=order.quantity,
            filled=order.filled,
            open=order.open,
            limit=order.limit,
            state=order.state,
            at=1,
        )


@dataclass
class Desk:
    """What the engine holds true: the life-cycle table, the remainder of each order, one position."""

    states: dict[int, OrderState] = field(default_factory=dict)
    remaining: dict[int, int] = field(default_factory=dict)
    position: int = 0

    def hear(self, events: list[OrderEvent]) -> None:
        for event in events:
            if type(event) is Stray:
                self._stray(event)
                continue
            left = self.remaining[event.order_id]
            if type(event) is Fill:
                assert 0 < event.quantity <= left
                left -= event.quantity
                self.position += event.side * event.quantity
            elif hasattr(event, "remaining"):
                assert event.remaining == left > 0
            self.states[event.order_id] = step(self.states[event.order_id], event, left)
            self.remaining[event.order_id] = left

    def _stray(self, event: Stray) -> None:
        self.position += event.fill.side * event.fill.quantity
        state = self.states.get(event.order_id)
        assert (state is None) == (event.order_id == 0)
        if event.kind is StrayKind.LATE:
            assert state in TERMINAL and state is not OrderState.FILLED
        elif event.kind is StrayKind.EXTERNAL:
            assert state is None and event.fill.strategy == "external"


class World:
    """Venue, wire, tracker and desk; `act` does what two numbers say."""

    def __init__(self) -> None:
        self.made = OrderTracker(run=RUN, limits=LIMITS, patience=PATIENCE)
        self.venue, self.desk = Venue(), Desk()
        self.at, self.up, self.ids = 0, False, 0
        self.left: list[tuple[int, bool]] = []
        self.placed: Counter[str] = Counter()
        self.outputs: list[Any] = []
        self.lossy = True
        self.link(True)

    # --- what happens

    def act(self, kind: int, choice: int) -> None:
        kinds = [
            self.submit,
            self.submit,
            self.fill,
            self.deliver,
            self.deliver,
            self.deliver,
            self.wait,
            self.wait,
            self.withdraw,
            self.change,
            self.over,
            self.end,
            self.bust,
            self.flip,
            self.restart,
            self.foreign,
            self.reconcile,
            self.lose,
        ]
        kinds[kind % len(kinds)](choice)
        self.pump()

    def hear(self, events: list[OrderEvent]) -> None:
        self.outputs.append(events)
        self.desk.hear(events)

    def link(self, up: bool) -> None:
        self.up = up
        self.hear(self.made.on_link(up=up, at=self.at))

    def pump(self) -> None:
        """What a caller does after each input."""
        while (due := self.made.next_at) is not None and due <= self.at:
            events = self.made.on_time(at=self.at)
            self.hear(events)
            if not events:
                break
        commands = self.made.departing(at=self.at)
        self.outputs.append(commands)
        for number, command in enumerate(commands):
            self.left.append((self.at, self._opens(command)))
            assert self.up
            if type(command) is PlaceOrder:
                self.placed[command.tag] += 1
            self.carry(command, self.at // 7 + number + len(self.left))
        self.outputs.append((self.made.next_at, self.made.wants_reconciliation_at, self.made.take_alerts()))

    def _opens(self, command: Any) -> bool:
        if type(command) is PlaceOrder:
            return not command.reduces
        order = self.venue.orders[command.venue_id]
        tracked = self.made.by_tag(order.tag)
        return type(command) is ChangeOrder and tracked is not None and not tracked.reduces

    def carry(self, command: Any, chance: int) -> None:
        if self.lossy and chance % 5 == 0:
            return
        if type(command) is PlaceOrder:
            self.venue.place(command, declines=self.lossy and chance % 7 == 0, silent=self.lossy and chance % 3 == 0)
        elif type(command) is CancelOrder:
            self.venue.cancel(command.venue_id)
        else:
            self.venue.change(command)

    def submit(self, choice: int) -> None:
        side = Side.BUY if choice % 2 else Side.SELL
        quantity = 10 + choice % 90
        bracket, pair = choice % 7 == 0, choice % 7 == 1
        self._submit(side, quantity, choice, group=1000 + self.ids if pair else 0)
        if pair:
            self._submit(side, quantity, choice, group=999 + self.ids)
        if bracket:
            entry = self.ids
            for _ in range(2):
                self._submit(Side(-side), quantity, choice, group=entry, parent=entry)

    def _submit(self, side: Side, quantity: int, choice: int, **links: int) -> None:
        self.ids += 1
        order = approved(self.ids, side=side, quantity=quantity, **links)
        self.desk.states[self.ids], self.desk.remaining[self.ids] = OrderState.APPROVED, quantity
        self.made.submit(order, reduces=choice % 5 == 0, at=self.at)

    def withdraw(self, choice: int) -> None:
        working = [n for n, state in self.desk.states.items() if state not in TERMINAL]
        if working:
            number = working[choice % len(working)]
            asked = CancelRequested(at=self.at, order_id=number, reason="r")
            self.desk.states[number] = step(self.desk.states[number], asked, 1)
            self.made.withdraw(asked, at=self.at)

    def change(self, choice: int) -> None:
        able = [t for t in self.made.live if t.accepted and not t.withdrawing and not t.change_asked_at]
        able = [t for t in able if t.state in ("open", "partly_filled") and t.changes < 3 and t.remaining > t.cut]
        if able and self.up:
            found = able[choice % len(able)]
            quantity = 1 + choice % (found.remaining - found.cut)
            self.made.change(found.order.order_id, quantity=quantity, limit=60, at=self.at)

    def fill(self, choice: int) -> None:
        working = [order for order in self.venue.orders.values() if order.open]
        if working:
            order = working[choice % len(working)]
            self.venue.trade(order, 1 + choice % order.open if choice % 3 else order.open)

    def over(self, choice: int) -> None:
        working = [order for order in self.venue.orders.values() if order.open]
        if working and choice % 4 == 0:
            order = working[choice % len(working)]
            self.venue.trade(order, order.open + 1 + choice % 9)

    def end(self, choice: int) -> None:
        working = [order for order in self.venue.orders.values() if order.open]
        if working:
            state = VenueState.EXPIRED if choice % 2 else VenueState.CANCELLED
            self.venue.end(working[choice % len(working)], state)

    def bust(self, choice: int) -> None:
        trades = list(self.venue.trades)
        if trades and choice % 3 == 0:
            self.venue.bust(trades[choice % len(trades)])

    def foreign(self, choice: int) -> None:
        """Somebody else's order, or another process under a tag of ours."""
        tags = [tracked.tag for tracked in self.made.live]
        tag = tags[choice % len(tags)] if tags and choice % 3 == 0 else ""
        order = VenueOrder(tag, self.venue.next(), Side.BUY, 20, 50)
        self.venue.orders[order.venue_id] = order
        if choice % 2:
            self.venue.said.append(Taken(at=1, tag=tag, venue_id=order.venue_id, open=20))

    def deliver(self, choice: int) -> None:
        """Some report comes, often the oldest; now and then it comes again later."""
        if self.up and self.venue.said:
            index = choice % len(self.venue.said) if choice % 4 == 0 else 0
            report = self.venue.said.pop(index)
            if choice % 6 == 0:
                self.venue.said.append(report)
            self.hear(self.made.on_report(report, at=self.at))

    def lose(self, choice: int) -> None:
        if self.venue.said and choice % 2:
            self.venue.said.pop(choice % len(self.venue.said))

    def wait(self, choice: int) -> None:
        due = self.made.next_at
        self.at = max(self.at, due) if due is not None and choice % 3 == 0 else self.at + choice * 3_000_000

    def flip(self, choice: int) -> None:
        if choice % 2:
            self.venue.said.clear()
            self.link(not self.up)

    def restart(self, choice: int) -> None:
        if choice % 3 == 0:
            self.up = False
            state = self.made.state()
            self.made = OrderTracker(run=RUN, limits=LIMITS, patience=PATIENCE)
            self.made.restore(state)
            self.venue.said.clear()
            self.hear(self.made.on_restart(at=self.at))

    def reconcile(self, choice: int) -> None:
        """A whole answer, of this instant."""
        if not self.up:
            return
        asked = self.at
        self.made.on_asked(at=asked)
        for order in list(self.venue.orders.values()):
            trades = [row for row in self.venue.trades.values() if row.venue_id == order.venue_id]
            self.hear(self.made.on_evidence(self.venue.row(order), trades=trades, asked_at=asked, at=self.at))
        for (trade_id, venue_id), seen in list(self.made.trades.items()):
            if seen.fill is not None and trade_id not in self.venue.trades:
                undone = Undone(at=1, tag="", venue_id=venue_id, trade_id=trade_id)
                self.hear(self.made.on_report(undone, at=self.at))
        there = {order.tag for order in self.venue.orders.values()}
        for tracked in self.made.live:
            if tracked.tag not in there:
                self.hear(self.made.on_absent(tracked.tag, asked_at=asked, at=self.at))

    # --- at the end

    def rest(self) -> None:
        """All faults stop, what was said comes, and the venue is asked until nothing is open."""
        self.lossy = False
        if not self.up:
            self.link(True)
        while self.venue.said:
            self.deliver(1)
            self.pump()
        for _ in range(40):
            self.at += 3 * SECOND
            self.pump()
            self.reconcile(0)
            self.pump()
            while self.venue.said:
                self.deliver(1)
                self.pump()
