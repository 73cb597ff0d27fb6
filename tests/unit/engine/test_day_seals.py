"""A day that is over is sealed, once, and an end is."""

from __future__ import annotations

from tests.simulation.assembly import Seat, assembled
from tests.simulation.world import SECOND
from tradsys.engine.trading.day_seals import SLICE, DaySeals
from tradsys.engine.trading.feed import EventFeed
from tradsys.engine.trading.process import Process
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.opening import open_journal
from tradsys.journal.reading import Reader

MIDNIGHT = 1_795_046_400 * SECOND


def begun(disk: MemoryDisk, *, at: int) -> tuple[Process, DaySeals]:
    process = assembled(Seat(run="sealed", feed=EventFeed("none", ())))
    journal = open_journal(disk, told=process.told, segment_bytes=2**14)
    process.start(journal, epoch=1, at=at)
    return process, DaySeals(process, journal, disk, zone="UTC", signer=None)


def sealed(disk: MemoryDisk) -> list[int]:
    return [record.sequence for record in Reader(disk) if record.kind == "seal"]


def test_the_day_is_sealed_when_it_is_over_and_the_run_when_it_ends() -> None:
    disk = MemoryDisk()
    process, seals = begun(disk, at=MIDNIGHT - 3600 * SECOND)
    for minutes in (0, 30, 59):
        process.tick(at=MIDNIGHT + (minutes - 60) * 60 * SECOND)
        seals.look()
    assert sealed(disk) == []
    for minutes in (1, 2, 3):
        process.stop(at=MIDNIGHT + minutes * 60 * SECOND)
        seals.look()
    assert len(sealed(disk)) == 1
    seals.seal()
    seals.seal()
    assert len(sealed(disk)) == 2 and disk.names().count("reserve") == 1
    assert sum(name.endswith(".seal") for name in disk.names()) == 2


def test_a_long_day_is_read_in_slices_and_sealed_once_it_is_read() -> None:
    disk = MemoryDisk()
    process, seals = begun(disk, at=MIDNIGHT - 10 * SECOND)
    for number in range(SLICE):
        process.stop(at=MIDNIGHT - 10 * SECOND + number)
    process.stop(at=MIDNIGHT + SECOND)
    assert seals.behind > SLICE
    seals.look()
    assert sealed(disk) == [] and 0 < seals.behind < SLICE, "the first slice"
    seals.look()
    assert sealed(disk) == [], "not before the next second"
    process.stop(at=MIDNIGHT + 3 * SECOND)
    seals.look()
    assert len(sealed(disk)) == 1


def test_a_restart_knows_what_is_sealed() -> None:
    disk = MemoryDisk()
    process, seals = begun(disk, at=MIDNIGHT)
    process.stop(at=MIDNIGHT + SECOND)
    seals.seal()
    disk.kill()
    process, seals = begun(disk, at=MIDNIGHT + 2 * SECOND)
    seals.look()
    assert len(sealed(disk)) == 1


def test_without_space_a_seal_is_its_record_and_a_restart_writes_the_file() -> None:
    disk = MemoryDisk()
    _, seals = begun(disk, at=MIDNIGHT)
    room, disk.room = disk.room, 0
    seals.seal()
    assert len(sealed(disk)) == 1 and not any(name.endswith(".seal") for name in disk.names())
    disk.kill()
    disk.room = room
    _, again = begun(disk, at=MIDNIGHT + SECOND)
    again.seal()
    assert len(sealed(disk)) == sum(name.endswith(".seal") for name in disk.names()) == 2
