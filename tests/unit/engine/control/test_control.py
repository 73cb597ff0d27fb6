"""The control socket, over a real one: commands arrive whole, bad bytes are answered, nobody else can ask."""

from __future__ import annotations

import os
import selectors
import socket
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradsys.core.errors import ConfigError, InputRefused, ResourceError
from tradsys.core.safety import SafetyLevel
from tradsys.engine.control.client import ask
from tradsys.engine.control.protocol import (
    MOST_BYTES,
    Kill,
    LineReader,
    Lower,
    Status,
    Stop,
    command_of,
    level_of,
    line_of,
)
from tradsys.engine.control.server import SOCKET, ControlServer, Request


class Caller:
    """A connection that says bytes and reads lines, in the same thread as the server."""

    def __init__(self, path: Path) -> None:
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.link.settimeout(2)
        self.link.connect(str(path))

    def say(self, data: bytes) -> None:
        self.link.sendall(data)

    def heard(self) -> dict[str, Any]:
        return msgspec.json.decode(self.link.makefile("rb").readline(), type=dict[str, Any])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / SOCKET


def test_a_command_arrives_and_its_answer_returns(path: Path) -> None:
    server = ControlServer(path)
    caller, other = Caller(path), Caller(path)
    caller.say(line_of(Kill(level="cancel", reason="why", by="asha")))
    other.say(line_of(Status()) + line_of(Stop()))
    first, second, third = server.ready()
    assert first.command == Kill(level="cancel", reason="why", by="asha")
    assert (second.command, third.command) == (Status(), Stop())
    server.answer(second, {"level": "NORMAL"})
    server.answer(first, {"level": "CANCEL"})
    assert caller.heard() == {"level": "CANCEL"}
    assert other.heard() == {"level": "NORMAL"}
    server.close()
    assert not path.exists()


def test_a_command_may_come_byte_by_byte(path: Path) -> None:
    server = ControlServer(path)
    caller = Caller(path)
    line = line_of(Lower(level="normal", reason="found", by="asha"))
    for byte in line[:-1]:
        caller.say(bytes([byte]))
        assert server.ready() == []
    caller.say(line[-1:])
    assert [each.command for each in server.ready()] == [Lower(level="normal", reason="found", by="asha")]
    server.close()


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b'{"command": "sell everything"}',
        b'{"command": "kill", "level": "flaten"}',
        b'{"command": "lower", "level": "normal"}',
        b'{"command": "kill", "extra": 1}',
        b"[" * 5_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_command_is_answered_and_the_next_one_heard(path: Path, line: bytes) -> None:
    server = ControlServer(path)
    caller = Caller(path)
    caller.say(line + b"\n" + line_of(Status()))
    assert [each.command for each in server.ready()] == [Status()]
    error = caller.heard()["error"]
    assert error["message"] and error["fix"]
    server.close()


def test_a_level_is_found_in_any_case_and_a_wrong_one_gets_the_nearest() -> None:
    assert level_of(" Flatten") is SafetyLevel.FLATTEN
    with pytest.raises(ConfigError, match="did you mean 'flatten'"):
        level_of("flaten")
    assert command_of(b'{"command": "kill"}') == Kill(level="flatten")


def test_a_line_without_end_ends_its_connection_alone(path: Path) -> None:
    server = ControlServer(path)
    endless, caller = Caller(path), Caller(path)
    endless.say(b"x" * (MOST_BYTES + 1))
    caller.say(line_of(Status()))
    found: list[Request] = []
    for _ in range(4):
        found += server.ready()
    assert [each.command for each in found] == [Status()]
    assert endless.heard()["error"]["code"] == "input_refused"
    assert endless.link.recv(1) == b""
    with pytest.raises(InputRefused):
        LineReader().feed(b"x" * (MOST_BYTES + 1))
    server.close()


def test_who_has_gone_is_not_answered_and_nothing_breaks(path: Path) -> None:
    server = ControlServer(path)
    caller = Caller(path)
    caller.say(line_of(Status()))
    (request,) = server.ready()
    caller.link.close()
    server.answer(request, {})
    server.answer(request, {})
    assert server.ready() == []
    server.answer(request, {})
    server.close()


def test_a_selector_wakes_for_it_and_forgets_it(path: Path) -> None:
    server, selector = ControlServer(path), selectors.DefaultSelector()
    server.register(selector)
    caller = Caller(path)
    assert [key.data for key, _ in selector.select(2)] == [server]
    assert server.ready() == []
    caller.say(line_of(Status()))
    assert [key.fileobj for key, _ in selector.select(2)] != [server.fileno()]
    assert len(server.ready()) == 1
    caller.link.close()
    server.ready()
    server.close()
    assert not selector.get_map()


def test_only_the_owner_may_ask_and_only_one_process_listens(path: Path) -> None:
    server = ControlServer(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ResourceError, match="another process"):
        ControlServer(path)
    server.close()


def test_the_socket_of_a_dead_process_is_replaced(path: Path) -> None:
    remains = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    remains.bind(str(path))
    remains.close()
    ControlServer(path).close()


def test_the_client_says_where_nobody_listens(path: Path) -> None:
    with pytest.raises(ResourceError, match="no process listens") as caught:
        ask(path, Status())
    assert caught.value.exit_code == 3
    assert "watchdog" in caught.value.fix


def test_the_client_does_not_wait_for_ever(path: Path) -> None:
    server = ControlServer(path)
    with pytest.raises(ResourceError, match="does not answer"):
        ask(path, Status(), timeout=0.05)
    server.close()


def test_client_and_server_meet_in_a_deep_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True)
    server = ControlServer(folder / SOCKET)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if ask(folder / SOCKET, Kill(reason="x", by="y")) == {"level": "FLATTEN"} else 1
        finally:
            os._exit(code)
    found: list[Request] = []
    selector = selectors.DefaultSelector()
    server.register(selector)
    while not found:
        selector.select(5)
        found = server.ready()
    server.answer(found[0], {"level": "FLATTEN"})
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    server.close()
