"""How much hangs on how little, and how long it would take to get out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from tradsys.core.errors import ConfigError
from tradsys.risk.measures.positions import Portfolio, Position

Grouping = Literal["instrument", "underlying", "sector", "currency"]

_NAMES: dict[str, Callable[[Portfolio], list[str]]] = {
    "instrument": lambda portfolio: [each.instrument for each in portfolio.positions],
    "underlying": lambda portfolio: portfolio.underlyings,
    "sector": lambda portfolio: [each.sector for each in portfolio.positions],
    "currency": lambda portfolio: [each.currency for each in portfolio.positions],
}


class Concentration(NamedTuple):
    """Shares of gross exposure, by name of group.

    `herfindahl` is the sum of squared shares, 1 for a single group, and `effective` its inverse, the number of equal
    groups as concentrated. `largest` has the names and shares of the largest, in order; equals stand as they came.
    """

    herfindahl: float
    effective: float
    largest: tuple[tuple[str, float], ...]
    undefined: str = ""

    @property
    def largest_share(self) -> float:
        """The share of the largest group; NaN where there is none."""
        return self.largest[0][1] if self.largest else math.nan


class Exit(NamedTuple):
    """Days to sell or buy back: of the slowest position, and of each by instrument."""

    days: float
    by_instrument: dict[str, float]
    undefined: str = ""


def concentration(portfolio: Portfolio, *, by: Grouping = "instrument", top: int = 5) -> Concentration:
    """Herfindahl index and largest shares of |exposure| by group; a hedge inside a group does not make it smaller.

    NaN where nothing is held, an exposure is not known, or a position has no sector and that is asked for.
    """
    if by not in _NAMES:
        raise ConfigError(f"no grouping {by!r}", value=by, limit=", ".join(_NAMES))
    names = _NAMES[by](portfolio)
    gross = np.abs(portfolio.exposures)
    total = float(gross.sum())
    nameless = portfolio.positions[names.index("")].instrument if "" in names else ""
    reason = (
        portfolio.undefined or (f"{nameless}: no {by}" if nameless else "") or ("" if total > 0.0 else "nothing held")
    )
    if reason:
        return Concentration(math.nan, math.nan, (), reason)
    groups = {name: number for number, name in enumerate(dict.fromkeys(names))}
    shares = np.bincount([groups[name] for name in names], weights=gross) / total
    known, largest = list(groups), np.argsort(-shares, kind="stable")[:top]
    herfindahl = float((shares * shares).sum())
    return Concentration(herfindahl, 1.0 / herfindahl, tuple((known[i], float(shares[i])) for i in largest))


def days_to_exit(portfolio: Portfolio, *, participation: float = 0.1) -> Exit:
    """|quantity| / (participation × daily volume) of each position, and the longest: all are left at the same time.

    Positions in one instrument are left one after the other, long and short alike.
    NaN for a position without a daily volume above 0, and then for the whole.
    """
    if not 0.0 < participation <= 1.0:
        raise ConfigError(f"participation {participation} is not above 0 and at most 1", value=participation)
    days: dict[str, float] = {}
    for each in portfolio.positions:
        days[each.instrument] = days.get(each.instrument, 0.0) + _days(each, participation)
    unknown = [name for name, value in days.items() if not math.isfinite(value)]
    if unknown:
        return Exit(math.nan, days, f"{unknown[0]}: quantity or daily volume is not known")
    return Exit(max(days.values(), default=0.0), days)


def _days(position: Position, participation: float) -> float:
    traded = participation * position.daily_volume
    return abs(position.quantity) / traded if traded > 0.0 else math.nan
