"""The exchange side of a run: a venue on recorded ticks or books, wired to the engine."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tradsys.core.instruments import Instrument
from tradsys.engine.data import Loaded
from tradsys.engine.driver import Driver, Venue
from tradsys.engine.engine import Engine
from tradsys.engine.feed import BarFeed
from tradsys.engine.record_feed import RecordFeed
from tradsys.engine.recorded_backtest import RecordedBacktest
from tradsys.engine.recorded_data import records_of
from tradsys.engine.recorded_latency import latencies
from tradsys.engine.run_file import ExecutionSection
from tradsys.engine.schedule import Schedule
from tradsys.exchange.models import PriceBand, price_band
from tradsys.exchange.queue_models import queue_model
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.exchange.recorded_venue import RecordedVenue


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is played on: the venue, the run that feeds it, how many events, and what is assumed."""

    venue: Venue
    backtest: Driver
    events: int
    assumptions: list[str]


def on_records(
    execution: ExecutionSection,
    instruments: dict[str, Instrument],
    data: Loaded,
    engine: Engine,
    schedule: Schedule,
    cutoffs: dict[str, int],
    bars: BarFeed,
    *,
    seed: int,
) -> Replay:
    """A run on recorded ticks or books. Raises `ConfigError` or `UnknownName` for what `[execution]` cannot mean."""
    entry, response = latencies(execution, data.recordings.values(), seed=seed)
    models = RecordedModels(
        queue=queue_model(execution.queue, exponent=execution.queue_exponent),
        entry=entry,
        response=response,
        band=band_of(execution, instruments),
    )
    venue, assumptions = _venue(instruments, data, models, engine)
    begin = int(bars.times(slice(0, 1))[0]) - max(series.span for series in data.series.values())
    end = max(int(series.at[-1]) for series in data.series.values())
    records = records_of(data.recordings, begin=begin - 1, end=end)
    books = [
        name for name, each in data.recordings.items() if each.events or each.ticks.partial or not each.ticks.trades
    ]
    single = any(each.single_orders for each in data.recordings.values())
    feed = RecordFeed(records, bars)
    backtest = RecordedBacktest(engine, venue, schedule, cutoffs, feed=feed, books=books, single_orders=single)
    return Replay(venue=venue, backtest=backtest, events=len(records), assumptions=assumptions)


def _venue(
    instruments: dict[str, Instrument], data: Loaded, models: RecordedModels, engine: Engine
) -> tuple[RecordedVenue, list[str]]:
    """Orders of ours stand beside single recorded orders in a matching book; else the record is all there is."""
    held = engine.ledger.position
    if not any(each.single_orders for each in data.recordings.values()):
        return RecordedVenue(instruments.values(), models, held=held), models.describe()
    from tradsys.exchange.book_venue import BookVenue

    at = min(each.events[0].at for each in data.recordings.values())
    venue = BookVenue(instruments.values(), models, held=held, at=at)
    return venue, venue.describe()


def band_of(section: ExecutionSection, instruments: Mapping[str, Instrument]) -> PriceBand:
    """The price band of a run file; without one, 20 % for Indian equities and none elsewhere."""
    equities = any(each.exchange in ("NSE", "BSE") for each in instruments.values())
    return price_band(section.price_band if section.price_band is not None else 0.20 if equities else 0.0)
