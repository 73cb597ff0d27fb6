"""What named days of the past, and shocks that somebody thought of, would do to the portfolio."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tradsys.reference.stress_days import StressDay, stress_days
from tradsys.risk.measures.positions import Portfolio, Position, PriceFunction
from tradsys.risk.measures.revaluation import NO_PRICES, option_profits

Array = npt.NDArray[np.float64]


class Shock(msgspec.Struct, frozen=True, kw_only=True):
    """Moves as fractions (-0.1 is 10 % down): of a position's underlying, else of its market times beta, else `spot`.

    `volatility` is added to the implied volatility of options (0.05 is five points), by market where
    `volatility_by_market` has the position's; `interest` to their interest rate. A position that nothing fits has no
    result: give `spot=0.0` to leave the rest still.
    """

    name: str
    spot: float = math.nan
    by_underlying: Mapping[str, float] = {}
    by_market: Mapping[str, float] = {}
    volatility: float = 0.0
    volatility_by_market: Mapping[str, float] = {}
    interest: float = 0.0

    def move(self, position: Position) -> float:
        """The relative move of the position's underlying; NaN where nothing fits or a beta is not known."""
        if position.moved_by in self.by_underlying:
            return self.by_underlying[position.moved_by]
        if position.market in self.by_market:
            return position.beta * self.by_market[position.market]
        return self.spot

    def volatility_change(self, position: Position) -> float:
        """What is added to the implied volatility of an option."""
        return self.volatility_by_market.get(position.market, self.volatility)


class Stressed(NamedTuple):
    """Profit of the whole and of each position, float64[p]; NaN, with the reason, where one position has none."""

    name: str
    profit: float
    by_position: Array
    undefined: str = ""


def historic_shocks(days: Iterable[StressDay] | None = None) -> tuple[Shock, ...]:
    """One shock for each day of the table of stress days (or of those given), with the moves of all its markets.

    Where the source gives no change of implied volatility it is NaN, and options have no result;
    `msgspec.structs.replace(shock, volatility_by_market={...})` puts in what you take it to have been.
    """
    ordered = sorted(stress_days() if days is None else days, key=lambda each: each.day)
    return tuple(_shock_of(list(rows)) for _, rows in groupby(ordered, key=lambda each: each.day))


def stress(portfolio: Portfolio, *, shock: Shock, price: PriceFunction | None = None) -> Stressed:
    """Profit of linear positions, exposure × move, and of options priced before and after; time stands still.

    NaN where a position's move is not known or below -1, an option has no price function or volatility, or a price is
    not known.
    """
    moves = np.array([shock.move(position) for position in portfolio.positions], np.float64)
    reason = portfolio.undefined or _unmoved(portfolio, moves) or (NO_PRICES if portfolio.options and not price else "")
    if reason:
        return Stressed(shock.name, math.nan, np.full(len(portfolio), math.nan), reason)
    profits = portfolio.exposures * moves
    if portfolio.options and price is not None:
        chosen = np.array(portfolio.options, np.intp)
        changes = np.array([[shock.volatility_change(portfolio.positions[i]) for i in portfolio.options]])
        profits[chosen] = option_profits(
            portfolio, moves=moves[None, chosen], volatility=changes, interest=shock.interest, price=price
        )[0]
    return _result(shock.name, portfolio, profits)


def _result(name: str, portfolio: Portfolio, profits: Array) -> Stressed:
    unknown = np.flatnonzero(~np.isfinite(profits))
    if not len(unknown):
        return Stressed(name, float(profits.sum()), profits)
    reason = f"{portfolio.positions[unknown[0]].instrument}: no price, or no change of volatility, after the shock"
    return Stressed(name, math.nan, profits, reason)


def _unmoved(portfolio: Portfolio, moves: Array) -> str:
    bad = np.flatnonzero(~(np.isfinite(moves) & (moves >= -1.0)))
    if not len(bad):
        return ""
    position, move = portfolio.positions[bad[0]], moves[bad[0]]
    return f"{position.instrument}: " + (f"a move of {move:.0%}" if math.isfinite(move) else "no move or beta is known")


def _shock_of(rows: list[StressDay]) -> Shock:
    return Shock(
        name=f"{rows[0].day} {rows[0].event}",
        by_market={row.market: row.move for row in rows},
        volatility=math.nan,
        volatility_by_market={row.market: row.volatility for row in rows},
    )
