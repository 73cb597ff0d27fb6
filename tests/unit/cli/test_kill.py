"""`tradsys kill` and `tradsys lower`: through the control socket of a running process, or as a drill that measures."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tradsys.cli.application import verbs
from tradsys.core.errors import ConfigError, InputRefused, ResourceError, UnknownName
from tradsys.engine.control.protocol import AnyControl, Kill, Lower, Status
from tradsys.engine.control.server import SOCKET, ControlServer


def kill(*words: str) -> Result:
    return CliRunner().invoke(verbs, ["kill", *words])


class Process:
    """A process that obeys, and is at rest when it was asked how it stands for the second time."""

    def __init__(self, folder: Path, *, flat: bool = True, error: dict[str, Any] | None = None) -> None:
        self.server = ControlServer(folder / SOCKET)
        self.flat, self.error = flat, error
        self.heard: list[AnyControl] = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while not self.stopped.wait(0.005):
            for request in self.server.ready():
                self.heard.append(request.command)
                rest = self.flat and self.heard.count(Status()) > 1
                level = getattr(request.command, "level", "FLATTEN").upper()
                self.server.answer(request, self.error or {"level": level, "flat": {"flat": True} if rest else None})

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join()
        self.server.close()


@pytest.fixture
def obedient(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    process.stop()


def test_it_waits_until_the_account_is_at_rest(obedient: Process, tmp_path: Path) -> None:
    done = kill(str(tmp_path), "--reason", "wrong size", "--by", "asha", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"level": "FLATTEN", "flat": {"flat": True}}
    assert obedient.heard == [Kill(level="flatten", reason="wrong size", by="asha"), Status(), Status()]


def test_no_new_risk_waits_for_nothing_and_a_person_gets_a_sentence(obedient: Process, tmp_path: Path) -> None:
    done = kill(str(tmp_path), "--reason", "news", "--level", "NO_NEW_RISK")
    assert (done.exit_code, done.stdout) == (0, "the process is at NO_NEW_RISK\n")
    (command,) = obedient.heard
    assert isinstance(command, Kill) and command.level == "no_new_risk" and command.by


def test_exit_1_where_it_does_not_come_to_rest(tmp_path: Path) -> None:
    process = Process(tmp_path, flat=False)
    done = kill(str(tmp_path), "--reason", "x", "--wait", "0.1")
    process.stop()
    assert done.exit_code == 1
    assert "not yet at rest (the venue has not said so)" in done.stdout


def test_lowering_says_who_and_why_and_tells_the_level_that_is(obedient: Process, tmp_path: Path) -> None:
    words = ["lower", str(tmp_path), "--reason", "looked at", "--by", "asha"]
    done = CliRunner().invoke(verbs, words)
    assert (done.exit_code, done.stdout) == (0, "the process is at NORMAL\n"), done.output
    assert obedient.heard == [Lower(level="normal", reason="looked at", by="asha")]
    assert isinstance(CliRunner().invoke(verbs, [*words, "--to", "low"]).exception, UnknownName)


def test_what_the_process_refuses_is_an_error_here(tmp_path: Path) -> None:
    process = Process(tmp_path, error={"error": {"message": "no", "value": 1, "limit": 2, "fix": "wait"}})
    done = kill(str(tmp_path), "--reason", "x")
    process.stop()
    assert isinstance(done.exception, InputRefused)
    assert done.exception.fix == "wait"


def test_without_a_process_it_says_so_and_what_to_do(tmp_path: Path) -> None:
    error = kill(str(tmp_path), "--reason", "x").exception
    assert isinstance(error, ResourceError) and error.exit_code == 3
    assert "no process" in error.message and "watchdog" in error.fix


def test_a_reason_and_a_level_that_exists_are_wanted(tmp_path: Path) -> None:
    assert isinstance(kill(str(tmp_path)).exception, ConfigError)
    assert isinstance(kill("--reason", "x").exception, ConfigError)
    assert isinstance(kill(str(tmp_path), "--reason", "x", "--level", "flat").exception, UnknownName)


def test_the_drill_ends_flat_on_a_real_exchange_in_another_process() -> None:
    done = kill("--drill", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["flat"], told["orders_cancelled"], told["positions_closed"], told["left"]) == (True, 15, 3, [])
    assert 1 < told["seconds_to_flat"] < 20, "fifteen cancels at ten a second take a second"
