"""StockCharts' published worksheets: the values in the sheet are the answers."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from tradsys.numerics import indicators as i
from tradsys.numerics.indicators import ROWS, Indicator
from tradsys.numerics.table import TABLE

Array = npt.NDArray[np.float64]

HLC = {"High": "high", "Low": "low", "Close": "close"}
CV = {"Close": "close", "Volume": "volume"}
CLOSE = {"Close": "close"}


class Sheet(NamedTuple):
    """A published sheet: which columns are bars, which are answers, and the first row compared.

    `flat` copies of the first bar are put before it where the sheet starts its smoothing at the first value: then our
    seed, a mean, is that value too. `digits` is how many decimals were published.
    """

    file: str
    indicator: Indicator
    bars: dict[str, str]
    answers: dict[str, str]
    start: int
    flat: int = 0
    digits: int = 6


SHEETS = [
    Sheet("cs-accum", i.AccumulationDistribution(), HLC | {"Volume": "volume"}, {"ADLine": "value"}, 0, digits=3),
    Sheet("cs-atr", i.ATR(14), HLC, {"ATR": "value"}, 13),
    Sheet("cs-atr", i.TrueRange(), HLC, {"TR": "value"}, 0),
    Sheet(
        "cs-bbands",
        i.BollingerBands(20, 2.0),
        CLOSE,
        {"HighBand": "upper", "MiddleBand": "middle", "LowBand": "lower"},
        19,
    ),
    Sheet("cs-bbands", i.StandardDeviation(20), CLOSE, {"20-day Standard Deviation": "value"}, 19),
    Sheet("cs-cci", i.CCI(20), HLC, {"CCI": "value"}, 19, digits=4),
    Sheet(
        "cs-dc",
        i.DonchianChannel(20),
        {"high": "high", "low": "low"},
        {"upper_band": "upper", "middle_band": "middle", "lower_band": "lower"},
        19,
        digits=2,
    ),
    Sheet("cs-fi", i.ForceIndex(1), CV, {"FI_1": "value"}, 1),
    Sheet("cs-kama", i.KAMA(10, 2, 30), CLOSE, {"KAMA": "value"}, 10),
    Sheet("cs-kama", i.EfficiencyRatio(10), CLOSE, {"ER": "value"}, 10),
    Sheet("cs-macd", i.MACD(12, 26, 9), CLOSE, {"MACD_line": "macd"}, 25, flat=25),
    Sheet("cs-obv", i.OBV(), CV, {"OBV": "value"}, 1),
    Sheet("cs-percentr", i.WilliamsR(14), HLC, {"Williams_%R": "value"}, 13),
    Sheet("cs-roc", i.ROC(12), CLOSE, {"ROC": "value"}, 12),
    Sheet("cs-rsi", i.RSI(14), CLOSE, {"RSI": "value"}, 14, flat=14),
    Sheet("cs-soo", i.Stochastic(14, 1, 3), HLC, {"SO": "k", "SO_SIG": "d"}, 16),
    Sheet("cs-ui", i.UlcerIndex(14), CLOSE, {"ulcer_index": "value"}, 13),
    Sheet("cs-vwap", i.VWAP(14), HLC | {"Volume": "volume"}, {"vwap": "value"}, 13),
]


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def read(path: Path) -> dict[str, Array]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([number(row[name] or "") for row in rows]) for name in rows[0] if name}


def matrix_of(sheet: Sheet, columns: dict[str, Array]) -> Array:
    known = {row: columns[name] for name, row in sheet.bars.items()}
    count = len(next(iter(known.values())))
    matrix = np.stack([np.nan_to_num(known.get(row, np.zeros(count))) for row in ROWS])
    return np.ascontiguousarray(np.hstack([np.repeat(matrix[:, :1], sheet.flat, axis=1), matrix]))


@pytest.mark.parametrize("sheet", SHEETS, ids=[f"{sheet.file} {sheet.indicator!r}" for sheet in SHEETS])
def test_sheet(sheet: Sheet, shared_data: Path) -> None:
    columns = read(shared_data / "indicators" / "stockcharts" / f"{sheet.file}.csv")
    out = sheet.indicator.batch(matrix_of(sheet, columns))[:, sheet.flat :]
    for name, output in sheet.answers.items():
        ours = out[sheet.indicator.outputs.index(output)][sheet.start :]
        published = columns[name][sheet.start :]
        assert len(published) >= 1 and np.isfinite(published).all()
        # Rounding 5s either way, and sheets compute on inputs with more digits than they print.
        np.testing.assert_allclose(ours, published, rtol=1e-6, atol=0.51 * 10.0**-sheet.digits)


def test_every_worksheet_named_in_the_table_is_read() -> None:
    named = {type(row.indicator).__name__ for row in TABLE if "worksheet" in row.oracles}
    assert named == {type(sheet.indicator).__name__ for sheet in SHEETS}
