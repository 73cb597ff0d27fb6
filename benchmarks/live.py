"""A live process: from a tick to the command on its way, and how long it takes to start again.

`latency_ns` of the decision alone (a tick in, the command as bytes), and with its record on stable storage and the
bytes handed to a connected socket. `restart_s` is that of `tradsys run` in a process of its own, from the shell until
all that its journal holds was taken up.
"""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from benchmarks.journal import clock_ns, disk_folder, file_system, line, percentiles
from tools.kill_scene import TICK_MS
from tools.live_desk import Desk, coin_settings, coin_venue, process_of
from tradsys.core.venue import PlaceOrder
from tradsys.core.wire import encode
from tradsys.engine.live_folder import JOURNAL, run_of
from tradsys.engine.settings import Settings
from tradsys.engine.trading.records import MarketRead
from tradsys.engine.trading.recovery import Snapshots
from tradsys.journal import FolderDisk, open_journal
from tradsys.journal.disk import DiskFile

TICKS = 4_000
WARM = 200
RECORDS = 1_000_000
TAIL = 10_000
STRATEGY = '''"""An order on every tick."""

from tradsys import Strategy


class Churn(Strategy):
    """In and out."""

    def on_tick(self, tick, account):
        if account.position(tick.instrument) > 0:
            yield self.sell(tick, 1, reason="out")
        else:
            yield self.buy(tick, 1, reason="in")
'''


def settings_for(folder: Path, ticks: int) -> Settings:
    """A run file of so many ticks; the account is compared once, at the start."""
    found = coin_settings(folder, seconds=(ticks + 1) * TICK_MS / 1000, strategy=STRATEGY)
    venue = msgspec.structs.replace(found.run.venue, reconcile_seconds=86_400)
    return msgspec.structs.replace(found, run=msgspec.structs.replace(found.run, venue=venue))


def rows_of(desk: Desk, count: int) -> Iterator[int]:
    """The next rows of the feed, each at its time; what was said is answered before the next."""
    process = desk.process
    for _ in range(count):
        row = process.next_row
        if row is None:
            return
        desk.now = max(desk.now, process.feed.known_at(row))
        desk.venue.advance(desk.now)
        process.tick(at=desk.now)
        desk.settle()
        yield row
        desk.settle()


def durable(folder: Path) -> list[int]:
    """Nanoseconds from a tick that leads to an order to its bytes in the socket, its record synced before."""
    journal = open_journal(FolderDisk(folder / "durable"))
    desk = Desk(process_of(settings_for(folder, TICKS)), venue=coin_venue(), journal=journal)
    ours, theirs = socket.socketpair()
    taken, clock, process = [], clock_ns(), desk.process
    for row in rows_of(desk, TICKS):
        began = time.perf_counter_ns()
        process.read(row, at=desk.now)
        sent = process.outgoing
        if sent:
            ours.send(b"".join(sent))
        ended = time.perf_counter_ns()
        if sent:
            taken.append(ended - began - clock)
            theirs.recv(2**16)
    journal.close()
    return taken[WARM:]


def decided(folder: Path) -> list[int]:
    """Nanoseconds from a tick to its order as bytes: strategy, checks, tracker, kill switch; nothing is journaled."""
    journal = open_journal(Unsynced(folder / "decided"))
    desk = Desk(process_of(settings_for(folder, TICKS)), venue=coin_venue(), journal=journal)
    process = desk.process
    taken, clock = [], clock_ns()
    handle, last = process.trading.handle, [0]

    def timed(item: object, *, at: int, events: object = ()) -> object:
        began = time.perf_counter_ns()
        outputs = handle(item, at=at, events=events)  # type: ignore[arg-type]
        sent = [encode(each) for each in outputs if type(each) is PlaceOrder]
        ended = time.perf_counter_ns()
        if sent and type(item) is MarketRead:
            last.append(ended - began - clock)
        return outputs

    process.trading.handle = timed  # type: ignore[assignment]
    for row in rows_of(desk, TICKS):
        process.read(row, at=desk.now)
    taken = last[1:]
    return taken[WARM:]


def synced(folder: Path) -> list[int]:
    """Nanoseconds of a write of 1 KiB into space that is there, synced: what the disk alone takes."""
    folder.mkdir()
    file = FolderDisk(folder).create("bare", size=2**22)
    taken, clock = [], clock_ns()
    for number in range(TICKS):
        began = time.perf_counter_ns()
        file.write(number * 1024 % 2**22, bytes(1024))
        file.sync()
        taken.append(time.perf_counter_ns() - began - clock)
    file.close()
    return taken[WARM:]


# --- starting again


class Unsynced(FolderDisk):
    """A disk that does not wait for storage: for a journal that is made to be read."""

    def create(self, name: str, *, size: int) -> DiskFile:
        """See `Disk`."""
        super().create(name, size=size).close()
        return self.open(name, writable=True)

    def open(self, name: str, *, writable: bool = False) -> DiskFile:
        """See `Disk`."""
        file = super().open(name, writable=writable)
        file.sync = lambda: None  # type: ignore[method-assign]
        return file


def written(folder: Path, records: int) -> Settings:
    """A run folder whose journal has so many records, with a snapshot before the last ones."""
    settings = settings_for(folder, records // 8)
    run = run_of(folder / "run", settings, stamp=1)
    disk = Unsynced(folder / "run" / JOURNAL)
    desk = Desk(process_of(settings, run=run), venue=coin_venue(), journal=open_journal(disk))
    keeper = Snapshots(desk.process, desk.journal, disk, say=print)
    kept = False
    for row in rows_of(desk, records):
        desk.process.read(row, at=desk.now)
        if not kept and desk.journal.durable >= records - TAIL:
            keeper.take(at=desk.now)
            kept = True
        if desk.journal.durable >= records:
            break
    desk.journal.close()
    disk.unlock()
    return settings


def started(folder: Path) -> float:
    """Seconds from the shell until a process has taken up its journal."""
    words = [
        "run",
        str(folder / "run.toml"),
        "--data-dir",
        str(folder / "run"),
        "--set",
        "venue.reconcile_seconds=86400",
    ]
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "tradsys", *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.readline()
    seconds = time.perf_counter() - began
    process.kill()
    process.wait()
    if " in " not in said:
        raise SystemExit(f"it did not start: {said}")
    return seconds


def measured(mode: str, work: Callable[[Path], list[int]], folder: Path, note: str) -> None:
    """Print the latencies of one mode."""
    gc.collect()
    taken = work(folder)
    line(mode, len(taken), sum(taken) / 1e9, latency_ns=percentiles(taken), note=note, workload="live")


def main() -> None:
    """Measure all of it in a folder on a disk."""
    with tempfile.TemporaryDirectory(dir=disk_folder()) as place:
        folder = Path(place)
        where = f"files on {file_system(folder)}"
        measured("tick to command", decided, folder / "a", "Strategy, checks, tracker, kill switch, encoding.")
        measured("tick to wire, durable", durable, folder / "b", f"The same, its record synced before; {where}.")
        measured("a synced write alone", synced, folder / "d", f"1 KiB into space that is there; {where}.")
        written(folder / "c", RECORDS)
        seconds = started(folder / "c")
        note = f"`tradsys run` on a journal of {RECORDS:,} records, a snapshot before the last {TAIL:,}; {where}."
        line("restart", RECORDS, seconds, restart_s=round(seconds, 3), note=note, workload="live")


if __name__ == "__main__":
    main()
