"""The process that runs on copies happen in: `python -m tradsys.engine.verify_child`.

It reads names of job files from standard input and answers each with a line on standard output, when the job's own
process has ended. That process is a fork of this one, which has the engine in memory and has never seen a strategy; so
nothing that a strategy keeps survives its run. Where there is no fork, this process ends after one job.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import msgspec
import numpy as np

from tradsys.core.errors import InputRefused, TradSysError
from tradsys.core.events import Approved, Entry, Halted
from tradsys.engine import verify_watch
from tradsys.engine.assemble import Prepared, prepare
from tradsys.engine.data import load_data
from tradsys.engine.instruments import build_instrument, sections_of
from tradsys.engine.settings import Settings
from tradsys.engine.verify_copies import Kind, Material, lay_out, mirrored, settings_of
from tradsys.numerics.indicators import SMA

FOREVER = 2**63 - 1


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run: on which copies, up to which instant (UTC nanoseconds), in which folder; `full` is the file that the
    plain run's report is in."""

    kind: Kind
    at: int
    folder: str
    material: str
    full: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the decision log: when, whose, of what, and the whole of it as JSON."""

    at: int
    strategy: str
    instrument: str
    event: str
    body: str


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """Something a strategy opened besides its data: what, whose code did, and how far the run was (0: at its start)."""

    what: str
    strategy: str
    at: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where two logs part: the next line of the full run's and of the other one's; None where one has ended."""

    full: Line | None
    part: Line | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to: the plain run its log, others where theirs parts from it.

    `seen` are data files that the kernel saw being opened, by whatever process; `broken` says why nothing could be run.
    """

    lines: list[Line] = []
    difference: Difference | None = None
    broken: str = ""
    reached: list[Reached] = []
    seen: list[str] = []
    error: str = ""
    refused_data: bool = False


def run(job: Job) -> Report:
    """Do one job in this process, which is spoilt for another one afterwards."""
    folder = Path(job.folder)
    material = msgspec.json.decode(Path(job.material).read_bytes(), type=Material)
    if job.kind == "plain":
        os.chdir(material.current)
        sys.path[:] = material.search
        return _report(settings_of(material.run, Path(material.config)), job, _Reaching())
    try:
        settings = lay_out(material, folder, kind=job.kind, at=job.at)
    except OSError as problem:
        return Report(broken=str(problem))
    os.chdir(mirrored(material.current, folder))
    sys.path[:] = [_moved(entry, folder) for entry in material.search]
    authors = [os.path.dirname(mirrored(path, folder)) for path, _ in material.scripts] + material.packages
    watch, reaching = verify_watch.Folders(material.watched), _Reaching()
    verify_watch.listen(own=str(folder), authors=authors, report=reaching.note)
    report = _report(settings, job, reaching)
    return msgspec.structs.replace(report, seen=watch.opened())


def _moved(entry: str, folder: Path) -> str:
    there = mirrored(os.path.abspath(entry), folder)
    return str(there) if there.is_dir() and any(there.glob("**/*.py")) else entry


class _Reaching:
    """What strategies reached for, each thing once, and when."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], int] = {}
        self.prepared: Prepared | None = None

    def note(self, what: str, author: str) -> None:
        """What `verify_watch.listen` reports to."""
        self.found.setdefault((what, author), 0 if self.prepared is None else last_known(self.prepared))

    def all(self) -> list[Reached]:
        """Everything, with the strategy whose file it was."""
        runners = [] if self.prepared is None else self.prepared.engine.runners
        owners = {sys.modules[type(each.strategy).__module__].__file__: each.id for each in runners}
        return [Reached(what=what, strategy=owners.get(author, ""), at=at) for (what, author), at in self.found.items()]


def last_known(prepared: Prepared) -> int:
    """When the newest bar, trade or tick processed was known; 0 before the first."""
    markets = prepared.engine.markets.values()
    events = [each for market in markets for each in (market.bar, market.tick) if each is not None]
    return max([*(each.at for each in events), *(market.seen_at for market in markets)], default=0)


def _report(settings: Settings, job: Job, reaching: _Reaching) -> Report:
    lines: list[Line] = []
    error, refused_data, until = "", False, job.at
    try:
        prepared = reaching.prepared = prepare(settings)
        prepared.backtest.run(progress=lambda done: None, stop=lambda: last_known(prepared) > job.at)
        until = _covered(prepared, job)
        lines = _lines(prepared.backtest.log, until, job.folder)
    except TradSysError as problem:
        error = str(problem).replace(job.folder, "")
        refused_data = not _loads(settings)
    if job.kind == "plain":
        return Report(lines=lines, error=error)
    full = msgspec.json.decode(Path(job.full).read_bytes(), type=Report).lines
    difference = None if error else compare(full=[line for line in full if line.at <= until], part=lines)
    return Report(difference=difference, reached=reaching.all(), error=error, refused_data=refused_data)


def _covered(prepared: Prepared, job: Job) -> int:
    """Up to when a run speaks for the full one: records end with the last bar, and after that one a cut run may have
    had quotes alone, of which there is no further bar."""
    if job.kind != "cut":
        return job.at
    return min(job.at, max(int(series.at[-1]) for series in prepared.data.series.values()))


def compare(*, full: Sequence[Line], part: Sequence[Line]) -> Difference | None:
    """Where two logs part, if they do."""
    for here, there in zip_longest(full, part):
        if here != there:
            return Difference(full=here, part=there)
    return None


def _loads(settings: Settings) -> bool:
    """Whether it is not the data, but what is made of them, that is refused."""
    currency = settings.run.run.currency
    try:
        load_data(settings, {each.id: build_instrument(each, currency=currency) for each in sections_of(settings.run)})
    except InputRefused:
        return False
    return True


def _lines(log: list[Entry], until: int, folder: str) -> list[Line]:
    instruments = {
        entry.body.order_id: entry.body.order.instrument for entry in log if isinstance(entry.body, Approved)
    }
    return [_line(entry, instruments, folder) for entry in log if entry.at <= until]


def _line(entry: Entry, instruments: dict[int, str], folder: str) -> Line:
    body = entry.body
    if isinstance(body, Halted):
        body = msgspec.structs.replace(
            body, error=body.error.replace(folder, ""), traceback=body.traceback.replace(folder, "")
        )
    order = getattr(body, "order", None)
    instrument = getattr(order if order is not None else body, "instrument", "")
    return Line(
        at=entry.at,
        strategy=entry.strategy,
        instrument=instrument or instruments.get(getattr(body, "order_id", 0), ""),
        event=type(body).__name__,
        body=msgspec.json.encode(body).decode(),
    )


def main() -> None:
    """Do jobs until there are no more."""
    _warm_up()
    for name in sys.stdin:
        alone = not hasattr(os, "fork")
        print_to = sys.stdout.fileno()
        code = _work(name.strip()) if alone else _forked(name.strip())
        os.write(print_to, f"{code}\n".encode())
        if alone:
            break


def _warm_up() -> None:
    """Bring in once what every run would load again: readers, and the compiler with one kernel."""
    for name in ("tradsys.market.readers", "tradsys.numerics.kernels"):
        for module in pkgutil.iter_modules(importlib.import_module(name).__path__):
            importlib.import_module(f"{name}.{module.name}")
    SMA(2).batch(np.ones((5, 4)))


def _forked(name: str) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    log = os.open(f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 1
    try:
        code = _work(name)
    finally:
        if code:
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        os._exit(code)


def _work(name: str) -> int:
    job = msgspec.json.decode(Path(f"{name}.json").read_bytes(), type=Job)
    Path(f"{name}.result").write_bytes(msgspec.json.encode(run(job)))
    return 0


if __name__ == "__main__":
    main()
