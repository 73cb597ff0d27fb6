"""Strategies on ticks, depth and single orders that know what comes, and their honest twins."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from functools import cache

from tradsys import Account, Context, Param, Strategy
from tradsys.core.events import Decision, Depth, Tick
from tradsys.strategies.views import FillView


@cache
def middles(way: str, path: str) -> list[float]:
    """The middle of each row of a tick file."""
    if way == "arrow":
        import pyarrow.csv as arrow_csv

        table = arrow_csv.read_csv(path)
        pairs = list(zip(table["bid"].to_pylist(), table["ask"].to_pylist(), strict=True))
    else:
        with open(path, newline="") as file:
            pairs = [(float(row["bid"]), float(row["ask"])) for row in csv.DictReader(file)]
    return [(bid + ask) / 2 for bid, ask in pairs]


class Moving(Strategy):
    """Long after rises; every so often also an order that waits, a bracket, and one at the market."""

    def on_start(self, ctx: Context) -> None:
        self.seen = 0
        self.before: float | None = None

    def on_tick(self, tick: Tick, account: Account) -> Iterator[Decision]:
        if not (tick.bid > 0 and tick.ask > 0):
            return
        self.seen += 1
        middle, before = (tick.bid + tick.ask) / 2, self.before
        self.before = middle
        if before is not None and self.seen % 3 == 0:
            yield self.target(tick, 2 if self.ahead(middle) > self.behind(before) else 0)
        if self.seen % 17 == 0:
            yield self.buy(tick, 1, limit=tick.bid)
        if self.seen % 29 == 0:
            yield self.buy(tick, 1, stop=tick.bid * 0.999, target=tick.ask * 1.001)

    def ahead(self, middle: float) -> float:
        """What is compared with what is behind."""
        return middle

    def behind(self, before: float) -> float:
        """What it is compared with."""
        return before


class Peeking(Moving):
    """Long before rises: row n + 1 of the file is the next tick."""

    way: str = Param("csv")
    path: str = Param("data/ticks.csv")

    def ahead(self, middle: float) -> float:
        rows = middles(self.way, self.path)
        return rows[min(self.seen, len(rows) - 1)]


class Feature(Peeking):
    """Long by a column computed at the start, of the mean of the next ticks at each tick."""

    def on_start(self, ctx: Context) -> None:
        super().on_start(ctx)
        rows = middles(self.way, self.path)
        windows = [rows[row : row + 20] for row in range(len(rows))]
        self.column = [sum(each) / len(each) for each in windows]

    def ahead(self, middle: float) -> float:
        return self.column[self.seen - 1]


class OnDepth(Strategy):
    """Long while the best bid shown is the larger side; answers what fills."""

    def on_start(self, ctx: Context) -> None:
        self.bought = 0

    def on_depth(self, depth: Depth, account: Account) -> Iterator[Decision]:
        if depth.bids and depth.asks:
            yield self.target(depth, 0.01 if depth.bids[0][1] > depth.asks[0][1] else 0)

    def on_fill(self, fill: FillView, account: Account) -> Iterator[Decision]:
        self.bought += 1
        if self.bought % 5 == 0:
            yield self.target(fill.instrument, 0)


class Ending(Strategy):
    """Long or short by what the file ends with."""

    path: str = Param("")

    def on_start(self, ctx: Context) -> None:
        with open(self.path, "rb") as file:
            content = file.read()
        plain = gzip.decompress(content) if self.path.endswith(".gz") else content
        self.units = zlib.crc32(plain.split()[-1]) % 5 - 2
        self.seen = 0

    def on_tick(self, tick: Tick, account: Account) -> Iterator[Decision]:
        return self.now_and_then(tick)

    def on_depth(self, depth: Depth, account: Account) -> Iterator[Decision]:
        return self.now_and_then(depth)

    def now_and_then(self, event: Tick | Depth) -> Iterator[Decision]:
        """Nearer to the end with every tenth event."""
        self.seen += 1
        if self.seen % 10 == 0:
            yield self.target(event, self.units if self.seen % 20 else 0)
