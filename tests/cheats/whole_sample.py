"""Prices measured against the mean and deviation of the whole sample, and the honest twin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tradsys import Account, Bar, Context, Custom, Strategy
from tradsys.core.events import Decision


def whole(close: np.ndarray) -> np.ndarray:
    """Each price against the mean and deviation of all, also the later ones."""
    score: np.ndarray = (close - close.mean()) / close.std()
    return score


def expanding(close: np.ndarray) -> np.ndarray:
    """Each price against the mean and deviation of those so far."""
    count = np.arange(1, len(close) + 1)
    mean = np.cumsum(close) / count
    variance = np.cumsum(close**2) / count - mean**2
    return (close - mean) / np.sqrt(np.maximum(variance, 1e-12))


class Expanding(Strategy):
    """Long where prices are low for what has been seen."""

    score = staticmethod(expanding)

    def on_start(self, ctx: Context) -> None:
        self.reading = ctx.indicator(Custom(function=self.score, warmup=0, units=("ratio",)))

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        yield self.target(bar, 10 if self.reading.value < -0.5 else 0)


class Whole(Expanding):
    """Long where prices are low for the whole sample."""

    score = staticmethod(whole)
