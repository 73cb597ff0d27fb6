"""Limit price protection: limit orders too far beyond a reference price are not taken.

Prices are ticks. Rules: `tradsys.reference.market_rules.protection_rule`.

Not modelled: the theoretical price at the open and after a quiet quarter of an hour (the driver gives it), by how much
the exchange widens the range (no source found; the driver calls `widen`), stop-limit orders when they trigger.
"""

from __future__ import annotations

from collections import deque

from tradsys.core.errors import ConfigError
from tradsys.core.matching import BookSide
from tradsys.core.units import Rounding, divide
from tradsys.exchange.bands import WHOLE, Party
from tradsys.reference.market_rules import ProtectionRule


class LimitProtection:
    """The range of one contract. Raises `ConfigError` for a reference price that is not positive.

    The reference price is the simple average of the trades of each full interval counted from `opens`; an interval
    without a trade leaves it.
    """

    def __init__(self, rule: ProtectionRule, *, reference: int, tick: int, opens: int) -> None:
        self._rule = rule
        self._tick = tick
        self._percent = rule.percent
        self._interval_end = opens + rule.refresh
        self._sum = 0
        self._count = 0
        self._rejections: deque[tuple[int, Party]] = deque()
        self.set_reference(opens, price=reference)

    @property
    def limits(self) -> tuple[int, int]:
        """Lowest price to sell at and highest to buy at, inside the range and at least one tick."""
        return self._low, self._high

    def exceeded(self, side: BookSide, price: int) -> int | None:
        """The limit that a limit order's price is beyond, or None."""
        if side:
            return self._low if price < self._low else None
        return self._high if price > self._high else None

    def set_reference(self, at: int, *, price: int) -> None:
        """A reference price from elsewhere: the theoretical price."""
        if price <= 0:
            raise ConfigError("limit price protection needs a reference price", value=price, limit="> 0")
        self._reference = price
        self._updated = at
        self._measure()

    def is_stale(self, at: int) -> bool:
        """Whether the reference price is so old that a theoretical price should replace it."""
        return at - self._updated >= self._rule.stale

    def advance(self, at: int) -> None:
        """Close the intervals that have ended by an instant."""
        if at < self._interval_end:
            return
        if self._count:
            self.set_reference(self._interval_end, price=divide(self._sum, self._count, Rounding.NEAREST))
        self._sum = self._count = 0
        passed = (at - self._interval_end) // self._rule.refresh
        self._interval_end += (passed + 1) * self._rule.refresh

    def on_trade(self, at: int, *, price: int) -> None:
        """One more trade of the contract."""
        self.advance(at)
        self._sum += price
        self._count += 1

    def on_rejection(self, at: int, *, party: Party) -> bool:
        """One more order refused by it; whether there are enough, of enough members and clients, for a wider range.

        They then count no more. Always False where the rule does not say when.
        """
        if not self._rule.rejections:
            return False
        self._rejections.append((at, party))
        while self._rejections[0][0] <= at - self._rule.window:
            self._rejections.popleft()
        enough = self._is_enough()
        if enough:
            self._rejections.clear()
        return enough

    def widen(self, percent: int) -> None:
        """Widen the range by so many basis points of the reference price."""
        self._percent += percent
        self._measure()

    def _measure(self) -> None:
        width = max(self._reference * self._percent * self._tick, self._rule.minimum * WHOLE) // (WHOLE * self._tick)
        self._low, self._high = max(self._reference - width, 1), self._reference + width

    def _is_enough(self) -> bool:
        parties = [party for _, party in self._rejections]
        return (
            len(parties) >= self._rule.rejections
            and len({party.member for party in parties}) >= self._rule.members
            and len({party.client for party in parties}) >= self._rule.clients
        )
