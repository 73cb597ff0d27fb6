"""Funding rates of perpetuals from Feather, Parquet or CSV: a time and a rate, and a mark price if the file has one.

freqtrade's `*-funding_rate.feather` keeps the rate under `open`; its times carry milliseconds of jitter and are kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as csv
import pyarrow.feather as feather
import pyarrow.parquet as parquet

from tradsys.core.errors import DataError, MissingData
from tradsys.core.events import Funding
from tradsys.market.arrow import to_numpy

TIMES = ("time", "at", "date", "datetime", "timestamp")
RATES = ("rate", "funding_rate", "fundingRate", "open")
LARGEST_RATE = 1.0


def read_funding(path: Path, *, instrument: str) -> list[Funding]:
    """Events in time order; `mark` is 0 where the file has none (the engine then takes the last price).

    Raises `MissingData` for no file or no rows, `DataError` for missing columns, times out of order, or a rate that is
    not a fraction of notional.
    """
    if not path.is_file():
        raise MissingData(f"no funding rates at {path}", value=str(path), fix="check data.instruments.funding")
    table = _table(path)
    times = _times(table[_column(table, TIMES, path)])
    rates = to_numpy(table[_column(table, RATES, path)].cast(pa.float64()))
    marks = to_numpy(table["mark"].cast(pa.float64())) if "mark" in table.column_names else np.zeros(len(rates))
    _check(path, times, rates)
    return [
        Funding(at, at, instrument, rate, mark)
        for at, rate, mark in zip(times.tolist(), rates.tolist(), marks.tolist(), strict=True)
    ]


def _table(path: Path) -> pa.Table:
    if path.suffix == ".feather":
        return feather.read_table(path)
    return parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)


def _column(table: pa.Table, names: tuple[str, ...], path: Path) -> str:
    for name in names:
        if name in table.column_names:
            return name
    raise DataError(f"{path}: no column {' or '.join(names)}", value=", ".join(table.column_names), limit=names[0])


def _times(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """UTC nanoseconds; integers are milliseconds, as exchanges give them."""
    if pa.types.is_integer(column.type):
        return to_numpy(column.cast(pa.int64())).astype(np.int64) * 1_000_000
    if pa.types.is_string(column.type):
        column = compute.cast(column, pa.timestamp("ns", "UTC"))
    return to_numpy(column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())).astype(np.int64)


def _check(
    path: Path, times: np.ndarray[tuple[int], np.dtype[np.int64]], rates: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> None:
    if not len(times):
        raise MissingData(f"{path} has no funding rates", value=str(path), fix="check the file")
    if (np.diff(times) <= 0).any():
        row = int(np.argmax(np.diff(times) <= 0)) + 2
        raise DataError(f"{path}: row {row} is out of order or repeated", value=row, fix="sort it by time")
    wrong = ~(np.abs(rates) < LARGEST_RATE)
    if wrong.any():
        row = int(np.argmax(wrong)) + 1
        raise DataError(
            f"{path}: the rate in row {row} is no fraction", value=float(rates[row - 1]), limit=LARGEST_RATE
        )
