"""The log of a run, backtest or live, as events: our own orders, and what became of them.

A strategy is an account. The log has no orders of others: use a market that is not `whole`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradsys.compliance.surveillance.events import (
    AnyEvent,
    Cancelled,
    Entered,
    Rejected,
    Session,
    Traded,
)
from tradsys.core.events import Approved as ApprovedOrder
from tradsys.core.events import Cancelled as CancelledOrder
from tradsys.core.events import (
    Entry,
    Expired,
    Fill,
    Order,
    Phase,
    Side,
    Stray,
    StrayKind,
)
from tradsys.core.events import Rejected as RejectedOrder
from tradsys.reference.calendar import Calendar


def events_of_run(entries: Iterable[Entry], calendars: dict[str, Calendar]) -> Iterator[AnyEvent]:
    """Entries of a decision log as events, in order of time. `calendars`, by instrument, say when each session ends.

    An order counts as entered when the gate lets it go: what the venue then says of it follows. Orders that our own
    rules refused never were a message. A fill is a trade with nobody named on the other side, unless both sides are
    ours: fills of two of our orders at one instant, price and quantity, on opposite sides, are one trade. Times that go
    back (a fill learned of late) count as now.

    Not modelled: replacements (a run withdraws and enters again); the market's own trades, which the log does not have.
    """
    return _Log(calendars).events(entries)


class _Log:
    def __init__(self, calendars: dict[str, Calendar]) -> None:
        self._calendars = calendars
        self._orders: dict[int, Order] = {}
        self._ends: dict[str, int] = {}
        self._at = 0
        self._trades = 0
        self._fills: list[Fill] = []

    def events(self, entries: Iterable[Entry]) -> Iterator[AnyEvent]:
        """Everything; fills wait until the next instant, for the other side of theirs."""
        for entry in entries:
            if self._fills and entry.at > self._at:
                yield from self._settled()
            self._at = max(self._at, entry.at)
            body = entry.body
            if isinstance(body, Stray):
                body = body.fill if body.kind is not StrayKind.BUST else body
            if isinstance(body, Fill):
                self._fills.append(body)
            else:
                yield from self._settled()
                yield from self._event(body)
        yield from self._settled()

    def _event(self, body: object) -> Iterator[AnyEvent]:
        if isinstance(body, ApprovedOrder):
            yield from self._approved(body.order)
        elif isinstance(body, RejectedOrder | CancelledOrder | Expired):
            order = self._orders.pop(body.order_id, None)
            if order is not None:
                yield self._ended(body, order)

    def _approved(self, order: Order) -> Iterator[AnyEvent]:
        yield from self._session(order.instrument)
        self._orders[order.order_id] = order
        yield Entered(
            at=self._at,
            instrument=order.instrument,
            account=order.strategy,
            order_id=order.order_id,
            side=int(order.side),
            price=order.limit,
            quantity=order.quantity,
        )

    def _session(self, instrument: str) -> Iterator[AnyEvent]:
        """The session an instant is in, said once."""
        calendar = self._calendars.get(instrument)
        if calendar is None or self._at < self._ends.get(instrument, 0):
            return
        session = calendar.session_at(self._at)
        if session is not None:
            self._ends[instrument] = session.end
            yield Session(at=self._at, instrument=instrument, phase=Phase.OPEN, closes_at=session.end)

    def _ended(self, body: RejectedOrder | CancelledOrder | Expired, order: Order) -> AnyEvent:
        if isinstance(body, RejectedOrder):
            return Rejected(at=self._at, instrument=order.instrument, account=order.strategy, order_id=order.order_id)
        return Cancelled(
            at=self._at,
            instrument=order.instrument,
            account=order.strategy,
            order_id=order.order_id,
            by_owner=isinstance(body, CancelledOrder),
        )

    def _settled(self) -> Iterator[Traded]:
        """The fills of one instant as trades."""
        fills, self._fills = self._fills, []
        while fills:
            fill = fills.pop(0)
            other = next((each for each in fills if _are_one_trade(fill, each)), None)
            if other is not None:
                fills.remove(other)
            yield self._trade(fill, other)

    def _trade(self, fill: Fill, other: Fill | None) -> Traded:
        self._trades += 1
        buy, sell = (fill, other) if fill.side is Side.BUY else (other, fill)
        taker = 0 if fill.maker == (other.maker if other else False) and other else (-1 if fill.maker else 1)
        return Traded(
            at=self._at,
            instrument=fill.instrument,
            trade_id=self._trades,
            side=taker * int(fill.side),
            price=fill.price,
            quantity=fill.quantity,
            buyer=buy.strategy if buy else "",
            seller=sell.strategy if sell else "",
            buy_order=buy.order_id if buy else 0,
            sell_order=sell.order_id if sell else 0,
        )


def _are_one_trade(one: Fill, other: Fill) -> bool:
    """Whether two fills are the sides of one trade: all but the side is alike."""
    return (
        one.side != other.side
        and one.instrument == other.instrument
        and one.exchange_at == other.exchange_at
        and one.price == other.price
        and one.quantity == other.quantity
        and one.maker != other.maker
    )
