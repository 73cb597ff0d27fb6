"""What the data of a run said of an instrument by an instant: its last bar, and its last tick where it has ticks."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradsys.engine.data import Loaded

_BAR = ("open", "high", "low", "close", "volume")
_TICK = ("last", "last_quantity", "bid", "bid_quantity", "ask", "ask_quantity", "volume")


def known_by(data: Loaded, instrument: str, at: int) -> list[dict[str, Any]]:
    """The last bar and the last tick known at an instant (UTC nanoseconds), the newest last; none where there is none.

    Each has its `kind`, `at`, and prices in currency units, None for what the record does not say.
    """
    found = []
    series = data.series.get(instrument)
    if series is not None:
        found += _row("Bar", series.at, series.matrix, _BAR, at)
    recording = data.recordings.get(instrument)
    if recording is not None:
        found += _row("Tick", recording.ticks.at, recording.ticks.matrix, _TICK, at)
    return sorted(found, key=lambda each: int(each["at"]))


def _row(kind: str, times: Any, matrix: Any, names: tuple[str, ...], at: int) -> list[dict[str, Any]]:
    row = int(np.searchsorted(times, at, side="right")) - 1
    if row < 0:
        return []
    values = [float(each) for each in matrix[: len(names), row]]
    said = {name: value if value == value else None for name, value in zip(names, values, strict=True)}
    return [{"kind": kind, "at": int(times[row]), **said}]
