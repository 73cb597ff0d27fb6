"""What owners traded lately, and what stood on the other side of one of their orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tradsys.compliance.surveillance.events import AnyEvent, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import LiveOrder, Market
from tradsys.compliance.surveillance.windows import Active, Window


class OwnFill(NamedTuple):
    """One trade of an owner; `asked`: the quantity of the order that traded, as last asked for."""

    side: int
    quantity: int
    price: int
    order_id: int
    asked: int
    trade_id: int


class OwnFills:
    """Trades of each owner and instrument in the last `span` nanoseconds."""

    def __init__(self, groups: AccountGroups, *, span: int) -> None:
        self._groups = groups
        self._fills: Active[tuple[str, str], Window[OwnFill]] = Active(lambda: Window(span), span=span)

    def observe(self, event: AnyEvent, market: Market) -> None:
        """Keep a trade for both sides; other events are passed over."""
        if not isinstance(event, Traded):
            return
        for side, account, order_id in ((1, event.buyer, event.buy_order), (-1, event.seller, event.sell_order)):
            if account:
                order = market.order(order_id)
                asked = order.quantity if order is not None else event.quantity
                fill = OwnFill(side, event.quantity, event.price, order_id, asked, event.trade_id)
                self._fills.touch((self._groups.of(account), event.instrument), event.at).add(event.at, fill)

    def of(self, group: str, *, instrument: str, at: int) -> Window[OwnFill] | None:
        """The trades of one owner."""
        return self._fills.get((group, instrument), at)


class Opposite(NamedTuple):
    """What an owner did on the other side while an order stood: trades, their quantity, the last of them; `shown`: the
    quantity of the orders that traded and of those that still stand."""

    fills: int
    quantity: int
    last_at: int
    shown: int
    orders: tuple[int, ...]
    trades: tuple[int, ...]


def opposite_of(
    order: LiveOrder, fills: Window[OwnFill] | None, accounts: Sequence[str], market: Market, *, since: int = 0
) -> Opposite:
    """The other side of an order's owner since it was entered, or since an earlier instant."""
    begun = since or order.entered_at
    found = [(at, fill) for at, fill in fills.since(begun) if fill.side != order.side] if fills else []
    asked = {fill.order_id: fill.asked for _, fill in found}
    standing = market.open_of(accounts, instrument=order.instrument, side=-order.side)
    quantity = sum(fill.quantity for _, fill in found)
    return Opposite(
        fills=len(found),
        quantity=quantity,
        last_at=found[0][0] if found else 0,
        shown=max(sum(asked.values()), standing, 1),
        orders=tuple(asked),
        trades=tuple(fill.trade_id for _, fill in found),
    )
