"""Every indicator, one row each: a row buys its tests (parity, prefix, scaling, warm-up, oracles) and its benchmark.

`oracles` names who else says what the values are: `talib`, `ta`, `worksheet` (StockCharts' published sheets), or
`formula`, the published definition written out plainly in the tests.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from tradsys.numerics import indicators as i
from tradsys.numerics.indicators.base import Indicator


class Row(NamedTuple):
    """An indicator with the parameters it is tested and timed with."""

    indicator: Indicator
    oracles: tuple[str, ...]


TABLE: Final = (
    Row(i.SMA(20), ("talib", "ta")),
    Row(i.EMA(20), ("talib",)),
    Row(i.SMMA(14), ("formula",)),
    Row(i.WMA(20), ("talib", "ta")),
    Row(i.DEMA(20), ("talib",)),
    Row(i.TEMA(20), ("talib",)),
    Row(i.TRIMA(20), ("talib",)),
    Row(i.HMA(20), ("formula",)),
    Row(i.KAMA(10), ("talib", "worksheet")),
    Row(i.T3(5), ("talib",)),
    Row(i.ZLEMA(20), ("formula",)),
    Row(i.VWMA(20), ("formula",)),
    Row(i.ALMA(9), ("formula",)),
    Row(i.McGinleyDynamic(14), ("formula",)),
    Row(i.RSI(14), ("talib", "worksheet")),
    Row(i.Stochastic(14, 3, 3), ("talib", "worksheet")),
    Row(i.StochasticRSI(14, 14, 3, 3), ("ta",)),
    Row(i.WilliamsR(14), ("talib", "worksheet")),
    Row(i.UltimateOscillator(7, 14, 28), ("talib",)),
    Row(i.TSI(25, 13), ("ta",)),
    Row(i.AwesomeOscillator(5, 34), ("ta",)),
    Row(i.ROC(12), ("talib", "worksheet")),
    Row(i.Momentum(10), ("talib",)),
    Row(i.CMO(14), ("formula",)),
    Row(i.CoppockCurve(10, 14, 11), ("formula",)),
    Row(i.FisherTransform(10), ("formula",)),
    Row(i.RelativeVigor(10), ("formula",)),
    Row(i.BalanceOfPower(), ("talib",)),
    Row(i.EfficiencyRatio(10), ("formula", "worksheet")),
    Row(i.MACD(12, 26, 9), ("talib", "worksheet")),
    Row(i.ADX(14), ("talib",)),
    Row(i.Aroon(25), ("talib",)),
    Row(i.CCI(20), ("talib", "worksheet")),
    Row(i.DPO(20), ("ta",)),
    Row(i.Ichimoku(9, 26, 52), ("ta",)),
    Row(i.KST(9), ("ta",)),
    Row(i.MassIndex(9, 25), ("ta",)),
    Row(i.ParabolicSAR(), ("talib",)),
    Row(i.TRIX(15), ("talib",)),
    Row(i.Vortex(14), ("ta",)),
    Row(i.SuperTrend(10, 3.0), ("formula",)),
    Row(i.SchaffTrendCycle(), ("ta",)),
    Row(i.TrueRange(), ("talib", "worksheet")),
    Row(i.ATR(14), ("talib", "worksheet")),
    Row(i.BollingerBands(20, 2.0), ("talib", "worksheet")),
    Row(i.StandardDeviation(20), ("talib", "worksheet")),
    Row(i.KeltnerChannel(20, 10, 2.0), ("formula",)),
    Row(i.DonchianChannel(20), ("ta", "worksheet")),
    Row(i.UlcerIndex(14), ("ta", "worksheet")),
    Row(i.ChaikinVolatility(10, 10), ("formula",)),
    Row(i.HistoricalVolatility(20), ("formula",)),
    Row(i.ParkinsonVolatility(20), ("formula",)),
    Row(i.GarmanKlassVolatility(20), ("formula",)),
    Row(i.ChoppinessIndex(14), ("formula",)),
    Row(i.OBV(), ("talib", "worksheet")),
    Row(i.AccumulationDistribution(), ("talib", "worksheet")),
    Row(i.ChaikinOscillator(3, 10), ("talib",)),
    Row(i.ChaikinMoneyFlow(20), ("ta",)),
    Row(i.MFI(14), ("formula",)),
    Row(i.ForceIndex(13), ("ta", "worksheet")),
    Row(i.EaseOfMovement(14), ("ta",)),
    Row(i.VolumePriceTrend(), ("formula",)),
    Row(i.NegativeVolumeIndex(), ("ta",)),
    Row(i.PositiveVolumeIndex(), ("formula",)),
    Row(i.VWAP(14), ("ta", "worksheet")),
    Row(i.LinearRegression(14), ("talib", "formula")),
    Row(i.Correlation(20), ("talib",)),
    Row(i.ZScore(20), ("formula",)),
    Row(i.PercentRank(20), ("formula",)),
    Row(i.Median(20), ("formula",)),
    Row(i.DistributionShape(20), ("formula",)),
)
