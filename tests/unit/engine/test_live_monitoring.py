"""A live run under watch: a halt holds over a restart, and ends by a person's word that the journal keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.live_desk import Desk, coin_settings, coin_venue, process_of
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Approved, Entry, Refused, Side
from tradsys.core.risk_events import BreakerReset, BreakerTripped
from tradsys.engine.control.protocol import Reset
from tradsys.engine.live_status import Rest, said_reset, status
from tradsys.engine.settings import Settings, load
from tradsys.engine.trading import records
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.recovery import Snapshots, recover, state_of
from tradsys.journal import open_journal
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Reader

RISK = """
[risk.monitoring]
daily_loss = 0.01
every_seconds = 1.0

[risk.breakers]
loss_streak = { limit = 3 }
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """It loses the spread with every trade."""
    coin_settings(tmp_path)
    path = tmp_path / "run.toml"
    path.write_text(path.read_text() + RISK)
    return load(path, environment={})


class MemoryDesk(Desk):
    """One whose disk is in memory."""

    def __init__(self, settings: Settings) -> None:
        self.disk = MemoryDisk()
        journal = open_journal(self.disk, segment_bytes=2**16, reserve_bytes=2**12)
        super().__init__(process_of(settings), venue=coin_venue(), journal=journal)


@pytest.fixture
def halted(settings: Settings) -> MemoryDesk:
    """A process whose strategy has lost three times in a row, and has wanted more since."""
    desk = MemoryDesk(settings)
    desk.trade(30)
    return desk


def bodies(desk: MemoryDesk, kind: type) -> list[Any]:
    found = [records.decode(each.kind, each.payload, sequence=each.sequence) for each in Reader(desk.disk)]
    return [each.body for each in found if isinstance(each, Entry) and isinstance(each.body, kind)]


def resetting(process: Process, **fields: str) -> records.ResetSaid:
    given = {"breaker": "loss_streak", "subject": "Churn", "by": "asha", "reason": "looked at", **fields}
    return said_reset(process, Reset(**given))


def again(settings: Settings, desk: MemoryDesk) -> Process:
    """The process after a crash and a restart."""
    desk.disk.kill()
    process, journal = recover(lambda: process_of(settings), desk.disk, lease=None, say=print)
    journal.close()
    return process


def test_a_streak_halts_the_strategy_and_is_said(halted: MemoryDesk) -> None:
    (trip,) = bodies(halted, BreakerTripped)
    assert (trip.breaker, trip.subject, trip.value) == ("loss-streak", "Churn", "3")
    bought = [each for each in bodies(halted, Approved) if each.order.side is Side.BUY and each.at > trip.at]
    assert bought == [] and bodies(halted, Refused)
    assert {each.rule for each in bodies(halted, Refused)} == {"breaker-loss-streak"}
    words = [each.what for each in halted.process.notices if isinstance(each, records.Alert)]
    assert any(each.startswith("breaker loss-streak of Churn tripped: 3") for each in words)
    assert any(each.startswith("risk: daily-loss breached") for each in words)


def test_the_status_names_what_is_halted(halted: MemoryDesk) -> None:
    found = status(halted.process, Rest(halted.process), epoch=1)
    assert [(each["breaker"], each["subject"]) for each in found["halts"]] == [("loss-streak", "Churn")]
    assert {"rule": "daily-loss", "subject": "", "severity": "breached"} in found["alerts"]


@pytest.mark.parametrize("snapshot", [False, True])
def test_the_halt_holds_over_a_restart(settings: Settings, halted: MemoryDesk, snapshot: bool) -> None:
    if snapshot:
        Snapshots(halted.process, halted.journal, halted.disk, every=1, say=print).take(at=halted.now)
        halted.trade(3)
    process = again(settings, halted)
    assert state_of(process) == state_of(halted.process)
    watch = process.trading.watch
    assert watch is not None and [each.breaker for each in watch.breakers.halts] == ["loss-streak"]


def test_a_person_ends_it_and_the_journal_knows_who(settings: Settings, halted: MemoryDesk) -> None:
    halted.process.said(resetting(halted.process), at=halted.now)
    halted.trade(10)
    (ended,) = bodies(halted, BreakerReset)
    assert (ended.by, ended.reason) == ("asha", "looked at")
    bought = [each for each in bodies(halted, Approved) if each.order.side is Side.BUY and each.at > ended.at]
    assert bought
    assert state_of(again(settings, halted)) == state_of(halted.process)


def test_what_cannot_be_reset_is_refused_before_the_journal(halted: MemoryDesk, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a name and a reason"):
        resetting(halted.process, reason=" ")
    with pytest.raises(UnknownName, match="drawdown"):
        resetting(halted.process, breaker="drawdown", subject="")
    with pytest.raises(ConfigError, match="no breakers"):
        resetting(process_of(coin_settings(tmp_path / "other")))


def test_the_account_is_looked_at_while_the_market_is_silent(settings: Settings) -> None:
    desk = MemoryDesk(settings)
    desk.trade(3)
    watch, process = desk.process.trading.watch, desk.process
    assert watch is not None and watch.next_at is not None
    due = watch.next_at
    assert process.next_at is not None and process.next_at <= due
    process.tick(at=due)
    process.flush(at=due)
    assert watch.next_at == due + 10**9
