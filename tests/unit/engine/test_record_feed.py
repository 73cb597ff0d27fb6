"""Ticks on their way to a run: columns that nobody says, and what a venue is shown that met nothing for a while."""

from __future__ import annotations

from math import nan
from pathlib import Path

import numpy as np

from tests.builders import conserve, run
from tests.unit.engine.test_recorded_run import START, Row, at_tick, bodies, recorded
from tradsys.core.events import Fill, Triggered
from tradsys.core.units import MILLISECOND, SCALE
from tradsys.engine.record_feed import TickRecords
from tradsys.market.ticks import COLUMNS, TickSeries


def series(name: str, *ticks: tuple[float, ...], first: int = 0) -> TickSeries:
    """One tick every second nanosecond."""
    at = first + 2 * np.arange(len(ticks), dtype=np.int64)
    return TickSeries(name, at, at, np.ascontiguousarray(np.array(ticks).T), Path("ticks"), "")


def test_columns_that_nobody_says_are_nan_and_the_others_stay_in_place() -> None:
    said = (nan, nan, 10.0, nan, 11.0, nan, nan)
    (first, second) = TickRecords([series("A", said, (9.5, *said[1:]))]).records(slice(0, 2))
    assert [value for value in map(first.__getattribute__, COLUMNS) if value == value] == [10.0, 11.0]
    assert (first.bid, first.ask) == (second.bid, second.ask) == (10.0, 11.0)
    assert (second.last, second.at) == (9.5, 2)


def test_a_column_that_one_of_two_instruments_says_is_kept_for_both() -> None:
    quoted, traded = (nan, nan, 10.0, 1.0, 11.0, 2.0, nan), (10.5, 3.0, 10.0, 1.0, 11.0, 2.0, nan)
    records = TickRecords([series("A", quoted, quoted), series("B", traded, traded, first=1)])
    ticks = list(records.records(slice(0, 4)))
    assert [(tick.instrument, tick.at) for tick in ticks] == [("A", 0), ("B", 1), ("A", 2), ("B", 3)]
    assert [tick.last_quantity for tick in ticks if tick.last == tick.last] == [3.0, 3.0]
    assert all(tick.volume != tick.volume for tick in ticks)


def test_a_stop_on_arrival_looks_at_the_last_trade_also_behind_quotes(tmp_path: Path) -> None:
    quote = (nan, nan, 100.0, 5.0, 100.1, 5.0)
    rows: list[Row] = [(0, 100.0, 1.0, 100.0, 5.0, 100.1, 5.0), *((1000 * number, *quote) for number in (1, 2, 3))]
    done = run(recorded(tmp_path, rows, at_tick(2, lambda s, e: s.sell(e, 2, trigger=100.0))), watch=conserve)
    (fill,) = bodies(done, Fill)
    assert (fill.price, fill.exchange_at) == (100 * SCALE, START + 2000 * MILLISECOND)
    assert len(bodies(done, Triggered)) == 1
