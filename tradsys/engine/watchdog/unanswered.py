"""What a process left, read from its journal: whether it ended as it should, and the orders that it sent last, which
the venue may still take or show late."""

from __future__ import annotations

import msgspec

from tradsys.core.venue import AnyCommand, Declined, Ended, Incoming, PlaceOrder
from tradsys.engine.trading.records import INTENT, KEPT_BACK, REPORT, SEAL, SNAPSHOT, STOPPED, KeptBack
from tradsys.execution.flattening_parts import Sent
from tradsys.journal import Record
from tradsys.journal.port import JournalStore

_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_kept_back = msgspec.json.Decoder(KeptBack)
_reports: msgspec.json.Decoder[Incoming] = msgspec.json.Decoder(Incoming)


def was_left(store: JournalStore) -> bool:
    """Whether a process wrote the journal and did not end as it should, as far as that can be read: then it trades, or
    died. Raises `OSError` where the disk fails, `ResourceError` where a server does."""
    last = ""
    for record in store.latest():
        if record.kind not in (SNAPSHOT, SEAL):
            last = record.kind
    return last not in ("", STOPPED)


def unanswered_orders(store: JournalStore, *, since: int, durable: int = -1) -> tuple[Sent, ...]:
    """Orders recorded from `since` on (UTC ns of the machine), among the first `durable` records where that is known,
    whose end is not recorded, oldest first.

    It takes what can be read and judges nothing: a journal that is not whole gives what comes before the damage. Raises
    `OSError` where the disk fails, `ResourceError` where a server does.
    """
    found: dict[str, Sent] = {}
    for record in store.latest():
        if record.recorded_at >= since and not 0 <= durable <= record.sequence:
            _take(record, found)
    return tuple(found.values())


def _take(record: Record, found: dict[str, Sent]) -> None:
    try:
        if record.kind == INTENT:
            command = _commands.decode(record.payload)
            if isinstance(command, PlaceOrder):
                found[command.tag] = Sent(order=command, at=record.recorded_at)
        elif record.kind == KEPT_BACK:
            found.pop(_kept_back.decode(record.payload).tag, None)
        elif record.kind == REPORT:
            report = _reports.decode(record.payload)
            if isinstance(report, Declined | Ended):
                found.pop(report.tag, None)
    except msgspec.DecodeError:
        return
