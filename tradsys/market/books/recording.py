"""A recorded feed as depth and trades: what a backtest on a book is fed with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import nan
from pathlib import Path

import numpy as np

from tradsys.core.errors import DataError, MissingData, UnknownName
from tradsys.core.events import Depth
from tradsys.market.books.captures import Captured, LineSplitter, captured
from tradsys.market.books.level_book import LevelBook
from tradsys.market.books.messages import BookUpdate, Level
from tradsys.market.books.rebuild import Rebuild, venue
from tradsys.market.books.sequencing import Outcome, State
from tradsys.market.books.trades import TRADES, FeedTrade, TradeParser
from tradsys.market.files import read
from tradsys.market.ticks import ASK, ASK_QUANTITY, BID, BID_QUANTITY, COLUMNS, LAST, LAST_QUANTITY, TickSeries

_FED = frozenset({Outcome.APPLIED, Outcome.SNAPSHOT})


_TOLD = [LAST, LAST_QUANTITY, BID, BID_QUANTITY, ASK, ASK_QUANTITY]
_NOTHING = (nan, nan)


class DepthRecording:
    """One instrument's depth and trades: the events in order, and as `quotes` its best quotes after each, or the trade.

    What a gap left in doubt is not passed on: after it, the next event is the whole book of the snapshot that mended
    it. Times are those of receipt where the recording has them, else the venue's own.
    """

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        self.events: list[Depth | FeedTrade] = []
        self._told: list[tuple[float, ...]] = []

    def add(self, update: BookUpdate, book: LevelBook, *, whole: bool) -> None:
        """An update that the book took; `whole` where all that is known must be told again."""
        at = update.at or update.exchange_at
        happened = min(update.exchange_at or at, at)
        bids, asks = (_floats(side.top(len(side))) for side in (book.bids, book.asks)) if whole else _changed(update)
        self.events.append(Depth(at, happened, self.instrument, bids, asks, whole, update.last or len(self.events)))
        self._told.append((*_NOTHING, *_best(book.bids.best()), *_best(book.asks.best())))

    def add_trade(self, trade: FeedTrade) -> None:
        """A trade, in its place among the updates."""
        self.events.append(trade)
        self._told.append((trade.price, trade.quantity, *_NOTHING, *_NOTHING))

    def quotes(self, *, source: Path, sha256: str) -> TickSeries:
        """What each event says: the best bid and ask, 0 where a side is empty, or the trade."""
        matrix = np.full((len(COLUMNS), len(self.events)), np.nan)
        if self._told:
            matrix[_TOLD] = np.array(self._told).T
        at, happened = (
            np.array([getattr(event, name) for event in self.events], dtype=np.int64) for name in ("at", "exchange_at")
        )
        return TickSeries(self.instrument, at, happened, matrix, source, sha256)


def read_depth(path: Path, *, format: str, name: str, instrument: str) -> tuple[list[Depth | FeedTrade], TickSeries]:
    """Depth and trades of one instrument of a recorded feed: events, and what each says of best quotes and last trade.

    `name` is what the venue calls it; it is not looked at where the feed has one book alone. Trades are read where
    `trades.TRADES` knows the venue's, from the first book on. Raises `UnknownName` for a venue or a name that is not
    there, `MissingData` for a feed without a book.
    """
    found = read(path)
    rebuild = Rebuild(venue(format))
    trades = TRADES[format]() if format in TRADES else None
    recordings: dict[str, DepthRecording] = {}
    for one in _messages(found.content):
        for update, outcome in rebuild.receive(one.message, at=one.at, origin=one.origin):
            book = rebuild.books[update.instrument]
            if outcome in _FED and book.state is State.SYNCED:
                recording = recordings.setdefault(update.instrument, DepthRecording(instrument))
                recording.add(update, book.book, whole=outcome is Outcome.SNAPSHOT)
        for trade in trades_in(one, trades):
            if trade.instrument in recordings:
                recordings[trade.instrument].add_trade(trade)
    if not recordings:
        raise MissingData(f"{path}: no book of {format} in it", value=str(path), fix="check data.format")
    if name not in recordings and len(recordings) > 1:
        raise UnknownName("instrument", name, recordings, where=str(path))
    chosen = recordings.get(name) or next(iter(recordings.values()))
    quotes = chosen.quotes(source=path, sha256=found.sha256)
    return chosen.events, quotes.validate()


def _messages(content: bytes) -> Iterator[Captured]:
    splitter = LineSplitter()
    for line in (*splitter.feed(content), *splitter.finish()):
        if (one := captured(line)) is not None:
            yield one


def trades_in(one: Captured, parser: TradeParser | None) -> Sequence[FeedTrade]:
    """The trades of a message; like an update that cannot be read, a trade that cannot is passed over."""
    try:
        return () if parser is None else parser.parse(one.message, at=one.at)
    except DataError:
        return ()


def _floats(levels: list[Level]) -> tuple[tuple[float, float], ...]:
    return tuple((float(level.price), float(level.quantity)) for level in levels)


def _changed(update: BookUpdate) -> tuple[tuple[tuple[float, float], ...], ...]:
    return _floats(list(update.bids)), _floats(list(update.asks))


def _best(level: Level | None) -> tuple[float, float]:
    return (float(level.price), float(level.quantity)) if level is not None else (0.0, 0.0)
