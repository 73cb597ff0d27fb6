"""Proof that no decision of a run looks ahead: it is run again on data that end, or change, at many instants."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tradsys.core.errors import StrategyError
from tradsys.engine import settings as layered
from tradsys.engine.data import Loaded, load_data
from tradsys.engine.instruments import build_instrument, sections_of
from tradsys.engine.settings import Settings
from tradsys.engine.verify_child import FOREVER, Job, Line, Report
from tradsys.engine.verify_copies import Kind, gather
from tradsys.engine.verify_instants import choose
from tradsys.engine.verify_workers import Workers

AGAIN = 2
"""How often a run is repeated alone before the kernel's word counts that it, and no other process, opened a file."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One guilty decision. `kind` says what showed it: `copied`, `cut`, `poisoned` or `opened`, on copies up to which
    `instant` (2**63 - 1: complete ones)."""

    at: int
    strategy: str | None
    instrument: str | None
    full: Any
    cut: Any
    kind: str
    instant: int
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
    `progress` is given instants done and instants in all. Raises the `InputRefused` family for what cannot be run.
    """
    settings = layered.load(config, environment=os.environ, flags=flags)
    data = _data(settings)
    with tempfile.TemporaryDirectory(prefix="tradsys-verify-") as name, Workers(Path(name)) as workers:
        folder = Path(name).resolve()
        material = gather(settings, folder=folder, search=sys.path)
        place = folder / "material.json"
        place.write_bytes(msgspec.json.encode(material))
        proof = _Proof(workers, folder, place)
        full = proof.full()
        begin = _begin(data)
        instants = choose(data, [(line.at, line.strategy, line.event) for line in full.lines])
        jobs = [proof.job("copied", FOREVER), *_jobs(proof, instants, data)]
        reports = workers.do(jobs, done=lambda done: progress(done * len(instants) // len(jobs), len(instants)))
        findings = [
            found
            for job, report in zip(jobs, reports, strict=True)
            for found in proof.findings(job, report, full, begin=begin)
        ]
    skipped = sum(job.kind == "cut" and report.refused_data for job, report in zip(jobs, reports, strict=True))
    return _result(findings, instants=len(instants), not_cut=skipped + len(instants) - _kinds(jobs, "cut"))


def _data(settings: Settings) -> Loaded:
    currency = settings.run.run.currency
    return load_data(
        settings, {each.id: build_instrument(each, currency=currency) for each in sections_of(settings.run)}
    )


def _begin(data: Loaded) -> int:
    """When the first tradable bar is known."""
    return min(int(s.at[data.first[name]]) for name, s in data.series.items() if data.first[name] < len(s))


def _kinds(jobs: Iterable[Job], kind: Kind) -> int:
    return sum(job.kind == kind for job in jobs)


def _jobs(proof: _Proof, instants: Sequence[int], data: Loaded) -> Iterator[Job]:
    """Before every instrument has begun to trade there is nothing to cut: such instants are poisoned only."""
    ready = max(int(s.at[min(data.first[name], len(s) - 1)]) for name, s in data.series.items())
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
        self._made = 0

    def job(self, kind: Kind, at: int) -> Job:
        self._made += 1
        return Job(kind=kind, at=at, folder=str(self._folder / f"run{self._made}"), material=str(self._material))

    def full(self) -> Report:
        """The run as it is. Raises `StrategyError` where it does not come to its end."""
        (report,) = self._workers.do([self.job("plain", FOREVER)], done=lambda done: None)
        if report.error:
            raise StrategyError(f"the run itself fails: {report.error}", value=report.error, fix="correct it first")
        return report

    def findings(self, job: Job, report: Report, full: Report, *, begin: int) -> Iterator[Finding]:
        """What one run on copies shows."""
        for each in report.reached:
            why = f"its code opens {each.what}, which is no copy of the run's data that could be cut"
            yield _finding(job, at=each.at or begin, strategy=each.strategy or _only(full), kind="opened", why=why)
        if report.seen and not report.reached and self._seen_again(job):
            why = f"{', '.join(report.seen)} is opened beside the copies, by a way that Python does not see"
            yield _finding(job, at=begin, strategy=_only(full), kind="opened", why=why)
        if report.error and not report.refused_data:
            why = f"the run fails: {report.error}"
            yield _finding(job, at=min(begin, job.at), strategy=_only(full), kind=job.kind, why=why)
        elif not report.refused_data:
            yield from _difference(job, full.lines, report.lines)

    def _seen_again(self, job: Job) -> bool:
        """The kernel does not say which process opened a file; one that does so in every repetition is ours."""
        for _ in range(AGAIN):
            (report,) = self._workers.do([self.job(job.kind, job.at)], done=lambda done: None)
            if not report.seen:
                return False
        return True


def _finding(job: Job, *, at: int, strategy: str | None, kind: str, why: str) -> Finding:
    return Finding(at=at, strategy=strategy, instrument=None, full=None, cut=None, kind=kind, instant=job.at, why=why)


def _difference(job: Job, full: Sequence[Line], part: Sequence[Line]) -> Iterator[Finding]:
    """The first line that one of two logs has and the other has not, among those up to the instant."""
    expected = [line for line in full if line.at <= job.at]
    for index in range(max(len(expected), len(part))):
        here = expected[index] if index < len(expected) else None
        there = part[index] if index < len(part) else None
        if here != there:
            yield _differs(job, here, there)
            return


def _differs(job: Job, here: Line | None, there: Line | None) -> Finding:
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
        instant=job.at,
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


def _result(findings: Sequence[Finding], *, instants: int, not_cut: int) -> dict[str, object]:
    first = min(findings, key=lambda each: (each.at, each.instant), default=None)
    return {
        "verified": first is None,
        "instants": instants,
        "first": None if first is None else msgspec.to_builtins(first),
        "findings": len(findings),
        "not_cut": not_cut,
    }
