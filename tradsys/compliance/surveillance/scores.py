"""Evidence as numbers from 0 to 1, and how pieces of it are put together."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod


def ramp(value: float, *, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, straight in between."""
    if value <= low:
        return 0.0
    return 1.0 if value >= high else (value - low) / (high - low)


def any_of(evidence: Iterable[float]) -> float:
    """`1 - Π(1 - e)`: independent pieces that each may do."""
    return 1.0 - prod(1.0 - each for each in evidence)


def all_of(*evidence: float) -> float:
    """Geometric mean: pieces that must all be there; one that is not makes 0."""
    return prod(evidence) ** (1.0 / len(evidence))


def recurrence(times: int) -> float:
    """`1 - 2^-n`: once may be chance, three times hardly."""
    return float(1.0 - 0.5**times)


def fading(age: int, *, half_life: int) -> float:
    """1 at once, a half after `half_life` nanoseconds."""
    return float(0.5 ** (age / half_life))
