"""One instrument's bars in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import DataError, MissingData
from tradsys.reference.clock import iso

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)
"""Rows of the matrix."""

_IMPORT = "clean the file with `tradsys data import`, or correct it"


@dataclass(frozen=True, slots=True, eq=False)
class BarSeries:
    """Bars of one instrument, oldest first.

    Attributes:
        instrument: name the bars are known by.
        span: length of a bar, nanoseconds (the last bar of a session may be shorter, a daily bar is `DAY`).
        at: int64[n], UTC nanoseconds at which each bar is known: the end of its interval. Strictly increasing.
        exchange_at: int64[n], when it ended at the venue; the same array unless a receive time exists.
        matrix: float64[5, n], C-contiguous and writable: open, high, low, close, volume.
        source: file or folder the bars came from.
        sha256: hex digest of that file's bytes.
        notes: what the reader had to assume, in words.
    """

    instrument: str
    span: int
    at: NDArray[np.int64]
    exchange_at: NDArray[np.int64]
    matrix: NDArray[np.float64]
    source: Path
    sha256: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.at)

    @property
    def open(self) -> NDArray[np.float64]:
        """First price of each bar."""
        return self._row(OPEN)

    @property
    def high(self) -> NDArray[np.float64]:
        """Highest price of each bar."""
        return self._row(HIGH)

    @property
    def low(self) -> NDArray[np.float64]:
        """Lowest price of each bar."""
        return self._row(LOW)

    @property
    def close(self) -> NDArray[np.float64]:
        """Last price of each bar."""
        return self._row(CLOSE)

    @property
    def volume(self) -> NDArray[np.float64]:
        """Units traded in each bar; 0 for an index."""
        return self._row(VOLUME)

    def _row(self, number: int) -> NDArray[np.float64]:
        row: NDArray[np.float64] = self.matrix[number]
        return row

    def window(self, *, first: int, last: int) -> BarSeries:
        """Bars known after `first` and no later than `last` (UTC nanoseconds); shares memory where nothing is cut.

        Raises `MissingData` when there is none.
        """
        begin, end = np.searchsorted(self.at, [first, last], side="right")
        if begin >= end:
            raise MissingData(
                f"{self.instrument}: no bar in the window {iso(first)} … {iso(last)}",
                value=f"{iso(first)} … {iso(last)}",
                limit=self.extent(),
                fix="choose a window inside the data",
            )
        if end - begin == len(self):
            return self
        at = self.at[begin:end]
        return replace(
            self,
            at=at,
            exchange_at=at if self.exchange_at is self.at else self.exchange_at[begin:end],
            matrix=np.ascontiguousarray(self.matrix[:, begin:end]),
        )

    def extent(self) -> str:
        """First and last time, in words."""
        return f"{iso(int(self.at[0]))} … {iso(int(self.at[-1]))}" if len(self) else "no bars"

    def validate(self) -> BarSeries:
        """The series itself, once it is fit to trade on.

        Raises `DataError` naming row (counted from 1 in file order), time, value and remedy for: no bars, times not
        strictly increasing, NaN or infinity, a price not above zero, a negative volume, low above high, open or close
        outside low … high.
        """
        if not len(self):
            raise MissingData(
                f"{self.instrument}: {self.source} has no bars", value=str(self.source), fix="check the file"
            )
        self._check_times()
        self._check_values()
        return self

    def _check_times(self) -> None:
        steps = np.diff(self.at)
        if steps.size and steps.min() <= 0:
            row = int(np.argmax(steps <= 0)) + 1
            kind = "twice" if steps[row - 1] == 0 else "out of order"
            self._refuse(row, f"a time stands {kind}", iso(int(self.at[row])), "times strictly increasing")

    def _check_values(self) -> None:
        rows, names = self.matrix, ("open", "high", "low", "close", "volume")
        if not np.isfinite(rows).all():
            column, row = (int(index[0]) for index in np.nonzero(~np.isfinite(rows)))
            self._refuse(row, f"{names[column]} is not a number", float(rows[column, row]), "finite")
        if (rows[:VOLUME] <= 0.0).any():
            column, row = (int(index[0]) for index in np.nonzero(rows[:VOLUME] <= 0.0))
            self._refuse(row, f"{names[column]} is not above zero", float(rows[column, row]), "> 0")
        if (rows[VOLUME] < 0.0).any():
            row = int(np.argmax(rows[VOLUME] < 0.0))
            self._refuse(row, "volume is negative", float(rows[VOLUME, row]), ">= 0")
        self._check_range(names)

    def _check_range(self, names: tuple[str, ...]) -> None:
        for column in (HIGH, OPEN, CLOSE):
            outside = (self.matrix[column] < self.low) | (self.matrix[column] > self.high)
            if outside.any():
                row = int(np.argmax(outside))
                limit = f"{self.low[row]} … {self.high[row]}"
                what = "high is below low" if column == HIGH else f"{names[column]} lies outside low … high"
                self._refuse(row, what, float(self.matrix[column, row]), limit)

    def _refuse(self, row: int, what: str, value: object, limit: str) -> None:
        raise DataError(
            f"{self.instrument}: {what} in row {row + 1} ({iso(int(self.at[row]))}) of {self.source}: {value}",
            value=value,
            limit=limit,
            fix=_IMPORT,
        )
