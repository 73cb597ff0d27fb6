"""The state that a journal folds to at one place of it, so that a restart reads only what came after.

A snapshot is written beside the segments under another name, synced, renamed, and then named in the journal itself with
its hash: one that the journal does not name was never finished.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from tradsys.core.errors import JournalDamaged, JournalFailed, JournalFull
from tradsys.journal.disk import FULL, Disk, publish
from tradsys.journal.journal import Journal
from tradsys.journal.opening import SegmentStore
from tradsys.journal.port import Source
from tradsys.journal.reading import Position, bytes_of

KIND = "snapshot"
VERSION = 1
_PREFIX, _SUFFIX = "state-", ".snapshot"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A state, opaque here, and the place in the journal that it stands for: all records before it are in it."""

    position: Position
    state: bytes
    version: int = VERSION


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal says of a snapshot: the payload of a record of `KIND`, as JSON."""

    name: str
    sha256: str


def save(disk: Disk, journal: Journal, state: bytes, *, at: int, recorded_at: int) -> str:
    """Keep the state after everything committed; the snapshot's name. Commits what waits first.

    Raises `JournalFull` where there is no space for one (the journal goes on), and `JournalFailed`. The state must be
    that of the journal as it is: nothing may be appended in between.
    """
    journal.commit()
    position = journal.position
    content = msgspec.msgpack.encode(Snapshot(position=position, state=state))
    name = f"{_PREFIX}{position.sequence:016d}{_SUFFIX}"
    try:
        publish(disk, name, content)
    except OSError as error:
        kind = JournalFull if error.errno in FULL else JournalFailed
        raise kind(f"the snapshot cannot be written: {error}", value=name, fix="see to the disk") from error
    anchor = Anchor(name=name, sha256=sha256(content).hexdigest())
    journal.append(KIND, msgspec.json.encode(anchor), at=at, recorded_at=recorded_at, essential=True)
    journal.commit()
    return name


def names(disk: Disk) -> list[str]:
    """Snapshots on a disk, newest first, finished or not known to be."""
    return sorted((name for name in disk.names() if name.endswith(_SUFFIX)), reverse=True)


def load(disk: Disk, name: str, *, source: Source | None = None) -> Snapshot:
    """A snapshot whose journal, the segments beside it unless there is a `source`, names it with the hash it has.

    Raises `JournalDamaged` for one that is not whole, of another version, or not what the journal says of it.
    """
    content = bytes_of(disk, name)
    try:
        snapshot = msgspec.msgpack.decode(content, type=Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(name, f"it is no snapshot: {error}") from error
    if snapshot.version != VERSION:
        raise _damaged(name, f"written by version {snapshot.version}, this one reads {VERSION}")
    anchor = _anchor(source or SegmentStore(disk).read, snapshot.position)
    if anchor is None or anchor.name != name:
        raise _damaged(name, "the journal does not name it: it was never finished")
    if anchor.sha256 != sha256(content).hexdigest():
        raise _damaged(name, "its hash is not the one the journal has")
    return snapshot


def _anchor(source: Source, position: Position) -> Anchor | None:
    """What the journal says at a place, if that is of a snapshot; nothing for a place that is none."""
    try:
        record = next(iter(source(position)), None)
    except JournalDamaged:
        return None
    if record is None or record.kind != KIND:
        return None
    return msgspec.json.decode(record.payload, type=Anchor)


def _damaged(name: str, why: str) -> JournalDamaged:
    return JournalDamaged(
        f"the snapshot is not whole: {why}",
        segment=name,
        offset=0,
        sequence=0,
        fix="take it away: an older one, or the whole journal, is read instead",
    )
