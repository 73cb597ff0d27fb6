"""From a run file and a folder to a live process that is ready to run: lease, wiring, recovery, sockets."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable
from pathlib import Path

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.engine.control.server import SOCKET as CONTROL
from tradsys.engine.control.server import ControlServer
from tradsys.engine.data import zone_of
from tradsys.engine.instruments import build_instrument, sections_of
from tradsys.engine.live import LiveParts, LiveProcess, RunClock, stamp, steady
from tradsys.engine.live_folder import JOURNAL, begun_run, run_of
from tradsys.engine.live_journal import kept_in
from tradsys.engine.settings import Settings
from tradsys.engine.trading.assembly import assemble, key_of
from tradsys.engine.trading.day_seals import DaySeals
from tradsys.engine.trading.pacing import pace
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.recovery import EVERY, Say, Snapshots, recover
from tradsys.engine.watchdog.client import BeatClient
from tradsys.engine.watchdog.server import SOCKET as HEARTBEATS
from tradsys.execution.own.client import VenueClient
from tradsys.execution.own.protocol import ClientSession
from tradsys.journal import FolderDisk, Journal, Lease


class LiveTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How a live run goes. `speed`: seconds of the recorded feed in one of the machine's; `until_fed`: end with it;
    `snapshot_every` records; `chance` draws a float in [0, 1) for the waits between attempts to connect."""

    chance: Callable[[], float]
    say: Say
    speed: float = 1.0
    until_fed: bool = False
    snapshot_every: int = EVERY


def prepared(settings: Settings, folder: Path, terms: LiveTerms) -> LiveProcess:
    """The process of a run folder, new or begun, told everything that its journal holds; nothing has left yet.

    Raises `ResourceError` naming the holder while another process runs it, `ConfigError` and its family for what the
    user can correct, `JournalFailed` and `InvariantBroken` for a journal that cannot be gone on with.
    """
    key = _checked(settings)
    pace(terms.speed)
    kept = kept_in(settings, run=begun_run(folder, settings))
    run = run_of(folder, settings, stamp=stamp())
    disk = FolderDisk(folder / JOURNAL)
    store = kept(disk)
    lease = Lease.acquire(disk, holder=f"process {os.getpid()}", now=steady(), above=store.epoch)

    def fresh() -> Process:
        def session() -> ClientSession:
            return ClientSession(account=settings.run.venue.account, key=key)

        return assemble(settings, run=run, session=session, speed=terms.speed).process

    def renew() -> None:
        lease.renew(steady())

    process, journal = recover(fresh, disk, lease=lease, say=terms.say, renew=renew, store=store)
    seals = DaySeals(process, journal, disk, zone=_zone_of(settings), signer=None)
    keeper = Snapshots(process, journal, disk, every=terms.snapshot_every, say=terms.say)
    return LiveProcess(_parts(settings, folder, terms, lease, process, journal, keeper, seals))


def _checked(settings: Settings) -> str:
    """The account's key; a run file without a port is refused before anything is written."""
    if not 0 < settings.run.venue.port < 65_536:
        raise ConfigError(
            "venue.port is not given", value=settings.run.venue.port, limit="1 to 65535", fix="--set venue.port=7700"
        )
    return key_of(settings)


def _parts(
    settings: Settings,
    folder: Path,
    terms: LiveTerms,
    lease: Lease,
    process: Process,
    journal: Journal,
    keeper: Snapshots,
    seals: DaySeals,
) -> LiveParts:
    venue = settings.run.venue

    def client(selector: selectors.BaseSelector) -> VenueClient:
        return VenueClient(venue.host, port=venue.port, selector=selector, chance=terms.chance)

    return LiveParts(
        process=process,
        journal=journal,
        lease=lease,
        client=client,
        control=_control(folder / CONTROL),
        beats=BeatClient(folder / HEARTBEATS),
        snapshots=keeper,
        seals=seals,
        clock=RunClock(start=_start_of(process), speed=terms.speed),
        until_fed=terms.until_fed,
        say=terms.say,
    )


def _zone_of(settings: Settings) -> str:
    """The zone that the days of a run are in."""
    run = settings.run
    instruments = {each.id: build_instrument(each, currency=run.run.currency) for each in sections_of(run)}
    return zone_of(run.data, instruments)


def _control(path: Path) -> ControlServer:
    """The folder's control socket: whoever holds the lease has it, also where a process that sleeps still listens."""
    path.unlink(missing_ok=True)
    return ControlServer(path)


def _start_of(process: Process) -> int:
    """A recorded feed begins at its first row; a run that was begun goes on where its journal ends."""
    first = process.feed.known_at(0) if len(process.feed) else 0
    return max(first, process.now)
