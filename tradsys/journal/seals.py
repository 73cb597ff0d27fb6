"""Seals: now and then one record that fixes all records since the seal before, so that it can be kept elsewhere.

The chain shows that no record was changed alone. A seal shows more: somebody who kept it, or knows the key that signed
it, sees when the whole journal was written anew, or its end taken away. A seal counts the seal before it among its
records, so that all of them together cover everything.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tradsys.core.errors import ConfigError, JournalDamaged, JournalFailed
from tradsys.journal.disk import FULL, Disk, publish
from tradsys.journal.journal import Journal
from tradsys.journal.merkle import Tree
from tradsys.journal.reading import Position, bytes_of
from tradsys.journal.records import GENESIS, Record
from tradsys.journal.signatures import Signer

KIND = "seal"
VERSION = 1
SUFFIX = ".seal"
_ENDLESS = 2**62


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """Records `first` to `last`, `count` of them: the root of the tree over their links, and the last link. `previous`
    is the root of the seal before, zeros at first; `at` when it was made, UTC nanoseconds of the machine. Hashes, key
    and signature are hex; the latter two are empty where nobody signed."""

    version: int = VERSION
    first: int
    last: int
    count: int
    root: str
    link: str
    previous: str
    at: int
    key: str = ""
    signature: str = ""

    def message(self) -> bytes:
        """What is signed: the seal without its signature, as JSON in the order of its fields."""
        return msgspec.json.encode(msgspec.structs.replace(self, signature=""))


class KeptSeal(Seal, frozen=True, kw_only=True):
    """A seal as its file has it: also where in the journal its record begins."""

    segment: str
    offset: int


class Sealer:
    """Makes the seals of one journal. Read on with `catch_up` when there is time, so that sealing itself is quick: some
    200,000 records a second."""

    def __init__(self, disk: Disk, journal: Journal) -> None:
        self._disk = disk
        self._journal = journal
        self.last = _newest(disk, journal)
        """The seal before."""
        self._position = position_of(self.last) if self.last is not None else Position()
        self._tree = Tree()

    @property
    def read_until(self) -> int:
        """The sequence of the first record that was not read yet."""
        return self._position.sequence

    def catch_up(self, most: int = _ENDLESS) -> int:
        """Read up to `most` durable records on; how many were read. Raises `JournalDamaged`, `JournalFailed`."""
        reader = self._journal.read(self._position)
        read, before = 0, self._position
        try:
            for record in reader:
                if record.sequence >= self._journal.durable:
                    break
                self._take(record, before)
                read += 1
                self._position = before = msgspec.structs.replace(reader.position)
                if read == most:
                    break
        except (OSError, msgspec.DecodeError) as error:
            raise _failed(error) from error
        return read

    def seal(self, *, at: int, recorded_at: int, signer: Signer | None = None) -> Seal:
        """Append a seal over everything since the last one, durably, and keep it beside the journal.

        Raises `ConfigError` for an empty journal, `JournalFailed`.
        """
        journal = self._journal
        journal.commit()
        self.catch_up()
        if not self._tree.count:
            raise ConfigError("nothing to seal: the journal is empty", value=0)
        seal = self._next(recorded_at, signer)
        journal.append(KIND, msgspec.json.encode(seal), at=at, recorded_at=recorded_at, essential=True)
        place = journal.position
        journal.commit()
        journal.check()
        self._keep(seal, place)
        return seal

    def _next(self, at: int, signer: Signer | None) -> Seal:
        """The seal over what was read since the last one."""
        position, before = self._position, self.last
        seal = Seal(
            first=position.sequence - self._tree.count,
            last=position.sequence - 1,
            count=self._tree.count,
            root=self._tree.root().hex(),
            link=position.link.hex(),
            previous=before.root if before else GENESIS.hex(),
            at=at,
            key=signer.public if signer else "",
        )
        return msgspec.structs.replace(seal, signature=signer.sign(seal.message())) if signer else seal

    def _take(self, record: Record, place: Position) -> None:
        if record.kind == KIND and self._tree.count:
            # A seal whose file was not written before the power went.
            self._keep(decoded(record.payload), place)
        self._tree.add(record.link)

    def _keep(self, seal: Seal, place: Position) -> None:
        self.last = KeptSeal(**msgspec.structs.asdict(seal), segment=place.segment, offset=place.offset)
        self._tree = Tree()
        try:
            publish(self._disk, _name(seal), msgspec.json.encode(self.last) + b"\n")
        except OSError as error:
            # Without space the record stands alone; a restart writes its file, where no later seal has one.
            if error.errno not in FULL:
                raise _failed(error) from error


def kept(disk: Disk) -> list[KeptSeal]:
    """The seals that lie beside a journal, oldest first. Raises `JournalDamaged` for a file that is none, `OSError`."""
    return [_read(disk, name) for name in disk.names() if name.endswith(SUFFIX)]


def read_seals(lines: Iterable[bytes]) -> list[Seal]:
    """Seals that were kept elsewhere, one a line. Raises `ConfigError` for a line that is none."""
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(msgspec.json.decode(line, type=Seal))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"line {number} is no seal: {error}", value=number, fix="one seal a line") from error
    return found


def decoded(payload: bytes) -> Seal:
    """The seal that a record holds. Raises `msgspec.DecodeError` for another's payload."""
    return msgspec.json.decode(payload, type=Seal)


def plain(seal: Seal) -> Seal:
    """A seal as its record has it, without the place of a kept one."""
    return Seal(**{name: getattr(seal, name) for name in Seal.__struct_fields__})


def position_of(seal: KeptSeal) -> Position:
    """Where the record of a seal begins."""
    return Position(sequence=seal.last + 1, link=bytes.fromhex(seal.link), segment=seal.segment, offset=seal.offset)


def _newest(disk: Disk, journal: Journal) -> KeptSeal | None:
    """The last seal whose file agrees with the journal. Others are for an audit to name."""
    try:
        return next((seal for seal in reversed(kept(disk)) if _agrees(journal, seal)), None)
    except OSError as error:
        raise _failed(error) from error


def _agrees(journal: Journal, seal: KeptSeal) -> bool:
    """Whether the journal has this seal, at this place."""
    try:
        record = next(iter(journal.read(position_of(seal))), None)
    except JournalDamaged:
        return False
    return record is not None and record.kind == KIND and record.payload == msgspec.json.encode(plain(seal))


def _read(disk: Disk, name: str) -> KeptSeal:
    content = bytes_of(disk, name)
    try:
        return msgspec.json.decode(content, type=KeptSeal)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalDamaged(
            f"a seal is not whole: {error}",
            segment=name,
            offset=0,
            sequence=0,
            fix="take the file away: the journal holds the seal itself",
        ) from error


def _name(seal: Seal) -> str:
    return f"{seal.last + 1:016d}{SUFFIX}"


def _failed(error: Exception) -> JournalFailed:
    return JournalFailed(f"the journal cannot be sealed: {error}", fix="see to the disk, then restart")
