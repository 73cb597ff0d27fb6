"""From the `use` of a run file to a Strategy class: `file.py:Class`, `package:Class`, or an entry-point name."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.metadata import entry_points
from pathlib import Path
from types import CodeType, ModuleType

import msgspec

from tradsys.core.errors import StrategyError, UnknownName
from tradsys.strategies.base import Strategy

GROUP = "tradsys.strategies"


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that can be named in a run file; `problem` says why it cannot be loaded."""

    name: str
    use: str
    summary: str = ""
    parameters: dict[str, str] = {}
    problem: str = ""


def load(use: str, *, folder: Path) -> type[Strategy]:
    """The class that `use` names. Files are looked for in `folder`, then in the current directory.

    Raises `StrategyError` for a file that is missing, does not compile or raises, and `UnknownName` for a class or
    entry point that does not exist.
    """
    place, colon, class_name = use.rpartition(":")
    if not colon:
        return _entry_point(use)
    module = _module_of_file(find_file(place, folder=folder)) if place.endswith(".py") else _package(place)
    found: dict[str, type[Strategy]] = {name: value for name, value in vars(module).items() if _is_strategy(value)}
    if class_name not in found:
        raise UnknownName("strategy class", class_name, found, where=place)
    return found[class_name]


def find_file(place: str, *, folder: Path) -> Path:
    """The strategy file: beside the run file, or under the current directory. Raises `StrategyError`."""
    for candidate in (folder / place, Path(place)):
        if candidate.is_file():
            return candidate.resolve()
    raise StrategyError(
        f"strategy file {place} does not exist", value=place, fix="tradsys new strategy NAME writes one"
    )


def available(folder: Path) -> Iterator[Listed]:
    """Strategies that ship or are installed, then those in the files of `folder`, by name."""
    for point in sorted(entry_points(group=GROUP), key=lambda item: item.name):
        yield _described(point.name, point.name, folder)
    for path in sorted(folder.glob("*.py")):
        try:
            module = _module_of_file(path)
        except StrategyError as error:
            yield Listed(name=path.stem, use=str(path), problem=error.message)
            continue
        for name, value in vars(module).items():
            if _is_strategy(value) and value.__module__ == module.__name__:
                yield _described(name, f"{path}:{name}", folder)


def _described(name: str, use: str, folder: Path) -> Listed:
    found = load(use, folder=folder)
    summary = (found.__doc__ or "").strip().partition("\n")[0]
    parameters = {key: f"{spec.kind.__name__} = {spec.default}" for key, spec in found.parameters.items()}
    return Listed(name=name, use=use, summary=summary, parameters=parameters)


def _is_strategy(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy


def _entry_point(name: str) -> type[Strategy]:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise UnknownName("strategy", name, points, where='use (or write "file.py:Class")')
    found = points[name].load()
    if not _is_strategy(found):
        raise StrategyError(f"entry point {name} is not a Strategy", value=str(found))
    return found  # type: ignore[no-any-return]  # checked on the line above


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StrategyError(
            f"cannot import {name}: {error}", value=name, fix="install it, or give file.py:Class"
        ) from error


class _FreshLoader(SourceFileLoader):
    """Compiles the file as it is. Python's cache goes by the second of the change and the size, and would give the old
    program for a file changed twice within one second."""

    def get_code(self, fullname: str) -> CodeType:
        """The program of the file's text."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _module_of_file(path: Path) -> ModuleType:
    """Run a strategy file as a module of its own name, by path and content: two files of one name do not meet, and one
    that was changed is run anew."""
    name = f"_strategy_{path.stem}_{hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path, loader=_FreshLoader(name, str(path)))
    if spec is None or spec.loader is None:
        raise StrategyError(f"{path.name} is not a Python file", value=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        raise StrategyError(
            f"{path.name} line {error.lineno}: {error.msg}", value=(error.text or "").strip(), fix="correct the syntax"
        ) from error
    except (
        ImportError,
        AttributeError,
        NameError,
        TypeError,
        ValueError,
        LookupError,
        OSError,
        RuntimeError,
        ArithmeticError,
        AssertionError,
    ) as error:
        del sys.modules[name]
        raise StrategyError(
            f"{path.name} raises {type(error).__name__} when loaded: {error}", value=str(path)
        ) from error
    return module
