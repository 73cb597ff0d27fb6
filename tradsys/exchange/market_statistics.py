"""What is known to hold in real markets, measured on a day of orders, trades and depth.

The facts: Cont, "Empirical properties of asset returns: stylized facts and statistical issues", Quantitative Finance 1
(2001). Prices in ticks, quantities in lots, times in UTC nanoseconds; NaN where there is too little to measure.
"""

from __future__ import annotations

from math import nan, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradsys.core.matching import Action, BookSide, Status
from tradsys.exchange.simulation_record import Columns

PARTS_OF_DAY = 13
HORIZONS = (1, 10, 60)
LAGS = (1, 5, 10)
_FEWEST = 30

Floats = NDArray[np.float64]


class ReturnStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Log returns of the middle price over `seconds`. `kurtosis`: fourth moment over the squared second (a normal has
    3). `autocorrelation`: of returns at lag 1; `absolute_autocorrelation`: of their size at lags 1, 5 and 10.
    `deviation`: standard deviation times the root of their number, i.e. of the whole day."""

    seconds: int
    kurtosis: float
    autocorrelation: float
    absolute_autocorrelation: tuple[float, ...]
    deviation: float


class MarketStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` of participants; `order_to_trade` messages a trade; `rejected` share of messages. Spread in ticks from
    depth with both sides there (`two_sided`: share of those instants). `depth`: mean lots of the best levels, mean of
    both sides. `volume`: share of the mean volume in each thirteenth of the day. `sign_autocorrelation`: of the taker's
    side from trade to trade, at lags 1, 5 and 10."""

    messages: int
    trades: int
    order_to_trade: float
    rejected: float
    two_sided: float
    spread_mean: float
    spread_median: float
    spread_95: float
    spread_one_tick: float
    depth: tuple[float, ...]
    volume: tuple[float, ...]
    sign_autocorrelation: tuple[float, ...]
    returns: tuple[ReturnStatistics, ...]


def measure(
    *, orders: Columns, trades: Columns, depth: Columns, opens: int, closes: int, levels: int
) -> MarketStatistics:
    """Statistics of continuous trading from `opens` to `closes` (UTC nanoseconds); depth is one row a second.

    Columns are those of `SimulationRecord`.
    """
    orders, trades, depth = (_between(columns, opens, closes) for columns in (orders, trades, depth))
    sent = (orders["account"] > 0) & (orders["event"] <= max(Action))
    bid, ask = depth["bid_price_1"], depth["ask_price_1"]
    both = (bid > 0) & (ask > 0)
    spread = (ask - bid)[both].astype(np.float64)
    middle = (bid + ask)[both] / 2
    count = len(trades["at"])
    signs = np.where(trades["side"] == BookSide.BUY, 1.0, -1.0)
    return MarketStatistics(
        messages=int(sent.sum()),
        trades=count,
        order_to_trade=float(sent.sum() / count) if count else nan,
        rejected=_mean((orders["status"] == Status.REJECTED)[sent]),
        two_sided=_mean(both),
        spread_mean=_mean(spread),
        spread_median=float(np.median(spread)) if len(spread) else nan,
        spread_95=float(np.percentile(spread, 95)) if len(spread) else nan,
        spread_one_tick=_mean(spread == 1),
        depth=tuple(_depth(depth, level) for level in range(1, levels + 1)),
        volume=_volume(trades, opens, closes),
        sign_autocorrelation=tuple(autocorrelation(signs, lag) for lag in LAGS),
        returns=tuple(_returns(middle, seconds) for seconds in HORIZONS),
    )


def autocorrelation(values: Floats, lag: int) -> float:
    """Pearson correlation of values with those `lag` later."""
    if len(values) < _FEWEST + lag or values.std() == 0:
        return nan
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


def kurtosis(values: Floats) -> float:
    """Fourth central moment over the squared second; 3 for a normal."""
    centred = values - values.mean()
    square = (centred**2).mean()
    return float((centred**4).mean() / square**2) if square else nan


def _between(columns: Columns, opens: int, closes: int) -> Columns:
    inside = (columns["at"] >= opens) & (columns["at"] < closes)
    return {name: values[inside] for name, values in columns.items()}


def _mean(values: NDArray[np.bool_] | Floats) -> float:
    return float(values.mean()) if len(values) else nan


def _depth(depth: Columns, level: int) -> float:
    both = depth[f"bid_quantity_{level}"] + depth[f"ask_quantity_{level}"]
    return float(both.mean() / 2) if len(both) else nan


def _volume(trades: Columns, opens: int, closes: int) -> tuple[float, ...]:
    edges = np.linspace(opens, closes, PARTS_OF_DAY + 1)
    parts = np.histogram(trades["at"], bins=edges, weights=trades["quantity"])[0]
    return tuple((parts / parts.mean()).tolist()) if parts.any() else (nan,) * PARTS_OF_DAY


def _returns(middle: Floats, seconds: int) -> ReturnStatistics:
    """NumPy's logarithm of every `seconds`-th middle, differenced; instants without two sides are left out before."""
    steps = np.diff(np.log(middle[::seconds]))
    enough = len(steps) >= _FEWEST
    return ReturnStatistics(
        seconds=seconds,
        kurtosis=kurtosis(steps) if enough else nan,
        autocorrelation=autocorrelation(steps, 1),
        absolute_autocorrelation=tuple(autocorrelation(np.abs(steps), lag) for lag in LAGS),
        deviation=float(steps.std() * sqrt(len(steps))) if enough else nan,
    )
