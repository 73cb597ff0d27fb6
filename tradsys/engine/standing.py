"""What the account can still afford: cash less what positions and working orders have claimed. Exact, 1e-8."""

from __future__ import annotations

from collections.abc import Callable

from tradsys.core.events import Order, Product
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Check, Claim
from tradsys.core.units import SCALE
from tradsys.engine.markets import Market
from tradsys.engine.runner import mark_open
from tradsys.portfolio.ledger import Ledger, Position
from tradsys.risk.checks import LEVERAGED, PRODUCTS, has_product

MarginRate = Callable[[Instrument, Product, int], int]
"""Instrument, product, instant → margin as a fraction of notional, in 1e-8."""

_OPTION = Segment.OPTION


class Route:
    """The way of one strategy's orders of one instrument, product and side, found once an order.

    It leads to the market, the position and the checks that can ever refuse such an order. `offered` is what live
    orders on it offer to trade (1e-8), so that what closes a position closes it once.
    """

    __slots__ = ("checks", "instrument", "leveraged", "market", "offered", "position")

    def __init__(self, market: Market, position: Position, checks: tuple[Check, ...]) -> None:
        self.market = market
        self.instrument = market.instrument
        self.position = position
        self.checks = checks
        self.leveraged = position.product in LEVERAGED
        self.offered = 0


class AccountStanding:
    """Answers the gate's checks from the ledger. Owns the cash that working orders have claimed, `reserved`; it
    `borrows` from the first leveraged claim on."""

    __slots__ = ("_ledger", "_margin_rate", "_markets", "borrows", "reserved")

    def __init__(self, ledger: Ledger, markets: dict[str, Market], margin_rate: MarginRate) -> None:
        self._ledger = ledger
        self._markets = markets
        self._margin_rate = margin_rate
        self.borrows = False
        self.reserved = 0

    def free_cash(self) -> int:
        """Cash not reserved; leveraged positions give back what they were lent and keep their margin."""
        free = self._ledger.cash - self.reserved
        if self.borrows:
            mark_open(self._ledger, self._markets)
            for held in self._ledger.open_positions.values():
                if held.product in LEVERAGED:
                    free += self._lent(held)
        return free

    def claim(self, order: Order, route: Route) -> Claim:
        """What an order means for the account at the last price: checks judge it, and its reservation follows it."""
        price = route.market.price
        held, offered = route.position.quantity, route.offered
        side, opening = order.side, order.quantity
        if held * side < 0:
            closable = abs(held) - offered
            if closable > 0:
                opening = opening - closable if opening > closable else 0
        if opening == 0 or order.parent:
            needed = 0
        elif route.leveraged:
            self.borrows = True
            needed = self._margined(order, route.instrument, opening, price)
        elif side > 0:
            needed = _paid(order, route.instrument, opening, price)
        else:
            needed = 0
        return Claim(price, held, offered, opening, needed)

    def _margined(self, order: Order, instrument: Instrument, opening: int, price: int) -> int:
        """A bought option is paid for; everything else leveraged claims its margin. A product that the segment does not
        have has no margin: the gate refuses it."""
        if order.product not in PRODUCTS.get(instrument.segment, ()) and not has_product(instrument, order.product):
            return 0
        if instrument.segment is _OPTION and order.side > 0:
            return _paid(order, instrument, opening, price)
        return self._margin(instrument, order.product, opening, price=_worst(order, price), on=order.at)

    def _margin(self, instrument: Instrument, product: Product, quantity: int, *, price: int, on: int) -> int:
        """rate × notional; a short option's notional is that of its strike, plus the premium."""
        rate = self._margin_rate(instrument, product, on)
        base = price if instrument.strike is None else instrument.strike
        margin = -(-base * quantity * instrument.multiplier * rate // SCALE**2)
        return margin + (price * quantity // SCALE if instrument.strike is not None else 0)

    def _lent(self, held: Position) -> int:
        """Value that a leveraged position lends back to free cash, less the margin it must keep."""
        instrument = held.instrument
        price = self._ledger.marks[instrument.id]
        value = held.value(price)
        if instrument.segment is _OPTION and held.quantity > 0:
            return 0
        worth = value if held.paid_in_full else value - held.cost
        market = self._markets[instrument.id]
        # Where ticks trade before the first bar has ended, the last of them tells the day.
        heard = market.bar or market.tick
        on = heard.at if heard is not None else 0
        return worth - self._margin(instrument, held.product, abs(held.quantity), price=price, on=on)


def _paid(order: Order, instrument: Instrument, opening: int, price: int) -> int:
    """The cash a purchase claims, at its limit or the last price."""
    return -(-_worst(order, price) * opening * instrument.multiplier // SCALE)


def _worst(order: Order, price: int) -> int:
    """The price a claim is worked out at: the limit, or the trigger where that is above the last price."""
    return order.limit or (price if price > order.trigger else order.trigger)
