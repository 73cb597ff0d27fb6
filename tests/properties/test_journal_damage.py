"""Every cut and every flipped bit of a journal: found, or cut back to the last whole record, or no record changed. And
power that fails at any moment loses nothing that was durable."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import journal_campaign
from tradsys.core.errors import JournalDamaged
from tradsys.journal import open_journal
from tradsys.journal.chain import check_before
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Position, Reader, segments
from tradsys.journal.records import HEADER_BYTES, Record

SEGMENT = 8192


def written(records: int, *, seed: int = 1, segment: int = SEGMENT) -> tuple[MemoryDisk, list[Record]]:
    """A journal of commits of one to five records."""
    disk, chance = MemoryDisk(), random.Random(seed)
    journal = open_journal(disk, segment_bytes=segment, reserve_bytes=8)
    while journal.durable < records:
        for _ in range(chance.randint(1, 5)):
            journal.append("fill", chance.randbytes(chance.randint(0, 60)), at=0, recorded_at=1)
        journal.commit()
    disk.kill()
    return disk, list(Reader(disk))


def positions(disk: MemoryDisk) -> list[Position]:
    """Where each record begins, and the end."""
    reader = Reader(disk)
    found = [msgspec.structs.replace(reader.position)]
    for _ in reader:
        found.append(msgspec.structs.replace(reader.position))
    return found


def outcome(disk: MemoryDisk, since: Position) -> Record | str | None:
    """What reading says next from a place on: a record, where the damage is, or None at the end."""
    try:
        return next(iter(Reader(disk, since)), None)
    except JournalDamaged as damaged:
        return f"{damaged.segment}:{damaged.offset}"


def test_every_cut_of_a_journal_keeps_exactly_the_whole_records_before_it() -> None:
    disk, records = written(430, segment=2**16)
    (name,) = segments(disk)
    places = positions(disk)
    content = disk.bytes_of(name)
    ends = [place.offset + HEADER_BYTES + 4 + len(each.payload) for place, each in zip(places, records, strict=False)]
    number = len(records)
    for cut in range(len(content), -1, -1):
        del content[cut:]
        while number and ends[number - 1] > cut:
            number -= 1
        since = places[max(number - 1, 0)]
        # The last whole record before the cut is still there, and nothing comes after it.
        if number:
            assert outcome(disk, since) == records[number - 1]
        assert outcome(disk, places[number] if number else Position()) is None
    assert len(list(Reader(disk))) == 0


def test_every_flipped_bit_is_found_or_changes_no_record() -> None:
    disk, records = written(70)
    places = positions(disk)
    names = segments(disk)
    assert len(names) > 1
    seen = Counter[str]()
    for number, record in enumerate(records):
        since, name = places[number], places[number + 1].segment
        begin = since.offset if since.segment == name else 0
        content = disk.bytes_of(name)
        for place in range(begin * 8, places[number + 1].offset * 8):
            content[place // 8] ^= 1 << place % 8
            found = outcome(disk, since)
            if isinstance(found, str):
                assert found == f"{name}:{begin}"
            elif found is None:
                # Only the last commit, which nothing follows, cannot be told from one that a crash tore.
                assert record.commit == records[-1].commit
            else:
                assert found == record
            seen[type(found).__name__] += 1
            content[place // 8] ^= 1 << place % 8
    assert min(seen["str"], seen["NoneType"], seen["Record"]) > 0


def test_a_restart_from_a_snapshot_sees_every_flipped_bit_before_it() -> None:
    disk, _ = written(60, segment=1024)
    end = positions(disk)[45]
    names = segments(disk)
    first = next(each for each in names if each > names[0])
    assert names.index(end.segment) >= 3
    assert check_before(disk, end) == 45 and check_before(disk, end, least=1, span=0) < 45
    seen = Counter[str]()
    for name in names[: names.index(end.segment) + 1]:
        content = disk.bytes_of(name)
        size = end.offset if name == end.segment else len(content)
        for place in range(0, size * 8, 3):
            content[place // 8] ^= 1 << place % 8
            wanted = until(disk, end.sequence)
            assert checked(disk, end, least=10**6) == wanted
            # What begins later has no link to hold its first record to, and is not asked for what is before.
            later = checked(disk, end, least=end.sequence - int(first.partition(".")[0]))
            assert later == wanted or (later == "" and name < first)
            seen[wanted and "found"] += 1
            content[place // 8] ^= 1 << place % 8
    assert min(seen["found"], seen[""]) > 0


def test_a_segment_that_is_missing_before_a_snapshot_is_named() -> None:
    for number in (0, 2):
        disk, _ = written(60, segment=2048)
        end = positions(disk)[45]
        disk.remove(segments(disk)[number])
        assert checked(disk, end, least=10**6) == until(disk, end.sequence) != ""


def test_a_journal_that_does_not_lead_to_its_snapshot_is_refused() -> None:
    disk, _ = written(60, segment=2048)
    end = positions(disk)[45]
    with pytest.raises(JournalDamaged, match="does not lead to its snapshot"):
        check_before(disk, msgspec.structs.replace(end, link=bytes(32)))


def test_what_was_recorded_within_the_span_is_checked_however_few_are_asked_for() -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, segment_bytes=1024, reserve_bytes=8)
    for number in range(100):
        journal.append("fill", bytes(50), at=0, recorded_at=number)
        journal.commit()
    end, counts = journal.position, [check_before(disk, journal.position, least=1, span=span) for span in (0, 30, 99)]
    assert counts == sorted(counts) and 0 < counts[0] < 10 and 30 <= counts[1] < 45 and counts[2] == end.sequence


def until(disk: MemoryDisk, sequence: int) -> str:
    """Where reading finds damage before a record, nothing where it does not."""
    try:
        for record in Reader(disk):
            if record.sequence + 1 >= sequence:
                break
    except JournalDamaged as damaged:
        return f"{damaged.segment}:{damaged.offset}"
    return ""


def checked(disk: MemoryDisk, end: Position, *, least: int) -> str:
    """Where the check of a restart finds damage."""
    try:
        check_before(disk, end, least=least, span=0)
    except JournalDamaged as damaged:
        return f"{damaged.segment}:{damaged.offset}"
    return ""


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_power_failure_at_any_moment_loses_nothing_durable(seed: int, operations: int) -> None:
    chance = random.Random(seed)
    disk = MemoryDisk()
    durable: list[bytes] = []
    told: list[bytes] = []
    for _ in range(chance.randint(1, 4)):
        told.clear()
        journal = open_journal(
            disk, told=lambda record: told.append(record.payload), segment_bytes=2048, reserve_bytes=8
        )
        assert told[: len(durable)] == durable and len(told) <= len(durable) + 8
        durable[:] = told
        waiting: list[bytes] = []
        for _ in range(chance.randint(1, operations)):
            if chance.random() < 0.3:
                journal.commit()
                durable += waiting
                waiting = []
            elif len(waiting) < 8:
                payload = chance.randbytes(chance.randint(0, 200))
                journal.append("order", payload, at=0, recorded_at=0)
                waiting.append(payload)
        disk.fault = lambda operation, name: 5 if operation == "sync" else None
        if waiting and chance.random() < 0.7:
            with pytest.raises(Exception, match="journal failed"):
                journal.commit()
        disk.fault = lambda operation, name: None
        disk.crash(lambda name, blocks: [block for block in blocks if chance.random() < 0.5])


def test_the_campaign_tells_every_kind_of_flip() -> None:
    campaign = journal_campaign.Campaign(journal_campaign.written(16384))
    assert campaign.run(0, 300) == 300 and campaign.bytes >= 16384
    assert campaign.run(campaign.bytes - 4000, 10**6) == 4000
    assert set(campaign.seen) == {"found", "cut back", "no record changed"} and campaign.whole > 0


@pytest.mark.parametrize("field", ["record", "begin"])
def test_the_campaign_sees_what_is_not_as_it_was(field: str) -> None:
    campaign = journal_campaign.Campaign(journal_campaign.written(16384))
    other = campaign.records[3]
    campaign.pieces = [
        msgspec.structs.replace(piece, **{field: other if field == "record" else piece.begin + 8})
        for piece in campaign.pieces
    ]
    with pytest.raises(journal_campaign.Missed):
        campaign.run(0, 700)
