"""What the account can still afford: cash less what positions and working orders have claimed. Exact, 1e-8."""

from __future__ import annotations

from collections.abc import Callable

from tradsys.core.events import Order, Product, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.engine.markets import Market
from tradsys.engine.runner import mark_open
from tradsys.portfolio.ledger import Ledger, Position

MarginRate = Callable[[Instrument, Product, int], int]
"""Instrument, product, instant → margin as a fraction of notional, in 1e-8."""

_LEVERAGED = (Product.MIS, Product.NRML)


class AccountStanding:
    """Answers the gate's checks from the ledger; owns the reservations of working orders and offers for sale."""

    __slots__ = ("_ledger", "_margin_rate", "_markets", "_offered", "reserved")

    def __init__(self, ledger: Ledger, markets: dict[str, Market], margin_rate: MarginRate) -> None:
        self._ledger = ledger
        self._markets = markets
        self._margin_rate = margin_rate
        self._offered: dict[tuple[str, str, Product], int] = {}
        self.reserved = 0

    def free_cash(self) -> int:
        """Cash not reserved; leveraged positions give back what they were lent and keep their margin."""
        free = self._ledger.cash - self.reserved
        leveraged = [held for held in self._ledger.open_positions.values() if held.product in _LEVERAGED]
        if leveraged:
            mark_open(self._ledger, self._markets)
            free += sum(self._lent(held) for held in leveraged)
        return free

    def sellable(self, order: Order) -> int:
        """Held by the order's strategy and not yet offered for sale."""
        key = (order.strategy, order.instrument, order.product)
        return self._ledger.position(*key) - self._offered.get(key, 0)

    def opening(self, order: Order) -> int:
        """The part of the order that goes beyond closing what is held."""
        held = self._ledger.position(order.strategy, order.instrument, order.product) * order.side
        return order.quantity if held >= 0 else max(order.quantity + held, 0)

    def needed(self, order: Order, instrument: Instrument, price: int) -> int:
        """Cash (paid in full) or margin (leveraged) the opening part claims, at the limit or the last price."""
        opening = self.opening(order)
        if opening == 0 or order.parent:
            return 0
        at = order.limit or price
        if order.product in _LEVERAGED and not self._long_option(order, instrument):
            return self._margin(instrument, order.product, opening, price=at, on=order.at)
        if order.side is Side.SELL:
            return 0
        return -(-at * opening * instrument.multiplier // SCALE)

    def reserve(self, amount: int) -> None:
        """Claim cash for a working order, or (negative) give it back."""
        self.reserved += amount

    def offer(self, order: Order, quantity: int) -> None:
        """Count shares as offered for sale, or (negative) no longer."""
        key = (order.strategy, order.instrument, order.product)
        self._offered[key] = self._offered.get(key, 0) + quantity

    @staticmethod
    def _long_option(order: Order, instrument: Instrument) -> bool:
        return instrument.segment is Segment.OPTION and order.side is Side.BUY

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
        if instrument.segment is Segment.OPTION and held.quantity > 0:
            return 0
        worth = value if held.paid_in_full else value - held.cost
        bar = self._markets[instrument.id].bar
        on = bar.at if bar is not None else 0
        return worth - self._margin(instrument, held.product, abs(held.quantity), price=price, on=on)
