"""What is durable survives, what is not is told apart from damage, and the first error of the disk ends it."""

from __future__ import annotations

import errno
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tradsys.core.errors import ConfigError, JournalDamaged, JournalFailed, JournalFull, ResourceError
from tradsys.journal import FolderDisk, Journal, Record, open_journal
from tradsys.journal.disk import Disk
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Reader, segments
from tradsys.journal.records import GENESIS, MOST_BYTES, Broken, decode, encode

SMALL = 4096


def opened(disk: Disk, *, reserve: int = SMALL) -> tuple[Journal, list[Record]]:
    told: list[Record] = []
    return open_journal(disk, told=told.append, segment_bytes=SMALL, reserve_bytes=reserve), told


def add(journal: Journal, count: int, *, essential: bool = False) -> None:
    for _ in range(count):
        number = journal.durable + journal.waiting
        payload = b"x" * (number % 50)
        journal.append("order", payload, at=number, recorded_at=-number, cause=number - 1, essential=essential)


@pytest.fixture(params=["memory", "folder"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    return MemoryDisk() if request.param == "memory" else FolderDisk(tmp_path / "journal")


def closed(disk: Disk) -> None:
    """The process that wrote ends."""
    disk.unlock()


def test_records_come_back_as_they_went_in_over_many_segments(disk: Disk) -> None:
    journal, told = opened(disk)
    assert told == []
    for _ in range(40):
        add(journal, 5)
        assert journal.waiting == 5 and journal.commit() == journal.durable
    link = journal.link
    journal.close()
    closed(disk)
    again, told = opened(disk)
    assert [each.sequence for each in told] == list(range(200)) and len(segments(disk)) > 5
    assert [(each.kind, each.payload, each.at, each.recorded_at, each.cause) for each in told[:2]] == [
        ("order", b"", 0, 0, -1),
        ("order", b"x", 1, -1, 0),
    ]
    assert told[7].commit == 5 and told[-1].link == link == again.link and told[0].previous == GENESIS
    assert all(later.previous == each.link for each, later in pairwise(told))
    add(again, 1)
    assert again.commit() == 201


def test_payloads_keep_every_byte() -> None:
    for payload in (b"", b"\0" * 9, b"a\0", bytes(range(256))):
        data, link = encode(
            sequence=3, commit=2, kind="bar", payload=payload, at=1, recorded_at=2, cause=-1, previous=GENESIS
        )
        record = decode(data)
        assert isinstance(record, Record) and record.payload == payload and record.link == link
        assert len(data) % 8 == 0


@pytest.mark.parametrize(("kind", "size"), [("", 1), ("k" * 65, 1), ("order", MOST_BYTES)])
def test_what_is_too_long_is_refused(disk: Disk, kind: str, size: int) -> None:
    journal, _ = opened(disk)
    with pytest.raises(ConfigError):
        journal.append(kind, bytes(size), at=0, recorded_at=0)
    assert journal.waiting == 0 and journal.commit() == 0


def test_a_commit_larger_than_a_segment_gets_one_of_its_own(disk: Disk) -> None:
    journal, _ = opened(disk)
    add(journal, 3)
    journal.commit()
    journal.append("big", bytes(3 * SMALL), at=0, recorded_at=0)
    assert journal.commit() == 4
    closed(disk)
    assert len(opened(disk)[1]) == 4


def test_a_second_writer_is_refused(disk: Disk) -> None:
    opened(disk)
    other: Disk = FolderDisk(disk._folder) if isinstance(disk, FolderDisk) else disk
    with pytest.raises(ResourceError, match="another process"):
        opened(other)


def test_the_lock_of_a_folder_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tradsys.journal import FolderDisk, open_journal\n"
        "journal = open_journal(FolderDisk(Path(sys.argv[1])))\n"
        "journal.append('order', b'1', at=0, recorded_at=0); journal.commit()\n"
        "journal.append('order', b'2', at=0, recorded_at=0); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == -9
    _, told = opened(FolderDisk(tmp_path))
    assert [each.payload for each in told] == [b"1"]


def test_what_was_not_committed_is_lost_and_nothing_else() -> None:
    disk = MemoryDisk()
    journal, _ = opened(disk)
    add(journal, 30)
    journal.commit()
    add(journal, 30)
    disk.crash()
    assert len(opened(disk)[1]) == 30


def test_the_first_error_of_the_disk_is_the_last_thing_the_journal_does() -> None:
    disk = MemoryDisk()
    journal, _ = opened(disk)
    add(journal, 3)
    journal.commit()
    add(journal, 3)
    disk.fault = lambda operation, name: errno.EIO if operation == "sync" else None
    with pytest.raises(JournalFailed, match="sync failed"):
        journal.commit()
    disk.fault = lambda operation, name: None
    for act in (journal.commit, lambda: add(journal, 1)):
        with pytest.raises(JournalFailed, match="a restart"):
            act()
    assert journal.durable == 3
    disk.crash(lambda name, blocks: [])
    assert len(opened(disk)[1]) == 3


def test_a_journal_that_cannot_be_read_says_so() -> None:
    disk = MemoryDisk()
    add(opened(disk)[0], 1)
    disk.kill()
    disk.fault = lambda operation, name: errno.EIO if operation == "names" else None
    with pytest.raises(JournalFailed, match="cannot be opened"):
        opened(disk)


def test_a_full_disk_leaves_the_reserve_for_what_is_essential() -> None:
    disk = MemoryDisk(room=3 * SMALL)
    journal, _ = opened(disk)
    with pytest.raises(JournalFull, match="only what reduces risk"):
        while True:
            add(journal, 4)
            journal.commit()
    assert journal.on_reserve
    before = journal.durable
    add(journal, 4, essential=True)
    assert journal.commit() == before + 4
    with pytest.raises(JournalFailed, match="the reserve is used"):
        while True:
            add(journal, 4, essential=True)
            journal.commit()
    disk.crash()
    journal, told = opened(disk)
    assert len(told) == journal.durable > before + 4 and journal.on_reserve


def test_a_disk_without_space_for_another_segment_is_nearly_full(disk: Disk) -> None:
    journal = open_journal(disk, segment_bytes=2**14)
    assert not journal.nearly_full
    assert not open_journal(MemoryDisk(room=2**17), segment_bytes=2**14, reserve_bytes=2**14).nearly_full
    assert open_journal(MemoryDisk(room=2 * 2**14 - 1), segment_bytes=2**14, reserve_bytes=2**14).nearly_full


def test_a_disk_that_does_not_say_how_full_it_is_counts_as_nearly_full() -> None:
    disk = MemoryDisk(fault=lambda operation, name: errno.EIO if operation == "free" else None)
    assert open_journal(disk, segment_bytes=2**14).nearly_full


def test_a_disk_that_is_full_from_the_start_still_reads() -> None:
    disk = MemoryDisk(room=SMALL)
    journal, _ = opened(disk, reserve=2 * SMALL)
    assert journal.on_reserve
    with pytest.raises(JournalFull):
        add(journal, 1)


def test_a_newer_version_is_refused_by_name() -> None:
    disk = MemoryDisk()
    journal, _ = opened(disk)
    add(journal, 1)
    journal.commit()
    disk.kill()
    content = disk.bytes_of(segments(disk)[0])
    content[12] = 9
    from zlib import crc32

    length = int.from_bytes(content[4:8], "little")
    content[8:12] = crc32(bytes(content[12:length]), length).to_bytes(4, "little")
    with pytest.raises(JournalDamaged, match="written by version 9") as refused:
        opened(disk)
    assert "version that wrote it" in refused.value.fix and refused.value.sequence == 0


@pytest.mark.parametrize("change", ["missing segment", "moved record", "flipped", "foreign"])
def test_damage_is_named_by_its_place_and_nothing_is_written(change: str) -> None:
    disk = MemoryDisk()
    journal, _ = opened(disk)
    for _ in range(200):
        add(journal, 1)
        journal.commit()
    disk.kill()
    names = segments(disk)
    assert len(names) > 3
    if change == "missing segment":
        disk.remove(names[1])
    elif change == "moved record":
        length = -(-int.from_bytes(disk.bytes_of(names[0])[4:8], "little") // 8) * 8
        content = disk.bytes_of(names[0])
        content[:] = content[length:] + bytes(length)
    elif change == "flipped":
        disk.bytes_of(names[1])[100] ^= 1
    else:
        disk.create(f"{10**15:016d}.segment", size=SMALL)
    before = {name: bytes(disk.bytes_of(name)) for name in disk.names()}
    with pytest.raises(JournalDamaged) as refused:
        opened(disk)
    assert refused.value.segment in [*names, f"{10**15:016d}.segment"] and refused.value.exit_code == 70
    assert before == {name: bytes(disk.bytes_of(name)) for name in disk.names()}


def test_reading_goes_on_from_a_position() -> None:
    disk = MemoryDisk()
    journal, _ = opened(disk)
    for _ in range(30):
        add(journal, 2)
        journal.commit()
    reader = Reader(disk)
    records = []
    for record in reader:
        records.append(record)
        if record.sequence == 33:
            break
    rest = list(Reader(disk, reader.position))
    assert [each.sequence for each in rest] == list(range(34, 60))
    assert records + rest == list(Reader(disk))


def test_bytes_that_are_no_record() -> None:
    assert decode(b"") == Broken(why="no record begins here")
    data, _ = encode(sequence=0, commit=0, kind="k", payload=b"", at=0, recorded_at=0, cause=-1, previous=GENESIS)
    assert decode(data[:40]) == Broken(why="cut off")


def test_what_was_never_written_to_its_end_is_taken_away(disk: Disk) -> None:
    opened(disk)[0].close()
    closed(disk)
    disk.create("0000000000000000.segment.unfinished", size=10)
    opened(disk)
    assert [name for name in disk.names() if name.endswith(".unfinished")] == []


def test_a_record_of_an_unknown_kind_is_refused_where_kinds_are_known() -> None:
    disk = MemoryDisk()
    journal, _ = opened(disk)
    for kind in ("order", "order", "omen"):
        journal.append(kind, b"", at=0, recorded_at=0)
    journal.commit()
    disk.kill()
    assert [each.kind for each in opened(disk)[1]] == ["order", "order", "omen"]
    disk.kill()
    with pytest.raises(JournalDamaged, match="knows no record of kind 'omen'") as refused:
        open_journal(disk, kinds={"order", "fill"}, reserve_bytes=SMALL)
    assert refused.value.sequence == 2 and "version that wrote it" in refused.value.fix


def test_a_commit_larger_than_an_empty_segment_makes_it_grow() -> None:
    disk = MemoryDisk(room=5 * SMALL)
    journal, _ = opened(disk)
    disk.fault = lambda operation, name: errno.EIO if operation == "write" else None
    add(journal, 1)
    with pytest.raises(JournalFailed):
        journal.commit()
    disk.fault = lambda operation, name: None
    disk.crash()
    journal, _ = opened(disk)
    journal.append("big", bytes(2 * SMALL), at=0, recorded_at=0)
    assert journal.commit() == 1 and segments(disk) == ["0000000000000000.segment"]
    disk.crash()
    assert [len(each.payload) for each in opened(disk)[1]] == [2 * SMALL]


def test_a_segment_that_is_there_is_never_replaced(disk: Disk) -> None:
    journal, _ = opened(disk)
    add(journal, 1)
    journal.commit()
    (name,) = segments(disk)
    with pytest.raises(FileExistsError):
        disk.create(name, size=1)
    assert disk.open(name).size == SMALL


def test_what_a_dead_process_wrote_and_never_synced_is_synced_before_anything_follows_it() -> None:
    syncs_fail = False
    disk = MemoryDisk(fault=lambda operation, name: errno.EIO if operation == "sync" and syncs_fail else None)
    journal, _ = opened(disk)
    add(journal, 2)
    journal.commit()
    syncs_fail = True
    add(journal, 1)
    with pytest.raises(JournalFailed):
        journal.commit()
    disk.kill()
    syncs_fail = False
    again, told = opened(disk)
    assert [record.sequence for record in told] == [0, 1, 2]
    disk.crash()
    after, told = opened(disk)
    assert [record.sequence for record in told] == [0, 1, 2] and after.durable == again.durable
