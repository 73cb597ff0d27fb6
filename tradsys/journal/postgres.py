"""A schema of a PostgreSQL database and the connections to it: the only file here that speaks to a server."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
import psycopg_pool
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict

from tradsys.core.errors import ConfigError, DataError, MissingData, ResourceError
from tradsys.journal.migrations import FOLDER, migrations, pending
from tradsys.journal.read_model import MOST

OLDEST_SERVER = 150000
STATEMENT_SECONDS = 30
DEMANDED: dict[str, tuple[str, ...]] = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply"),
    "statement_timeout": (f"{STATEMENT_SECONDS}s",),
}
"""Settings without which a commit is not durable, or a statement never ends: asked on every connection that writes."""

# So that the server notices within ten seconds that the machine at the other end is gone, and frees its lock.
_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=5"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_VERSIONS: LiteralString = """
CREATE TABLE IF NOT EXISTS schema_versions (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_CONNECT_SECONDS = 10
_POLL_SECONDS = 0.1
ServerError = psycopg.Error
"""Whatever the server or the way to it does wrong."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection to a `schema`. With `patience`, an answer that takes more seconds ends the connection, also where
    the server is stopped or the network drops everything; without, the server's own limit holds alone."""

    schema: str = ""
    patience: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = _POLL_SECONDS, timeout: float | None = None) -> RV:
        """See `psycopg.Connection`."""
        if self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError as error:
            alive = self.pgconn.status == psycopg.pq.ConnStatus.OK
            # Else whoever cleans up after the error waits for the same server again.
            self.pgconn.finish()
            if alive and error.sqlstate is None:
                raise psycopg.OperationalError(f"PostgreSQL gave no answer for {self.patience:g} s") from error
            raise


class Database:
    """A schema of a PostgreSQL database, brought to this version's tables, and the connections to it.

    `conninfo` is a libpq connection string; connect to the server itself, since an advisory lock is a session's. Of
    the `connections` that are borrowed so many are pooled; with 0, each is of its own and ends with its use. With
    `create` off nothing is changed there, and the tables must be there. `patience`: seconds that an answer may take on
    any connection (2 or more to connect); as long as a statement may, where it is None.

    Raises `ConfigError` for a name that cannot be a schema's, a connection string that cannot be read (and does not say
    what is in it) or tables of a newer version, `MissingData` where there are to be tables and are none,
    `ResourceError` for a server that cannot be reached, is too old, or does not keep what it commits.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        schema: str = "tradsys",
        connections: int = 4,
        create: bool = True,
        patience: float | None = None,
    ) -> None:
        if not _SCHEMA.fullmatch(schema):
            raise ConfigError("name of a schema", value=schema, limit=_SCHEMA.pattern, fix="use a-z, 0-9 and _")
        self.schema = schema
        self._connections, self._patience = connections, patience
        given = _parts_of(conninfo)
        limit = STATEMENT_SECONDS * 1000
        ours = f"-c search_path={schema} -c statement_timeout={limit} -c idle_in_transaction_session_timeout={limit}"
        self._arguments: dict[str, Any] = {
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "tradsys",
            **given,
            "options": f"{given.get('options') or ''} {ours} {_KEEPALIVE}",
            "autocommit": True,
        }
        if patience is not None:
            self._arguments["connect_timeout"] = math.ceil(patience)
        with self.connect() as connection, refusals():
            migrate(connection, schema) if create else _demand_tables(connection)

    def connect(self) -> Connection:
        """A connection of its own, autocommitting, whose settings are as `DEMANDED`."""
        with refusals():
            connection = Connection.connect(**self._arguments)
            connection.schema, connection.patience = self.schema, self._patience
            try:
                refuse_unsafe(_settings(connection), version=connection.info.server_version)
            except ResourceError:
                connection.close()
                raise
        return connection

    @cached_property
    def _pool(self) -> psycopg_pool.ConnectionPool[Connection]:
        return psycopg_pool.ConnectionPool(
            connection_class=Connection,
            kwargs=self._arguments,
            min_size=1,
            max_size=self._connections,
            timeout=_CONNECT_SECONDS,
            open=True,
        )

    @contextmanager
    def borrowed(self) -> Iterator[Connection]:
        """A connection, for a while."""
        with refusals(), self._pool.connection() if self._connections else self.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give the pooled connections back."""
        if "_pool" in vars(self):
            self._pool.close()


def _parts_of(conninfo: str) -> dict[str, Any]:
    """A connection string in its parts. The parser's own message would repeat pieces of it, a password's too."""
    try:
        given = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        given = {"host": "@@"}
    if "@" in str(given.get("host") or "")[1:]:
        raise ConfigError(
            "the connection string of PostgreSQL cannot be read",
            value="not shown: it may hold a password",
            limit="host=… dbname=…, or postgresql://user@host/name with %40 for an @ in a password",
            fix="correct it",
        )
    return dict(given)


def _demand_tables(connection: Connection) -> None:
    (found,) = connection.execute("SELECT to_regclass('journal')").fetchone() or (None,)
    if found is None:
        raise MissingData(
            f"there is no journal in schema {connection.schema} of this database",
            value=connection.schema,
            fix="name the database that the run was written to",
        )


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
