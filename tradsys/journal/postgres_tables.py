"""The read model in PostgreSQL: the same tables, changes and questions as in a file."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

from tradsys.core.errors import InvariantBroken
from tradsys.journal.postgres import Connection, Database, trusted
from tradsys.journal.projections import TagOf
from tradsys.journal.read_model import ReadModel
from tradsys.journal.statements import FOLDED

_PARAMETER = re.compile(r":([a-z_]+)")


class PostgresSession:
    """See `Session`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing: Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """See `Session`."""
        with self._database.borrowed() as connection, connection.transaction():
            connection.execute("LOCK TABLE projection IN EXCLUSIVE MODE")
            self._writing = connection
            try:
                with connection.pipeline():
                    yield
            finally:
                self._writing = None

    def execute(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """See `Session`."""
        self._held().execute(_translated(statement), parameters)

    def execute_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        """See `Session`."""
        self._held().cursor().executemany(_translated(statement), parameters)

    def rows(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """See `Session`."""
        if self._writing is not None:
            return self._writing.execute(_translated(query), parameters).fetchall()
        with self._database.borrowed() as connection:
            return connection.execute(_translated(query), parameters).fetchall()

    def clear(self) -> None:
        """See `Session`."""
        self._held().execute(trusted(f"TRUNCATE {', '.join(FOLDED)}"))

    def close(self) -> None:
        """The database stays with whoever made it."""

    def _held(self) -> Connection:
        if self._writing is None:
            raise InvariantBroken("tables change inside a transaction alone")
        return self._writing


@functools.cache
def _translated(statement: str) -> LiteralString:
    """A statement with parameters as psycopg names them."""
    return trusted(_PARAMETER.sub(r"%(\1)s", statement))


class PostgresProjections(ReadModel):
    """The read model of a journal in a schema of a database, wherever the journal is."""

    def __init__(self, database: Database, *, tag_of: TagOf) -> None:
        super().__init__(PostgresSession(database), tag_of=tag_of)
