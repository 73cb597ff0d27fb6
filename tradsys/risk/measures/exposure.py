"""How much is at work: long, short, gross, net, leverage, and the whole in terms of one index."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tradsys.risk.measures.positions import Portfolio


class Exposure(NamedTuple):
    """Sums of the exposures of positions, in the account's currency; options count with their delta.

    `long` and `short` are both 0 or above, `gross` is their sum and `net` their difference. `leverage` is gross over
    equity, `beta_weighted` the sum of exposure × beta: what the portfolio is worth in the index. `undefined` gives
    the reason of each that is NaN.
    """

    long: float
    short: float
    gross: float
    net: float
    leverage: float
    beta_weighted: float
    undefined: dict[str, str]


def exposure(portfolio: Portfolio, *, equity: float) -> Exposure:
    """The exposure of a portfolio on this equity.

    Leverage is NaN unless equity is above 0; the beta-weighted sum is NaN where one position's beta is not known; all
    is NaN where a position's exposure is not known.
    """
    undefined: dict[str, str] = {}
    if portfolio.undefined:
        names = Exposure._fields[:-1]
        reasons = dict.fromkeys(names, portfolio.undefined)
        return Exposure(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, reasons)
    long = float(portfolio.exposures[portfolio.exposures > 0.0].sum())
    short = -float(portfolio.exposures[portfolio.exposures < 0.0].sum())
    if not equity > 0.0:
        undefined["leverage"] = f"equity is {equity}, not above 0"
    betas = np.array([position.beta for position in portfolio.positions], np.float64)
    unknown = np.flatnonzero(~np.isfinite(betas))
    if len(unknown):
        undefined["beta_weighted"] = f"{portfolio.positions[unknown[0]].instrument}: beta is not known"
    return Exposure(
        long=long,
        short=short,
        gross=long + short,
        net=long - short,
        leverage=(long + short) / equity if equity > 0.0 else math.nan,
        beta_weighted=math.nan if len(unknown) else float((portfolio.exposures * betas).sum()),
        undefined=undefined,
    )


def beta_weighted_delta(exposure: Exposure, *, index_price: float) -> float:
    """Units of the index that would move as the portfolio does: beta-weighted exposure / price of one."""
    return exposure.beta_weighted / index_price if index_price > 0.0 else math.nan
