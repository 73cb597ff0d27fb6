"""Proof that no decision of a run looks ahead: it is run again on data that end, or change, at many instants."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tradsys.core.errors import ResourceError, StrategyError
from tradsys.engine import settings as layered
from tradsys.engine.data import Loaded, load_data
from tradsys.engine.instruments import build_instrument, sections_of
from tradsys.engine.settings import Settings
from tradsys.engine.verify_child import FOREVER, Difference, Job, Line, Report
from tradsys.engine.verify_copies import Kind, gather
from tradsys.engine.verify_instants import begin_of, choose
from tradsys.engine.verify_workers import Workers

AGAIN = 2
"""How often a run is repeated alone before the kernel's word counts that it, and no other process, opened a file."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One guilty decision. `kind` says what showed it: `copied`, `cut`, `poisoned` or `opened`, on copies up to which
    `instant` (None: complete ones)."""

    at: int
    strategy: str | None
    instrument: str | None
    full: Any
    cut: Any
    kind: str
    instant: int | None
    why: str


def verify(
    config: Path,
    *,
    flags: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, object]:
    """Run `config` on copies of its data files cut and poisoned at 20 or more instants, and compare decisions.

    Returns `verified`, `instants` (how many), `first`: None, or the earliest decision that differs, with its time
    `at` (UTC nanoseconds), `strategy`, `instrument`, the decision in the `full` run and in the `cut` one (None where
    there was none), `kind`, `instant` and `why`; `findings` counts the runs that showed something and `not_cut` the
    instants at which the data were too short to be read, so that they were only poisoned.
    `progress` is given instants done and instants in all.

    Raises the `InputRefused` family for what cannot be run, `ResourceError` where there is no room for copies.
    """
    settings = layered.load(config, environment=os.environ, flags=flags)
    data = _data(settings)
    with tempfile.TemporaryDirectory(prefix="tradsys-verify-") as name, Workers(Path(name)) as workers:
        folder = Path(name).resolve()
        proof = _Proof(workers, folder, _gathered(settings, folder))
        full = proof.full()
        begin = _begin(data)
        instants = choose(data, [(line.at, line.strategy, line.event) for line in full.lines])
        jobs = [proof.job("copied", FOREVER), *_jobs(proof, instants, data)]
        reports = workers.do(jobs, done=lambda done: progress(done * len(instants) // len(jobs), len(instants)))
        runs = list(zip(jobs, reports, strict=True))
        unreadable = list(_unreadable(runs))
        findings = [
            *(found for job, report in runs for found in _findings(job, report, full, begin=begin)),
            *proof.opened_unseen(runs, full, begin=begin),
        ]
    findings = [found for found in findings if not (found.kind == "cut" and found.instant in unreadable)]
    return _result(findings, instants=len(instants), not_cut=len(unreadable) + len(instants) - _cuts(jobs))


def _gathered(settings: Settings, folder: Path) -> Path:
    """The file that says what runs on copies are made of."""
    place = folder / "material.json"
    try:
        place.write_bytes(msgspec.json.encode(gather(settings, folder=folder, search=sys.path)))
    except OSError as problem:
        raise ResourceError(
            f"no room for copies of the data: {problem}", value=str(folder), fix="free space, or set TMPDIR"
        ) from problem
    return place


def _data(settings: Settings) -> Loaded:
    currency = settings.run.run.currency
    return load_data(
        settings, {each.id: build_instrument(each, currency=currency) for each in sections_of(settings.run)}
    )


def _begin(data: Loaded) -> int:
    """When anything is known that is traded on."""
    return min(begin_of(data, name) for name in data.series)


def _cuts(jobs: Iterable[Job]) -> int:
    return sum(job.kind == "cut" for job in jobs)


def _unreadable(runs: Sequence[tuple[Job, Report]]) -> Iterator[int]:
    """Instants whose cut data are too short to start a run on: refused as data, or failing where later cuts do not.

    An author's function may need more rows than an early cut has; one that misses later rows fails at every cut.
    """
    cuts = [(job.at, report) for job, report in runs if job.kind == "cut"]
    started = max((at for at, report in cuts if not report.error), default=0)
    for at, report in cuts:
        if report.refused_data or (report.error and at < started):
            yield at


def _jobs(proof: _Proof, instants: Sequence[int], data: Loaded) -> Iterator[Job]:
    """Before every instrument has begun to trade there is nothing to cut: such instants are poisoned only."""
    ready = max(begin_of(data, name) for name in data.series)
    for at in instants:
        if at >= ready:
            yield proof.job("cut", at)
        yield proof.job("poisoned", at)


class _Proof:
    """Makes the jobs of one proof and judges their reports."""

    def __init__(self, workers: Workers, folder: Path, material: Path) -> None:
        self._workers = workers
        self._folder = folder
        self._material = material
        self._full = folder / "full"
        self._made = 0

    def job(self, kind: Kind, at: int) -> Job:
        self._made += 1
        folder = str(self._folder / f"run{self._made}")
        return Job(kind=kind, at=at, folder=folder, material=str(self._material), full=str(self._full))

    def full(self) -> Report:
        """The run as it is. Raises `StrategyError` where it does not come to its end."""
        (report,) = self._workers.do([self.job("plain", FOREVER)], done=lambda done: None)
        if report.error:
            raise StrategyError(f"the run itself fails: {report.error}", value=report.error, fix="correct it first")
        self._full.write_bytes(msgspec.json.encode(report))
        return report

    def opened_unseen(self, runs: Sequence[tuple[Job, Report]], full: Report, *, begin: int) -> Iterator[Finding]:
        """Files that the kernel saw being opened and Python did not.

        The kernel does not say by which process; when it is so again in every repetition, it was the strategy.
        """
        for job, report in runs:
            if report.seen and not report.reached:
                again = self._workers.do([self.job(job.kind, job.at) for _ in range(AGAIN)], done=lambda done: None)
                if all(each.seen for each in again):
                    why = f"it opens {', '.join(report.seen)} beside the copies, by a way that Python does not see"
                    yield _finding(job, at=begin, strategy=_only(full), kind="opened", why=why)
                    return


def _instant(job: Job) -> int | None:
    return None if job.at == FOREVER else job.at


def _findings(job: Job, report: Report, full: Report, *, begin: int) -> Iterator[Finding]:
    """What the decisions of one run on copies, and what its strategies opened, show."""
    for each in report.reached:
        why = f"its code opens {each.what}, which is no copy of the run's data that could be cut"
        yield _finding(job, at=each.at or begin, strategy=each.strategy or _only(full), kind="opened", why=why)
    if report.error:
        why = f"the run fails on these copies: {report.error}"
        yield _finding(job, at=min(begin, job.at), strategy=_only(full), kind=job.kind, why=why)
    elif report.difference is not None:
        yield _differs(job, report.difference)


def _finding(job: Job, *, at: int, strategy: str | None, kind: str, why: str) -> Finding:
    return Finding(
        at=at, strategy=strategy, instrument=None, full=None, cut=None, kind=kind, instant=_instant(job), why=why
    )


def _differs(job: Job, difference: Difference) -> Finding:
    here, there = difference.full, difference.part
    known = [line for line in (here, there) if line is not None]
    at = min(line.at for line in known)
    # A line that comes later than the other one is not its counterpart: the other run had nothing at that time.
    first = next(line for line in known if line.at == at)
    return Finding(
        at=at,
        strategy=first.strategy or None,
        instrument=first.instrument or None,
        full=_body(here, at),
        cut=_body(there, at),
        kind=job.kind,
        instant=_instant(job),
        why=_WHY[job.kind],
    )


_WHY = {
    "copied": "the decision differs on complete copies of the data: it rests on something else than them",
    "cut": "the decision differs when the data end at the instant: it rests on later prices",
    "poisoned": "the decision differs when prices after the instant change: it rests on them",
}


def _body(line: Line | None, at: int) -> Any:
    return msgspec.json.decode(line.body) if line is not None and line.at == at else None


def _only(full: Report) -> str | None:
    """The strategy, where only one decides anything."""
    names = {line.strategy for line in full.lines if line.strategy}
    return names.pop() if len(names) == 1 else None


_TELLING = ("opened", "copied", "cut", "poisoned")
"""Of findings at one time the first that says most: what differs on complete copies differs on all others, too."""


def _result(findings: Sequence[Finding], *, instants: int, not_cut: int) -> dict[str, object]:
    first = min(findings, key=lambda each: (each.at, _TELLING.index(each.kind), each.instant or 0), default=None)
    return {
        "verified": first is None,
        "instants": instants,
        "first": None if first is None else msgspec.to_builtins(first),
        "findings": len(findings),
        "not_cut": not_cut,
    }
