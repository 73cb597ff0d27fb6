"""Bars in time order, built in bulk: chunks of at most `CHUNK` rows, so memory is bounded whatever the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np

from tradsys.core.events import Bar
from tradsys.market.series import BarSeries

CHUNK = 4096


class BarFeed:
    """The bars of one or several series, merged by time; equal times keep the order of the series.

    `first` is the row of each series at which trading starts; rows before it only warm indicators up.
    """

    def __init__(self, series: Sequence[BarSeries], first: Sequence[int]) -> None:
        self._series = list(series)
        self._first = list(first)

    def __len__(self) -> int:
        return sum(len(each.at) - first for each, first in zip(self._series, self._first, strict=True))

    def chunks(self) -> Iterator[Iterable[Bar]]:
        """Iterables of bars, oldest first."""
        return self._one() if len(self._series) == 1 else self._merged()

    def _one(self) -> Iterator[Iterable[Bar]]:
        series = self._series[0]
        for start in range(self._first[0], len(series.at), CHUNK):
            rows = slice(start, start + CHUNK)
            prices = (row.tolist() for row in series.matrix[:, rows])
            at, exchange_at = series.at[rows].tolist(), series.exchange_at[rows].tolist()
            yield map(Bar, at, exchange_at, repeat(series.instrument), repeat(series.span), *prices)

    def _merged(self) -> Iterator[Iterable[Bar]]:
        pairs = list(zip(self._series, self._first, strict=True))
        at = np.concatenate([each.at[first:] for each, first in pairs])
        exchange_at = np.concatenate([each.exchange_at[first:] for each, first in pairs])
        owner = np.repeat(np.arange(len(pairs)), [len(each.at) - first for each, first in pairs])
        matrix = np.concatenate([each.matrix[:, first:] for each, first in pairs], axis=1)
        names = [each.instrument for each in self._series]
        spans = [each.span for each in self._series]
        order = np.argsort(at, kind="stable")
        for start in range(0, len(order), CHUNK):
            rows = order[start : start + CHUNK]
            owners = owner[rows].tolist()
            prices = (row.tolist() for row in matrix[:, rows])
            yield map(
                Bar,
                at[rows].tolist(),
                exchange_at[rows].tolist(),
                [names[each] for each in owners],
                [spans[each] for each in owners],
                *prices,
            )
