"""The background population of a generated day, fitted to the length of the session and the size of orders."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.exchange.agents.market_maker import MarketMaker, MarketMakerParameters
from tradsys.exchange.agents.noise import NoiseParameters, NoiseTraders
from tradsys.exchange.agents.participant import Participant
from tradsys.exchange.agents.trend import MeanReversion, MeanReversionParameters, Momentum, MomentumParameters

USUAL_SECONDS = 22_500
"""The continuous session of Indian shares, 09:15 to 15:30."""

USUAL_QUANTITY = 20.0
MOST_ACTIVITY, MOST_QUANTITY, MOST_MARKET_MAKERS = 100, 1_000_000, 1_000


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """How many of each kind, and their parameters; `activity` multiplies how often all of them act (1: some half a
    million messages in the session of an Indian share); `quantity` is the median size of a noise trader's order in
    lots, which the sizes and limits of the others follow.

    Two memories of momentum and two sizes of error in mean reversion stand for many: with one alone the market moves in
    step with it.
    """

    activity: float = 1.0
    quantity: float = USUAL_QUANTITY
    market_makers: int = 3
    noise: NoiseParameters = NoiseParameters()
    market_maker: MarketMakerParameters = MarketMakerParameters()
    momentum: tuple[MomentumParameters, ...] = (
        MomentumParameters(),
        MomentumParameters(fast_seconds=60.0, slow_seconds=600.0, threshold_ripples=22.0),
    )
    mean_reversion: tuple[MeanReversionParameters, ...] = (
        MeanReversionParameters(),
        MeanReversionParameters(doubt_ripples=1.5, looks_a_second=0.8),
    )

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("activity", self.activity, 0.001, MOST_ACTIVITY),
            ("quantity", self.quantity, 1, MOST_QUANTITY),
            ("market_makers", self.market_makers, 0, MOST_MARKET_MAKERS),
        ):
            if not low <= value <= high:
                raise ConfigError(f"population: {name} out of range", value=value, limit=f"{low} to {high}")


def participants(population: Population, *, seconds: float) -> list[Participant]:
    """The population for a session of `seconds` of continuous trading; accounts from 1 on."""
    rate = population.activity * USUAL_SECONDS / seconds
    return list(_participants(population, rate=rate, size=population.quantity / USUAL_QUANTITY))


def _participants(population: Population, *, rate: float, size: float) -> Iterator[Participant]:
    accounts = count(1)
    yield NoiseTraders(next(accounts), population.noise.scaled(rate=rate, size=size))
    for _ in range(population.market_makers):
        yield MarketMaker(next(accounts), population.market_maker.scaled(rate=rate, size=size))
    for momentum in population.momentum:
        yield Momentum(next(accounts), momentum.scaled(rate=rate, size=size))
    for reversion in population.mean_reversion:
        yield MeanReversion(next(accounts), reversion.scaled(rate=rate, size=size))
