"""Where heartbeats arrive: datagrams on a Unix socket, so that a broken disk does not silence a living process."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import msgspec

from tradsys.core.errors import ResourceError
from tradsys.engine.control.address import address_of
from tradsys.execution.watchdog import Beat

SOCKET = "watchdog.sock"
"""Name of the socket in the folder that the trading process and its watchdog share."""

_decoder = msgspec.json.Decoder(Beat)


class BeatServer:
    """Receives beats at `path`, from this machine's account alone (mode 0600). `unread` counts what was no beat.

    The watchdog's journal keeps a second one away; what is found at `path` is left from an earlier one. Raises
    `ResourceError` where no socket can be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.unread = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            path.unlink(missing_ok=True)
            with address_of(path) as address:
                self._socket.bind(address)
                os.chmod(address, 0o600)
        except OSError as error:
            self._socket.close()
            raise ResourceError(
                f"no socket for heartbeats: {error}", value=str(path), fix="check the folder"
            ) from error

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def ready(self) -> list[Beat]:
        """Every beat that is there now."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._socket.recv(2**16)
                try:
                    found.append(_decoder.decode(data))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    self.unread += 1
        return found

    def close(self) -> None:
        """Receive no more."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
