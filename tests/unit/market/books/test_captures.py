"""Lines of recordings: where the time, the address and the message are."""

from __future__ import annotations

import pytest

from tradsys.core.errors import DataError
from tradsys.market.books.captures import Captured, LineSplitter, captured


@pytest.mark.parametrize(
    ("line", "at", "origin", "message"),
    [
        (b'1723161253937085768 {"a":1}', 1723161253937085768, "", b'{"a":1}'),
        (b'1626992741.06217: {"a":1}', 1626992741_062170000, "", b'{"a":1}'),
        (b"1626992741: [1]", 1626992741_000000000, "", b"[1]"),
        (
            b'https://x.y/depth?symbol=Z -> 1626992741.5: {"a":1}',
            1626992741_500000000,
            "https://x.y/depth?symbol=Z",
            b'{"a":1}',
        ),
        (b'{"a":1}', 0, "", b'{"a":1}'),
        (b"[7]\r", 0, "", b"[7]\r"),
        (b"no message", 0, "", b"no message"),
    ],
)
def test_a_line_with_a_message(line: bytes, at: int, origin: str, message: bytes) -> None:
    assert captured(line) == Captured(at, origin, message)


@pytest.mark.parametrize(
    "line", [b"", b"  ", b"wss://x.y <-> 1626992741.5", b'wss://x.y <- 1626992741.5: {"op":1}', b"configuration: {}"]
)
def test_a_line_without(line: bytes) -> None:
    assert captured(line) is None


def test_lines_do_not_depend_on_where_chunks_are_cut() -> None:
    text = b"one\n\ntwo\nthree"
    for size in range(1, len(text) + 1):
        splitter = LineSplitter()
        lines = [line for at in range(0, len(text), size) for line in splitter.feed(text[at : at + size])]
        assert [*lines, *splitter.finish()] == [b"one", b"", b"two", b"three"]
        assert splitter.finish() == []


def test_a_line_without_end_is_refused() -> None:
    splitter = LineSplitter(longest=10)
    splitter.feed(b"0123456789")
    with pytest.raises(DataError, match="without end"):
        splitter.feed(b"0")
