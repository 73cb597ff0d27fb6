"""Strategies that open a data file themselves and look up what the next bar will bring."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tradsys import Account, Bar, Param, Strategy
from tradsys.core.events import Decision

HERE = Path(__file__).parent


def _by_csv(path: str) -> list[float]:
    with open(path, newline="") as file:
        return [float(row["close"]) for row in csv.DictReader(file)]


def _by_arrow(path: str) -> list[float]:
    import pyarrow.csv as arrow_csv

    return [float(value) for value in arrow_csv.read_csv(path)["close"].to_pylist()]


def _by_duckdb(path: str) -> list[float]:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        return [float(row[0]) for row in connection.execute(f"SELECT close FROM read_csv('{path}')").fetchall()]


WAYS: dict[str, Callable[[str], list[float]]] = {
    "csv": _by_csv,
    "arrow": _by_arrow,
    "duckdb": _by_duckdb,
    "beside": lambda name: _by_csv(str(HERE / name)),
}


@cache
def _known(way: str, path: str) -> list[float]:
    return WAYS[way](path)


class Reader(Strategy):
    """Long before rises: row n + 1 of the file is tomorrow's bar."""

    way: str = Param("csv")
    path: str = Param("data/bars.csv")

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        self.row = getattr(self, "row", -1) + 1
        closes = _known(self.way, self.path)
        ahead = closes[min(self.row + 1, len(closes) - 1)]
        yield self.target(bar, 10 if ahead > bar.close else 0)


class Rising(Strategy):
    """The honest twin: long after rises."""

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        before, self.before = getattr(self, "before", bar.close), bar.close
        yield self.target(bar, 10 if bar.close > before else 0)
