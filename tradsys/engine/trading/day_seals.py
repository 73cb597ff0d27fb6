"""Sealing a live run's journal day by day, so that what was written can be shown to be all that was."""

from __future__ import annotations

from tradsys.core.units import MINUTE
from tradsys.engine.trading.process import Process
from tradsys.journal.disk import Disk
from tradsys.journal.journal import Journal
from tradsys.journal.seals import Sealer
from tradsys.journal.signatures import Signer
from tradsys.reference.clock import local_date

SLICE = 2_000
"""Records read ahead at a time: some 10 ms."""


class DaySeals:
    """Seals when the date of the journal's last record changes, in `zone`, and when the run ends; nothing while the disk
    is full. `signer` signs them, where there is one.

    Every method may raise `JournalFailed`.
    """

    def __init__(self, process: Process, journal: Journal, disk: Disk, *, zone: str, signer: Signer | None) -> None:
        self._process, self._journal = process, journal
        self._zone = zone
        self._signer = signer
        self._sealer = Sealer(disk, journal)
        self._next_at = 0
        self._day = local_date(process.now, zone) if journal.durable else None

    def look(self) -> None:
        """After a commit: seal the day that is over; else, once a minute, read a part of what is to be sealed."""
        now = self._process.now
        if now < self._next_at or self._journal.on_reserve:
            return
        self._next_at = now + MINUTE
        today = local_date(now, self._zone)
        if self._day is not None and today != self._day:
            self.seal()
        else:
            self._sealer.catch_up(SLICE)
        self._day = today

    def seal(self) -> None:
        """Seal everything there is, if there is anything new."""
        journal, last = self._journal, self._sealer.last
        if journal.on_reserve or journal.durable <= (last.last + 2 if last is not None else 0):
            return
        now = self._process.now
        self._sealer.seal(at=now, recorded_at=now, signer=self._signer)
