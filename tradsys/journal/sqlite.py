"""The read model in one SQLite file, for those who run no database server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tradsys.core.errors import DataError, ResourceError
from tradsys.journal.projections import TagOf
from tradsys.journal.read_model import MOST, ReadModel
from tradsys.journal.statements import FOLDED

VERSION = 1
"""Of the tables: a file of another version is emptied and filled again."""

APPLICATION = 0x54524453
"""Says in the file that it is ours to empty."""

BUSY_MILLISECONDS = 5000
_PRAGMAS: dict[str, int | str] = {
    "journal_mode": "wal",
    # A projection gates no effect: what a power cut takes from it is in the journal.
    "synchronous": 1,
    "busy_timeout": BUSY_MILLISECONDS,
    "foreign_keys": 1,
}
_TABLES = Path(__file__).parent / "migrations" / "sqlite.sql"


class SqliteSession:
    """See `Session`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._refusals(), ExitStack() as undo:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None)
            undo.callback(self._connection.close)
            self._set_up()
            undo.pop_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """See `Session`."""
        with self._refusals():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def execute(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """See `Session`."""
        self._connection.execute(statement, parameters)

    def execute_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        """See `Session`."""
        self._connection.executemany(statement, parameters)

    def rows(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """See `Session`."""
        with self._refusals():
            return self._connection.execute(query, parameters).fetchall()

    def clear(self) -> None:
        """See `Session`."""
        for table in FOLDED:
            self._connection.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """See `Session`."""
        self._connection.close()

    def pragma(self, name: str) -> int | str:
        """What a setting of this connection is."""
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return value  # type: ignore[no-any-return]

    def _set_up(self) -> None:
        """Demand the settings, then have the tables."""
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        if self.pragma("application_id") != APPLICATION and self._named("table"):
            raise ResourceError(
                "this file holds something else than a read model", value=str(self._path), fix="name another file"
            )
        for name, value in _PRAGMAS.items():
            self._connection.execute(f"PRAGMA {name} = {value}")
            if self.pragma(name) != value:
                raise ResourceError(
                    f"SQLite does not keep {name}", value=self.pragma(name), limit=value, fix="use a local disk"
                )
        if self.pragma("user_version") != VERSION:
            self._make()

    def _make(self) -> None:
        with self.writing():
            if self.pragma("user_version") == VERSION:
                return
            for kind in ("view", "table"):
                for name in self._named(kind):
                    self._connection.execute(f'DROP {kind} "{name}"')
            for statement in _TABLES.read_text("utf-8").split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def _named(self, kind: str) -> list[str]:
        query = "SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite_%'"
        return [name for (name,) in self._connection.execute(query, (kind,)).fetchall()]

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except (OverflowError, sqlite3.IntegrityError) as error:
            raise DataError(
                f"a number too large for the tables: {error}", limit=MOST, fix="the journal has it; read it there"
            ) from error
        except (sqlite3.Error, OSError) as error:
            raise ResourceError(
                f"the read model cannot be used: {error}",
                value=str(self._path),
                fix="see to the disk, or take the file away: it is made again from the journal",
            ) from error


class ProjectionStore(ReadModel):
    """The read model of a journal in a file of its own, made when it is not there.

    Raises `ResourceError` for a file that is something else, or that cannot be kept as `_PRAGMAS` demand.
    """

    def __init__(self, path: Path, *, tag_of: TagOf) -> None:
        super().__init__(SqliteSession(path), tag_of=tag_of)
