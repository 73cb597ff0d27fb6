"""What stops trading: the market-wide circuit breaker over indexes, and guards over one instrument's price.

Each is fed what it watches and answers with a `Halt`, which `InstrumentDay.interrupt` cuts into the day of every
instrument that it stops. Levels and times: `tradsys.reference.market_rules`.

Not modelled: the circuit breaker in the pre-open session; guards that look at orders before they trade, as bitFlyer's
does (here the first trade beyond the limit stops trading).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from tradsys.core.errors import ConfigError
from tradsys.exchange.bands import WHOLE
from tradsys.exchange.timeline import Halt
from tradsys.exchange.trade_window import TradeWindow
from tradsys.reference.market_rules import REST_OF_DAY, BreakerLevel, Direction, VolatilityRule


def _limit(base: int, percent: int, direction: Direction) -> int:
    """The first value that is at least `percent` basis points from `base`."""
    if direction == "up":
        return -(-base * (WHOLE + percent) // WHOLE)
    return base * (WHOLE - percent) // WHOLE


def _reaches(value: int, limit: int, direction: Direction) -> bool:
    return value >= limit if direction == "up" else value <= limit


class MarketWideBreaker:
    """Halts all trading when one of the indexes moves by a level from its previous close; each level once a day.

    `closes` gives the previous close by index, in any whole unit; `midnight` is when the day began, UTC nanoseconds. A
    move through several levels at once counts as the highest. Raises `ConfigError` for a close that is not positive.
    """

    def __init__(self, levels: Sequence[BreakerLevel], *, closes: Mapping[str, int], midnight: int) -> None:
        if not closes or min(closes.values()) <= 0:
            raise ConfigError("the circuit breaker needs previous closes", value=dict(closes), limit="> 0")
        self._levels = levels
        self._closes = closes
        self._midnight = midnight
        self._passed = 0

    def on_index(self, at: int, *, index: str, value: int) -> Halt | None:
        """The halt that an index value causes, if any."""
        reached = max(self._reached(index, value), default=0)
        if not reached:
            return None
        self._passed = reached
        level = self._in_force(reached, at - self._midnight)
        if level is None or not level.halt:
            return None
        end = None if level.halt == REST_OF_DAY else at + level.halt
        close = self._closes[index]
        limit = _limit(close, reached, "up" if value > close else "down")
        rule = "market_wide_circuit_breaker"
        return Halt(rule=rule, value=value, limit=limit, start=at, end=end, auction=level.auction)

    def _reached(self, index: str, value: int) -> Iterator[int]:
        """Levels not passed before that a value has reached."""
        for level in self._levels:
            for direction in level.directions:
                limit = _limit(self._closes[index], level.percent, direction)
                if level.percent > self._passed and _reaches(value, limit, direction):
                    yield level.percent

    def _in_force(self, percent: int, clock: int) -> BreakerLevel | None:
        rows = (level for level in self._levels if level.percent == percent and level.time_from <= clock)
        return max(rows, key=lambda level: level.time_from, default=None)


class _PriceBefore:
    """The price of the last trade at least `length` nanoseconds ago, or else of the oldest there is."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._trades: deque[tuple[int, int]] = deque()

    def add(self, at: int, *, price: int) -> int:
        self._trades.append((at, price))
        while len(self._trades) > 1 and self._trades[1][0] <= at - self._length:
            self._trades.popleft()
        return self._trades[0][1]

    def forget(self) -> None:
        self._trades.clear()


class VolatilityGuard:
    """Stops one instrument when its price moves too far by one rule; prices are ticks.

    After a halt, prices of before it are no longer looked back at [by assumption].
    """

    def __init__(self, rule: VolatilityRule, *, previous_close: int) -> None:
        self._rule = rule
        self._previous_close = previous_close
        self._average = TradeWindow(rule.window)
        self._before = _PriceBefore(rule.window)
        self._times = dict.fromkeys(rule.directions, 0)

    def on_trade(self, at: int, *, price: int, quantity: int) -> Halt | None:
        """The halt that a trade causes, if any."""
        value, base = self._measured(at, price, quantity)
        for direction in self._rule.directions:
            limit = _limit(base, self._rule.percent, direction)
            if base > 0 and _reaches(value, limit, direction) and self._allowed(direction):
                return self._halted(at, value, limit, direction)
        return None

    def _measured(self, at: int, price: int, quantity: int) -> tuple[int, int]:
        """What is watched, and what it is compared to."""
        if self._rule.measure == "price_before":
            return price, self._before.add(at, price=price)
        if self._rule.measure == "moving_average":
            self._average.add(at, price=price, quantity=quantity)
            return self._average.average(at), self._previous_close
        return price, self._previous_close

    def _allowed(self, direction: Direction) -> bool:
        return not self._rule.times or self._times[direction] < self._rule.times

    def _halted(self, at: int, value: int, limit: int, direction: Direction) -> Halt:
        self._times[direction] += 1
        self._before.forget()
        end = at + self._rule.halt
        return Halt(rule="volatility_halt", value=value, limit=limit, start=at, end=end, phase=self._rule.phase)


class VolatilityGuards:
    """All rules of one instrument: the widest that a trade reaches stops it, and the narrower ones count as used."""

    def __init__(self, rules: Sequence[VolatilityRule], *, previous_close: int) -> None:
        ordered = sorted(rules, key=lambda rule: -rule.percent)
        self._guards = [VolatilityGuard(rule, previous_close=previous_close) for rule in ordered]

    def on_trade(self, at: int, *, price: int, quantity: int) -> Halt | None:
        """The halt that a trade causes, if any."""
        halts = [guard.on_trade(at, price=price, quantity=quantity) for guard in self._guards]
        return next((halt for halt in halts if halt), None)
