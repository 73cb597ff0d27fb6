"""A run's decision log as events: our own orders, what the venue said, our trades with ourselves."""

from __future__ import annotations

from tradsys.compliance.surveillance.alerts import Pattern
from tradsys.compliance.surveillance.decisions import events_of_run
from tradsys.compliance.surveillance.events import AnyEvent, Cancelled, Entered, Rejected, Session, Traded
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.surveillance import surveil
from tradsys.core.events import (
    Accepted,
    Approved,
    Entry,
    Expired,
    Fill,
    Order,
    OrderType,
    Outcome,
    Product,
    Refused,
    Side,
    Validity,
)
from tradsys.core.events import Cancelled as CancelledOrder
from tradsys.core.events import Rejected as RejectedOrder
from tradsys.core.instruments import Segment
from tradsys.core.units import HOUR, SCALE, SECOND
from tradsys.reference.calendar import calendar_for

AT = 1_792_123_200 * SECOND
"""Friday, 16 October 2026, 09:30 in India."""


def order(number: int, side: Side, *, strategy: str = "s") -> Order:
    return Order(
        at=AT, order_id=number, strategy=strategy, instrument="NSE:X", side=side, quantity=5 * SCALE,
        type=OrderType.LIMIT, product=Product.MIS, validity=Validity.DAY, limit=100 * SCALE,
    )  # fmt: skip


def approved(number: int, side: Side = Side.BUY, *, strategy: str = "s") -> Approved:
    return Approved(at=AT, order_id=number, order=order(number, side, strategy=strategy))


def fill(number: int, side: Side, *, maker: bool = False, strategy: str = "s", quantity: int = 5) -> Fill:
    return Fill(
        at=AT, order_id=number, exchange_at=AT, strategy=strategy, instrument="NSE:X", side=side,
        quantity=quantity * SCALE, price=100 * SCALE, product=Product.MIS, maker=maker,
    )  # fmt: skip


def events(*bodies: Outcome) -> list[AnyEvent]:
    """Bodies a second apart."""
    entries = [Entry(n, -1, AT + n * SECOND, "s", body) for n, body in enumerate(bodies)]
    return list(events_of_run(entries, {}))


def test_orders_and_their_ends() -> None:
    found = events(
        approved(1),
        Accepted(at=AT, order_id=1),
        approved(2),
        RejectedOrder(at=AT, order_id=2, reason="no"),
        approved(3),
        Expired(at=AT, order_id=3, remaining=5, reason="day"),
        CancelledOrder(at=AT, order_id=1, remaining=5, reason="asked"),
        Refused(at=AT, order_id=4, order=order(4, Side.BUY), rule="r", limit="1", value="2"),
    )
    assert [type(each) for each in found] == [Entered, Entered, Rejected, Entered, Cancelled, Cancelled]
    assert [each.by_owner for each in found if isinstance(each, Cancelled)] == [False, True]
    assert [each.account for each in found if isinstance(each, Entered)] == ["s"] * 3


def test_fills_are_trades_with_nobody() -> None:
    found = events(approved(1), fill(1, Side.BUY, maker=True, quantity=2))
    assert isinstance(found[1], Traded)
    assert (found[1].buyer, found[1].seller, found[1].side) == ("s", "", -1)
    assert (found[1].buy_order, found[1].sell_order, found[1].quantity) == (1, 0, 2 * SCALE)


def test_two_strategies_that_meet_are_one_trade_and_a_wash_of_their_owner() -> None:
    entries = [
        Entry(0, -1, AT, "a", approved(1, Side.SELL, strategy="a")),
        Entry(1, -1, AT, "b", approved(2, Side.BUY, strategy="b")),
        Entry(2, -1, AT, "a", fill(1, Side.SELL, maker=True, strategy="a")),
        Entry(3, -1, AT, "b", fill(2, Side.BUY, strategy="b")),
    ]
    found = list(events_of_run(entries, {}))
    (trade,) = [each for each in found if isinstance(each, Traded)]
    assert (trade.buyer, trade.seller, trade.side) == ("b", "a", 1)
    settings = SurveillanceSettings(groups={"us": ("a", "b")})
    assert [each.pattern for each in surveil(found, settings, whole=False).alerts] == [Pattern.WASH_TRADE]


def test_two_makers_or_other_quantities_are_not_one_trade() -> None:
    found = events(approved(1), approved(2, Side.SELL))
    same = [Entry(9, -1, AT + 9 * SECOND, "s", body) for body in (fill(1, Side.BUY), fill(2, Side.SELL))]
    trades = [each for each in events_of_run(same, {}) if isinstance(each, Traded)]
    assert len(found) == 2
    assert len(trades) == 2


def test_sessions_say_when_they_end() -> None:
    calendars = {"NSE:X": calendar_for("NSE", Segment.EQUITY)}
    entries = [Entry(n, -1, AT + n * SECOND, "s", approved(n + 1)) for n in range(2)]
    (session,) = [each for each in events_of_run(entries, calendars) if isinstance(each, Session)]
    assert session.closes_at == AT + 6 * HOUR
