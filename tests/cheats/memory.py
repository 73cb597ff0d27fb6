"""Strategies that keep prices from one run for the next: in the module, and on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from tradsys import Account, Bar, Strategy
from tradsys.core.events import Decision

SEEN: dict[int, float] = {}


class InModule(Strategy):
    """Long before rises that an earlier run in this process has seen."""

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        ahead = SEEN.get(bar.at + bar.span, bar.close)
        SEEN[bar.at] = bar.close
        yield self.target(bar, 10 if ahead > bar.close else 0)


class OnDisk(Strategy):
    """Long before rises that an earlier run has written down."""

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        if not hasattr(self, "seen"):
            self.place = Path(os.getcwd()) / "seen.json"
            self.seen = json.loads(self.place.read_text()) if self.place.exists() else {}
        ahead = self.seen.get(str(bar.at + bar.span), bar.close)
        self.seen[str(bar.at)] = bar.close
        yield self.target(bar, 10 if ahead > bar.close else 0)

    def on_stop(self, account: Account) -> None:
        self.place.write_text(json.dumps(self.seen))
