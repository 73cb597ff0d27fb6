"""Ticks of one instrument in memory: last trades and best quotes, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import DataError, MissingData
from tradsys.core.events import Tick
from tradsys.market.intervals import span_of
from tradsys.market.series import CLOSE, HIGH, LOW, OPEN, VOLUME, BarSeries
from tradsys.market.sessions import SessionCalendar, session_table
from tradsys.reference.clock import Int64s, iso

COLUMNS = ("last", "last_quantity", "bid", "bid_quantity", "ask", "ask_quantity", "volume")
"""Rows of the matrix, in the order of `Tick`."""

LAST, LAST_QUANTITY, BID, BID_QUANTITY, ASK, ASK_QUANTITY, TOTAL = range(7)


@dataclass(frozen=True, slots=True, eq=False)
class TickSeries:
    """Ticks of one instrument, oldest first.

    Attributes:
        instrument: name the ticks are known by.
        at: int64[n], UTC nanoseconds at which each was known to us. Never decreasing.
        exchange_at: int64[n], when it happened at the venue; the same array unless both times exist.
        matrix: float64[7, n], C-contiguous: `COLUMNS`; NaN where a tick does not say.
        source: file the ticks came from.
        sha256: hex digest of that file's bytes.
        notes: what the reader had to assume, in words.
    """

    instrument: str
    at: Int64s
    exchange_at: Int64s
    matrix: NDArray[np.float64]
    source: Path
    sha256: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.at)

    @property
    def partial(self) -> bool:
        """Whether some tick leaves a side of the book unsaid, so that one alone does not tell where the market is."""
        return bool(np.isnan(self.matrix[[BID, ASK]]).any())

    @property
    def trades(self) -> bool:
        """Whether some tick tells a last price."""
        return not bool(np.isnan(self.matrix[LAST]).all())

    def validate(self) -> TickSeries:
        """The series itself, once it is fit to trade on.

        Raises `MissingData` without ticks; `DataError`, naming row (from 1), time, value and remedy, for times that
        decrease, a time known before it happened, a price not above zero (0 is an empty side of the book), a negative
        or infinite number, a bid above its ask.
        """
        if not len(self):
            raise MissingData(f"{self.source} has no ticks", value=str(self.source), fix="check the file")
        self._refuse_where(
            np.append(False, self.at[1:] < self.at[:-1]), "is older than the tick before", "sort the file"
        )
        self._refuse_where(self.exchange_at > self.at, "was known before it happened", "check the two time columns")
        wrong: NDArray[np.bool_] = np.any(np.isinf(self.matrix) | (self.matrix < 0), axis=0)
        self._refuse_where(wrong, "has a negative or infinite number", "remove the row")
        self._refuse_where(self.matrix[LAST] == 0, "has a last price of zero", "remove the row")
        bid, ask = self.matrix[BID], self.matrix[ASK]
        self._refuse_where((bid > ask) & (ask > 0), "bids more than it asks", "remove the row")
        return self

    def _refuse_where(self, wrong: NDArray[np.bool_], what: str, fix: str) -> None:
        if wrong.any():
            row = int(np.argmax(wrong))
            values = ", ".join(
                f"{name} {value:g}" for name, value in zip(COLUMNS, self.matrix[:, row], strict=True) if value == value
            )
            raise DataError(
                f"{self.instrument}: tick {row + 1} ({iso(int(self.at[row]))}) of {self.source} {what}",
                value=values,
                limit="times in order, prices above zero, bid at most ask",
                fix=fix,
            )


def series_of(ticks: Sequence[Tick], instrument: str, *, source: Path, sha256: str) -> TickSeries:
    """Ticks as columns; `sha256` is the hex digest of the file `source` that they were made of."""
    rows = [(t.last, t.last_quantity, t.bid, t.bid_quantity, t.ask, t.ask_quantity, t.volume) for t in ticks]
    at, exchange_at = (
        np.array([getattr(tick, name) for tick in ticks], dtype=np.int64) for name in ("at", "exchange_at")
    )
    matrix = np.ascontiguousarray(np.array(rows, dtype=float).reshape(-1, len(COLUMNS)).T)
    return TickSeries(instrument, at, exchange_at, matrix, source, sha256)


def bars_of(ticks: TickSeries, interval: str, *, calendar: SessionCalendar) -> BarSeries:
    """Bars of a fixed interval made of the trades; of the mid price where the file has no trade at all.

    Intervals count from each session's open, `start <= tick < end`; a tick at the very close belongs to the last bar.
    Trades outside the sessions go into no bar, with a note. Equal to feeding `TimeBars` one tick at a time. Raises
    `MissingData` when no tick is left to make a bar of.
    """
    price, quantity, notes = _prints(ticks)
    kept = price == price
    span = span_of(interval)
    table = session_table(calendar, ticks.at)
    index = table.index_of_start(np.where(np.isin(ticks.at, table.closes), ticks.at - 1, ticks.at))
    inside = kept & (index >= 0)
    if not inside.any():
        raise MissingData(f"{ticks.source}: no trade within the sessions of its exchange", value=str(ticks.source))
    if inside.sum() < kept.sum():
        notes = (*notes, f"{int(kept.sum() - inside.sum())} trades outside the sessions are in no bar")
    at, price, quantity, index = ticks.at[inside], price[inside], quantity[inside], index[inside]
    opens, closes = table.opens[index], table.closes[index]
    elapsed = np.minimum(at, closes - 1) - opens
    ends = np.minimum(opens + (elapsed // span + 1) * span, closes)
    return _aggregate(ticks, span, ends, price, quantity, notes)


def _prints(ticks: TickSeries) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """Price and quantity of each trade; NaN where a tick is none, or repeats the trade before it."""
    last, quantity, total = (ticks.matrix[row] for row in (LAST, LAST_QUANTITY, TOTAL))
    if not (last == last).any():
        bid, ask = ticks.matrix[BID], ticks.matrix[ASK]
        mid = np.where((bid > 0) & (ask > 0), (bid + ask) / 2, np.nan)
        return mid, np.zeros(len(mid)), (*ticks.notes, "no trades: bars are of the mid price, without volume")
    repeats = np.diff(total, prepend=np.nan) == 0
    return np.where(repeats, np.nan, last), np.where(quantity == quantity, quantity, 0.0), ticks.notes


def _aggregate(
    ticks: TickSeries,
    span: int,
    ends: Int64s,
    price: NDArray[np.float64],
    quantity: NDArray[np.float64],
    notes: tuple[str, ...],
) -> BarSeries:
    starts = np.flatnonzero(np.diff(ends, prepend=-1))
    matrix = np.empty((5, len(starts)))
    matrix[OPEN], matrix[CLOSE] = price[starts], price[np.append(starts[1:], len(price)) - 1]
    matrix[HIGH], matrix[LOW] = np.maximum.reduceat(price, starts), np.minimum.reduceat(price, starts)
    matrix[VOLUME] = np.add.reduceat(quantity, starts)
    at = ends[starts]
    return BarSeries(ticks.instrument, span, at, at, matrix, ticks.source, ticks.sha256, notes)
