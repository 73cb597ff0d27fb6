"""Very many seeds over all cores: resumable, with what they were like and a line for each that failed."""

from __future__ import annotations

import math
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tests.simulation.cases import again, attempt, case_of, code_hash, commit, line
from tests.simulation.recording import record
from tests.simulation.shrinking import shrunk

CHUNK = 50
CAMPAIGNS = Path(__file__).with_name("campaigns.json")
SHRUNK = 3
"""So many failures are shrunk at the end, each of another law."""
MEASURES = ("events", "orders", "faults", "trades", "restarts", "records")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A seed that broke a law, its line, and the command that shows it."""

    seed: int
    law: str
    line: str
    again: str


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What became of seeds `first` and after: one number for each of them and measure, faults by kind, failures."""

    first: int
    measures: dict[str, list[int]]
    kinds: dict[str, int]
    failures: list[Failure]


def run_chunk(job: tuple[int, int]) -> Chunk:
    """Run seeds: first and how many."""
    first, count = job
    measures: dict[str, list[int]] = {name: [] for name in MEASURES}
    kinds: Counter[str] = Counter()
    failures = []
    for seed in range(first, first + count):
        case = case_of(seed)
        report = attempt(case)
        kinds.update(report.kinds)
        for name, found in measures.items():
            found.append(getattr(report, name))
        if report.law:
            failures.append(Failure(seed=seed, law=report.law, line=line(case, report), again=again(case)))
    return Chunk(first=first, measures=measures, kinds=dict(kinds), failures=failures)


# --- all of them


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """So many seeds from `first` on were run over the code of a commit."""

    commit: str
    first: int
    seeds: int
    failures: int


def entered(campaign: Campaign, *, book: Path) -> list[Campaign]:
    """All campaigns, with this one in the place of what it had done before."""
    rows = msgspec.json.decode(book.read_bytes(), type=list[Campaign]) if book.exists() else []
    same = [each for each in rows if (each.commit, each.first) == (campaign.commit, campaign.first)]
    rows = [*(each for each in rows if each not in same), campaign]
    book.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    return rows


def counted(campaigns: list[Campaign]) -> list[str]:
    """All campaigns as a table, with their sum."""
    seeds, failures = (sum(getattr(each, name) for each in campaigns) for name in ("seeds", "failures"))
    rows = [f"| {each.commit} | {each.first:,} | {each.seeds:,} | {each.failures:,} |" for each in campaigns]
    head = ["| commit | first seed | seeds | failures |", "|---|---:|---:|---:|"]
    return [*head, *rows, f"| all | | {seeds:,} | {failures:,} |"]


# --- progress


def progress_file(*, first: int, seeds: int) -> Path:
    """Where a campaign over the code as it is keeps what it has done."""
    folder = Path(tempfile.gettempdir()) / f"tradsys-simulation-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{code_hash()[:16]}-{first}-{seeds}.jsonl"


def done_before(path: Path) -> dict[int, Chunk]:
    """Chunks of an earlier attempt, by their first seed; a line that was cut off is run again."""
    found = {}
    for row in path.read_bytes().splitlines() if path.exists() else ():
        try:
            chunk = msgspec.json.decode(row, type=Chunk)
        except msgspec.DecodeError:
            continue
        found[chunk.first] = chunk
    return found


def campaign(
    *, first: int, seeds: int, workers: int, write: bool = False, minutes: float = math.inf, book: Path = CAMPAIGNS
) -> int:
    """Run what is left of it, for so many minutes at most, and say what all of it was like; `write` it into the
    document and the `book` of campaigns too. Begun again, it goes on.

    Returns the exit code, 1 for a failure.
    """
    path, begun = progress_file(first=first, seeds=seeds), commit()
    done = done_before(path)
    jobs = [
        (start, min(CHUNK, first + seeds - start)) for start in range(first, first + seeds, CHUNK) if start not in done
    ]
    if done:
        print(f"{len(done) * CHUNK:,} seeds were done before: {path}")
    with path.open("ab") as file:
        found = until(_chunks(jobs, workers), minutes=minutes)
        for chunk in _followed(found, before=len(done), total=len(done) + len(jobs)):
            file.write(msgspec.json.encode(chunk) + b"\n")
            file.flush()
            done[chunk.first] = chunk
    chunks = list(done.values())
    if write:
        this = Campaign(
            commit=begun,
            first=first,
            seeds=sum(len(chunk.measures["events"]) for chunk in chunks),
            failures=sum(len(chunk.failures) for chunk in chunks),
        )
        record("campaign", lines=[*counted(entered(this, book=book)), "", f"At commit {begun}:", "", *shown(chunks)])
    print("", *shown(chunks), sep="\n")
    return _tell_failures([failure for chunk in chunks for failure in chunk.failures])


def _chunks(jobs: list[tuple[int, int]], workers: int) -> Iterator[Chunk]:
    if workers == 1:
        yield from map(run_chunk, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(run_chunk, jobs)


def until(chunks: Iterator[Chunk], *, minutes: float) -> Iterator[Chunk]:
    """As many of them as come in so many minutes, but one at least."""
    end = time.perf_counter() + minutes * 60
    for chunk in chunks:
        yield chunk
        if time.perf_counter() > end:
            return


def _followed(chunks: Iterable[Chunk], *, before: int, total: int) -> Iterator[Chunk]:
    """One line that says how far it is; on a terminal it stays in its place."""
    started, end = time.perf_counter(), "\r" if sys.stdout.isatty() else "\n"
    shown = 0.0
    for count, chunk in enumerate(chunks, 1):
        yield chunk
        spent = time.perf_counter() - started
        for failure in chunk.failures:
            print(f"{failure.line}\n  {failure.again}", flush=True)
        if spent - shown > (1 if end == "\r" else 30) or before + count == total:
            shown = spent
            rate = count * CHUNK / spent
            left = (total - before - count) * CHUNK / rate / 60
            share = (before + count) / total
            print(f"{share:6.1%}  {rate:.1f} seeds/s  {left:.0f} min left ", end=end, flush=True)


# --- what they were like


def shown(chunks: list[Chunk]) -> list[str]:
    """The sizes of the seeds, how many failed, and the faults by kind, as lines of two tables."""
    count = sum(len(chunk.measures["events"]) for chunk in chunks)
    failed = sum(len(chunk.failures) for chunk in chunks)
    lines = [f"{count:,} seeds, {failed:,} failures", "", "| in a seed | median | least | most | in all |"]
    lines.append("|---|---:|---:|---:|---:|")
    for name in MEASURES:
        found = [number for chunk in chunks for number in chunk.measures[name]]
        lines.append(f"| {name} | {statistics.median(found):,.0f} | {min(found):,} | {max(found):,} | {sum(found):,} |")
    kinds: Counter[str] = Counter()
    for chunk in chunks:
        kinds.update(chunk.kinds)
    faults = [(kind.removeprefix("fault ").replace("_", " "), times) for kind, times in sorted(kinds.items())]
    return [*lines, "", "| fault | times |", "|---|---:|", *(f"| {kind} | {times:,} |" for kind, times in faults)]


def _tell_failures(failures: list[Failure]) -> int:
    """The lines of those that failed, the first of each law shrunk. Returns the exit code."""
    laws: dict[str, Failure] = {}
    for failure in failures:
        laws.setdefault(failure.law, failure)
        print(f"{failure.line}\n  {failure.again}")
    for failure in list(laws.values())[:SHRUNK]:
        small = shrunk(msgspec.structs.replace(case_of(failure.seed), law=failure.law))
        print(f"shrunk: {line(small, attempt(small))}\n  {again(small)}")
    return 1 if failures else 0
