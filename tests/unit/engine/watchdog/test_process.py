"""The watchdog over real sockets, against the simulated exchange: from the last heartbeat to an account at rest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.unit.exchange.own.scene import COIN, KEYS, crypto_exchange
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.units import SCALE
from tradsys.core.venue import PlaceOrder, VenueState
from tradsys.engine.watchdog.client import BeatClient
from tradsys.engine.watchdog.keeping import Acting, Keeper
from tradsys.engine.watchdog.process import Fence, WatchdogProcess
from tradsys.engine.watchdog.server import SOCKET, BeatServer
from tradsys.exchange.own import HouseTerms, VenueServer
from tradsys.exchange.own.server import SteadyClock, VenueSockets
from tradsys.execution.flattening_parts import SECOND, FlatReport, FlattenSettings, Sent
from tradsys.execution.own.client import VenueClient
from tradsys.execution.watchdog import Beat, Pulse, Watchdog, WatchdogSettings
from tradsys.journal.memory_disk import MemoryDisk

QUICK = FlattenSettings(commands_a_second=1_000, ask_every=SECOND // 100, surfaces_within=SECOND // 2)
SETTINGS = WatchdogSettings(silence=SECOND // 5, guard=SECOND // 10, recheck_every=SECOND // 10, flatten=QUICK)


class Venue:
    """The exchange behind sockets, in a thread of its own; account 1 holds 50 coins and has three orders working."""

    def __init__(self) -> None:
        self.clock = SteadyClock()
        terms = HouseTerms(account=9, seed=1, prices={COIN: 100 * SCALE}, lots=10**6)
        self.server = VenueServer(crypto_exchange(), KEYS, house=terms)
        self.sockets = VenueSockets(self.server, self.clock)
        for number in range(3):
            self.server.by_hand(1, order(f"resting{number}"), at=self.clock())
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.sockets.serve, args=(self.stopped.is_set,))
        self.thread.start()

    def stop(self) -> None:
        if not self.stopped.is_set():
            self.stopped.set()
            self.thread.join()
            self.sockets.close()

    def open_orders(self) -> int:
        return sum(row.state is VenueState.OPEN for row in self.server.venue.orders(1))


def order(tag: str) -> PlaceOrder:
    return PlaceOrder(
        tag=tag,
        instrument=COIN,
        side=Side.BUY,
        quantity=SCALE,
        type=OrderType.LIMIT,
        product=Product.SPOT,
        validity=Validity.DAY,
        limit=90 * SCALE,
    )


class Held:
    """A lease that is held, or was lost."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.renewed = self.released = 0

    def renew(self) -> bool:
        self.renewed += 1
        return True

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def venue() -> Iterator[Venue]:
    made = Venue()
    yield made
    made.stop()


def watchdog(
    venue: Venue,
    folder: Path,
    *,
    keeper: Keeper | None = None,
    fence: Fence | None = None,
    unanswered: tuple[Sent, ...] = (),
    unended: Beat | None = None,
) -> tuple[WatchdogProcess, list[str]]:
    said: list[str] = []
    process = WatchdogProcess(
        Watchdog(SETTINGS),
        beats=BeatServer(folder / SOCKET),
        client=lambda selector: VenueClient(
            venue.sockets.host, port=venue.sockets.port, selector=selector, chance=lambda: 0.01
        ),
        account=1,
        key=KEYS[1],
        keeper=keeper or Keeper(MemoryDisk()),
        clock=SteadyClock(),
        fence=lambda: fence,
        unanswered=lambda durable: unanswered,
        say=said.append,
        unended=unended,
    )
    return process, said


def at_rest(venue: Venue, report: FlatReport) -> None:
    venue.stop()
    assert report.flat
    assert (venue.open_orders(), venue.server.venue.positions(1)) == (0, [])


def test_silence_ends_with_an_account_at_rest(venue: Venue, tmp_path: Path) -> None:
    fence = Held(12)
    process, said = watchdog(venue, tmp_path, fence=fence)
    BeatClient(tmp_path / SOCKET).send(Beat(run="r", epoch=3))
    report = process.run()
    at_rest(venue, report)
    assert (report.orders_cancelled, report.positions_closed) == (3, 1)
    assert (fence.released, venue.server._epochs[1]) == (1, 12), "the lease it got is the one it logs on with"
    assert said[0] == "acting for run r: no heartbeat for 0.2 s"
    assert not (tmp_path / SOCKET).exists()


def test_a_process_that_died_before_it_began_is_acted_for_once(venue: Venue, tmp_path: Path) -> None:
    disk, unended = MemoryDisk(), Beat(run="r", epoch=11)
    process, said = watchdog(venue, tmp_path, keeper=Keeper(disk), fence=Held(12), unended=unended)
    at_rest(venue, process.run())
    assert said[0] == "acting for run r: no heartbeat for 0.2 s since the watchdog began"
    disk.kill()
    for lease, due in ((12, False), (13, True)):
        disk.kill()
        process, _ = watchdog(venue, tmp_path, keeper=Keeper(disk), unended=Beat(run="r", epoch=lease))
        process.turn()
        assert (process._dog.next_at is not None) == due, "what an earlier watchdog brought to rest is at rest"


def test_a_process_with_a_higher_lease_is_outbid(venue: Venue, tmp_path: Path) -> None:
    venue.server._epochs[1] = 7
    process, said = watchdog(venue, tmp_path)
    BeatClient(tmp_path / SOCKET).send(Beat(run="r", epoch=3, pulse=Pulse.FAILED, why="sync: I/O error"))
    at_rest(venue, process.run())
    assert venue.server._epochs[1] == 8
    assert said[0].endswith("the trading process failed: sync: I/O error")
    assert any("superseded" in line for line in said)


def test_a_disk_that_fails_as_it_acts_does_not_stop_it(venue: Venue, tmp_path: Path) -> None:
    keeper = Keeper(MemoryDisk(fault=lambda asked, name: 5))
    process, _ = watchdog(venue, tmp_path, keeper=keeper)
    BeatClient(tmp_path / SOCKET).send(Beat(run="r", epoch=3, pulse=Pulse.FAILED))
    at_rest(venue, process.run())
    assert keeper.failure


def test_what_an_earlier_watchdog_began_is_ended_without_a_heartbeat(venue: Venue, tmp_path: Path) -> None:
    disk = MemoryDisk()
    Keeper(disk).acts(Acting(run="r", epoch=5, reason="no heartbeat"), at=1)
    disk.kill()
    process, said = watchdog(venue, tmp_path, keeper=Keeper(disk))
    at_rest(venue, process.run())
    assert "an earlier watchdog did not finish" in said[0]
    disk.kill()
    assert Keeper(disk).unfinished is None


def test_what_the_dead_process_could_still_sell_is_not_sold_before_it_can_no_longer_appear(
    venue: Venue, tmp_path: Path
) -> None:
    now = SteadyClock()()
    selling = msgspec.structs.replace(order("unseen"), side=Side.SELL, quantity=20 * SCALE, limit=0)
    process, _ = watchdog(venue, tmp_path, unanswered=(Sent(order=selling, at=now),))
    BeatClient(tmp_path / SOCKET).send(Beat(run="r", epoch=3, pulse=Pulse.FAILED))
    report = process.run()
    at_rest(venue, report)
    assert [row.quantity // SCALE for row in venue.server.venue.orders(1) if row.side is Side.SELL] == [30, 20]
    assert report.seconds_to_flat > 0.4
