"""The loop of a live process: how it ends, who is told, and that nothing leaves once something is wrong."""

from __future__ import annotations

import errno
import selectors
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tools.live_desk import coin_settings, process_of
from tradsys.core.errors import Fenced, InvariantBroken, JournalFailed, TradSysError
from tradsys.core.units import DAY, SECOND
from tradsys.engine.control.server import ControlServer
from tradsys.engine.live import LiveParts, LiveProcess, RunClock, steady
from tradsys.engine.trading.day_seals import DaySeals
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.recovery import Snapshots
from tradsys.engine.watchdog.client import BeatClient
from tradsys.engine.watchdog.server import SOCKET, BeatServer
from tradsys.execution.own.client import Happening, VenueClient
from tradsys.execution.watchdog import Beat, Pulse
from tradsys.journal import Lease, open_journal, snapshots
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Reader


class Unreachable(VenueClient):
    """A venue that is not there."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        super().__init__("127.0.0.1", port=1, selector=selector, chance=lambda: 0.5)
        self.sent = b""
        self.closed = False

    def on_time(self, *, at: int) -> list[Happening]:
        """See `VenueClient`."""
        return []

    def send(self, data: bytes, *, at: int) -> list[Happening]:
        """See `VenueClient`."""
        self.sent += data
        return []

    def close(self) -> None:
        """See `VenueClient`."""
        self.closed = True
        super().close()


class Scene:
    """A live process on a disk in memory, with a watchdog's ear beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broken = False
        self.disk = MemoryDisk(fault=self._fault)
        self.process: Process = process_of(coin_settings(folder, seconds=10))
        self.ear = BeatServer(folder / SOCKET)
        self.lease = Lease.acquire(self.disk, holder="one", now=steady())
        journal = open_journal(self.disk, lease=self.lease, segment_bytes=2**16, reserve_bytes=2**12)
        self.said: list[str] = []
        self.client: list[Unreachable] = []
        self.clock = RunClock(start=self.process.feed.known_at(0))
        self.live = LiveProcess(
            LiveParts(
                process=self.process,
                journal=journal,
                lease=self.lease,
                client=self._client,
                control=ControlServer(folder / "control.sock"),
                beats=BeatClient(folder / SOCKET),
                snapshots=Snapshots(self.process, journal, self.disk, say=self.said.append),
                seals=DaySeals(self.process, journal, self.disk, zone="UTC", signer=None),
                clock=self.clock,
                until_fed=False,
                say=self.said.append,
            )
        )

    def _fault(self, operation: str, name: str) -> int | None:
        return errno.EIO if self.broken and operation in ("write", "sync") else None

    def _client(self, selector: selectors.BaseSelector) -> VenueClient:
        self.client.append(Unreachable(selector))
        return self.client[0]

    def after(self, turns: int, what: Any) -> None:
        """Let something happen after so many turns of the loop."""
        turn, count = self.live.turn, [0]

        def counted() -> None:
            count[0] += 1
            if count[0] == turns:
                what()
            turn()

        self.live.turn = counted  # type: ignore[method-assign]

    @property
    def beats(self) -> list[Beat]:
        return self.ear.ready()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.ear.close()


def test_it_stops_as_one_should(scene: Scene) -> None:
    scene.after(3, lambda: setattr(scene.live, "stopping", "told to"))
    scene.live.run()
    assert "stops: told to" in scene.said
    assert [each.pulse for each in scene.beats] == [Pulse.ALIVE, Pulse.ENDED]
    assert scene.client[0].closed and not (scene.folder / "control.sock").exists()
    assert len(snapshots.names(scene.disk)) == 1
    assert any(name.endswith(".seal") for name in scene.disk.names()), "the run is sealed"
    assert Lease.acquire(scene.disk, holder="two", now=steady()).epoch == 2, "the next may have it at once"


def test_records_are_of_the_feeds_time_and_say_when_they_were_made(scene: Scene) -> None:
    before = time.time_ns()
    scene.after(3, lambda: setattr(scene.live, "stopping", "told to"))
    scene.live.run()
    told = list(Reader(scene.disk))
    assert {each.kind for each in told} >= {"epoch", "snapshot", "seal"}
    assert all(before <= each.recorded_at <= time.time_ns() for each in told)
    assert {each.at // DAY for each in told} == {scene.process.feed.known_at(0) // DAY} != {before // DAY}
    (name,) = [name for name in scene.disk.names() if name.endswith(".seal")]
    assert before <= msgspec.json.decode(scene.disk.bytes_of(name))["at"] <= time.time_ns()


def test_a_failing_disk_silences_it_and_the_watchdog_is_told(scene: Scene) -> None:
    scene.after(3, lambda: setattr(scene, "broken", True))
    with pytest.raises(JournalFailed):
        scene.live.run()
    assert scene.client[0].closed and scene.client[0].sent == b""
    last = scene.beats[-1]
    assert (last.pulse is Pulse.FAILED and "journal failed" in last.why) or "lease cannot be kept" in last.why


@pytest.mark.parametrize("also", [None, JournalFailed("a file of its own was cleared away"), ZeroDivisionError()])
def test_one_that_was_taken_over_says_nothing_and_leaves_the_folder_to_the_other(
    scene: Scene, also: Exception | None
) -> None:
    def take_over() -> None:
        scene.disk.create(f"{2:016d}.lease", size=512)
        if also is not None:
            raise also

    scene.after(3, take_over)
    with pytest.raises(Fenced if also is None else TradSysError):
        scene.live.run()
    assert [each.pulse for each in scene.beats] == [Pulse.ALIVE], "the watchdog hears from the other"
    assert scene.client[0].closed and (scene.folder / "control.sock").exists()


def test_a_defect_ends_it_as_a_failure(scene: Scene) -> None:
    def defect() -> None:
        raise ZeroDivisionError("a defect of ours")

    scene.after(2, defect)
    with pytest.raises(InvariantBroken, match="ZeroDivisionError"):
        scene.live.run()
    last = scene.beats[-1]
    assert last.pulse is Pulse.FAILED and "a defect of ours" in last.why
    assert scene.client[0].closed


def test_a_clock_goes_as_fast_as_told_and_never_back() -> None:
    clock = RunClock(start=5 * SECOND, speed=1000.0)
    seen = [clock() for _ in range(100)]
    assert seen == sorted(seen) and 5 * SECOND <= seen[0] < 6 * SECOND
    assert clock.seconds_until(0) == 0
    assert 0.9 < clock.seconds_until(clock() + 1000 * SECOND) <= 1
