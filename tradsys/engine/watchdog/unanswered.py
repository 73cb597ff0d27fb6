"""What the dead process sent last, read from its journal: orders that the venue may still take or show late."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tradsys.core.venue import AnyCommand, Declined, Ended, Incoming, PlaceOrder
from tradsys.engine.trading.records import INTENT, REPORT
from tradsys.execution.flattening_parts import Sent
from tradsys.journal import Record
from tradsys.journal.disk import Disk
from tradsys.journal.reading import bytes_of, segments
from tradsys.journal.records import HEAD_BYTES, decode, length_of, room

_SEGMENTS = 2
"""The last ones are read: they hold minutes of trading, and reading them takes a moment."""

_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_reports: msgspec.json.Decoder[Incoming] = msgspec.json.Decoder(Incoming)


def unanswered_orders(disk: Disk, *, since: int) -> tuple[Sent, ...]:
    """Orders recorded from `since` on (UTC ns) whose end is not recorded, oldest first.

    It takes what can be read and judges nothing: a journal that is not whole gives what comes before the damage. Raises
    `OSError` where the disk fails.
    """
    found: dict[str, Sent] = {}
    for name in segments(disk)[-_SEGMENTS:]:
        for record in _records(bytes_of(disk, name)):
            if record.at >= since:
                _take(record, found)
    return tuple(found.values())


def _take(record: Record, found: dict[str, Sent]) -> None:
    try:
        if record.kind == INTENT:
            command = _commands.decode(record.payload)
            if isinstance(command, PlaceOrder):
                found[command.tag] = Sent(order=command, at=record.at)
        elif record.kind == REPORT:
            report = _reports.decode(record.payload)
            if isinstance(report, Declined | Ended):
                found.pop(report.tag, None)
    except msgspec.DecodeError:
        return


def _records(data: bytes) -> Iterator[Record]:
    """The records of a segment up to the first that is none."""
    offset = 0
    while length := length_of(data[offset : offset + HEAD_BYTES]):
        record = decode(data[offset : offset + length])
        if not isinstance(record, Record):
            return
        yield record
        offset += room(length)
