"""The TCP client against real sockets: up, bytes both ways, down, and again after a drawn delay."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator

import pytest

from tradsys.core.units import SECOND
from tradsys.execution.own.client import CONNECT_WITHIN, Happening, LinkDown, LinkUp, VenueClient


class Far:
    """The other end, and the client's loop."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.selector = selectors.DefaultSelector()
        self.draws = [0.5]
        self.client = VenueClient(
            "127.0.0.1", port=self.listener.getsockname()[1], selector=self.selector, chance=lambda: self.draws[-1]
        )

    def turn(self, at: int = 0, wait: float = 2.0) -> list[Happening]:
        """What the socket says next."""
        happened: list[Happening] = []
        for key, mask in self.selector.select(wait):
            happened += key.data.on_ready(mask, at=at)
        return happened

    def connect(self, at: int = 0) -> socket.socket:
        assert self.client.on_time(at=at) == []
        accepted, _ = self.listener.accept()
        assert self.turn(at) == [LinkUp()] and self.client.connected
        return accepted

    def close(self) -> None:
        self.client.close()
        self.selector.close()
        self.listener.close()


@pytest.fixture
def far() -> Iterator[Far]:
    made = Far()
    yield made
    made.close()


def test_bytes_go_both_ways(far: Far) -> None:
    with far.connect() as venue:
        assert far.client.next_at is None
        assert far.client.send(b"hello", at=1) == []
        assert venue.recv(9) == b"hello"
        venue.sendall(b"welcome")
        assert far.turn() == [b"welcome"]


def test_more_than_the_socket_takes_is_sent_whole(far: Far) -> None:
    with far.connect() as venue:
        data = bytes(range(256)) * 40_000
        far.client.send(data, at=1)
        got = bytearray()
        venue.setblocking(False)
        while len(got) < len(data):
            far.turn(wait=0)
            try:
                got += venue.recv(1 << 20)
            except BlockingIOError:
                continue
        assert bytes(got) == data


def test_it_comes_back_after_a_drawn_part_of_a_growing_delay(far: Far) -> None:
    at = 0
    delays = []
    for _ in range(9):
        far.connect(at).close()
        assert far.turn(at) == [LinkDown("the venue closed the connection")]
        assert far.client.next_at is not None and not far.client.connected
        delays.append(far.client.next_at - at)
        assert far.client.on_time(at=far.client.next_at - 1) == []
        at = far.client.next_at
    assert delays == [int(SECOND * each) for each in (0.25, 0.5, 1, 2, 4, 8, 15, 15, 15)]
    venue = far.connect(at)
    far.client.settled()
    venue.close()
    far.turn(at)
    assert far.client.next_at == at + SECOND // 4


def test_what_was_not_sent_when_it_broke_is_never_sent(far: Far) -> None:
    venue = far.connect()
    far.client.send(b"x" * (1 << 25), at=1)
    far.client.drop("test", at=2)
    venue.close()
    assert far.client.send(b"lost", at=3) == []
    with far.connect(far.client.next_at or 0) as again:
        far.client.send(b"new", at=9 * SECOND)
        assert again.recv(9) == b"new"


def test_nobody_there_is_a_link_down_and_another_attempt(far: Far) -> None:
    far.listener.close()
    happened = far.client.on_time(at=0) or far.turn()
    assert happened == [LinkDown("Connection refused")]
    assert far.client.next_at == SECOND // 4


def test_an_attempt_that_takes_too_long_is_given_up(far: Far) -> None:
    far.listener.close()
    far.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(3)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(far.listener.getsockname())
    port = far.listener.getsockname()[1]
    client = VenueClient("127.0.0.1", port=port, selector=far.selector, chance=lambda: 1.0)
    assert client.on_time(at=0) == [] and client.next_at == CONNECT_WITHIN
    assert far.selector.select(0) == []
    assert client.on_time(at=CONNECT_WITHIN) == [LinkDown("connecting took too long")]
    client.close()
    for each in waiting:
        each.close()
