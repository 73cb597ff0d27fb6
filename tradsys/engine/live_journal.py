"""Where the journal of a live run is, as its run file says: in segment files of its folder, or in PostgreSQL, with its
lease, snapshots and seals in the folder."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tradsys.core.errors import ConfigError, DataError, UnknownName
from tradsys.engine.account_key import secret_in_file
from tradsys.engine.live_folder import JOURNAL, MANIFEST
from tradsys.engine.paths import find_path
from tradsys.engine.run_file import JournalSection
from tradsys.engine.saved_run import LIVE, manifest_in
from tradsys.engine.settings import Settings
from tradsys.engine.trading.records import RunBegun, decode
from tradsys.journal import FolderDisk
from tradsys.journal.audit import journal_of
from tradsys.journal.disk import Disk
from tradsys.journal.opening import SegmentStore
from tradsys.journal.port import JournalStore

if TYPE_CHECKING:
    from tradsys.journal.postgres import Database

Kept = Callable[[Disk], JournalStore]
"""Makes the journal of a run from the disk with the files beside it."""

FILES, POSTGRESQL = "files", "postgresql"
_SCHEMA = "tradsys"
_EXTRA = 'pip install "tradsys[postgres]"'


def kept_in(settings: Settings, *, run: str | None) -> Kept:
    """Where the run file wants its journal; a server is asked, and nothing is written in the run's folder.

    `run`: the name of the run that the folder holds, None for a new one. Raises `ConfigError` for a `[journal]` that
    contradicts itself and for a schema that holds another run's, `MissingData` without the connection file,
    `ResourceError` for a server that cannot be used.
    """
    section = settings.run.journal
    if section.kind not in (FILES, POSTGRESQL):
        raise UnknownName("kind of journal", section.kind, (FILES, POSTGRESQL), where="journal.kind")
    if section.kind == FILES:
        _refuse_server_keys(section)
        return SegmentStore
    if not section.connection_file:
        raise ConfigError(
            "journal.connection_file is not given",
            value=section.kind,
            limit="a file of mode 0600 that holds the connection string",
            fix='write "host=… dbname=…" into one and name it',
        )
    return _on_server(section, _conninfo(section, folder=settings.folder, current=Path()), run=run)


def _refuse_server_keys(section: JournalSection) -> None:
    for key in ("connection_file", "schema"):
        if value := getattr(section, key):
            raise ConfigError(
                f"journal.{key} is given, and the journal is kept in files",
                value=value,
                limit=f'journal.kind = "{POSTGRESQL}"',
                fix=f'set journal.kind = "{POSTGRESQL}", or leave journal.{key} out',
            )


def store_in(run: Path, *, patience: float | None = None) -> JournalStore:
    """The journal of a run folder, or of a folder that is one, for whoever comes after the run or watches it.

    `patience`: seconds that a server may take to answer; as long as a statement may, where it is None. Raises
    `ConfigError` where there is no journal, and for a connection that cannot be used any more, `DataError` for a
    damaged manifest, `MissingData`, `ResourceError`.
    """
    folder = run.parent if run.name == JOURNAL and not (run / MANIFEST).exists() else run
    section, place = _said_in(folder)
    if section.kind != POSTGRESQL:
        return SegmentStore(journal_of(run))
    base = Path(os.path.abspath(folder))
    beside = Path(os.path.normpath(base / place["run_file"])).parent
    text = _conninfo(section, folder=beside, current=base / place["current"])
    database = _database(section, text, create=False, patience=patience)
    from tradsys.journal.postgres_journal import PostgresStore

    return PostgresStore(database, FolderDisk(folder / JOURNAL))


def _said_in(folder: Path) -> tuple[JournalSection, dict[str, str]]:
    """What the manifest of a folder says of its journal; files where it has none."""
    if not (folder / MANIFEST).exists():
        return JournalSection(), {}
    manifest = manifest_in(folder)
    if manifest.get("kind") != LIVE:
        return JournalSection(), {}
    return _section_of(manifest, folder), manifest["place"]


def _section_of(manifest: dict[str, Any], folder: Path) -> JournalSection:
    """`[journal]` of the configuration in a manifest. Raises `DataError` for what is none."""
    try:
        return msgspec.convert(manifest["configuration"].get("journal", {}), JournalSection)
    except msgspec.ValidationError as error:
        raise DataError(
            f"{folder}: its journal is not of this version: {error}", value=str(folder), fix="read it with its version"
        ) from None


def _conninfo(section: JournalSection, *, folder: Path, current: Path) -> str:
    """The connection string, from the file that `[journal]` names: beside the run file, or under `current`."""
    path = Path(os.path.normpath(current / find_path(section.connection_file, folder=folder)))
    text = secret_in_file(path, file="connection file", what="PostgreSQL's connection string")
    if not text:
        raise ConfigError("the connection file is empty", value=str(path), fix='write "host=… dbname=…" into it')
    return text


def _on_server(section: JournalSection, text: str, *, run: str | None) -> Kept:
    """A schema with this version's tables that holds the journal of a run, or none."""
    database = _database(section, text, create=True)
    from tradsys.journal.postgres_journal import PostgresReader, PostgresStore

    first = next(iter(PostgresReader(database)), None)
    begun = None if first is None else decode(first.kind, first.payload, sequence=first.sequence)
    if begun is not None and not (isinstance(begun, RunBegun) and begun.run == run):
        raise ConfigError(
            f"schema {database.schema} holds the journal of another run",
            value=getattr(begun, "run", first),
            limit=run,
            fix="set journal.schema to a name of its own, or --data-dir to the folder of that run",
        )
    return functools.partial(PostgresStore, database)


def _database(section: JournalSection, text: str, *, create: bool, patience: float | None = None) -> Database:
    try:
        from tradsys.journal.postgres import Database
    except ImportError as error:
        raise ConfigError(
            "a journal in PostgreSQL needs a package that is not installed", value=error.name, fix=_EXTRA
        ) from None
    # No pool: it would keep threads beside the one that trades.
    return Database(text, schema=section.schema or _SCHEMA, connections=0, create=create, patience=patience)
