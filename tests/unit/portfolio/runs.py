"""Small runs with known results, for the tests of metrics, charts and tear sheet."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradsys.core.events import Fill, Product, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import DAY, HOUR, MINUTE, SCALE
from tradsys.portfolio.ledger import Ledger
from tradsys.portfolio.result import FillColumns, Prices, RunResult
from tradsys.portfolio.trades import RoundTrips, with_excursions

SHARE = Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY)
MONDAY = 19_723 * DAY
"""1 January 2024, midnight UTC."""


def closes(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Prices on a five-paisa grid around 100, moving less a step the more steps there are."""
    steps = np.random.default_rng(3).normal(0.0, 0.2 / count**0.5, count)
    return np.round(100 * np.exp(np.cumsum(steps)) * 20) / 20


def daily_run(days: int = 300, *, every: int = 7, trade: bool = True, **more: Any) -> RunResult:
    """One bar a day at 15:30 IST; buys 100 shares and sells them in turn, each fill costing 0.05 % and one rupee."""
    at = MONDAY + np.arange(days) * DAY + 10 * HOUR
    return bar_run(at, every=every, trade=trade, **more)


def minute_run(count: int, *, every: int = 50, **more: Any) -> RunResult:
    """Minutes of sessions from 09:16 to 15:30 IST on successive days."""
    at = MONDAY + np.arange(count) // 375 * DAY + (3 * 60 + 46) * MINUTE + np.arange(count) % 375 * MINUTE
    return bar_run(at, every=every, **more)


def bar_run(at: np.ndarray[Any, Any], *, every: int, trade: bool = True, **more: Any) -> RunResult:
    """Alternates buying and selling 100 shares at every `every`-th close."""
    count, close = len(at), closes(len(at))
    ledger, trips = Ledger(100_000 * SCALE), RoundTrips()
    fills: list[Fill] = []
    charges: list[int] = []
    cash, equity = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for i in range(count):
        price = round(float(close[i]) * SCALE)
        if trade and i % every == every - 1:
            fill = Fill(
                at=int(at[i]),
                exchange_at=int(at[i]),
                order_id=i,
                strategy="plain",
                instrument=SHARE.id,
                side=Side.SELL if len(fills) % 2 else Side.BUY,
                quantity=100 * SCALE,
                price=price,
                product=Product.CNC,
            )
            items = (("stt", price * 100 // 2000), ("brokerage", SCALE))
            ledger.book(fill, sum(amount for _, amount in items), items, ledger.place("plain", SHARE, Product.CNC))
            trips.fill(fill, sum(amount for _, amount in items), SHARE)
            fills.append(fill)
            charges.append(sum(amount for _, amount in items))
        ledger.mark(SHARE.id, price)
        cash[i], equity[i] = ledger.cash, ledger.equity()
    ledger.check()
    prices = Prices(SHARE.id, at, close, close + 0.5, close - 0.5, close)
    given: dict[str, Any] = {
        "name": "Plain run",
        "currency": "INR",
        "zone": "Asia/Kolkata",
        "days_a_year": 252,
        "start_cash": ledger.start,
        "at": at,
        "cash": cash,
        "equity": equity,
        "benchmark": 100_000 * close / close[0],
        "fills": FillColumns.of(fills, charges, {SHARE.id: SHARE}),
        "trades": with_excursions(trips.finish(ledger.marks), [prices]),
        "charge_items": ledger.charge_items,
        "profit_by_strategy": {name: ledger.profit(name) for name in ledger.strategies},
        "profit_by_instrument": ledger.profit_by_instrument(),
        "orders": len(fills),
        "prices": [prices],
        "assumptions": ["Fills at the close."],
        "manifest": {"code_version": "0.1.0", "versions": {"numpy": "2"}},
    }
    return RunResult(**{**given, **more})
