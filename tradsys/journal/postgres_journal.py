"""The journal in PostgreSQL, for those who run a server: the same records with the same links.

One process writes: it holds an advisory lock on its own connection, and every commit holds the row with the epoch under
which it writes while it adds its records, so that a process that was overtaken commits nothing. Leases, snapshots and
seals of a live run are files beside it: see `PostgresStore`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any, LiteralString, Protocol

from tradsys.core.durable import DurableIntent
from tradsys.core.errors import Fenced, InvariantBroken, JournalDamaged, JournalFailed, ResourceError, TradSysError
from tradsys.core.venue import AnyCommand
from tradsys.journal.disk import FULL, Disk, publish
from tradsys.journal.journal import Journal
from tradsys.journal.lease import LEASE_SECONDS, Lease
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.opening import tidy
from tradsys.journal.postgres import Connection, Database, ServerError, refusals, trusted
from tradsys.journal.reading import Position, bytes_of
from tradsys.journal.records import GENESIS, Record, decode, encode

ANSWER_SECONDS = LEASE_SECONDS - 2
"""A writer that waits longer for the server ends: before its lease does, and before a watchdog acts for it."""
EPOCH_FILE = "postgresql.epoch"
"""Beside the journal: the last epoch under which this folder wrote there."""

_COLUMNS = "sequence, commit_began, kind, payload, at, recorded_at, cause, previous, link"
_TYPES = ("int8", "int8", "text", "bytea", "int8", "int8", "int8", "bytea", "bytea")
_COPY = trusted(f"COPY journal ({_COLUMNS}) FROM STDIN (FORMAT BINARY)")
_PAGE = 2000
_LATEST = 20_000
_CHECKED = 200_000
"""Records before a snapshot, some two seconds."""
_LOCK_TRIES = 40
"""Of a twentieth of a second: the server takes a moment to see that a process before was killed."""


class Connected(Protocol):
    """Whatever lends a connection to read with: a `Database`, or a `PostgresJournal` its own."""

    def borrowed(self) -> AbstractContextManager[Connection]:
        """A connection, for a while."""


class PostgresReader:
    """Every record of the journal, or those from a position on: see `JournalReader`. A record of a kind that is not
    among `kinds`, where they are given, is refused as damage is."""

    def __init__(
        self, server: Connected, since: Position | None = None, *, kinds: Collection[str] | None = None
    ) -> None:
        self._server = server
        self._kinds = kinds
        self._schema = ""
        self.position = Position(sequence=since.sequence, link=since.link) if since is not None else Position()

    def __iter__(self) -> Iterator[Record]:
        """Raises `JournalDamaged` for a row that is not what was written, `ResourceError`."""
        while rows := self._page():
            for row in rows:
                record = self._verified(row)
                self.position.sequence, self.position.link = record.sequence + 1, record.link
                yield record

    def _page(self) -> list[tuple[Any, ...]]:
        query = trusted(f"SELECT {_COLUMNS} FROM journal WHERE sequence >= %s ORDER BY sequence LIMIT {_PAGE}")
        with self._server.borrowed() as connection:
            self._schema = connection.schema
            return connection.execute(query, [self.position.sequence], binary=True).fetchall()

    def _verified(self, row: tuple[Any, ...]) -> Record:
        record = _record(row)
        position = self.position
        if record.sequence != position.sequence or record.previous != position.link:
            raise self.damaged(f"record {record.sequence} does not follow {position.sequence - 1}")
        if link_of(record) != record.link:
            raise self.damaged(f"record {record.sequence} is not what its link says")
        if self._kinds is not None and record.kind not in self._kinds:
            why = f"this version knows no record of kind {record.kind!r}"
            raise self.damaged(why, fix="read it with the version that wrote it")
        return record

    def damaged(self, why: str, *, fix: str = "restore the table from a copy; nothing was changed") -> JournalDamaged:
        """The error for where it stands."""
        return JournalDamaged(
            f"the journal is not whole: {why}",
            segment=f"{self._schema}.journal",
            offset=0,
            sequence=self.position.sequence,
            fix=fix,
        )


def _record(row: tuple[Any, ...]) -> Record:
    sequence, commit, kind, payload, at, recorded_at, cause, previous, link = row
    return Record(
        sequence=sequence,
        commit=commit,
        kind=kind,
        payload=payload,
        at=at,
        recorded_at=recorded_at,
        cause=cause,
        previous=previous,
        link=link,
    )


def link_of(record: Record) -> bytes:
    """The link that a record's content has."""
    _, link = encode(
        sequence=record.sequence,
        commit=record.commit,
        kind=record.kind,
        payload=record.payload,
        at=record.at,
        recorded_at=record.recorded_at,
        cause=record.cause,
        previous=record.previous,
    )
    return link


class PostgresJournal(Journal):
    """The only writer of the journal in a database; see `JournalPort`. Made by `open_postgres_journal`.

    After a failure of the connection nobody knows whether the last commit happened: the next start reads it.
    """

    def __init__(self, connection: Connection, position: Position, *, epoch: int, lease: Lease | None = None) -> None:
        # No files: what a segment would hold goes to the table.
        super().__init__(MemoryDisk(room=0), position, segment_bytes=0, lease=lease)
        self._connection = connection
        self.epoch = epoch

    def check(self) -> None:
        """Go on only while the server answers and this process is the writer. Raises `Fenced`, `JournalFailed`."""
        super().check()
        with self._ending():
            self._demand_epoch("SELECT epoch FROM writer")

    def commit(self) -> int:
        """Make all that wait durable; how many records are now. Raises `Fenced`, `JournalFailed`."""
        super().check()
        if not self._waiting:
            return self.durable
        with self._ending(), self._connection.transaction():
            self._demand_epoch("SELECT epoch FROM writer FOR SHARE")
            with self._connection.cursor().copy(_COPY) as copy:
                copy.set_types(_TYPES)
                for data in self._waiting:
                    copy.write_row(_row(data))
        self._waiting.clear()
        self.durable, self._durable_link = self._sequence, self._link
        return self.durable

    def mint(self, sequence: int, *, epoch: int, command: AnyCommand) -> DurableIntent:
        """See `Journal.mint`."""
        if epoch != self.epoch:
            raise InvariantBroken("a permission under another epoch", value=epoch, limit=self.epoch)
        return super().mint(sequence, epoch=epoch, command=command)

    def read(self, since: Position | None = None) -> PostgresReader:
        """See `Journal.read`; through the writer's own connection."""
        return PostgresReader(self, since)

    @contextmanager
    def borrowed(self) -> Iterator[Connection]:
        """The writer's connection. Raises `JournalFailed`."""
        super().check()
        with self._ending():
            yield self._connection

    def close(self) -> None:
        """Commit what waits and stop being the writer."""
        try:
            self.commit()
        finally:
            _leave(self._connection)

    def _demand_epoch(self, query: LiteralString) -> None:
        (epoch,) = self._connection.execute(query).fetchone() or (0,)
        if epoch != self.epoch:
            raise Fenced("another process became the writer", value=self.epoch, limit=epoch, fix="stop")

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """The first error ends the journal for good."""
        try:
            yield
        except ServerError as error:
            self._end(str(error))
            if self._lease is not None:
                # Whoever took over ends the connection, too: that is no failure of the run, which goes on there.
                self._lease.check()
            raise self._refusal() from error
        except Fenced as error:
            self._end(error.message)
            raise


def _row(data: bytes) -> tuple[Any, ...]:
    """A record's bytes as a row of the table."""
    record = decode(data)
    assert isinstance(record, Record)
    return (
        record.sequence,
        record.commit,
        record.kind,
        record.payload,
        record.at,
        record.recorded_at,
        record.cause,
        record.previous,
        record.link,
    )


# --- becoming the writer


class _Own:
    """Lends the one connection it has."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def borrowed(self) -> Iterator[Connection]:
        with refusals():
            yield self._connection


def open_postgres_journal(
    database: Database,
    *,
    told: Callable[[Record], None] = lambda record: None,
    since: Position | None = None,
    kinds: Collection[str] | None = None,
    lease: Lease | None = None,
    take_over: bool = False,
) -> PostgresJournal:
    """Become the writer: `told` hears every record there is, from `since` on where given, of the `kinds` given alone.

    Under a lease its epoch is the journal's, and a process that may still sleep under one before is taken over;
    without one it is the next. Raises `ResourceError` while another process writes, unless `take_over` ends its
    connection, and for a lease below the epoch that wrote last; `JournalDamaged`.
    """
    connection = database.connect()
    try:
        with refusals():
            epoch = _epoch_of(connection, lease=lease, take_over=take_over)
        reader = PostgresReader(_Own(connection), since, kinds=kinds)
        for record in reader:
            told(record)
    except TradSysError:
        _leave(connection)
        raise
    connection.patience = ANSWER_SECONDS
    return PostgresJournal(connection, reader.position, epoch=epoch, lease=lease)


def _epoch_of(connection: Connection, *, lease: Lease | None, take_over: bool) -> int:
    """Hold the lock, then outdate every epoch before: a commit that holds the row ends first."""
    key = f"{connection.schema} writer"
    if take_over or (lease is not None and lease.taken_over):
        connection.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_locks, hashtextextended(%s, 0) AS key "
            "WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid",
            [key],
        )
    # Under a lease no living process of this folder writes; the server may only not know yet that it ended.
    if not _locked(connection, key, tries=_LOCK_TRIES if lease is not None else 1):
        raise ResourceError(
            "another process writes this journal",
            value=connection.schema,
            fix="stop it first, take over, or read only",
        )
    return _next_epoch(connection) if lease is None else _under(connection, lease)


def _locked(connection: Connection, key: str, *, tries: int) -> bool:
    for _ in range(tries):
        query: LiteralString = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        (locked,) = connection.execute(query, [key]).fetchone() or (False,)
        if locked:
            return True
        if tries > 1:
            connection.execute("SELECT pg_sleep(0.05)")
    return False


def _leave(connection: Connection) -> None:
    """Free the lock, then close: a server sees the end of a connection later than whoever opens the journal next."""
    with suppress(ServerError), closing(connection):
        connection.execute("SELECT pg_advisory_unlock_all()")


def _next_epoch(connection: Connection) -> int:
    (epoch,) = connection.execute("UPDATE writer SET epoch = epoch + 1 RETURNING epoch").fetchone() or (0,)
    return int(epoch)


def _under(connection: Connection, lease: Lease) -> int:
    """The epoch of a lease, once it is the journal's. Raises `ResourceError` where it does not rise."""
    query: LiteralString = "UPDATE writer SET epoch = %s WHERE epoch < %s RETURNING epoch"
    if connection.execute(query, [lease.epoch, lease.epoch]).fetchone() is None:
        raise ResourceError(
            "another folder wrote this journal meanwhile", value=lease.epoch, fix="start from the folder that wrote it"
        )
    if lease.taken_over:
        lease.settle()
    return lease.epoch


class PostgresStore:
    """A journal in a database whose leases, snapshots and seals are files on a disk: see `JournalStore`."""

    def __init__(self, database: Database, disk: Disk) -> None:
        self._database = database
        self.disk = disk

    @property
    def epoch(self) -> int:
        """The epoch that wrote last, 0 for none.

        Raises `ResourceError` for a database that has less than this folder wrote: another one, or restored from a copy
        that is older. To go on with it would be to do once more what was done already.
        """
        with self._database.borrowed() as connection:
            (epoch,) = connection.execute("SELECT epoch FROM writer").fetchone() or (0,)
        known = self._known_epoch()
        if epoch < known:
            raise ResourceError(
                f"the journal in schema {self._database.schema} is not the one that this folder wrote, or an old copy",
                value=epoch,
                limit=known,
                fix="restore the database as it was, or begin another run: another --data-dir and journal.schema",
            )
        return int(epoch)

    def _known_epoch(self) -> int:
        try:
            return int(bytes_of(self.disk, EPOCH_FILE)) if self.disk.has(EPOCH_FILE) else 0
        except (OSError, ValueError) as error:
            raise ResourceError(f"{EPOCH_FILE} in the journal's folder cannot be read: {error}") from error

    def read(self, since: Position | None = None) -> PostgresReader:
        """See `JournalStore`."""
        return PostgresReader(self._database, since)

    def check_before(self, end: Position, *, pause: Callable[[], None] = lambda: None) -> int:
        """See `JournalStore`; the last `_CHECKED` of them."""
        first, query = max(0, end.sequence - _CHECKED), trusted("SELECT previous FROM journal WHERE sequence = %s")
        reader = self.read(Position(sequence=first))
        if first:
            with self._database.borrowed() as connection:
                (reader.position.link,) = connection.execute(query, [first], binary=True).fetchone() or (GENESIS,)
        for record in reader:
            if record.sequence % _PAGE == 0:
                pause()
            if record.sequence + 1 >= end.sequence:
                break
        if (reader.position.sequence, reader.position.link) != (end.sequence, end.link):
            raise reader.damaged("it does not lead to its snapshot")
        return end.sequence - first

    def latest(self) -> list[Record]:
        """See `JournalStore`."""
        query = trusted(f"SELECT {_COLUMNS} FROM journal ORDER BY sequence DESC LIMIT {_LATEST}")
        with self._database.borrowed() as connection:
            rows = connection.execute(query, binary=True).fetchall()
        return [_record(row) for row in reversed(rows)]

    def open(
        self,
        *,
        told: Callable[[Record], None] = lambda record: None,
        since: Position | None = None,
        kinds: Collection[str] | None = None,
        lease: Lease | None = None,
    ) -> PostgresJournal:
        """See `JournalStore`."""
        journal = open_postgres_journal(self._database, told=told, since=since, kinds=kinds, lease=lease)
        try:
            tidy(self.disk, lease)
            publish(self.disk, EPOCH_FILE, str(journal.epoch).encode())
        except OSError as error:
            # A full folder is no reason not to withdraw what is open; the file then names an earlier epoch.
            if error.errno not in FULL:
                raise JournalFailed(f"the run folder cannot be written: {error}", fix="see to the disk") from error
        return journal
