"""An audit names the first bad record whatever was changed, tells a torn end from damage, and writes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from tradsys.core.errors import ConfigError
from tradsys.journal import FolderDisk, Journal, open_journal
from tradsys.journal.audit import journal_of, verify
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Position, Reader, segments
from tradsys.journal.records import GENESIS, Record, encode
from tradsys.journal.seals import KIND, Seal, Sealer, kept, plain

SMALL = 2048


def opened(disk: MemoryDisk) -> Journal:
    return open_journal(disk, segment_bytes=SMALL, reserve_bytes=8)


def sealed(seals: int = 3, records: int = 20) -> MemoryDisk:
    """A journal of some seals and a rest that no seal covers yet."""
    disk = MemoryDisk()
    journal = opened(disk)
    sealer = Sealer(disk, journal)
    for number in range(seals * records):
        journal.append("order", b'{"quantity":%d}' % number, at=number, recorded_at=number)
        journal.commit()
        if number % records == records - 1:
            sealer.seal(at=number, recorded_at=number)
    journal.append("order", b'{"quantity":7}', at=0, recorded_at=0)
    journal.commit()
    disk.kill()
    return disk


def rewritten(disk: MemoryDisk, change: Callable[[Record], Record | None]) -> MemoryDisk:
    """The journal as somebody would forge it: records changed or left out, and every hash of the chain made anew."""
    other, previous, sequence, content = MemoryDisk(), GENESIS, 0, b""
    for record in Reader(disk):
        changed = change(record)
        if changed is None:
            continue
        data, previous = encode(
            sequence=sequence,
            commit=sequence,
            kind=changed.kind,
            payload=changed.payload,
            at=changed.at,
            recorded_at=changed.recorded_at,
            cause=changed.cause,
            previous=previous,
        )
        content, sequence = content + data, sequence + 1
    file = other.create(segments(disk)[0], size=len(content) + 64)
    file.write(0, content)
    return other


def test_a_whole_journal_is_found_whole() -> None:
    disk = sealed()
    verdict = verify(disk)
    assert verdict.first_bad is None and verdict.torn_bytes == 0
    assert (verdict.records, verdict.seals, verdict.signed, verdict.checked, verdict.unsealed) == (64, 3, 0, 0, 2)
    assert verdict.link == list(Reader(disk))[-1].link.hex()
    assert verify(MemoryDisk()).records == 0


def test_progress_hears_every_segment() -> None:
    disk, heard = sealed(), list[str]()
    verify(disk, progress=heard.append)
    assert heard == segments(disk) and len(heard) > 3


def test_any_changed_byte_is_found_at_its_record() -> None:
    disk = sealed()
    places = [Position()]
    reader = Reader(disk)
    places = [msgspec.structs.replace(reader.position) for _ in reader]
    chance = random.Random(1)
    for number, place in list(enumerate(places))[:-1]:
        begin = places[number - 1].offset if number and places[number - 1].segment == place.segment else 0
        at = chance.randrange(begin, place.offset - 8)
        disk.bytes_of(place.segment)[at] ^= 1 << chance.randrange(8)
        before = {name: bytes(disk.bytes_of(name)) for name in disk.names()}
        bad = verify(disk).first_bad
        assert bad is not None and (bad.seq, bad.segment, bad.offset) == (number, place.segment, begin)
        assert before == {name: bytes(disk.bytes_of(name)) for name in disk.names()}
        file = disk.open(place.segment, writable=True)
        file.write(0, bytes(sealed().bytes_of(place.segment)))


def test_a_torn_end_is_no_damage() -> None:
    disk = sealed()
    place = Reader(disk)
    list(place)
    disk.bytes_of(place.position.segment)[place.position.offset + 3 : place.position.offset + 5] = b"ab"
    verdict = verify(disk)
    assert (verdict.records, verdict.first_bad, verdict.torn_bytes) == (64, None, 5)


def test_a_newer_version_is_named_as_one() -> None:
    disk = sealed()
    content = disk.bytes_of(segments(disk)[0])
    content[12] = 9
    length = int.from_bytes(content[4:8], "little")
    content[8:12] = crc32(bytes(content[12:length]), length).to_bytes(4, "little")
    bad = verify(disk).first_bad
    assert bad is not None and bad.seq == 0 and "written by version 9, this one reads 1" in bad.why


def test_a_forged_record_is_found_by_its_seal() -> None:
    def change(record: Record) -> Record:
        return msgspec.structs.replace(record, payload=b"{}") if record.sequence == 30 else record

    bad = verify(rewritten(sealed(), change)).first_bad
    assert bad is not None and bad.seq == 41 and "does not follow" in bad.why


@pytest.mark.parametrize("field", [name for name in Seal.__struct_fields__ if name not in ("key", "signature", "at")])
def test_a_seal_that_says_something_else_is_found(field: str) -> None:
    def change(record: Record) -> Record:
        if record.kind != KIND or record.sequence != 41:
            return record
        seal = msgspec.json.decode(record.payload, type=Seal)
        value = getattr(seal, field)
        other = msgspec.structs.replace(seal, **{field: "00" if isinstance(value, str) else value + 1})
        return msgspec.structs.replace(record, payload=msgspec.json.encode(other))

    bad = verify(rewritten(sealed(), change)).first_bad
    assert bad is not None and bad.seq == 41 and "seal" in bad.why
    assert bad.offset == starts(rewritten(sealed(), change))[41]


def starts(disk: MemoryDisk) -> list[int]:
    reader = Reader(disk)
    return [0, *(reader.position.offset for _ in reader)]


def test_a_record_of_the_seals_kind_that_is_none_is_found() -> None:
    def change(record: Record) -> Record:
        return msgspec.structs.replace(record, payload=b"[]") if record.kind == KIND else record

    bad = verify(rewritten(sealed(), change)).first_bad
    assert bad is not None and bad.seq == 20 and "holds no seal" in bad.why


def without_seals(record: Record) -> Record | None:
    return None if record.kind == KIND else record


def test_a_journal_without_its_seals_is_found_by_those_that_were_kept() -> None:
    disk = sealed()
    seals = [plain(seal) for seal in kept(disk)]
    forged = rewritten(disk, without_seals)
    assert verify(forged).first_bad is None
    bad = verify(forged, elsewhere=seals).first_bad
    assert bad is not None and bad.seq == 20 and "written anew" in bad.why


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("until", [0, 10, 41, 42, 62])
def test_an_end_that_was_taken_away_is_found_by_the_seals(until: int, beside: bool) -> None:
    disk = sealed()
    seals = kept(disk)
    cut = rewritten(disk, lambda record: record if record.sequence < until else None)
    if beside:
        for name in disk.names():
            if name.endswith(".seal"):
                content = bytes(disk.bytes_of(name))
                cut.create(name, size=len(content)).write(0, content)
    verdict = verify(cut, elsewhere=[] if beside else [plain(seal) for seal in seals])
    bad = verdict.first_bad
    assert bad is not None and "taken away" in bad.why and bad.seq == until == verdict.records


def test_a_record_that_is_written_while_it_is_read_is_no_damage() -> None:
    disk = sealed()
    whole = {name: bytes(disk.bytes_of(name)) for name in segments(disk)}
    name = segments(disk)[1]
    torn = bytearray(whole[name])
    torn[200] ^= 1
    disk.bytes_of(name)[:] = torn
    reads = 0

    def fault(operation: str, file: str) -> None:
        nonlocal reads
        reads += (operation, file) == ("read", name)
        if reads == 2:
            disk.bytes_of(name)[:] = whole[name]

    disk.fault = fault
    verdict = verify(disk)
    assert (verdict.records, verdict.first_bad, reads) == (64, None, 2)


def test_a_run_folder_or_its_journal_is_found(tmp_path: Path) -> None:
    journal = open_journal(FolderDisk(tmp_path / "run" / "journal"), segment_bytes=SMALL, reserve_bytes=8)
    journal.append("order", b"{}", at=0, recorded_at=0)
    journal.commit()
    for folder in (tmp_path / "run", tmp_path / "run" / "journal"):
        assert verify(journal_of(folder)).records == 1
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match="no journal here"):
            journal_of(folder)
