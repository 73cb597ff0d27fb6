"""The reference book: the matching rules in the most obvious Python, by which the compiled book is judged.

`docs/matching.md` is the specification. Each side of an instrument is one list in priority order: the best order is the
first, and the order of sweeping is the lists one after another. Costs grow with the number of live orders: right for a
few thousand, not for a market.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from tradsys.core.matching import (
    HASH_FACTOR,
    HASH_START,
    MAX_PRICE,
    Action,
    BookEvent,
    BookEventKind,
    BookPhase,
    BookSide,
    Command,
    Outcome,
    Reason,
    Resting,
    SelfTrade,
    Status,
)
from tradsys.exchange.book_reference_checks import can_fill_whole, is_crossed, is_frozen, is_own, refusal
from tradsys.exchange.book_reference_orders import (
    BUY,
    CONTINUOUS,
    DAY,
    FOK,
    GTD,
    LIMIT,
    MARKET,
    SELL,
    STOP_LIMIT,
    TRAILING,
    InstrumentBook,
    Order,
    complete,
    new_order,
    replacement,
    trailing_trigger,
)

OPEN, WAITING, FILLED, CANCELLED, REJECTED, DONE = Status
ALLOW, CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT = SelfTrade
WORD = 2**64 - 1
PHASES = range(len(BookPhase))
RELEASE_MARKET_ORDERS, CANCEL_MARKET_ORDERS, CANCEL_EVERYTHING = range(3)


def _rejected(reason: Reason) -> Outcome:
    return Outcome(REJECTED, reason)


def _standing(order: Order) -> Outcome:
    return Outcome(WAITING if order.is_stop else OPEN, open=order.open)


class ReferenceBook:
    """Order books of instruments `0 … instruments - 1`, after `tradsys.core.matching.MatchingBook`."""

    def __init__(self, instruments: int) -> None:
        self._books = [InstrumentBook() for _ in range(instruments)]
        self._live: dict[int, Order] = {}
        self._line: list[Order] = []
        self._arrivals = 0
        self._commands = 0
        self._events: list[BookEvent] = []
        self._of_order: dict[int, Callable[[InstrumentBook, Order, Command], Outcome]] = {
            Action.CANCEL: self._cancel,
            Action.REDUCE: self._reduce,
            Action.REPLACE: self._replace,
        }
        self._of_instrument: dict[int, Callable[[InstrumentBook, Command], Outcome]] = {
            Action.NEW: self._new,
            Action.CANCEL_ALL: self._cancel_all,
            Action.SET_PHASE: self._set_phase,
            Action.SET_BAND: self._set_band,
            Action.UNCROSS: self._uncross,
            Action.TIME: self._time,
            Action.END_DAY: self._end_day,
        }

    def submit(self, command: Command) -> tuple[Outcome, list[BookEvent]]:
        """One command, its outcome and its events."""
        self._events = []
        outcome = self._answer(command)
        self._commands += 1
        return outcome, self._events

    def best(self, instrument: int) -> tuple[int, int, int, int]:
        """Best bid price, quantity shown there, best ask price, quantity shown there; 0 where there is none."""
        bids, asks = (self.levels(instrument, side, count=1) or [(0, 0, 0)] for side in (BUY, SELL))
        return bids[0][0], bids[0][1], asks[0][0], asks[0][1]

    def levels(self, instrument: int, side: BookSide, *, count: int) -> list[tuple[int, int, int]]:
        """Price, quantity shown and number of orders of the best levels."""
        return self._books[instrument].levels(side)[:count]

    def orders(self, instrument: int) -> list[Resting]:
        """Every live order, in the order of sweeping events."""
        return [order.as_resting() for order in self._books[instrument].orders()]

    def state_hash(self) -> int:
        """Hash of the whole state."""
        values = [self._arrivals]
        for book in self._books:
            values += [book.phase, book.last, book.low, book.high]
            for order in book.orders():
                values += order.as_resting()
        state = HASH_START
        for value in values:
            state = ((state ^ (value & WORD)) * HASH_FACTOR) & WORD
        return state

    # Commands

    def _answer(self, command: Command) -> Outcome:
        if command.action in self._of_order:
            order = self._live.get(command.order_id)
            if order is None:
                return _rejected(Reason.UNKNOWN_ORDER)
            return self._of_order[command.action](self._books[order.instrument], order, command)
        if command.action not in self._of_instrument:
            return _rejected(Reason.BAD_COMBINATION)
        if not 0 <= command.instrument < len(self._books):
            return _rejected(Reason.UNKNOWN_INSTRUMENT)
        return self._of_instrument[command.action](self._books[command.instrument], command)

    def _new(self, book: InstrumentBook, command: Command) -> Outcome:
        if command.order_id in self._live:
            return _rejected(Reason.DUPLICATE_ORDER)
        order = new_order(command)
        if reason := refusal(book, order, at=command.at, replaces=False):
            return _rejected(reason)
        complete(book, order)
        return self._accept(book, order)

    def _cancel(self, book: InstrumentBook, order: Order, command: Command) -> Outcome:
        if is_frozen(book, order):
            return _rejected(Reason.MARKET_FROZEN)
        self._remove(book, order)
        return Outcome(CANCELLED)

    def _reduce(self, book: InstrumentBook, order: Order, command: Command) -> Outcome:
        if command.quantity < 1:
            return _rejected(Reason.BAD_QUANTITY)
        if is_frozen(book, order):
            return _rejected(Reason.MARKET_FROZEN)
        if command.quantity >= order.open:
            self._remove(book, order)
            return Outcome(CANCELLED)
        order.reduce(command.quantity)
        return _standing(order)

    def _replace(self, book: InstrumentBook, order: Order, command: Command) -> Outcome:
        wanted = replacement(order, command)
        if reason := refusal(book, wanted, at=command.at, replaces=True):
            return _rejected(reason)
        complete(book, wanted)
        if (wanted.price, wanted.trigger) == (order.price, order.trigger) and wanted.open <= order.open:
            order.reduce(order.open - wanted.open)
            return _standing(order)
        self._remove(book, order)
        return self._accept(book, wanted)

    def _cancel_all(self, book: InstrumentBook, command: Command) -> Outcome:
        for order in book.orders():
            if command.account in (0, order.account):
                self._drop(book, order, Reason.CANCEL_ALL)
        return Outcome(DONE)

    def _set_phase(self, book: InstrumentBook, command: Command) -> Outcome:
        if command.price not in PHASES:
            return _rejected(Reason.BAD_COMBINATION)
        if command.price == CONTINUOUS and is_crossed(book):
            return _rejected(Reason.CROSSED)
        book.phase = command.price
        if book.phase == CONTINUOUS and book.last:
            self._touch(book, book.last)
            self._work_off_line(book)
        return Outcome(DONE)

    def _set_band(self, book: InstrumentBook, command: Command) -> Outcome:
        low, high = command.price, command.trigger
        if not 0 <= low <= MAX_PRICE or not 0 <= high <= MAX_PRICE or 0 < high < low:
            return _rejected(Reason.BAD_PRICE)
        book.low, book.high = low, high
        if command.quantity == 1:
            for order in [*book.limits(BUY), *book.limits(SELL)]:
                if not book.in_band(order.price):
                    self._drop(book, order, Reason.OUTSIDE_BAND)
        return Outcome(DONE)

    def _time(self, book: InstrumentBook, command: Command) -> Outcome:
        for order in book.orders():
            if order.time_in_force == GTD and order.expires_at <= command.at:
                self._drop(book, order, Reason.EXPIRED)
        return Outcome(DONE)

    def _end_day(self, book: InstrumentBook, command: Command) -> Outcome:
        for order in book.orders():
            if order.time_in_force == DAY:
                self._drop(book, order, Reason.EXPIRED)
        return Outcome(DONE)

    # Orders that enter

    def _accept(self, book: InstrumentBook, order: Order) -> Outcome:
        """Let an order in that passed its checks: it waits, rests or trades, and triggers others."""
        self._arrive(order)
        if order.is_stop:
            if book.phase != CONTINUOUS or not order.is_touched(book.last):
                return self._keep(book, order)
            self._trigger(order, book.last)
            self._arrive(order)
        if book.in_auction:
            return self._keep(book, order)
        outcome, touching = self._execute(book, order)
        for price in touching:
            self._touch(book, price)
        self._work_off_line(book)
        return outcome

    def _execute(self, book: InstrumentBook, order: Order) -> tuple[Outcome, list[int]]:
        """Trade an order and rest or drop what remains: its outcome and the prices that touch."""
        prices: list[int] = []
        if order.time_in_force == FOK and not can_fill_whole(book, order):
            return Outcome(CANCELLED, Reason.NOT_FILLED_WHOLE), prices
        filled, reason = self._trade(book, order, prices)
        touching = list(dict.fromkeys([prices[0], prices[-1]])) if prices else []
        if reason:
            return Outcome(CANCELLED, reason, filled), touching
        if not order.open:
            return Outcome(FILLED, filled=filled), touching
        if order.kind == MARKET or not order.rests:
            return Outcome(CANCELLED, Reason.DROPPED, filled), touching
        return self._keep(book, order)._replace(filled=filled), touching

    def _trade(self, book: InstrumentBook, order: Order, prices: list[int]) -> tuple[int, Reason]:
        """Trade against the other side while it can: quantity traded, and `SELF_TRADE` if that stopped it."""
        makers = book.resting[1 - order.side]
        filled = 0
        while order.open and makers and book.reached(order, makers[0].price):
            maker = makers[0]
            quantity = min(order.open, maker.shown)
            if is_own(order, maker=maker) and order.rule != ALLOW:
                if self._prevent(book, order, maker, quantity):
                    return filled, Reason.SELF_TRADE
                continue
            self._emit(BookEventKind.TRADE, order, other=maker, price=maker.price, quantity=quantity)
            book.last = maker.price
            prices.append(maker.price)
            filled += quantity
            order.shown -= quantity
            self._take(book, maker, quantity)
        return filled, Reason.NONE

    def _prevent(self, book: InstrumentBook, order: Order, maker: Order, quantity: int) -> bool:
        """Apply the taker's self-trade rule; whether that ends the taker."""
        if order.rule == DECREMENT:
            self._emit(BookEventKind.DECREMENTED, order, other=maker, price=maker.price, quantity=quantity)
            order.shown -= quantity
            self._take(book, maker, quantity)
            return not order.open
        if order.rule in (CANCEL_OLDEST, CANCEL_BOTH):
            self._drop(book, maker, Reason.SELF_TRADE)
        return order.rule in (CANCEL_NEWEST, CANCEL_BOTH)

    def _take(self, book: InstrumentBook, maker: Order, quantity: int) -> None:
        """Take off what a maker shows; shown out, it shows its next part at the tail of its level or leaves."""
        maker.shown -= quantity
        if not maker.open:
            self._remove(book, maker)
        elif not maker.shown:
            book.remove(maker)
            maker.show(maker.hidden)
            book.add(maker)

    # Stops

    def _touch(self, book: InstrumentBook, price: int) -> None:
        """Move trailing triggers after a price, then send what it triggers to the line."""
        for waiting in book.waiting:
            trailing = sorted((order for order in waiting if order.kind == TRAILING), key=attrgetter("arrival"))
            for order in trailing:
                trigger = trailing_trigger(order, price)
                if trigger < order.trigger if order.side == BUY else trigger > order.trigger:
                    book.remove(order)
                    order.trigger = trigger
                    book.add(order)
        for waiting in book.waiting:
            while waiting and waiting[0].is_touched(price):
                order = waiting[0]
                self._remove(book, order)
                self._trigger(order, price)
                self._line.append(order)

    def _trigger(self, order: Order, price: int) -> None:
        self._emit(BookEventKind.TRIGGERED, order, price=price, quantity=order.open)
        order.kind = LIMIT if order.kind == STOP_LIMIT else MARKET
        order.trigger = order.trail = 0

    def _work_off_line(self, book: InstrumentBook) -> None:
        while self._line:
            self._enter_triggered(book, self._line.pop(0))

    def _enter_triggered(self, book: InstrumentBook, order: Order) -> None:
        self._arrive(order)
        if order.kind == LIMIT and not book.in_band(order.price):
            self._emit(BookEventKind.CANCELLED, order, quantity=order.open, reason=Reason.OUTSIDE_BAND)
            return
        outcome, touching = self._execute(book, order)
        if outcome.status == CANCELLED and order.open:
            self._emit(BookEventKind.CANCELLED, order, quantity=order.open, reason=outcome.reason)
        for price in touching:
            self._touch(book, price)

    # The end of a call auction

    def _uncross(self, book: InstrumentBook, command: Command) -> Outcome:
        if not book.in_auction or not 0 <= command.quantity <= CANCEL_EVERYTHING:
            return _rejected(Reason.BAD_COMBINATION)
        if not 0 <= command.price <= MAX_PRICE or not 0 <= command.trigger <= MAX_PRICE:
            return _rejected(Reason.BAD_PRICE)
        if command.price:
            self._pair(book, command.price)
        for order in [*book.resting[BUY], *book.resting[SELL]]:
            if command.quantity == CANCEL_EVERYTHING:
                self._drop(book, order, Reason.DROPPED)
            elif order.kind == MARKET:
                released = command.quantity == RELEASE_MARKET_ORDERS
                self._release(book, order, (command.price or command.trigger) if released else 0)
        return Outcome(DONE)

    def _pair(self, book: InstrumentBook, price: int) -> None:
        """Trade buys with sells at one price until one side runs out."""
        buys = [order for order in book.resting[BUY] if order.kind == MARKET or order.price >= price]
        sells = [order for order in book.resting[SELL] if order.kind == MARKET or order.price <= price]
        while buys and sells:
            maker, taker = sorted((buys[0], sells[0]), key=attrgetter("arrival"))
            quantity = min(maker.open, taker.open)
            self._emit(BookEventKind.TRADE, taker, other=maker, price=price, quantity=quantity)
            book.last = price
            for orders in (buys, sells):
                orders[0].take(quantity)
                if not orders[0].open:
                    self._remove(book, orders.pop(0))

    def _release(self, book: InstrumentBook, order: Order, price: int) -> None:
        """A market order after its auction: a limit order at `price` that keeps its arrival, or (0) cancelled."""
        if not price:
            self._drop(book, order, Reason.DROPPED)
            return
        book.remove(order)
        order.kind, order.price = LIMIT, price
        book.add(order)

    # Records

    def _arrive(self, order: Order) -> None:
        self._arrivals += 1
        order.arrival = self._arrivals

    def _keep(self, book: InstrumentBook, order: Order) -> Outcome:
        if not order.is_stop:
            order.show(order.open)
        book.add(order)
        self._live[order.order_id] = order
        return _standing(order)

    def _remove(self, book: InstrumentBook, order: Order) -> None:
        book.remove(order)
        del self._live[order.order_id]

    def _drop(self, book: InstrumentBook, order: Order, reason: Reason) -> None:
        """Take another's order out, and say so."""
        self._remove(book, order)
        kind = BookEventKind.EXPIRED if reason == Reason.EXPIRED else BookEventKind.CANCELLED
        self._emit(kind, order, quantity=order.open, reason=reason)

    def _emit(
        self,
        kind: BookEventKind,
        order: Order,
        *,
        quantity: int,
        other: Order | None = None,
        price: int = 0,
        reason: int = Reason.NONE,
    ) -> None:
        ids = order.order_id, other.order_id if other else 0
        event = BookEvent(kind, self._commands, order.instrument, order.side, *ids, price, quantity, reason)
        self._events.append(event)
