"""A person's end of the control socket: one command, one answer."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import msgspec

from tradsys.core.errors import ResourceError
from tradsys.engine.control.address import address_of
from tradsys.engine.control.protocol import Command, LineReader, line_of


def ask(path: Path, command: Command, *, timeout: float = 5.0) -> dict[str, Any]:
    """The process's answer to a command. `timeout` seconds.

    Raises `ResourceError` where no process listens at `path`, or it does not answer in time.
    """
    try:
        with address_of(path) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(timeout)
            link.connect(address)
            link.sendall(line_of(command))
            return _answer(link, time.monotonic() + timeout)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise ResourceError(
            "no process listens for control commands there",
            value=str(path),
            fix="check the run folder; if the process died, a watchdog or the broker's own screen closes what is open",
        ) from error
    except OSError as error:
        raise ResourceError(
            f"the process does not answer: {error or 'timed out'}",
            value=str(path),
            fix="stop the process: its watchdog then closes what is open",
        ) from error


def _answer(link: socket.socket, deadline: float) -> dict[str, Any]:
    reader = LineReader()
    while True:
        link.settimeout(max(0.001, deadline - time.monotonic()))
        data = link.recv(2**16)
        if not data:
            raise ConnectionError("the connection ended without an answer")
        for line in reader.feed(data):
            return msgspec.json.decode(line, type=dict[str, Any])
