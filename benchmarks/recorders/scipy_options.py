"""The textbook's formulas on whole columns with NumPy and SciPy: price, delta, gamma, vega, theta, rho."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from scipy.special import ndtr

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.option_market import COUNT, best_seconds, market, show


def valued(columns: dict[str, Any]) -> tuple[Any, ...]:
    """Black, Scholes and Merton as printed."""
    spot, strike, years, volatility, rate, carried, right = columns.values()
    root = np.sqrt(years)
    share, bond, deviation = spot * np.exp(-carried * years), strike * np.exp(-rate * years), volatility * root
    d1 = np.log(share / bond) / deviation + 0.5 * deviation
    first, second = ndtr(right * d1), ndtr(right * (d1 - deviation))
    density = share * np.exp(-0.5 * d1 * d1) / np.sqrt(2 * np.pi)
    theta = right * (carried * share * first - rate * bond * second) - 0.5 * density * volatility / root
    price, delta, gamma = right * (share * first - bond * second), right * share / spot * first, density / spot
    return price, delta, gamma / (spot * deviation), density * root, theta, right * years * bond * second


def main() -> None:
    """Measure and print one line."""
    columns = market()
    total = float(valued(columns)[0].sum())
    seconds = best_seconds(lambda: valued(columns), times=20)
    show(
        "NumPy and SciPy",
        version=scipy.__version__,
        count=COUNT,
        seconds=seconds,
        total=total,
        note="NumPy and SciPy: the formulas as printed, on whole columns",
    )


if __name__ == "__main__":
    main()
