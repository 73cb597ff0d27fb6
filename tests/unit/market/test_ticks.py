"""Ticks: files read, refusals, and bars made of them at once against bars made one tick at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.market.made import NSE, OPEN, nanos
from tradsys.core.errors import DataError, MissingData
from tradsys.core.instruments import Segment
from tradsys.core.units import MINUTE, SECOND
from tradsys.market.tick_bars import TimeBars, Trade
from tradsys.market.tick_files import read_ticks
from tradsys.market.ticks import COLUMNS, LAST, LAST_QUANTITY, TOTAL, TickSeries, bars_of
from tradsys.reference.calendar import calendar_for

CLOSE = nanos(2015, 4, 1, 15, 30)
ROUND_THE_CLOCK = calendar_for("CRYPTO", Segment.CRYPTO_SPOT)


def ticks(at: list[int], **columns: list[float]) -> TickSeries:
    matrix = np.full((len(COLUMNS), len(at)), np.nan)
    for name, values in columns.items():
        matrix[COLUMNS.index(name)] = values
    times = np.array(at, dtype=np.int64)
    return TickSeries("X", times, times, matrix, Path("made"), "0" * 64)


def random_trades(seed: int) -> TickSeries:
    draw = np.random.default_rng(seed)
    at = np.sort(draw.integers(OPEN - 30 * MINUTE, CLOSE + 30 * MINUTE, 400))
    at[draw.integers(0, 400, 5)] = CLOSE
    at[draw.integers(0, 400, 5)] = OPEN
    price = np.where(draw.random(400) < 0.3, np.nan, 100 + draw.normal(0, 1, 400).cumsum())
    return ticks(np.sort(at).tolist(), last=np.abs(price).tolist(), last_quantity=draw.integers(1, 9, 400).tolist())


@pytest.mark.parametrize("interval", ["1m", "7m", "1h"])
@pytest.mark.parametrize("seed", range(5))
def test_bars_made_at_once_are_those_made_one_tick_at_a_time(seed: int, interval: str) -> None:
    series = random_trades(seed)
    oracle = TimeBars("X", interval=interval, opens=OPEN, closes=CLOSE)
    finished = []
    for at, price, quantity in zip(series.at, series.matrix[LAST], series.matrix[LAST_QUANTITY], strict=True):
        if price == price:
            finished.append(oracle.add(Trade(int(at), float(price), float(quantity))))
    expected = [bar for bar in [*finished, oracle.advance(CLOSE)] if bar is not None]
    made = bars_of(series, interval, calendar=NSE)
    assert made.at.tolist() == [bar.at for bar in expected]
    for row, name in enumerate(("open", "high", "low", "close", "volume")):
        assert made.matrix[row].tolist() == [getattr(bar, name) for bar in expected]
    assert any("outside the sessions" in note for note in made.notes)


def test_a_tick_that_repeats_the_days_volume_is_no_trade() -> None:
    at = [OPEN, OPEN + SECOND, OPEN + 2 * SECOND]
    made = bars_of(ticks(at, last=[10, 11, 12], last_quantity=[1, 5, 5], volume=[1, 6, 6]), "1m", calendar=NSE)
    assert made.matrix[:, 0].tolist() == [10, 11, 10, 11, 6]


def test_quotes_alone_make_bars_of_the_mid_price_and_say_so() -> None:
    at = [OPEN, OPEN + SECOND, OPEN + 2 * SECOND]
    made = bars_of(ticks(at, bid=[10, 12, 0], ask=[12, 14, 15]), "1m", calendar=NSE)
    assert made.matrix[:, 0].tolist() == [11, 13, 11, 13, 0]
    assert "mid price" in made.notes[0]


def test_no_trade_within_the_sessions_is_refused() -> None:
    with pytest.raises(MissingData, match="no trade within the sessions"):
        bars_of(ticks([OPEN - MINUTE], last=[10.0]), "1m", calendar=NSE)


@pytest.mark.parametrize(
    ("series", "what"),
    [
        (ticks([]), "no ticks"),
        (ticks([2, 1], last=[1, 1]), "tick 2 .* is older"),
        (ticks([1, 2], last=[1, 0]), "tick 2 .* last price of zero"),
        (ticks([1], last=[float("inf")]), "infinite"),
        (ticks([1], bid=[-1], ask=[1]), "negative"),
        (ticks([1], bid=[3], ask=[2]), "bids more than it asks"),
    ],
)
def test_ticks_not_fit_to_trade_on_are_refused(series: TickSeries, what: str) -> None:
    with pytest.raises(DataError if "ticks" not in what else MissingData, match=what):
        series.validate()


def test_an_empty_side_is_no_fault() -> None:
    assert len(ticks([1, 2], bid=[3, 3], ask=[0, 4]).validate()) == 2


def test_a_tick_cannot_be_known_before_it_happened() -> None:
    series = ticks([5], last=[1])
    late = TickSeries("X", series.at, series.at + 1, series.matrix, series.source, series.sha256)
    with pytest.raises(DataError, match="before it happened"):
        late.validate()


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_files_are_read_by_their_usual_column_names(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ticks.{suffix}"
    at = [OPEN + SECOND, OPEN + 2 * SECOND]
    table = pa.table(
        {
            "Timestamp": at,
            "exchange_timestamp": [OPEN, OPEN + SECOND],
            "LTP": [100.5, 101.0],
            "LTQ": [3, 4],
            "best_bid": [100.0, 100.5],
            "bid_size": [7, 8],
            "best_ask": [101.0, 101.5],
            "ask_size": [9, 10],
            "volume_traded": [30, 34],
        }
    )
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        rows = [",".join(table.column_names)]
        rows += [",".join(str(column[row].as_py()) for column in table.columns) for row in range(2)]
        path.write_text("\n".join(rows), encoding="utf-8")
    series = read_ticks(path, instrument="NSE:X", timezone="Asia/Kolkata")
    assert series.at.tolist() == at
    assert series.exchange_at.tolist() == [OPEN, OPEN + SECOND]
    assert series.matrix[:, 1].tolist() == [101.0, 4.0, 100.5, 8.0, 101.5, 10.0, 34.0]
    assert series.matrix[TOTAL].tolist() == [30.0, 34.0]


@pytest.mark.parametrize("columns", [("time", "bid"), ("last", "bid"), ("time", "last", "ltp")])
def test_columns_that_are_missing_or_twice_are_named(tmp_path: Path, columns: tuple[str, ...]) -> None:
    path = tmp_path / "ticks.parquet"
    pq.write_table(pa.table({name: [1_700_000_000] for name in columns}), path)
    with pytest.raises(DataError, match=r"not a file of ticks|several columns"):
        read_ticks(path, instrument="X", timezone="UTC")


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\n\x00", b"PAR1 and no more", b"time,last\n1,2\n3\n", b"time,last\nnoon,2\n"]
)
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ticks").write_bytes(content)
    with pytest.raises(DataError):
        read_ticks(tmp_path / "ticks", instrument="X", timezone="UTC")


def test_round_the_clock_bars_count_from_midnight() -> None:
    at = [90 * SECOND, 125 * SECOND]
    assert bars_of(ticks(at, last=[1, 2]), "1m", calendar=ROUND_THE_CLOCK).at.tolist() == [120 * SECOND, 180 * SECOND]
