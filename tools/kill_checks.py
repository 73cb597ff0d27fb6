"""The journal of a killed run beside what the venue wrote down: where kills fell, and what does not agree."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tradsys.core.events import Approved, Fill, Stray
from tradsys.core.venue import AnyCommand, PlaceOrder
from tradsys.engine.live_journal import store_in
from tradsys.engine.trading import records
from tradsys.execution.tags import tag_of
from tradsys.journal import Record

BEFORE, BETWEEN, AFTER = (
    "before the first order of its life was durable",
    "between an order's durable record and its acknowledgement",
    "between orders: every durable one was acknowledged",
)
WHERE = (BEFORE, BETWEEN, AFTER)
_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_SIGN = {1: "buy", -1: "sell"}
Trade = tuple[str, int, int]
"""Side, quantity, price: exact."""


def journal_of(folder: Path) -> Iterator[Record]:
    """Every record there is, without becoming the writer; the folder of a run, or of its journal. None where a process
    was killed before it made one."""
    return iter(store_in(folder).read() if folder.is_dir() else ())


def tag_of_placing(record: Record) -> str:
    """The tag of an order whose record this is, else nothing."""
    if record.kind != records.INTENT:
        return ""
    command = _commands.decode(record.payload)
    return command.tag if isinstance(command, PlaceOrder) else ""


def fallen(journal: Path) -> tuple[str, list[str]]:
    """Where the last life of a process ended, and the tags of its orders without an answer."""
    open_tags: dict[str, None] = {}
    ordered = False
    for record in journal_of(journal):
        if record.kind == records.EPOCH:
            open_tags, ordered = {}, False
        elif tag := tag_of_placing(record):
            open_tags[tag], ordered = None, True
        elif record.kind == records.REPORT:
            open_tags.pop(json.loads(record.payload).get("tag", ""), None)
    if not ordered:
        return BEFORE, []
    return (BETWEEN if open_tags else AFTER), list(open_tags)


class Truth(msgspec.Struct, kw_only=True):
    """What the venue wrote down: by tag, the numbers that it gave to orders of that tag, and the trades of each."""

    orders: dict[str, set[int]]
    trades: dict[str, Counter[Trade]]


def truth_of(record: Path, *, account: int) -> Truth:
    """The venue's file, of one account."""
    truth = Truth(orders=defaultdict(set), trades=defaultdict(Counter))
    for line in record.read_bytes().splitlines():
        found = json.loads(line)
        report = found["report"]
        if found["account"] != account or not report.get("tag"):
            continue
        truth.orders[report["tag"]].add(report["venue_id"])
        if report["message"] == "Dealt":
            truth.trades[report["tag"]][_SIGN[report["side"]], report["quantity"], report["price"]] += 1
    return truth


def compared(journal: Path, truth: Truth, *, run: str) -> dict[str, Any]:
    """What does not agree, each a list of tags (all empty: nothing), and counts of what was compared.

    `double`: one tag at the venue as two orders. `unrecorded`: at the venue without a durable record before.
    `lost` and `invented`: trades that the venue has and we have not booked, and the other way round.
    """
    durable: dict[str, None] = {}
    booked: dict[str, Counter[Trade]] = defaultdict(Counter)
    position = 0
    for record in journal_of(journal):
        if tag := tag_of_placing(record):
            durable[tag] = None
        fill = _fill_of(record)
        if fill is not None:
            trade = (_SIGN[int(fill.side)], fill.quantity, fill.price)
            booked[tag_of(run, fill.order_id)][trade] += 1
            position += int(fill.side) * fill.quantity
    tags = sorted({*truth.trades, *booked})
    return {
        "double": sorted(tag for tag, numbers in truth.orders.items() if len(numbers) > 1),
        "unrecorded": sorted(tag for tag in truth.orders if tag not in durable),
        "lost": [tag for tag in tags if truth.trades.get(tag, Counter()) - booked.get(tag, Counter())],
        "invented": [tag for tag in tags if booked.get(tag, Counter()) - truth.trades.get(tag, Counter())],
        "position": position,
        "position_at_venue": _position(truth),
        "orders": len(truth.orders),
        "trades": sum(sum(each.values()) for each in truth.trades.values()),
    }


def agrees(found: dict[str, Any]) -> bool:
    """Whether nothing of a comparison is amiss."""
    same = found["position"] == found["position_at_venue"]
    return same and not any(found[name] for name in ("double", "unrecorded", "lost", "invented"))


def _fill_of(record: Record) -> Fill | None:
    if record.kind != records.ENTRY:
        return None
    body = records.decode(records.ENTRY, record.payload, sequence=record.sequence).body
    return body if isinstance(body, Fill) else body.fill if isinstance(body, Stray) else None


def _position(truth: Truth) -> int:
    sides = {"buy": 1, "sell": -1}
    return sum(
        sides[side] * quantity * count
        for trades in truth.trades.values()
        for (side, quantity, _), count in trades.items()
    )


def orders_of(journal: Path) -> int:
    """How many orders the gate let pass."""
    return sum(
        isinstance(records.decode(each.kind, each.payload, sequence=each.sequence).body, Approved)
        for each in journal_of(journal)
        if each.kind == records.ENTRY
    )
