"""A journal of one short run, and the answers that its read model must give in every database."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from tradsys.core.events import (
    Accepted,
    ActionKind,
    Approved,
    Cancelled,
    CashMoved,
    Charged,
    CorporateAction,
    Entry,
    Fill,
    Halted,
    Order,
    OrderType,
    Product,
    Refused,
    Side,
    Signal,
    Stray,
    StrayKind,
    Unanswered,
    Validity,
)
from tradsys.core.orders import OrderState
from tradsys.core.safety import SafetyLevel, SafetyLowered, SafetyRaised
from tradsys.core.units import DAY, SCALE
from tradsys.core.venue import (
    CancelOrder,
    Changed,
    Dealt,
    OrderRow,
    Page,
    PlaceOrder,
    Subject,
    Taken,
    VenueState,
)
from tradsys.journal.port import JournalPort
from tradsys.journal.position_line import PositionLine
from tradsys.journal.read_model import ReadModel

NOON = 20_000 * DAY + DAY // 2
TODAY = datetime.date(1970, 1, 1) + datetime.timedelta(days=20_000)
ABC = "NSE:ABC"
TOGETHER = 5


def tag_of(run: str, order_id: int) -> str:
    """A tag one can read."""
    return f"{run}-{order_id}"


def order(number: int, *, side: Side = Side.BUY, quantity: int = 10 * SCALE, strategy: str = "trend") -> Order:
    """A limit order at 100."""
    return Order(
        at=NOON,
        order_id=number,
        strategy=strategy,
        instrument=ABC,
        side=side,
        quantity=quantity,
        type=OrderType.LIMIT,
        product=Product.CNC,
        validity=Validity.DAY,
        limit=100 * SCALE,
    )


def fill(number: int, *, side: Side, quantity: int, price: int, at: int = NOON) -> Fill:
    """A trade of an order; quantity in units, price in whole currency."""
    return Fill(
        at=at,
        order_id=number,
        exchange_at=at,
        strategy="trend",
        instrument=ABC,
        side=side,
        quantity=quantity * SCALE,
        price=price * SCALE,
        product=Product.CNC,
    )


def page(number: int) -> Page:
    """A venue's answer that has one order, and one of somebody else's."""
    row = OrderRow(
        tag=tag_of("demo", number),
        venue_id=900 + number,
        instrument=ABC,
        side=Side.BUY,
        product=Product.CNC,
        quantity=SCALE,
        filled=0,
        open=SCALE,
        limit=SCALE,
        state=VenueState.OPEN,
        at=NOON,
    )
    theirs = msgspec.structs.replace(row, tag="", venue_id=5)
    return Page(at=NOON, request=1, subject=Subject.ORDERS, page=0, pages=1, rows=2, orders=(theirs, row))


class Writer:
    """Appends what a run would, numbering the lines of its decision log."""

    def __init__(self, journal: JournalPort) -> None:
        self.journal = journal
        self.lines = 0

    def add(self, kind: str, payload: Any, *, cause: int = -1, at: int = NOON) -> int:
        """A record of any kind; some are durable together."""
        if self.journal.waiting == TOGETHER:
            self.journal.commit()
        return self.journal.append(kind, msgspec.json.encode(payload), at=at, recorded_at=at + 1, cause=cause)

    def line(self, body: Any, *, cause: int, line_cause: int = -1, at: int = NOON) -> int:
        """A line of the decision log; its number."""
        number = self.lines
        self.lines += 1
        self.add("entry", Entry(number, line_cause, at, "trend", body), cause=cause, at=at)
        return number

    def approved(self, number: int, *, cause: int, side: Side = Side.BUY, quantity: int = 10) -> None:
        """Signal, verdict, intent and the venue's word that it took the order, venue id 900 and its number."""
        wanted = self.line(Signal(instrument=ABC, strength=1.0, reason="up"), cause=cause)
        asked = order(number, side=side, quantity=quantity * SCALE)
        self.line(Approved(at=NOON, order_id=number, order=asked), cause=cause, line_cause=wanted)
        placed = PlaceOrder(
            tag=tag_of("demo", number),
            instrument=ABC,
            side=side,
            quantity=quantity * SCALE,
            type=OrderType.LIMIT,
            product=Product.CNC,
            validity=Validity.DAY,
            limit=100 * SCALE,
        )
        self.add("intent", placed, cause=cause)
        taken = self.add("report", Taken(at=NOON, tag=placed.tag, venue_id=900 + number, open=quantity * SCALE))
        self.line(Accepted(at=NOON, order_id=number), cause=taken)

    def filled(self, number: int, *, side: Side, quantity: int, price: int, at: int = NOON) -> None:
        """A trade as the venue says it, as the engine books it, and its charges of one."""
        dealt = Dealt(
            at=at,
            tag=tag_of("demo", number),
            venue_id=900 + number,
            trade_id=self.lines,
            instrument=ABC,
            side=side,
            product=Product.CNC,
            quantity=quantity * SCALE,
            price=price * SCALE,
        )
        report = self.add("report", dealt, at=at)
        traded = fill(number, side=side, quantity=quantity, price=price, at=at)
        booked = self.line(traded, cause=report, at=at)
        charged = Charged(at=at, order_id=number, total=SCALE, items=(("brokerage", SCALE),))
        self.line(charged, cause=report, line_cause=booked, at=at)


def write_run(journal: JournalPort) -> None:
    """Eight orders: bought in two parts of which one is undone, sold in part, refused, unknown, changed by the venue,
    known from an answer alone, cancelled but traded late; then a bonus, and what else the tables keep."""
    writer = Writer(journal)
    writer.add("run", {"run": "demo"})
    writer.add("epoch", {"epoch": 1})
    bar = writer.add("market", {"first": 0, "last": 0, "sha256": ""})
    writer.approved(1, cause=bar)
    writer.filled(1, side=Side.BUY, quantity=4, price=100)
    writer.filled(1, side=Side.BUY, quantity=6, price=90)
    writer.approved(2, cause=bar, side=Side.SELL)
    writer.filled(2, side=Side.SELL, quantity=5, price=110, at=NOON + DAY)
    refused = order(3)
    writer.line(Refused(at=NOON, order_id=3, order=refused, rule="lot", limit="1", value="2"), cause=bar)
    writer.line(Refused(at=NOON, order_id=4, rule="price", limit="a number", value="nan"), cause=bar)
    writer.approved(5, cause=bar)
    writer.line(Unanswered(at=NOON, order_id=5, reason="silence"), cause=bar)
    writer.line(Approved(at=NOON, order_id=8, order=order(8)), cause=bar)
    writer.add("report", page(8))
    writer.approved(6, cause=bar)
    changed = Changed(at=NOON, tag=tag_of("demo", 6), venue_id=906, open=7 * SCALE, limit=99 * SCALE)
    writer.add("report", changed)
    writer.approved(7, cause=bar)
    writer.add("intent", CancelOrder(venue_id=907), cause=bar)
    writer.line(Cancelled(at=NOON, order_id=7, remaining=10 * SCALE, reason="asked"), cause=bar)
    late = fill(7, side=Side.BUY, quantity=1, price=95)
    writer.line(Stray(at=NOON, order_id=7, kind=StrayKind.LATE, fill=late), cause=bar)
    undone = fill(1, side=Side.SELL, quantity=4, price=100)
    writer.line(Stray(at=NOON, order_id=1, kind=StrayKind.BUST, fill=undone), cause=bar)
    bonus = CorporateAction(at=NOON + 2 * DAY, instrument=ABC, kind=ActionKind.BONUS, old=4, new=6)
    writer.line(bonus, cause=-1, at=NOON + 2 * DAY)
    writer.line(CashMoved(at=NOON, strategy="trend", instrument=ABC, amount=3, reason="dividend"), cause=-1)
    writer.line(Halted(at=NOON, strategy="trend", error="ZeroDivisionError", traceback="…"), cause=bar)
    raised = SafetyRaised(at=NOON, level=SafetyLevel.CANCEL, trigger="loss", limit="5", value="6")
    writer.add("safety", raised)
    writer.add("safety", SafetyLowered(at=NOON, level=SafetyLevel.NORMAL, by="asha", reason="seen"))
    writer.add("operator", {"level": 2, "by": "asha"})
    writer.add("weather", ["unknown kinds are indexed"])
    journal.commit()


def check_answers(model: ReadModel) -> None:
    """What the read model must answer after `write_run`."""
    first = model.order_of("demo-1")
    assert first is not None and first == model.order(1)
    assert (first.state, first.filled, first.venue_id) == (OrderState.FILLED, 6 * SCALE, 901)
    assert [each.order_id for each in model.orders_in(OrderState.PARTLY_FILLED, OrderState.UNKNOWN)] == [2, 5]
    eighth = model.order(8)
    assert eighth and (eighth.state, eighth.venue_id) == (OrderState.APPROVED, 908)
    refused, sixth, seventh = model.order(3), model.order(6), model.order(7)
    assert refused and (refused.state, refused.reason) == (OrderState.REFUSED, "lot: 2, limit 1")
    assert model.order(4) is None and model.order_of("") is None
    assert sixth and (sixth.quantity, sixth.limit_price, sixth.state) == (7 * SCALE, 99 * SCALE, OrderState.OPEN)
    assert seventh and (seventh.state, seventh.filled) == (OrderState.CANCELLED, SCALE)
    assert [(each.order_id, each.quantity, each.stray) for each in model.trades_on(TODAY)] == [
        (1, 4 * SCALE, ""),
        (1, 6 * SCALE, ""),
        (7, SCALE, "late"),
        (1, 4 * SCALE, "bust"),
    ]
    (sold,) = model.trades_on(TODAY + datetime.timedelta(days=1))
    assert sold.side == Side.SELL and sold.charges == SCALE and [sold] == model.trades_of(2)
    # 4 at 100 and 6 at 90, half of it sold, 1 at 95 bought, 4 of these 6 undone; then 6 new shares for 4 old ones.
    held = PositionLine(
        strategy="trend",
        instrument=ABC,
        product="CNC",
        quantity=3 * SCALE,
        cost=-(-(470 + 95) * SCALE // 3),
        bought=11 * SCALE,
        sold=9 * SCALE,
        updated_at=NOON + 2 * DAY,
    )
    assert model.positions() == [held]
    assert [each.kind for each in model.why(first.sequence)] == ["market", "entry", "entry"]
    assert [each.kind for each in model.history(7)] == [
        "entry",
        "intent",
        "report",
        "entry",
        "intent",
        "entry",
        "entry",
    ]
