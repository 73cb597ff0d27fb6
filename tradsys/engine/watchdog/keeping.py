"""What the watchdog writes down, in a journal of its own, and what it does when even that fails: go on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tradsys.core.durable import DurableIntent, EmergencyIntent
from tradsys.core.errors import JournalFailed
from tradsys.core.venue import CancelOrder, PlaceOrder
from tradsys.execution.flattening_parts import FlatReport, Sent
from tradsys.execution.watchdog import emergency
from tradsys.journal import Journal, Record, open_journal
from tradsys.journal.disk import Disk
from tradsys.journal.journal import INTENT

ACTS, RESTS = "watchdog.acts", "watchdog.rests"


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """It began to act: for which run, under which lease, why."""

    run: str
    epoch: int
    reason: str


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier watchdog began and did not end, with the closing orders that it sent."""

    acting: Acting
    sent: tuple[Sent, ...]


class Keeper:
    """Permits what leaves: as a durable intent while its journal holds, as an emergency from then on.

    `unfinished` is what the journal says was begun; `rested` the lease under which an account was last brought to rest,
    -1 for none; `failure` why nothing can be recorded any more, empty before.
    Raises `ResourceError` where another watchdog has the journal; a disk that fails is no reason not to watch.
    """

    def __init__(self, disk: Disk) -> None:
        self.failure = ""
        self.rested = -1
        self._acting: Acting | None = None
        self._sent: list[Sent] = []
        self._journal: Journal | None = None
        try:
            self._journal = open_journal(disk, told=self._told, reserve_bytes=2**20, segment_bytes=2**20)
        except JournalFailed as error:
            self.failure = error.message

    @property
    def unfinished(self) -> Unfinished | None:
        """See the class."""
        return Unfinished(acting=self._acting, sent=tuple(self._sent)) if self._acting is not None else None

    def _told(self, record: Record) -> None:
        if record.kind == ACTS:
            self._acting = msgspec.json.decode(record.payload, type=Acting)
        elif record.kind == RESTS:
            self.rested = self._acting.epoch if self._acting is not None else self.rested
            self._acting, self._sent = None, []
        elif record.kind == INTENT:
            command = msgspec.json.decode(record.payload, type=PlaceOrder | CancelOrder)
            if isinstance(command, PlaceOrder):
                self._sent.append(Sent(order=command, at=record.at))

    def acts(self, acting: Acting, *, at: int) -> None:
        """Acting began, or goes on under another lease."""
        self._write(ACTS, msgspec.json.encode(acting), at)

    def rests(self, report: FlatReport, *, at: int) -> None:
        """The account is at rest and stayed so."""
        self._write(RESTS, msgspec.json.encode(report), at)

    def permit(
        self, commands: Sequence[CancelOrder | PlaceOrder], *, epoch: int, at: int
    ) -> list[DurableIntent | EmergencyIntent]:
        """Permission for each command, in order: all durable, or all emergencies."""
        if self._journal is not None and not self.failure:
            try:
                numbers = [self._journal.append_intent(each, at=at, recorded_at=at) for each in commands]
                self._journal.commit()
                return [
                    self._journal.mint(number, epoch=epoch, command=command)
                    for number, command in zip(numbers, commands, strict=True)
                ]
            except JournalFailed as error:
                self.failure = error.message
        return [emergency(command, epoch=epoch, why=self.failure) for command in commands]

    def _write(self, kind: str, payload: bytes, at: int) -> None:
        if self._journal is None or self.failure:
            return
        try:
            self._journal.append(kind, payload, at=at, recorded_at=at, essential=True)
            self._journal.commit()
        except JournalFailed as error:
            self.failure = error.message
