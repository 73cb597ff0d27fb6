"""The bars of a run: found, loaded, cut to the window, with the corporate actions that fall into it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import ConfigError, MissingData, UnknownName
from tradsys.core.events import ActionKind, CorporateAction, Funding
from tradsys.core.instruments import Instrument
from tradsys.core.rates import RateSet
from tradsys.core.units import SECOND
from tradsys.engine.currency_data import load_rates, rate_notes
from tradsys.engine.instruments import INDIAN, calendar_of, sections_of
from tradsys.engine.paths import find_path
from tradsys.engine.recorded_data import Recording, load_recordings
from tradsys.engine.run_file import DataSection, InstrumentSection
from tradsys.engine.settings import Settings
from tradsys.market.adjust import factor
from tradsys.market.funding import read_funding
from tradsys.market.loading import load_many
from tradsys.market.series import BarSeries
from tradsys.reference.calendar import Calendar
from tradsys.reference.clock import local_date
from tradsys.reference.corporate_actions import actions_for

VENUES = ("bars", "exchange")

_ADJUST = {
    "all": tuple(ActionKind),
    "splits": (ActionKind.SPLIT, ActionKind.BONUS),
    "none": (),
}


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Series by instrument id, up to the end of the window; `first` is the row trading starts at (rows before it warm
    indicators up); `factors` are continuity factors, None where no action falls into the series. `recordings` are what
    the bars were made of in a run on ticks or books, else none."""

    series: dict[str, BarSeries]
    first: dict[str, int]
    factors: dict[str, NDArray[np.float64] | None]
    actions: list[CorporateAction]
    funding: list[Funding]
    rates: list[RateSet]
    zone: str
    assumptions: list[str]
    recordings: dict[str, Recording]


def load_data(settings: Settings, instruments: dict[str, Instrument]) -> Loaded:
    """Bars of every instrument of the run.

    Raises `MissingData` for a file or window that is not there, `DataError` for bars not fit to trade on.
    """
    run = settings.run
    if run.execution.venue not in VENUES:
        raise UnknownName("venue", run.execution.venue, VENUES, where="execution.venue")
    zone = zone_of(run.data, instruments)
    begin, end = _window(run.run.from_, run.run.to, zone)
    recordings = load_recordings(settings, instruments, zone) if run.execution.venue == "exchange" else {}
    whole = {name: each.bars for name, each in recordings.items()} or _series(settings, instruments)
    notes = _coverage(whole, instruments, begin, end, zone)
    cut = {name: series if end is None else _until(series, end) for name, series in whole.items()}
    actions = _actions(settings, instruments)
    kinds = _adjusted_kinds(run.data)
    factors = {name: _factor(series, actions, kinds) for name, series in cut.items()}
    if actions:
        notes.append(f"Corporate actions applied: {len(actions)}; indicators see prices adjusted as known at the time.")
    first = {name: 0 if begin is None else int(np.searchsorted(s.at, begin)) for name, s in cut.items()}
    rates = load_rates(settings, instruments, cut, first, zone=zone)
    notes += rate_notes(rates, currency=run.run.currency, zone=zone)
    return Loaded(
        series=cut,
        first=first,
        factors=factors,
        actions=actions,
        funding=_funding(settings),
        rates=rates,
        zone=zone,
        assumptions=[*notes, *(note for series in cut.values() for note in series.notes)],
        recordings=recordings,
    )


def zone_of(section: DataSection, instruments: dict[str, Instrument]) -> str:
    """The zone dates of a run are in: the exchange's, India's where any instrument trades there."""
    if any(instrument.exchange in INDIAN for instrument in instruments.values()):
        return "Asia/Kolkata"
    return section.timezone or "UTC"


def _series(settings: Settings, instruments: dict[str, Instrument]) -> dict[str, BarSeries]:
    """Instruments that share files and a calendar are read together."""
    data = settings.run.data
    groups: dict[tuple[tuple[str, ...], int], list[InstrumentSection]] = {}
    calendars: dict[int, Calendar] = {}
    for section in sections_of(settings.run):
        calendar = calendar_of(instruments[section.id])
        calendars[id(calendar)] = calendar
        where = section.path or data.path
        paths = tuple(
            find_path(each, folder=settings.folder) for each in ([where] if isinstance(where, str) else where)
        )
        groups.setdefault((paths, id(calendar)), []).append(section)
    found: dict[str, BarSeries] = {}
    for (paths, key), sections in groups.items():
        found |= _group(paths, data, sections, calendars[key])
    return {name: found[name] for name in instruments}


def _group(
    paths: tuple[str, ...], data: DataSection, sections: Sequence[InstrumentSection], calendar: Calendar
) -> dict[str, BarSeries]:
    alone = len(sections) == 1 and len(paths) == 1 and Path(paths[0]).is_file()
    loaded = load_many(
        paths[0] if len(paths) == 1 else list(paths),
        instruments=None if alone else [_name_in_files(section) for section in sections],
        format=data.format,
        interval=data.interval,
        label=data.label,
        timezone=data.timezone,
        calendar=calendar,
        date_order=data.date_order,
    )
    return {
        section.id: _named(section, loaded, alone=len(sections) == 1, where=", ".join(paths)) for section in sections
    }


def _named(section: InstrumentSection, loaded: dict[str, BarSeries], *, alone: bool, where: str) -> BarSeries:
    """The series of an instrument: by the name given, by its symbol or id, or the only one there is."""
    for name in (section.name, section.id, section.id.partition(":")[2]):
        if name is not None and name in loaded:
            return _renamed(loaded[name], section.id)
    if section.name is None and alone and len(loaded) == 1:
        return _renamed(next(iter(loaded.values())), section.id)
    raise UnknownName("instrument", _name_in_files(section), loaded, where=where)


def _name_in_files(section: InstrumentSection) -> str:
    return section.name or section.id.partition(":")[2]


def _renamed(series: BarSeries, name: str) -> BarSeries:
    """The series under the instrument's id."""
    return replace(series, instrument=name)


def _window(first: str | None, last: str | None, zone: str) -> tuple[int | None, int | None]:
    begin, end = _instant("run.from", first, zone, day_end=False), _instant("run.to", last, zone, day_end=True)
    if begin is not None and end is not None and begin >= end:
        raise ConfigError("run.from is not before run.to", value=first, limit=last, fix="swap them")
    return begin, end


def _instant(key: str, text: str | None, zone: str, *, day_end: bool) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{key} is no date", value=text, limit="YYYY-MM-DD", fix="write 2015-01-31") from error
    if len(text) == 10 and day_end:
        moment += datetime.timedelta(days=1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return int(moment.timestamp()) * SECOND


def _until(series: BarSeries, end: int) -> BarSeries:
    return series.window(first=int(series.at[0]) - 1, last=end)


def _coverage(
    whole: dict[str, BarSeries], instruments: dict[str, Instrument], begin: int | None, end: int | None, zone: str
) -> list[str]:
    """The window must hold sessions that the data has: at its first and at its last day."""
    notes = []
    problems = {name: _uncovered(series, instruments[name], begin, end, zone) for name, series in whole.items()}
    for name, problem in problems.items():
        if problem is not None and len([each for each in problems.values() if each is None]) == 0:
            raise problem
        if problem is not None:
            notes.append(f"{name}: {problem.message}")
    return notes


def _uncovered(
    series: BarSeries, instrument: Instrument, begin: int | None, end: int | None, zone: str
) -> MissingData | None:
    calendar = calendar_of(instrument)
    days = [local_date(int(series.at[0]) - series.span, zone), local_date(int(series.at[-1]), zone)]
    for key, wanted, have in (("run.from", begin, days[0]), ("run.to", None if end is None else end - 1, days[1])):
        if wanted is None:
            continue
        asked = local_date(wanted, zone)
        early, late = (asked, have) if key == "run.from" else (have, asked)
        missing = [each for each in calendar.sessions(early, late) if each.date != have] if early < late else []
        if missing:
            return MissingData(
                f"{instrument.id}: the data does not cover {key} = {asked}: it has {days[0]} to {days[1]}",
                value=str(asked),
                limit=f"{days[0]} to {days[1]}",
                fix=f"set {key} = {have}, or bring the missing data",
            )
    return None


def _adjusted_kinds(data: DataSection) -> tuple[ActionKind, ...]:
    if data.adjust not in _ADJUST:
        raise UnknownName("value", data.adjust, _ADJUST, where="data.adjust")
    return _ADJUST[data.adjust]


def _actions(settings: Settings, instruments: dict[str, Instrument]) -> list[CorporateAction]:
    text = settings.run.data.corporate_actions
    if text is None:
        return []
    path = None if text == "reference" else Path(find_path(text, folder=settings.folder))
    return [action for action in actions_for(path) if action.instrument in instruments]


def _funding(settings: Settings) -> list[Funding]:
    """Funding rates of the perpetuals whose section names a file of them."""
    return [
        event
        for section in sections_of(settings.run)
        if section.funding is not None
        for event in read_funding(Path(find_path(section.funding, folder=settings.folder)), instrument=section.id)
    ]


def _factor(
    series: BarSeries, actions: Sequence[CorporateAction], kinds: tuple[ActionKind, ...]
) -> NDArray[np.float64] | None:
    own = [each for each in actions if each.instrument == series.instrument and each.kind in kinds]
    inside = [each for each in own if int(series.at[0]) < each.at <= int(series.at[-1])]
    return factor(series.at, inside, close=series.close) if inside else None
