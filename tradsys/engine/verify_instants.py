"""At which instants a run is cut: where it decides, around sessions' edges, at its first bars, and evenly between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tradsys.core.units import HOUR
from tradsys.engine.data import Loaded

INSTANTS = 24
"""How many, where the run has as many bars or records."""

DECISIVE = ("Approved", "Refused")
"""What shows that something was decided; strategies may repeat what they want at every bar."""


def choose(data: Loaded, decisions: Sequence[tuple[int, str, str]]) -> list[int]:
    """Times at which bars or records are known (UTC nanoseconds), ascending; the last one, after which nothing can be
    cut, is taken only where it is the only one. `decisions` are (at, strategy, event) of the full run."""
    bars = np.unique(np.concatenate([_known(data, name) for name in data.series]))
    if len(bars) < 2:
        return [int(at) for at in bars]
    bars = bars[:-1]
    chosen: dict[int, None] = {}
    for row in _rows(bars, decisions):
        if len(chosen) == min(INSTANTS, len(bars)):
            break
        chosen[int(bars[row])] = None
    return sorted(chosen)


def _known(data: Loaded, name: str) -> NDArray[np.int64]:
    """When the bars of an instrument that are traded on are known; on recorded data, its ticks."""
    series = data.series[name]
    if name not in data.recordings:
        return series.at[data.first[name] :]
    at = data.recordings[name].ticks.at
    first, last = np.searchsorted(at, [begin_of(data, name), int(series.at[-1]) + 1])
    return at[first:last]


def begin_of(data: Loaded, name: str) -> int:
    """When the first bar that is traded on is known; on recorded data, when it begins."""
    series = data.series[name]
    end = int(series.at[min(data.first[name], len(series) - 1)])
    return end - series.span if name in data.recordings else end


def _rows(bars: NDArray[np.int64], decisions: Sequence[tuple[int, str, str]]) -> Iterator[int]:
    """Rows by how much they promise; may repeat, and cover every row in the end."""
    last = len(bars) - 1
    yield from (0, min(1, last))
    for at in _spread(_decided(decisions), INSTANTS // 2):
        row = int(np.searchsorted(bars, at, side="right")) - 1
        if 0 <= row <= last:
            yield row
    for row in _spread(np.flatnonzero(np.diff(bars) > 3 * HOUR).tolist(), 3):
        yield from (row, row + 1)
    for at in _spread(_decided(decisions), 3):
        yield min(max(int(np.searchsorted(bars, at)) - 1, 0), last)
    yield last
    yield from _spread(range(len(bars)), INSTANTS)
    yield from range(len(bars))


def _decided(decisions: Sequence[tuple[int, str, str]]) -> list[int]:
    """Times of decisions, those of each strategy spread alike."""
    decisive = [each for each in decisions if each[2] in DECISIVE] or list(decisions)
    names = list(dict.fromkeys(strategy for _, strategy, _ in decisive))
    times = [sorted({at for at, strategy, _ in decisive if strategy == name}) for name in names]
    share = max(INSTANTS // 2 // max(len(names), 1), 1)
    return sorted({at for each in times for at in _spread(each, share)})


def _spread(values: Sequence[int], count: int) -> list[int]:
    """At most `count` of the values, evenly, both ends among them."""
    if len(values) <= count:
        return list(values)
    return [values[round(index)] for index in np.linspace(0, len(values) - 1, count)]
