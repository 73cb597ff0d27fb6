"""Recorded feeds: bytes into lines, lines into messages with the time and the address they came from.

A line is a bare message, or a message after the time of its receipt: `1723161253937085768 {…}` (nanoseconds),
`1626992741.06217: {…}` (seconds); `https://… -> 1626992741.301402: {…}` is the answer to a request. Lines of what was
sent (`<-`), of a new connection (`<->`) and of the recorder's configuration hold no message.
"""

from __future__ import annotations

import re

import msgspec

from tradsys.core.errors import DataError
from tradsys.core.units import SECOND

LONGEST_LINE = 2**26
NANOSECONDS = "000000000"
LINE = re.compile(
    rb"\s*(?:(?P<origin>(?:https?|wss?)://\S+) (?P<way><->|<-|->) )?"
    rb"(?:(?P<whole>[0-9]{1,19})(?:\.(?P<part>[0-9]{1,18}))?:?(?:\s+|$))?(?P<message>.*)",
    re.DOTALL,
)
NOTES = (b"configuration:",)


class Captured(msgspec.Struct, frozen=True, gc=False):
    """One message as received; `at` in UTC nanoseconds, 0 where the recording has no time."""

    at: int
    origin: str
    message: bytes


class LineSplitter:
    """Whole lines out of chunks cut anywhere. Raises `DataError` for a line that never ends."""

    def __init__(self, *, longest: int = LONGEST_LINE) -> None:
        self._tail = b""
        self._longest = longest

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that a chunk completes."""
        *lines, self._tail = (self._tail + chunk).split(b"\n")
        if len(self._tail) > self._longest:
            raise DataError("a line without end", value=len(self._tail), limit=self._longest, fix="is it a recording?")
        return lines

    def finish(self) -> list[bytes]:
        """What stands after the last line's end, if anything."""
        tail, self._tail = self._tail, b""
        return [tail] if tail else []


def captured(line: bytes) -> Captured | None:
    """The message of a line; None where it holds none."""
    if not line.strip() or line.startswith(NOTES):
        return None
    found = LINE.fullmatch(line)
    assert found is not None  # every group is optional and the last takes anything
    if found["way"] in (b"<-", b"<->"):
        return None
    return Captured(
        _time(found["whole"], found["part"]), (found["origin"] or b"").decode("ascii", "replace"), found["message"]
    )


def _time(whole: bytes | None, part: bytes | None) -> int:
    """Seconds with their decimals, or nanoseconds, in nanoseconds."""
    if whole is None:
        return 0
    if part is None and len(whole) > 12:
        return int(whole)
    fraction = (part or b"").ljust(len(NANOSECONDS), b"0")[: len(NANOSECONDS)]
    return int(whole) * SECOND + int(fraction)
