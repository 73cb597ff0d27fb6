"""Orders and reports for tests of the order manager: one instrument, times in seconds."""

from __future__ import annotations

from typing import Any

from tradsys.core.events import Approved, CancelRequested, Order, OrderType, Product, Side, Validity
from tradsys.core.venue import (
    Changed,
    CommandDeclined,
    Dealt,
    Declined,
    Ended,
    OrderRow,
    PlaceOrder,
    Taken,
    TradeRow,
    Undone,
    VenueState,
)
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.tags import tag_of
from tradsys.execution.venue_limits import SECOND, Patience, VenueLimits

RUN = "run"
NAME = "X:A"


def tracker(*, limits: VenueLimits | None = None, patience: Patience | None = None, up: bool = True) -> OrderTracker:
    """A tracker with its link up at 0."""
    made = OrderTracker(run=RUN, limits=limits or VenueLimits(jitter=0), patience=patience or Patience())
    if up:
        made.on_link(up=True, at=0)
    return made


def approved(number: int, *, side: Side = Side.BUY, quantity: int = 100, **fields: Any) -> Approved:
    """An approved limit order of `quantity`."""
    order = Order(
        at=0,
        order_id=number,
        strategy="s",
        instrument=fields.pop("instrument", NAME),
        side=side,
        quantity=quantity,
        type=OrderType.LIMIT,
        product=Product.MIS,
        validity=Validity.DAY,
        limit=50,
        **fields,
    )
    return Approved(at=0, order_id=number, order=order)


def seconds(count: float) -> int:
    """Nanoseconds."""
    return round(count * SECOND)


def tag(number: int) -> str:
    """The tag of an order."""
    return tag_of(RUN, number)


def placed(made: OrderTracker, number: int = 1, *, at: int = 0, reduces: bool = False, **fields: Any) -> PlaceOrder:
    """Submit an order and let it out."""
    made.submit(approved(number, **fields), reduces=reduces, at=at)
    (command,) = made.departing(at=at)
    assert type(command) is PlaceOrder
    return command


def taken(number: int = 1, *, venue_id: int = 0, quantity: int = 100) -> Taken:
    return Taken(at=1, tag=tag(number), venue_id=venue_id or 1000 + number, open=quantity)


def declined(number: int = 1, *, rule: str = "band") -> Declined:
    return Declined(at=1, tag=tag(number), rule=rule, value=1, limit=2)


def dealt(trade_id: int, quantity: int, number: int = 1, **fields: Any) -> Dealt:
    """A trade of an order of ours; fields replace what it would say."""
    said: dict[str, Any] = {
        "at": 2,
        "tag": tag(number),
        "venue_id": 1000 + number,
        "instrument": NAME,
        "side": Side.BUY,
        "product": Product.MIS,
        "price": 50,
    }
    return Dealt(trade_id=trade_id, quantity=quantity, **(said | fields))


def undone(trade_id: int, number: int = 1) -> Undone:
    return Undone(at=3, tag=tag(number), venue_id=1000 + number, trade_id=trade_id)


def ended(left: int, number: int = 1, *, state: VenueState = VenueState.CANCELLED) -> Ended:
    return Ended(at=3, tag=tag(number), venue_id=1000 + number, open=left, state=state, reason="asked")


def changed(left: int, limit: int, number: int = 1) -> Changed:
    return Changed(at=3, tag=tag(number), venue_id=1000 + number, open=left, limit=limit)


def command_declined(number: int = 1) -> CommandDeclined:
    return CommandDeclined(at=3, venue_id=1000 + number, rule="not_open", value="filled", limit="open")


def row(number: int = 1, *, state: VenueState = VenueState.OPEN, filled: int = 0, **fields: Any) -> OrderRow:
    """An order of ours as an answer has it."""
    open_ = 100 - filled if state is VenueState.OPEN else 0
    said: dict[str, Any] = {
        "tag": tag(number),
        "venue_id": 1000 + number,
        "instrument": NAME,
        "side": Side.BUY,
        "product": Product.MIS,
        "quantity": 100,
        "open": open_,
        "limit": 50,
        "at": 3,
    }
    return OrderRow(state=state, filled=filled, **(said | fields))


def trade_row(trade_id: int, quantity: int, number: int = 1) -> TradeRow:
    """A trade of an order of ours as an answer has it."""
    return TradeRow(
        trade_id=trade_id,
        tag=tag(number),
        venue_id=1000 + number,
        instrument=NAME,
        side=Side.BUY,
        product=Product.MIS,
        quantity=quantity,
        price=50,
        at=2,
    )


def cancel(number: int = 1) -> CancelRequested:
    return CancelRequested(at=0, order_id=number, reason="asked by its strategy")


def names(events: list[Any]) -> list[str]:
    """Kinds of events, in order."""
    return [type(event).__name__ for event in events]
