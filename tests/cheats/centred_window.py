"""A mean over bars on both sides of the bar in hand, and its honest twin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tradsys import Account, Bar, Context, Custom, Strategy
from tradsys.core.events import Decision

WINDOW = 9


def centred(close: np.ndarray) -> np.ndarray:
    """The mean of the bars around each bar: half of them have not happened yet."""
    out = np.convolve(close, np.ones(WINDOW), "same") / np.convolve(np.ones(len(close)), np.ones(WINDOW), "same")
    out[: WINDOW - 1] = np.nan
    return out


def trailing(close: np.ndarray) -> np.ndarray:
    """The mean of each bar and those before it."""
    sums = np.cumsum(np.insert(close, 0, 0.0))
    out = np.full(len(close), np.nan)
    out[WINDOW - 1 :] = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    return out


class Trailing(Strategy):
    """Long while the mean of the last bars lies above the price."""

    mean = staticmethod(trailing)

    def on_start(self, ctx: Context) -> None:
        self.reading = ctx.indicator(Custom(function=self.mean, warmup=WINDOW - 1))

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        if self.reading.ready:
            yield self.target(bar, 10 if self.reading.value > bar.close else 0)


class Centred(Trailing):
    """Long while the mean of the bars around this one lies above the price: it has seen where they go."""

    mean = staticmethod(centred)
