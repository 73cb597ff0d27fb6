"""The opening range on minutes of FEDERALBNK, computed again; writes `opening_range.json` when run."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.golden.independent_rules import (
    BUY,
    OPEN_MINUTE,
    SELL,
    Account,
    Bar,
    Contract,
    bars,
    on_tick,
    record,
    result,
    slipped,
)

FIRST, LAST = "2015-01-01", "2015-02-28"
MINUTES, RISK, EXPOSURE, REWARD = 15, Fraction(1, 200), 1, 2
LAST_ENTRY, FLAT_AT = 14 * 60 + 30, 15 * 60 + 10


def _bill() -> Contract:
    return Contract("intraday")


@dataclass
class Bracket:
    """An entry at market with a stop and a target that exist for what it has filled."""

    side: int
    entering: int
    stop: int
    target: int
    open: int = 0
    triggered: bool = False
    entry_bill: Contract = field(default_factory=_bill)
    stop_bill: Contract = field(default_factory=_bill)
    target_bill: Contract = field(default_factory=_bill)

    def stop_price(self, bar: Bar) -> int | None:
        """The worse of trigger and open; a stop that found no volume when it was touched is a market order."""
        if not self.triggered:
            touched = bar.low <= self.stop if self.side == BUY else bar.high >= self.stop
            if not touched:
                return None
            self.triggered = True
            worse = min(self.stop, bar.open) if self.side == BUY else max(self.stop, bar.open)
            return slipped(worse, -self.side)
        return slipped(bar.open, -self.side)

    def target_price(self, bar: Bar) -> int | None:
        """The limit when traded through, better only where the bar opens beyond it."""
        if (bar.open - self.target) * self.side > 0:
            worse = slipped(bar.open, -self.side)
            return max(worse, self.target) if self.side == BUY else min(worse, self.target)
        through = bar.high > self.target if self.side == BUY else bar.low < self.target
        return self.target if through else None


@dataclass
class Day:
    """One session of the strategy."""

    account: Account
    high: int = 0
    low: int = 10**9
    sides: list[int] = field(default_factory=lambda: [BUY, SELL])
    bracket: Bracket | None = None
    leaving: Contract | None = None
    budget: int = 0

    def step(self, bar: Bar) -> None:
        """One minute: what the clock does, what the market does, what the strategy wants."""
        if bar.minute > LAST_ENTRY:
            self.sides = []
        if bar.minute > FLAT_AT and self.leaving is None:
            self.bracket, self.leaving = None, _bill()
        self.budget = bar.volume // 10
        if self.leaving is not None and self.account.shares:
            side = SELL if self.account.shares > 0 else BUY
            self._trade(bar, side, abs(self.account.shares), slipped(bar.open, side), self.leaving)
        if self.bracket is not None:
            self._match(bar, self.bracket)
        self._decide(bar)

    def _match(self, bar: Bar, it: Bracket) -> None:
        """Stop, entry, target; an entry's first fill at the open is followed by the whole bar."""
        fresh = it.open == 0
        if not fresh:
            self._stop(bar, it)
        if it.entering:
            filled = self._trade(bar, it.side, it.entering, slipped(bar.open, it.side), it.entry_bill)
            it.entering, it.open = it.entering - filled, it.open + filled
        if fresh and it.open:
            self._stop(bar, it)
        if it.open and (price := it.target_price(bar)) is not None:
            self._close(it, self._trade(bar, -it.side, it.open, price, it.target_bill))
        if not it.open and not it.entering:
            self.bracket = None

    def _stop(self, bar: Bar, it: Bracket) -> None:
        if (price := it.stop_price(bar)) is not None:
            self._close(it, self._trade(bar, -it.side, it.open, price, it.stop_bill))

    def _close(self, it: Bracket, filled: int) -> None:
        """An exit that fills ends an entry that is still filling."""
        if filled:
            it.open, it.entering = it.open - filled, 0

    def _trade(self, bar: Bar, side: int, wanted: int, price: int, bill: Contract) -> int:
        quantity = min(wanted, self.budget)
        if quantity:
            self.account.fill(bar, side=side, quantity=quantity, price=price, contract=bill)
            self.budget -= quantity
        return quantity

    def _decide(self, bar: Bar) -> None:
        if bar.minute <= OPEN_MINUTE + MINUTES:
            self.high, self.low = max(self.high, bar.high), min(self.low, bar.low)
            return
        side = BUY if bar.close > self.high else SELL if bar.close < self.low else 0
        if self.account.shares or side not in self.sides or self.high <= self.low:
            return
        self.sides.remove(side)
        height = Fraction(self.high - self.low, 100)
        quantity = int(self.account.cash * min(RISK / height, EXPOSURE / Fraction(bar.close, 100)))
        stop = on_tick(self.low, up=False) if side == BUY else on_tick(self.high, up=True)
        target = on_tick(bar.close + side * REWARD * (self.high - self.low), up=side == BUY)
        assert self.bracket is None and quantity > 0
        self.bracket = Bracket(side, quantity, stop, target)


def compute() -> dict[str, Any]:
    """Fills and final equity."""
    minutes = bars("FEDERALBNK", minutes=1, first=FIRST, last=LAST)
    account = Account(Fraction(200_000), "intraday")
    day, today = "", Day(account)
    for bar in minutes:
        if bar.day != day:
            assert account.shares == 0, "a position is left overnight"
            day, today = bar.day, Day(account)
        today.step(bar)
    return result(account, minutes[-1])


if __name__ == "__main__":
    record("opening_range", compute())
