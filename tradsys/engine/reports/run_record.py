"""All that the record of a run says, read once: its decisions, and of a live run what its journal holds beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tradsys.core.events import Entry
from tradsys.core.instruments import Instrument
from tradsys.core.safety import SafetyLowered, SafetyRaised
from tradsys.core.units import from_text
from tradsys.core.venue import PlaceOrder, Taken
from tradsys.engine.data import zone_of
from tradsys.engine.final_state import decisions_hash
from tradsys.engine.instruments import build_instrument, sections_of
from tradsys.engine.live_replay import records_of
from tradsys.engine.saved_run import SavedRun, decoded
from tradsys.engine.trading import records
from tradsys.execution.tags import tag_of
from tradsys.journal import Record
from tradsys.portfolio.currencies import in_one_currency

SafetyChange = SafetyRaised | SafetyLowered
_TAKEN, _PAGE, _PLACED = b'{"message":"Taken"', b'{"message":"Page"', b'{"message":"PlaceOrder"'


@dataclass(slots=True)
class Sent:
    """What left of an order: when (the run's clock), and the venue's number for it, 0 before it said one."""

    at: int
    venue_id: int = 0


@dataclass(slots=True)
class RunRecord:
    """A run as it was recorded. `ends_at` is a live run's last instant (0: the end of the data). Of a live run also the
    changes of the safety level outside the log, alerts, what persons asked, the starts of its processes, by subject the
    pages that the venue answered, lines of reconciliation, and orders that left by their tag."""

    saved: SavedRun
    instruments: dict[str, Instrument]
    zone: str
    currency: str
    start: int
    entries: list[Entry] = field(default_factory=list)
    ends_at: int = 0
    digest: str = ""
    safety: list[SafetyChange] = field(default_factory=list)
    alerts: list[tuple[int, str]] = field(default_factory=list)
    operators: list[tuple[int, records.OperatorSaid]] = field(default_factory=list)
    epochs: list[records.EpochBegun] = field(default_factory=list)
    begun: records.RunBegun | None = None
    stopped: bool = False
    answers: Counter[str] = field(default_factory=Counter)
    plan: list[tuple[int, records.PlanLine]] = field(default_factory=list)
    sent: dict[str, Sent] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that the run trades under."""
        return str(self.saved.manifest["run"])

    @property
    def own(self) -> tuple[Sequence[Entry], Mapping[str, Instrument]]:
        """The log and the instruments in the account's currency, prices as they were booked."""
        return in_one_currency(self.entries, self.instruments, currency=self.currency)

    def sent_of(self, order_id: int) -> Sent | None:
        """How an order left; None where it did not, or where the run was no live one."""
        return self.sent.get(tag_of(self.name, order_id)) if self.sent else None


def read_record(saved: SavedRun) -> RunRecord:
    """Read all of a saved run.

    Raises `DataError` for a damaged log, `JournalDamaged` for a damaged journal, `ConfigError` for an instrument that
    its configuration does not describe.
    """
    section = saved.settings.run.run
    instruments = {
        each.id: build_instrument(each, currency=section.currency) for each in sections_of(saved.settings.run)
    }
    record = RunRecord(
        saved=saved,
        instruments=instruments,
        zone=zone_of(saved.settings.run.data, instruments),
        currency=section.currency,
        start=from_text(repr(section.cash)),
    )
    if saved.live:
        for each in records_of(saved):
            _take(record, each)
            record.ends_at = max(record.ends_at, each.at)
    else:
        lines = list(saved.lines())
        record.entries = [decoded(line) for line in lines]
        record.digest = decisions_hash(line + b"\n" for line in lines)
    changes = [each.body for each in record.entries if isinstance(each.body, SafetyRaised | SafetyLowered)]
    record.safety = sorted([*record.safety, *changes], key=lambda each: each.at)
    return record


def _take(record: RunRecord, found: Record) -> None:
    """One record of a journal. Market data and the clock say nothing here."""
    kind, payload = found.kind, found.payload
    if kind == records.ENTRY:
        record.entries.append(decoded(payload))
    elif kind == records.INTENT and payload.startswith(_PLACED):
        placed: PlaceOrder = _decoded(found)
        record.sent[placed.tag] = Sent(found.at)
    elif kind == records.REPORT and payload.startswith(_TAKEN):
        taken: Taken = _decoded(found)
        if taken.tag in record.sent:
            record.sent[taken.tag].venue_id = taken.venue_id
    elif (kind == records.REPORT and payload.startswith(_PAGE)) or kind in _TOLD:
        _told(record, _decoded(found), found.at)


_TOLD = frozenset(
    {
        records.RUN, records.EPOCH, records.OPERATOR, records.SAFETY, records.ALERT, records.PLAN, records.STOPPED,
        records.PAGE,
    }
)  # fmt: skip


def _told(record: RunRecord, item: Any, at: int) -> None:
    match item:
        case records.RunBegun():
            record.begun = item
        case records.EpochBegun():
            record.epochs.append(item)
            record.stopped = False
        case records.Stopped():
            record.stopped = True
        case records.OperatorSaid():
            record.operators.append((at, item))
        case SafetyRaised() | SafetyLowered():
            record.safety.append(item)
        case records.Alert():
            record.alerts.append((at, item.what))
        case records.PlanLine():
            record.plan.append((at, item))
        case _:
            record.answers[str(item.subject)] += 1


def _decoded(found: Record) -> Any:
    return records.decode(found.kind, found.payload, sequence=found.sequence)
