"""The folder of a live run: its journal, its manifest, and the sockets by which it is spoken to and watched.

The manifest is written once, before anything else: it says which run this is, so that every restart trades under the
same one, and what a replay needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tradsys.core.errors import ConfigError, DataError, ResourceError
from tradsys.engine.inputs import hash_of, input_files
from tradsys.engine.run import versions
from tradsys.engine.run_file import RunFile
from tradsys.engine.saved_run import LIVE, manifest_in, place_of, relative
from tradsys.engine.settings import Settings

JOURNAL, MANIFEST = "journal", "manifest.json"
DEFAULT = Path("runs")
"""Where run folders go unless one is given."""


def run_of(folder: Path, settings: Settings, *, stamp: int) -> str:
    """The name that the run trades under: that of the folder's manifest, which is written where there is none.

    `stamp`: what tells this run from others of its name (UTC ns). Raises as `begun_run`, `ResourceError` where the
    folder cannot be written.
    """
    path = folder / MANIFEST
    if not path.exists():
        _write(path, _manifest(folder, settings, stamp=stamp))
    return str(begun_run(folder, settings))


def begun_run(folder: Path, settings: Settings) -> str | None:
    """The name of the run that the folder holds, None where it holds none. Raises `ConfigError` for the folder of
    another run file, `DataError` for a damaged manifest."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    manifest = manifest_of(folder)
    _demand_same(path, manifest, settings)
    return str(manifest["run"])


def manifest_of(folder: Path) -> dict[str, Any]:
    """What the manifest says. Raises `DataError` for one that is damaged or of no live run."""
    found = manifest_in(folder)
    if found.get("kind") != LIVE:
        raise DataError(f"{folder} is of no live run", value=str(folder), fix="give another --data-dir")
    return found


def _decisive(run: RunFile) -> dict[str, Any]:
    """What of a run file decides; where the venue is, and how long it is waited for, may change between starts."""
    found: dict[str, Any] = msgspec.to_builtins(run)
    return {name: value for name, value in found.items() if name != "venue"}


def _demand_same(path: Path, manifest: dict[str, Any], settings: Settings) -> None:
    ours, theirs = _decisive(settings.run), _decisive(_begun_with(path, manifest))
    for name in ours:
        if ours[name] != theirs[name]:
            raise ConfigError(
                f"{path} is of a run with another [{name}]",
                value=str(ours[name]),
                limit=str(theirs[name]),
                fix="give another --data-dir, or the run file as it was",
            )


def _begun_with(path: Path, manifest: dict[str, Any]) -> RunFile:
    """The run file that a folder was begun with; keys that there were not yet have their defaults."""
    try:
        return msgspec.convert(manifest["configuration"], RunFile)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{path} is of a run file that this version does not read: {error}",
            value=str(error),
            fix="go on with the version that began it, or give another --data-dir",
        ) from error


def _manifest(folder: Path, settings: Settings, *, stamp: int) -> dict[str, Any]:
    return {
        "kind": LIVE,
        "run": f"{settings.run.run.name}-{stamp:x}",
        "name": settings.run.run.name,
        "configuration": msgspec.to_builtins(settings.run),
        "place": place_of(settings, out=folder.parent),
        "inputs": {relative(path, out=folder.parent): hash_of(path) for path in input_files(settings)},
        **versions(),
    }


def _write(path: Path, manifest: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        draft.replace(path)
    except OSError as error:
        raise ResourceError(
            f"cannot write {path}: {error.strerror}", value=str(path), fix="give another --data-dir"
        ) from error
