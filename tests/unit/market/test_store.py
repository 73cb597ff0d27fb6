"""Cleaning and keeping bars."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.market.made import NSE, OPEN, minutes, nanos, series_of
from tradsys.core.errors import ConfigError, DataError, MissingData, UnknownName
from tradsys.core.units import MINUTE
from tradsys.market.importing import clean, import_files, keep_of
from tradsys.market.loading import RawFile, load, load_many
from tradsys.market.partitions import quote, unquote
from tradsys.market.readers.raw import RawBars
from tradsys.market.series import CLOSE, HIGH, BarSeries
from tradsys.market.store import Store

SAMPLE = "data/sample/nse_1min_mit"


def raw_of(at: np.ndarray[tuple[int], np.dtype[np.int64]], *, close: list[float] | None = None) -> RawFile:
    series = series_of(at, close=None if close is None else np.array(close))
    bars = RawBars(instrument="X", labels=at, matrix=series.matrix, zone="Asia/Kolkata", label="end", span=MINUTE)
    return RawFile(bars, Path("made"), "0" * 64)


def done(raw: RawFile, **options: object) -> tuple[BarSeries, list[tuple[str, int]]]:
    series, repairs = clean(raw, calendar=NSE, **options)  # type: ignore[arg-type]
    return series, [(repair.reason.split(" ")[0], repair.count) for repair in repairs]


def test_the_sample_is_cleaned_by_count(repository: Path, tmp_path: Path) -> None:
    results = import_files(repository / SAMPLE, format="nse_1min_mit", store=Store(tmp_path), calendar=NSE)
    kept = {result.instrument: (result.rows_read, result.rows_kept) for result in results}
    # What is dropped is the repeated minutes of the data's own description, and what lies outside sessions.
    assert kept["FEDERALBNK"] == (78_267, 78_267 - 10_102 - 8)
    assert kept["NIFTY"] == (92_624, 92_624)
    for result in results:
        dropped = sum(repair.count for repair in result.repairs if repair.action == "dropped")
        assert result.rows_read - dropped == result.rows_kept
    loaded = load_many(tmp_path, format="tradsys", interval="1m", calendar=NSE)
    assert {name: len(series) for name, series in loaded.items()} == {name: rows[1] for name, rows in kept.items()}


def test_importing_again_changes_nothing(repository: Path, tmp_path: Path) -> None:
    path = repository / SAMPLE / "FEDERALBNK_1min_2014-12_2015-10.parquet"
    first, second = (
        import_files(path, format="nse_1min_mit", store=Store(tmp_path), calendar=NSE)[0] for _ in range(2)
    )
    assert first == second
    assert len(first.stored) == 2


def test_rows_are_sorted_and_identical_ones_dropped() -> None:
    day = minutes(4)
    series, repairs = done(raw_of(day[[2, 3, 0, 1, 1]], close=[3.0, 4.0, 1.0, 2.0, 2.0]))
    assert series.at.tolist() == day.tolist()
    assert series.close.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert repairs == [("stood", 3), ("same", 1)]


def test_of_conflicting_rows_the_named_one_is_kept() -> None:
    raw = raw_of(minutes(3)[[0, 1, 1, 2]], close=[1.0, 2.0, 9.0, 3.0])
    assert done(raw)[0].close.tolist() == [1.0, 9.0, 3.0]
    assert done(raw, keep="first")[0].close.tolist() == [1.0, 2.0, 3.0]
    assert "other values; the first in the file is kept" in clean(raw, calendar=NSE, keep="first")[1][0].reason
    with pytest.raises(ConfigError, match="unknown rule"):
        keep_of("both")


def test_impossible_rows_and_rows_outside_sessions_are_dropped() -> None:
    raw = raw_of(np.append(minutes(4), nanos(2015, 4, 2, 10)))
    raw.bars.matrix[CLOSE, 0] = np.nan
    raw.bars.matrix[HIGH, 1] = 1.0
    series, repairs = done(raw)
    assert series.at.tolist() == minutes(4)[2:].tolist()
    assert repairs == [("not", 2), ("outside", 1)]


def test_nothing_left_is_an_error() -> None:
    raw = raw_of(minutes(2))
    raw.bars.matrix[:] = np.nan
    with pytest.raises(MissingData, match="no usable bar"):
        clean(raw, calendar=NSE)


def test_a_wrong_label_is_not_imported() -> None:
    raw = raw_of(minutes(375) - MINUTE)
    with pytest.raises(DataError, match="labelled by their start"):
        clean(raw, calendar=NSE)


def test_mixed_zones_are_not_imported() -> None:
    raw = raw_of(minutes(2))
    bars = replace(raw.bars, mixed=np.array([False, True]))
    with pytest.raises(DataError, match="another zone"):
        clean(replace(raw, bars=bars), calendar=NSE)


def test_a_store_gives_back_what_was_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rng = np.random.default_rng(1)
    series = series_of(minutes(375), close=100 + rng.random(375))
    store.write(series)
    back = store.read("X", interval="1m")
    assert back.at.tolist() == series.at.tolist()
    assert np.array_equal(back.matrix, series.matrix)
    part = store.read("X", interval="1m", first=OPEN + MINUTE, last=OPEN + 3 * MINUTE)
    assert part.at.tolist() == (OPEN + MINUTE * np.array([2, 3])).tolist()


def test_writing_replaces_its_own_window_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(series_of(minutes(10), close=np.full(10, 1.0)))
    store.write(series_of(minutes(10)[[3, 6]], close=np.full(2, 2.0)))
    back = store.read("X", interval="1m")
    assert back.close.tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 1.0]


def test_years_are_kept_apart_and_can_be_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    at = np.array([nanos(2014, 12, 31, 10), nanos(2015, 1, 1, 10), nanos(2016, 1, 1, 10)])
    assert len(store.write(series_of(at))) == 3
    only = store.read("X", interval="1m", first=nanos(2015, 1, 1), last=nanos(2015, 12, 31))
    assert only.at.tolist() == at[1:2].tolist()
    assert len(store.forget(before_year=2015)) == 1
    assert store.read("X", interval="1m").at.tolist() == at[1:].tolist()


def test_holdings_are_listed_through_sql(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.holdings() == []
    store.write(replace(series_of(minutes(5)), instrument="M&M/X:1 %"))
    (holding,) = store.holdings()
    assert (holding.instrument, holding.interval, holding.rows) == ("M&M/X:1 %", "1m", 5)
    assert (holding.first, holding.last) == (OPEN + MINUTE, OPEN + 5 * MINUTE)
    assert store.query('SELECT sum(volume), max("at") FROM bars') == [(5.0, OPEN + 5 * MINUTE)]


def test_what_the_store_does_not_have_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(series_of(minutes(5)))
    with pytest.raises(UnknownName, match="unknown instrument"):
        store.read("Y", interval="1m")
    with pytest.raises(MissingData, match="no 1h bars"):
        store.read("X", interval="1h")
    with pytest.raises(MissingData, match="in that window"):
        store.read("X", interval="1m", first=nanos(2019, 1, 1), last=nanos(2020, 1, 1))


def test_intervals_of_one_instrument_are_loaded_apart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(series_of(minutes(5)))
    store.write(series_of(OPEN + 5 * MINUTE * np.arange(1, 3), span=5 * MINUTE))
    assert len(load(tmp_path, format="tradsys", interval="5m")) == 2
    with pytest.raises(DataError, match="several kinds"):
        load(tmp_path, format="tradsys")


@pytest.mark.parametrize("name", ["INFY", "NIFTY 50", "BTC/USDT:USDT", "../up", "₹", "a%2Fb", "x=y"])
def test_any_name_makes_a_safe_folder(name: str) -> None:
    assert unquote(quote(name)) == name
    assert "/" not in quote(name) and "=" not in quote(name)


FULL = """
import resource, sys
from pathlib import Path
from tests.unit.market.made import minutes, series_of
from tradsys.core.errors import ResourceError
from tradsys.market.store import Store
import numpy as np
store = Store(Path(sys.argv[1]))
store.write(series_of(minutes(5)))
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    store.write(series_of(minutes(375), close=100 + np.random.default_rng(1).random(375)))
except ResourceError as problem:
    print(problem.exit_code, len(store.read("X", interval="1m")), [p.name for p in Path(sys.argv[1]).rglob("*.part")])
"""


def test_a_full_disk_leaves_the_store_as_it_was(repository: Path, tmp_path: Path) -> None:
    assert hasattr(resource, "RLIMIT_FSIZE")
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    answer = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == "3 5 []", answer.stderr
