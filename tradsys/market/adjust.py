"""Prices across splits, bonuses and dividends. Traded prices stay; only what compares prices is adjusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import DataError
from tradsys.core.events import ActionKind, CorporateAction
from tradsys.core.units import to_float
from tradsys.market.series import VOLUME, BarSeries
from tradsys.reference.clock import Int64s, iso

Floats = NDArray[np.float64]


def factor(at: Int64s, actions: Iterable[CorporateAction], *, close: Floats | None = None) -> Floats:
    """float64[n]: the factor F known at each time that makes `price * F` (and `volume / F`) continuous.

    F is 1 before the first action inside the data and is multiplied at each by `new / old` (it doubles at a 1:1 bonus),
    for bars that end after the action's instant. With `close` (float64[n], as traded) dividends count too, by
    `close / (close - cash)` of the last close before the ex-date, the factor of a total-return index. Depends on the
    past alone. Raises `DataError` for a dividend not below that close.
    """
    steps = np.ones(len(at))
    for action in actions:
        row = int(np.searchsorted(at, action.at, side="right"))
        if 0 < row < len(at):
            steps[row] *= _step(action, None if close is None else float(close[row - 1]))
    return np.multiply.accumulate(steps)


def back_adjusted(
    series: BarSeries, actions: Iterable[CorporateAction], *, as_of: int, dividends: bool = False
) -> BarSeries:
    """A copy for charts: bars up to `as_of` (UTC nanoseconds) in the shares of that instant, volume likewise.

    Adjusted prices are not prices anybody could trade at.
    """
    known = [action for action in actions if action.at <= as_of]
    cut = series.window(first=int(series.at[0]) - 1, last=as_of)
    running = factor(cut.at, known, close=cut.close if dividends else None)
    final = float(running[-1]) * _after(cut, known, dividends=dividends)
    matrix = cut.matrix * (running / final)
    matrix[VOLUME] = cut.volume * (final / running)
    return replace(cut, matrix=matrix, notes=(*cut.notes, f"adjusted as of {iso(as_of)}"))


def _after(series: BarSeries, actions: Iterable[CorporateAction], *, dividends: bool) -> float:
    close = float(series.close[-1]) if dividends else None
    later = [_step(action, close) for action in actions if action.at >= series.at[-1]]
    return float(np.prod(later)) if later else 1.0


def _step(action: CorporateAction, close: float | None) -> float:
    if action.kind is not ActionKind.DIVIDEND:
        return action.new / action.old
    if close is None:
        return 1.0
    cash = to_float(action.cash)
    if not 0.0 <= cash < close:
        raise DataError(
            f"{action.instrument}: a dividend of {cash} on {iso(action.at)} is not below the close before it",
            value=cash,
            limit=close,
            fix="correct the row of corporate actions",
        )
    return close / (close - cash)
