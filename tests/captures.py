"""Recorded markets of the sample data as events: a Binance spot capture, LOBSTER messages."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tradsys.core.events import Depth
from tradsys.exchange.recorded_events import ChangeKind, OrderChange, Trade

Levels = tuple[tuple[float, float], ...]


def binance_spot(folder: Path, *, name: str, lines: int) -> Iterator[Depth | Trade]:
    """Depth (snapshot first, stale updates dropped) and trades of BTCUSDT at the times they were received."""
    applied = 0
    with gzip.open(folder / "l2" / "binance" / "spot_btcusdt_20240808.gz", "rt") as file:
        for line in itertools.islice(file, lines):
            received, _, text = line.partition(" ")
            at, body = int(received), json.loads(text)
            data = body.get("data", body)
            if "lastUpdateId" in data:
                applied = data["lastUpdateId"]
                yield Depth(at, at, name, _levels(data["bids"]), _levels(data["asks"]), True, applied)
            elif data.get("e") == "trade":
                yield Trade(at, at, name, float(data["p"]), float(data["q"]), -1 if data["m"] else 1)
            elif data.get("e") == "depthUpdate" and 0 < applied < data["u"]:
                yield Depth(at, at, name, _levels(data["b"]), _levels(data["a"]), False, data["u"])


def _levels(said: list[list[str]]) -> Levels:
    return tuple((float(price), float(quantity)) for price, quantity in said)


LOBSTER_KINDS = {1: ChangeKind.ADD, 2: ChangeKind.REDUCE, 3: ChangeKind.DELETE, 4: ChangeKind.EXECUTE}


def lobster(folder: Path, *, name: str) -> Iterator[OrderChange | Trade]:
    """AAPL order by order. What stood in the book before is one order a level, numbered by its price below 0."""
    messages = folder / "l3" / "lobster" / "AAPL_2012-06-21_first998_message_10.csv"
    books = folder / "l3" / "lobster" / "AAPL_2012-06-21_first998_orderbook_10.csv"
    with books.open() as file:
        first = [int(each) for each in next(csv.reader(file))]
    for place in range(0, len(first), 2):
        price, quantity = first[place : place + 2]
        side = 1 if place % 4 else -1
        yield OrderChange(0, 0, name, ChangeKind.ADD, -price, side, price / 10_000, quantity)
    known: set[int] = set()
    with messages.open() as file:
        rows: list[Any] = list(csv.reader(file))[1:]
    for row in rows:
        at = round(float(row[0]) * 1e9)
        kind, number, size, price, side = (int(each) for each in row[1:])
        if kind == 5:
            yield Trade(at, at, name, price / 10_000, size, -side)
            continue
        if kind == 1:
            known.add(number)
        number = number if number in known else -price
        if kind == 3 and number < 0:
            kind = 2  # A part of what stood there before.
        yield OrderChange(at, at, name, LOBSTER_KINDS[kind], number, side, price / 10_000, size)
