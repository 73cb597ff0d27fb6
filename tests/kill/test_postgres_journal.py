"""`tradsys run` with its journal in PostgreSQL: killed, paused, copied, and left by its server; all of it real, and a
served venue that records."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.kill.disks import watchdog
from tests.postgres_server import SERVER, connection_file
from tools.kill_checks import agrees, compared, journal_of, tag_of_placing, truth_of
from tools.kill_scene import ACCOUNT, PATIENCE, ServedVenue, Trader, write_scene
from tradsys.cli.application import verbs
from tradsys.engine.control.protocol import Kill, Status
from tradsys.engine.live_journal import store_in
from tradsys.execution.tags import tag_of

psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

from tradsys.journal.postgres_journal import ANSWER_SECONDS  # noqa: E402


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[ServedVenue]:
    served = ServedVenue(tmp_path, delay_ms=0)
    yield served
    served.close()


@pytest.fixture
def run_file(venue: ServedVenue, schema: str, tmp_path: Path) -> Path:
    path = write_scene(tmp_path, port=venue.port, seconds=60)
    named = f'connection_file = "{connection_file(tmp_path).name}"\nschema = "{schema}"\n'
    path.write_text(f'{path.read_text()}\n[journal]\nkind = "postgresql"\n{named}')
    return path


@pytest.fixture
def traders() -> Iterator[Callable[..., Trader]]:
    """Starts processes that end with the test."""
    begun: list[Trader] = []

    def start(run_file: Path, folder: Path) -> Trader:
        begun.append(Trader(run_file, folder))
        return begun[-1]

    yield start
    for each in begun:
        each.process.kill()
        each.process.wait(PATIENCE)


def both(venue: ServedVenue, folder: Path) -> dict[str, Any]:
    """The journal beside the venue's record."""
    run = json.loads((folder / "manifest.json").read_text())["run"]
    return compared(folder, truth_of(venue.record, account=ACCOUNT), run=run)


def trades(trader: Trader, venue: ServedVenue, *, more_than: int = 0) -> None:
    """Wait until the venue has so many trades."""
    trader.wait_for("reconciled")
    deadline = time.monotonic() + PATIENCE
    while _count(venue) <= more_than and time.monotonic() < deadline:
        trader.listen(time.monotonic() + 0.02)
    assert _count(venue) > more_than, trader.lines


def _count(venue: ServedVenue) -> int:
    return sum(sum(each.values()) for each in truth_of(venue.record, account=ACCOUNT).trades.values())


def bring_to_rest(trader: Trader) -> None:
    """Close everything, and wait until the account is at rest by the venue's word."""
    flat = trader.ask(Kill(level="flatten", reason="a test", by="me"))["flat"]
    deadline = time.monotonic() + PATIENCE
    while not flat["flat"] and time.monotonic() < deadline:
        trader.listen(time.monotonic() + 0.05)
        flat = trader.ask(Status())["flat"]
    assert flat == {"flat": True, "left": []}


def printed(*words: str) -> dict[str, Any]:
    """What a command prints with --json."""
    found = CliRunner().invoke(verbs, [*words, "--json"])
    assert found.exit_code == 0, (found.output, found.exception)
    return dict(json.loads(found.stdout))


def test_a_killed_run_goes_on_and_every_tool_reads_it(
    venue: ServedVenue, run_file: Path, traders: Callable[..., Trader], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    for _ in range(2):
        trader = traders(run_file, folder)
        trades(trader, venue, more_than=_count(venue) + 2)
        trader.kill()
    last = traders(run_file, folder)
    last.wait_for("reconciled")
    assert last.ask(Status())["epoch"] == 3
    bring_to_rest(last)
    assert last.stop() == 0
    found = both(venue, folder)
    assert agrees(found) and found["orders"] > 5 and found["trades"] > 5, found
    files = {path.suffix for path in (folder / "journal").iterdir()}
    assert ".segment" not in files and {".seal", ".snapshot", ".epoch"} <= files

    verdict = printed("audit", "verify", str(folder))
    assert verdict["first_bad"] is None and verdict["seals"] == 1 and verdict["records"] > 50
    assert printed("audit", "seal", str(folder))["last"] == verdict["records"] - 1
    bundle = tmp_path / "bundle"
    assert printed("audit", "export", str(folder), "--to", str(bundle))["manifest"]["records"] == verdict["records"] + 1
    checked = subprocess.run([sys.executable, str(bundle / "verify.py"), str(bundle)], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert printed("replay", str(folder), "--verify")["verified"] is True
    assert printed("diff", str(folder), str(folder))["equal"] is True
    placed = next(each for each in journal_of(folder) if tag_of_placing(each))
    run = json.loads((folder / "manifest.json").read_text())["run"]
    order = next(number for number in range(1, 1000) if tag_of(run, number) == tag_of_placing(placed))
    assert printed("why", "--run", str(folder), str(order))["venue"][0]["record"] == placed.sequence


def test_a_second_process_is_refused_also_from_a_copied_folder(
    venue: ServedVenue, run_file: Path, traders: Callable[..., Trader], tmp_path: Path
) -> None:
    folder, copied = tmp_path / "run", tmp_path / "copied"
    first = traders(run_file, folder)
    first.wait_for("reconciled")
    second = traders(run_file, folder)
    assert second.wait() == 3
    assert f"process {first.pid} writes this journal" in second.lines[0]
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("*.sock"))
    (copied / "journal" / "writer.lock").unlink()
    elsewhere = traders(run_file, copied)
    assert elsewhere.wait() == 3
    assert "another process writes this journal" in elsewhere.lines[0]
    assert first.ask(Status())["epoch"] == 1
    trades(first, venue, more_than=_count(venue))
    assert first.stop() == 0
    other = traders(run_file, tmp_path / "other")
    assert other.wait() == 2
    assert "holds the journal of another run" in other.lines[0] and not (tmp_path / "other").exists()


def test_one_that_was_paused_is_taken_over_and_sends_nothing_when_it_wakes(
    venue: ServedVenue, run_file: Path, traders: Callable[..., Trader], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    paused = traders(run_file, folder)
    trades(paused, venue)
    paused.send(signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE
    while True:
        second = traders(run_file, folder)
        if second.listen(time.monotonic() + PATIENCE, text="reconciled") or time.monotonic() > deadline:
            break
        time.sleep(0.3)
    paused.send(signal.SIGCONT)
    assert paused.wait() == 70
    trades(second, venue, more_than=_count(venue))
    bring_to_rest(second)
    assert second.stop() == 0
    assert agrees(both(venue, folder))


def hold_the_writers_row(schema: str) -> Any:
    """No commit gets through while this connection lives: the server has hung, for the one who writes."""
    connection = psycopg.connect(SERVER)
    connection.execute(f"SELECT epoch FROM {schema}.writer FOR UPDATE")
    return connection


def end_the_connection(schema: str) -> Any:
    """The writer's connection breaks, as it does when the server is stopped."""
    connection = psycopg.connect(SERVER, autocommit=True)
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks, hashtextextended(%s, 0) AS key WHERE locktype = 'advisory' "
        "AND objsubid = 1 AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid",
        [f"{schema} writer"],
    )
    return connection


@pytest.mark.parametrize(
    ("fails", "seconds"), [(end_the_connection, 1.0), (hold_the_writers_row, ANSWER_SECONDS + 1.0)]
)
def test_a_server_that_fails_ends_it_and_the_watchdog_closes(
    fails: Callable[[str], Any],
    seconds: float,
    venue: ServedVenue,
    run_file: Path,
    traders: Callable[..., Trader],
    schema: str,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    trader = traders(run_file, folder)
    trades(trader, venue)
    dog = watchdog(folder, venue)
    trader.listen(time.monotonic() + 1.2)
    began = time.monotonic()
    connection = fails(schema)
    assert trader.wait() == 70
    took = time.monotonic() - began
    said, told = dog.communicate(timeout=PATIENCE)
    connection.close()
    assert took < seconds + 1.0, "it was told nothing for longer than that"
    assert json.loads(said)["left"] == [], told
    assert sum(_position(venue).values()) == 0
    found = both(venue, folder)
    assert not found["double"] and not found["invented"]
    # The watchdog's orders are in a journal of its own.
    assert all(tag.startswith("flat") for tag in found["unrecorded"]), found["unrecorded"]


def _position(venue: ServedVenue) -> dict[str, int]:
    held: dict[str, int] = {}
    for trades in truth_of(venue.record, account=ACCOUNT).trades.values():
        for (side, quantity, _), count in trades.items():
            held[side] = held.get(side, 0) + quantity * count * (1 if side == "buy" else -1)
    return held


def test_a_restart_on_a_database_without_the_journal_is_refused(
    venue: ServedVenue, run_file: Path, traders: Callable[..., Trader], schema: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    trader = traders(run_file, folder)
    trader.wait_for("reconciled")
    trader.kill()
    assert store_in(folder).epoch == 1
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
    again = traders(run_file, folder)
    assert again.wait() == 3
    assert "is not the one that this folder wrote" in again.lines[-2], again.lines
