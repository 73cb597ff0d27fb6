"""The process's end of the control socket. Nothing here waits: it is asked in the loop of whoever owns it.

server = ControlServer(folder / SOCKET)
server.register(selector)
while …:
    selector.select(timeout)
    for request in server.ready():
        server.answer(request, {"level": "FLATTEN"})
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tradsys.core.errors import InputRefused, ResourceError
from tradsys.engine.control.address import address_of
from tradsys.engine.control.protocol import AnyControl, LineReader, command_of, line_of, refusal

SOCKET = "control.sock"
"""Name of the socket in a run folder."""

_MOST_CONNECTIONS = 16
_MOST_UNREAD = 2**18


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A command that waits for its answer on one connection."""

    command: AnyControl
    connection: int


class _Connection:
    """One that asks, and what it has not read yet."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.reader = LineReader()
        self.unread = bytearray()


class ControlServer:
    """Listens at `path` for people of this machine's account alone (mode 0600).

    Raises `ResourceError` where another process listens there, or where no socket can be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections: dict[int, _Connection] = {}
        self._count = 0
        self._selector: selectors.BaseSelector | None = None
        with address_of(path) as address:
            self._listener = _listening(path, address)

    def register(self, selector: selectors.BaseSelector) -> None:
        """Wake that selector when somebody asks; the key's `data` is this server."""
        self._selector = selector
        for link in (self._listener, *(each.link for each in self._connections.values())):
            selector.register(link, selectors.EVENT_READ, self)

    def fileno(self) -> int:
        """Of the listening socket."""
        return self._listener.fileno()

    def ready(self) -> list[Request]:
        """Every command that is there now. What is no command is answered here."""
        self._accept()
        return [request for number in list(self._connections) for request in self._heard(number)]

    def answer(self, request: Request, body: Mapping[str, object]) -> None:
        """Answer a command; nothing happens where who asked has gone."""
        self._say(request.connection, body)

    def close(self) -> None:
        """Answer nobody any more; the socket goes from the folder."""
        for number in list(self._connections):
            self._drop(number)
        if self._selector is not None:
            self._selector.unregister(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                link, _ = self._listener.accept()
                link.setblocking(False)
                if len(self._connections) >= _MOST_CONNECTIONS:
                    link.close()
                    continue
                self._count += 1
                self._connections[self._count] = _Connection(link)
                if self._selector is not None:
                    self._selector.register(link, selectors.EVENT_READ, self)

    def _heard(self, number: int) -> Iterator[Request]:
        connection = self._connections[number]
        try:
            data = connection.link.recv(2**16)
        except BlockingIOError:
            self._flush(number)
            return
        except OSError:
            data = b""
        if not data:
            self._drop(number)
            return
        try:
            lines = connection.reader.feed(data)
        except InputRefused as error:
            self._say(number, refusal(error))
            self._drop(number)
            return
        for line in lines:
            try:
                yield Request(command=command_of(line), connection=number)
            except InputRefused as error:
                self._say(number, refusal(error))

    def _say(self, number: int, body: Mapping[str, object]) -> None:
        connection = self._connections.get(number)
        if connection is None:
            return
        connection.unread += line_of(body)
        self._flush(number)
        if len(connection.unread) > _MOST_UNREAD:
            self._drop(number)

    def _flush(self, number: int) -> None:
        connection = self._connections[number]
        try:
            while connection.unread:
                del connection.unread[: connection.link.send(connection.unread)]
        except BlockingIOError:
            return
        except OSError:
            self._drop(number)

    def _drop(self, number: int) -> None:
        connection = self._connections.pop(number, None)
        if connection is None:
            return
        if self._selector is not None:
            self._selector.unregister(connection.link)
        connection.link.close()


def _listening(path: Path, address: str) -> socket.socket:
    """A socket that listens at a path; the remains of a dead process's are cleared."""
    if path.exists() and not _is_dead(address):
        raise ResourceError("another process takes control commands here", value=str(path), fix="stop it first")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)
        listener.bind(address)
        os.chmod(address, 0o600)
        listener.listen(_MOST_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise ResourceError(f"no control socket: {error}", value=str(path), fix="check the run folder") from error
    return listener


def _is_dead(address: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(address)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return False
