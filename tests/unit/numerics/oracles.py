"""Who else says what an indicator is: TA-Lib, the `ta` package, or its published formula written out plainly.

An oracle takes bars (open, high, low, close, volume as pandas Series) and gives one array an output, None where it does
not know that output. `settled` is the first bar compared: where seeds differ, the difference must have died away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
import ta
import talib as tl


class Bars(NamedTuple):
    """Five columns of the same length."""

    o: Any
    h: Any
    l: Any  # noqa: E741
    c: Any
    v: Any


class Oracle(NamedTuple):
    """Expected outputs, and the first bar from which they must agree (None: from the indicator's first value)."""

    function: Callable[[Bars], Any]
    settled: int | None = None


DIED_AWAY = 900


def talib(function: Callable[..., Any], rows: str, *arguments: float) -> Callable[[Bars], Any]:
    def oracle(bars: Bars) -> Any:
        return function(*(getattr(bars, row).to_numpy(copy=True) for row in rows), *arguments)

    return oracle


def typical(b: Bars) -> Any:
    return (b.h + b.l + b.c) / 3


def true_range(b: Bars) -> Any:
    return pd.concat([b.h - b.l, (b.h - b.c.shift()).abs(), (b.l - b.c.shift()).abs()], axis=1).max(axis=1)


def wilder(x: Any, period: int) -> Any:
    values, out = list(x), [math.nan] * (period - 1)
    mean = sum(values[:period]) / period
    for value in [None, *values[period:]]:
        mean = mean if value is None else (mean * (period - 1) + value) / period
        out.append(mean)
    return np.array(out)


def wma(x: Any, period: int) -> Any:
    weights = np.arange(1, period + 1) / (period * (period + 1) / 2)
    return pd.Series(x).rolling(period).apply(lambda w: float(w @ weights), raw=True)


def alma(b: Bars) -> Any:
    weights = np.exp(-((np.arange(9) - 0.85 * 8) ** 2) / (2 * (9 / 6) ** 2))
    return b.c.rolling(9).apply(lambda w: float(w @ weights) / weights.sum(), raw=True)


def mcginley(b: Bars) -> Any:
    out = [b.c[0]]
    for x in b.c[1:]:
        out.append(out[-1] + (x - out[-1]) / (14 * (x / out[-1]) ** 4))
    return np.array(out)


def cmo(b: Bars) -> Any:
    change = b.c.diff()
    up, down = change.clip(lower=0).rolling(14).sum(), (-change).clip(lower=0).rolling(14).sum()
    return 100 * (up - down) / (up + down)


def money_flow(b: Bars) -> Any:
    change = typical(b).diff().round(9)
    up = (typical(b) * b.v).where(change > 0, 0.0).rolling(14).sum()
    down = (typical(b) * b.v).where(change < 0, 0.0).rolling(14).sum()
    return 100 * up / (up + down)


def fisher(b: Bars) -> Any:
    x = (b.h + b.l) / 2
    place = (x - x.rolling(10).min()) / (x.rolling(10).max() - x.rolling(10).min()) - 0.5
    value, fish, out = 0.0, 0.0, []
    for p in place:
        if math.isnan(p):
            out.append((math.nan, math.nan))
            continue
        value = max(min(0.66 * p + 0.67 * value, 0.999), -0.999)
        before, fish = fish, math.atanh(value) + 0.5 * fish
        out.append((fish, before))
    return tuple(np.array(out).T)


def swma(x: Any) -> Any:
    return (x + 2 * x.shift(1) + 2 * x.shift(2) + x.shift(3)) / 6


def vigor(b: Bars) -> Any:
    line = swma(b.c - b.o).rolling(10).sum() / swma(b.h - b.l).rolling(10).sum()
    return line, swma(line)


def supertrend(b: Bars) -> Any:
    reach, middle = 3.0 * wilder(true_range(b), 10), ((b.h + b.l) / 2).to_numpy()
    close, n = b.c.to_numpy(), len(b.c)
    line, sides, side = np.full(n, np.nan), np.full(n, np.nan), 1.0
    upper, lower = middle + reach, middle - reach
    for i in range(9, n):
        if i > 9:
            upper[i] = upper[i] if upper[i] < upper[i - 1] or close[i - 1] > upper[i - 1] else upper[i - 1]
            lower[i] = lower[i] if lower[i] > lower[i - 1] or close[i - 1] < lower[i - 1] else lower[i - 1]
        side = -1.0 if side > 0 and close[i] < lower[i] else 1.0 if side < 0 and close[i] > upper[i] else side
        line[i], sides[i] = (lower[i] if side > 0 else upper[i]), side
    return line, sides


def keltner(b: Bars) -> Any:
    middle, reach = tl.EMA(b.c.to_numpy(copy=True), 20), 2.0 * wilder(true_range(b), 10)
    return middle + reach, middle, middle - reach


def garman_klass(b: Bars) -> Any:
    daily = 0.5 * np.log(b.h / b.l) ** 2 - (2 * math.log(2) - 1) * np.log(b.c / b.o) ** 2
    return np.sqrt(252 * daily.rolling(20).mean())


def chop(b: Bars) -> Any:
    reach = b.h.rolling(14).max() - b.l.rolling(14).min()
    return 100 * np.log10(true_range(b).rolling(14).sum() / reach) / math.log10(14)


def positive_volume(b: Bars) -> Any:
    growth = (b.c / b.c.shift()).where(b.v > b.v.shift(), 1.0)
    return 1000 * growth.cumprod()


def regression(b: Bars) -> Any:
    fits = [scipy.stats.linregress(range(14), b.c[i - 13 : i + 1]) for i in range(13, len(b.c))]
    values = [(fit.intercept + 13 * fit.slope, fit.slope, fit.rvalue**2) for fit in fits]
    return tuple(np.vstack([np.full((13, 3), np.nan), values]).T)


def coppock(b: Bars) -> Any:
    return wma(100 * (b.c.pct_change(14) + b.c.pct_change(11)), 10)


def shape(b: Bars) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(b.c.to_numpy(), 20)
    pad = np.full(19, np.nan)
    skewness, kurtosis = scipy.stats.skew(windows, axis=1), scipy.stats.kurtosis(windows, axis=1)
    return np.concatenate([pad, skewness]), np.concatenate([pad, kurtosis])


def percent_rank(b: Bars) -> Any:
    return b.c.rolling(21).apply(lambda w: 100 * float((w[:-1] < w[-1]).mean()), raw=True)


def ichimoku(b: Bars) -> Any:
    lines = ta.trend.IchimokuIndicator(b.h, b.l, 9, 26, 52)
    return (
        lines.ichimoku_conversion_line(),
        lines.ichimoku_base_line(),
        lines.ichimoku_a(),
        lines.ichimoku_b(),
    )


def donchian(b: Bars) -> Any:
    channel = ta.volatility.DonchianChannel(b.h, b.l, b.c, 20)
    return channel.donchian_channel_hband(), channel.donchian_channel_mband(), channel.donchian_channel_lband()


def stochastic_rsi(b: Bars) -> Any:
    lines = ta.momentum.StochRSIIndicator(b.c, 14, 3, 3)
    return 100 * lines.stochrsi_k(), 100 * lines.stochrsi_d()


def kst(b: Bars) -> Any:
    lines = ta.trend.KSTIndicator(b.c)
    return lines.kst(), lines.kst_sig()


def vortex(b: Bars) -> Any:
    lines = ta.trend.VortexIndicator(b.h, b.l, b.c, 14)
    return lines.vortex_indicator_pos(), lines.vortex_indicator_neg()


def adx(b: Bars) -> Any:
    return talib(tl.ADX, "hlc")(b), talib(tl.PLUS_DI, "hlc")(b), talib(tl.MINUS_DI, "hlc")(b)


def aroon(b: Bars) -> Any:
    down, up = talib(tl.AROON, "hl", 25)(b)
    return up, down, talib(tl.AROONOSC, "hl", 25)(b)


def parkinson(b: Bars) -> Any:
    return np.sqrt(252 * (np.log(b.h / b.l) ** 2).rolling(20).mean() / (4 * math.log(2)))


def chaikin_volatility(b: Bars) -> Any:
    mean = pd.Series(tl.EMA((b.h - b.l).to_numpy(copy=True), 10))
    return 100 * (mean / mean.shift(10) - 1)


ORACLES: dict[tuple[str, str], Oracle] = {
    ("SMA", "talib"): Oracle(talib(tl.SMA, "c", 20)),
    ("SMA", "ta"): Oracle(lambda b: ta.trend.SMAIndicator(b.c, 20).sma_indicator()),
    ("EMA", "talib"): Oracle(talib(tl.EMA, "c", 20)),
    ("SMMA", "formula"): Oracle(lambda b: wilder(b.c, 14)),
    ("WMA", "talib"): Oracle(talib(tl.WMA, "c", 20)),
    ("WMA", "ta"): Oracle(lambda b: ta.trend.WMAIndicator(b.c, 20).wma()),
    ("DEMA", "talib"): Oracle(talib(tl.DEMA, "c", 20)),
    ("TEMA", "talib"): Oracle(talib(tl.TEMA, "c", 20)),
    ("TRIMA", "talib"): Oracle(talib(tl.TRIMA, "c", 20)),
    ("HMA", "formula"): Oracle(lambda b: wma(2 * wma(b.c, 10) - wma(b.c, 20), 4)),
    ("KAMA", "talib"): Oracle(talib(tl.KAMA, "c", 10)),
    ("T3", "talib"): Oracle(talib(tl.T3, "c", 5, 0.7)),
    ("ZLEMA", "formula"): Oracle(lambda b: tl.EMA((2 * b.c - b.c.shift(9)).to_numpy(copy=True), 20)),
    ("VWMA", "formula"): Oracle(lambda b: (b.c * b.v).rolling(20).sum() / b.v.rolling(20).sum()),
    ("ALMA", "formula"): Oracle(alma),
    ("McGinleyDynamic", "formula"): Oracle(mcginley),
    ("RSI", "talib"): Oracle(talib(tl.RSI, "c", 14)),
    ("Stochastic", "talib"): Oracle(talib(tl.STOCH, "hlc", 14, 3, 0, 3, 0)),
    ("StochasticRSI", "ta"): Oracle(stochastic_rsi, DIED_AWAY),
    ("WilliamsR", "talib"): Oracle(talib(tl.WILLR, "hlc", 14)),
    ("UltimateOscillator", "talib"): Oracle(talib(tl.ULTOSC, "hlc", 7, 14, 28)),
    ("TSI", "ta"): Oracle(lambda b: ta.momentum.TSIIndicator(b.c, 25, 13).tsi(), DIED_AWAY),
    ("AwesomeOscillator", "ta"): Oracle(
        lambda b: ta.momentum.AwesomeOscillatorIndicator(b.h, b.l, 5, 34).awesome_oscillator()
    ),
    ("ROC", "talib"): Oracle(talib(tl.ROC, "c", 12)),
    ("Momentum", "talib"): Oracle(talib(tl.MOM, "c", 10)),
    ("CMO", "formula"): Oracle(cmo),
    ("CoppockCurve", "formula"): Oracle(coppock),
    ("FisherTransform", "formula"): Oracle(fisher),
    ("RelativeVigor", "formula"): Oracle(vigor),
    ("BalanceOfPower", "talib"): Oracle(talib(tl.BOP, "ohlc")),
    ("EfficiencyRatio", "formula"): Oracle(lambda b: (b.c - b.c.shift(10)).abs() / b.c.diff().abs().rolling(10).sum()),
    ("MACD", "talib"): Oracle(talib(tl.MACD, "c", 12, 26, 9), DIED_AWAY),
    ("ADX", "talib"): Oracle(adx, DIED_AWAY),
    ("Aroon", "talib"): Oracle(aroon),
    ("CCI", "talib"): Oracle(talib(tl.CCI, "hlc", 20)),
    ("DPO", "ta"): Oracle(lambda b: ta.trend.DPOIndicator(b.c, 20).dpo()),
    ("Ichimoku", "ta"): Oracle(ichimoku),
    ("KST", "ta"): Oracle(kst),
    ("MassIndex", "ta"): Oracle(lambda b: ta.trend.MassIndex(b.h, b.l, 9, 25).mass_index(), DIED_AWAY),
    ("ParabolicSAR", "talib"): Oracle(talib(tl.SAR, "hl", 0.02, 0.2)),
    ("TRIX", "talib"): Oracle(talib(tl.TRIX, "c", 15)),
    ("Vortex", "ta"): Oracle(vortex),
    ("SuperTrend", "formula"): Oracle(supertrend),
    ("SchaffTrendCycle", "ta"): Oracle(lambda b: ta.trend.STCIndicator(b.c, 50, 23, 10, 3, 3).stc(), DIED_AWAY),
    ("TrueRange", "talib"): Oracle(talib(tl.TRANGE, "hlc"), 1),
    ("ATR", "talib"): Oracle(talib(tl.ATR, "hlc", 14), DIED_AWAY),
    ("BollingerBands", "talib"): Oracle(talib(tl.BBANDS, "c", 20, 2.0, 2.0)),
    ("StandardDeviation", "talib"): Oracle(talib(tl.STDDEV, "c", 20)),
    ("KeltnerChannel", "formula"): Oracle(keltner),
    ("DonchianChannel", "ta"): Oracle(donchian),
    ("UlcerIndex", "ta"): Oracle(lambda b: ta.volatility.UlcerIndex(b.c, 14).ulcer_index()),
    ("ChaikinVolatility", "formula"): Oracle(chaikin_volatility),
    ("HistoricalVolatility", "formula"): Oracle(lambda b: np.log(b.c / b.c.shift()).rolling(20).std() * math.sqrt(252)),
    ("ParkinsonVolatility", "formula"): Oracle(parkinson),
    ("GarmanKlassVolatility", "formula"): Oracle(garman_klass),
    ("ChoppinessIndex", "formula"): Oracle(chop),
    ("OBV", "talib"): Oracle(lambda b: talib(tl.OBV, "cv")(b) - b.v[0]),
    ("AccumulationDistribution", "talib"): Oracle(talib(tl.AD, "hlcv")),
    ("ChaikinOscillator", "talib"): Oracle(talib(tl.ADOSC, "hlcv", 3, 10), DIED_AWAY),
    ("ChaikinMoneyFlow", "ta"): Oracle(
        lambda b: ta.volume.ChaikinMoneyFlowIndicator(b.h, b.l, b.c, b.v, 20).chaikin_money_flow()
    ),
    ("MFI", "formula"): Oracle(money_flow),
    ("ForceIndex", "ta"): Oracle(lambda b: ta.volume.ForceIndexIndicator(b.c, b.v, 13).force_index(), DIED_AWAY),
    ("EaseOfMovement", "ta"): Oracle(
        lambda b: ta.volume.EaseOfMovementIndicator(b.h, b.l, b.v, 14).sma_ease_of_movement()
    ),
    ("VolumePriceTrend", "formula"): Oracle(lambda b: (b.v * b.c.pct_change()).fillna(0).cumsum()),
    ("NegativeVolumeIndex", "ta"): Oracle(
        lambda b: ta.volume.NegativeVolumeIndexIndicator(b.c, b.v).negative_volume_index()
    ),
    ("PositiveVolumeIndex", "formula"): Oracle(positive_volume),
    ("VWAP", "ta"): Oracle(
        lambda b: ta.volume.VolumeWeightedAveragePrice(b.h, b.l, b.c, b.v, 14).volume_weighted_average_price()
    ),
    ("LinearRegression", "talib"): Oracle(
        lambda b: (talib(tl.LINEARREG, "c", 14)(b), talib(tl.LINEARREG_SLOPE, "c", 14)(b), None)
    ),
    ("LinearRegression", "formula"): Oracle(regression),
    ("Correlation", "talib"): Oracle(talib(tl.CORREL, "cv", 20)),
    ("ZScore", "formula"): Oracle(lambda b: (b.c - b.c.rolling(20).mean()) / b.c.rolling(20).std(ddof=0)),
    ("PercentRank", "formula"): Oracle(percent_rank),
    ("Median", "formula"): Oracle(lambda b: b.c.rolling(20).median()),
    ("DistributionShape", "formula"): Oracle(shape),
}
