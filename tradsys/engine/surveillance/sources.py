"""What can be looked at after the fact: a run, a simulated day, a file of recorded orders; each as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tradsys.compliance.surveillance.decisions import events_of_run
from tradsys.compliance.surveillance.events import AnyEvent
from tradsys.compliance.surveillance.exchange_day import read_day
from tradsys.compliance.surveillance.recorded_orders import (
    Attribution,
    Seen,
    SeenOrder,
    SplitAmong,
    StrategicRuns,
    events_of_records,
)
from tradsys.core.errors import MissingData, UnknownName
from tradsys.core.units import from_float
from tradsys.engine.instruments import build_instrument, calendar_of, sections_of
from tradsys.engine.live_folder import MANIFEST
from tradsys.engine.live_replay import open_any
from tradsys.market.books import databento
from tradsys.market.databento_orders import SNAPSHOT, read_messages
from tradsys.market.order_records import read_lobster

GENERATED_DAY = "simulation.json"
RUNS = "runs"
_TO_PRICE = databento.PRICE_UNIT // 10**8


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Events in order of time, where they are from, in words, the zone people read its times in, and whether
    everybody's orders are in it."""

    events: Iterable[AnyEvent]
    kind: str
    zone: str
    whole: bool


def open_source(path: Path, *, accounts: str = RUNS, instrument: str = "") -> Source:
    """A run folder (backtest or live), a folder of `tradsys exchange simulate`, a LOBSTER message file, or a Databento
    file. `accounts`: how the orders of recorded files are given to accounts, `runs` or a number to split them among;
    `instrument`: what they are orders in, else what the file's name begins with.

    Raises `MissingData` for what is none of these, and what reading it raises.
    """
    if (path / GENERATED_DAY).is_file():
        events, _ = read_day(path)
        return Source(events=events, kind="a day of the simulated exchange", zone="Asia/Kolkata", whole=True)
    if (path / MANIFEST).is_file():
        return _run(path)
    if path.is_file():
        return _recorded(path, _attribution(accounts), instrument)
    raise MissingData(
        f"nothing to look at in {path}",
        value=str(path),
        limit="a run folder, a simulated day, or a file of recorded orders",
        fix="give the folder that `tradsys backtest` or `tradsys exchange simulate` wrote",
    )


def _run(folder: Path) -> Source:
    saved = open_any(folder)
    run = saved.settings.run
    listed = [build_instrument(each, currency=run.run.currency) for each in sections_of(run)]
    calendars = {each.id: calendar_of(each) for each in listed}
    kind = "a live run" if saved.live else "a backtest"
    return Source(events=events_of_run(saved.entries(), calendars), kind=kind, zone="Asia/Kolkata", whole=False)


def _attribution(accounts: str) -> Attribution:
    if accounts == RUNS:
        return StrategicRuns()
    if accounts.isdigit() and int(accounts) > 0:
        return SplitAmong(int(accounts))
    raise UnknownName("way to name accounts", accounts, (RUNS, "20"), where="--accounts")


def _recorded(path: Path, attribution: Attribution, instrument: str) -> Source:
    """A file of orders: LOBSTER's by its name, otherwise Databento's."""
    if "message" in path.name and path.suffix in (".csv", ".gz"):
        symbol = path.name.partition("_")[0]
        records = lobster_orders(path)
        kind = "orders recorded by LOBSTER"
    else:
        symbol = path.name.partition("_")[0].partition(".")[0].upper()
        records = databento_orders(path)
        kind = "orders recorded by Databento"
    events = events_of_records(records, instrument or symbol, attribution)
    return Source(events=events, kind=kind, zone="America/New_York", whole=True)


_LOBSTER = {1: Seen.ADD, 2: Seen.REDUCE, 3: Seen.DELETE, 4: Seen.EXECUTE, 5: Seen.HIDDEN}


def lobster_orders(path: Path) -> Iterator[SeenOrder]:
    """Records of a LOBSTER message file, the book before it first. Raises as `read_lobster`."""
    changes, _ = read_lobster(path)
    for each in changes:
        price, quantity = from_float(each.price), from_float(each.quantity)
        yield SeenOrder(each.at, _LOBSTER[each.kind], each.number, each.side, price, quantity)


def databento_orders(path: Path) -> Iterator[SeenOrder]:
    """Records of a Databento file. What a fill took is not said again when the order's cancel or change says so too.
    The book before the file has orders like any other's; who takes is not told. Raises as `read_messages`."""
    messages, _ = read_messages(path)
    return _Databento().records(messages)


class _Databento:
    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._prices: dict[int, int] = {}
        self._filled: dict[int, int] = {}
        self._before: set[int] = set()
        self._at = 0

    def records(self, messages: Iterable[databento.OrderMessage]) -> Iterator[SeenOrder]:
        """All of them, one after the other; an order that is changed in price goes and comes again."""
        for each in messages:
            self._at = max(self._at, each.at)
            side = 1 if each.side == b"B" else -1
            price = each.price // _TO_PRICE if each.price != databento.UNPRICED else 0
            if each.action == b"F" and each.order_id in self._open:
                yield self._filled_by(each.order_id, side, price, each.size)
            elif each.action == b"C" and each.order_id in self._open:
                yield from self._taken_off(each.order_id, side, each.size)
            elif each.action == b"M" and each.order_id in self._open:
                yield from self._changed(each.order_id, side, price, each.size)
            elif each.action in (b"A", b"M") and each.side in databento.SIDES and price > 0:
                self._open[each.order_id], self._prices[each.order_id] = each.size, price
                if each.flags & SNAPSHOT:
                    self._before.add(each.order_id)
                yield self._record(Seen.ADD, each.order_id, side, each.size)

    def _record(self, seen: Seen, number: int, side: int, size: int) -> SeenOrder:
        named = -number - 1 if number in self._before else number
        return SeenOrder(self._at, seen, named, side, self._prices[number], size * 10**8)

    def _filled_by(self, number: int, side: int, price: int, size: int) -> SeenOrder:
        self._filled[number] = self._filled.get(number, 0) + size
        record = self._record(Seen.EXECUTE, number, side, size)
        return record._replace(price=price or record.price)

    def _taken_off(self, number: int, side: int, size: int) -> Iterator[SeenOrder]:
        filled = min(self._filled.pop(number, 0), size)
        left = self._open[number] - size
        if size > filled:
            yield self._record(Seen.REDUCE if left > 0 else Seen.DELETE, number, side, size - filled)
        self._open[number] = left
        if left <= 0:
            del self._open[number], self._prices[number]
            self._before.discard(number)

    def _changed(self, number: int, side: int, price: int, size: int) -> Iterator[SeenOrder]:
        filled, before = self._filled.pop(number, 0), self._open[number]
        if price == self._prices[number] and size <= before:
            if before - size > filled:
                yield self._record(Seen.REDUCE, number, side, before - size - filled)
        else:
            yield self._record(Seen.CHANGE, number, side, size)._replace(price=price)
        self._open[number], self._prices[number] = size, price
