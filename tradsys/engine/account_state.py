"""The account as its monitor sees it: worth, margin, exposures, and what closing each position would free and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tradsys.core.events import OrderType
from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE, from_float
from tradsys.engine.markets import Market
from tradsys.engine.order_desk import LiveOrder
from tradsys.engine.standing import MarginRate
from tradsys.portfolio.ledger import Ledger, Position
from tradsys.risk.checks import LEVERAGED
from tradsys.risk.commitments import exposure
from tradsys.risk.monitoring.account import Exposure


class Holdings:
    """Reads positions at their marks: whoever asks has brought these to the last prices."""

    def __init__(self, ledger: Ledger, markets: Mapping[str, Market], margin_rate: MarginRate) -> None:
        self._ledger = ledger
        self._markets = markets
        self._margin_rate = margin_rate

    def margin(self, held: Position) -> int:
        """What a position must keep, money 1e-8: as `AccountStanding` counts it."""
        instrument = held.instrument
        if not self._borrows(held):
            return 0
        price, size = self._ledger.marks[instrument.id], abs(held.quantity)
        market = self._markets[instrument.id]
        heard = market.bar or market.tick
        rate = self._margin_rate(instrument, held.product, heard.at if heard is not None else 0)
        base = price if instrument.strike is None else instrument.strike
        margin = -(-base * size * instrument.multiplier * rate // SCALE**2)
        return margin + (price * size // SCALE if instrument.strike is not None else 0)

    def size(self, held: Position) -> int:
        """What a position is worth as risk, money 1e-8: a written option counts its strike."""
        units, price = held.quantity, self._ledger.marks[held.instrument.id]
        return exposure(held.instrument, side=units, quantity=abs(units), price=price)

    def funds(self) -> int:
        """What covers margin, money 1e-8: cash, and what leveraged positions are worth beside it."""
        found = self._ledger.cash
        for held in self._ledger.open_positions.values():
            if self._borrows(held):
                value = held.value(self._ledger.marks[held.instrument.id])
                found += value if held.paid_in_full else value - held.cost
        return found

    def exposures(self) -> tuple[Exposure, ...]:
        """By instrument, in the order in which they were opened."""
        found: dict[str, list[int]] = {}
        for held in self._ledger.open_positions.values():
            sums = found.setdefault(held.instrument.id, [0, 0])
            size = self.size(held)
            sums[0] += size
            sums[1] += size if held.quantity > 0 else -size
        return tuple(Exposure(instrument=name, gross=gross, net=net) for name, (gross, net) in found.items())

    def cost(self, held: Position) -> int:
        """What closing at market may cost beside charges, money 1e-8: half the spread where quotes are known, else half
        the range of the last bar, a unit."""
        market = self._markets[held.instrument.id]
        tick, bar = market.tick, market.bar
        if tick is not None and tick.ask > tick.bid > 0:
            width = from_float(tick.ask) - from_float(tick.bid)
        else:
            width = from_float(bar.high) - from_float(bar.low) if bar is not None else 0
        return width * abs(held.quantity) * held.instrument.multiplier // (2 * SCALE)

    @staticmethod
    def _borrows(held: Position) -> bool:
        """A bought option is paid for and keeps no margin."""
        bought = held.instrument.segment is Segment.OPTION and held.quantity > 0
        return held.product in LEVERAGED and not bought


def closes(live: LiveOrder) -> bool:
    """Whether an order closes at market, capped or not, what its strategy holds: it will be gone without our doing."""
    order = live.order
    held = -live.route.position.quantity * order.side
    at_market = order.type is OrderType.MARKET or order.capped is not msgspec.UNSET
    return at_market and not order.parent and 0 < live.remaining <= held


def opens(live: LiveOrder) -> bool:
    """Whether an order may open or enlarge a position: it asks for more than closes what its strategy holds."""
    return not live.order.parent and live.remaining > -live.route.position.quantity * live.order.side


def of_way(working: Mapping[int, LiveOrder], held: Position) -> Iterator[LiveOrder]:
    """The orders of a position's strategy in its instrument under its product."""
    return (each for each in working.values() if each.route.position is held)
