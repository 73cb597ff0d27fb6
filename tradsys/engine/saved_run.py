"""A run that was kept: its settings and the lines of its decision log, wherever they lie.

A run folder of a backtest is one source (`open_run`). A journal of decisions is another: whoever has settings, a
manifest and lines makes a `SavedRun` of them, and replay, comparison and explanation need no more.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import msgspec

from tradsys.core.errors import ConfigError, DataError, MissingData, ResourceError
from tradsys.core.events import Decision, Entry
from tradsys.engine.paths import find_path
from tradsys.engine.run_file import RunFile
from tradsys.engine.settings import Settings
from tradsys.engine.verify_copies import with_paths

NEEDED = ("configuration", "place", "inputs", "data", "strategies", "code", "final", "decisions_sha256", "state_sha256")
"""What a manifest must hold for a run to be repeated and compared."""

LIVE = "live"
"""Kind of run that the manifest of a live one names; that of a backtest names none."""
AGAIN = "run the backtest again with this version"


class SavedRun(msgspec.Struct, frozen=True, kw_only=True):
    """Settings with absolute paths, the manifest, and the lines of the decision log: each call of `lines` starts at the
    first again; one line is the JSON of an `Entry`, without its line feed."""

    folder: Path
    manifest: dict[str, Any]
    settings: Settings
    lines: Callable[[], Iterator[bytes]]

    def entries(self) -> Iterator[Entry]:
        """The lines as records. Raises `DataError` for one that is none."""
        return map(decoded, self.lines())

    @property
    def live(self) -> bool:
        """Whether its lines come from the journal of a live run."""
        return self.manifest.get("kind") == LIVE

    @property
    def inputs(self) -> dict[Path, str]:
        """SHA-256 of every file of market data, by its absolute path."""
        found = self.manifest["inputs"]
        return {Path(os.path.normpath(self.folder / name)): digest for name, digest in found.items()}


def place_of(settings: Settings, *, out: Path) -> dict[str, str]:
    """Where a run was started, as seen from any run folder in `out`: its run file and the current directory."""
    return {"run_file": relative(settings.folder / settings.path.name, out=out), "current": relative(Path(), out=out)}


def relative(path: Path, *, out: Path) -> str:
    """A path as seen from a run folder in `out`; absolute where no way leads there."""
    try:
        return Path(os.path.relpath(os.path.abspath(path), os.path.abspath(out / "run"))).as_posix()
    except ValueError:
        return os.path.abspath(path)


def open_run(folder: Path) -> SavedRun:
    """The run in a run folder. Raises `MissingData` for what is no run folder, `ConfigError` for one that does not say
    how to repeat it, `DataError` for a damaged one."""
    folder = Path(os.path.abspath(folder))
    manifest = manifest_in(folder)
    missing = [name for name in NEEDED if name not in manifest]
    if missing:
        raise ConfigError(f"{folder} does not say how to repeat it: no {missing[0]}", value=str(folder), fix=AGAIN)
    _count(folder / "decisions")
    return SavedRun(
        folder=folder, manifest=manifest, settings=settings_of(folder, manifest), lines=lambda: _lines(folder)
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise MissingData(
            f"no run at {path.parent}: it has no {path.name}",
            value=str(path.parent),
            limit="a run folder",
            fix="give the folder that `tradsys backtest` printed",
        ) from None
    except OSError as problem:
        raise ResourceError(
            f"cannot read {path}: {problem.strerror}", value=str(path), fix="check its permissions"
        ) from None


def manifest_in(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder. Raises `MissingData`, `DataError` for one that is damaged."""
    path = folder / "manifest.json"
    try:
        found = json.loads(_read(path))
    except ValueError as problem:
        raise DataError(f"{path} is damaged: {problem}", value=str(path), limit="JSON", fix=AGAIN) from None
    if not isinstance(found, dict):
        raise DataError(f"{path} is no manifest", value=str(path), limit="a JSON object", fix=AGAIN)
    return found


def _count(path: Path) -> int:
    """How many lines a decision log says it has. Raises `DataError` for another format or a later version."""
    first = _read(path).partition(b"\n")[0]
    try:
        head = json.loads(first)
    except ValueError:
        head = {}
    if not isinstance(head, dict) or (head.get("format"), head.get("version")) != ("tradsys-decisions", 1):
        told = first[:80].decode("utf-8", "replace")
        raise DataError(f"{path} is no decision log of version 1", value=told, limit="version 1", fix=AGAIN)
    return int(head["lines"])


def _lines(folder: Path) -> Iterator[bytes]:
    path = folder / "decisions"
    count = _count(path)
    lines = _read(path).split(b"\n")[1:]
    if len(lines) != count + 1 or lines[-1]:
        raise DataError(f"{path} is not whole", value=len(lines) - 1, limit=f"{count} lines", fix=AGAIN)
    yield from lines[:-1]


def settings_of(folder: Path, manifest: dict[str, Any]) -> Settings:
    """The settings of a run folder, its paths absolute. Raises `ConfigError` for those of another version."""
    place = manifest["place"]
    file = Path(os.path.normpath(folder / place["run_file"]))
    current = Path(os.path.normpath(folder / place["current"]))
    try:
        run = msgspec.convert(manifest["configuration"], RunFile)
    except msgspec.ValidationError as problem:
        raise ConfigError(
            f"{folder}: its configuration is not of this version: {problem}", value=str(folder), fix=AGAIN
        ) from None

    def data(text: str) -> str:
        return os.path.normpath(current / find_path(text, folder=file.parent))

    def strategy(place: str) -> str:
        beside = file.parent / place
        return str(beside if beside.is_file() else current / place)

    return Settings(values={}, run=with_paths(run, data=data, strategy=strategy), path=file, folder=file.parent)


_DECODER = msgspec.json.Decoder(Entry)


def decoded(line: bytes) -> Entry:
    """One line as a record: JSON has no NaN, so an intent without a number is read back as one. Raises `DataError`."""
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        return _with_nan(line)
    except msgspec.DecodeError as problem:
        raise _damaged(line, problem) from None


def _with_nan(line: bytes) -> Entry:
    raw = json.loads(line)
    try:
        body = raw["body"]
        kind = {each.__name__: each for each in get_args(Decision)}[body["event"]]
        return msgspec.convert({**raw, "body": _filled(body, kind)}, Entry)
    except (LookupError, TypeError, msgspec.ValidationError) as problem:
        raise _damaged(line, problem) from None


def _filled(body: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    found = {**body}
    for name, hint in get_type_hints(kind).items():
        if hint is float and found.get(name, 0.0) is None:
            found[name] = math.nan
        elif isinstance(found.get(name), dict) and not isinstance(hint, UnionType):
            found[name] = _filled(found[name], hint)
    return found


def _damaged(line: bytes, problem: Exception) -> DataError:
    return DataError(f"a line is no decision: {problem}", value=line[:200].decode("utf-8", "replace"), fix=AGAIN)
