"""A live process whose disk fills up, or fails to sync, while it trades: real processes, disks and sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kill.disks import SmallDisk, both, failing_syncs, position_at, rest_of, seconds_to_end, watchdog
from tools.kill_checks import agrees, journal_of, tag_of_placing, truth_of
from tools.kill_scene import ACCOUNT, PATIENCE, ServedVenue, Trader
from tradsys.engine.control.protocol import Kill, Lower, Status
from tradsys.engine.trading import records
from tradsys.journal import FolderDisk, audit

HOLDER = '''"""Always holds something with an order working beside it; some of its orders it explains at length."""

from tradsys import Strategy


class Churn(Strategy):
    """An order far below the market, a position, and then some more of it or less."""

    def on_start(self, ctx):
        self.seen = self.far = 0

    def on_order(self, order, account):
        if order.event == "accepted":
            self.far = self.far or order.order_id

    def on_tick(self, tick, account):
        self.seen += 1
        if not self.far:
            yield self.buy(tick, 1, limit=95.0, reason="far below")
        elif self.seen % 6 == 0 and self.seen <= 36:
            yield self.buy(tick, 1, reason="words " * WORDS)
        elif account.position(tick.instrument) > 5:
            yield self.sell(tick, 1, reason="less")
        else:
            yield self.buy(tick, 3, reason="more")
'''
WORDS = 400_000
"""A segment of the journal has room for one order of so many, which stand in two records or three, but not for two."""
FULL = "the disk is full: only what closes and records goes on"


def holder(run_file: Path, *, words: int) -> None:
    """Let the run hold something always, explain some orders in so many words, and wait a second for what it awaits."""
    (run_file.parent / "churn.py").write_text(HOLDER.replace("WORDS", str(words)))
    patient = run_file.read_text()
    assert "reconcile_seconds = 5\nquarantine_seconds = 5" in patient
    run_file.write_text(patient.replace("_seconds = 5", "_seconds = 1"))


@pytest.fixture
def disk(run_file: Path, small_disk: Callable[[str], SmallDisk]) -> SmallDisk:
    """Small enough to be filled, for a run that says much."""
    holder(run_file, words=WORDS)
    return small_disk("96m")


def trades(trader: Trader, venue: ServedVenue, journal: Path) -> None:
    """Wait until it holds something."""
    trader.wait_for("reconciled")
    deadline = time.monotonic() + PATIENCE
    while not position_at(venue, journal) and time.monotonic() < deadline:
        trader.listen(time.monotonic() + 0.02)


def placed_since(disk: SmallDisk, venue: ServedVenue) -> tuple[list[bool], list[bool]]:
    """Of each order in the newest segment whether it reduces: those that the venue has, and those that it has not."""
    at_venue = truth_of(venue.record, account=ACCOUNT).orders
    newest = max(each.name for each in disk.journal.glob("*.segment"))
    first = int(newest.removesuffix(".segment"))
    since = [each for each in journal_of(disk.journal) if each.sequence >= first and tag_of_placing(each)]
    placed = [records.decode(each.kind, each.payload, sequence=each.sequence) for each in since]
    there, not_there = (
        [each.reduces for each in placed if (each.tag in at_venue) == is_there] for is_there in (True, False)
    )
    return there, not_there


def fills_up(trader: Trader, venue: ServedVenue, disk: SmallDisk) -> None:
    """Somebody takes the rest of the disk while it trades; wait until the process needs more."""
    trades(trader, venue, disk.journal)
    assert trader.ask(Status())["level"] == "NORMAL"
    disk.fill()
    trader.wait_for(FULL)


def closed_on_the_reserve(trader: Trader, venue: ServedVenue, disk: SmallDisk) -> None:
    """Nothing opens; withdrawing and closing goes."""
    body = trader.ask(Status())
    assert (body["on_reserve"], body["level"]) == (True, "NO_NEW_RISK")
    trader.listen(time.monotonic() + 0.5)
    assert trader.ask(Status())["rows"] == body["rows"], "nothing is decided on what comes after"
    assert position_at(venue, disk.journal) != 0
    trader.ask(Kill(level="cancel", reason="the disk is full", by="me"))
    assert rest_of(trader) == {"flat": True, "left": []}, "what worked is withdrawn"
    assert position_at(venue, disk.journal) != 0
    trader.ask(Kill(level="flatten", reason="the disk is full", by="me"))
    assert rest_of(trader) == {"flat": True, "left": []}
    assert position_at(venue, disk.journal) == 0
    there, stayed = placed_since(disk, venue)
    assert there and all(there), "what left since reduces"
    assert not any(stayed), "what would have opened is all that did not leave"


def goes_on(trading: Callable[..., Trader], venue: ServedVenue, disk: SmallDisk, folder: Path) -> None:
    """There is space again: started anew it is where it was, trades once told to, and agrees with the venue."""
    disk.free()
    trader = trading(before=disk.before)
    trader.wait_for("reconciled")
    body = trader.ask(Status())
    assert (body["on_reserve"], body["level"]) == (False, "FLATTEN")
    before = both(venue, folder, disk.journal)
    assert agrees(before), before
    trader.ask(Lower(level="normal", reason="there is space", by="me"))
    deadline = time.monotonic() + PATIENCE
    while not position_at(venue, disk.journal) and time.monotonic() < deadline:
        trader.listen(time.monotonic() + 0.02)
    trader.ask(Kill(level="flatten", reason="seen enough", by="me"))
    assert rest_of(trader) == {"flat": True, "left": []}
    assert trader.stop() == 0, trader.lines
    after = both(venue, folder, disk.journal)
    assert agrees(after) and after["orders"] > before["orders"], after
    assert audit.verify(FolderDisk(disk.journal)).first_bad is None


def test_a_disk_that_fills_up_while_it_trades(
    venue: ServedVenue, trading: Callable[..., Trader], disk: SmallDisk, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    trader = trading(before=disk.before)
    fills_up(trader, venue, disk)
    closed_on_the_reserve(trader, venue, disk)
    assert trader.stop() == 0, trader.lines
    found = both(venue, folder, disk.journal)
    assert agrees(found), found


def test_killed_on_a_full_disk_it_can_be_closed_after_a_restart_there_and_goes_on_once_there_is_space(
    venue: ServedVenue, trading: Callable[..., Trader], disk: SmallDisk, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    trader = trading(before=disk.before)
    fills_up(trader, venue, disk)
    trader.kill()
    trader = trading(before=disk.before)
    trader.wait_for("reconciled")
    trader.wait_for(FULL)
    closed_on_the_reserve(trader, venue, disk)
    assert trader.stop() == 0, trader.lines
    goes_on(trading, venue, disk, folder)


def test_without_space_for_a_snapshot_it_goes_on(
    venue: ServedVenue, run_file: Path, trading: Callable[..., Trader], small_disk: Callable[[str], SmallDisk]
) -> None:
    holder(run_file, words=1)
    disk = small_disk("64m")
    trader = trading("--snapshot-every", "50", before=disk.before)
    trader.wait_for("reconciled")
    disk.fill()
    trader.wait_for("no snapshot now: the snapshot cannot be written: [Errno 28]")
    trades(trader, venue, disk.journal)
    body = trader.ask(Status())
    assert (body["on_reserve"], body["level"]) == (False, "NORMAL"), "what it does is still written down"
    assert trader.stop() == 0, trader.lines


def test_a_sync_that_fails_while_it_trades_ends_it_and_nothing_is_sent_twice(
    venue: ServedVenue, run_file: Path, trading: Callable[..., Trader], tmp_path: Path
) -> None:
    made = failing_syncs(tmp_path)
    if made is None:
        pytest.skip("no C compiler here")
    before, trigger = made
    holder(run_file, words=1)
    folder = tmp_path / "run"
    trader = trading(before=before)
    trades(trader, venue, folder / "journal")
    dog = watchdog(folder, venue)
    trigger.touch()
    assert seconds_to_end(trader) < 1
    assert trader.wait() == 70
    assert any("the journal failed" in line and "Input/output error" in line for line in trader.lines), trader.lines
    out, said = dog.communicate(timeout=PATIENCE)
    assert "the trading process failed: the journal failed" in said, "it was told, and did not wait for silence"
    told = json.loads(out)
    assert told["flat"] and dog.returncode == 0
    assert told["orders_cancelled"] and told["positions_closed"] == 1
    watchdogs = both(venue, folder, folder / "journal")["unrecorded"]
    assert len(watchdogs) == 1, "what the failed sync was for never left"
    trigger.unlink()
    trader = trading(before=before)
    trader.wait_for("reconciled")
    trader.ask(Kill(level="flatten", reason="seen enough", by="me"))
    assert rest_of(trader) == {"flat": True, "left": []}
    assert trader.stop() == 0, trader.lines
    found = both(venue, folder, folder / "journal")
    assert not found["double"] and found["position"] == found["position_at_venue"] == 0, found
    # The watchdog's own trade, which we booked as nobody's order, and nothing else.
    assert found["unrecorded"] == found["lost"] == watchdogs and len(found["invented"]) == 1, found
