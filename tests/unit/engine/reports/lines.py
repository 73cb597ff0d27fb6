"""Lines of a decision log written by hand, a second apart, and a run's record around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tradsys.core.events import (
    Accepted,
    Approved,
    Charged,
    Decision,
    Entry,
    Fill,
    Order,
    OrderType,
    Outcome,
    Product,
    Refused,
    Side,
    Stray,
    StrayKind,
    Validity,
)
from tradsys.core.units import SCALE, SECOND
from tradsys.engine.instruments import build_instrument
from tradsys.engine.reports.run_record import RunRecord
from tradsys.engine.run_file import DataSection, InstrumentSection, RunFile, RunSection
from tradsys.engine.saved_run import SavedRun
from tradsys.engine.settings import Settings

NAME = "NSE:ABC"
BEGIN = 1_717_386_360 * SECOND
"""3 June 2024, 09:16 in India."""
EVIL = '=<script>alert(1)</script>"{{ 7 * 7 }}'


class Lines:
    """A log in the making; every line comes a second after the one before."""

    def __init__(self, strategy: str = "plan") -> None:
        self.entries: list[Entry] = []
        self.strategy = strategy
        self._orders = 0

    @property
    def at(self) -> int:
        """When the next line is."""
        return BEGIN + len(self.entries) * SECOND

    def add(self, body: Decision | Outcome) -> int:
        """Any line; its number."""
        self.entries.append(Entry(len(self.entries), -1, self.at, self.strategy, body))
        return len(self.entries) - 1

    def order(self, side: Side = Side.BUY, quantity: int = 10, **more: Any) -> Order:
        """An order that is not in the log yet."""
        self._orders += 1
        given: dict[str, Any] = {"type": OrderType.LIMIT, "limit": 100 * SCALE, **more}
        return Order(
            at=self.at, order_id=self._orders, strategy=self.strategy, instrument=NAME, side=side,
            quantity=quantity * SCALE, product=Product.CNC, validity=Validity.DAY, **given,
        )  # fmt: skip

    def approved(self, side: Side = Side.BUY, quantity: int = 10, **more: Any) -> Order:
        """An order that works at the venue."""
        order = self.order(side, quantity, **more)
        self.add(Approved(at=self.at, order_id=order.order_id, order=order))
        self.add(Accepted(at=self.at, order_id=order.order_id))
        return order

    def refused(self, rule: str = "no", *, fix: str = "", limit: str = "1", value: str = "2") -> Order:
        """An order that was not let out."""
        order = self.order()
        body = Refused(at=self.at, order_id=order.order_id, order=order, rule=rule, limit=limit, value=value, fix=fix)
        self.add(body)
        return order

    def fill(self, order: Order, quantity: int, price: int, *, side: Side | None = None) -> Fill:
        """A fill that is not in the log yet, in units and rupees."""
        return Fill(
            at=self.at, order_id=order.order_id, exchange_at=self.at, strategy=order.strategy, instrument=NAME,
            side=side or order.side, quantity=quantity * SCALE, price=price * SCALE, product=order.product,
        )  # fmt: skip

    def filled(self, order: Order, quantity: int, price: int, items: tuple[tuple[str, int], ...] = ()) -> None:
        """A trade and what it cost (1e-8)."""
        self.add(self.fill(order, quantity, price))
        self.charged(order, items)

    def stray(self, order: Order, kind: StrayKind, fill: Fill) -> None:
        """A fill of no working order."""
        self.add(Stray(at=self.at, order_id=order.order_id, kind=kind, fill=fill))
        self.charged(order, ())

    def charged(self, order: Order, items: tuple[tuple[str, int], ...]) -> None:
        """What the line before cost."""
        total = sum(amount for _, amount in items)
        self.add(Charged(at=self.at, order_id=order.order_id, total=total, items=items))


def record_of(entries: list[Entry], *, cash: float = 10_000.0) -> RunRecord:
    """The record of a backtest with these lines, on data that are not there."""
    run = RunFile(
        run=RunSection(name="case", cash=cash),
        data=DataSection(path="none.csv", format="csv", interval="1m", label="end", instruments=[NAME]),
        strategies=[],
    )
    settings = Settings(values={}, run=run, path=Path("run.toml"), folder=Path("."))
    manifest = {
        "run": "case",
        "configuration": msgspec.to_builtins(run),
        "inputs": {},
        "partial": False,
        "decisions_sha256": "another",
    }
    saved = SavedRun(folder=Path("case"), manifest=manifest, settings=settings, lines=lambda: iter(()))
    instrument = build_instrument(InstrumentSection(id=NAME), currency="INR")
    return RunRecord(
        saved=saved,
        instruments={NAME: instrument},
        zone="Asia/Kolkata",
        currency="INR",
        start=round(cash * SCALE),
        entries=entries,
    )
