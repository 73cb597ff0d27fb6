"""Starting again: a snapshot and what came after it are the whole journal, and one that cannot be believed is named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tools.live_desk import Desk, coin_settings, coin_venue, process_of
from tradsys.core.errors import InvariantBroken, JournalDamaged
from tradsys.engine.settings import Settings
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.recovery import KEPT, Snapshots, recover, restore, state_of
from tradsys.journal import open_journal, snapshots
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Reader, segments

FORGETFUL = """from tradsys import Strategy


class Churn(Strategy):
    def on_start(self, ctx):
        self.later = lambda: 1

    def on_tick(self, tick, account):
        yield self.buy(tick, 1)
"""


class MemoryDesk(Desk):
    """One whose disk is in memory."""

    def __init__(self, settings: Settings) -> None:
        self.disk = MemoryDisk()
        journal = open_journal(self.disk, segment_bytes=2**16, reserve_bytes=2**12)
        super().__init__(process_of(settings), venue=coin_venue(), journal=journal)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return coin_settings(tmp_path)


@pytest.fixture
def traded(settings: Settings) -> MemoryDesk:
    """A process that has traded, with snapshots on its way."""
    desk = MemoryDesk(settings)
    keeper = Snapshots(desk.process, desk.journal, desk.disk, every=150, say=print)
    for _ in range(12):
        desk.trade(10)
        keeper.take_if_due(at=desk.now)
    assert keeper.impossible == ""
    return desk


def read_again(settings: Settings, desk: MemoryDesk) -> tuple[Process, list[str]]:
    """A restart on the same disk; what it said."""
    desk.disk.kill()
    said: list[str] = []
    process, journal = recover(lambda: process_of(settings), desk.disk, lease=None, say=said.append)
    journal.close()
    desk.disk.kill()
    return process, said


def test_every_snapshot_and_its_tail_are_the_whole_journal(settings: Settings, traded: MemoryDesk) -> None:
    assert traded.process.trading.engine.ledger.positions, "it traded"
    whole = process_of(settings)
    for record in Reader(traded.disk):
        whole.told(record)
    lived = state_of(traded.process)
    assert state_of(whole) == lived
    found = snapshots.names(traded.disk)
    assert len(found) == KEPT
    for name in found:
        snapshot = snapshots.load(traded.disk, name)
        restored = process_of(settings)
        restore(restored, snapshot.state)
        assert state_of(restored) == snapshot.state
        tail = list(Reader(traded.disk, snapshot.position))
        assert tail
        for record in tail:
            restored.told(record)
        assert state_of(restored) == lived


def test_a_restart_reads_only_what_came_after_and_trades_on(settings: Settings, traded: MemoryDesk) -> None:
    traded.disk.kill()
    process, journal = recover(lambda: process_of(settings), traded.disk, lease=None, say=print)
    assert 0 < process.replayed.inputs < 100
    assert state_of(process) == state_of(traded.process)
    rows = process.trading.rows
    again = Desk(process, venue=coin_venue(), journal=journal)
    again.trade(10)
    assert again.process.trading.rows == rows + 10


def test_a_tail_is_read_under_the_terms_that_it_was_written_under(settings: Settings, traded: MemoryDesk) -> None:
    venue = msgspec.structs.replace(settings.run.venue, answer_seconds=7, orders_per_second=3)
    other = msgspec.structs.replace(settings, run=msgspec.structs.replace(settings.run, venue=venue))
    process, said = read_again(other, traded)
    assert said == [] and 0 < process.replayed.inputs < 100
    assert state_of(process) == state_of(traded.process)
    process.start(open_journal(traded.disk), epoch=2, at=traded.now)
    assert state_of(process) != state_of(traded.process)
    memory = process.trading.memory()
    assert memory.terms is not None and memory.terms.patience.answer == 7 * 10**9


def flipped(desk: MemoryDesk, name: str) -> None:
    file = desk.disk.open(name, writable=True)
    file.write(40, bytes(each ^ 255 for each in file.read(40, size=1)))
    file.sync()


def test_a_damaged_snapshot_is_named_and_an_older_one_or_all_is_read(settings: Settings, traded: MemoryDesk) -> None:
    newest, older = snapshots.names(traded.disk)
    flipped(traded, newest)
    process, said = read_again(settings, traded)
    assert state_of(process) == state_of(traded.process)
    assert len(said) == 1 and newest in said[0] and "not whole" in said[0]
    few = process.replayed.inputs
    flipped(traded, older)
    process, said = read_again(settings, traded)
    assert state_of(process) == state_of(traded.process)
    assert [name in line for name, line in zip((newest, older), said, strict=True)] == [True, True]
    assert process.replayed.inputs > few


def test_damage_before_the_snapshot_is_refused_with_its_place(settings: Settings, traded: MemoryDesk) -> None:
    name = segments(traded.disk)[0]
    flipped(traded, name)
    with pytest.raises(JournalDamaged, match="the journal is not whole: checksum") as caught:
        read_again(settings, traded)
    damaged = caught.value
    assert (damaged.segment, damaged.offset, damaged.sequence) == (name, 0, 0) and "copy" in damaged.fix


@pytest.mark.parametrize("part", ["code", "strategies"])
def test_a_snapshot_of_another_program_is_not_used(settings: Settings, traded: MemoryDesk, part: str) -> None:
    def other() -> Process:
        process = process_of(settings)
        process.run = msgspec.structs.replace(process.run, **{part: "other" if part == "code" else {"s": "other"}})
        return process

    traded.disk.kill()
    said: list[str] = []
    process, _ = recover(other, traded.disk, lease=None, say=said.append)
    assert f"of another {part}" in said[0] and len(said) == KEPT
    assert process.trading.rows == traded.process.trading.rows


def test_the_journal_of_another_run_is_refused(settings: Settings, traded: MemoryDesk) -> None:
    traded.disk.kill()
    with pytest.raises(InvariantBroken, match="of another run"):
        recover(lambda: process_of(settings, run="other"), traded.disk, lease=None, say=lambda line: None)


def test_a_strategy_that_cannot_be_kept_is_named_once_and_the_whole_journal_is_read(tmp_path: Path) -> None:
    settings = coin_settings(tmp_path, strategy=FORGETFUL)
    desk = MemoryDesk(settings)
    said: list[str] = []
    keeper = Snapshots(desk.process, desk.journal, desk.disk, every=10, say=said.append)
    for _ in range(3):
        desk.trade(5)
        keeper.take_if_due(at=desk.now)
    assert len(said) == 1 and "later" in said[0] and keeper.impossible
    assert snapshots.names(desk.disk) == []
    process, _ = read_again(settings, desk)
    assert process.trading.rows == 15


def test_the_lease_is_renewed_while_a_long_journal_is_read(settings: Settings, traded: MemoryDesk) -> None:
    renewed: list[int] = []
    for name in snapshots.names(traded.disk):
        traded.disk.remove(name)
    traded.disk.kill()
    recover(lambda: process_of(settings), traded.disk, lease=None, say=print, renew=lambda: renewed.append(1))
    assert len(renewed) == 1 + (traded.journal.durable - 1) // 1000
