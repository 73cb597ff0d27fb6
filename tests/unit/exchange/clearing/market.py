"""A small market to test the clearing in: two cash accounts, two on margin, everybody else; whole rupees and units."""

from __future__ import annotations

from datetime import date
from typing import TypeVar

from tradsys.core.events import Side
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import SCALE
from tradsys.exchange.clearing import Clearing, Fees, NoFees
from tradsys.exchange.clearing.records import (
    AccountKind,
    AccountOpened,
    CashDeposited,
    ClearingEvent,
    DayEnded,
    Events,
    Listed,
    Margins,
    OrderEntered,
    Refusal,
    Rule,
    SettlementDue,
    Trade,
    UnitsDeposited,
)
from tradsys.reference.calendar import calendar_for

# The Friday before a holiday on Monday 26 January 2026.
FRIDAY, TUESDAY, WEDNESDAY = date(2026, 1, 23), date(2026, 1, 27), date(2026, 1, 28)
BUYER, SELLER, LONG, SHORT, WORLD = 1, 2, 3, 4, 5
KINDS = {
    BUYER: AccountKind.CASH,
    SELLER: AccountKind.CASH,
    LONG: AccountKind.MARGIN,
    SHORT: AccountKind.MARGIN,
    WORLD: AccountKind.UNLIMITED,
}
FIFTH = Margins(initial=SCALE // 5, maintenance=SCALE // 10)
SHARE = Instrument(id="NSE:S", exchange="NSE", symbol="S", segment=Segment.EQUITY)
INDEX = Instrument(id="NSE:I", exchange="NSE", symbol="I", segment=Segment.INDEX)
FUTURE = Instrument(id="NFO:F", exchange="NFO", symbol="F", segment=Segment.FUTURE)
PUT = Instrument(
    id="NFO:P",
    exchange="NFO",
    symbol="P",
    segment=Segment.OPTION,
    underlying=INDEX.id,
    strike=1000 * SCALE,
    right=OptionRight.PUT,
)
ClearingEventT = TypeVar("ClearingEventT", bound=ClearingEvent)


class Market:
    """A clearing that is checked after every event, with orders and trades in whole units."""

    def __init__(self, *, fees: Fees | None = None, day: date = FRIDAY, exchange: str = "NSE") -> None:
        calendar = calendar_for(exchange, Segment.EQUITY)
        self.clearing = Clearing(exchange=exchange, calendar=calendar, day=day, fees=fees or NoFees())
        self.numbers = 0

    def do(self, event: ClearingEvent) -> Events:
        """Applies an event that must not be refused."""
        answer = self.try_(event)
        assert not any(isinstance(each, Refusal) for each in answer), answer
        return answer

    def try_(self, event: ClearingEvent) -> Events:
        """Applies an event."""
        answer = self.clearing.apply(event)
        self.clearing.check()
        return answer

    def number(self) -> int:
        """An id that was not used yet."""
        self.numbers += 1
        return self.numbers

    def order(
        self, account: int, side: Side, *, quantity: int, price: int, of: Instrument = SHARE, intraday: bool = False
    ) -> OrderEntered:
        """An order, not entered."""
        return OrderEntered(
            order_id=self.number(),
            account=account,
            instrument=of.id,
            side=side,
            quantity=quantity * SCALE,
            price=price * SCALE,
            intraday=intraday,
        )

    def enter(
        self, account: int, side: Side, *, quantity: int, price: int, of: Instrument = SHARE, intraday: bool = False
    ) -> int:
        """Enters an order and answers with its id."""
        order = self.order(account, side, quantity=quantity, price=price, of=of, intraday=intraday)
        assert self.do(order) == ()
        return order.order_id

    def trade(
        self, buyer: int, seller: int, *, quantity: int, price: int, of: Instrument = SHARE, intraday: str = ""
    ) -> Trade:
        """Two orders at one price and their trade, the buyer's the later one. `intraday` names sides: "bs" is both."""
        sell = self.enter(seller, Side.SELL, quantity=quantity, price=price, of=of, intraday="s" in intraday)
        buy = self.enter(buyer, Side.BUY, quantity=quantity, price=price, of=of, intraday="b" in intraday)
        trade = self.match(buy, sell, quantity=quantity, price=price, of=of, parties=(buyer, seller))
        self.do(trade)
        return trade

    def match(
        self, buy: int, sell: int, *, quantity: int, price: int, parties: tuple[int, int], of: Instrument = SHARE
    ) -> Trade:
        """A trade of two orders, not booked."""
        return Trade(
            trade_id=self.number(),
            instrument=of.id,
            price=price * SCALE,
            quantity=quantity * SCALE,
            buyer=parties[0],
            seller=parties[1],
            buy_order=buy,
            sell_order=sell,
            taker=Side.BUY,
        )

    def end_day(self) -> Events:
        """Settles what is due, then ends the day."""
        return self.do(SettlementDue(day=self.clearing.day)) + self.do(DayEnded(day=self.clearing.day))

    def cash(self, account: int) -> int | float:
        """Cash in rupees."""
        return rupees(self.clearing.balance(account).cash)

    def free(self, account: int) -> int | float:
        """Free money in rupees."""
        return rupees(self.clearing.balance(account).free)

    def held(self, account: int, of: Instrument = SHARE) -> tuple[int, int]:
        """Position and delivered units, whole."""
        position = self.clearing.position(account, of.id)
        return position.quantity // SCALE, position.settled // SCALE


def rupees(amount: int) -> int | float:
    """Money as people write it."""
    return amount // SCALE if amount % SCALE == 0 else amount / SCALE


def market(*, fees: Fees | None = None, cash: int = 10_000, units: int = 100) -> Market:
    """Everything listed at 100 (index and put: 1,000 and 10); all have cash, the seller has shares."""
    made = Market(fees=fees)
    marks = ((SHARE, 100, FIFTH), (INDEX, 1000, None), (FUTURE, 100, FIFTH), (PUT, 10, FIFTH))
    for instrument, mark, margins in marks:
        made.do(Listed(instrument=instrument, mark=mark * SCALE, margins=margins))
    for account, kind in KINDS.items():
        made.do(AccountOpened(account=account, kind=kind))
        if cash and account != WORLD:
            made.do(CashDeposited(account=account, amount=cash * SCALE))
    if units:
        made.do(UnitsDeposited(account=SELLER, instrument=SHARE.id, quantity=units * SCALE))
    return made


def rule_of(answer: Events) -> Rule:
    """The rule of a lone refusal."""
    (refusal,) = answer
    assert isinstance(refusal, Refusal)
    return refusal.rule


def only(answer: Events, kind: type[ClearingEventT]) -> list[ClearingEventT]:
    """The events of one kind."""
    return [each for each in answer if isinstance(each, kind)]
