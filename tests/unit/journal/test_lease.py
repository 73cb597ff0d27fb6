"""One process writes: a second one is refused while the first is there and takes over when it sleeps, and whatever the
first still does when it wakes, wherever it was stopped, changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tradsys.core.errors import Fenced, JournalFailed, ResourceError, TradSysError
from tradsys.core.units import SECOND
from tradsys.journal import FolderDisk, Journal, Lease, Record, open_journal
from tradsys.journal.disk import Disk
from tradsys.journal.lease import LEASE_SECONDS, epochs, tenure_of
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Reader

STALE = LEASE_SECONDS * SECOND
SMALL = 2048
RESERVE = 4 * SMALL


def opened(disk: Disk, lease: Lease, told: Callable[[Record], None] = lambda record: None) -> Journal:
    return open_journal(disk, told=told, lease=lease, segment_bytes=SMALL, reserve_bytes=RESERVE)


def add(journal: Journal, payload: bytes, count: int = 1) -> None:
    for _ in range(count):
        journal.append("fill", payload, at=0, recorded_at=0, essential=True)
        journal.commit()


@pytest.fixture(params=["memory", "folder"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Disk]:
    """The disk as each new process sees it."""
    memory = MemoryDisk()
    return lambda: memory if request.param == "memory" else FolderDisk(tmp_path / "journal")


def test_a_second_process_is_refused_while_the_first_renews(machine: Callable[[], Disk]) -> None:
    first = Lease.acquire(machine(), holder="alice 12", now=0)
    first.renew(3 * SECOND)
    with pytest.raises(ResourceError, match=r"alice 12 writes this journal: it renewed lease 1 4\.0 s ago") as refused:
        Lease.acquire(machine(), holder="bob", now=7 * SECOND)
    assert refused.value.exit_code == 3 and first.epoch == 1 and not first.taken_over
    first.check()


def test_a_released_lease_and_a_dead_process_make_room_at_once(machine: Callable[[], Disk]) -> None:
    Lease.acquire(machine(), holder="first", now=0).release()
    second = Lease.acquire(machine(), holder="second", now=1)
    assert second.epoch == 2 and not second.taken_over


def test_a_stale_lease_is_taken_over_and_the_sleeper_is_fenced(machine: Callable[[], Disk]) -> None:
    disk = machine()
    first = Lease.acquire(disk, holder="first", now=0)
    before = opened(disk, first)
    add(before, b"first", 30)
    second = Lease.acquire(machine(), holder="second", now=STALE)
    assert second.epoch == 2 and second.taken_over
    told: list[Record] = []
    after = opened(machine(), second, told.append)
    assert len(told) == 30
    add(after, b"second", 30)
    before.append("fill", b"late", at=0, recorded_at=0)
    with pytest.raises(Fenced, match="took over from first, which held lease 1"):
        before.commit()
    with pytest.raises(Fenced) as fenced:
        first.renew(STALE)
    assert fenced.value.exit_code == 70
    with pytest.raises(JournalFailed, match="took over"):
        before.append("fill", b"later", at=0, recorded_at=0)
    second.renew(STALE + 1)
    assert [each.payload for each in Reader(machine())] == [b"first"] * 30 + [b"second"] * 30
    third = Lease.acquire(machine(), holder="third", now=3 * STALE)
    assert third.epoch == 3 and epochs(machine()) == [3]
    with pytest.raises(Fenced):
        first.check()


def test_a_sleeper_stays_one_until_the_journal_was_opened(machine: Callable[[], Disk]) -> None:
    Lease.acquire(machine(), holder="first", now=0)
    Lease.acquire(machine(), holder="watchdog", now=STALE).release()
    third = Lease.acquire(machine(), holder="third", now=STALE)
    assert third.epoch == 3 and third.taken_over
    opened(machine(), third).close()
    assert not third.taken_over
    third.release()
    assert not Lease.acquire(machine(), holder="fourth", now=STALE).taken_over


def test_the_power_comes_back_and_the_lease_of_before_means_nothing() -> None:
    disk = MemoryDisk()
    first = Lease.acquire(disk, holder="first", now=10**15)
    disk.crash()
    second = Lease.acquire(disk, holder="second", now=3)
    assert second.epoch == 2 and not second.taken_over
    with pytest.raises(Fenced):
        first.check()
    tenure = tenure_of(disk, 2)
    assert tenure is not None and tenure.boot == disk.boot == "boot 2"


def test_a_writer_without_a_lease_is_never_taken_over_and_leases_are_not_left_out() -> None:
    disk = MemoryDisk()
    open_journal(disk, reserve_bytes=8)
    with pytest.raises(ResourceError, match="another process"):
        Lease.acquire(disk, holder="second", now=10**18)
    disk.kill()
    Lease.acquire(disk, holder="second", now=0).release()
    with pytest.raises(ResourceError, match="written under a lease"):
        open_journal(disk, reserve_bytes=8)
    assert disk.holder is None


def test_a_lease_that_cannot_be_read_is_not_taken_over() -> None:
    disk = MemoryDisk()
    lease = Lease.acquire(disk, holder="first", now=0)
    disk.bytes_of(next(name for name in disk.names() if name.endswith(".lease")))[20] ^= 1
    with pytest.raises(ResourceError):
        Lease.acquire(disk, holder="second", now=10**18)
    lease.renew(1)
    with pytest.raises(ResourceError, match="first writes"):
        Lease.acquire(disk, holder="second", now=2)


def test_a_restart_on_a_full_disk_has_a_lease() -> None:
    disk = MemoryDisk()
    Lease.acquire(disk, holder="first", now=0)
    disk.kill()
    disk.room = 512
    second = Lease.acquire(disk, holder="second", now=1)
    tenure = tenure_of(disk, 2)
    assert second.epoch == 2 and epochs(disk) == [2] and tenure is not None and tenure.holder == "second"
    with pytest.raises(JournalFailed, match="no space"):
        Lease.acquire(disk, holder="third", now=2 * STALE)


@pytest.mark.parametrize("operation", ["create", "write", "sync", "sync_names", "has", "names"])
def test_a_lease_that_cannot_be_kept_is_a_failed_journal(operation: str) -> None:
    disk = MemoryDisk(fault=lambda asked, name: 5 if asked == operation else None)
    with pytest.raises(JournalFailed, match="lease cannot be kept"):
        Lease.acquire(disk, holder="first", now=0)


# --- stopped in the middle


class Stopped:
    """The first process, stopped before its operation number `stop`; the second lives through its life there."""

    def __init__(self, stop: int, *, room: int, freed: bool = False, between: bool = False) -> None:
        self.disk = MemoryDisk(room=room, fault=self.asked)
        self.freed = freed
        self.between = between
        self.countdown = -1
        self.stop = stop
        self.told: list[bytes] = []
        self.opened = False
        self.wrote = 0

    def asked(self, operation: str, name: str) -> int | None:
        self.countdown -= 1
        if self.countdown == -1:
            self.countdown = -(10**9)
            self.second()
        return None

    def second(self) -> None:
        if self.freed:
            self.disk.room = 2**30
        if self.between:
            # Another takes over, does not look at the journal, and ends.
            with suppress(JournalFailed):
                Lease.acquire(self.disk, holder="between", now=2 * STALE).release()
        # Where the disk is full the second may end early, too: what it wrote stays.
        with suppress(JournalFailed):
            lease = Lease.acquire(self.disk, holder="second", now=2 * STALE)
            journal = opened(self.disk, lease, lambda record: self.told.append(record.payload))
            self.opened = True
            for number in range(40):
                journal.append("fill", b"second %d" % number, at=0, recorded_at=0, essential=True)
                journal.commit()
                self.wrote += 1

    def first(self, act: Callable[[Journal], None]) -> bool:
        """Whether the first process was stopped in its act."""
        lease = Lease.acquire(self.disk, holder="first", now=0)
        journal = opened(self.disk, lease)
        add(journal, b"first", 25)
        self.countdown = self.stop
        try:
            act(journal)
        except TradSysError as error:
            assert self.told or self.disk.room < 2**20, error
        return self.countdown < -(10**8)

    def check(self) -> None:
        records = [record.payload for record in Reader(self.disk)]
        if self.opened:
            assert records == self.told + [b"second %d" % number for number in range(self.wrote)]
        else:
            # No room to take over, or to read on: then the first may go on, and nothing of it is lost.
            assert records[: len(self.told)] == self.told
        assert records[:25] == [b"first"] * 25
        self.disk.crash()
        assert [record.payload for record in Reader(self.disk)] == records


def small_commits(journal: Journal) -> None:
    add(journal, b"first, later", 30)


def large_commit(journal: Journal) -> None:
    add(journal, bytes(3 * SMALL))


@pytest.mark.parametrize("act", [small_commits, large_commit])
@pytest.mark.parametrize("freed", [False, True])
@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("room", [2**30, *range(6 * SMALL + 1024, 10 * SMALL, SMALL)])
def test_wherever_a_process_was_stopped_its_commit_changes_nothing_later(
    act: Callable[[Journal], None], room: int, freed: bool, between: bool
) -> None:
    stops = 0
    while (stopped := Stopped(stops, room=room, freed=freed, between=between)).first(act):
        stopped.check()
        stops += 1
    assert stops > 5


def test_wherever_a_process_was_stopped_while_it_opened_the_journal() -> None:
    stops = 0
    while (stopped := Stopped(stops, room=2**30)).countdown == -1:
        torn(stopped.disk)
        lease = Lease.acquire(stopped.disk, holder="first", now=0)
        stopped.countdown = stops
        try:
            opened(stopped.disk, lease)
        except TradSysError:
            assert stopped.told
        if stopped.countdown > -(10**8):
            break
        stopped.check()
        stops += 1
    assert stops > 10


def torn(disk: MemoryDisk) -> None:
    """A journal of 25 records whose writer was killed in a commit."""
    add(opened(disk, Lease.acquire(disk, holder="zero", now=0)), b"first", 25)
    name = [name for name in disk.names() if name.endswith(".segment")][-1]
    file = disk.open(name, writable=True)
    file.write(file.size - 40, b"torn")
    disk.kill()


@pytest.mark.parametrize("stop", range(8))
def test_a_process_stopped_while_it_takes_the_lease_leaves_one_that_writes(stop: int) -> None:
    disk = MemoryDisk()
    Lease.acquire(disk, holder="zero", now=0)
    disk.kill()
    held: list[Lease] = []
    asked = 0

    def second(operation: str, name: str) -> None:
        nonlocal asked
        asked += 1
        if asked == stop:
            with suppress(ResourceError):
                held.append(Lease.acquire(disk, holder="second", now=2 * STALE))

    disk.fault = second
    with suppress(TradSysError):
        held.append(Lease.acquire(disk, holder="first", now=2 * STALE))
    disk.fault = lambda operation, name: None
    valid = [lease for lease in held if not fenced(lease)]
    assert len(valid) == 1 and valid[0].epoch == epochs(disk)[-1]


def fenced(lease: Lease) -> bool:
    try:
        lease.check()
    except Fenced:
        return True
    return False


# --- two real processes

PROCESS = """
import sys, time
from pathlib import Path
from tradsys.core.errors import TradSysError
from tradsys.journal import FolderDisk, Lease, open_journal
name, folder, back = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
now = lambda: time.monotonic_ns() + back
disk = FolderDisk(folder)
try:
    lease = Lease.acquire(disk, holder=name, now=now())
    journal = open_journal(disk, lease=lease, segment_bytes=4096, reserve_bytes=4096)
    print("open", lease.epoch, flush=True)
    while True:
        lease.renew(now())
        journal.append("fill", name.encode(), at=0, recorded_at=0)
        journal.commit()
        print(journal.durable, flush=True)
        time.sleep(0.002)
except TradSysError as error:
    print(type(error).__name__, error, flush=True)
    sys.exit(error.exit_code)
"""


def started(name: str, folder: Path, *, ahead: int = 0) -> subprocess.Popen[str]:
    """A process that writes; `ahead` nanoseconds by its clock, so that nobody has to wait for a lease to end."""
    words = [sys.executable, "-c", PROCESS, name, str(folder), str(ahead)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_stopped_process_wakes_and_writes_nothing(tmp_path: Path) -> None:
    first = started("first", tmp_path)
    assert line(first) == "open 1\n" and line(first) == "1\n"
    began = time.monotonic()
    refused = started("second", tmp_path)
    assert "first writes this journal" in refused.communicate(timeout=5)[0] and refused.returncode == 3
    took = time.monotonic() - began
    os.kill(first.pid, signal.SIGSTOP)
    second = started("second", tmp_path, ahead=2 * STALE)
    assert line(second) == "open 2\n"
    for _ in range(10):
        line(second)
    os.kill(first.pid, signal.SIGCONT)
    rest = first.communicate(timeout=5)[0]
    assert "Fenced" in rest and first.returncode == 70
    for _ in range(10):
        line(second)
    second.kill()
    second.communicate()
    names = [record.payload for record in Reader(FolderDisk(tmp_path))]
    assert names == sorted(names) and names.count(b"second") >= 20 and took < 3
    third = Lease.acquire(FolderDisk(tmp_path), holder="third", now=0)
    assert third.epoch == 3 and not third.taken_over


def test_an_epoch_is_above_what_another_place_knows() -> None:
    disk = MemoryDisk()
    first = Lease.acquire(disk, holder="one", now=0)
    second_now = 6 * SECOND
    second = Lease.acquire(disk, holder="two", now=second_now, above=7)
    assert (first.epoch, second.epoch, epochs(disk)) == (1, 8, [8])
    with pytest.raises(Fenced):
        first.check()
    second.release()
    assert Lease.acquire(disk, holder="three", now=second_now, above=3).epoch == 9
