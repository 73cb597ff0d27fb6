"""A run on copies: every file it needs, mirrored under a folder of its own and cut or poisoned at an instant.

The copy of `/a/b/bars.csv` is `FOLDER/a/b/bars.csv`: relative paths, and paths that start from a strategy's own
`__file__`, lead to copies as well.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import MissingData
from tradsys.engine import verify_records
from tradsys.engine.data import zone_of
from tradsys.engine.instruments import build_instrument, calendar_of, sections_of
from tradsys.engine.paths import find_path
from tradsys.engine.run_file import FACT_FILES, DataSection, InstrumentSection, RulesSection, RunFile
from tradsys.engine.settings import Settings
from tradsys.engine.verify_files import Rows, decode, row_times
from tradsys.market import files, partitions
from tradsys.market.readers import format_of
from tradsys.reference.calendar import Calendar
from tradsys.strategies.discovery import GROUP, find_file

Kind = Literal["plain", "copied", "cut", "poisoned"]
"""`plain`: the run as it is. `copied`: on complete copies. `cut`, `poisoned`: on copies that end or differ after an
instant."""

DEEPEST = 4096
"""Folders of a store that are watched at most."""


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """A data file of the run: where it lies, an untouched copy of it, and the file of its rows' times (.npy).

    `step` is that of prices in a recorded file, in its own units; None for a file of bars."""

    path: str
    copy: str
    times: str
    format: str
    step: float | None = None


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What runs on copies are made of. Paths are absolute, also those in `run`; `scripts` are (path, copy)."""

    run: RunFile
    config: str
    current: str
    data: list[Original]
    scripts: list[tuple[str, str]]
    packages: list[str]
    watched: list[str]
    search: list[str]


def gather(settings: Settings, *, folder: Path, search: Sequence[str]) -> Material:
    """Copy what a run reads into `folder` and time every row.

    Raises as loading the data and finding the strategies do.
    """
    run = absolute(settings)
    sources = [Path(each.use.rpartition(":")[0]) for each in run.strategies if ".py:" in each.use]
    scripts = list(dict.fromkeys([*(path for source in sources for path in _modules(source)), *_announced(run)]))
    data = list(_recordings(run, folder) if run.execution.venue == "exchange" else _originals(run, folder))
    parents = [os.path.dirname(each.path) for each in data] + [str(source.parent) for source in sources]
    return Material(
        run=run,
        config=str(settings.folder / settings.path.name),
        current=os.getcwd(),
        data=data,
        scripts=[(path, _copied(path, folder)) for path in scripts],
        packages=list(_packages(run)),
        watched=list(dict.fromkeys([*parents, str(settings.folder), os.getcwd(), *_stores(data)])),
        search=list(search),
    )


def _announced(run: RunFile) -> Iterator[str]:
    """Files of corporate actions, funding rates, rates of currencies and facts for rules, of which nothing is cut."""
    if run.data.corporate_actions not in (None, "reference"):
        yield str(run.data.corporate_actions)
    if run.data.rates is not None:
        yield run.data.rates
    yield from (each.funding for each in sections_of(run) if each.funding is not None)
    facts = run.rules.facts
    yield from (text for key in FACT_FILES if (text := getattr(facts, key, None)) is not None)


def absolute(settings: Settings) -> RunFile:
    """The run with absolute paths, found as the run itself finds them."""
    folder = settings.folder

    def placed(text: str) -> str:
        return os.path.abspath(find_path(text, folder=folder))

    return with_paths(settings.run, data=placed, strategy=lambda place: str(find_file(place, folder=folder)))


def with_paths(run: RunFile, *, data: Callable[[str], str], strategy: Callable[[str], str]) -> RunFile:
    """The run with every path of data and of strategies changed."""
    section, actions = run.data, run.data.corporate_actions
    path = data(section.path) if isinstance(section.path, str) else [data(each) for each in section.path]
    instruments = [each if isinstance(each, str) else _placed(each, data) for each in section.instruments]
    if actions not in (None, "reference"):
        actions = data(str(actions))
    rates = None if section.rates is None else data(section.rates)
    moved = msgspec.structs.replace(section, path=path, instruments=instruments, corporate_actions=actions, rates=rates)
    strategies = [
        msgspec.structs.replace(each, use=f"{strategy(each.use.rpartition(':')[0])}:{each.use.rpartition(':')[2]}")
        if ".py:" in each.use
        else each
        for each in run.strategies
    ]
    return msgspec.structs.replace(run, data=moved, strategies=strategies, rules=_with_facts(run.rules, data))


def _with_facts(rules: RulesSection, data: Callable[[str], str]) -> RulesSection:
    if rules.facts is None:
        return rules
    files = {key: data(text) for key in FACT_FILES if (text := getattr(rules.facts, key)) is not None}
    return msgspec.structs.replace(rules, facts=msgspec.structs.replace(rules.facts, **files))


def _placed(section: InstrumentSection, data: Callable[[str], str]) -> InstrumentSection:
    own = {name: data(path) for name in ("path", "funding") if (path := getattr(section, name)) is not None}
    return msgspec.structs.replace(section, **own)


def _modules(source: Path) -> Iterator[str]:
    """A strategy's file, the Python files beside it, and the packages there."""
    yield str(source)
    for path in sorted(source.parent.glob("*.py")):
        yield str(path)
    for package in sorted(source.parent.glob("*/__init__.py")):
        for path in sorted(package.parent.rglob("*.py")):
            yield str(path)


def _packages(run: RunFile) -> Iterator[str]:
    """Folders of the installed packages that strategies come from; our own is the engine's, not an author's."""
    points = {point.name: point.module for point in entry_points(group=GROUP)}
    for each in run.strategies:
        if ".py:" not in each.use:
            top = points.get(each.use, each.use.partition(":")[0]).partition(".")[0]
            found = None if top == "tradsys" else importlib.util.find_spec(top)
            if found is not None and found.origin:
                yield os.path.dirname(found.origin) if found.submodule_search_locations else found.origin


def _stores(data: Sequence[Original]) -> Iterator[str]:
    """Folders of the stores that partitioned files lie in: other intervals and years show the same prices."""
    roots: dict[Path, None] = {}
    for each in data:
        parts = [parent for parent in Path(each.path).parents if "=" in parent.name]
        if parts:
            roots[parts[-1].parent] = None
    found = (folder for root in roots for folder, _, _ in os.walk(root))
    for _, folder in zip(range(DEEPEST), found, strict=False):
        yield folder


def _originals(run: RunFile, folder: Path) -> Iterator[Original]:
    """Every data file of the run, copied and timed."""
    shape = format_of(run.data.format)
    done: dict[str, None] = {}
    for section in sections_of(run):
        calendar = calendar_of(build_instrument(section, currency=run.run.currency))
        for file in files.find(section.path or run.data.path, suffixes=shape.suffixes):
            path = os.path.abspath(file)
            if path not in done and partitions.wanted(file, interval=run.data.interval, instruments=None):
                done[path] = None
                yield _timed(path, run.data, calendar, folder, number=len(done))


def _timed(path: str, data: DataSection, calendar: Calendar, folder: Path, *, number: int) -> Original:
    copy = _copied(path, folder)
    at = row_times(
        Path(copy).read_bytes(),
        path=Path(path),
        format=data.format,
        interval=data.interval,
        label=data.label,
        timezone=data.timezone,
        date_order=data.date_order,
        calendar=calendar,
    )
    return Original(path=path, copy=copy, times=_saved(at, folder, number), format=data.format)


def _recordings(run: RunFile, folder: Path) -> Iterator[Original]:
    """Every recorded file of the run, copied and timed."""
    instruments = {each.id: build_instrument(each, currency=run.run.currency) for each in sections_of(run)}
    zone = zone_of(run.data, instruments)
    found = {
        os.path.abspath(file): (format, verify_records.step_of(instruments[section.id], format=format))
        for section in sections_of(run)
        for file, format in verify_records.files_of(Path(str(section.path or run.data.path)), format=run.data.format)
    }
    copies = {path: _copied(path, folder) for path in found}
    for number, (path, (format, step)) in enumerate(found.items()):
        at = verify_records.row_times(Path(copies[path]), format=format, timezone=run.data.timezone, zone=zone)
        times = _saved(at, folder, number)
        yield Original(path=path, copy=copies[path], times=times, format=format, step=step)


def _saved(times: NDArray[np.int64], folder: Path, number: int) -> str:
    place = str(folder / f"{number}.npy")
    np.save(place, times)
    return place


def _copied(path: str, folder: Path) -> str:
    copy = mirrored(path, folder / "originals")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, copy)
    return str(copy)


def mirrored(path: str, folder: Path) -> Path:
    """Where the copy of an absolute path lies under a folder."""
    return folder / os.path.splitdrive(path)[1].lstrip("/\\")


def lay_out(material: Material, folder: Path, *, kind: Kind, at: int) -> Settings:
    """Build the copies for one run under `folder` and give the run that reads them.

    Files that hold nothing yet at the instant are not there in a cut run.
    """
    for original in material.data:
        _lay(original, mirrored(original.path, folder), kind=kind, at=at)
    for path, copy in material.scripts:
        _link(copy, mirrored(path, folder))
    mirrored(material.current, folder).mkdir(parents=True, exist_ok=True)
    config = mirrored(material.config, folder)
    config.parent.mkdir(parents=True, exist_ok=True)
    run = with_paths(
        material.run,
        data=lambda path: str(mirrored(path, folder)),
        strategy=lambda path: str(mirrored(path, folder)),
    )
    return settings_of(_until_the_cut(run) if kind == "cut" else run, config)


def settings_of(run: RunFile, config: Path) -> Settings:
    """A run as settings, its layers already merged."""
    return Settings(values={}, run=run, path=config, folder=config.parent)


def _until_the_cut(run: RunFile) -> RunFile:
    """Data that end earlier do not cover `run.to`, and a list of files may name some that are not there yet."""
    path = run.data.path if isinstance(run.data.path, str) else [each for each in run.data.path if _found(each)]
    data = msgspec.structs.replace(run.data, path=path)
    return msgspec.structs.replace(run, data=data, run=msgspec.structs.replace(run.run, to=None))


def _found(path: str) -> bool:
    try:
        return bool(files.find(path, suffixes=("",)))
    except MissingData:
        return False


def _lay(original: Original, place: Path, *, kind: Kind, at: int) -> None:
    after = np.load(original.times) > at
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "copied" or not after.any():
        _link(original.copy, place)
    elif kind == "poisoned":
        place.write_bytes(_rows(original).poisoned(after).encode())
    elif not after.all():
        place.write_bytes(_rows(original).kept(np.flatnonzero(~after)).encode())


def _rows(original: Original) -> Rows:
    content = Path(original.copy).read_bytes()
    if original.step is not None:
        return verify_records.decode(content, format=original.format, step=original.step)
    return decode(content, format=original.format, name=os.path.basename(original.path))


def _link(copy: str, place: Path) -> None:
    """A hard link where the file system has them: the file is only read."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(copy, place)
    except OSError:
        shutil.copyfile(copy, place)
