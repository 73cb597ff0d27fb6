"""A journal to measure with: what one order after another leaves in it, and tables of many orders."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from tradsys.core.events import (
    Accepted,
    Approved,
    Charged,
    Entry,
    Fill,
    Order,
    OrderType,
    Product,
    Side,
    Signal,
    Validity,
)
from tradsys.core.units import DAY, SCALE, SECOND
from tradsys.core.venue import Dealt, PlaceOrder, Taken

INSTRUMENT = "NSE:FEDERALBNK"
PAYLOAD = msgspec.json.encode(
    Entry(0, -1, 0, "trend", Signal(instrument=INSTRUMENT, strength=1.0, reason="the fast mean is above the slow one"))
)
QUANTITY, PRICE = 10 * SCALE, 190 * SCALE


def tag_of(run: str, order_id: int) -> str:
    """Any text that names an order."""
    return f"{run}{order_id:014d}"


def records_of_orders(count: int) -> Iterator[tuple[str, bytes]]:
    """Kind and payload of ten records an order: rows read, signal, verdict, intent, taken, fill with its charges."""
    yield "run", b'{"run":"bench"}'
    lines = 0
    for number in range(1, count + 1):
        at = number * SECOND
        told = [("market", {"first": number, "last": number, "sha256": "0" * 64}), *_order(number, at)]
        for kind, body in told:
            if kind == "entry":
                body = Entry(lines, -1 if isinstance(body, Signal) else lines - 1, at, "trend", body)
                lines += 1
            yield kind, msgspec.json.encode(body)


def _order(number: int, at: int) -> list[tuple[str, Any]]:
    tag, venue_id = tag_of("bench", number), 10**9 + number
    traits = _traits(Side.BUY if number % 2 else Side.SELL)
    order = Order(at=at, order_id=number, strategy="trend", limit=PRICE, **traits, **_TERMS)
    trade = {name: traits[name] for name in ("instrument", "side", "quantity", "product")}
    return [
        ("entry", Signal(instrument=INSTRUMENT, strength=1.0, reason="fast over slow")),
        ("entry", Approved(at=at, order_id=number, order=order)),
        ("intent", PlaceOrder(tag=tag, limit=PRICE, **traits, **_TERMS)),
        ("report", Taken(at=at, tag=tag, venue_id=venue_id, open=QUANTITY)),
        ("entry", Accepted(at=at, order_id=number)),
        ("report", Dealt(at=at, tag=tag, venue_id=venue_id, trade_id=number, price=PRICE, **trade)),
        ("entry", Fill(at=at, order_id=number, exchange_at=at, strategy="trend", price=PRICE, **trade)),
        ("entry", Charged(at=at, order_id=number, total=SCALE, items=(("brokerage", SCALE),))),
        ("clock", {}),
    ]


_TERMS: dict[str, Any] = {"type": OrderType.LIMIT, "validity": Validity.DAY}


@cache
def _traits(side: Side) -> dict[str, Any]:
    return {"instrument": INSTRUMENT, "side": side, "quantity": QUANTITY, "product": Product.MIS}


MANY_ROWS = f"""
INSERT INTO records SELECT n, 'entry', n, n, n - 1, n, n - 1, '', 0 FROM generate_series(1, :rows) AS n;
INSERT INTO orders SELECT n, 'tag' || n, n, 'trend', 'NSE:' || n % 200, 1, 10, 'LIMIT', 'CNC', 'DAY', 1, 0, 0,
    CASE WHEN n % 1000 = 0 THEN 'open' ELSE 'filled' END, 10, '', n, n, n FROM generate_series(1, :rows) AS n;
INSERT INTO order_records SELECT n, n FROM generate_series(1, :rows) AS n;
INSERT INTO trades SELECT n, n, n, 'trend', 'NSE:' || n % 200, 1, 10, 1, 'CNC', 0, '', 0, n, n * {DAY} / 500
    FROM generate_series(1, :rows) AS n;
ANALYZE records, orders, order_records, trades;
"""
"""`:rows` orders of one trade each, 500 a day, one of 1,000 still open."""
