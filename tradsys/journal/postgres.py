"""The journal and its read model in PostgreSQL, for those who run a server: the same records with the same links.

One process writes: it holds an advisory lock on its own connection, and every commit holds the row with the epoch under
which it writes while it adds its records, so that a process that was overtaken commits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
import psycopg_pool
from psycopg.conninfo import conninfo_to_dict

from tradsys.core.durable import DurableIntent
from tradsys.core.errors import (
    ConfigError,
    DataError,
    Fenced,
    InvariantBroken,
    JournalDamaged,
    JournalFailed,
    ResourceError,
)
from tradsys.core.venue import AnyCommand
from tradsys.journal.journal import Journal
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.migrations import FOLDER, migrations, pending
from tradsys.journal.read_model import MOST
from tradsys.journal.reading import Position
from tradsys.journal.records import Record, decode, encode

OLDEST_SERVER = 150000
STATEMENT_SECONDS = 30
DEMANDED: dict[str, tuple[str, ...]] = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply"),
    "statement_timeout": (f"{STATEMENT_SECONDS}s",),
}
"""Settings without which a commit is not durable, or a statement never ends: asked on every connection that writes."""

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_VERSIONS: LiteralString = """
CREATE TABLE IF NOT EXISTS schema_versions (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_COLUMNS = "sequence, commit_began, kind, payload, at, recorded_at, cause, previous, link"
_TYPES = ("int8", "int8", "text", "bytea", "int8", "int8", "int8", "bytea", "bytea")
_PAGE = 5000
_CONNECT_SECONDS = 10
Connection = psycopg.Connection[tuple[Any, ...]]


class Database:
    """A schema of a PostgreSQL database, brought to this version's tables, and the connections to it.

    `conninfo` is a libpq connection string; connect to the server itself, since an advisory lock is a session's.
    Raises `ConfigError` for a name that cannot be a schema's or tables of a newer version, `ResourceError` for a server
    that cannot be reached, is too old, or does not keep what it commits.
    """

    def __init__(self, conninfo: str, *, schema: str = "tradsys", connections: int = 4) -> None:
        if not _SCHEMA.fullmatch(schema):
            raise ConfigError("name of a schema", value=schema, limit=_SCHEMA.pattern, fix="use a-z, 0-9 and _")
        self.schema = schema
        with refusals():
            given = conninfo_to_dict(conninfo)
        limit = STATEMENT_SECONDS * 1000
        ours = f"-c search_path={schema} -c statement_timeout={limit} -c idle_in_transaction_session_timeout={limit}"
        self._arguments: dict[str, Any] = {
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "tradsys",
            **given,
            "options": f"{given.get('options') or ''} {ours}",
            "autocommit": True,
        }
        with self.connect() as connection, refusals():
            migrate(connection, schema)
        self._pool = psycopg_pool.ConnectionPool(
            kwargs=self._arguments, min_size=1, max_size=connections, timeout=_CONNECT_SECONDS, open=True
        )

    def connect(self) -> Connection:
        """A connection of its own, autocommitting, whose settings are as `DEMANDED`."""
        with refusals():
            connection = psycopg.connect(**self._arguments)
            try:
                refuse_unsafe(_settings(connection), version=connection.info.server_version)
            except ResourceError:
                connection.close()
                raise
        return connection

    @contextmanager
    def borrowed(self) -> Iterator[Connection]:
        """A connection of the pool, for a while."""
        with refusals(), self._pool.connection() as connection:
            yield connection

    def close(self) -> None:
        """Give the pooled connections back."""
        self._pool.close()


@contextmanager
def refusals() -> Iterator[None]:
    """PostgreSQL's errors as ours: `DataError` for a number beyond `MOST`, `ResourceError` for all else."""
    try:
        yield
    except psycopg.errors.NumericValueOutOfRange as error:
        raise DataError(
            f"a number too large for the tables: {error}", limit=MOST, fix="the journal has it; read it there"
        ) from error
    except psycopg.errors.QueryCanceled as error:
        raise ResourceError(
            "PostgreSQL took too long", limit=f"{STATEMENT_SECONDS} s", fix="see to its load, then try again"
        ) from error
    except psycopg.Error as error:
        raise ResourceError(f"PostgreSQL: {error}", fix="see to the server and the connection string") from error


def refuse_unsafe(settings: Mapping[str, str], *, version: int) -> None:
    """Raise `ResourceError` for a server that may lose what it committed, or that nobody tried this with."""
    if version < OLDEST_SERVER:
        raise ResourceError("this PostgreSQL is too old", value=version, limit=OLDEST_SERVER, fix="upgrade it")
    for name, allowed in DEMANDED.items():
        if settings[name] not in allowed:
            raise ResourceError(
                f"PostgreSQL has {name} = {settings[name]}",
                value=settings[name],
                limit=" or ".join(allowed),
                fix="set it on the server and for this role",
            )


def _settings(connection: Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [list(DEMANDED)])
    return dict(cast("list[tuple[str, str]]", rows.fetchall()))


def migrate(connection: Connection, schema: str, *, folder: Path = FOLDER) -> int:
    """Bring a schema to the newest tables in one transaction, one process at a time; how many migrations that took.

    Raises `ConfigError` for a schema of a newer version, or one whose migrations are not those of this version.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [schema])
        connection.execute(trusted(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute(_VERSIONS)
        applied = connection.execute("SELECT version, sha256 FROM schema_versions ORDER BY version").fetchall()
        missing = pending(migrations(folder), dict(cast("list[tuple[int, str]]", applied)))
        for each in missing:
            connection.execute(trusted(each.text))
            connection.execute(
                "INSERT INTO schema_versions (version, name, sha256) VALUES (%s, %s, %s)",
                [each.version, each.name, each.sha256],
            )
    return len(missing)


def trusted(text: str) -> LiteralString:
    """Text of our own, or a name that was checked."""
    return text


# --- the journal


class PostgresReader:
    """Every record of the journal, or those from a position on: see `JournalReader`."""

    def __init__(self, database: Database, since: Position | None = None) -> None:
        self._database = database
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
        with self._database.borrowed() as connection:
            return connection.execute(query, [self.position.sequence], binary=True).fetchall()

    def _verified(self, row: tuple[Any, ...]) -> Record:
        sequence, commit, kind, payload, at, recorded_at, cause, previous, link = row
        if sequence != self.position.sequence or previous != self.position.link:
            raise self._damaged(f"record {sequence} does not follow {self.position.sequence - 1}")
        record = Record(
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
        if link_of(record) != link:
            raise self._damaged(f"record {sequence} is not what its link says")
        return record

    def _damaged(self, why: str) -> JournalDamaged:
        return JournalDamaged(
            f"the journal is not whole: {why}",
            segment=f"{self._database.schema}.journal",
            offset=0,
            sequence=self.position.sequence,
            fix="restore the table from a copy; nothing was changed",
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

    def __init__(self, connection: Connection, position: Position, *, epoch: int) -> None:
        # No files: what a segment would hold goes to the table.
        super().__init__(MemoryDisk(room=0), position, segment_bytes=0)
        self._connection = connection
        self.epoch = epoch

    def check(self) -> None:
        """Go on only while this process is the writer. Raises `Fenced`, `JournalFailed`."""
        if self._failure:
            raise self._refusal()
        with self._ending():
            self._demand_epoch("SELECT epoch FROM writer")

    def commit(self) -> int:
        """Make all that wait durable; how many records are now. Raises `Fenced`, `JournalFailed`."""
        if self._failure:
            raise self._refusal()
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

    def close(self) -> None:
        """Commit what waits and stop being the writer."""
        try:
            self.commit()
        finally:
            self._connection.close()

    def _demand_epoch(self, query: LiteralString) -> None:
        (epoch,) = self._connection.execute(query).fetchone() or (0,)
        if epoch != self.epoch:
            raise Fenced("another process became the writer", value=self.epoch, limit=epoch, fix="stop")

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """The first error ends the journal for good."""
        try:
            yield
        except psycopg.Error as error:
            self._end(str(error))
            raise self._refusal() from error
        except Fenced as error:
            self._end(error.message)
            raise


_COPY = trusted(f"COPY journal ({_COLUMNS}) FROM STDIN (FORMAT BINARY)")


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


def open_postgres_journal(
    database: Database,
    *,
    told: Callable[[Record], None] = lambda record: None,
    since: Position | None = None,
    take_over: bool = False,
) -> PostgresJournal:
    """Become the writer under the next epoch: `told` hears every record there is, from `since` on where given.

    Raises `ResourceError` while another process writes, unless `take_over` ends its connection; `JournalDamaged`.
    """
    connection = database.connect()
    try:
        with refusals():
            epoch = _next_epoch(connection, database.schema, take_over=take_over)
        reader = PostgresReader(database, since)
        for record in reader:
            told(record)
    except (DataError, ResourceError, JournalFailed):
        connection.close()
        raise
    return PostgresJournal(connection, reader.position, epoch=epoch)


def _next_epoch(connection: Connection, schema: str, *, take_over: bool) -> int:
    """Hold the lock, then outdate every epoch before: a commit that holds the row ends first."""
    key = f"{schema} writer"
    if take_over:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks, hashtextextended(%s, 0) AS key "
            "WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid",
            [key],
        )
    (locked,) = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key]).fetchone() or (False,)
    if not locked:
        raise ResourceError(
            "another process writes this journal", value=schema, fix="stop it first, take over, or read only"
        )
    (epoch,) = connection.execute("UPDATE writer SET epoch = epoch + 1 RETURNING epoch").fetchone() or (0,)
    return int(epoch)
