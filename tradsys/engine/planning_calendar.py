"""What the exchanges' calendars, the contracts and the strategies have in store for a run, as scheduled events."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Phase, SessionChange, Timer
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import DAY, MINUTE
from tradsys.engine.currency_data import planned_rates
from tradsys.engine.data import Loaded
from tradsys.engine.instruments import INDIAN, calendar_of, sections_of
from tradsys.engine.run_file import RunFile
from tradsys.engine.runner import Runner
from tradsys.engine.schedule import Cutoff, Due, Roll
from tradsys.reference.calendar import last_entry_at, square_off_at
from tradsys.reference.clock import local_date, local_day
from tradsys.reference.sessions import Session

_INDIA = "Asia/Kolkata"


def plan_calendar(
    run: RunFile, instruments: dict[str, Instrument], data: Loaded, runners: Sequence[Runner]
) -> list[Due]:
    """Every scheduled event of a run, in no order."""
    starts = [
        int(data.series[name].at[data.first[name]]) for name in instruments if data.first[name] < len(data.series[name])
    ]
    if not starts:
        return []
    begin, end = min(starts), max(int(data.series[name].at[-1]) for name in instruments)
    due: list[Due] = [action for action in data.actions if begin - DAY < action.at <= end]
    due += planned_rates(data.rates, begin=begin - DAY, end=end)
    due += [funding for funding in data.funding if begin <= funding.at <= end]
    for exchange, sample in _exchanges(instruments).items():
        if exchange in INDIAN:
            for session in calendar_of(sample).sessions(local_date(begin - DAY, _INDIA), local_date(end, _INDIA)):
                due += _session(exchange, sample, session, runners)
    if run.risk.limits is not None:
        due += _days(begin, end, data.zone)
    due += _expiries(instruments, begin, end)
    due += _rolls(run, instruments)
    return due


def _exchanges(instruments: dict[str, Instrument]) -> dict[str, Instrument]:
    """One instrument to stand for each exchange; one with a closing auction closes earlier, so it comes first."""
    chosen: dict[str, Instrument] = {}
    for instrument in sorted(instruments.values(), key=lambda each: not each.closing_auction):
        chosen.setdefault(instrument.exchange, instrument)
    return chosen


def _session(exchange: str, sample: Instrument, session: Session, runners: Sequence[Runner]) -> Iterator[Due]:
    date = session.date.year * 10_000 + session.date.month * 100 + session.date.day
    yield SessionChange(at=session.open, exchange=exchange, phase=Phase.OPEN, date=date)
    yield SessionChange(at=session.end, exchange=exchange, phase=Phase.CLOSED, date=date)
    until = last_entry_at(session, sample.segment, sample.closing_auction)
    flat_by = square_off_at(session, sample.segment, sample.closing_auction)
    if until is not None and flat_by is not None:
        yield Cutoff(at=session.open, exchange=exchange, until=until)
        yield Timer(at=flat_by, name="square_off", exchange=exchange)
    for clock, name in sorted({timer for runner in runners for timer in runner.clocks}):
        at = _at_clock(session.date, clock)
        if session.open < at <= session.end:
            yield Timer(at=at, name=name, exchange=exchange)


def _days(begin: int, end: int, zone: str) -> Iterator[Due]:
    """Midnights, at which limits of a day are counted anew before the day's first price."""
    at = local_day(begin, zone)[0]
    while at <= end:
        yield Timer(at=at, name="day")
        at = local_day(at, zone)[1]


def _at_clock(day: datetime.date, clock: str) -> int:
    hour, minute = clock.split(":")
    midnight = (day - datetime.date(1970, 1, 1)).days * DAY
    return midnight + (int(hour) * 60 + int(minute) - 330) * MINUTE


def _expiries(instruments: dict[str, Instrument], begin: int, end: int) -> Iterator[Due]:
    for instrument in instruments.values():
        if instrument.expiry is not None and begin < instrument.expiry <= end:
            if instrument.segment is Segment.OPTION and instrument.underlying not in instruments:
                raise ConfigError(
                    f"{instrument.id} expires in this run and its underlying is not in it, so nobody knows its worth",
                    value=instrument.underlying or "none",
                    limit=", ".join(instruments),
                    fix="name the underlying, and give it in data.instruments with its bars",
                )
            yield Timer(at=instrument.expiry, name="expiry", exchange=instrument.exchange, instrument=instrument.id)


def _rolls(run: RunFile, instruments: dict[str, Instrument]) -> Iterator[Due]:
    """Positions move at the open of the session `roll_days` before the expiry (0: on its own day)."""
    for section in sections_of(run):
        if section.roll_to is None:
            continue
        if section.roll_to not in instruments:
            raise UnknownName("instrument", section.roll_to, instruments, where=f"{section.id}.roll_to")
        near = instruments[section.id]
        if near.expiry is None:
            continue
        calendar, day = calendar_of(near), local_date(near.expiry, _INDIA)
        session = calendar.session(day)
        for _ in range(run.execution.roll_days):
            session = calendar.previous_session(day)
            day = session.date
        if session is not None:
            yield Roll(at=session.open + MINUTE, near=section.id, far=section.roll_to)
