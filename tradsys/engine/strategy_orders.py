"""A strategy's orders in a simulated market's book: what the engine asks becomes commands, what the book says events.

A quote that replaces another changes it in place: one order of the book a side, whose place in the queue is kept while
price and quantity stay. To the engine, as in a backtest, each quote is an order of its own: the one before it ends when
the change reaches the book.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from operator import itemgetter

import msgspec

from tradsys.core.events import (
    Accepted,
    Approved,
    Cancelled,
    CancelRequested,
    Expired,
    Fill,
    Order,
    OrderEvent,
    OrderType,
    Rejected,
    Side,
    Triggered,
    Validity,
)
from tradsys.core.instruments import Instrument
from tradsys.core.matching import POST_ONLY, Action, BookSide, Command, Kind, Reason, SelfTrade, TimeInForce
from tradsys.core.order_terms import stated
from tradsys.engine.planning import QUOTE
from tradsys.exchange.agents.participant import Notice, Request, View
from tradsys.exchange.deadlines import CAME, has_ended

_SIDES = {Side.BUY: int(BookSide.BUY), Side.SELL: int(BookSide.SELL)}
_KINDS = {
    OrderType.MARKET: int(Kind.MARKET),
    OrderType.LIMIT: int(Kind.LIMIT),
    OrderType.STOP: int(Kind.STOP),
    OrderType.STOP_LIMIT: int(Kind.STOP_LIMIT),
    OrderType.TRAILING: int(Kind.TRAILING),
}
_VALIDITIES = {each: int(TimeInForce[each.name]) for each in Validity}
_NEW, _REPLACE, _CANCEL = int(Action.NEW), int(Action.REPLACE), int(Action.CANCEL)
_FLAGS = int(SelfTrade.CANCEL_NEWEST)
_FIRST, _SECOND, _THIRD, _LAST = range(4)
"""Turns of what leaves at once: withdrawals, changes, new orders, withdrawals of those."""


class _Resting(msgspec.Struct, eq=False):
    """One order of the book and the engine's orders that it has been, is and will be: the first is the one that trades,
    the others are changes on their way. `left` lots of the first are open."""

    number: int
    heirs: deque[Order]
    left: int
    entered: bool = False
    gone: bool = False
    leaving: bool = False


class StrategyOrders:
    """Every order of one strategy in one book. Commands reach it `latency` nanoseconds after they are asked for."""

    def __init__(self, instrument: Instrument, *, account: int, latency: int) -> None:
        self._instrument = instrument
        self._account = account
        self._latency = latency
        self._resting: dict[int, _Resting] = {}
        self._numbers: dict[int, _Resting] = {}
        self._moving: dict[Side, _Resting] = {}
        self._leaving: list[tuple[tuple[int, int], Request]] = []
        self._sent_now: set[int] = set()

    # --- what the engine asks

    def ask(self, asked: Approved | CancelRequested, view: View) -> Iterator[OrderEvent]:
        """Take an order or a withdrawal; yields what is known at once. `departing` has the commands."""
        if isinstance(asked, CancelRequested):
            self._withdraw(asked.order_id, view)
            return
        order = asked.order
        before = self._quoted_before(order) if order.reason == QUOTE else None
        if before is None:
            self._enter(order, view)
        elif self._is_same(before, order):
            yield from self._inherit(before, order, view.at)
        else:
            self._change(before, order, view)

    def _quoted_before(self, order: Order) -> _Resting | None:
        """The quote that an order replaces; one under other terms leaves instead."""
        before = self._moving.get(order.side)
        if before is None or before.heirs[-1].terms != order.terms:
            return None
        return self._moving.pop(order.side)

    def departing(self, view: View) -> list[Request]:
        """The commands of what was asked since the last call, those that make room first."""
        for resting in self._moving.values():
            self._cancel(resting, view)
        self._moving.clear()
        leaving = [request for _, request in sorted(self._leaving, key=itemgetter(0))]
        self._leaving.clear()
        self._sent_now.clear()
        return leaving

    def _withdraw(self, order_id: int, view: View) -> None:
        """Only the last to come of an order needs it: those before it are replaced already."""
        resting = self._numbers.get(order_id)
        if resting is None or resting.leaving or resting.gone or resting.heirs[-1].order_id != order_id:
            return
        order = resting.heirs[-1]
        if order.reason == QUOTE:
            # whether a quote follows it is known once all is asked
            self._moving[order.side] = resting
        else:
            self._cancel(resting, view)

    def _cancel(self, resting: _Resting, view: View) -> None:
        resting.leaving = True
        turn = _LAST if resting.number in self._sent_now else _FIRST
        self._send(Command(_CANCEL, resting.number, _SIDES[resting.heirs[-1].side]), view, turn=(turn, 0))

    def _enter(self, order: Order, view: View) -> None:
        resting = _Resting(view.new_id(), deque([order]), self._lots(order))
        self._resting[resting.number] = self._numbers[order.order_id] = resting
        self._sent_now.add(resting.number)
        self._send(self._command(_NEW, resting, order), view, turn=(_THIRD, 0))
        ends = stated(order.terms).expires_at
        if ends:
            command = Command(_CANCEL, resting.number, _SIDES[order.side], account=self._account, at=ends)
            self._leaving.append(((_LAST, 0), Request(ends, command, while_live=True)))

    def _change(self, resting: _Resting, order: Order, view: View) -> None:
        away = order.side * (order.limit - resting.heirs[-1].limit)
        turn = (_THIRD, 0) if resting.number in self._sent_now else (_SECOND, away)
        resting.heirs.append(order)
        self._numbers[order.order_id] = resting
        self._sent_now.add(resting.number)
        self._send(self._command(_REPLACE, resting, order), view, turn=turn)

    def _is_same(self, resting: _Resting, order: Order) -> bool:
        """Whether the book has, or will have, what a quote asks for."""
        return resting.heirs[-1].limit == order.limit and self._last_lots(resting) == self._lots(order)

    def _last_lots(self, resting: _Resting) -> int:
        """What the last to come of an order has, or will have, open."""
        return resting.left if len(resting.heirs) == 1 else self._lots(resting.heirs[-1])

    def _inherit(self, resting: _Resting, order: Order, at: int) -> Iterator[OrderEvent]:
        """A quote takes over the order of the one before it; no command is needed."""
        standing = resting.entered and len(resting.heirs) == 1
        lots = self._last_lots(resting)
        before = resting.heirs.pop()
        resting.heirs.append(order)
        self._numbers[order.order_id] = resting
        yield self._replaced(before, lots, at)
        if standing:
            yield Accepted(at=at, order_id=order.order_id)

    def _command(self, action: int, resting: _Resting, order: Order) -> Command:
        tick = self._instrument.tick_at(order.at)
        trailing = order.type is OrderType.TRAILING
        terms = stated(order.terms)
        return Command(
            action,
            resting.number,
            _SIDES[order.side],
            order.limit // tick,
            self._lots(order),
            _KINDS[order.type],
            _VALIDITIES[order.validity],
            _FLAGS | POST_ONLY if terms.post_only else _FLAGS,
            # the book starts a trailing stop at its own last trade
            trigger=0 if trailing else order.trigger // tick,
            trail=order.trail // tick,
            display=terms.display // self._instrument.lot_at(order.at),
            expires_at=terms.expires_at,
        )

    def _send(self, command: Command, view: View, *, turn: tuple[int, int]) -> None:
        at = view.at + self._latency
        sent = command._replace(account=self._account, at=at)
        self._leaving.append((turn, Request(at, sent, while_live=command.action == _CANCEL, answered=True)))

    def _lots(self, order: Order) -> int:
        return order.quantity // self._instrument.lot_at(order.at)

    # --- what the book says

    def hear(self, notice: Notice, at: int) -> Iterator[OrderEvent]:
        """What became of orders, as the engine takes it."""
        resting = self._resting.get(notice.order_id)
        if resting is None:
            return
        if notice.taken is not None:
            yield from self._answered(resting, notice, at)
        elif notice.filled:
            yield self._filled(resting, notice, at)
        elif notice.open:
            yield Triggered(at=at, order_id=resting.heirs[0].order_id)
        else:
            yield self._ended(resting, notice.reason, at)
        if not resting.heirs:
            del self._resting[resting.number]

    def _answered(self, resting: _Resting, notice: Notice, at: int) -> Iterator[OrderEvent]:
        """Commands to one order are answered in the order they were sent: itself, its changes, its withdrawal."""
        if not resting.entered:
            resting.entered, resting.gone = True, not notice.taken
            yield (
                Accepted(at=at, order_id=resting.heirs[0].order_id)
                if notice.taken
                else self._refused(resting, 0, notice.reason, at)
            )
        elif not notice.taken:
            changes = 0 if resting.gone else 1
            if len(resting.heirs) > changes:
                yield self._refused(resting, changes, notice.reason, at)
            else:
                resting.leaving = False
        elif len(resting.heirs) > 1:
            yield self._replaced(resting.heirs.popleft(), resting.left, at)
            resting.left = notice.open
            yield Accepted(at=at, order_id=resting.heirs[0].order_id)

    def _refused(self, resting: _Resting, place: int, reason: int, at: int) -> Rejected:
        order = resting.heirs[place]
        del resting.heirs[place], self._numbers[order.order_id]
        return Rejected(at=at, order_id=order.order_id, reason=_word(reason))

    def _filled(self, resting: _Resting, notice: Notice, at: int) -> Fill:
        order = resting.heirs[0]
        resting.left -= notice.filled
        if not resting.left:
            self._forget(resting)
        return Fill(
            at=at,
            exchange_at=at,
            order_id=order.order_id,
            strategy=order.strategy,
            instrument=order.instrument,
            side=order.side,
            quantity=notice.filled * self._instrument.lot_at(order.at),
            price=notice.price * self._instrument.tick_at(order.at),
            product=order.product,
            maker=notice.maker,
            reason=order.reason,
        )

    def _ended(self, resting: _Resting, reason: int, at: int) -> OrderEvent:
        left = resting.left * self._instrument.lot_at(at)
        asked = resting.leaving
        order = self._forget(resting)
        if not reason and not asked and has_ended(order, at):
            return Expired(at=at, order_id=order.order_id, remaining=left, reason=CAME)
        if reason == Reason.EXPIRED:
            return Expired(at=at, order_id=order.order_id, remaining=left, reason="the session ended")
        return Cancelled(at=at, order_id=order.order_id, remaining=left, reason=_word(reason))

    def _forget(self, resting: _Resting) -> Order:
        """The order of the book is gone; changes still on their way to it will be refused."""
        resting.gone = True
        order = resting.heirs.popleft()
        del self._numbers[order.order_id]
        return order

    def _replaced(self, order: Order, lots: int, at: int) -> Cancelled:
        """An order of the engine's that another takes the place of."""
        del self._numbers[order.order_id]
        remaining = lots * self._instrument.lot_at(order.at)
        return Cancelled(at=at, order_id=order.order_id, remaining=remaining, reason="replaced by a new quote")


def _word(reason: int) -> str:
    return Reason(reason).name.lower().replace("_", " ") if reason else "withdrawn"
