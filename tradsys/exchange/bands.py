"""Price bands: fixed around a base price, or dynamic, moving when enough trades press against a limit.

Limits are ticks and lie inside the percentage: the lower is rounded up to a tick, the upper down. Percentages are basis
points of the base price. Rules: `tradsys.reference.market_rules`.

Not modelled: that a band flexes because the share's on another exchange or its future's did (`DynamicBand.cool` can be
called for it), the temporary price limits of stock options while their share cools off.
"""

from __future__ import annotations

from datetime import date

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.matching import Action, Command
from tradsys.reference.market_rules import BandRule, FlexRule, flex_rule, flexes, market_band
from tradsys.reference.ticks import price_bands

WHOLE = 10_000
"""Basis points of all."""


def band_limits_in_ticks(base: int, *, down: int, up: int, tick: int) -> tuple[int, int]:
    """Lowest and highest tick within `down` and `up` basis points of `base` (1e-8), at least one tick.

    Raises `ConfigError` for a base or a tick that is not positive.
    """
    if base <= 0 or tick <= 0:
        raise ConfigError("a band needs a base price and a tick", value=(base, tick), limit="> 0", fix="give both")
    lowest = -(-base * (WHOLE - down) // (WHOLE * tick))
    return max(lowest, 1), max(base * (WHOLE + up) // (WHOLE * tick), 1)


class Band:
    """Limits that stay as they are."""

    def __init__(self, *, instrument: int, base: int, tick: int, down: int, up: int) -> None:
        self._instrument = instrument
        self._base = base
        self._tick = tick
        self.down = down
        self.up = up

    @property
    def limits(self) -> tuple[int, int]:
        """Lowest and highest price, ticks."""
        return band_limits_in_ticks(self._base, down=self.down, up=self.up, tick=self._tick)

    @property
    def due(self) -> int | None:
        """When the limits change next, None while nothing is decided."""
        return None

    def command(self) -> Command:
        """The `SET_BAND` of the limits; limit orders outside are cancelled."""
        low, high = self.limits
        return Command(Action.SET_BAND, instrument=self._instrument, price=low, trigger=high, quantity=1)

    def flex(self) -> Command:
        """The `SET_BAND` that is due."""
        return self.command()

    def suspend(self) -> None:
        """No change any more today: the closing auction has a band of its own."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who stands behind one side of a trade: the client's code and the member's."""

    client: str
    member: str


class _Pressure:
    """Trades at one limit since the band last moved."""

    def __init__(self) -> None:
        self.trades = 0
        self._seen: tuple[set[str], ...] = (set(), set(), set(), set())

    def add(self, *, buyer: Party, seller: Party) -> None:
        self.trades += 1
        for seen, code in zip(self._seen, (buyer.client, seller.client, buyer.member, seller.member), strict=True):
            seen.add(code)

    def meets(self, rule: FlexRule) -> bool:
        needed = rule.clients, rule.clients, rule.members, rule.members
        enough = all(len(seen) >= least for seen, least in zip(self._seen, needed, strict=True))
        return enough and self.trades >= rule.trades


class DynamicBand(Band):
    """A band that moves towards the limit that trades press against, after a cooling time.

    Trading goes on in the old band while it cools, and what trades then does not count. Where the rule says that the
    band slides, the other limit moves by as much; otherwise it stays.
    """

    def __init__(
        self, *, instrument: int, base: int, tick: int, percent: int, rule: FlexRule, trading_end: int
    ) -> None:
        super().__init__(instrument=instrument, base=base, tick=tick, down=percent, up=percent)
        self._rule = rule
        self._trading_end = trading_end
        self._flexed = 0
        self._suspended = False
        self._cooling: tuple[int, bool] | None = None
        self._pressure = {True: _Pressure(), False: _Pressure()}

    @property
    def due(self) -> int | None:
        """When the cooling time ends, None where none runs."""
        return self._cooling[0] if self._cooling else None

    def on_trade(self, at: int, *, price: int, buyer: Party, seller: Party) -> None:
        """Count a trade at `price` ticks where it presses against a limit; start to cool when there are enough."""
        if self._cooling or self._suspended:
            return
        for upwards, pressure in self._pressure.items():
            if self._presses(price * self._tick, upwards=upwards):
                pressure.add(buyer=buyer, seller=seller)
                if pressure.meets(self._rule):
                    self.cool(at, upwards=upwards)

    def cool(self, at: int, *, upwards: bool) -> None:
        """Let the cooling time run, unless one runs, flexing is over for the day, or the band is as wide as it gets."""
        if self._cooling or self._suspended or not self._step(upwards=upwards):
            return
        late = at >= self._trading_end - self._rule.late
        times = self._rule.late_cooling if late else self._rule.cooling
        self._cooling = at + _nth(times, self._flexed), upwards

    def flex(self) -> Command:
        """Move the band at the end of its cooling time."""
        if self._cooling is not None:
            self._move(upwards=self._cooling[1])
            self._flexed += 1
            self._cooling = None
            self._pressure = {True: _Pressure(), False: _Pressure()}
        return self.command()

    def suspend(self) -> None:
        """No flex any more, not even one that cools."""
        self._suspended = True
        self._cooling = None

    def _presses(self, price: int, *, upwards: bool) -> bool:
        if upwards:
            return price * WHOLE >= self._base * (WHOLE + self.up - self._rule.within)
        return price * WHOLE <= self._base * (WHOLE - self.down + self._rule.within)

    def _step(self, *, upwards: bool) -> int:
        step = _nth(self._rule.steps, self._flexed)
        width = self.up if upwards else self.down
        return max(min(step, self._rule.most - width), 0) if self._rule.most else step

    def _move(self, *, upwards: bool) -> None:
        step = self._step(upwards=upwards)
        other = step if self._rule.slides else 0
        if upwards:
            self.up, self.down = self.up + step, self.down - other
        else:
            self.up, self.down = self.up - other, self.down + step


def band_of(kind: str, on: date, *, instrument: int, base: int, tick: int, trading_end: int) -> Band:
    """The band of a day: `fixed 2` … `fixed 20`, `share` (with derivatives), or a kind of `market_band`.

    `base` (the previous close, or what the exchange takes instead) and `tick` are 1e-8. Where no row says how it moves,
    it stays as it is. Raises `UnknownName`, `UncoveredDate`, and `ConfigError` for a percentage that does not exist.
    """
    width = _width(kind, on)
    if not flexes(kind, on):
        return Band(instrument=instrument, base=base, tick=tick, down=width.down, up=width.up)
    rule = flex_rule(kind, on)
    return DynamicBand(
        instrument=instrument, base=base, tick=tick, percent=width.up, rule=rule, trading_end=trading_end
    )


def _width(kind: str, on: date) -> BandRule:
    if kind == "share":
        percent = price_bands("dynamic", on)[0]
    elif kind.startswith("fixed "):
        percent = _fixed(kind, price_bands("fixed", on))
    else:
        return market_band(kind, on)
    return BandRule(down=percent * 100, up=percent * 100, source="price_bands")


def _fixed(kind: str, known: tuple[int, ...]) -> int:
    for percent in known:
        if kind == f"fixed {percent}":
            return percent
    choices = ", ".join(f"fixed {percent}" for percent in known)
    raise ConfigError(f"no band {kind!r}", value=kind, limit=choices, fix=f"known: {choices}")


def _nth(values: tuple[int, ...], number: int) -> int:
    """The value of the number-th flex, the last for all that follow."""
    return values[min(number, len(values) - 1)]
