"""Small runs for tests: bars, a run file and a scripted strategy, run through the same path as a user's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from tradsys.core.events import Approved, Bar, Decision, Entry, Fill, Order, OrderEvent, Side
from tradsys.core.units import SCALE
from tradsys.engine import settings as layered
from tradsys.engine.assemble import Prepared, prepare
from tradsys.strategies.base import Strategy
from tradsys.strategies.context import Context
from tradsys.strategies.parameters import Param

Row = tuple[str, float, float, float, float, float]
"""Time as text, open, high, low, close, volume."""

Script = Callable[["Scripted", Bar, Any], Iterable[Decision] | None]

MONDAY = date(2024, 6, 3)
"""A usual week of the exchange begins."""


class Scripted(Strategy):
    """Does what the script of this name says on each bar; `n` counts bars from 0."""

    scripts: ClassVar[dict[str, Script]] = {}
    fills: ClassVar[list[Any]] = []
    orders: ClassVar[list[Any]] = []
    script: str = Param("")

    def on_start(self, ctx: Context) -> None:
        self.n = -1
        self.context = ctx

    def on_bar(self, bar: Bar, account: Any) -> Iterable[Decision] | None:
        self.n += 1
        return self.scripts[self.script](self, bar, account)


class Portfolio(Scripted):
    """The same, one copy for all instruments."""

    scope = "portfolio"


class Listening(Scripted):
    """Also takes down what it is told, and answers by the script's `<name>/fill` and `<name>/order`."""

    def on_fill(self, fill: Any, account: Any) -> Iterable[Decision] | None:
        self.fills.append(fill)
        answer = self.scripts.get(f"{self.script}/fill")
        return answer(self, fill, account) if answer else None

    def on_order(self, order: Any, account: Any) -> Iterable[Decision] | None:
        self.orders.append(order)
        answer = self.scripts.get(f"{self.script}/order")
        return answer(self, order, account) if answer else None


def minutes(day: date, prices: Iterable[Sequence[float]], *, first: str = "09:16", volume: float = 1e6) -> list[Row]:
    """One-minute rows labelled by their end; a row of prices is open, high, low, close (and volume)."""
    at = datetime.fromisoformat(f"{day} {first}")
    rows: list[Row] = []
    for each in prices:
        rows.append((at.strftime("%Y-%m-%d %H:%M:%S"), *each[:4], each[4] if len(each) > 4 else volume))  # type: ignore[arg-type]
        at += timedelta(minutes=1)
    return rows


def days(prices: Iterable[Sequence[float]], *, first: date = MONDAY, volume: float = 1e6) -> list[Row]:
    """Daily rows on weekdays from a date on."""
    rows: list[Row] = []
    day = first
    for each in prices:
        while day.weekday() > 4:
            day += timedelta(days=1)
        rows.append((day.isoformat(), *each[:4], each[4] if len(each) > 4 else volume))  # type: ignore[arg-type]
        day += timedelta(days=1)
    return rows


def flat(*closes: float) -> list[tuple[float, float, float, float]]:
    """Bars without a range."""
    return [(each, each, each, each) for each in closes]


@dataclass
class Case:
    """A run file in the making; `write` puts it and its data into a folder."""

    folder: Path
    bars: Mapping[str, Sequence[Row]]
    strategies: Sequence[Mapping[str, Any]]
    instruments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    interval: str = "1m"

    def write(self, name: str = "run.toml") -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        given = []
        for number, (instrument, rows) in enumerate(self.bars.items()):
            file = self.folder / f"bars{number}.csv"
            write_bars(file, rows)
            given.append({"id": instrument, "path": file.name, **self.instruments.get(instrument, {})})
        sections: dict[str, dict[str, Any]] = {
            "run": {"name": "case", "cash": 1_000_000.0},
            "data": {"path": "bars0.csv", "format": "csv", "interval": self.interval, "instruments": given},
            "execution": {"slippage_bps": 0, "participation": 0},
            "charges": {"plan": "none"},
        }
        if self.interval != "1d":
            sections["data"]["label"] = "end"
        for key, values in self.sections.items():
            sections.setdefault(key, {}).update(values)
        path = self.folder / name
        path.write_text(to_toml({**sections, "strategies": list(self.strategies)}), encoding="utf-8")
        return path

    def prepare(self, *, stepped: bool = False) -> Prepared:
        return prepare(layered.load(self.write(), environment={}), stepped=stepped)

    def run(self, *, stepped: bool = False, watch: Callable[[Prepared, Any], None] | None = None) -> Prepared:
        """Run it; `watch` is called after every event the engine has processed."""
        return run(self.prepare(stepped=stepped), watch=watch)


def run(prepared: Prepared, *, watch: Callable[[Prepared, Any], None] | None = None) -> Prepared:
    """Process every bar of a prepared run."""
    if watch is not None:
        process = prepared.engine.process

        def watched(event: Any) -> Sequence[Entry]:
            entries = process(event)
            watch(prepared, event)
            return entries

        hear = prepared.engine.hear

        def heard(events: Iterable[OrderEvent]) -> list[Entry]:
            entries = []
            for event in events:
                entries += hear((event,))
                watch(prepared, event)
            return entries

        sweep = prepared.engine.sweep

        def swept(bars: Any, **meeting: Any) -> Iterator[Sequence[Entry]]:
            for bar in bars:
                yield from sweep((bar,), **meeting)
                watch(prepared, bar)

        prepared.engine.process = watched  # type: ignore[method-assign]
        prepared.engine.hear = heard
        prepared.engine.sweep = swept  # type: ignore[method-assign]
    prepared.backtest.run(progress=lambda done: None, stop=lambda: False)
    return prepared


def conserve(prepared: Prepared, event: Any) -> None:
    """Money is conserved: a `watch` that raises `InvariantBroken` unless it is."""
    prepared.ledger.check()


def write_bars(path: Path, rows: Sequence[Row]) -> None:
    """A CSV file as people have them."""
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(["date,open,high,low,close,volume", *lines]) + "\n", encoding="utf-8")


def to_toml(tables: Mapping[str, Any]) -> str:
    """TOML of tables of plain values; a list of tables becomes an array of inline tables."""
    text = []
    for name, table in tables.items():
        if isinstance(table, Mapping):
            text.append(f"[{name}]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in table.items()))
        else:
            text += [f"[[{name}]]\n" + "".join(f"{k} = {_value(v)}\n" for k, v in each.items()) for each in table]
    return "\n".join(text)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def scripted(name: str, script: Script, *, use: str = "Scripted", **section: Any) -> dict[str, Any]:
    """A [[strategies]] table whose strategy follows a script."""
    Scripted.scripts[name] = script
    return {"use": f"tests.builders:{use}", "name": name, "params": {"script": name}, **section}


def at_bar(plan: Mapping[int, Callable[[Scripted, Bar], Decision | Sequence[Decision]]]) -> Script:
    """A script that yields the intents of a plan at the bars it names."""

    def script(strategy: Scripted, bar: Bar, account: Any) -> Iterator[Decision]:
        found = plan.get(strategy.n)
        if found is not None:
            wanted = found(strategy, bar)
            yield from wanted if isinstance(wanted, Sequence) else (wanted,)

    return script


def bodies(prepared: Prepared, *kinds: type) -> list[Any]:
    """What the decision log says of these kinds, in order."""
    return [entry.body for entry in prepared.backtest.log if type(entry.body) in kinds]


def trades(prepared: Prepared) -> list[tuple[str, float, float]]:
    """Fills as side, quantity and price."""
    return [("buy" if f.side is Side.BUY else "sell", f.quantity / SCALE, f.price / SCALE) for f in fills(prepared)]


def fills(prepared: Prepared) -> list[Fill]:
    return bodies(prepared, Fill)


def orders(prepared: Prepared) -> dict[int, Order]:
    """Approved orders by id."""
    return {each.order_id: each.order for each in bodies(prepared, Approved)}
