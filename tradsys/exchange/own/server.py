"""TCP in front of the venue's end of the own protocol: sockets, a clock, and a file of what became of every order."""

from __future__ import annotations

import ipaddress
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from tradsys.core.errors import ConfigError, ResourceError
from tradsys.core.units import SECOND
from tradsys.core.venue import OrderRow, Report
from tradsys.exchange.own.sessions import VenueServer

MOST_CONNECTIONS = 64
MOST_UNSENT = 1 << 24
"""Bytes that may wait for one connection; one that reads too slowly is closed."""

_CHUNK = 1 << 16
_LONGEST_WAIT = 0.1


class SteadyClock:
    """UTC nanoseconds that never go back: the machine's, or counted from `start`."""

    def __init__(self, *, start: int | None = None) -> None:
        self._offset = (time.time_ns() if start is None else start) - time.monotonic_ns()

    def __call__(self) -> int:
        return time.monotonic_ns() + self._offset


class Recorder:
    """Appends every report to an account to a file, one JSON object a line: `account`, `report`, and `order`, the order
    as it is then. A line is the system's before anybody hears of it, so it outlives the process.

    Raises `ResourceError` where the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: IO[bytes] = path.open("ab", buffering=0)
        except OSError as error:
            raise self._failed(error) from error

    def __call__(self, account: int, report: Report, order: OrderRow | None) -> None:
        line = msgspec.json.encode({"account": account, "report": report, "order": order})
        try:
            self._file.write(line + b"\n")
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()

    def _failed(self, error: OSError) -> ResourceError:
        return ResourceError(f"cannot write {self._path}: {error.strerror}", value=str(self._path), fix="name another")


class _Held(NamedTuple):
    """Bytes that leave at an instant; without any, the connection ends."""

    due: int
    connection: int
    data: bytes


class _Peer:
    """One accepted connection and what it has not taken yet."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.socket = connection
        self.number = number
        self.unsent = bytearray()
        self.ending = False


class VenueSockets:
    """Listens on `host` and `port` (0: one that is free), and drives `server` by `clock`.

    `delay` nanoseconds pass before anything that the venue says leaves. Raises `ConfigError` for a host that others can
    reach unless `exposed` says so, and `ResourceError` where it cannot listen.
    """

    def __init__(
        self,
        server: VenueServer,
        clock: Callable[[], int],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        exposed: bool = False,
        delay: int = 0,
    ) -> None:
        if not exposed and not _is_loopback(host):
            raise ConfigError(
                "others can reach this host", value=host, limit="127.0.0.1, ::1, localhost", fix="give --exposed"
            )
        self._server = server
        self._clock = clock
        self._delay = delay
        self._held: deque[_Held] = deque()
        self._peers: dict[int, _Peer] = {}
        self._numbers = 0
        self._selector = selectors.DefaultSelector()
        self._listener = _listen(host, port=port)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self.host, self.port = self._listener.getsockname()[:2]
        server.advance(clock())

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._peers)

    def serve(self, stop: Callable[[], bool]) -> None:
        """Until `stop`, which is asked at least ten times a second."""
        while not stop():
            self.turn()

    def turn(self) -> None:
        """Wait for something to do, at most a tenth of a second, and do it."""
        for key, mask in self._selector.select(self._wait()):
            if key.data is None:
                self._accept()
            elif key.data.number in self._peers:
                self._ready(key.data, mask)
        now = self._clock()
        self._server.advance(now)
        self._collect(now)
        self._release(now)

    def close(self) -> None:
        """End all connections and stop listening."""
        for peer in list(self._peers.values()):
            self._end(peer)
        self._selector.close()
        self._listener.close()

    def _wait(self) -> float:
        dues = [due for due in (self._server.next_at, self._held[0].due if self._held else None) if due is not None]
        left = (min(dues) - self._clock()) / SECOND if dues else _LONGEST_WAIT
        return min(max(left, 0.0), _LONGEST_WAIT)

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return
        if len(self._peers) >= MOST_CONNECTIONS:
            accepted.close()
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._numbers += 1
        peer = self._peers[self._numbers] = _Peer(accepted, self._numbers)
        self._selector.register(accepted, selectors.EVENT_READ, peer)
        self._server.opened(peer.number, at=self._clock())

    def _ready(self, peer: _Peer, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._write(peer)
        if mask & selectors.EVENT_READ and peer.number in self._peers:
            self._read(peer)

    def _read(self, peer: _Peer) -> None:
        try:
            data = peer.socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            now = self._clock()
            self._server.received(peer.number, data, at=now)
            self._collect(now)
            self._release(now)
        else:
            self._end(peer)

    def _collect(self, now: int) -> None:
        """What the venue says, on its way out."""
        sent, closing = self._server.drained()
        due = now + self._delay
        self._held += (_Held(due, connection, data) for connection, data in sent)
        self._held += (_Held(due, connection, b"") for connection in closing)

    def _release(self, now: int) -> None:
        """What has waited long enough leaves."""
        touched: dict[int, _Peer] = {}
        while self._held and self._held[0].due <= now:
            held = self._held.popleft()
            peer = self._peers.get(held.connection)
            if peer is None:
                continue
            peer.unsent += held.data
            peer.ending = peer.ending or not held.data
            touched[peer.number] = peer
        for peer in touched.values():
            self._write(peer)

    def _write(self, peer: _Peer) -> None:
        try:
            while peer.unsent:
                del peer.unsent[: peer.socket.send(peer.unsent)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._end(peer)
            return
        if peer.ending or len(peer.unsent) > MOST_UNSENT:
            self._end(peer)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.unsent else 0)
        self._selector.modify(peer.socket, events, peer)

    def _end(self, peer: _Peer) -> None:
        del self._peers[peer.number]
        self._selector.unregister(peer.socket)
        peer.socket.close()
        self._server.closed(peer.number, at=self._clock())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, *, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=MOST_CONNECTIONS)
    except (OSError, OverflowError) as error:
        raise ResourceError(
            f"cannot listen: {error}", value=f"{host}:{port}", limit="an address of this machine", fix="try --port 0"
        ) from error
    listener.setblocking(False)
    return listener
