"""Bars in time order, built in bulk: `CHUNK` rows at a time, so memory is bounded whatever the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from tradsys.core.events import Bar
from tradsys.market.series import BarSeries

CHUNK = 512
"""Few enough that a chunk stays in a core's own cache."""


class BarFeed:
    """The bars of one or several series, merged by time; equal times keep the order of the series.

    `first` is the row of each series at which trading starts; rows before it only warm indicators up.
    """

    def __init__(self, series: Sequence[BarSeries], first: Sequence[int]) -> None:
        cut = [slice(begin, None) for begin in first]
        self._at, order = merged([each.at[rows] for each, rows in zip(series, cut, strict=True)])
        self._exchange_at = self._at
        if any(each.exchange_at is not each.at for each in series):
            rows_of = [each.exchange_at[rows] for each, rows in zip(series, cut, strict=True)]
            self._exchange_at = np.concatenate(rows_of)[order]
        if len(series) == 1:
            self._matrix = series[0].matrix[:, cut[0]]
        else:
            parts = [each.matrix[:, rows] for each, rows in zip(series, cut, strict=True)]
            self._matrix = np.concatenate(parts, axis=1)[:, order]
        lengths = [len(each.at) - begin for each, begin in zip(series, first, strict=True)]
        owners = np.repeat(np.arange(len(series)), lengths)[order]
        self._names = column_of([each.instrument for each in series], owners)
        self._spans = column_of([each.span for each in series], owners)

    def __len__(self) -> int:
        return len(self._at)

    def times(self, rows: slice) -> NDArray[np.int64]:
        """When the bars of some rows end."""
        return self._at[rows]

    def bars(self, rows: slice) -> Iterator[Bar]:
        """The bars of some rows, oldest first."""
        at = self._at[rows].tolist()
        exchange_at = at if self._exchange_at is self._at else self._exchange_at[rows].tolist()
        prices = [row.tolist() for row in self._matrix[:, rows]]
        return map(Bar, at, exchange_at, values_of(self._names, rows), values_of(self._spans, rows), *prices)


def merged(times: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64] | slice]:
    """All times in order, and what puts the joined rows into that order."""
    if len(times) == 1:
        return times[0], slice(None)
    joined = np.concatenate(times)
    order = np.argsort(joined, kind="stable")
    return joined[order], order


def column_of(choices: Sequence[object], owners: NDArray[np.int64]) -> NDArray[np.object_] | object:
    """The value of each row's series; one value where all series share it."""
    if len(set(choices)) == 1:
        return choices[0]
    return np.array(choices, dtype=object)[owners]


def values_of(column: NDArray[np.object_] | object, rows: slice) -> Iterable[object]:
    """Some rows of such a column."""
    return column[rows].tolist() if isinstance(column, np.ndarray) else repeat(column)
