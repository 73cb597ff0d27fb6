"""The trading process's end: one datagram a beat. It never waits and never fails: a watchdog is not part of trading."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec

from tradsys.engine.control.address import address_of
from tradsys.execution.watchdog import Beat


class BeatClient:
    """Sends beats to `path`; at least one a second, and one with `Pulse.FAILED` or `Pulse.ENDED` at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def send(self, beat: Beat) -> bool:
        """Whether a watchdog could take it."""
        try:
            with address_of(self._path) as address:
                self._socket.sendto(msgspec.json.encode(beat), address)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Send no more."""
        self._socket.close()
