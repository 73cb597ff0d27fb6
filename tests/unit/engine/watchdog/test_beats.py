"""Heartbeats over a real socket: what is sent is received, what is no beat is counted, nobody is waited for."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from tradsys.core.errors import ResourceError
from tradsys.engine.watchdog.client import BeatClient
from tradsys.engine.watchdog.server import SOCKET, BeatServer
from tradsys.execution.watchdog import Beat, Pulse


def test_beats_arrive_in_order_and_nonsense_is_counted(tmp_path: Path) -> None:
    server, client = BeatServer(tmp_path / SOCKET), BeatClient(tmp_path / SOCKET)
    beats = [Beat(run="r", epoch=3), Beat(run="r", epoch=3, pulse=Pulse.FAILED, why="I/O error")]
    assert [client.send(each) for each in beats] == [True, True]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\xff{", str(tmp_path / SOCKET))
    assert (server.ready(), server.ready(), server.unread) == (beats, [], 1)
    assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600
    client.close()
    server.close()


def test_a_sender_neither_waits_nor_fails_without_a_watchdog(tmp_path: Path) -> None:
    client = BeatClient(tmp_path / "gone" / SOCKET)
    assert client.send(Beat(run="r", epoch=1)) is False
    server = BeatServer(tmp_path / SOCKET)
    deaf = BeatClient(tmp_path / SOCKET)
    sent = [deaf.send(Beat(run="r", epoch=1)) for _ in range(2_000)]
    assert sent[0] and not sent[-1], "a watchdog that does not read holds nobody up"
    assert len(server.ready()) == sum(sent)
    server.close()
    assert deaf.send(Beat(run="r", epoch=1)) is False


def test_the_socket_of_an_earlier_one_is_replaced_and_a_missing_folder_refused(tmp_path: Path) -> None:
    BeatServer(tmp_path / SOCKET)
    BeatServer(tmp_path / SOCKET).close()
    with pytest.raises(ResourceError, match="no socket for heartbeats"):
        BeatServer(tmp_path / "gone" / SOCKET)
