"""When and where one working order trades inside one bar. Pure: an order, a bar and the models in, a price out.

The path inside a bar is unknown, so it is taken against us: stops before targets, no better price than asked for
unless the bar opened there, a limit filled only when the price traded through it.
"""

from __future__ import annotations

import msgspec

from tradsys.core.events import Order, OrderType, Side
from tradsys.core.order_terms import stated
from tradsys.exchange.models import ExactBar, Slippage

# Members are bound once: on Python 3.11 an attribute look-up on an enumeration costs a hundred nanoseconds.
_MARKET, _LIMIT = OrderType.MARKET, OrderType.LIMIT
_STOP_LIMIT, _TRAILING = OrderType.STOP_LIMIT, OrderType.TRAILING


class WorkingOrder(msgspec.Struct, eq=False, gc=False):
    """An order at the simulated venue: what is left of it, since when it is there, and what it has seen. One that
    `closes` may only take what its strategy holds."""

    order: Order
    since: int
    remaining: int
    closes: bool
    filled: int = 0
    triggered: bool = False
    extreme: int = 0
    entered_inside: bool = False

    @property
    def unfilled(self) -> int:
        """Of the quantity ordered; more than `remaining` where a twin or a part-filled entry took some away."""
        return self.order.quantity - self.filled


def unfit(order: Order) -> str:
    """Why a venue on bars does not take an order: what it asks is decided by quotes, of which bars say nothing."""
    terms = stated(order.terms)
    if terms.post_only:
        return "post-only: bars do not tell what it would meet"
    return "display: bars do not tell who stands in the queue" if terms.display else ""


def is_passive(order: Order, bar: ExactBar, *, since: int) -> bool:
    """Whether a limit order rested at its price; one that was marketable when it came took liquidity."""
    first = bar.open if since <= bar.start else bar.close
    return order.type is _LIMIT and (order.limit - first) * order.side <= 0


def limit_price(side: Side, limit: int, bar: ExactBar, *, since: int, slippage: Slippage, tick: int) -> int | None:
    """A limit marketable at the open trades there (slipped, never beyond the limit); otherwise at the limit, and only
    when the bar traded through it."""
    first = bar.open if since <= bar.start else bar.close
    if (limit - first) * side > 0:
        worse = slippage.worsen(first, side=side, tick=tick)
        return min(worse, limit) if side > 0 else max(worse, limit)
    if since > bar.start:
        return None
    through = bar.low < limit if side > 0 else bar.high > limit
    return limit if through else None


def stop_reached(side: Side, trigger: int, bar: ExactBar) -> bool:
    """Whether the bar touched a stop: a buy stop from below, a sell stop from above."""
    return bar.high >= trigger if side > 0 else bar.low <= trigger


def stop_price(side: Side, *, trigger: int, first: int, slippage: Slippage, tick: int) -> int:
    """The worse of the trigger and the first price the order could see, slipped."""
    return slippage.worsen(max(trigger, first) if side > 0 else min(trigger, first), side=side, tick=tick)


def first_seen(working: WorkingOrder, bar: ExactBar) -> int:
    """The open for an order that was there; the close for one that came later. One born of an entry inside the bar saw
    some price of it, and a stop beyond them all is at once reached at the nearest."""
    if working.since <= bar.start:
        return bar.open
    if working.entered_inside:
        return bar.low if working.order.side > 0 else bar.high
    return bar.close


def trailing_trigger(working: WorkingOrder) -> int:
    """The level a trailing stop stands at: the extreme before this bar, less the trail."""
    return working.extreme + working.order.side * working.order.trail


def follow(working: WorkingOrder, bar: ExactBar) -> None:
    """Move a trailing stop's extreme with a bar that did not trigger it."""
    if working.order.side > 0:
        working.extreme = min(working.extreme, bar.low)
    else:
        working.extreme = max(working.extreme, bar.high)


def fill_price(working: WorkingOrder, bar: ExactBar, slippage: Slippage, tick: int) -> int | None:
    """The price this order trades at in this bar, or None. Sets `triggered` when a stop is touched."""
    order, side = working.order, working.order.side
    kind = order.type
    if kind is _MARKET or (working.triggered and kind is not _STOP_LIMIT):
        first = bar.open if working.since <= bar.start else bar.close
        return slippage.worsen(first, side=side, tick=tick)
    if kind is _LIMIT or working.triggered:
        if working.entered_inside and working.since > bar.start:
            return None
        return limit_price(side, order.limit, bar, since=working.since, slippage=slippage, tick=tick)
    trigger = trailing_trigger(working) if kind is _TRAILING else order.trigger
    if not _stop_in_view(working, bar, trigger):
        return None
    working.triggered = True
    price = stop_price(side, trigger=trigger, first=first_seen(working, bar), slippage=slippage, tick=tick)
    if kind is _STOP_LIMIT and (price - order.limit) * side > 0:
        within = (trigger - order.limit) * side <= 0 and not (working.since <= bar.start and _beyond(order, bar))
        return order.limit if within else None
    return price


def _beyond(order: Order, bar: ExactBar) -> bool:
    """Whether the bar opened beyond a stop-limit's limit: it then rests."""
    return (bar.open - order.limit) * order.side > 0


def _stop_in_view(working: WorkingOrder, bar: ExactBar, trigger: int) -> bool:
    """A stop that arrived inside a bar sees only the close, but one born of an entry inside the bar is assumed hit."""
    if working.since <= bar.start or working.entered_inside:
        return stop_reached(working.order.side, trigger, bar)
    return (bar.close - trigger) * working.order.side >= 0


def banded(limits: tuple[int, int], order: Order, price: int, bar: ExactBar) -> int | None:
    """No buyer trades in a bar locked at the upper limit, no seller in one locked at the lower.

    A bar that lies outside the limits says that they were not the exchange's, as after a split that the run does not
    know of: no limit then.
    """
    low, high = limits
    if bar.low > high or bar.high < low:
        return price
    if (bar.low >= high) if order.side > 0 else (bar.high <= low):
        return None
    inside = min(max(price, low), high)
    return None if order.limit and (order.limit - inside) * order.side < 0 else inside
