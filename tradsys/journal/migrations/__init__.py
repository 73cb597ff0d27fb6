"""The tables as plain SQL: numbered files for PostgreSQL, applied in order and never edited; one file for SQLite, whose
tables are made anew instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from tradsys.core.errors import ConfigError, InvariantBroken

FOLDER = Path(__file__).parent


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered file."""

    version: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """What the database remembers of it."""
        return sha256(self.text.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All there are, in order. Raises `InvariantBroken` where a number is missing."""
    paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    if [int(path.name[:4]) for path in paths] != list(range(1, len(paths) + 1)):
        raise InvariantBroken("migrations are numbered from 1 without a gap", value=[path.name for path in paths])
    return [Migration(version=int(path.name[:4]), name=path.stem, text=path.read_text("utf-8")) for path in paths]


def pending(known: Sequence[Migration], applied: Mapping[int, str]) -> list[Migration]:
    """Those that a database lacks, which remembers the hashes of those it has by number.

    Raises `ConfigError` for a database of a newer version, or one that was made by other files.
    """
    newest = max(applied, default=0)
    if newest > len(known):
        raise ConfigError("the tables are of a newer version", value=newest, limit=len(known), fix="upgrade TradSys")
    for each in known:
        if applied.get(each.version, each.sha256) != each.sha256:
            raise ConfigError(
                f"migration {each.name} is not the one that made these tables",
                value=each.version,
                fix="restore the file: what was applied is never edited",
            )
    return [each for each in known if each.version not in applied]
