"""What of the shares held is delivered and what still settles: a fold over fills and corporate actions, exact, 1e-8.

The law, after every event: settled + awaiting + bought today - sold today == the quantity held.

Purchases and sales of one exchange date are netted at its end, as the clearing corporation does. What was bought net
settles with its date's cycle (`reference.settlement`) and counts as settled from the exchange date after pay-out, since
pay-out follows trading. What was sold net leaves the settled shares first, then those that await settlement, oldest
first. Bonus shares await settlement from their ex-date; a split's shares are there at once.

Not modelled: holidays of banks and depositories on trading days, shares pledged or lent, auctions of what fails.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

import msgspec

from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Fill, Order, Product
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import MINUTE
from tradsys.portfolio.currencies import CurrencyLedger
from tradsys.portfolio.ledger import Items, Key, Position, demand
from tradsys.portfolio.lots import carried
from tradsys.reference.calendar import calendar_for
from tradsys.reference.clock import local_date
from tradsys.reference.settlement import settlement_date

Settles = Callable[[Instrument, date], date]
"""The exchange date on which a trade of a date is paid out."""

_QUARTER_HOUR = 15 * MINUTE
"""Every zone's offset is a multiple of it, so that a date never changes within one."""


class Holding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Shares of one strategy and instrument in delivery at an instant, 1e-8. `settled` and `awaiting` are as the day
    began; `settled` is below 0 where more was delivered than was there."""

    strategy: str
    instrument: str
    settled: int
    awaiting: int
    bought_today: int
    sold_today: int

    @property
    def quantity(self) -> int:
        """What the position is."""
        return self.settled + self.awaiting + self.bought_today - self.sold_today

    @property
    def deliverable(self) -> int:
        """Settled shares that are not sold yet: 0 or more."""
        return max(self.settled - self.sold_today, 0)


class Shares(msgspec.Struct, kw_only=True):
    """The running state of one holding: `awaiting` are dates of trade, as ordinals, and quantities, oldest first."""

    day: int = 0
    settled: int = 0
    bought: int = 0
    sold: int = 0
    awaiting: list[tuple[int, int]] = []

    @property
    def quantity(self) -> int:
        """What is held in all."""
        return self.settled + sum(quantity for _, quantity in self.awaiting) + self.bought - self.sold

    def begin(self, day: date, settles: Callable[[date], date]) -> None:
        """Net the last day traded and settle what was paid out before `day`; an earlier day counts as the last one."""
        number = day.toordinal()
        if number <= self.day:
            return
        net = self.bought - self.sold
        self.bought = self.sold = 0
        if net > 0:
            self.awaiting.append((self.day, net))
        elif net < 0:
            self._deliver(-net)
        while self.awaiting and settles(date.fromordinal(self.awaiting[0][0])) < day:
            self.settled += self.awaiting.pop(0)[1]
        self.day = number

    def _deliver(self, quantity: int) -> None:
        """Let shares go: the settled ones, then those that await settlement; what is then missing is owed."""
        at_once = min(quantity, max(self.settled, 0))
        self.settled -= at_once
        quantity -= at_once
        while quantity and self.awaiting:
            day, there = self.awaiting.pop(0)
            if there > quantity:
                self.awaiting.insert(0, (day, there - quantity))
            quantity -= min(there, quantity)
        self.settled -= quantity

    def carry(self, action: CorporateAction, instrument: Instrument) -> None:
        """Carry what is held over a split or bonus, to the quantity that the ledger carries it to."""
        total = carried(self.quantity, action, instrument)
        if action.kind is ActionKind.BONUS and total > self.quantity:
            self.bought += total - self.quantity
            return
        # On the lot grid each, so that what the roundings leave is with the settled ones.
        self.awaiting = [(day, carried(quantity, action, instrument)) for day, quantity in self.awaiting]
        self.bought, self.sold = (carried(each, action, instrument) for each in (self.bought, self.sold))
        self.settled += total - self.quantity


def paid_out(instrument: Instrument, traded: date) -> date:
    """The exchange date on which a share's trades of a date are paid out. Raises `UnknownName` for an exchange without
    a calendar or a settlement cycle, `UncoveredDate`."""
    return _paid_out(instrument.exchange, traded)


@cache
def _paid_out(exchange: str, traded: date) -> date:
    return settlement_date(exchange, calendar_for(exchange, Segment.EQUITY), traded=traded)


class Holdings:
    """Delivery holdings by strategy and instrument. `zone` is the exchange's: it says where a day ends."""

    def __init__(self, *, zone: str, settles: Settles = paid_out) -> None:
        self.shares: dict[Key, Shares] = {}
        self._zone = zone
        self._settles = settles
        self._quarter = -1
        self._date = date.min

    def fill(self, fill: Fill, instrument: Instrument) -> None:
        """Take a fill; one that is not of shares in delivery changes nothing. A trade undone is its opposite fill."""
        if not settles_later(instrument, fill.product):
            return
        shares = self._begun((fill.strategy, fill.instrument, fill.product), instrument, fill.exchange_at)
        if fill.side > 0:
            shares.bought += fill.quantity
        else:
            shares.sold += fill.quantity

    def apply(self, action: CorporateAction, instrument: Instrument) -> None:
        """Carry every holding of the instrument over a split or bonus."""
        if action.kind is ActionKind.DIVIDEND:
            return
        for key in list(self.shares):
            if key[1] == action.instrument:
                self._begun(key, instrument, action.at).carry(action, instrument)

    def at(self, key: Key, instrument: Instrument, at: int) -> Holding:
        """A holding at an instant (UTC nanoseconds), which the days before are over at."""
        shares = self._begun(key, instrument, at)
        return Holding(
            strategy=key[0],
            instrument=key[1],
            settled=shares.settled,
            awaiting=sum(quantity for _, quantity in shares.awaiting),
            bought_today=shares.bought,
            sold_today=shares.sold,
        )

    def _begun(self, key: Key, instrument: Instrument, at: int) -> Shares:
        shares = self.shares.get(key)
        if shares is None:
            shares = self.shares[key] = Shares()
        shares.begin(self._day(at), lambda traded: self._settles(instrument, traded))
        return shares

    def _day(self, at: int) -> date:
        quarter = at // _QUARTER_HOUR
        if quarter != self._quarter:
            self._quarter, self._date = quarter, local_date(at, self._zone)
        return self._date


def settles_later(instrument: Instrument, product: Product) -> bool:
    """Whether trades are delivered by a settlement cycle: shares in delivery. Spot venues deliver at the trade."""
    return product is Product.CNC and instrument.segment is Segment.EQUITY


class HoldingsLedger(CurrencyLedger):
    """A ledger that also knows what of its shares is settled, in any currency."""

    def __init__(self, cash: int, currency: str, *, zone: str) -> None:
        super().__init__(cash, currency)
        self.holdings = Holdings(zone=zone)

    def book(self, fill: Fill, charges: int, items: Items, position: Position) -> None:
        """Take a fill, as `Ledger.book`. Raises `UnknownName` for shares of an exchange without a settlement cycle."""
        super().book(fill, charges, items, position)
        self.holdings.fill(fill, position.instrument)

    def apply(self, action: CorporateAction, *, price: int) -> list[CashMoved]:
        """Carry every holder over an ex-date, as `Ledger.apply`."""
        instruments = [held.instrument for held in self.holders(action.instrument)]
        moves = super().apply(action, price=price)
        for instrument in instruments[:1]:
            self.holdings.apply(action, instrument)
        return moves

    def deliverable(self, order: Order, instrument: Instrument) -> int:
        """What of the position of an order in delivery may be delivered when it is made, 1e-8."""
        return self.holdings.at((order.strategy, order.instrument, order.product), instrument, order.at).deliverable

    def check(self) -> None:
        """Raise `InvariantBroken` unless every law of the ledger holds."""
        super().check()
        for key, held in self.positions.items():
            if settles_later(held.instrument, held.product):
                shares = self.holdings.shares[key]
                demand(f"holdings of {held.instrument.id}", found=shares.quantity, expected=held.quantity)
