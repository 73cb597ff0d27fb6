"""`tradsys watchdog` as a process of its own: it fences the silent one out, and ends when the account is at rest."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.exchange.own.scene import COIN, KEYS, crypto_exchange
from tradsys.cli.application import verbs
from tradsys.core.errors import ConfigError, MissingData, ResourceError
from tradsys.core.units import SCALE
from tradsys.engine.trading.records import EPOCH, STOPPED
from tradsys.engine.watchdog.client import BeatClient
from tradsys.engine.watchdog.server import SOCKET
from tradsys.exchange.own import HouseTerms, VenueServer
from tradsys.exchange.own.server import SteadyClock, VenueSockets
from tradsys.execution.watchdog import Beat
from tradsys.journal import FolderDisk, Lease, open_journal


@pytest.fixture
def venue() -> Iterator[tuple[VenueServer, VenueSockets]]:
    """An exchange on a port, where account 1 holds 50 coins."""
    terms = HouseTerms(account=9, seed=1, prices={COIN: 100 * SCALE}, lots=10**6)
    server = VenueServer(crypto_exchange(), KEYS, house=terms)
    sockets = VenueSockets(server, SteadyClock())
    stopped = threading.Event()
    thread = threading.Thread(target=sockets.serve, args=(stopped.is_set,))
    thread.start()
    yield server, sockets
    stopped.set()
    thread.join()
    sockets.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(KEYS[1] + "\n")
    return path


def words(folder: Path, *, port: int, key_file: Path) -> list[str]:
    named = ["--data-dir", str(folder), "--port", str(port), "--account", "1", "--key-file", str(key_file)]
    return ["watchdog", *named, "--silence", "0.3", "--guard", "0.1", "--json"]


def test_a_process_that_falls_silent_is_fenced_out_and_its_account_comes_to_rest(
    venue: tuple[VenueServer, VenueSockets], tmp_path: Path, key_file: Path
) -> None:
    server, sockets = venue
    disk = FolderDisk(tmp_path / "journal")
    Lease.acquire(disk, holder="engine", now=time.monotonic_ns()).release()
    command = [sys.executable, "-m", "tradsys", *words(tmp_path, port=sockets.port, key_file=key_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None and process.stderr.readline().startswith("watching")
    beats = BeatClient(tmp_path / SOCKET)
    for _ in range(8):
        assert beats.send(Beat(run="r", epoch=1))
        time.sleep(0.1)
    assert process.poll() is None and server.venue.positions(1), "it beats: nothing is done"
    out, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    told = json.loads(out)
    assert (told["flat"], told["positions_closed"]) == (True, 1)
    assert server.venue.positions(1) == []
    assert "no heartbeat for 0.3 s" in said
    assert Lease.acquire(disk, holder="engine again", now=time.monotonic_ns()).epoch == 3, "it took the lease, 2"


@pytest.mark.parametrize(("last", "acts"), [(EPOCH, True), (STOPPED, False)])
def test_silence_counts_from_its_start_where_a_process_died_before(
    venue: tuple[VenueServer, VenueSockets], tmp_path: Path, key_file: Path, last: str, acts: bool
) -> None:
    server, sockets = venue
    disk = FolderDisk(tmp_path / "journal")
    lease = Lease.acquire(disk, holder="engine", now=time.monotonic_ns())
    journal = open_journal(disk, lease=lease, segment_bytes=2**12, reserve_bytes=2**12)
    journal.append(last, b"{}", at=1, recorded_at=1)
    journal.close()
    lease.release()
    (tmp_path / "manifest.json").write_text('{"run": "coins-1"}')
    command = [sys.executable, "-m", "tradsys", *words(tmp_path, port=sockets.port, key_file=key_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not acts:
        assert process.stderr is not None and "from the first heartbeat" in process.stderr.readline()
        time.sleep(1)
        assert process.poll() is None and server.venue.positions(1), "it ended as it should: nobody died"
        process.terminate()
    out, said = process.communicate(timeout=20)
    assert acts == (server.venue.positions(1) == [])
    if acts:
        assert json.loads(out)["flat"], said
        assert "coins-1 did not end as it should" in said and "since the watchdog began" in said


def test_a_key_that_others_may_read_or_that_is_not_there_is_refused(tmp_path: Path, key_file: Path) -> None:
    run = CliRunner()
    key_file.chmod(0o644)
    assert isinstance(run.invoke(verbs, words(tmp_path, port=1, key_file=key_file)).exception, ConfigError)
    gone = words(tmp_path, port=1, key_file=tmp_path / "gone")
    assert isinstance(run.invoke(verbs, gone).exception, MissingData)


def test_a_second_watchdog_is_refused(tmp_path: Path, key_file: Path) -> None:
    disk = FolderDisk(tmp_path / "watchdog")
    disk.lock("first")
    second = CliRunner().invoke(verbs, words(tmp_path, port=1, key_file=key_file))
    assert isinstance(second.exception, ResourceError)
    assert not (tmp_path / SOCKET).exists(), "the first one's socket is left alone"
