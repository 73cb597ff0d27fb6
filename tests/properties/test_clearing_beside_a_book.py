"""The clearing beside a book, wired as `docs/clearing.md` says: every trade of the book fits the accounts."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest

from tradsys.core.events import Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import Action, BookEvent, BookEventKind, Command, Kind, SelfTrade, Status, TimeInForce
from tradsys.core.units import SCALE
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.clearing import Clearing, MakerTaker
from tradsys.exchange.clearing.records import (
    AccountKind,
    AccountOpened,
    CashDeposited,
    ClearingEvent,
    Listed,
    Margins,
    OrderChanged,
    OrderEntered,
    OrderFinished,
    Refusal,
    Trade,
    UnitsDeposited,
)
from tradsys.reference.calendar import calendar_for

TICK = SCALE // 20
LOW, HIGH = 1_900, 2_100
MARGINS = Margins(initial=SCALE // 5, maintenance=SCALE // 5)
INSTRUMENTS = (
    Instrument(id="NSE:S", exchange="NSE", symbol="S", segment=Segment.EQUITY),
    Instrument(id="NFO:F", exchange="NFO", symbol="F", segment=Segment.FUTURE),
)

ACTIONS = (*[Action.NEW] * 6, Action.CANCEL, Action.REDUCE, Action.REPLACE)
KINDS = (Kind.LIMIT, Kind.LIMIT, Kind.LIMIT, Kind.MARKET, Kind.STOP)
VALIDITIES = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)


def command(chance: random.Random) -> Command:
    """Any order, or a change of one that may be live."""
    return Command(
        action=chance.choice(ACTIONS),
        order_id=chance.randint(1, 25),
        side=chance.randint(0, 1),
        price=chance.randint(1_990, 2_010),
        quantity=chance.randint(1, 30),
        kind=chance.choice(KINDS),
        time_in_force=chance.choice(VALIDITIES),
        flags=chance.choice(list(SelfTrade)),
        instrument=chance.randint(0, 1),
        account=chance.randint(1, 4),
        trigger=chance.randint(1_990, 2_010),
    )


class Venue:
    """A book and a clearing, and between them the few lines that hold before and settle after."""

    def __init__(self) -> None:
        self.book = ReferenceBook(2)
        calendar = calendar_for("NSE", Segment.EQUITY)
        fees = MakerTaker(maker=-0.0001, taker=0.0003)
        self.clearing = Clearing(exchange="NSE", calendar=calendar, day=date(2026, 11, 20), fees=fees)
        self.live: dict[int, OrderEntered] = {}
        self.left: Counter[int] = Counter()
        self.trades = 0
        for number, instrument in enumerate(INSTRUMENTS):
            self.book.submit(Command(Action.SET_BAND, instrument=number, price=LOW, trigger=HIGH))
            self.tell(Listed(instrument=instrument, mark=100 * SCALE, margins=MARGINS))
        for account in range(1, 5):
            self.tell(AccountOpened(account=account, kind=AccountKind.MARGIN))
            self.tell(CashDeposited(account=account, amount=6_000 * SCALE))
            self.tell(UnitsDeposited(account=account, instrument="NSE:S", quantity=30 * SCALE))

    def tell(self, event: ClearingEvent) -> bool:
        """Whether the clearing took an event."""
        taken = not any(isinstance(each, Refusal) for each in self.clearing.apply(event))
        self.clearing.check()
        return taken

    def submit(self, command: Command) -> None:
        """What the page says, step by step."""
        if command.action == Action.NEW:
            self.enter(command)
        elif command.action == Action.REPLACE and command.order_id in self.live:
            self.replace(command)
        else:
            self.pass_on(command)

    def enter(self, command: Command) -> None:
        plain = command._replace(trigger=0) if command.kind != Kind.STOP else command._replace(price=0)
        limit = command.price if command.kind == Kind.LIMIT else (HIGH if command.side == 0 else LOW)
        order = OrderEntered(
            order_id=command.order_id,
            account=command.account,
            instrument=INSTRUMENTS[command.instrument].id,
            side=Side.SELL if command.side else Side.BUY,
            quantity=command.quantity * SCALE,
            price=limit * TICK,
        )
        if self.tell(order):
            self.live[order.order_id] = order
            self.left[order.order_id] = command.quantity
            self.pass_on(plain if command.kind != Kind.MARKET else plain._replace(price=0))

    def replace(self, command: Command) -> None:
        order_id = command.order_id
        before, worst = self.left[order_id], self.live[order_id].price
        price = command.price * TICK if worst not in (LOW * TICK, HIGH * TICK) else worst
        if self.tell(OrderChanged(order_id=order_id, price=price, quantity=command.quantity * SCALE)):
            self.left[order_id] = command.quantity
            status = self.pass_on(command)
            if status is Status.REJECTED:
                self.left[order_id] = before
                assert self.tell(OrderChanged(order_id=order_id, price=worst, quantity=before * SCALE))

    def pass_on(self, command: Command) -> Status:
        outcome, events = self.book.submit(command)
        for event in events:
            self.follow(event)
        status, order_id = Status(outcome.status), command.order_id
        is_new = command.action == Action.NEW
        if order_id in self.live and self.left[order_id]:
            if status is Status.CANCELLED or (status is Status.REJECTED and is_new):
                self.finish(order_id)
            elif command.action == Action.REDUCE and status is not Status.REJECTED:
                self.shrink(order_id, by=self.left[order_id] - outcome.open)
        return status

    def follow(self, event: BookEvent) -> None:
        if event.kind == BookEventKind.TRADE:
            self.trade(event)
        elif event.kind == BookEventKind.DECREMENTED:
            self.shrink(event.order_id, by=event.quantity)
            self.shrink(event.other_id, by=event.quantity)
        elif event.kind in (BookEventKind.CANCELLED, BookEventKind.EXPIRED):
            self.finish(event.order_id)

    def trade(self, event: BookEvent) -> None:
        self.trades += 1
        taker, maker = self.live[event.order_id], self.live[event.other_id]
        buy, sell = (taker, maker) if event.side == 0 else (maker, taker)
        trade = Trade(
            trade_id=self.trades,
            instrument=buy.instrument,
            price=event.price * TICK,
            quantity=event.quantity * SCALE,
            buyer=buy.account,
            seller=sell.account,
            buy_order=buy.order_id,
            sell_order=sell.order_id,
            taker=taker.side,
        )
        assert self.tell(trade)
        for order in (taker, maker):
            self.left[order.order_id] -= event.quantity

    def shrink(self, order_id: int, *, by: int) -> None:
        self.left[order_id] -= by
        if not self.left[order_id]:
            self.finish(order_id)
            return
        price = self.live[order_id].price
        assert self.tell(OrderChanged(order_id=order_id, price=price, quantity=self.left[order_id] * SCALE))

    def finish(self, order_id: int) -> None:
        self.left[order_id] = 0
        assert self.tell(OrderFinished(order_id=order_id))


@pytest.mark.parametrize("seed", range(12))
def test_accounts_offer_exactly_what_the_book_has_open(seed: int) -> None:
    venue, chance = Venue(), random.Random(seed)
    for _ in range(150):
        venue.submit(command(chance))
        for number, instrument in enumerate(INSTRUMENTS):
            resting = Counter[tuple[int, int]]()
            for each in venue.book.orders(number):
                resting[each.account, each.side] += (each.shown + each.hidden) * SCALE
            for account in range(1, 5):
                position = venue.clearing.position(account, instrument.id)
                assert (position.buying, position.selling) == (resting[account, 0], resting[account, 1])
    assert venue.trades > 5
