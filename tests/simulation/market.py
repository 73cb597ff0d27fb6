"""What is traded in a simulated run, how prices move, and who trades: three strategies that always want something."""

from __future__ import annotations

from math import nan
from random import Random
from typing import Any

from tests.simulation.world import SECOND
from tradsys.core.events import Product, Tick
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.risk.limits import LimitSet, LimitsSection
from tradsys.strategies.base import Strategy
from tradsys.strategies.parameters import Param

CURRENCY = "USDT"
_PRICES = {"AAA": 100.0, "BBB": 250.0, "CCC": 40.0, "DDD": 500.0, "EEE": 75.0}


def instruments() -> list[Instrument]:
    """Three coins and two perpetuals that trade round the clock."""
    return [
        Instrument(
            id=f"CRYPTO:{name}",
            exchange="CRYPTO",
            symbol=name,
            segment=Segment.CRYPTO_SPOT if name < "DDD" else Segment.CRYPTO_PERPETUAL,
            currency=CURRENCY,
            ticks=(DatedStep(0, SCALE // 100),),
            lots=(DatedStep(0, SCALE // 10),),
        )
        for name in _PRICES
    ]


def product_of(instrument: Instrument) -> Product:
    """What its orders are under."""
    return Product.SPOT if instrument.segment is Segment.CRYPTO_SPOT else Product.NRML


def first_price(instrument: Instrument) -> float:
    """Where its price starts."""
    return _PRICES[instrument.symbol]


def ticks(random: Random, *, start: int, seconds: int, every: float) -> list[Tick]:
    """A walk of all instruments, one tick about each `every` seconds, in time order."""
    prices = {each.id: first_price(each) for each in instruments()}
    at, end = start, start + seconds * SECOND
    found: list[Tick] = []
    while True:
        at += max(1, int(random.expovariate(1 / every) * SECOND))
        if at >= end:
            return found
        name = random.choice(list(prices))
        price = prices[name] = round(max(1.0, prices[name] * (1 + random.gauss(0, 0.0008))), 2)
        found.append(Tick(at, at, name, price, 1.0, price - 0.02, 5.0, price + 0.02, 5.0, nan))


class Swinger(Strategy):
    """In and out of every instrument by a clockwork of its own."""

    scope = "portfolio"
    stride: int = Param(9, low=1, high=1000)
    size: float = Param(1.0, low=0.1, high=100.0)

    def on_start(self, ctx: Any) -> None:
        self.seen = 0

    def on_tick(self, tick: Any, account: Any) -> Any:
        self.seen += 1
        if self.seen % self.stride == 0:
            turn = (self.seen // self.stride) % 3
            short = tick.instrument[-1] >= "D"
            yield self.target(tick, quantity=(self.size, -self.size if short else 0.0, 0.0)[turn])


class Maker(Strategy):
    """Quotes around the last price, as far as it holds something to sell."""

    scope = "portfolio"
    stride: int = Param(7, low=1, high=1000)

    def on_start(self, ctx: Any) -> None:
        self.counts: dict[str, int] = {}

    def on_tick(self, tick: Any, account: Any) -> Any:
        count = self.counts[tick.instrument] = self.counts.get(tick.instrument, 0) + 1
        if count % self.stride == 0:
            held = account.position(tick.instrument)
            yield self.quote(
                tick,
                bid=tick.last - 0.05 if held < 3 else None,
                ask=tick.last + 0.05 if held >= 0.5 else None,
                quantity=0.5,
            )


class Stepper(Strategy):
    """Single limit orders near the price, sold again when they fill, withdrawn when they do not."""

    scope = "portfolio"
    stride: int = Param(11, low=1, high=1000)

    def on_start(self, ctx: Any) -> None:
        self.count = 0

    def on_tick(self, tick: Any, account: Any) -> Any:
        self.count += 1
        if self.count % self.stride == 0:
            yield self.buy(tick, 0.3, limit=tick.last + 0.03, reason="step in")
        elif self.count % (3 * self.stride) == 1:
            yield self.cancel(tick)

    def on_fill(self, fill: Any, account: Any) -> Any:
        if fill.side > 0 and account.position(fill.instrument) >= fill.quantity:
            yield self.sell(fill.instrument, fill.quantity, reason="step out")


STRATEGIES: tuple[type[Strategy], ...] = (Swinger, Maker, Stepper)
POSITIONS = {
    f"{name}-{product}": most
    for name, most in (("Swinger", 1.5), ("Maker", 2.0), ("Stepper", 0.9))
    for product in (Product.SPOT, Product.NRML)
}
"""The most that each may hold of one instrument, in units."""
OWN_LIMITS = LimitsSection(
    open_value=500_000.0,
    orders_per_minute=200,
    trades_per_day=2_000,
    strategies={name: LimitSet(position=most) for name, most in POSITIONS.items()},
)
