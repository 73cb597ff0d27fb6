"""A realistic day for any instrument: the background population, its information and the session's timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from tradsys.core.errors import ConfigError, UncoveredDate
from tradsys.core.instruments import Instrument
from tradsys.core.matching import MAX_PRICE, BookPhase, MatchingBook
from tradsys.core.units import SECOND
from tradsys.exchange.agents.information import InformationFlow, InformationParameters
from tradsys.exchange.agents.participant import Participant
from tradsys.exchange.agents.population import Population, participants
from tradsys.exchange.sessions import InstrumentDay, market_of
from tradsys.exchange.simulation import Simulation
from tradsys.exchange.timeline import Timeline, timeline, trades_freely, trading_end
from tradsys.reference.phases import windows
from tradsys.reference.ticks import price_bands

FEWEST_TICKS = 20


class DayParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What a generated day is made from: `reference` is yesterday's close (1e-8 of the currency)."""

    reference: int
    information: InformationParameters = InformationParameters()
    population: Population = Population()


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Continuous trading from `opens` to `closes`; `ends` with the last auction after it. UTC nanoseconds."""

    opens: int
    closes: int
    ends: int


def hours(day: Timeline) -> Hours | None:
    """The hours of a day; None for one without continuous trading."""
    free = [phase for phase in day if trades_freely(phase)]
    if not free:
        return None
    collecting = [phase.end for phase in day if phase.phase in (BookPhase.AUCTION, BookPhase.AUCTION_LIMIT)]
    closes = trading_end(day)
    return Hours(opens=free[0].start, closes=closes, ends=max([closes, *collecting]))


def generated_day(
    book: MatchingBook,
    instrument: Instrument,
    on: date,
    parameters: DayParameters,
    *,
    seed: int,
    others: Sequence[Participant] = (),
) -> tuple[Simulation, Hours]:
    """The day, ready to run, and its hours. `others` trade beside the background, with accounts above its (from 1 on).

    Raises `ConfigError` for a day without a session, a reference price off the tick or too small or large for it, or
    accounts that are taken; `UncoveredDate`, `UnknownName` as the session tables do.
    """
    market = market_of(instrument)
    day = timeline(market, on, seed=seed)
    open_hours = hours(day)
    if open_hours is None:
        raise ConfigError(f"{market.exchange} has no session on {on}", value=on.isoformat(), fix="choose a trading day")
    reference = _in_ticks(instrument, open_hours.opens, parameters.reference)
    seconds = (open_hours.closes - open_hours.opens) / SECOND
    everyone = _with_others(participants(parameters.population, seconds=seconds), others)
    flow = InformationFlow(
        start=float(reference),
        opens=open_hours.opens,
        closes=open_hours.closes,
        ends=open_hours.ends,
        parameters=parameters.information,
    )
    venue = InstrumentDay(
        instrument=0,
        day=day,
        windows=windows(market, on),
        previous_close=reference,
        auction_band=_auction_band(instrument, on),
    )
    return Simulation(book, everyone, seed=seed, venue=venue, information=flow), open_hours


def _auction_band(instrument: Instrument, on: date) -> int:
    """Width of the closing auction's band in basis points; 0 where there is no closing auction."""
    if not instrument.closing_auction:
        return 0
    try:
        return 100 * price_bands("auction", on)[0]
    except UncoveredDate:
        return 0


def _with_others(background: Sequence[Participant], others: Sequence[Participant]) -> list[Participant]:
    everyone = [*background, *others]
    accounts = [each.account for each in everyone]
    if len(set(accounts)) < len(accounts):
        fix = f"use accounts above {len(background)}"
        raise ConfigError("two participants have one account", value=accounts, fix=fix)
    return everyone


def _in_ticks(instrument: Instrument, at: int, reference: int) -> int:
    tick = instrument.tick_at(at)
    ticks, rest = divmod(reference, tick)
    if rest or not FEWEST_TICKS <= ticks <= MAX_PRICE // 16:
        raise ConfigError(
            "the reference price does not fit the tick",
            value=reference / 10**8,
            limit=f"a multiple of {tick / 10**8:g} from {FEWEST_TICKS} to {MAX_PRICE // 16} ticks",
            fix="choose another --reference-price or --tick",
        )
    return ticks
