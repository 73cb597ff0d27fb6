"""All instruments of an exchange on one date: their floors, the checks before the book, the market-wide breaker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tradsys.core.errors import ConfigError
from tradsys.core.instruments import Segment
from tradsys.exchange.admission import Admission
from tradsys.exchange.halts import MarketWideBreaker
from tradsys.exchange.marketplace.floor import Floor, day_start
from tradsys.exchange.marketplace.records import TradedInstrument
from tradsys.reference.market_rules import breaker_levels

_BREAKERS = {"NSE": "india", "BSE": "india", "EGX": "egx"}


class Day:
    """One date. `listed` are the instruments in the order of their numbers in the book, `closes` the closes before
    (1e-8), `before` the floors of the day before, `indexes` the closes of the indexes that can halt all.

    A contract that has expired has no floor any more. Raises `ConfigError` for indexes on an exchange without a
    market-wide breaker, and as `sessions.open_day`.
    """

    def __init__(
        self,
        listed: Mapping[str, TradedInstrument],
        on: date,
        *,
        closes: Mapping[str, int],
        before: Mapping[str, Floor],
        indexes: Mapping[str, int],
        seed: int,
    ) -> None:
        self.date = on
        self.floors: dict[str, Floor] = {}
        for number, (name, traded) in enumerate(listed.items()):
            if _lives(traded, on):
                self.floors[name] = Floor(
                    traded, on, number=number, previous_close=closes[name], seed=seed, before=before.get(name)
                )
        self.by_number = {floor.number: floor for floor in self.floors.values()}
        self.admission = Admission(floor.listing() for floor in self.floors.values())
        self.breaker = self._breaker(indexes) if indexes else None

    def _breaker(self, indexes: Mapping[str, int]) -> MarketWideBreaker:
        floor = next(iter(self.floors.values()))
        exchange = floor.market.exchange
        if exchange not in _BREAKERS:
            raise ConfigError("no market-wide breaker there", value=exchange, limit=", ".join(_BREAKERS))
        levels = breaker_levels(_BREAKERS[exchange], self.date)
        return MarketWideBreaker(levels, closes=dict(indexes), midnight=day_start(floor.instrument, self.date))

    @property
    def ends_at(self) -> int:
        """When the last floor's day ends, UTC nanoseconds."""
        return max((floor.day.ends_at for floor in self.floors.values()), default=0)

    @property
    def next_at(self) -> int | None:
        """When the next command of any floor is due; None after the day."""
        return min((due for floor in self.floors.values() if (due := floor.day.next_at) is not None), default=None)


def _lives(traded: TradedInstrument, on: date) -> bool:
    """An index is listed for what is written on it, and does not trade."""
    instrument = traded.instrument
    if instrument.segment is Segment.INDEX:
        return False
    return instrument.expiry is None or instrument.expiry > day_start(instrument, on)
