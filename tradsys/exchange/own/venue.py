"""Accounts at the simulated exchange: their commands go in, reports and rows of their orders and trades come out.

Connections are not known here (`sessions`), nor who makes prices (`house`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from tradsys.core.events import Product, Side
from tradsys.core.instruments import Segment
from tradsys.core.order_terms import stated
from tradsys.core.units import SECOND
from tradsys.core.venue import (
    AnyCommand,
    Awoken,
    CashRow,
    Changed,
    ChangeOrder,
    CommandDeclined,
    Dealt,
    Declined,
    Ended,
    OrderRow,
    PlaceOrder,
    PositionRow,
    Report,
    Taken,
    TradeRow,
    Undone,
    VenueState,
)
from tradsys.exchange.admission import Entry
from tradsys.exchange.clearing.records import Refusal, Trade, TradeBusted
from tradsys.exchange.marketplace import Exchange
from tradsys.exchange.marketplace.records import (
    ExchangeEvents,
    OrderReduced,
    OrderRefused,
    OrderRemoved,
    OrderTaken,
    OrderTriggered,
    Traded,
)
from tradsys.exchange.own.orders import LONGEST_TAG, VenueOrder, delivered
from tradsys.exchange.own.positions import Holdings

LATEST = 2**63 - 1
"""The last instant that an order can end at, UTC nanoseconds."""

Say = Callable[[int, Report, OrderRow | None], None]
"""Takes an account, a report to it, and the order of the report as it is now."""


class Desk:
    """What one account has at the venue: orders and trades of the day by number, holdings, when it last commanded."""

    def __init__(self, holdings: Holdings) -> None:
        self.orders: dict[int, VenueOrder] = {}
        self.trades: dict[int, TradeRow] = {}
        self.holdings = holdings
        self.commands: deque[int] = deque()


class Venue:
    """An exchange with numbered orders of named accounts.

    `say` hears every report in the order in which things happened. `orders_per_second` commands of an account are taken
    in any second (0: any number). A tag is kept and shown and means nothing here: two orders of one tag are two.

    A trade between two orders has two numbers, one a side, so that no number is ever seen twice.
    """

    def __init__(self, exchange: Exchange, accounts: Iterable[int], *, say: Say, orders_per_second: int = 0) -> None:
        self.exchange = exchange
        self._instruments = {each.id: each for each in exchange.instruments}
        self._delivered = {each.id: delivered(each.segment) for each in exchange.instruments}
        self._desks = {account: Desk(Holdings(self._instruments)) for account in accounts}
        self._orders: dict[int, VenueOrder] = {}
        self._sides: dict[int, tuple[VenueOrder, TradeRow]] = {}
        self._say = say
        self._per_second = orders_per_second
        self._last_id = 0
        self._command: AnyCommand | None = None
        self.strangers: Callable[[int, Trade | None], None] | None = None
        """Hears of orders that are no account's: the number, and the trade, or None where the order is gone."""
        self._ways: dict[type, Callable[[Any], None]] = {
            OrderTaken: self._taken,
            OrderRefused: self._refused,
            OrderReduced: self._reduced,
            OrderRemoved: self._removed,
            OrderTriggered: self._triggered,
            Traded: self._traded,
        }

    # --- time

    def advance(self, at: int) -> None:
        """All that is due by an instant; a day that is over is settled and the next one opened."""
        while (due := self.exchange.next_at) is not None and due <= at:
            self.hear(self.exchange.advance(due))
            if self.exchange.next_at is None:
                self._end_day()
        self.hear(self.exchange.advance(at))

    def _end_day(self) -> None:
        self.hear(self.exchange.end_day())
        shares = {each.id: self._delivered[each.id] for each in self._instruments.values()}
        for desk in self._desks.values():
            desk.trades.clear()
            desk.orders = {number: each for number, each in desk.orders.items() if each.state is VenueState.OPEN}
            desk.holdings.convert(Product.MIS, shares)
            self._drop_expired(desk)
        self._orders = {number: each for desk in self._desks.values() for number, each in desk.orders.items()}

    def _drop_expired(self, desk: Desk) -> None:
        for each in self._instruments.values():
            if each.expiry is not None and each.expiry <= self.exchange.now:
                desk.holdings.drop(each.id)

    # --- commands

    def number(self) -> int:
        """A number for an order, never used before."""
        self._last_id += 1
        return self._last_id

    def command(self, account: int, command: AnyCommand, *, at: int) -> None:
        """What an account asks for, whoever brings it. Raises `KeyError` for an account that is not named."""
        self.advance(at)
        desk = self._desks[account]
        self._command = command
        if self._throttled(desk, at):
            self._decline(account, command, rule="throttled", value=self._per_second + 1, limit=self._per_second, at=at)
        elif isinstance(command, PlaceOrder):
            self._place(account, desk, command, at)
        elif isinstance(command, ChangeOrder):
            self._change(account, desk, command, at)
        else:
            self.hear(self.exchange.cancel(command.venue_id, account=account, at=at))
        self._command = None

    def _throttled(self, desk: Desk, at: int) -> bool:
        if not self._per_second:
            return False
        while desk.commands and desk.commands[0] <= at - SECOND:
            desk.commands.popleft()
        if len(desk.commands) >= self._per_second:
            return True
        desk.commands.append(at)
        return False

    def _place(self, account: int, desk: Desk, asked: PlaceOrder, at: int) -> None:
        if len(asked.tag) > LONGEST_TAG:
            self._decline(account, asked, rule="tag_too_long", value=len(asked.tag), limit=LONGEST_TAG, at=at)
            return
        ends = stated(asked.terms).expires_at
        if not 0 <= ends <= LATEST:
            self._decline(account, asked, rule="expires_at_out_of_range", value=str(ends), limit=str(LATEST), at=at)
            return
        order = VenueOrder(asked, account=account, venue_id=self.number(), at=at)
        self._orders[order.venue_id] = desk.orders[order.venue_id] = order
        self.hear(self.exchange.submit(order.entry(), at=at, intraday=self._intraday(asked)))

    def _intraday(self, asked: PlaceOrder) -> bool:
        """Only shares are on margin for a day; a contract is on margin anyway."""
        instrument = self._instruments.get(asked.instrument)
        return asked.product is Product.MIS and instrument is not None and instrument.segment is Segment.EQUITY

    def _change(self, account: int, desk: Desk, asked: ChangeOrder, at: int) -> None:
        order = desk.orders.get(asked.venue_id)
        if order is None:
            self._decline(
                account, asked, rule="unknown_order", value=asked.venue_id, limit="an order of this account", at=at
            )
            return
        self.hear(self.exchange.submit(order.replacement(asked), at=at))

    def _decline(
        self, account: int, command: AnyCommand, *, rule: str, value: int | str, limit: int | str, at: int
    ) -> None:
        """Nothing was done, and no order is kept."""
        if isinstance(command, PlaceOrder):
            said: Report = Declined(at=at, tag=command.tag, rule=rule, value=value, limit=limit)
        else:
            said = CommandDeclined(at=at, venue_id=command.venue_id, rule=rule, value=value, limit=limit)
        self._say(account, said, None)

    # --- others in the market, and the operator

    def enter(self, entry: Entry, *, at: int) -> ExchangeEvents:
        """An order of somebody who is not an account here; its number is from `number`."""
        said = self.exchange.submit(entry, at=at)
        self.hear(said)
        return said

    def withdraw(self, order_id: int, *, account: int, at: int) -> None:
        """Withdraw such an order."""
        self.hear(self.exchange.cancel(order_id, account=account, at=at))

    def bust(self, trade_id: int, *, at: int) -> Refusal | None:
        """Undo a trade, named by either of its numbers; both sides hear of it. A refusal where nothing was done."""
        self.advance(at)
        said = self.exchange.tell(TradeBusted(trade_id=trade_id // 2))
        if isinstance(said[0], Refusal):
            return said[0]
        for number in (trade_id // 2 * 2, trade_id // 2 * 2 + 1):
            found = self._sides.pop(number, None)
            if found is not None:
                self._undo(*found, at)
        return None

    def _undo(self, order: VenueOrder, trade: TradeRow, at: int) -> None:
        desk, trade_id = self._desks[order.account], trade.trade_id
        order.filled -= trade.quantity
        desk.holdings.undo(trade_id)
        desk.trades.pop(trade_id, None)
        self._say(order.account, Undone(at=at, tag=order.tag, venue_id=order.venue_id, trade_id=trade_id), order.row())

    # --- what the exchange says

    def hear(self, said: ExchangeEvents) -> None:
        """Everything that happened, told to whom it concerns."""
        for event in said:
            way = self._ways.get(type(event))
            if way is not None:
                way(event)

    def _taken(self, event: OrderTaken) -> None:
        order = self._orders.get(event.order_id)
        if order is None:
            return
        if isinstance(self._command, ChangeOrder):
            order.change(self._command, at=event.at)
            said: Report = Changed(
                at=event.at, tag=order.tag, venue_id=order.venue_id, open=order.open, limit=order.limit
            )
        else:
            said = Taken(at=event.at, tag=order.tag, venue_id=order.venue_id, open=order.open)
        self._say(order.account, said, order.row())

    def _refused(self, event: OrderRefused) -> None:
        if self._command is None:
            return
        rule, value, limit = str(event.rule), event.value, event.limit
        if not isinstance(self._command, PlaceOrder):
            self._decline(event.account, self._command, rule=rule, value=value, limit=limit, at=event.at)
            return
        order = self._orders[event.order_id]
        order.end(VenueState.REJECTED, reason=rule, at=event.at)
        said = Declined(at=event.at, tag=order.tag, venue_id=order.venue_id, rule=rule, value=value, limit=limit)
        self._say(order.account, said, order.row())

    def _reduced(self, event: OrderReduced) -> None:
        order = self._orders.get(event.order_id)
        if order is not None:
            order.shrink(event.open, at=event.at)
            said = Changed(at=event.at, tag=order.tag, venue_id=order.venue_id, open=order.open, limit=order.limit)
            self._say(order.account, said, order.row())

    def _removed(self, event: OrderRemoved) -> None:
        order = self._orders.get(event.order_id)
        if order is None:
            self._tell_strangers(event.order_id, None)
            return
        state = VenueState.EXPIRED if event.reason == "expired" else VenueState.CANCELLED
        order.end(state, reason=event.reason, at=event.at)
        said = Ended(
            at=event.at, tag=order.tag, venue_id=order.venue_id, open=event.open, state=state, reason=event.reason
        )
        self._say(order.account, said, order.row())

    def _triggered(self, event: OrderTriggered) -> None:
        order = self._orders.get(event.order_id)
        if order is not None:
            order.awake(at=event.at)
            self._say(order.account, Awoken(at=event.at, tag=order.tag, venue_id=order.venue_id), order.row())

    def _traded(self, event: Traded) -> None:
        trade = event.trade
        self._side(trade, trade.buy_order, Side.BUY, event.at)
        self._side(trade, trade.sell_order, Side.SELL, event.at)

    def _side(self, trade: Trade, order_id: int, side: Side, at: int) -> None:
        order = self._orders.get(order_id)
        if order is None:
            self._tell_strangers(order_id, trade)
            return
        number = trade.trade_id * 2 + (side is Side.SELL)
        order.fill(trade.quantity, at=at)
        desk, asked, maker = self._desks[order.account], order.asked, trade.taker is not side
        row = TradeRow(
            trade_id=number, tag=order.tag, venue_id=order_id, instrument=trade.instrument, side=side,
            product=asked.product, quantity=trade.quantity, price=trade.price, at=at, maker=maker,
        )  # fmt: skip
        desk.trades[number] = row
        desk.holdings.line(trade.instrument, asked.product).take(row)
        self._sides[number] = order, row
        said = Dealt(
            at=at, tag=order.tag, venue_id=order_id, trade_id=number, instrument=trade.instrument, side=side,
            product=asked.product, quantity=trade.quantity, price=trade.price, maker=maker,
        )  # fmt: skip
        self._say(order.account, said, order.row())

    def _tell_strangers(self, order_id: int, trade: Trade | None) -> None:
        if self.strangers is not None:
            self.strangers(order_id, trade)

    # --- questions

    def orders(self, account: int) -> list[OrderRow]:
        """Orders of the day, and older ones that are open, by number."""
        return [order.row() for order in self._desks[account].orders.values()]

    def trades(self, account: int) -> list[TradeRow]:
        """Trades of the day, by number; busted ones are not there any more."""
        return list(self._desks[account].trades.values())

    def positions(self, account: int) -> list[PositionRow]:
        """What is held, by instrument and product, as the clearing has it; `average` 0 of what came in from outside."""
        return [row for name in sorted(self._instruments) for row in self._held(account, name) if row.quantity]

    def _held(self, account: int, name: str) -> list[PositionRow]:
        lines = self._desks[account].holdings.lines(name)
        quantities = {product: line.quantity for product, line in lines.items()}
        averages = {product: line.average for product, line in lines.items()}
        outside = self.exchange.clearing.position(account, name).quantity - sum(quantities.values())
        if outside:
            product = self._delivered[name]
            quantities[product] = quantities.get(product, 0) + outside
        return [
            PositionRow(instrument=name, product=product, quantity=quantity, average=averages.get(product, 0))
            for product, quantity in sorted(quantities.items())
        ]

    def cash(self, account: int) -> list[CashRow]:
        """Money as trades have moved it, settled or not, with fees; a future moves it when it is closed."""
        balance = self.exchange.clearing.balance(account)
        open_cost = self._desks[account].holdings.released()
        cash = balance.cash + balance.due - self.exchange.clearing.open_cost(account) + open_cost
        return [CashRow(currency=self.exchange.currency, cash=cash, open_cost=open_cost)]
