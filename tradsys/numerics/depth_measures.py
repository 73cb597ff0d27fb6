"""What the top of a book says: spread, mid, depth, imbalance, microprice.

Prices and quantities are floats in units of the instrument; where a side is empty (NaN) the answer is NaN, and no
quantity on either side makes imbalance NaN and the microprice the mid.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def spread(*, bid: float, ask: float) -> float:
    """ask - bid, in units of price. Harris, Trading and Exchanges (2003), chapter 4."""
    return ask - bid


def mid(*, bid: float, ask: float) -> float:
    """(bid + ask) / 2. Harris (2003), chapter 4."""
    return (bid + ask) / 2


def depth(quantities: npt.ArrayLike, levels: int) -> float:
    """Quantity of the best `levels` levels together; `quantities` (n,) best first. 0.0 for an empty side."""
    return float(np.sum(np.asarray(quantities, np.float64)[:levels]))


def imbalance(*, bid_quantity: float, ask_quantity: float) -> float:
    """(B - A) / (B + A), from -1 (all ask) to +1 (all bid), of the best level or of the depth of several.

    Cartea, Donnelly and Jaimungal, Enhancing trading strategies with order book signals, Applied Mathematical Finance
    25 (2018).
    """
    total = bid_quantity + ask_quantity
    return (bid_quantity - ask_quantity) / total if total else math.nan


def microprice(*, bid: float, bid_quantity: float, ask: float, ask_quantity: float) -> float:
    """(ask · B + bid · A) / (B + A): each best price weighted by the quantity of the other side.

    Gatheral and Oomen, Zero-intelligence realized variance estimation, Finance and Stochastics 14 (2010). Not Stoikov's
    micro-price (2018), which adds a correction that must be fitted to an instrument.
    """
    total = bid_quantity + ask_quantity
    return (ask * bid_quantity + bid * ask_quantity) / total if total else mid(bid=bid, ask=ask)
