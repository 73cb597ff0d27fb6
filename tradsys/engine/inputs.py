"""The files of market data that a run reads, and their hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from tradsys.core.errors import MissingData, ResourceError
from tradsys.engine.instruments import sections_of
from tradsys.engine.paths import find_path
from tradsys.engine.ruled.stated import fact_files
from tradsys.engine.settings import Settings
from tradsys.engine.verify_records import files_of
from tradsys.market import files, partitions
from tradsys.market.readers import format_of


def input_files(settings: Settings) -> list[Path]:
    """Every file with prices, corporate actions, funding, rates of currencies or facts that a run reads, absolute, each
    once.

    Raises `MissingData` for a path that leads to no file.
    """
    found = [*_prices(settings), *_announced(settings), *fact_files(settings)]
    return list(dict.fromkeys(Path(os.path.abspath(path)) for path in found))


def hash_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex. Raises `MissingData`, or `ResourceError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise MissingData(f"no file {path}", value=str(path), fix="put it back where it was") from None
    except OSError as problem:
        raise ResourceError(
            f"cannot read {path}: {problem.strerror}", value=str(path), fix="check its permissions"
        ) from None


def _prices(settings: Settings) -> Iterator[Path]:
    data = settings.run.data
    on_records = settings.run.execution.venue == "exchange"
    suffixes = ("",) if on_records else format_of(data.format).suffixes
    for section in sections_of(settings.run):
        where = section.path or data.path
        name = section.name or section.id.partition(":")[2]
        for each in [where] if isinstance(where, str) else where:
            placed = find_path(each, folder=settings.folder)
            if on_records:
                yield from (path for path, _ in files_of(Path(placed), format=data.format))
                continue
            listed = files.find(placed, suffixes=suffixes)
            named = [path for path in listed if partitions.wanted(path, interval=data.interval, instruments=[name])]
            yield from named or listed


def _announced(settings: Settings) -> Iterator[Path]:
    actions = settings.run.data.corporate_actions
    if actions not in (None, "reference"):
        yield Path(find_path(str(actions), folder=settings.folder))
    if settings.run.data.rates is not None:
        yield Path(find_path(settings.run.data.rates, folder=settings.folder))
    for section in sections_of(settings.run):
        if section.funding is not None:
            yield Path(find_path(section.funding, folder=settings.folder))
