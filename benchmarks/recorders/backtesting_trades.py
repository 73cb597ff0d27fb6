"""A plain SMA cross in backtesting.py; prints trades and daily equity as one JSON object.

Run in the peer's environment: `python backtesting_trades.py DATA.csv[.gz] FAST SLOW SIZE CASH COMMISSION`.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import backtesting
import pandas as pd

warnings.filterwarnings("ignore")
path, fast, slow, size, cash, commission = sys.argv[1], *map(float, sys.argv[2:7])


def mean(values: Any, period: int) -> Any:
    """Simple moving average, 0 until `period` values are there.

    A NaN would make backtesting.py hold its first call back until the bar after both means are known.
    """
    return pd.Series(values).rolling(period).mean().fillna(0.0)


class Cross(backtesting.Strategy):
    """Long `size` while the fast mean is above the slow one, flat otherwise."""

    def init(self) -> None:
        """Precompute both means."""
        self.fast = self.I(mean, self.data.Close, int(fast))
        self.slow = self.I(mean, self.data.Close, int(slow))

    def next(self) -> None:
        """Order on a change only; the fill is at the next open."""
        if len(self.data) < slow:
            return
        above = self.fast[-1] > self.slow[-1]
        if above and not self.position:
            self.buy(size=int(size))
        elif not above and self.position:
            self.position.close()


def day(moment: Any) -> str:
    """ISO date of a timestamp."""
    return str(moment)[:10]


frame = pd.read_csv(path, index_col="Date", parse_dates=True)[["Open", "High", "Low", "Close", "Volume"]]
test = backtesting.Backtest(frame, Cross, cash=cash, commission=commission, finalize_trades=False)
result = test.run()
trades = [
    {
        "entry_date": day(row.EntryTime),
        "exit_date": day(row.ExitTime),
        "size": int(row.Size),
        "entry_price": float(row.EntryPrice),
        "exit_price": float(row.ExitPrice),
        "commission": float(row.Commission),
        "gross_pnl": float(row.Size * (row.ExitPrice - row.EntryPrice)),
        "net_pnl": float(row.PnL),
    }
    for row in result["_trades"].itertuples()
]
open_trades = [
    {"entry_date": day(trade.entry_time), "size": int(trade.size), "entry_price": float(trade.entry_price)}
    for trade in result["_strategy"].trades
]
equity = result["_equity_curve"]["Equity"]
record = {
    "peer": "backtesting.py",
    "version": backtesting.__version__,
    "trades": trades,
    "open_trades": open_trades,
    "dates": [day(moment) for moment in equity.index],
    "equity": [float(value) for value in equity],
}
print(json.dumps(record))
