"""A live process whose disk fails or is full, beside a real watchdog: it stops at once, and somebody else closes."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.kill_checks import compared, truth_of
from tools.kill_scene import ACCOUNT, ServedVenue, Trader, write_scene
from tradsys.engine.control.protocol import Kill, Status


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[ServedVenue]:
    served = ServedVenue(tmp_path, delay_ms=0)
    yield served
    served.close()


@pytest.fixture
def run_file(venue: ServedVenue, tmp_path: Path) -> Path:
    return write_scene(tmp_path, port=venue.port, seconds=60)


def watchdog(folder: Path, venue: ServedVenue) -> subprocess.Popen[str]:
    """The watchdog of a run folder, watching."""
    named = ["--data-dir", str(folder), "--port", str(venue.port), "--account", str(ACCOUNT)]
    options = ["--key-file", str(venue.record.parent / "key"), "--guard", "0.2", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tradsys", "watchdog", *named, *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None and process.stderr.readline().startswith("watching")
    return process


def position_at(venue: ServedVenue, journal: Path) -> int:
    return int(compared(journal, truth_of(venue.record, account=ACCOUNT), run="")["position_at_venue"])


def test_a_disk_that_fails_ends_it_at_once_and_the_watchdog_closes(
    venue: ServedVenue, run_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    trader = Trader(run_file, folder)
    trader.wait_for("reconciled")
    dog = watchdog(folder, venue)
    deadline = time.monotonic() + 10
    while not position_at(venue, folder / "journal") and time.monotonic() < deadline:
        trader.listen(time.monotonic() + 0.02)
    # From here on no file may be written beyond 4 KiB: the next commit is refused by the system (EFBIG).
    resource.prlimit(trader.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    began = time.monotonic()
    code = trader.wait()
    assert code == 70 and time.monotonic() - began < 1
    assert any("the journal failed" in line and "File too large" in line for line in trader.lines), trader.lines
    out, said = dog.communicate(timeout=20)
    assert "the trading process failed: the journal failed" in said, "it was told, and did not wait for silence"
    told = json.loads(out)
    assert told["flat"] and dog.returncode == 0
    assert position_at(venue, folder / "journal") == 0
    found = compared(folder / "journal", truth_of(venue.record, account=ACCOUNT), run="")
    watchdogs = [tag for tag in found["unrecorded"] if tag]
    assert len(watchdogs) == told["positions_closed"], "nothing else left without a record"


def namespaces() -> bool:
    """Whether a process here may mount a file system of its own."""
    if shutil.which("unshare") is None:
        return False
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0


def on_small_disk(folder: Path, *, size: str) -> tuple[str, ...]:
    """What begins a command whose journal is on a disk of a size."""
    (folder / "journal").mkdir(parents=True)
    mount = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
    return ("unshare", "-rm", "sh", "-c", mount, str(folder / "journal"))


needs_mounts = pytest.mark.skipif(not namespaces(), reason="a process may not mount a file system here")


@needs_mounts
def test_on_a_full_disk_it_opens_nothing_and_can_still_be_closed(
    venue: ServedVenue, run_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    trader = Trader(run_file, folder, before=on_small_disk(folder, size="12m"))
    trader.wait_for("reconciled")
    trader.listen(time.monotonic() + 0.5)
    body = trader.ask(Status())
    assert (body["on_reserve"], body["level"], body["rows"]) == (True, "NO_NEW_RISK", 0)
    assert "the disk is full: only what closes and records goes on" in trader.lines
    body = trader.ask(Kill(level="flatten", reason="a full disk", by="me"))
    assert body["level"] == "FLATTEN"
    assert trader.stop() == 0
    assert truth_of(venue.record, account=ACCOUNT).orders == {}


@needs_mounts
def test_without_space_for_its_first_records_it_does_not_start(run_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    trader = Trader(run_file, folder, before=on_small_disk(folder, size="1m"))
    assert trader.wait() == 70
    assert any("No space left" in line or "no space" in line for line in trader.lines), trader.lines
