"""Latencies of a run file: each kind by its name, and what makes none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import MILLISECOND, SECOND
from tradsys.engine.recorded_data import Recording
from tradsys.engine.recorded_latency import latencies
from tradsys.engine.run_file import ExecutionSection
from tradsys.exchange.latency_models import Latency
from tradsys.market.ticks import COLUMNS, TickSeries, bars_of
from tradsys.reference.calendar import calendar_for

COIN = Instrument(id="X:Y", exchange="X", symbol="Y", segment=Segment.CRYPTO_SPOT)
START = 1_700_000_040 * SECOND


def record(*took: int, begins: int = START) -> Recording:
    """Ticks a second apart that were heard so many milliseconds after they happened."""
    happened = begins + np.arange(len(took), dtype=np.int64) * SECOND
    at = happened + np.array(took, np.int64) * MILLISECOND
    matrix = np.full((len(COLUMNS), len(took)), 100.0)
    ticks = TickSeries(COIN.id, at, happened, matrix, Path("ticks"), "")
    bars = bars_of(ticks, "1m", calendar=calendar_for("CRYPTO", COIN.segment))
    return Recording(instrument=COIN, ticks=ticks, events=(), bars=bars)


def of(*recordings: Recording, seed: int = 0, **execution: Any) -> tuple[Latency, Latency]:
    return latencies(ExecutionSection(**execution), recordings, seed=seed)


def delays(latency: Latency, times: Sequence[int] = range(START, START + 999)) -> list[int]:
    return [latency.delay(at) for at in times]


def test_constant_unless_said_otherwise() -> None:
    entry, response = of(latency_ms=5, response_ms=0.25)
    assert (set(delays(entry)), set(delays(response))) == ({5 * MILLISECOND}, {MILLISECOND // 4})


def test_lognormal_has_the_milliseconds_as_median_and_each_leg_draws_its_own() -> None:
    entry, response = of(latency="lognormal", latency_ms=5, response_ms=5, latency_spread=1.0, seed=3)
    assert median(delays(entry)) == pytest.approx(5 * MILLISECOND, rel=0.1)
    assert max(delays(entry)) > 20 * MILLISECOND
    assert delays(entry) != delays(response)
    assert delays(entry) == delays(of(latency="lognormal", latency_ms=5, latency_spread=1.0, seed=3)[0])
    assert delays(entry) != delays(of(latency="lognormal", latency_ms=5, latency_spread=1.0, seed=4)[0])
    assert set(delays(of(latency="lognormal", latency_ms=5)[1])) == {0}


def test_recorded_takes_as_long_as_the_latest_message_of_any_instrument() -> None:
    entry, response = of(record(10, 30), record(50, begins=START + 5 * SECOND), latency="recorded", latency_scale=2)
    times = [START + 10 * MILLISECOND, START + SECOND + 30 * MILLISECOND, START + 9 * SECOND]
    assert delays(entry, times) == delays(response, times) == [each * MILLISECOND for each in (20, 60, 100)]


@pytest.mark.parametrize(
    ("execution", "error", "what"),
    [
        ({"latency": "fast"}, UnknownName, "unknown latency 'fast'"),
        ({"latency_ms": 60_001}, ConfigError, "latency_ms out of range"),
        ({"response_ms": -1}, ConfigError, "response_ms out of range"),
        ({"latency": "recorded", "latency_ms": 1}, ConfigError, "as long as the record says"),
        ({"latency": "recorded", "latency_scale": 0}, ConfigError, "latency_scale out of range"),
    ],
)
def test_what_makes_no_latency_is_refused(execution: dict[str, Any], error: type[ConfigError], what: str) -> None:
    with pytest.raises(error, match=what):
        of(record(1), **execution)


def test_a_record_without_times_of_receipt_makes_none() -> None:
    with pytest.raises(ConfigError, match="does not say how long"):
        of(record(0, 0), latency="recorded")
