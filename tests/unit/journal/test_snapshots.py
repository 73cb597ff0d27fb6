"""A snapshot and the tail of the journal are the whole journal, at every place; a bad one is named, never used."""

from __future__ import annotations

import errno

import msgspec
import pytest

from tradsys.core.errors import JournalDamaged, JournalFailed, JournalFull
from tradsys.journal import Journal, open_journal
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Reader
from tradsys.journal.snapshots import KIND, load, names, save


def opened(disk: MemoryDisk) -> Journal:
    return open_journal(disk, segment_bytes=2048, reserve_bytes=8)


def fold(state: bytes, payload: bytes) -> bytes:
    """A state that depends on every record and their order."""
    return msgspec.msgpack.encode((len(state), hash(bytes(payload)) % 1000, state[-20:]))


def folded(reader: Reader, state: bytes = b"") -> bytes:
    for record in reader:
        if record.kind != KIND:
            state = fold(state, record.payload)
    return state


def test_snapshot_and_tail_equal_the_whole_at_every_place() -> None:
    disk = MemoryDisk()
    journal, state = opened(disk), b""
    for number in range(60):
        payload = bytes([number]) * (number % 9)
        journal.append("order", payload, at=number, recorded_at=number)
        state = fold(state, payload)
        save(disk, journal, state, at=number, recorded_at=number)
    assert len(names(disk)) == 60 and folded(Reader(disk)) == state
    for name in names(disk):
        snapshot = load(disk, name)
        assert folded(Reader(disk, snapshot.position), snapshot.state) == state


def test_a_journal_goes_on_from_its_snapshot() -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    journal.append("order", b"1", at=0, recorded_at=0)
    snapshot = load(disk, save(disk, journal, b"one", at=0, recorded_at=0))
    journal.append("order", b"2", at=0, recorded_at=0)
    journal.commit()
    disk.crash()
    told: list[bytes] = []
    again = open_journal(disk, told=lambda record: told.append(record.payload), since=snapshot.position)
    assert told[1:] == [b"2"] and again.durable == 3
    again.append("order", b"3", at=0, recorded_at=0)
    again.commit()
    assert [record.payload for record in Reader(disk)][2:] == [b"2", b"3"]


def test_what_was_not_finished_or_was_changed_is_refused() -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    journal.append("order", b"1", at=0, recorded_at=0)
    name = save(disk, journal, b"a state", at=0, recorded_at=0)
    content = disk.bytes_of(name)
    for place in range(len(content)):
        content[place] ^= 1
        with pytest.raises(JournalDamaged, match="snapshot is not whole"):
            load(disk, name)
        content[place] ^= 1
    disk.rename(name, to=name.replace("1", "2"))
    with pytest.raises(JournalDamaged, match="does not name it"):
        load(disk, name.replace("1", "2"))


@pytest.mark.parametrize("operation", ["create", "write", "sync", "rename", "sync_names"])
def test_a_disk_that_fails_leaves_the_snapshots_there_were(operation: str) -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    journal.append("order", b"1", at=0, recorded_at=0)
    first = save(disk, journal, b"first", at=0, recorded_at=0)
    disk.fault = lambda asked, name: errno.EIO if asked == operation else None
    with pytest.raises(JournalFailed, match="snapshot cannot be written"):
        save(disk, journal, b"second", at=0, recorded_at=0)
    disk.fault = lambda asked, name: None
    disk.crash()
    assert names(disk) == [first] and load(disk, first).state == b"first"


def test_no_space_for_a_snapshot_leaves_the_journal_as_good_as_it_was() -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    journal.append("order", b"1", at=0, recorded_at=0)
    first = save(disk, journal, b"first", at=0, recorded_at=0)
    room, disk.room = disk.room, 0
    with pytest.raises(JournalFull, match="snapshot cannot be written"):
        save(disk, journal, b"second", at=0, recorded_at=0)
    journal.append("order", b"2", at=0, recorded_at=0)
    journal.commit()
    assert names(disk) == [first] and not journal.on_reserve
    disk.room = room
    second = save(disk, journal, b"third", at=0, recorded_at=0)
    assert load(disk, second).state == b"third"
