"""Who moved the price: trades of a span with what each added to it, by owner and in all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tradsys.compliance.surveillance.events import Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import Market


class Move(NamedTuple):
    """A trade of a taker: `step` is the price less that of the trade before."""

    taker: str
    account: str
    side: int
    quantity: int
    price: int
    step: int
    order_id: int
    trade_id: int


def move_of(event: Traded, market: Market, groups: AccountGroups) -> Move:
    """The move that a trade makes; the market is as it was before. In an auction nobody takes."""
    last = market.state(event.instrument).last
    step = event.price - last if last else 0
    account, order_id = "", 0
    if event.side:
        account = event.buyer if event.side > 0 else event.seller
        order_id = event.buy_order if event.side > 0 else event.sell_order
    return Move(groups.of(account), account, event.side, event.quantity, event.price, step, order_id, event.trade_id)


def contribution(moves: Iterator[Move] | list[Move], taker: str, side: int) -> float:
    """The fraction of all steps towards a side that one taker made."""
    steps = [(move.taker, max(0, side * move.step)) for move in moves]
    total = sum(step for _, step in steps)
    return sum(step for owner, step in steps if owner == taker) / total if total else 0.0
