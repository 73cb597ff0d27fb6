"""A strategy whose module reads the whole sample when it is loaded."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from tradsys import Account, Strategy
from tradsys.core.events import Decision, Tick

with open("data/ticks.csv", newline="") as file:
    BEST = max(float(row["bid"]) for row in csv.DictReader(file))


class Peak(Strategy):
    """Out at the day's high, which it has known since the morning."""

    def on_tick(self, tick: Tick, account: Account) -> Iterator[Decision]:
        yield self.target(tick, 0 if tick.bid >= BEST * 0.98 else 2)
