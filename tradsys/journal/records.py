"""One record as bytes, and back. A record names the link of the one before, so that none can be changed, removed,
inserted or moved alone.

Layout, little endian: magic, length, CRC-32 of all that follows it, version, length of the kind, sequence, sequence
that the commit began with, two times, cause, previous link (32 bytes), kind, payload. The next record begins at the
next whole eight. The link of a record is the SHA-256 of everything after its checksum.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from zlib import crc32

import msgspec

from tradsys.core.errors import ConfigError

VERSION = 1
MAGIC = 0x31525354
GENESIS = bytes(32)
MOST_BYTES = 2**24
"""A record is at most so long: what is larger belongs to a store of its own, with its hash here."""

HEADER = struct.Struct("<IIIHHQQqqq32s")
_HEAD = struct.Struct("<III")
_MOST_KIND = 64
_PADDING = bytes(8)
HEADER_BYTES = HEADER.size
HEAD_BYTES = _HEAD.size


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What happened: `at` by the clock of the event, `recorded_at` by the machine's (UTC nanoseconds); `cause` is the
    sequence of the record that led to it, or -1. `commit` is the sequence that its commit began with."""

    sequence: int
    commit: int
    kind: str
    payload: bytes
    at: int
    recorded_at: int
    cause: int
    previous: bytes
    link: bytes


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are no record, and why."""

    why: str
    newer: bool = False


def encode(
    *, sequence: int, commit: int, kind: str, payload: bytes, at: int, recorded_at: int, cause: int, previous: bytes
) -> tuple[bytes, bytes]:
    """A record's bytes and its link. Raises `ConfigError` for a kind or a payload that is too long."""
    name = kind.encode()
    length = HEADER_BYTES + len(name) + len(payload)
    if not 0 < len(name) <= _MOST_KIND:
        raise ConfigError("kind of a record", value=kind, limit=f"1 to {_MOST_KIND} bytes")
    if length > MOST_BYTES:
        raise ConfigError(
            "a record is too long", value=length, limit=MOST_BYTES, fix="store it apart and journal its hash"
        )
    header = HEADER.pack(MAGIC, length, 0, VERSION, len(name), sequence, commit, at, recorded_at, cause, previous)
    body = b"".join((header[HEAD_BYTES:], name, payload))
    head = _HEAD.pack(MAGIC, length, crc32(body, length))
    return b"".join((head, body, _PADDING[: -length % 8])), sha256(body).digest()


def room(length: int) -> int:
    """Bytes that a record of a length takes, up to where the next begins."""
    return -(-length // 8) * 8


def length_of(head: bytes) -> int:
    """The length that a record's first bytes claim; 0 where there is no record."""
    if len(head) < HEAD_BYTES:
        return 0
    magic, length, _ = _HEAD.unpack_from(head)
    return length if magic == MAGIC and HEADER_BYTES < length <= MOST_BYTES else 0


def decode(data: bytes) -> Record | Broken:
    """The record that some bytes are, all of them."""
    length = length_of(data)
    if not length:
        return Broken(why="no record begins here")
    if len(data) < length:
        return Broken(why="cut off")
    body = data[HEAD_BYTES:length]
    _, _, checksum, version, name_bytes, sequence, commit, at, recorded_at, cause, previous = HEADER.unpack_from(data)
    if crc32(body, length) != checksum:
        return Broken(why="checksum")
    if version != VERSION:
        return Broken(why=f"written by version {version}, this one reads {VERSION}", newer=True)
    kind_end = HEADER_BYTES + name_bytes
    return Record(
        sequence=sequence,
        commit=commit,
        kind=data[HEADER_BYTES:kind_end].decode(),
        payload=data[kind_end:length],
        at=at,
        recorded_at=recorded_at,
        cause=cause,
        previous=previous,
        link=sha256(body).digest(),
    )
