"""The embedded store: one Parquet file an instrument, interval and year, queried with DuckDB."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tradsys.core.errors import MissingData, ResourceError, UnknownName
from tradsys.core.units import DAY
from tradsys.market.intervals import interval_of, span_of
from tradsys.market.loading import load
from tradsys.market.partitions import quote, unquote
from tradsys.market.readers.native import encode
from tradsys.market.series import BarSeries
from tradsys.reference.clock import iso

_FILE = "bars.parquet"


@dataclass(frozen=True, slots=True)
class Holding:
    """What the store has of one instrument and interval; instants in UTC nanoseconds."""

    instrument: str
    interval: str
    rows: int
    first: int
    last: int

    def as_dict(self) -> dict[str, object]:
        """With times in ISO-8601, Indian time."""
        times = {"first": iso(self.first), "last": iso(self.last)}
        return {"instrument": self.instrument, "interval": self.interval, "rows": self.rows} | times


class Store:
    """Bars under one folder: `instrument=INFY/interval=1m/year=2024/bars.parquet`, in our own Parquet.

    A year is that of the time a bar is known, UTC. Writing replaces what the store has between the first and last bar
    written and keeps the rest, so importing a file again changes nothing. Files change whole or not at all.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, series: BarSeries) -> list[Path]:
        """Merge a validated series in; the files it now stands in. Raises `ResourceError`, with nothing changed."""
        parts = {year: self._merged(series, year) for year in np.unique(_years(series.at)).tolist()}
        return _replace_all({self._path(series, year): encode(part) for year, part in parts.items()})

    def read(self, instrument: str, *, interval: str, first: int | None = None, last: int | None = None) -> BarSeries:
        """Bars known after `first` and no later than `last` (UTC nanoseconds; None is open).

        Raises `UnknownName` for an instrument, `MissingData` for an interval or window that the store does not have.
        """
        folder = self.root / f"instrument={quote(instrument)}"
        if not folder.is_dir():
            raise UnknownName("instrument", instrument, self._instruments(), where=str(self.root))
        paths = sorted((folder / f"interval={interval_of(span_of(interval))}").glob(f"year=*/{_FILE}"))
        wanted = [path for path in paths if _overlaps(_year_of(path), first, last)]
        if not wanted:
            raise MissingData(
                f"{self.root} has no {interval} bars of {instrument} in that window",
                value=interval,
                limit=", ".join(sorted(path.name.removeprefix("interval=") for path in folder.iterdir())),
                fix="import or resample them, or choose another window",
            )
        series = replace(load(wanted, format="tradsys"), source=folder)
        if first is None and last is None:
            return series
        return series.window(
            first=int(series.at[0]) - 1 if first is None else first, last=int(series.at[-1]) if last is None else last
        )

    def holdings(self) -> list[Holding]:
        """What there is, by instrument and interval."""
        rows = self.query(
            'SELECT instrument, interval, count(*), min("at"), max("at") FROM bars GROUP BY ALL ORDER BY ALL'
        )
        return [Holding(unquote(str(row[0])), *row[1:]) for row in rows]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query over `bars`: instrument, interval, year, "at", open, high, low, close, volume.

        `at` is a keyword of DuckDB's and needs its quotes.
        """
        if not any(self.root.glob(f"instrument=*/interval=*/year=*/{_FILE}")):
            return []
        import duckdb

        pattern = str(self.root / f"instrument=*/interval=*/year=*/{_FILE}").replace("'", "''")
        with duckdb.connect(":memory:") as connection:
            connection.execute(
                f"CREATE VIEW bars AS SELECT * FROM read_parquet('{pattern}', hive_partitioning = true,"
                " hive_types_autocast = false)"
            )
            rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
        return rows

    def forget(self, *, before_year: int, interval: str | None = None) -> list[Path]:
        """Delete whole years earlier than one, of one interval or all; the files deleted."""
        intervals = f"interval={interval_of(span_of(interval))}" if interval else "interval=*"
        found = sorted(self.root.glob(f"instrument=*/{intervals}/year=*/{_FILE}"))
        old = [path for path in found if _year_of(path) < before_year]
        for path in old:
            path.unlink()
            path.parent.rmdir()
        return old

    def _instruments(self) -> Iterable[str]:
        return [unquote(path.name.removeprefix("instrument=")) for path in self.root.glob("instrument=*")]

    def _path(self, series: BarSeries, year: int) -> Path:
        folder = self.root / f"instrument={quote(series.instrument)}" / f"interval={interval_of(series.span)}"
        return folder / f"year={year}" / _FILE

    def _merged(self, series: BarSeries, year: int) -> BarSeries:
        part = _rows(series, _years(series.at) == year)
        path = self._path(series, year)
        if not path.is_file():
            return part
        old = load(path, format="tradsys")
        kept = _rows(old, (old.at < part.at[0]) | (old.at > part.at[-1]))
        at = np.concatenate([kept.at, part.at])
        order = np.argsort(at, kind="stable")
        matrix = np.ascontiguousarray(np.concatenate([kept.matrix, part.matrix], axis=1)[:, order])
        return replace(part, at=at[order], exchange_at=at[order], matrix=matrix)


def _rows(series: BarSeries, mask: np.ndarray[Any, np.dtype[np.bool_]]) -> BarSeries:
    at = series.at[mask]
    return replace(series, at=at, exchange_at=at, matrix=np.ascontiguousarray(series.matrix[:, mask]))


def _years(at: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    days: np.ndarray[Any, np.dtype[np.int64]] = at // DAY
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _year_of(path: Path) -> int:
    return int(path.parent.name.removeprefix("year="))


def _overlaps(year: int, first: int | None, last: int | None) -> bool:
    bounds = _years(np.array([first or 0, last or 0], dtype=np.int64))
    return (first is None or year >= bounds[0]) and (last is None or year <= bounds[1])


def _replace_all(contents: dict[Path, bytes]) -> list[Path]:
    written: list[tuple[Path, Path]] = []
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.part")
            written.append((temporary, path))
            _write_durably(temporary, content)
        for temporary, path in written:
            os.replace(temporary, path)
    except OSError as problem:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)
        raise ResourceError(
            f"cannot write to the store: {problem.strerror}",
            value=str(problem.filename or next(iter(contents), "")),
            fix="free space or correct permissions, then import again; the store is as it was",
        ) from None
    return list(contents)


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
