"""Layered configuration: the defaults, under the run file, under the environment (`TRADSYS__A__B`), under flags.

Every key remembers where its value comes from and what it overrode.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.engine.run_file import RunFile

PREFIX = "TRADSYS__"


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One key's value, where it comes from, and the values it overrode, nearest first."""

    value: Any
    origin: str
    overrode: tuple[tuple[str, Any], ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A run file with its layers: `values` by dotted key, `run` as typed structs, `folder` its paths start from."""

    values: dict[str, Value]
    run: RunFile
    path: Path
    folder: Path


def load(path: Path, *, environment: Mapping[str, str], flags: Sequence[str] = ()) -> Settings:
    """Read and check a run file with its overrides.

    Raises `ConfigError` for a file that is missing or no TOML, a wrong type or a missing key, and `UnknownName` (with
    the nearest valid one) for a key that does not exist.
    """
    layers = [(str(path), _read(path)), *_environment(environment), *_flags(flags)]
    values: dict[str, Value] = {}
    for origin, layer in layers:
        for key, value in _flat(layer):
            _refuse_unknown(key, origin)
            before = values.get(key)
            overrode = () if before is None else ((before.origin, before.value), *before.overrode)
            values[key] = Value(value=value, origin=origin, overrode=overrode)
    run = _typed({key: value.value for key, value in values.items()}, path)
    return Settings(values=values, run=run, path=path, folder=path.resolve().parent)


def explain(settings: Settings) -> dict[str, Value]:
    """Every key in force with its origin; defaults included."""
    found = dict(_flat(msgspec.to_builtins(settings.run)))
    return {key: settings.values.get(key, Value(value=value, origin="default")) for key, value in found.items()}


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"run file {path} does not exist", value=str(path), fix="give the path of a TOML run file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not valid TOML: {error}", value=str(path), fix="correct the line named"
        ) from error


def _environment(environment: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in sorted(environment):
        if name.startswith(PREFIX):
            key = name.removeprefix(PREFIX).lower().replace("__", ".")
            yield f"environment {name}", {key: parsed(environment[name])}


def _flags(flags: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for flag in flags:
        key, equals, text = flag.partition("=")
        if not equals or not key.strip():
            raise ConfigError("--set takes key=value", value=flag, fix="--set execution.slippage_bps=2")
        yield f"--set {key.strip()}", {key.strip(): parsed(text.strip())}


def parsed(text: str) -> Any:
    """A value as TOML would read it; bare words are strings."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _flat(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and leaves; tables in a list are numbered from 0."""
    if isinstance(node, dict) and (node or not prefix):
        for key, value in node.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(node, list) and any(isinstance(each, dict) for each in node):
        for index, value in enumerate(node):
            yield from _flat(value, f"{prefix}.{index}")
    else:
        yield prefix, _plain(node)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else value


def _nested(values: Mapping[str, Any]) -> Any:
    """The tree of dotted keys; a table whose keys are all numbers is a list."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        node = tree
        *parents, last = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise ConfigError(f"{key}: {parent} is a value, not a table", value=key, fix="give one or the other")
        node[last] = value
    return _lists(tree)


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _lists(value) for key, value in node.items()}


def _typed(values: Mapping[str, Any], path: Path) -> RunFile:
    try:
        return msgspec.convert(_nested(values), RunFile)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        where = place.rstrip("`") or "the file"
        raise ConfigError(f"{path}: {where}: {message}", value=values.get(where), fix=f"correct {where}") from error


def _refuse_unknown(key: str, origin: str) -> None:
    """Walk the types of the run file along a dotted key."""
    kind: Any = RunFile
    walked: list[str] = []
    for part in key.split("."):
        struct = _struct_in(kind)
        if struct is None:
            if part.isdigit() or _is_table(kind):
                kind = _item(kind)
                walked.append(part)
                continue
            raise UnknownName("key", key, (), where=origin)
        hints = {field.encode_name: field.name for field in msgspec.structs.fields(struct)}
        if part.isdigit() and _is_list(kind):
            walked.append(part)
            kind = struct
            continue
        if part not in hints:
            known = [".".join([*walked, name]) for name in hints]
            raise UnknownName("key", ".".join([*walked, part]), known, where=origin)
        kind = get_type_hints(struct)[hints[part]]
        walked.append(part)


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if isinstance(kind, UnionType) else (kind,)


def _is_list(kind: Any) -> bool:
    return any(get_origin(each) is list for each in _options(kind))


def _is_table(kind: Any) -> bool:
    return any(get_origin(each) is dict or each is Any for each in _options(kind))


def _item(kind: Any) -> Any:
    found = [get_args(each)[-1] for each in _options(kind) if get_origin(each) in (list, dict)]
    return found[0] if found else Any


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The table type a key's value may be, also inside a list."""
    for each in _options(kind):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return each
        if get_origin(each) is list:
            found = _struct_in(get_args(each)[0])
            if found is not None:
                return found
    return None
