"""The end of the exchange's day: closing marks, settlement, expiry, and the floors of the next session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from tradsys.core.errors import ConfigError, InvariantBroken
from tradsys.core.instruments import Instrument
from tradsys.exchange.clearing import Clearing
from tradsys.exchange.clearing.records import ClearingEvent, ContractExpired, DayEnded, Marked, Refusal, SettlementDue
from tradsys.exchange.marketplace.floor import Floor, day_start
from tradsys.exchange.marketplace.records import ExchangeEvents


def expiring(floors: Iterable[Floor], following: date) -> list[Floor]:
    """Floors whose contract ends before a date's day begins."""
    return [floor for floor in floors if _ends_before(floor.instrument, following)]


def _ends_before(instrument: Instrument, following: date) -> bool:
    return instrument.expiry is not None and instrument.expiry <= day_start(instrument, following)


def final_prices(ending: Iterable[Floor], floors: Mapping[str, Floor], given: Mapping[str, int]) -> dict[str, int]:
    """The final settlement price of each contract, 1e-8: what is `given` for its underlying, else its close here.

    Raises `ConfigError` where there is neither.
    """
    return {floor.instrument.id: _final(floor.instrument.underlying, floors, given) for floor in ending}


def _final(underlying: str, floors: Mapping[str, Floor], given: Mapping[str, int]) -> int:
    if underlying in given:
        return given[underlying]
    if underlying in floors:
        return floors[underlying].close * floors[underlying].tick
    raise ConfigError(
        "a contract expires without the price of its underlying", value=underlying, fix="give it to end_day"
    )


def settle(clearing: Clearing, floors: Iterable[Floor], finals: Mapping[str, int]) -> ExchangeEvents:
    """Mark to the close, pay and deliver what is due, pay out what expires, net the day."""
    said: ExchangeEvents = []
    for floor in floors:
        said += _told(clearing, Marked(instrument=floor.instrument.id, price=floor.close * floor.tick))
    said += _told(clearing, SettlementDue(day=clearing.day))
    for name, price in finals.items():
        said += _told(clearing, ContractExpired(instrument=name, price=price))
    return [*said, *_told(clearing, DayEnded(day=clearing.day))]


def _told(clearing: Clearing, event: ClearingEvent) -> tuple[ClearingEvent, ...]:
    said = clearing.apply(event)
    if said and isinstance(said[0], Refusal):
        raise InvariantBroken(
            f"the clearing refused the end of the day: {said[0].rule}", value=said[0].value, limit=said[0].limit
        )
    return said
