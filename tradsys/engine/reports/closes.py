"""The last price of each day, from the market data of a run, if they are still there and still the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import InputRefused, ResourceError
from tradsys.core.units import SCALE
from tradsys.engine.currency_data import at_rates
from tradsys.engine.data import Loaded
from tradsys.engine.replay import load, refuse_changed
from tradsys.engine.reports.run_record import RunRecord
from tradsys.market.series import BarSeries
from tradsys.reference.clock import local_days

Integers = NDArray[np.int64]


class Close(NamedTuple):
    """A close: its price (1e-8), and when it was known."""

    price: int
    at: int


@dataclass(frozen=True, slots=True)
class _Series:
    first: int
    days: Integers
    at: Integers
    close: NDArray[np.float64]
    adjusted: NDArray[np.float64]


class Closes:
    """Closes by instrument and day (days since 1970 where the exchange is). `missing` says why there are none, if there
    are none; `days` are those of the run on which anything was told: bars before its begin are history alone."""

    def __init__(self, series: dict[str, _Series], *, missing: str = "") -> None:
        self.missing = missing
        self._series = series
        told = [each.days[each.first :] for each in series.values()]
        self.days: list[int] = np.unique(np.concatenate(told)).tolist() if told else []

    def last(self, instrument: str, day: int) -> Close | None:
        """The last close known at the end of a day; None before the first."""
        series = self._series.get(instrument)
        row = -1 if series is None else int(np.searchsorted(series.days, day, side="right")) - 1
        if series is None or row < 0:
            return None
        return Close(round(float(series.close[row]) * SCALE), int(series.at[row]))

    def days_of(self, instruments: Iterable[str], *, until: int) -> Integers:
        """Days up to one, that included, on which any of the instruments has a close, in order; int64[n]. Days before
        the run's begin are among them."""
        told = [self._series[each].days for each in instruments if each in self._series]
        days = np.unique(np.concatenate(told)) if told else np.empty(0, np.int64)
        return days[: int(np.searchsorted(days, until, side="right"))]

    def history(self, instrument: str, days: Integers) -> NDArray[np.float64]:
        """Closes of an instrument on given days, adjusted for splits and dividends between them, float64[n]; NaN on a
        day without one."""
        found = np.full(len(days), np.nan)
        series = self._series.get(instrument)
        if series is None:
            return found
        rows = np.searchsorted(series.days, days, side="right") - 1
        there = (rows >= 0) & (series.days[np.maximum(rows, 0)] == days)
        found[there] = series.adjusted[rows[there]]
        return found


def closes_of(record: RunRecord) -> Closes:
    """The closes of a run's own data in the account's currency, up to its end. Data that are gone, or not what the run
    read, are not used: `missing` says which."""
    try:
        refuse_changed(record.saved)
        data = load(record.saved.settings)
    except (InputRefused, ResourceError) as problem:
        return Closes({}, missing=problem.message)
    until, found = _until(record, data), {}
    for name, series in data.series.items():
        currency = record.instruments[name].currency
        own = series if currency == record.currency else at_rates(series, currency, data.rates)
        found[name] = _cut(own, record.zone, until, first=data.first[name], factor=data.factors[name])
    return Closes({name: each for name, each in found.items() if len(each.at)})


def _until(record: RunRecord, data: Loaded) -> int:
    """The last instant that the run came to see; 0 for the end of its data."""
    manifest = record.saved.manifest
    if not manifest.get("partial"):
        return record.ends_at
    if data.recordings:
        return max((each.at for each in record.entries), default=1)
    at = np.sort(np.concatenate([series.at[data.first[name] :] for name, series in data.series.items()]))
    return int(at[int(manifest["bars"]) - 1])


def _cut(series: BarSeries, zone: str, until: int, *, first: int, factor: NDArray[np.float64] | None) -> _Series:
    last = int(np.searchsorted(series.at, until, side="right")) if until else len(series)
    close = series.close[:last]
    return _Series(
        first=first,
        days=local_days(series.at[:last], zone),
        at=series.at[:last],
        close=close,
        adjusted=close if factor is None else close * factor[:last],
    )
