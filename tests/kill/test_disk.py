"""A live process whose disk fails or is full, beside a real watchdog: it stops at once, and somebody else closes."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

from tests.kill.disks import SmallDisk, position_at, seconds_to_end, watchdog
from tools.kill_checks import compared, truth_of
from tools.kill_scene import ACCOUNT, ServedVenue, Trader
from tradsys.engine.control.protocol import Kill, Status


def test_a_disk_that_fails_ends_it_at_once_and_the_watchdog_closes(
    venue: ServedVenue, trading: Callable[..., Trader], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    trader = trading()
    trader.wait_for("reconciled")
    dog = watchdog(folder, venue)
    deadline = time.monotonic() + 10
    while not position_at(venue, folder / "journal") and time.monotonic() < deadline:
        trader.listen(time.monotonic() + 0.02)
    # From here on no file may be written beyond 4 KiB: the next commit is refused by the system (EFBIG).
    resource.prlimit(trader.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    assert seconds_to_end(trader) < 1
    assert trader.wait() == 70
    assert any("the journal failed" in line and "File too large" in line for line in trader.lines), trader.lines
    out, said = dog.communicate(timeout=20)
    assert "the trading process failed: the journal failed" in said, "it was told, and did not wait for silence"
    told = json.loads(out)
    assert told["flat"] and dog.returncode == 0
    assert position_at(venue, folder / "journal") == 0
    found = compared(folder / "journal", truth_of(venue.record, account=ACCOUNT), run="")
    watchdogs = [tag for tag in found["unrecorded"] if tag]
    assert len(watchdogs) == told["positions_closed"], "nothing else left without a record"


def test_on_a_full_disk_it_opens_nothing_and_can_still_be_closed(
    venue: ServedVenue, trading: Callable[..., Trader], small_disk: Callable[[str], SmallDisk]
) -> None:
    trader = trading(before=small_disk("12m").before)
    trader.wait_for("reconciled")
    trader.listen(time.monotonic() + 0.5)
    body = trader.ask(Status())
    assert (body["on_reserve"], body["level"], body["rows"]) == (True, "NO_NEW_RISK", 0)
    assert "the disk is full: only what closes and records goes on" in trader.lines
    body = trader.ask(Kill(level="flatten", reason="a full disk", by="me"))
    assert body["level"] == "FLATTEN"
    assert trader.stop() == 0
    assert truth_of(venue.record, account=ACCOUNT).orders == {}


def test_without_space_for_its_first_records_it_does_not_start(
    trading: Callable[..., Trader], small_disk: Callable[[str], SmallDisk]
) -> None:
    trader = trading(before=small_disk("1m").before)
    assert trader.wait() == 70
    assert any("No space left" in line or "no space" in line for line in trader.lines), trader.lines
