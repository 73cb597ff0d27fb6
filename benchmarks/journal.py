"""The journal on a real disk: durable records, what a restart takes, and the tables made from it.

`latency_ns` are those of single durable appends; `queries_ms` percentiles of questions asked of 100,000 orders. The
PostgreSQL of `$TRADSYS_TEST_POSTGRES` takes part where it answers.
"""

from __future__ import annotations

import datetime
import functools
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.journal_run import MANY_ROWS, PAYLOAD, records_of_orders, tag_of
from benchmarks.peers import ROOT
from tradsys.core.errors import ResourceError
from tradsys.core.orders import OrderState
from tradsys.journal import FolderDisk, open_journal, snapshots
from tradsys.journal.port import JournalPort
from tradsys.journal.read_model import ReadModel
from tradsys.journal.reading import Position, Reader
from tradsys.journal.sqlite import ProjectionStore

RECORDS = 1_000_000
TAIL = 10_000
SINGLE = 4_000
GROUP = 64
ORDERS = 5_000
IN_SERVER = 100_000
ROWS = 100_000
ASKED = 400
SERVER = os.environ.get("TRADSYS_TEST_POSTGRES", "host=127.0.0.1 dbname=test connect_timeout=3")
IN_MEMORY = ("tmpfs", "ramfs", "overlay")


def file_system(folder: Path) -> str:
    """Type of the file system that a folder is on."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    found = {point: kind for _, point, kind, *_ in mounts}
    place = folder.resolve()
    return next((found[str(each)] for each in (place, *place.parents) if str(each) in found), "unknown")


def disk_folder() -> Path:
    """A folder on a disk, not in memory, to measure in."""
    candidates = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.home(), ROOT]
    return next((each for each in candidates if each.is_dir() and file_system(each) not in IN_MEMORY), ROOT)


def line(mode: str, n: int, seconds: float, **more: Any) -> None:
    """Print what was measured."""
    measured = {
        "peer": "TradSys",
        "version": version("tradsys"),
        "workload": "journal",
        "mode": mode,
        "n": n,
        "seconds": round(seconds, 4),
        "per_sec": round(n / seconds, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "setup_seconds": 0.0,
        "result": {},
    }
    print(json.dumps(measured | more), flush=True)


def timed(work: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def append(journal: JournalPort, count: int, *, group: int) -> None:
    """So many records, durable in groups."""
    for number in range(count):
        journal.append("entry", PAYLOAD, at=number, recorded_at=number, cause=number - 1)
        if number % group == group - 1:
            journal.commit()
    journal.commit()


def percentiles(taken: list[int]) -> dict[str, float]:
    """p50, p95, p99 and the largest."""
    cuts = statistics.quantiles(taken, n=100)
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": float(max(taken))}


def latencies(journal: JournalPort, count: int) -> list[int]:
    """Nanoseconds of each append that is durable at once, the clock's own taken off."""
    taken, clock = [], clock_ns()
    for number in range(count):
        began = time.perf_counter_ns()
        journal.append("entry", PAYLOAD, at=number, recorded_at=number)
        journal.commit()
        taken.append(time.perf_counter_ns() - began - clock)
    return taken


def clock_ns() -> int:
    """What asking the clock costs at least."""
    return min(-time.perf_counter_ns() + time.perf_counter_ns() for _ in range(1000))


def on_files(folder: Path) -> None:
    """Writing one by one and in groups; then what a restart and a replay of the whole read."""
    where = f"a record has {len(PAYLOAD)} bytes of payload; files on {file_system(folder)}"
    single = open_journal(FolderDisk(folder / "single"))
    taken = latencies(single, SINGLE)
    single.close()
    line("files, one by one", SINGLE, sum(taken) / 1e9, latency_ns=percentiles(taken))

    disk = FolderDisk(folder / "large")
    journal = open_journal(disk)
    seconds = timed(lambda: append(journal, RECORDS, group=GROUP))
    line(f"files, groups of {GROUP}", RECORDS, seconds, note=f"Commits are synced, as far as the disk says; {where}.")
    snapshots.save(disk, journal, bytes(10**6), at=0, recorded_at=0)
    append(journal, TAIL, group=GROUP)
    journal.close()
    seconds = timed(lambda: recover(FolderDisk(folder / "large"), disk))
    note = (
        f"Restart: the newest snapshot (1 MB of state) of a journal of {RECORDS:,} records is read and checked against "
        f"its hash in the journal, then the {TAIL:,} records after it, up to the journal being open for writing; what "
        "the program makes of them is not in it. Replay: every record is read, its checksum and its link verified."
    )
    line("files, restart from a snapshot", TAIL, seconds, restart_s=round(seconds, 4), note=note)
    count = RECORDS + TAIL
    line("files, replay of the whole", count, timed(lambda: sum(1 for _ in Reader(FolderDisk(folder / "large")))))


def recover(disk: FolderDisk, writer: FolderDisk) -> None:
    """What a restart does before its program goes on."""
    writer.unlock()
    snapshot = snapshots.load(disk, snapshots.names(disk)[0])
    open_journal(disk, since=snapshot.position).close()


def journal_of_orders(folder: Path) -> Callable[[Position | None], Reader]:
    """A journal of orders, written."""
    disk = FolderDisk(folder / "orders")
    journal = open_journal(disk)
    for number, (kind, payload) in enumerate(records_of_orders(ORDERS)):
        journal.append(kind, payload, at=number, recorded_at=number, cause=number - 1)
        if journal.waiting == GROUP:
            journal.commit()
    journal.close()
    return lambda since: Reader(disk, since)


def tables(mode: str, model: ReadModel, source: Callable[[Position | None], Reader]) -> None:
    """Making the tables from the journal, with what a question then takes."""
    seconds = timed(lambda: model.catch_up(source))
    line(mode, model.position, seconds, result={"orders": len(model.orders_in(OrderState.FILLED))})


QUESTIONS: dict[str, Callable[[ReadModel, int], Any]] = {
    "order by number": lambda model, n: model.order(n),
    "order by tag": lambda model, n: model.order_of(f"tag{n}"),
    "open orders": lambda model, n: model.orders_in(OrderState.OPEN),
    "trades of a day": lambda model, n: model.trades_on(datetime.date(1970, 1, 1) + datetime.timedelta(days=n % 190)),
    "records of an order": lambda model, n: model.history(n),
    "why, 20 causes deep": lambda model, n: model.why(n % 20 + 1),
}


def questions(model: ReadModel) -> dict[str, dict[str, float]]:
    """Milliseconds of each question, asked of rows all over the table."""
    found = {}
    for name, ask in QUESTIONS.items():
        taken = []
        for number in range(ASKED):
            row = number * 7919 % ROWS + 1
            began = time.perf_counter_ns()
            ask(model, row)
            taken.append(time.perf_counter_ns() - began)
        found[name] = {key: value / 1e6 for key, value in percentiles(taken).items()}
    return found


def on_server(source: Callable[[Position | None], Reader]) -> None:
    """The same in PostgreSQL, in a schema of its own that is dropped afterwards."""
    from tradsys.journal.postgres import Database
    from tradsys.journal.postgres_journal import open_postgres_journal
    from tradsys.journal.postgres_tables import PostgresProjections

    try:
        database = Database(SERVER, schema=f"tradsys_bench_{os.getpid()}")
    except ResourceError as reason:
        print(f"no PostgreSQL takes part: {reason}", file=sys.stderr)
        return
    try:
        journal = open_postgres_journal(database)
        taken = latencies(journal, SINGLE // 4)
        line("PostgreSQL, one by one", len(taken), sum(taken) / 1e9, latency_ns=percentiles(taken))
        seconds = timed(lambda: append(journal, IN_SERVER, group=GROUP))
        journal.close()
        line(f"PostgreSQL, groups of {GROUP}", IN_SERVER, seconds)
        model = PostgresProjections(database, tag_of=tag_of)
        tables("PostgreSQL tables from a journal", model, source)
        with database.borrowed() as connection:
            connection.execute("TRUNCATE records, orders, order_records, trades")
            connection.execute(MANY_ROWS.replace(":rows", str(ROWS)))  # type: ignore[arg-type, unused-ignore]
        asked: list[dict[str, Any]] = []
        seconds = timed(lambda: asked.append(questions(model)))
        line("PostgreSQL questions", ASKED * len(QUESTIONS), seconds, queries_ms=asked[0])
    finally:
        with database.borrowed() as connection:
            connection.execute(f'DROP SCHEMA "{database.schema}" CASCADE')  # type: ignore[arg-type, unused-ignore]
        database.close()


def each_part(folder: Path) -> Iterator[Callable[[], None]]:
    """The parts of the workload, in their order."""
    yield functools.partial(on_files, folder)
    source = journal_of_orders(folder)
    store = ProjectionStore(folder / "tables.db", tag_of=tag_of)
    yield functools.partial(tables, "SQLite tables from a journal", store, source)
    yield functools.partial(on_server, source)


def main() -> None:
    """Print a JSON line a measure."""
    with tempfile.TemporaryDirectory(dir=disk_folder()) as folder:
        for part in each_part(Path(folder)):
            part()


if __name__ == "__main__":
    main()
