"""What drives a generated day from outside: how busy the market is and what the instrument is worth."""

from __future__ import annotations

from math import exp, sqrt

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.units import SECOND
from tradsys.exchange.agents.draws import Draws

TRADING_DAYS = 252
MOST_VOLATILITY = 10.0


class DayShape(msgspec.Struct, frozen=True, kw_only=True):
    """How activity runs through a day: `base` plus a peak at the open and one at the close, each fading exponentially
    over `width` (a fraction of the day). Multiplied so that the mean of the day is 1.

    Source of the shape: Jain and Joh, "The dependence between hourly prices and trading volume", Journal of Financial
    and Quantitative Analysis 23 (1988); reasons: Admati and Pfleiderer (1988). The figures are ours: ends
    some three times the middle. A flat day (`open_peak` and `close_peak` 0) suits a market round the clock.

    Not modelled: lunch, announcements at a fixed hour.
    """

    base: float = 0.7
    open_peak: float = 2.0
    close_peak: float = 1.4
    width: float = 0.09

    def at(self, fraction: float) -> float:
        """Activity at a fraction of the day, 0 the open and 1 the close."""
        width = self.width
        fading = self.open_peak * exp(-fraction / width) + self.close_peak * exp((fraction - 1.0) / width)
        area = self.base + (self.open_peak + self.close_peak) * width * (1.0 - exp(-1.0 / width))
        return (self.base + fading) / area


class InformationParameters(msgspec.Struct, frozen=True, kw_only=True):
    """`volatility`: standard deviation of a year's log return (a fraction) if the day's were repeated 252 times.
    `cluster_sigma`, `cluster_seconds`: standard deviation of the logarithm of activity around the day's shape, and the
    time in which a departure fades to 1/e. `jumps_a_day`, `jump_share`: mean number of sudden pieces of news, and the
    share of the day's variance that they bring.

    Activity and variance share one factor, as in the mixture of distributions: Clark, Econometrica 41 (1973); Tauchen
    and Pitts, Econometrica 51 (1983). Log-normal volatility that fades exponentially: Taylor, "Modelling financial time
    series" (1986). Jumps: Merton (1976).
    """

    volatility: float = 0.25
    cluster_sigma: float = 0.8
    cluster_seconds: float = 1_200.0
    jumps_a_day: float = 10.0
    jump_share: float = 0.05
    shape: DayShape = DayShape()

    def __post_init__(self) -> None:
        if not 0.0 < self.volatility <= MOST_VOLATILITY:
            limit = f"above 0, at most {MOST_VOLATILITY:g}"
            raise ConfigError("volatility out of range", value=self.volatility, limit=limit, fix="0.25 is 25 % a year")


class InformationFlow:
    """Steps activity and value once a second between `opens` and `closes` (UTC nanoseconds).

    `start` is the value at `opens` in ticks. Before `opens` and after `closes` the value stands still; after `ends`,
    when the closing auction is over too, there is no activity.

    Not modelled: drift; news that some know before others.
    """

    def __init__(self, *, start: float, opens: int, closes: int, ends: int, parameters: InformationParameters) -> None:
        self._parameters = parameters
        self._ends = ends
        self._seconds = max((closes - opens) // SECOND, 1)
        self._second = 0
        self._departure = 0.0
        self._kept = exp(-1.0 / parameters.cluster_seconds)
        self._push = parameters.cluster_sigma * sqrt(1.0 - self._kept**2)
        day_variance = parameters.volatility**2 / TRADING_DAYS
        jumps = parameters.jumps_a_day
        by_jumps = day_variance * parameters.jump_share if jumps else 0.0
        self._variance = (day_variance - by_jumps) / self._seconds
        self._jump_chance = jumps / self._seconds
        self._jump_sigma = sqrt(by_jumps / jumps) if jumps else 0.0
        self._next_at = opens + SECOND
        self.value = start
        self.activity = parameters.shape.at(0.0)
        self.ripple = start * sqrt(self._variance * self.activity)

    def advance(self, at: int, draws: Draws) -> bool:
        """Bring the value and the activity to an instant; whether anything changed."""
        if at < self._next_at:
            return False
        while at >= self._next_at and self._second < self._seconds:
            self._step(draws)
        if self._second >= self._seconds:
            self._next_at = max(self._ends, self._next_at)
            self.activity = 0.0 if at >= self._ends else self.activity
        return True

    def _step(self, draws: Draws) -> None:
        parameters = self._parameters
        self._second += 1
        self._next_at += SECOND
        self._departure = self._kept * self._departure + self._push * draws.normal()
        # the mean of e to a normal is e to half its variance: taken off, so that the mean activity is the shape's
        clustered = exp(self._departure - parameters.cluster_sigma**2 / 2)
        self.activity = parameters.shape.at(self._second / self._seconds) * clustered
        step = sqrt(self._variance * self.activity) * draws.normal()
        if draws.uniform() < self._jump_chance:
            step += self._jump_sigma * draws.normal()
        self.value *= exp(step)
        self.ripple = self.value * sqrt(self._variance * self.activity)


class Still:
    """No information: one value (ticks), steady activity. For days that recorded flow drives.

    Not modelled: everything; `ripple` is given (ticks).
    """

    def __init__(self, value: float, *, ripple: float = 1.0) -> None:
        self.value = value
        self.activity = 1.0
        self.ripple = ripple

    def advance(self, at: int, draws: Draws) -> bool:
        """Nothing changes."""
        return False
