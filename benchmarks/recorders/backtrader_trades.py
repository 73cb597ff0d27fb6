"""A plain SMA cross in backtrader; prints trades and daily equity as one JSON object.

Run in the peer's environment: `python backtrader_trades.py DATA.csv[.gz] FAST SLOW SIZE CASH COMMISSION`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import backtrader as bt
import pandas as pd

path, fast, slow, size, cash, commission = sys.argv[1], *map(float, sys.argv[2:7])


class Cross(bt.Strategy):
    """Long `size` while the fast mean is above the slow one, flat otherwise."""

    def __init__(self) -> None:
        self.fast = bt.ind.SMA(self.data.close, period=int(fast))
        self.slow = bt.ind.SMA(self.data.close, period=int(slow))
        self.fills: list[dict[str, Any]] = []
        self.dates: list[str] = []
        self.equity: list[float] = []

    def record(self) -> None:
        """Keep the day's date and the account's value at its close."""
        self.dates.append(self.data.datetime.date(0).isoformat())
        self.equity.append(float(self.broker.getvalue()))

    def prenext(self) -> None:
        """Before both means are there, only the equity is recorded."""
        self.record()

    def next(self) -> None:
        """Order on a change only; the fill is at the next open."""
        self.record()
        above = self.fast[0] > self.slow[0]
        if above and not self.position:
            self.buy(size=int(size))
        elif not above and self.position:
            self.close()

    def notify_order(self, order: Any) -> None:
        """Keep each completed order as one fill."""
        if order.status == order.Completed:
            done = order.executed
            moment = bt.num2date(done.dt).date().isoformat()
            self.fills.append(
                {"date": moment, "size": int(done.size), "price": float(done.price), "commission": float(done.comm)}
            )


def round_trip(entry: dict[str, Any], leave: dict[str, Any]) -> dict[str, Any]:
    """One closed trade from its two fills."""
    gross = entry["size"] * (leave["price"] - entry["price"])
    paid = entry["commission"] + leave["commission"]
    return {
        "entry_date": entry["date"],
        "exit_date": leave["date"],
        "size": entry["size"],
        "entry_price": entry["price"],
        "exit_price": leave["price"],
        "commission": paid,
        "gross_pnl": gross,
        "net_pnl": gross - paid,
    }


frame = pd.read_csv(path, index_col="Date", parse_dates=True)[["Open", "High", "Low", "Close", "Volume"]]
cerebro = bt.Cerebro(stdstats=False)
columns = {name.lower(): name for name in frame.columns}
cerebro.adddata(bt.feeds.PandasData(dataname=frame, datetime=None, openinterest=None, **columns))
cerebro.addstrategy(Cross)
cerebro.broker.setcash(cash)
cerebro.broker.setcommission(commission=commission)
done = cerebro.run()[0]
pairs = zip(done.fills[0::2], done.fills[1::2], strict=False)
last = done.fills[-1:] if len(done.fills) % 2 else []
record = {
    "peer": "backtrader",
    "version": bt.__version__,
    "trades": [round_trip(entry, leave) for entry, leave in pairs],
    "open_trades": [{"entry_date": f["date"], "size": f["size"], "entry_price": f["price"]} for f in last],
    "dates": done.dates,
    "equity": done.equity,
}
print(json.dumps(record))
