"""Funding rates from files, and what holding a perpetual through them costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradsys.core.errors import DataError, MissingData
from tradsys.engine.run import backtest
from tradsys.market.funding import read_funding

CONFIG = """
[run]
name = "perpetual"
cash = 1000
currency = "USDT"
[data]
path = "{folder}/XRP_USDT_USDT-1h-futures.feather"
format = "freqtrade"
[[data.instruments]]
id = "BINANCE:XRPUSDT"
name = "XRP/USDT:USDT"
segment = "crypto_perpetual"
tick = 0.00001
lot = 0.1
funding = "{folder}/XRP_USDT_USDT-8h-funding_rate.feather"
[[strategies]]
use = "hold.py:Hold"
sizer = {{ kind = "fixed_quantity", value = 100 }}
[execution]
slippage_bps = 0
[charges]
plan = "none"
"""

HOLD = """
from tradsys import Strategy

class Hold(Strategy):
    def on_bar(self, bar, account):
        yield self.signal(bar, {strength})
"""


def test_rates_keep_the_jitter_of_their_times(shared_data: Path) -> None:
    rates = read_funding(shared_data / "crypto/freqtrade/futures/XRP_USDT_USDT-8h-funding_rate.feather", instrument="X")
    assert len(rates) == 91
    assert (rates[0].at, rates[0].rate, rates[0].mark) == (1637193600017000000, 0.0001, 0.0)


@pytest.mark.parametrize("strength", [1.0, -1.0])
def test_a_holder_pays_the_rate_on_the_last_price(shared_data: Path, tmp_path: Path, strength: float) -> None:
    folder = shared_data / "crypto/freqtrade/futures"
    (tmp_path / "hold.py").write_text(HOLD.format(strength=strength))
    config = tmp_path / "run.toml"
    config.write_text(CONFIG.format(folder=folder))
    outcome = backtest(config, environment={}, out=tmp_path / "out")
    series = outcome.prepared.data.series["BINANCE:XRPUSDT"]
    expected = 0.0
    for rate in read_funding(folder / "XRP_USDT_USDT-8h-funding_rate.feather", instrument="X"):
        known = series.close[series.at <= rate.at]
        if len(known) > 1 and rate.at <= series.at[-1]:
            expected -= strength * 100 * known[-1] * rate.rate
    assert outcome.result.cash_moves["funding"] / 1e8 == pytest.approx(expected, abs=1e-6)
    assert expected != 0.0


def test_what_is_no_funding_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData):
        read_funding(tmp_path / "absent.csv", instrument="X")
    (tmp_path / "wrong.csv").write_text("time,price\n2024-01-01T00:00:00Z,1\n")
    with pytest.raises(DataError, match="no column rate"):
        read_funding(tmp_path / "wrong.csv", instrument="X")
    (tmp_path / "unsorted.csv").write_text("time,rate\n1700000001000,0.1\n1700000000000,0.1\n")
    with pytest.raises(DataError, match="row 2 is out of order"):
        read_funding(tmp_path / "unsorted.csv", instrument="X")
    (tmp_path / "percent.csv").write_text("time,rate\n1700000001000,12.5\n")
    with pytest.raises(DataError, match="no fraction"):
        read_funding(tmp_path / "percent.csv", instrument="X")
