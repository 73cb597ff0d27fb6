"""The records of a run on the exchange: ticks or depth of every instrument, and the bars made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import MarketEvent
from tradsys.core.instruments import Instrument
from tradsys.engine.instruments import calendar_of, sections_of, with_dated_ticks
from tradsys.engine.paths import find_path
from tradsys.engine.record_feed import BookRecords, Records, TickRecords
from tradsys.engine.run_file import DataSection, InstrumentSection
from tradsys.engine.settings import Settings
from tradsys.exchange.recorded_events import Trade
from tradsys.market.books.rebuild import VENUES
from tradsys.market.books.recording import read_depth
from tradsys.market.books.trades import FeedTrade
from tradsys.market.order_records import first_price
from tradsys.market.series import BarSeries
from tradsys.market.tick_files import read_ticks
from tradsys.market.ticks import TickSeries, bars_of

TICKS = "ticks"
ORDER_FORMATS = ("databento", "lobster", "orders")


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's record: `ticks`, or the `events` of a book with its best quotes in `ticks`; and its bars. Where
    the events are `single_orders`, the ticks are among them. `instrument` has the tick that holds there."""

    instrument: Instrument
    ticks: TickSeries
    events: Sequence[MarketEvent]
    bars: BarSeries
    single_orders: bool = False


def load_recordings(settings: Settings, instruments: dict[str, Instrument], zone: str) -> dict[str, Recording]:
    """The record of every instrument of the run, each in one file.

    Raises `ConfigError` without `data.interval`, `UnknownName` for a format of no record, `MissingData` and `DataError`
    for files that are not there or not fit to trade on.
    """
    data = settings.run.data
    formats = (TICKS, *VENUES, *ORDER_FORMATS)
    if data.format not in formats:
        raise UnknownName("format", data.format, formats, where='data.format of venue = "exchange"')
    if data.interval is None:
        raise ConfigError("records need data.interval", value=None, fix='interval = "1m": the bars made of them')
    found = {}
    for section in sections_of(settings.run):
        instrument = instruments[section.id]
        found[section.id] = _recording(settings.folder, data, section, instrument, zone)
    return found


def _recording(
    folder: Path, data: DataSection, section: InstrumentSection, instrument: Instrument, zone: str
) -> Recording:
    where = section.path or data.path
    if not isinstance(where, str):
        raise ConfigError(f"{section.id}: records are one file an instrument", value=where, fix="give it a path")
    path = Path(find_path(where, folder=folder))
    read = _read_orders if data.format in ORDER_FORMATS else _read_quotes
    instrument, events, ticks = read(path, data, section, instrument, zone)
    bars = bars_of(ticks, data.interval or "", calendar=calendar_of(instrument)).validate()
    return Recording(
        instrument=instrument, ticks=ticks, events=events, bars=bars, single_orders=data.format in ORDER_FORMATS
    )


Read = tuple[Instrument, Sequence[MarketEvent], TickSeries]


def _read_orders(path: Path, data: DataSection, section: InstrumentSection, instrument: Instrument, zone: str) -> Read:
    """Single orders are counted in ticks as they are read, so the tick that the venue will have comes first."""
    if data.format == "databento":
        from tradsys.engine.recorded_databento import read_databento_of

        return instrument, *read_databento_of(path, instrument)
    from tradsys.engine.recorded_orders import read_orders_of

    instrument = with_dated_ticks(instrument, section, price=first_price(path, data.format))
    return instrument, *read_orders_of(path, data.format, instrument, timezone=data.timezone)


def _read_quotes(path: Path, data: DataSection, section: InstrumentSection, instrument: Instrument, zone: str) -> Read:
    events: Sequence[MarketEvent] = ()
    if data.format == TICKS:
        ticks = read_ticks(path, instrument=section.id, timezone=data.timezone or zone)
    else:
        name = section.name or section.id.partition(":")[2]
        found, ticks = read_depth(path, format=data.format, name=name, instrument=section.id)
        events = [_trade(each, section.id) if isinstance(each, FeedTrade) else each for each in found]
    return with_dated_ticks(instrument, section, price=_first_said(ticks)), events, ticks


def _trade(told: FeedTrade, instrument: str) -> Trade:
    return Trade(told.at, told.exchange_at, instrument, told.price, told.quantity, told.aggressor)


def _first_said(ticks: TickSeries) -> float:
    """The first price that a record says: of a trade, or a quote."""
    said = ticks.matrix[[0, 2, 4]].T.ravel()
    prices = said[said > 0]
    return float(prices[0]) if len(prices) else 0.0


def records_of(recordings: dict[str, Recording], *, begin: int, end: int) -> Records:
    """What is fed to the engine: the records known after `begin` and no later than `end`."""
    if any(each.events for each in recordings.values()):
        return BookRecords([_events(each, begin, end) for each in recordings.values()])
    return TickRecords([_ticks(each.ticks, begin, end) for each in recordings.values()])


def _events(recording: Recording, begin: int, end: int) -> Sequence[MarketEvent]:
    """A book is followed from its first event on, whenever trading starts."""
    return [event for event in recording.events if event.at <= end]


def _ticks(ticks: TickSeries, begin: int, end: int) -> TickSeries:
    first, last = np.searchsorted(ticks.at, [begin, end], side="right")
    rows = slice(int(first), int(last))
    at = ticks.at[rows]
    return replace(
        ticks,
        at=at,
        exchange_at=at if ticks.exchange_at is ticks.at else ticks.exchange_at[rows],
        matrix=np.ascontiguousarray(ticks.matrix[:, rows]),
    )
