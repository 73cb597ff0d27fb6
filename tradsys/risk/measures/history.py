"""Past moves of the underlyings, complete or not there at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import DataError
from tradsys.risk.measures.positions import Portfolio

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]


class History:
    """Simple returns by scenario and name, `moves` float64[s, names], oldest first, and their `means`, float64[names].

    A name with a gap has no column; `gaps` says what is missing. A portfolio that holds it has no value at risk:
    filling a gap with 0, or leaving the day out, would make the risk smaller than it is.
    """

    def __init__(self, returns: Mapping[str, Array]) -> None:
        columns = {name: np.asarray(values, np.float64) for name, values in returns.items()}
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            raise DataError(f"series of {min(lengths)} and {max(lengths)} days", value=min(lengths), limit=max(lengths))
        self.gaps = {name: gap for name, values in columns.items() if (gap := _gap(np.isfinite(values), "returns"))}
        self.names = tuple(name for name in columns if name not in self.gaps)
        self.column = {name: i for i, name in enumerate(self.names)}
        kept = [columns[name] for name in self.names]
        self.moves = np.ascontiguousarray(np.stack(kept, axis=1)) if kept else np.empty((0, 0))
        self.means = self.moves.mean(axis=0) if len(self.moves) else np.full(len(kept), np.nan)

    @classmethod
    def from_prices(cls, prices: Mapping[str, Array]) -> History:
        """Returns of prices, float64[s + 1] a name, in the account's currency and adjusted for splits.

        A price that is NaN, 0 or below is a gap.

        Raises:
            DataError: the series differ in length.
        """
        with np.errstate(all="ignore"):
            checked = {name: np.where(np.asarray(series) > 0.0, series, np.nan) for name, series in prices.items()}
            made = cls({name: series[1:] / series[:-1] - 1.0 for name, series in checked.items()})
        made.gaps = {name: _gap(np.isfinite(checked[name]), "prices") for name in made.gaps}
        return made

    def __len__(self) -> int:
        return len(self.moves)

    def missing_for(self, portfolio: Portfolio) -> str:
        """The first underlying of the portfolio that has no complete history, and why; empty where all have."""
        unknown = next((name for name in portfolio.underlyings if name not in self.column), "")
        return f"{unknown}: {self.gaps.get(unknown, 'not in the history')}" if unknown else ""

    def columns_of(self, portfolio: Portfolio) -> Integers:
        """The column that moves each position, int[p]; for a portfolio of which nothing is missing."""
        return np.array([self.column[name] for name in portfolio.underlyings], np.intp)


def _gap(known: npt.NDArray[np.bool_], what: str) -> str:
    missing = np.flatnonzero(~known)
    return (
        f"{len(missing)} of {len(known)} {what} missing or not above 0, the first at {missing[0]}"
        if len(missing)
        else ""
    )
