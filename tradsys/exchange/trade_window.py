"""Trades of the last minutes, and their average price."""

from __future__ import annotations

from collections import deque

from tradsys.core.units import Rounding, divide


class TradeWindow:
    """The trades of the `length` nanoseconds before an instant; each costs the same to add and to forget.

    Prices are ticks. Instants do not go back.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._trades: deque[tuple[int, int, int]] = deque()
        self._value = 0
        self._quantity = 0

    def add(self, at: int, *, price: int, quantity: int) -> None:
        """One more trade."""
        self._forget(at)
        self._trades.append((at, price, quantity))
        self._value += price * quantity
        self._quantity += quantity

    def average(self, at: int) -> int:
        """Volume-weighted price of the trades at `at - length` and later, to the nearest tick; 0 without a trade.

        NSE rounds settlement prices so (circular of 19 Mar 2026).
        """
        self._forget(at)
        return divide(self._value, self._quantity, Rounding.NEAREST) if self._quantity else 0

    def _forget(self, at: int) -> None:
        while self._trades and self._trades[0][0] < at - self._length:
            _, price, quantity = self._trades.popleft()
            self._value -= price * quantity
            self._quantity -= quantity
