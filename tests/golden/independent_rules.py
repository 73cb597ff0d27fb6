"""The rules of a run written a second time from their descriptions, in whole paise and fractions, without our code.

What `docs/strategies.md`, the assumptions printed in every report and the tariff of 2026-11-21 say: cleaning and
resampling of the sample, fills on bars, charges, sizing. The golden files are written by these computations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent.parent / "data" / "sample" / "nse_1min_mit"
BUY, SELL = 1, -1
OPEN_MINUTE, CLOSE_MINUTE = 9 * 60 + 15, 15 * 60 + 30
TICK = 5


@dataclass(frozen=True)
class Bar:
    """Prices in paise; `minute` counts from midnight, `at` is UTC nanoseconds, both of the bar's end."""

    day: str
    minute: int
    at: int
    open: int
    high: int
    low: int
    close: int
    volume: int


def bars(symbol: str, *, minutes: int, first: str = "", last: str = "") -> list[Bar]:
    """The sample's bars: sorted, repeated minutes once, the session's only, gathered from the open."""
    (path,) = SAMPLE.glob(f"{symbol}_1min_*.parquet")
    raw = pd.read_parquet(path).drop_duplicates()
    clock = raw["time"].astype(str).str.split(":")
    frame = raw.assign(
        day=pd.to_datetime(raw["date"].astype(str), format="%Y%m%d"),
        minute=clock.str[0].astype(int) * 60 + clock.str[1].astype(int),
    ).sort_values(["day", "minute"])
    frame = frame[(frame.minute > OPEN_MINUTE) & (frame.minute <= CLOSE_MINUTE)]
    steps = (frame.minute - OPEN_MINUTE - 1) // minutes + 1
    frame = frame.assign(end=(OPEN_MINUTE + steps * minutes).clip(upper=CLOSE_MINUTE))
    groups = frame.groupby(["day", "end"], sort=True)
    rows = groups.agg(open=("open", "first"), high=("high", "max"), low=("low", "min"), close=("close", "last"))
    rows["volume"] = groups["volume"].sum()
    rows = rows.loc[pd.Timestamp(first or "2000-01-01") : pd.Timestamp(last or "2100-01-01")]
    return [_bar(str(day.date()), end, *values) for (day, end), values in zip(rows.index, rows.to_numpy(), strict=True)]


def _bar(day: str, minute: int, *values: float) -> Bar:
    """India has been 330 minutes ahead of UTC all year round since 1945."""
    midnight = int(np.datetime64(day, "D").astype(int)) * 1440
    opened, high, low, close = (round(float(value) * 100) for value in values[:4])
    at = (midnight + int(minute) - 330) * 60 * 10**9
    return Bar(day, int(minute), at, opened, high, low, close, round(float(values[4])))


# --- prices


def slipped(price: int, side: int) -> int:
    """5 basis points against us, then to the tick against us."""
    exact = Fraction(price * (10_000 + 5 * side), 10_000 * TICK)
    return (-(-exact // 1) if side > 0 else exact // 1) * TICK


def on_tick(price: int, *, up: bool) -> int:
    """The tick above or below."""
    return -(-price // TICK) * TICK if up else price // TICK * TICK


# --- charges


def _nearest(value: Fraction) -> Fraction:
    """To 1e-8, halves up."""
    return Fraction((value * 10**8 + Fraction(1, 2)) // 1, 10**8)


CRORE = 10**7
STT = {
    "delivery": {BUY: Fraction(1, 1000), SELL: Fraction(1, 1000)},
    "intraday": {BUY: Fraction(0), SELL: Fraction(1, 4000)},
}
STAMP = {"delivery": Fraction(15, 100_000), "intraday": Fraction(3, 100_000)}
EXCHANGE, IPFT, SEBI, GST = Fraction("306.99") / CRORE, Fraction("0.01") / CRORE, Fraction(10, CRORE), Fraction(18, 100)
DP = Fraction("15.34")


@dataclass
class Contract:
    """One order as the broker bills it: brokerage is capped over all its fills."""

    segment: str
    turnover: Fraction = Fraction(0)

    def brokerage(self, amount: Fraction) -> Fraction:
        """Nothing on delivery; 0.03 % of the order's turnover, at most Rs 20, on intraday."""
        if self.segment == "delivery":
            return Fraction(0)
        before, self.turnover = self.turnover, self.turnover + amount
        return self._due(self.turnover) - self._due(before)

    @staticmethod
    def _due(turnover: Fraction) -> Fraction:
        return min(_nearest(turnover * Fraction(3, 10_000)), Fraction(20))


@dataclass
class Account:
    """Cash, shares and every fill; rupees as fractions."""

    cash: Fraction
    segment: str
    shares: int = 0
    fills: list[list[Any]] = field(default_factory=list)
    debited: str = ""

    def fill(self, bar: Bar, *, side: int, quantity: int, price: int, contract: Contract) -> None:
        """Book one fill with its charges, on the bar's end."""
        amount = Fraction(price * quantity, 100)
        charges = self._charges(bar.day, side, amount, contract)
        self.cash -= side * amount + charges
        self.shares += side * quantity
        assert self.cash >= 0 or self.segment == "intraday"
        text = f"{price // 100}.{price % 100:02d}"
        self.fills.append([bar.at, "buy" if side > 0 else "sell", quantity, text, f"{float(charges):.8f}"])

    def _charges(self, day: str, side: int, amount: Fraction, contract: Contract) -> Fraction:
        brokerage = contract.brokerage(amount)
        exchange, sebi = _nearest(amount * EXCHANGE), _nearest(amount * SEBI)
        total = brokerage + exchange + sebi + _nearest(amount * IPFT) + _nearest(amount * STT[self.segment][side])
        total += _nearest((brokerage + exchange + sebi) * GST)
        if side > 0:
            return total + _nearest(amount * STAMP[self.segment])
        if self.segment == "delivery" and self.debited != day:
            self.debited = day
            total += DP
        return total

    def equity(self, close: int) -> Fraction:
        """Cash and shares at a close."""
        return self.cash + Fraction(self.shares * close, 100)


# --- strategies that say how long they want to be


@dataclass
class _Working:
    side: int
    left: int
    placed: Bar
    contract: Contract


@dataclass
class Delivery:
    """A CNC account that follows a wish for 0 or 1: 95 % of equity at the close, market orders for the day."""

    account: Account
    bonus_on: str = ""
    wanted: int = 0
    long: bool = False
    working: list[_Working] = field(default_factory=list)
    before: Bar | None = None

    def begin(self, bar: Bar) -> None:
        """What happens before and inside a bar: expiry, the bonus, fills at the open."""
        if self.before is not None and bar.day != self.before.day:
            last_minute = [order for order in self.working if order.placed.minute == CLOSE_MINUTE]
            self.working = [order for order in last_minute if order.placed is self.before]
            if bar.day == self.bonus_on:
                self.working, self.wanted = [], self.wanted * 2
                self.account.shares *= 2
        self._match(bar)
        self.before = bar

    def _match(self, bar: Bar) -> None:
        budget = bar.volume // 10
        for order in self.working:
            quantity = min(order.left, budget)
            if quantity:
                price = slipped(bar.open, order.side)
                self.account.fill(bar, side=order.side, quantity=quantity, price=price, contract=order.contract)
                order.left -= quantity
                budget -= quantity
        self.working = [order for order in self.working if order.left]

    def wish(self, bar: Bar, long: bool) -> None:
        """Say at a bar's close what is wanted; the size is taken when the wish changes."""
        if long != self.long:
            equity = self.account.equity(bar.close)
            self.wanted = int(equity * Fraction(95, 100) / Fraction(bar.close, 100)) if long else 0
            self.long = long
        missing = self.wanted - self.account.shares - sum(order.side * order.left for order in self.working)
        if missing and any((order.side > 0) != (missing > 0) for order in self.working):
            self.working = []
            missing = self.wanted - self.account.shares
        if missing:
            side = BUY if missing > 0 else SELL
            self.working.append(_Working(side, abs(missing), bar, Contract(self.account.segment)))


# --- files


def result(account: Account, last: Bar) -> dict[str, Any]:
    """What a golden file holds of a finished run."""
    assert account.cash.denominator <= 10**8
    return {"fills": account.fills, "final_equity": f"{float(account.equity(last.close)):.8f}"}


def rows(found: dict[str, Any]) -> Iterator[str]:
    """The file's lines: a fill a line."""
    yield '{"final_equity": ' + json.dumps(found["final_equity"]) + ', "fills": ['
    yield ",\n".join("  " + json.dumps(fill) for fill in found["fills"])
    yield "]}"


def record(name: str, found: dict[str, Any]) -> None:
    """Write the golden file of an independent computation."""
    (HERE / f"{name}.json").write_text("\n".join(rows(found)) + "\n", encoding="utf-8")
