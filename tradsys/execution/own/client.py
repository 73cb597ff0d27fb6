"""A TCP connection to a venue that comes back by itself: no protocol and no decisions, only bytes.

It never waits: `selectors` says when it can go on. Bytes that were not sent when a connection ends are gone; nothing is
sent a second time.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections.abc import Callable
from typing import NamedTuple

from tradsys.core.units import MILLISECOND, SECOND

FIRST_DELAY = 500 * MILLISECOND
LONGEST_DELAY = 30 * SECOND
CONNECT_WITHIN = 5 * SECOND
"""Nanoseconds: the most that the first delay can be, any delay can be, and a connection may take to come about."""

_CHUNK = 1 << 16


class LinkUp(NamedTuple):
    """The connection is there: log on."""


class LinkDown(NamedTuple):
    """The connection is gone, or did not come about, and why."""

    why: str


Happening = LinkUp | LinkDown | bytes


class VenueClient:
    """One connection at a time to `host` and `port`, registered at `selector` with itself as data.

    `chance` draws a float in [0, 1): after the n-th failure in a row it waits that part of `FIRST_DELAY` times 2**n, of
    at most `LONGEST_DELAY` (full jitter). Times are nanoseconds of the caller's clock. The driver calls `on_time` when
    `next_at` has come and `on_ready` when the selector says so.
    """

    def __init__(self, host: str, *, port: int, selector: selectors.BaseSelector, chance: Callable[[], float]) -> None:
        self._address = (host, port)
        self._selector = selector
        self._chance = chance
        self._socket: socket.socket | None = None
        self._unsent = bytearray()
        self._failures = 0
        self.connected = False
        self.next_at: int | None = 0
        """When `on_time` has something to do: the next attempt, or the end of patience with this one."""

    def on_time(self, *, at: int) -> list[Happening]:
        """Connect if it is time to; give up an attempt that takes too long."""
        if self.next_at is None or at < self.next_at:
            return []
        if self._socket is not None:
            return self.drop("connecting took too long", at=at)
        self.next_at = at + CONNECT_WITHIN
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM)[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            failure = self._socket.connect_ex(address)
        except OSError as error:
            return self.drop(_why(error), at=at)
        if failure not in (0, errno.EINPROGRESS):
            return self.drop(os.strerror(failure), at=at)
        self._selector.register(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
        return []

    def on_ready(self, mask: int, *, at: int) -> list[Happening]:
        """What the socket has to say: up, bytes, down."""
        if self._socket is None:
            return []
        happened: list[Happening] = []
        if not self.connected:
            failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failure:
                return self.drop(os.strerror(failure), at=at)
            self.connected = True
            self.next_at = None
            happened.append(LinkUp())
            self._watch()
        if mask & selectors.EVENT_READ:
            happened += self._read(at)
        if mask & selectors.EVENT_WRITE and self.connected:
            happened += self._write(at)
        return happened

    def send(self, data: bytes, *, at: int) -> list[Happening]:
        """Send at once what goes at once, the rest when the socket takes more; dropped where nothing is connected."""
        if not self.connected:
            return []
        self._unsent += data
        return self._write(at)

    def settled(self) -> None:
        """The connection proved to be good: the next failure is the first again."""
        self._failures = 0

    def drop(self, why: str, *, at: int) -> list[Happening]:
        """End the connection, and try again after a while."""
        self._close()
        longest = min(FIRST_DELAY * 2 ** min(self._failures, 16), LONGEST_DELAY)
        self._failures += 1
        self.next_at = at + int(self._chance() * longest)
        return [LinkDown(why)]

    def close(self) -> None:
        """End for good."""
        self._close()
        self.next_at = None

    def _close(self) -> None:
        if self._socket is not None:
            if self._socket.fileno() in self._selector.get_map():
                self._selector.unregister(self._socket)
            self._socket.close()
        self._socket = None
        self.connected = False
        self._unsent.clear()

    def _read(self, at: int) -> list[Happening]:
        try:
            data = self._open().recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            return self.drop(_why(error), at=at)
        return [data] if data else self.drop("the venue closed the connection", at=at)

    def _write(self, at: int) -> list[Happening]:
        try:
            while self._unsent:
                del self._unsent[: self._open().send(self._unsent)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            return self.drop(_why(error), at=at)
        self._watch()
        return []

    def _watch(self) -> None:
        """Ask for what is needed: to write only where something waits."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if self._selector.get_key(self._open()).events != events:
            self._selector.modify(self._open(), events, self)

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._socket


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
