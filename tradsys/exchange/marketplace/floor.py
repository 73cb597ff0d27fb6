"""One instrument on one day of the exchange: its phases, band, guards and price protection, and the worst price of an
order in it. Prices here are ticks, quantities lots."""

from __future__ import annotations

from datetime import date

from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import MAX_PRICE, BookPhase, Kind
from tradsys.core.units import Rounding, divide
from tradsys.exchange.admission import Listing, listed_freeze, listed_least_display
from tradsys.exchange.bands import DynamicBand, Party
from tradsys.exchange.halts import VolatilityGuards
from tradsys.exchange.limit_protection import LimitProtection
from tradsys.exchange.marketplace.records import TradedInstrument
from tradsys.exchange.sessions import InstrumentDay, market_of, open_day, underlying_kind
from tradsys.exchange.timeline import Halt, Timeline, reopening, trades_freely
from tradsys.reference.market_rules import protection_rule, volatility_rules
from tradsys.reference.phases import day_bounds
from tradsys.reference.ticks import PARENT_EXCHANGE

_LIMITED = frozenset({Kind.LIMIT, Kind.STOP_LIMIT})
_DERIVATIVES = frozenset({Segment.FUTURE, Segment.OPTION})


class Floor:
    """Where one instrument trades on one day. `low`, `high` are the band, `last` its last trade on any day (0: none).

    Raises as `sessions.open_day`.
    """

    def __init__(
        self,
        traded: TradedInstrument,
        on: date,
        *,
        number: int,
        previous_close: int,
        seed: int,
        before: Floor | None = None,
    ) -> None:
        instrument = traded.instrument
        self.instrument = instrument
        self.market = market_of(instrument)
        self.number = number
        self._seed = seed
        self._on = on
        opens = day_start(instrument, on)
        self.tick, self.lot = instrument.tick_at(opens), instrument.lot_at(opens)
        self.previous_close = max(divide(previous_close, self.tick, Rounding.NEAREST), 1)
        self.day: InstrumentDay = open_day(
            instrument,
            on,
            number=number,
            previous_close=self.previous_close,
            seed=seed,
            band=traded.band,
            halted=None if before is None else before.day.carried,
        )
        self.phase = BookPhase.CLOSED
        self.low = self.high = 0
        self.last: int = 0 if before is None else before.last
        self._traded = False
        rules = volatility_rules(self.market.exchange, on)
        self._guards = VolatilityGuards(rules, previous_close=self.previous_close) if rules else None
        self.protection = self._protection(on)

    def _protection(self, on: date) -> LimitProtection | None:
        instrument = self.instrument
        if instrument.segment not in _DERIVATIVES:
            return None
        contract = f"{underlying_kind(instrument)} {instrument.segment}"
        exchange = PARENT_EXCHANGE.get(instrument.exchange, instrument.exchange)
        rule = protection_rule(exchange, on, contract=contract)
        if rule is None:
            return None
        opens = next((phase.start for phase in self.day.timeline if trades_freely(phase)), self.day.timeline[0].start)
        return LimitProtection(rule, reference=self.previous_close, tick=self.tick, opens=opens)

    def listing(self) -> Listing:
        """What admission needs to know."""
        freeze = listed_freeze(self.instrument, self._on) if self.instrument.segment in _DERIVATIVES else None
        return Listing(
            instrument=self.instrument,
            number=self.number,
            freeze=freeze,
            protection=self.protection,
            least_display=listed_least_display(self.instrument, self._on),
        )

    @property
    def close(self) -> int:
        """Closing price of the day so far: the day's own, else the last trade, else the previous close."""
        return self.day.close or (self.last if self._traded else self.previous_close)

    def on_trade(self, at: int, *, price: int, quantity: int, buyer: Party, seller: Party) -> Halt | None:
        """A trade of the book; the halt that it causes, if any."""
        self.last, self._traded = price, True
        self.day.on_trade(at, price=price, quantity=quantity)
        if isinstance(self.day.band, DynamicBand):
            self.day.band.on_trade(at, price=price, buyer=buyer, seller=seller)
        if self.protection is not None:
            self.protection.on_trade(at, price=price)
        return None if self._guards is None else self._guards.on_trade(at, price=price, quantity=quantity)

    def interrupt(self, halt: Halt) -> bool:
        """Cut a halt into the day; whether it changes anything."""
        return self.day.interrupt(halt, self._reopening)

    def _reopening(self, start: int) -> Timeline:
        return reopening(self.market, self._on, start=start, seed=self._seed)

    def worst(self, kind: int, *, side: int, price: int, reference: int) -> int:
        """The worst price (ticks) that an order can trade at; 0 where nothing bounds it.

        `price` is its limit or protection, `reference` what a protection is counted from (0: the book will refuse it).
        """
        if kind in _LIMITED:
            return price
        edge = self.low if side else self.high
        if kind != Kind.PROTECTED:
            return edge
        bound = min(max(reference - price if side else reference + price, 1), MAX_PRICE)
        return min(max(bound, self.low), self.high or MAX_PRICE)


def day_start(instrument: Instrument, on: date) -> int:
    """When a day begins where the instrument trades, UTC nanoseconds."""
    return day_bounds(market_of(instrument).exchange, on)[0]
