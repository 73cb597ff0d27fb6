"""Numbers drawn from a seed, the same on every machine and with every version of every library.

The generator is SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), taken
by counter, so that a block is one array operation. NumPy's own distributions may change between versions (NEP 19), and
a generated day must not.
"""

from __future__ import annotations

from math import cos, exp, log, pi, sqrt

import numpy as np

_MASK = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15
_BLOCK = 4096


def _mixed(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Draws:
    """One stream of draws; streams of one seed do not overlap in practice and do not disturb each other."""

    __slots__ = ("_block", "_counter", "_start")

    def __init__(self, seed: int, *, stream: int = 0) -> None:
        self._start = np.uint64(_mixed((_mixed(seed & _MASK) + (stream + 1) * _STEP) & _MASK))
        self._counter = 0
        self._block: list[float] = []

    def uniform(self) -> float:
        """A float in [0, 1), a multiple of 2**-53."""
        if not self._block:
            self._refill()
        return self._block.pop()

    def _refill(self) -> None:
        value = np.arange(self._counter, self._counter + _BLOCK, dtype=np.uint64) * np.uint64(_STEP) + self._start
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        value ^= value >> np.uint64(31)
        self._block = ((value >> np.uint64(11)) * 2.0**-53).tolist()
        self._counter += _BLOCK

    def below(self, bound: int) -> int:
        """An int in 0 … `bound` - 1; even for bounds far below 2**53."""
        return int(self.uniform() * bound)

    def exponential(self, mean: float) -> float:
        """Exponential with this mean."""
        return -mean * log(1.0 - self.uniform())

    def normal(self) -> float:
        """Standard normal, by Box and Muller (1958)."""
        return sqrt(-2.0 * log(1.0 - self.uniform())) * cos(2.0 * pi * self.uniform())

    def log_normal(self, *, median: float, sigma: float) -> float:
        """`median` times e to a normal of standard deviation `sigma`."""
        return median * exp(sigma * self.normal())

    def pareto(self, *, exponent: float, most: float) -> float:
        """A float in 1 … `most` with P(X > x) proportional to x**-exponent, cut at `most` (inverse of the
        distribution function, so nothing piles up at the cut)."""
        kept = 1.0 - most**-exponent
        return float((1.0 - self.uniform() * kept) ** (-1.0 / exponent))
