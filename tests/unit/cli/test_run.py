"""`tradsys run` as a process of its own: resumed, stopped, refused, and the commands of its page as they stand."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.kill_scene import ServedVenue, Stuck, Trader, write_key, write_scene
from tradsys.cli.application import verbs
from tradsys.core.errors import ConfigError, DataError, InputRefused, MissingData
from tradsys.core.instruments import Segment
from tradsys.engine.control.protocol import Kill, Lower, Status, Stop
from tradsys.engine.live_folder import manifest_of, run_of
from tradsys.engine.settings import load
from tradsys.journal.lease import LEASE_SECONDS
from tradsys.market.importing import import_files
from tradsys.market.store import Store
from tradsys.reference.calendar import calendar_for


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[ServedVenue]:
    served = ServedVenue(tmp_path, delay_ms=0)
    yield served
    served.close()


@pytest.fixture
def run_file(venue: ServedVenue, tmp_path: Path) -> Path:
    return write_scene(tmp_path, port=venue.port, seconds=60)


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A run file whose venue is not there."""
    write_key(tmp_path)
    return write_scene(tmp_path, port=free_port(), seconds=60)


def test_it_is_stopped_resumed_and_held_by_one_process_at_a_time(run_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = Trader(run_file, folder)
    first.wait_for("reconciled")
    first.wait_for("adopt")
    (at,) = [number for number, line in enumerate(first.lines) if line.startswith("start, ")]
    title, heads, money = first.lines[at : at + 3]
    assert title.endswith(": 1 to change, 0 to know of") and heads.split()[:3] == ["action", "case", "what"]
    assert money.split()[:6] == ["adopt", "cash_opening", "cash", "USDT", "1000000", "10000000"]
    assert "cash answer " in money and len([line for line in first.lines if "cash" in line]) == 1, "said once"
    assert (folder / "journal").is_dir() and manifest_of(folder)["kind"] == "live"
    began = time.monotonic()
    second = Trader(run_file, folder)
    assert second.wait() == 3
    assert time.monotonic() - began < LEASE_SECONDS, "it waits for no lease to end"
    assert f"process {first.pid} writes this journal" in second.lines[0]
    first.listen(time.monotonic() + 0.6)
    began = time.monotonic()
    assert first.stop() == 0 and time.monotonic() - began < 5
    assert "stops: SIGTERM" in first.lines
    again = Trader(run_file, folder)
    again.wait_for("reconciled")
    said = again.ask(Status())
    assert (said["epoch"], said["run"], said["level"]) == (2, manifest_of(folder)["run"], "NORMAL")
    assert said["rows"] >= 4, "it goes on where it was"
    assert again.ask(Stop(reason="seen enough"))["up"]
    assert again.wait() == 0
    assert "stops: seen enough" in again.lines
    assert not [line for line in again.lines if "cash" in line], "what was taken is not taken again"
    assert any(line.startswith(("reconnect, ", "start, ")) for line in again.lines), "the plan is printed"


def test_people_raise_and_lower_the_level_and_learn_when_the_account_is_at_rest(run_file: Path, tmp_path: Path) -> None:
    trader = Trader(run_file, tmp_path / "run", "--set", "venue.reconcile_seconds=0.3")
    trader.wait_for("reconciled")
    assert trader.ask(Status())["flat"] is None
    body = trader.ask(Kill(level="cancel", reason="a test", by="me"))
    assert body["level"] == "CANCEL"
    assert "lowering needs a name" in trader.ask(Lower(level="normal", reason="", by=""))["error"]["message"]
    assert trader.ask(Lower(level="normal", reason="a test", by="me"))["level"] == "NORMAL"
    assert trader.ask(Lower(level="normal", reason="a test", by="me"))["error"]["limit"] == "below NORMAL"
    words = ["kill", str(tmp_path / "run"), "--reason", "a test", "--json"]
    killed = CliRunner().invoke(verbs, words)
    assert killed.exit_code == 0 and json.loads(killed.stdout)["flat"] == {"flat": True, "left": []}
    assert trader.stop() == 0


def test_it_ends_with_its_feed_and_says_so_as_json(venue: ServedVenue, tmp_path: Path) -> None:
    run_file = write_scene(tmp_path, port=venue.port, seconds=1)
    command = [sys.executable, "-m", "tradsys", "run", str(run_file), "--data-dir", str(tmp_path / "run")]
    done = subprocess.run([*command, "--until-fed", "--json"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert (body["rows"], body["stopped"]) == (body["of"], "the feed has ended")


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["--live"], ConfigError, "no way to a broker"),
        (["--set", "venue.port=0"], ConfigError, "venue.port is not given"),
        (["--set", "venue.key_file=gone"], MissingData, "no such key file"),
        (["--speed", "0"], ConfigError, "speed out of range"),
        (["--speed", "nan"], ConfigError, "speed out of range"),
    ],
)
def test_what_cannot_run_is_refused(alone: Path, words: list[str], kind: type[InputRefused], message: str) -> None:
    found = CliRunner().invoke(verbs, ["run", str(alone), "--data-dir", str(alone.parent / "run"), *words])
    assert isinstance(found.exception, kind) and message in str(found.exception)
    assert not (alone.parent / "run").exists(), "nothing was written"


def test_the_folder_of_another_run_file_is_refused(alone: Path) -> None:
    folder = alone.parent / "run"
    words = ["run", str(alone), "--data-dir", str(folder)]
    run_of(folder, load(alone, environment={}), stamp=7)
    found = CliRunner().invoke(verbs, [*words, "--set", "run.cash=5"])
    assert isinstance(found.exception, ConfigError) and "another [run]" in str(found.exception)
    (folder / "manifest.json").write_text("{")
    found = CliRunner().invoke(verbs, words)
    assert isinstance(found.exception, DataError)


# --- the page


def documented(repository: Path) -> list[str]:
    """The shell blocks of the page's beginning."""
    text = (repository / "docs" / "live.md").read_text(encoding="utf-8").partition("| option")[0]
    return re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shell(line: str, folder: Path) -> subprocess.Popen[bytes]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.Popen(
        ["bash", "-ec", f"{line.strip()}"], cwd=folder, env={**os.environ, "PATH": path}, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def test_the_three_commands_of_the_page(repository: Path, tmp_path: Path) -> None:
    sample = repository / "data" / "sample" / "nse_1min_mit" / "FEDERALBNK_1min_2014-12_2015-10.parquet"
    calendar = calendar_for("NSE", Segment.EQUITY)
    store = Store(tmp_path / "data" / "store")
    import_files(str(sample), format="nse_1min_mit", store=store, calendar=calendar)
    (tmp_path / "configs").symlink_to(repository / "configs")
    port = str(free_port())
    serve, run, kill = (each.replace("7700", port) for each in documented(repository))
    running = [shell(serve, tmp_path)]
    try:
        running.append(shell(f"{run.strip()} --set venue.port={port}", tmp_path))
        folder = tmp_path / "runs" / "live_ema_trend"
        _wait_until_reconciled(running[1])
        killed = shell(kill, tmp_path)
        assert killed.wait(30) == 0
        assert (folder / "manifest.json").is_file()
        os.killpg(running[1].pid, signal.SIGTERM)
        assert running[1].wait(10) in (0, -signal.SIGTERM)
    finally:
        for each in running:
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait()


def _wait_until_reconciled(process: subprocess.Popen[bytes]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(b"reconciled"):
            return
    raise Stuck("it ended before it was reconciled")
