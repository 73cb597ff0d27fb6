"""How long messages travel: the feed to us, our orders to the venue, its reports to us. Times are UTC nanoseconds.

A delay is a pure function of the instant a message leaves, so it does not depend on the order of asking, and batch and
event-driven runs draw the same. Messages on one leg never overtake each other; who uses a model sees to that.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from statistics import NormalDist
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from tradsys.core.errors import ConfigError
from tradsys.numerics.tick_replay_layout import DRAWN, LATEST

Times = npt.NDArray[np.int64]

_WORD = 2**64 - 1
_QUANTILES = 4096
_LONGEST = 3600 * 10**9


class Latency(Protocol):
    """How long one leg takes.

    Not modelled: messages that are lost, and load that our own messages put on the line.
    """

    def delay(self, at: int) -> int:
        """Nanoseconds that a message sent at an instant takes."""

    def tape(self) -> Times:
        """The same for compiled code: mode, seed, count, the delays, and the times they hold from (mode `LATEST`)."""

    def describe(self) -> str:
        """What it assumes, in words that follow the name of the leg."""


class ConstantLatency(msgspec.Struct, frozen=True, gc=False):
    """The same always.

    Not modelled: jitter, and bursts that slow everything down.
    """

    nanoseconds: int = 0

    def __post_init__(self) -> None:
        _check(self.nanoseconds)

    def delay(self, at: int) -> int:
        """The constant."""
        return self.nanoseconds

    def tape(self) -> Times:
        """One delay."""
        return np.array([DRAWN, 0, 1, self.nanoseconds], np.int64)

    def describe(self) -> str:
        """What it assumes."""
        return f"{self.nanoseconds / 1e6:g} ms always"


class DrawnLatency(msgspec.Struct, frozen=True):
    """Each message draws one of `delays`, all equally likely, by a hash of the seed and the instant.

    Not modelled: that slow messages come in bursts.
    """

    delays: tuple[int, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.delays:
            raise ConfigError("a latency needs a delay to draw", value=0, limit="at least 1")
        _check(min(self.delays))
        _check(max(self.delays))

    def delay(self, at: int) -> int:
        """One of the delays."""
        return self.delays[mix(self.seed, at=at) % len(self.delays)]

    def tape(self) -> Times:
        """Every delay."""
        return np.array([DRAWN, self.seed, len(self.delays), *self.delays], np.int64)

    def describe(self) -> str:
        """What it assumes."""
        middle = sorted(self.delays)[len(self.delays) // 2]
        return f"drawn with seed {self.seed}, {middle / 1e6:g} ms in the median, at most {max(self.delays) / 1e6:g} ms"


class RecordedLatency(msgspec.Struct, frozen=True):
    """As long as the latest message of a record took (`times` ascending, one delay each); before the first, as it.

    Not modelled: a delay between two recorded ones.
    """

    times: tuple[int, ...]
    delays: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.times or len(self.times) != len(self.delays):
            raise ConfigError(
                "a recorded latency needs one delay a time", value=len(self.delays), limit=len(self.times)
            )
        if any(later < earlier for earlier, later in zip(self.times, self.times[1:], strict=False)):
            raise ConfigError("times of a recorded latency descend", fix="sort them")
        _check(min(self.delays))
        _check(max(self.delays))

    def delay(self, at: int) -> int:
        """The latest delay known at the instant."""
        return self.delays[max(bisect_right(self.times, at) - 1, 0)]

    def tape(self) -> Times:
        """Every delay, then every time."""
        return np.array([LATEST, 0, len(self.delays), *self.delays, *self.times], np.int64)

    def describe(self) -> str:
        """What it assumes."""
        return f"as recorded, {len(self.times):,} times"


def lognormal(*, median: int, spread: float, least: int = 0, seed: int = 0) -> DrawnLatency:
    """A lognormal delay: `least` plus exp(N(log(median - least), spread)), as 4,096 equally likely quantiles.

    Raises `ConfigError` unless 0 <= least < median and 0 < spread <= 4.
    """
    if not 0 <= least < median:
        raise ConfigError("median of a lognormal latency must exceed its least delay", value=median, limit=least)
    if not 0 < spread <= 4:
        raise ConfigError("spread of a lognormal latency out of range", value=spread, limit="above 0, to 4")
    normal = NormalDist(math.log(median - least), spread)
    places = ((place + 0.5) / _QUANTILES for place in range(_QUANTILES))
    return DrawnLatency(tuple(least + round(math.exp(normal.inv_cdf(place))) for place in places), seed)


def recorded(*, exchange_at: Sequence[int], at: Sequence[int], scale: float = 1.0) -> RecordedLatency:
    """Orders take `scale` times as long as the feed took just before: `at` is when each message of a feed was heard.

    A message heard before it was sent (clocks that differ) counts as 0. Raises `ConfigError` where lengths differ.
    """
    delays = [round(max(heard - sent, 0) * scale) for sent, heard in zip(exchange_at, at, strict=False)]
    if len(exchange_at) != len(at):
        raise ConfigError("one time heard for each time sent", value=len(at), limit=len(exchange_at))
    return RecordedLatency(tuple(np.maximum.accumulate(np.asarray(at, np.int64)).tolist()), tuple(delays))


def heard_at(latency: Latency, exchange_at: Sequence[int]) -> Times:
    """When each message of a feed is heard under a model; in the order it was sent, so none overtakes another."""
    heard = [sent + latency.delay(sent) for sent in map(int, exchange_at)]
    return np.maximum.accumulate(np.array(heard, np.int64))


def mix(seed: int, *, at: int) -> int:
    """64 well-mixed bits of a seed and an instant: SplitMix64 (Steele, Lea and Flood 2014)."""
    word = (at + seed * 0x9E3779B97F4A7C15) & _WORD
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & _WORD
    return word ^ (word >> 31)


def _check(delay: int) -> None:
    if not 0 <= delay <= _LONGEST:
        raise ConfigError("latency out of range", value=delay, limit="0 to an hour, in nanoseconds")
