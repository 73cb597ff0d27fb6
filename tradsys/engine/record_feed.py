"""What a market said between bars, in time order: ticks built in bulk, or records of a book as they were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from math import nan
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tradsys.core.events import MarketEvent, Tick
from tradsys.engine.feed import BarFeed, column_of, merged, values_of
from tradsys.market.ticks import TickSeries


class Records(Protocol):
    """Records by row, oldest first."""

    def __len__(self) -> int: ...

    def times(self, rows: slice) -> NDArray[np.int64]:
        """When the records of some rows were known."""
        ...

    def records(self, rows: slice) -> Iterator[MarketEvent]:
        """The records of some rows."""
        ...


class TickRecords:
    """The ticks of one or several instruments, merged by time; equal times keep the order of the instruments. A column
    that no tick says anything in is not kept."""

    def __init__(self, series: Sequence[TickSeries]) -> None:
        self._at, order = merged([each.at for each in series])
        self._exchange_at = self._at
        if any(each.exchange_at is not each.at for each in series):
            self._exchange_at = np.concatenate([each.exchange_at for each in series])[order]
        matrix = series[0].matrix
        if len(series) > 1:
            matrix = np.concatenate([each.matrix for each in series], axis=1)[:, order]
        self._said = [not np.isnan(row).all() for row in matrix]
        self._matrix = matrix if all(self._said) else matrix[self._said]
        owners = np.repeat(np.arange(len(series)), [len(each) for each in series])[order]
        self._names = column_of([each.instrument for each in series], owners)

    def __len__(self) -> int:
        return len(self._at)

    def times(self, rows: slice) -> NDArray[np.int64]:
        """When the ticks of some rows were known."""
        return self._at[rows]

    def records(self, rows: slice) -> Iterator[Tick]:
        """The ticks of some rows."""
        at = self._at[rows].tolist()
        exchange_at = at if self._exchange_at is self._at else self._exchange_at[rows].tolist()
        said = iter(self._matrix[:, rows].tolist())
        columns = [next(said) if each else repeat(nan) for each in self._said]
        return map(Tick, at, exchange_at, values_of(self._names, rows), *columns)


class BookRecords:
    """Depth or single orders as they were read, of one or several instruments, merged by time."""

    def __init__(self, recordings: Sequence[Sequence[MarketEvent]]) -> None:
        self._records = sorted((record for each in recordings for record in each), key=lambda record: record.at)
        self._at = np.array([record.at for record in self._records], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._at)

    def times(self, rows: slice) -> NDArray[np.int64]:
        """When the records of some rows were known."""
        return self._at[rows]

    def records(self, rows: slice) -> Iterator[MarketEvent]:
        """The records of some rows."""
        return iter(self._records[rows])


class RecordFeed:
    """Records, and the bars made of them: a bar comes after every record known by its end."""

    def __init__(self, records: Records, bars: BarFeed) -> None:
        self.records = records
        self.bars = bars

    def __len__(self) -> int:
        return len(self.records)
