"""Technical indicators for strategy authors: small frozen objects with checked parameters.

`SMA(10).batch(matrix)` computes all bars, `SMA(10).stepper()` goes bar by bar, and both give the same bits.
"""

from tradsys.numerics.indicators.averages import EMA, SMA
from tradsys.numerics.indicators.base import INPUTS, ROWS, SPLIT_EXPONENT, Indicator, KernelStepper, Stepper
from tradsys.numerics.indicators.momentum import RSI
from tradsys.numerics.indicators.volatility import ATR, BollingerBands, DonchianChannel

__all__ = [
    "ATR",
    "EMA",
    "INPUTS",
    "ROWS",
    "RSI",
    "SMA",
    "SPLIT_EXPONENT",
    "BollingerBands",
    "DonchianChannel",
    "Indicator",
    "KernelStepper",
    "Stepper",
]
