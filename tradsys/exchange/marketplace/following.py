"""What the book did, taken to the accounts, to the day's guards, and to those it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Side
from tradsys.core.matching import BookEvent, BookEventKind, Kind, Reason
from tradsys.exchange.bands import Party
from tradsys.exchange.clearing import Clearing
from tradsys.exchange.clearing.records import Events, Refusal, Trade
from tradsys.exchange.marketplace.floor import Floor
from tradsys.exchange.marketplace.orders import LiveOrder, OrderRegister
from tradsys.exchange.marketplace.records import ExchangeEvents, OrderReduced, OrderRemoved, OrderTriggered, Traded
from tradsys.exchange.timeline import Halt

_WHEN_TRIGGERED = {Kind.STOP_LIMIT: Kind.LIMIT}


class Follower:
    """Follows the events of one book. `members` tells the member of an account, which else is its own.

    `halts` are those that trades have caused since they were last taken out.
    """

    def __init__(self, clearing: Clearing, register: OrderRegister, members: Mapping[int, str]) -> None:
        self._clearing = clearing
        self._register = register
        self._members = members
        self._parties: dict[int, Party] = {}
        self._trades = 0
        self.halts: list[tuple[Floor, Halt]] = []
        self._ways: dict[int, Callable[[BookEvent, int, ExchangeEvents], None]] = {
            BookEventKind.TRADE: self._trade,
            BookEventKind.TRIGGERED: self._triggered,
            BookEventKind.CANCELLED: self._gone,
            BookEventKind.EXPIRED: self._gone,
            BookEventKind.DECREMENTED: self._decremented,
        }

    def follow(self, events: Iterable[BookEvent], at: int, said: ExchangeEvents) -> None:
        """Everything that one command did, in its order."""
        for event in events:
            self._ways[event.kind](event, at, said)

    def remove(self, order: LiveOrder, said: ExchangeEvents, *, at: int, reason: str) -> None:
        """An order that is in the book no longer, with something open."""
        self._register.finish(order)
        said.append(OrderRemoved(at=at, order_id=order.order_id, account=order.account, open=order.open, reason=reason))

    def reduce(self, order: LiveOrder, said: ExchangeEvents, *, left: int, at: int, reason: str) -> None:
        """An order that has fewer lots open without a trade."""
        if left == order.left:
            return
        if not left:
            self.remove(order, said, at=at, reason=reason)
            return
        self._register.restore(order, worst=order.worst, left=left)
        said.append(OrderReduced(at=at, order_id=order.order_id, account=order.account, open=order.open, reason=reason))

    def party(self, account: int) -> Party:
        """Who stands behind an account."""
        party = self._parties.get(account)
        if party is None:
            member = self._members.get(account, str(account))
            party = self._parties[account] = Party(client=str(account), member=member)
        return party

    def _live(self, order_id: int) -> LiveOrder:
        order = self._register.get(order_id)
        if order is None:
            raise InvariantBroken("the book knows an order that the exchange does not", value=order_id)
        return order

    def _trade(self, event: BookEvent, at: int, said: ExchangeEvents) -> None:
        taker, maker = self._live(event.order_id), self._live(event.other_id)
        buy, sell = (maker, taker) if event.side else (taker, maker)
        floor = taker.floor
        trade = self._between(event, buy=buy, sell=sell)
        said.append(Traded(at=at, trade=trade))
        said += self._cleared(trade)
        for order in (taker, maker):
            self._register.filled(order, event.quantity)
        buyer, seller = self.party(buy.account), self.party(sell.account)
        halt = floor.on_trade(at, price=event.price, quantity=event.quantity, buyer=buyer, seller=seller)
        if halt is not None:
            self.halts.append((floor, halt))

    def _between(self, event: BookEvent, *, buy: LiveOrder, sell: LiveOrder) -> Trade:
        self._trades += 1
        floor = buy.floor
        return Trade(
            trade_id=self._trades,
            instrument=floor.instrument.id,
            price=event.price * floor.tick,
            quantity=event.quantity * floor.lot,
            buyer=buy.account,
            seller=sell.account,
            buy_order=buy.order_id,
            sell_order=sell.order_id,
            taker=Side.SELL if event.side else Side.BUY,
        )

    def _cleared(self, trade: Trade) -> Events:
        said = self._clearing.apply(trade)
        if said and isinstance(said[0], Refusal):
            raise InvariantBroken(
                f"the clearing refused a trade: {said[0].rule}", value=said[0].value, limit=said[0].limit
            )
        return said

    def _triggered(self, event: BookEvent, at: int, said: ExchangeEvents) -> None:
        order = self._live(event.order_id)
        order.kind = _WHEN_TRIGGERED.get(Kind(order.kind), Kind.MARKET)
        said.append(OrderTriggered(at=at, order_id=order.order_id, account=order.account))

    def _gone(self, event: BookEvent, at: int, said: ExchangeEvents) -> None:
        self.remove(self._live(event.order_id), said, at=at, reason=Reason(event.reason).name.lower())

    def _decremented(self, event: BookEvent, at: int, said: ExchangeEvents) -> None:
        for order_id in (event.order_id, event.other_id):
            order = self._live(order_id)
            self.reduce(order, said, left=order.left - event.quantity, at=at, reason="self_trade")
