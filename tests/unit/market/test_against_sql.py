"""Cleaned and resampled bars of the sample, computed a second time in SQL straight from the published file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from tests.unit.market.made import NSE
from tradsys.market.bars import resample
from tradsys.market.importing import clean
from tradsys.market.loading import read_raw

FILE = "data/sample/nse_1min_mit/FEDERALBNK_1min_2014-12_2015-10.parquet"
# All sessions of the file are ordinary ones, 09:15 to 15:30, Saturday 28 February 2015 included.
HOURLY = """
WITH minutes AS (
    SELECT DISTINCT date, "time" AS clock, open, high, low, close, volume,
        60 * CAST(substr("time", 1, 2) AS INT) + CAST(substr("time", 4, 2) AS INT) - 555 AS elapsed
    FROM read_parquet($file)
), hours AS (
    SELECT *, least(((elapsed - 1) // 60 + 1) * 60, 375) AS ends FROM minutes WHERE elapsed BETWEEN 1 AND 375
)
SELECT
    epoch_ns(strptime(CAST(date AS VARCHAR), '%Y%m%d') + to_minutes(CAST(555 + ends - 330 AS INT))) AS known,
    arg_min(open, elapsed), max(high), min(low), arg_max(close, elapsed), sum(volume)
FROM hours GROUP BY date, ends ORDER BY known
"""


def test_hourly_bars_of_the_sample_are_those_of_sql(repository: Path) -> None:
    path = repository / FILE
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(HOURLY, {"file": str(path)}).fetchall()
    series, _ = clean(read_raw(path, format="nse_1min_mit")["FEDERALBNK"], calendar=NSE)
    hourly = resample(series, "1h", calendar=NSE)
    expected = np.array([row[1:] for row in rows], dtype=np.float64).T
    assert hourly.at.tolist() == [row[0] for row in rows]
    assert np.array_equal(hourly.matrix, expected)
