"""Bars made for tests, on real sessions of the exchange."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tradsys.core.instruments import Segment
from tradsys.core.units import MINUTE, SECOND
from tradsys.market.series import BarSeries
from tradsys.reference.calendar import Calendar, calendar_for


def nanos(*parts: int, zone: str = "Asia/Kolkata") -> int:
    """The standard library's answer."""
    year, month, day, *clock = parts
    hour, minute, second = [*clock, 0, 0, 0][:3]
    return int(datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


NSE: Calendar = calendar_for("NSE", Segment.EQUITY)
OPEN = nanos(2015, 4, 1, 9, 15)
"""Open of an ordinary Wednesday."""


def series_of(at: NDArray[np.int64], *, close: NDArray[np.float64] | None = None, span: int = MINUTE) -> BarSeries:
    """Bars that end at `at`, flat at `close`, one unit each."""
    prices = np.full(len(at), 100.0) if close is None else close
    matrix = np.vstack([prices, prices, prices, prices, np.ones(len(at))])
    return BarSeries("X", span, at, at, np.ascontiguousarray(matrix), Path("made"), "0" * 64)


def minutes(count: int, *, start: int = OPEN) -> NDArray[np.int64]:
    """Ends of the first minutes after an open."""
    return start + MINUTE * np.arange(1, count + 1, dtype=np.int64)
