"""Longer bars from shorter ones, anchored at the session's open; no bar straddles a session or a pause."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.units import DAY
from tradsys.market.intervals import interval_of, span_of
from tradsys.market.series import CLOSE, HIGH, LOW, OPEN, VOLUME, BarSeries
from tradsys.market.sessions import SessionCalendar, SessionTable, session_table
from tradsys.reference.clock import Int64s, iso

Unfinished = Literal["drop", "keep"]
UNFINISHED: tuple[Unfinished, ...] = ("drop", "keep")


def unfinished_of(text: str) -> Unfinished:
    """`drop` or `keep`. Raises `ConfigError` for anything else."""
    for rule in UNFINISHED:
        if text == rule:
            return rule
    raise ConfigError("unknown rule for unfinished bars", value=text, limit="drop, keep", fix="use drop or keep")


def resample(
    series: BarSeries, interval: str, *, calendar: SessionCalendar, unfinished: Unfinished = "drop"
) -> BarSeries:
    """Bars of a longer interval: first open, highest high, lowest low, last close, summed volume.

    Intervals count from each session's open and end at its close, so an hourly NSE day is 09:15-10:15 … 15:15-15:30; a
    daily bar is one session. An interval without a bar gives none. The last bar of the series is dropped, with a note,
    if the series ends before its interval does, unless `unfinished` is `keep`.

    Raises `ConfigError` unless the interval is a multiple of the series' own, `DataError` for a bar outside the
    sessions or across an edge of the new intervals.
    """
    span = span_of(interval)
    if span % series.span or not len(series):
        raise ConfigError(
            f"{series.instrument}: {interval_of(series.span)} bars do not add up to {interval}",
            value=interval,
            limit=f"a multiple of {interval_of(series.span)}",
            fix="choose a longer interval, or import finer bars",
        )
    ends = _interval_ends(series, span, session_table(calendar, series.at))
    starts = np.flatnonzero(np.diff(ends, prepend=-1))
    result = _aggregate(series, ends[starts], starts, span)
    if unfinished == "keep" or series.at[-1] == ends[-1]:
        return result
    note = f"the last {interval} bar was not finished and is left out"
    at = result.at[:-1]
    matrix = np.ascontiguousarray(result.matrix[:, :-1])
    return replace(result, at=at, exchange_at=at, matrix=matrix, notes=(*series.notes, note))


def _interval_ends(series: BarSeries, span: int, table: SessionTable) -> Int64s:
    index = table.index_of_end(series.at)
    if (index < 0).any():
        row = int(np.argmax(index < 0))
        _refuse(series, row, "lies outside the sessions of the exchange")
    opens, closes = table.opens[index], table.closes[index]
    if span == DAY:
        session_ends: Int64s = table.closes[table.index_of_date(table.dates[index])]
        return session_ends
    starts = opens + (series.at - opens - 1) // span * span
    across = np.maximum(series.at - series.span, opens) < starts
    if across.any():
        _refuse(series, int(np.argmax(across)), f"lies across an edge of {interval_of(span)} intervals")
    ends: Int64s = np.minimum(starts + span, closes)
    return ends


def _refuse(series: BarSeries, row: int, what: str) -> None:
    at = iso(int(series.at[row]))
    raise DataError(
        f"{series.instrument}: the bar that ends {at} {what}", value=at, fix="clean the file with `tradsys data import`"
    )


def _aggregate(series: BarSeries, at: Int64s, starts: Int64s, span: int) -> BarSeries:
    matrix = np.empty((5, len(starts)))
    last = np.append(starts[1:], len(series)) - 1
    matrix[OPEN] = series.open[starts]
    matrix[HIGH] = np.maximum.reduceat(series.high, starts)
    matrix[LOW] = np.minimum.reduceat(series.low, starts)
    matrix[CLOSE] = series.close[last]
    matrix[VOLUME] = np.add.reduceat(series.volume, starts)
    return replace(series, span=span, at=at, exchange_at=at, matrix=matrix)
