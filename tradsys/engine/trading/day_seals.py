"""Sealing a live run's journal day by day, so that what was written can be shown to be all that was."""

from __future__ import annotations

from tradsys.core.units import MINUTE, SECOND
from tradsys.engine.trading.process import Process
from tradsys.journal.disk import Disk
from tradsys.journal.journal import Journal
from tradsys.journal.seals import Sealer
from tradsys.journal.signatures import Signer
from tradsys.reference.clock import local_date

SLICE = 2_000
"""Records read ahead at a time: some 10 ms."""


class DaySeals:
    """Seals when the date of the journal's last record changes, in `zone`, and when the run ends; nothing while the
    disk is full. `signer` signs them, where there is one. What is to be sealed is read in slices, so that a long day
    holds nobody up: the day is sealed once it is read.

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
        """After a commit: once a minute, once a second while much is left, read on; then seal a day that is over."""
        now = self._process.now
        if now < self._next_at or self._journal.on_reserve:
            return
        if self._sealer.catch_up(SLICE) == SLICE:
            self._next_at = now + SECOND
            return
        self._next_at = now + MINUTE
        today = local_date(now, self._zone)
        if self._day is not None and today != self._day:
            self.seal()
        self._day = today

    @property
    def behind(self) -> int:
        """Durable records that `seal` would still read."""
        return self._journal.durable - self._sealer.read_until

    def seal(self) -> None:
        """Seal everything there is, if there is anything new."""
        journal, last = self._journal, self._sealer.last
        if journal.on_reserve or journal.durable <= (last.last + 2 if last is not None else 0):
            return
        process = self._process
        self._sealer.seal(at=process.now, recorded_at=process.recorded_at, signer=self._signer)
