"""What a journal is to those who write and read it, wherever it is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

from tradsys.core.durable import DurableIntent
from tradsys.core.venue import AnyCommand
from tradsys.journal.disk import Disk
from tradsys.journal.journal import Journal
from tradsys.journal.lease import Lease
from tradsys.journal.reading import Position
from tradsys.journal.records import Record


class JournalPort(Protocol):
    """The one writer: records wait until a commit makes all of them durable, or none."""

    @property
    def durable(self) -> int:
        """Records on stable storage; also the sequence of the first that is not."""

    @property
    def waiting(self) -> int:
        """Records that the next commit makes durable."""

    @property
    def position(self) -> Position:
        """Where the next commit goes."""

    @property
    def link(self) -> bytes:
        """The link of the last record, durable or not."""

    def append(
        self, kind: str, payload: bytes, *, at: int, recorded_at: int, cause: int = -1, essential: bool = False
    ) -> int:
        """Add a record to those that wait; its sequence. Raises `ConfigError` for what is too long, `JournalFailed`."""

    def append_intent(self, command: AnyCommand, *, at: int, recorded_at: int, cause: int = -1) -> int:
        """Add the record of a command that shall leave; its sequence, for `mint`. Raises as `append`."""

    def mint(self, sequence: int, *, epoch: int, command: AnyCommand) -> DurableIntent:
        """The permission to send a command whose record is durable: once a record.

        Raises `InvariantBroken` for any other sequence, command or epoch, `JournalFull`, `Fenced`, `JournalFailed`.
        """

    def check(self) -> None:
        """Go on only while the journal is whole and this process writes it. Raises `JournalFailed`, `Fenced`."""

    def commit(self) -> int:
        """Make all that wait durable; how many records are now. Raises `JournalFailed`."""

    def read(self, since: Position | None = None) -> JournalReader:
        """What is durable, from a position on or from the beginning. Raises `JournalFailed` as it is read."""

    def close(self) -> None:
        """Commit what waits and stop being the writer."""


class JournalReader(Protocol):
    """Every record in order, verified; `position` is where the next one is."""

    position: Position

    def __iter__(self) -> Iterator[Record]:
        """Raises `JournalDamaged` at the first record that is not what was written."""


Source = Callable[[Position | None], JournalReader]
"""Opens a reader of one journal, from a position on or from its beginning."""


class JournalStore(Protocol):
    """Where a journal is kept. Its leases, snapshots and seals are files on `disk`, wherever its records are."""

    @property
    def disk(self) -> Disk:
        """The folder of those files."""

    @property
    def epoch(self) -> int:
        """The highest epoch that wrote, as far as the records' own place knows it; a lease must be above it. Raises
        `ResourceError`."""

    def read(self, since: Position | None = None) -> JournalReader:
        """Read without writing; also a `Source`."""

    def check_before(self, end: Position, *, pause: Callable[[], None] = lambda: None) -> int:
        """Check the records before a place, at least some hundred thousand where there are so many, by their checksums
        and links alone; how many were checked. `pause` is called now and then: it may take longer than a lease lasts.
        Raises `JournalDamaged`, `OSError`, `ResourceError`."""

    def latest(self) -> Iterable[Record]:
        """The last records, some minutes of trading, oldest first and as far as they can be read: nothing is checked.
        Raises `OSError`, `ResourceError`."""

    def open(
        self,
        *,
        told: Callable[[Record], None] = lambda record: None,
        since: Position | None = None,
        kinds: Collection[str] | None = None,
        lease: Lease | None = None,
    ) -> Journal:
        """Become the writer; see `open_journal` for what is told and raised."""
