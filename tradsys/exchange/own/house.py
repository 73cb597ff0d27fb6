"""Somebody to trade with: a ladder of quotes on both sides of a price that walks, or is told.

Deterministic: the same terms and the same instants give the same quotes. Not modelled: that it learns from those who
trade with it (`tradsys.exchange.agents` does).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.instruments import Instrument
from tradsys.core.matching import BookPhase, BookSide
from tradsys.core.units import MILLISECOND, SECOND, Rounding, divide
from tradsys.exchange.admission import Entry
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.bands import WHOLE
from tradsys.exchange.clearing.records import AccountKind, AccountOpened, Trade
from tradsys.exchange.marketplace.records import OrderRefused
from tradsys.exchange.own.venue import Venue


class HouseTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How the house quotes. `account` is a number that no trader has; `prices` (1e-8) say where each instrument starts,
    those without one are not quoted.

    `interval` nanoseconds a step of the walk, of up to `step` ticks either way (0: it stays where it is told), never
    further than `range` basis points from where it was put; `spread` ticks from the price to the best quote on each
    side, `levels` ticks deep with `lots` each; `refill` nanoseconds until what was taken is quoted again.
    """

    account: int
    seed: int
    prices: Mapping[str, int]
    interval: int = SECOND
    step: int = 1
    range: int = 300
    spread: int = 1
    levels: int = 3
    lots: int = 100
    refill: int = 100 * MILLISECOND

    def __post_init__(self) -> None:
        for name in ("interval", "levels", "lots", "refill", "spread"):
            if getattr(self, name) < 1:
                raise ConfigError(f"the house's {name} must be positive", value=getattr(self, name), limit=">= 1")


class Quote(NamedTuple):
    """One order of the house: a side and a price in ticks."""

    side: BookSide
    tick: int


class _Ladder:
    """The house in one instrument. Prices here are ticks; `told` (1e-8) is one that it is to go to."""

    def __init__(self, instrument: Instrument, draws: Draws, *, told: int) -> None:
        self.instrument = instrument
        self.draws = draws
        self.told = told
        self.price = self.centre = 0
        self.due = 0
        self.orders: dict[Quote, int] = {}
        self.taken: set[Quote] = set()


class _Resting:
    """One order of the house and what is left of it, 1e-8."""

    __slots__ = ("ladder", "left", "quote")

    def __init__(self, ladder: _Ladder, quote: Quote, *, left: int) -> None:
        self.ladder = ladder
        self.quote = quote
        self.left = left


class House:
    """Quotes of one unlimited account. Raises `ConfigError` for an account that is a trader's."""

    def __init__(self, venue: Venue, terms: HouseTerms) -> None:
        self._venue = venue
        self._terms = terms
        self._resting: dict[int, _Resting] = {}
        self._ladders: dict[str, _Ladder] = {}
        exchange = venue.exchange
        if exchange.tell(AccountOpened(account=terms.account, kind=AccountKind.UNLIMITED)):
            raise ConfigError("the house needs an account of its own", value=terms.account, fix="give another number")
        for stream, instrument in enumerate(exchange.instruments):
            if instrument.id in terms.prices:
                draws, told = Draws(terms.seed, stream=stream), terms.prices[instrument.id]
                self._ladders[instrument.id] = _Ladder(instrument, draws, told=told)
        venue.strangers = self._hear

    @property
    def next_at(self) -> int | None:
        """When it looks at its quotes next; None where it quotes nothing."""
        return min((ladder.due for ladder in self._ladders.values()), default=None)

    def mark(self, instrument: str, price: int) -> None:
        """Put the price (1e-8) of an instrument somewhere; it is quoted there as soon as time passes.

        Raises `KeyError` for an instrument that is not quoted.
        """
        ladder = self._ladders[instrument]
        ladder.told = price
        ladder.due = 0

    def act(self, at: int) -> None:
        """Everything due by an instant, once."""
        for ladder in self._ladders.values():
            if ladder.due <= at:
                self._requote(ladder, at)

    def _requote(self, ladder: _Ladder, at: int) -> None:
        ladder.due = at + self._terms.interval
        if not self._open(ladder.instrument.id):
            ladder.due = max(ladder.due, self._venue.exchange.next_at or 0)
            return
        self._walk(ladder, at)
        wanted = self._wanted(ladder)
        for quote in [each for each in ladder.orders if each not in wanted or each in ladder.taken]:
            self._venue.withdraw(ladder.orders[quote], account=self._terms.account, at=at)
        ladder.taken.clear()
        for quote in [each for each in wanted if each not in ladder.orders]:
            self._enter(ladder, quote, at)

    def _open(self, instrument: str) -> bool:
        try:
            return self._venue.exchange.phase(instrument) == BookPhase.CONTINUOUS
        except KeyError:
            return False

    def _walk(self, ladder: _Ladder, at: int) -> None:
        step = self._terms.step
        if ladder.told:
            ladder.price = ladder.centre = divide(ladder.told, ladder.instrument.tick_at(at), Rounding.NEAREST)
            ladder.told = 0
        elif step:
            most = ladder.centre * self._terms.range // WHOLE
            price = ladder.price + ladder.draws.below(2 * step + 1) - step
            ladder.price = min(max(price, ladder.centre - most), ladder.centre + most)

    def _wanted(self, ladder: _Ladder) -> dict[Quote, None]:
        """In the order in which they enter: the best first, bids before asks."""
        away = range(self._terms.spread, self._terms.spread + self._terms.levels)
        bids = (Quote(BookSide.BUY, ladder.price - each) for each in away if ladder.price > each)
        asks = (Quote(BookSide.SELL, ladder.price + each) for each in away)
        return dict.fromkeys([*bids, *asks])

    def _enter(self, ladder: _Ladder, quote: Quote, at: int) -> None:
        number, instrument = self._venue.number(), ladder.instrument
        quantity = self._terms.lots * instrument.lot_at(at)
        self._resting[number] = _Resting(ladder, quote, left=quantity)
        ladder.orders[quote] = number
        entry = Entry(
            order_id=number,
            instrument=instrument.id,
            side=quote.side,
            quantity=quantity,
            price=quote.tick * instrument.tick_at(at),
            account=self._terms.account,
        )
        if isinstance(self._venue.enter(entry, at=at)[-1], OrderRefused):
            self._forget(number)

    def _hear(self, order_id: int, trade: Trade | None) -> None:
        """An order of the house traded, or is gone; what was taken is quoted again a little later."""
        resting = self._resting.get(order_id)
        if resting is None:
            return
        if trade is None:
            self._forget(order_id)
            return
        ladder = resting.ladder
        ladder.taken.add(resting.quote)
        ladder.due = min(ladder.due, self._venue.exchange.now + self._terms.refill)
        resting.left -= trade.quantity
        if not resting.left:
            self._forget(order_id)

    def _forget(self, order_id: int) -> None:
        resting = self._resting.pop(order_id)
        del resting.ladder.orders[resting.quote]
