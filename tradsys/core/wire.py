"""Frames of the own protocol, for both ends of a connection: length, CRC-32, a message of `core.venue` as msgpack.

| bytes | |
| --- | --- |
| 4 | length of the body, big-endian, 1 … `MAX_BODY`; of what a client says, `MAX_REQUEST` |
| 4 | CRC-32 of the body, big-endian |
| length | the message: a msgpack map, whose `message` names its kind |

Whatever bytes come in, a reader answers with messages or raises `ProtocolError`, and has then ended for good: where a
frame begins is not known any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct
from typing import Generic, TypeVar
from zlib import crc32

import msgspec

from tradsys.core.errors import ProtocolError
from tradsys.core.venue import Incoming, Outgoing, Report, Request

MAX_BODY = 1 << 20
"""Longest body that is sent or taken, bytes."""

MAX_REQUEST = 1 << 12
"""Longest body that a client may send: what a venue repeats of it always fits into an answer."""

_LENGTH = Struct(">I")
_HEADER = Struct(">II")
_SEEN = 24
_SAID = 200
_STRANGERS = (
    (re.compile(rb"\s*<[!?a-z]", re.IGNORECASE), "HTML"),
    (re.compile(rb"HTTP"), "an HTTP answer"),
    (re.compile(rb"(GET |POST|PUT |HEAD|OPTI|DELE|CONN)"), "an HTTP request"),
    (re.compile(rb"\x16\x03[\x00-\x04]"), "TLS"),
    (re.compile(rb"SSH-"), "SSH"),
    (re.compile(rb'\s*[{\[]\s*["{\[]'), "JSON"),
)
_FIX = "check host and port: something else answers there, or bytes were lost on the way"

_encoder = msgspec.msgpack.Encoder()

Message = TypeVar("Message")


def encode(message: Request | Report) -> bytes:
    """One message as the bytes of its frame. Raises `ProtocolError` for one longer than may be sent."""
    body = _encoder.encode(message)
    most = MAX_REQUEST if isinstance(message, Request) else MAX_BODY
    if len(body) > most:
        raise ProtocolError("a message is too long to send", value=len(body), limit=most, fix="send it in parts")
    return _HEADER.pack(len(body), crc32(body)) + body


class FrameReader:
    """Bodies of frames, of at most `most` bytes, out of bytes that come in any pieces."""

    def __init__(self, *, most: int = MAX_BODY) -> None:
        self._most = most
        self._waiting = bytearray()
        self._failed: ProtocolError | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take more bytes; the bodies that are whole now. Raises `ProtocolError` behind the last good one."""
        self._waiting += data
        return self._bodies()

    def _bodies(self) -> Iterator[bytes]:
        if self._failed is not None:
            raise self._failed
        while (body := self._next()) is not None:
            yield body

    def _next(self) -> bytes | None:
        waiting = self._waiting
        if len(waiting) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(waiting)
        if not 0 < length <= self._most:
            raise self.fail(_stranger(waiting, length, most=self._most))
        end = _HEADER.size + length
        if len(waiting) < end:
            return None
        body = bytes(waiting[_HEADER.size : end])
        (_, expected) = _HEADER.unpack_from(waiting)
        if crc32(body) != expected:
            raise self.fail(_damaged(body, expected))
        del waiting[:end]
        return body

    def fail(self, error: ProtocolError) -> ProtocolError:
        """End for good: nothing that follows is read. Returns the error, to be raised."""
        self._failed = error
        self._waiting.clear()
        return error


class MessageReader(Generic[Message]):
    """Messages out of bytes that come in any pieces."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Message], *, most: int) -> None:
        self._frames = FrameReader(most=most)
        self._decoder = decoder

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take more bytes; the messages that are whole now. Raises `ProtocolError` behind the last good one."""
        return map(self._decoded, self._frames.feed(data))

    def _decoded(self, body: bytes) -> Message:
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._frames.fail(
                ProtocolError(
                    f"a frame holds no message: {str(error)[:_SAID]}", value=_shown(body), limit="a message", fix=_FIX
                )
            ) from error


_outgoing: msgspec.msgpack.Decoder[Outgoing] = msgspec.msgpack.Decoder(Outgoing)
_incoming: msgspec.msgpack.Decoder[Incoming] = msgspec.msgpack.Decoder(Incoming)


def outgoing_reader() -> MessageReader[Outgoing]:
    """For a venue: what clients say."""
    return MessageReader(_outgoing, most=MAX_REQUEST)


def incoming_reader() -> MessageReader[Incoming]:
    """For a client: what a venue says."""
    return MessageReader(_incoming, most=MAX_BODY)


def _stranger(start: bytearray, length: int, *, most: int) -> ProtocolError:
    """The error for a length that no frame has, with the protocol that it looks like."""
    seen = bytes(start[:_SEEN])
    kind = next((name for pattern, name in _STRANGERS if pattern.match(seen)), "")
    what = f"{kind} instead of a frame" if kind else f"no frame: a length of {length}"
    return ProtocolError(what, value=_shown(seen), limit=f"length 1 to {most}", fix=_FIX)


def _damaged(body: bytes, expected: int) -> ProtocolError:
    return ProtocolError(
        f"a damaged frame: CRC-32 {crc32(body):08x}, expected {expected:08x}", value=_shown(body), limit="", fix=_FIX
    )


def _shown(data: bytes) -> str:
    """The first bytes as text where they are, else in hexadecimal."""
    start = data[:_SEEN]
    return start.decode("ascii") if start.isascii() and start.decode("ascii").isprintable() else start.hex(" ")
