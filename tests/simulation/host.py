"""A machine of a simulated run: its disk outlives its processes, which are killed, paused, and started again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.simulation.assembly import Seat, assembled
from tests.simulation.faults import Swarm
from tests.simulation.network import Connection
from tests.simulation.venue import SimulatedVenue
from tests.simulation.world import MILLISECOND, SECOND, World
from tradsys.core.errors import TradSysError
from tradsys.core.safety import SafetyLevel
from tradsys.core.venue import AnyCommand
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.recovery import Snapshots, recover
from tradsys.journal.lease import LEASE_SECONDS, Lease
from tradsys.journal.memory_disk import MemoryDisk

SEGMENT, RESERVE = 2**16, 2**16


class CarelessDisk(MemoryDisk):
    """One that takes for written what a failed sync was to write: a second sync of the same file writes nothing."""

    def forget(self, name: str) -> None:
        """A sync of this file has failed."""
        self._files[name].unsynced.clear()


_RESTART = (200 * MILLISECOND, 5 * SECOND)


class Killed(BaseException):
    """The process ends at this very instruction."""


class Running:
    """One process on the machine."""

    def __init__(self, number: int, process: Process, lease: Lease, snapshots: Snapshots) -> None:
        self.number = number
        self.snapshots = snapshots
        self.process = process
        self.lease = lease
        self.connection: Connection | None = None
        self.paused = False
        self.waiting: list[Callable[[], None]] = []
        self.offset = 0
        self.connecting = False
        self.due = 0
        self.renewed_at = 0
        self.idle = 0
        self.ticked_at = 0


class Host:
    """The disk, and whatever runs on it. `seat` is what every process of the run is wired from."""

    def __init__(self, world: World, swarm: Swarm, venue: SimulatedVenue, seat: Seat) -> None:
        self.world = world
        self.swarm = swarm
        self.venue = venue
        self.seat = seat
        self.disk = CarelessDisk(fault=self._disk_fault)
        self.running: list[Running] = []
        self.quiet = False
        self.failures: list[str] = []
        self._number = 0
        self._effects_left = -1
        self._wall_step = 0
        self._stalled_until = 0
        self._slow = 0
        self._power_fails = False
        self._full_room = 2**40
        self.starts = 0
        self.leaving: Callable[[Running, AnyCommand], None] = lambda running, command: None
        self.records = 0

    def fresh(self) -> Process:
        """A process that has read nothing."""
        return assembled(self.seat)

    # --- disk

    def _disk_fault(self, operation: str, name: str) -> int | None:
        import errno

        if self.quiet:
            return None
        if self._effects_left > 0:
            self._effects_left -= 1
            if self._effects_left == 0:
                self.world.fault("kill_at_effect", f"{operation} {name}")
                raise Killed
        if operation == "sync" and self.world.chance(self.swarm.rate("torn_write") / 10):
            self.world.fault("torn_write", name)
            self._power_fails = True
            raise Killed
        if operation == "sync" and self.world.chance(self.swarm.rate("slow_sync") / 20):
            self.world.fault("slow_sync")
            self._slow = self.world.span(SECOND, 5 * SECOND)
        if operation in ("write", "sync") and self.world.chance(self.swarm.rate("io_error") / 20):
            self.world.fault("io_error", operation)
            if operation == "sync":
                self.disk.forget(name)
            return errno.EIO
        return None

    # --- starting

    def boot(self) -> None:
        """Start a process, if nothing holds it back; else try again later."""
        self._number += 1
        number = self._number
        try:
            self._boot(number)
        except Killed:
            self.disk.kill(f"process {number}")
            self._gone("killed while starting", power=self.world.chance(self.swarm.rate("power_loss") * 5))
        except TradSysError as error:
            self.disk.kill(f"process {number}")
            self.world.say(f"process {number} does not start: {error.message}")
            if not self._excused(error):
                self.failures.append(f"process {number}: {type(error).__name__}: {error}")
            self.world.after(SECOND, self._boot_if_none)

    def _excused(self, error: TradSysError) -> bool:
        return error.code in ("resource", "journal_failed", "journal_full", "fenced")

    def _boot_if_none(self) -> None:
        if not any(not each.paused for each in self.running):
            self.boot()

    def _boot(self, number: int) -> None:
        world = self.world
        lease = Lease.acquire(self.disk, holder=f"process {number}", now=world.now)
        process, journal = recover(
            self.fresh, self.disk, lease=lease, say=world.say, segment_bytes=SEGMENT, reserve_bytes=RESERVE
        )
        for other in self.running:
            world.say(f"process {other.number} was taken over")
        self.starts += 1
        kept = Snapshots(process, journal, self.disk, every=self.seat.snapshot_every, say=world.say)
        running = Running(number, process, lease, kept)
        running.offset = self._wall_step
        self.running.append(running)
        world.say(f"process {number} starts, epoch {lease.epoch}, {journal.durable} records")
        self._do(running, lambda: process.start(journal, epoch=lease.epoch, at=self._clock(running)))
        self._connect_soon(running)
        self._renew(running)

    def _clock(self, running: Running) -> int:
        """Its steady clock: set by the wall when it started, right ever after."""
        return self.world.now + running.offset

    # --- what happens to a process

    def _do(self, running: Running, what: Callable[[], None]) -> None:
        """Let a process take something in; what it wants to say leaves, what ends it ends it."""
        if running not in self.running:
            return
        if running.paused:
            running.waiting.append(what)
            return
        try:
            what()
            running.process.flush(at=self._clock(running))
            running.snapshots.take_if_due(at=running.process.now)
        except Killed:
            self._gone("killed", power=self.world.chance(self.swarm.rate("power_loss") * 5), one=running)
            return
        except TradSysError as error:
            self.world.say(f"process {running.number} ends: {type(error).__name__}: {error.message}")
            if not self._excused(error):
                self.failures.append(f"process {running.number}: {type(error).__name__}: {error}")
            self._end(running)
            self.world.after(SECOND, self._boot_if_none)
            return
        self.records = max(self.records, running.process.durable)
        self._carry(running)
        self._set_timer(running)
        if self._slow:
            span, self._slow = self._slow, 0
            self._pause(running, span=span)

    def _carry(self, running: Running) -> None:
        process, connection = running.process, running.connection
        outgoing, process.outgoing = process.outgoing, []
        if connection is not None:
            connection.leaving = partial(self.leaving, running)
            for data in outgoing:
                connection.send(data)
            if process.hang_up:
                connection.cut(process.hang_up)

    def _set_timer(self, running: Running) -> None:
        due = running.process.next_at
        if due is None:
            return
        when = max(due - running.offset, self.world.now)
        if running.due <= self.world.now or when < running.due:
            running.due = when
            self.world.at(when, lambda: self._tick(running, when))

    def _tick(self, running: Running, due: int) -> None:
        if running.due == due:
            running.due = 0
            running.idle = running.idle + 1 if running.ticked_at == self.world.now else 0
            running.ticked_at = self.world.now
            if running.idle > 200:
                self.failures.append(f"process {running.number} is busy with nothing at {running.process.next_at}")
                return
            self._do(running, lambda: running.process.tick(at=self._clock(running)))

    def read(self, row: int) -> None:
        """The feed has come to a row."""
        if self._stalled_until > self.world.now and not self.quiet:
            return
        for running in list(self.running):
            self._do(running, partial(self._read, running, row))

    def _read(self, running: Running, row: int) -> None:
        running.process.read(row, at=self._clock(running))

    def _renew(self, running: Running) -> None:
        if running not in self.running:
            return
        if not running.paused:
            self._do(running, lambda: running.lease.renew(self.world.now))
            running.renewed_at = self.world.now
        self.world.after(SECOND, lambda: self._renew(running))

    # --- connection

    def _connect_soon(self, running: Running) -> None:
        if not running.connecting:
            running.connecting = True
            self.world.after(self.world.span(10 * MILLISECOND, SECOND), lambda: self._connect(running))

    def _connect(self, running: Running) -> None:
        running.connecting = False
        if running not in self.running or running.connection is not None:
            return
        if running.paused:
            self._connect_soon(running)
            return
        connection = self.venue.connect(
            received=lambda each, data: self._received(running, each, data),
            broken=lambda each, why: self._broken(running, each, why),
        )
        if connection is None:
            self._connect_soon(running)
            return
        running.connection = connection
        self._do(running, lambda: running.process.connected(at=self._clock(running)))

    def _received(self, running: Running, connection: Connection, data: bytes) -> None:
        if running.connection is connection:
            self._do(running, lambda: running.process.received(data, at=self._clock(running)))

    def _broken(self, running: Running, connection: Connection, why: str) -> None:
        if running.connection is connection:
            running.connection = None
            self._do(running, lambda: running.process.disconnected(why, at=self._clock(running)))
            self._connect_soon(running)

    # --- ends

    def _end(self, running: Running) -> None:
        self.running.remove(running)
        self.disk.kill(f"process {running.number}")
        if running.connection is not None:
            connection, running.connection = running.connection, None
            connection.cut("the process ended")

    def _gone(self, why: str, *, power: bool, one: Running | None = None) -> None:
        """A process is killed; with the power, all are, and what was not synced is lost in part."""
        world = self.world
        self._effects_left = -1
        power, self._power_fails = power or self._power_fails, False
        world.say(f"{why}{' and the power fails' if power else ''}")
        for running in list(self.running):
            if power or running is one:
                self._end(running)
        if power:
            world.fault("power_loss")
            self.disk.crash(lambda name, blocks: [each for each in blocks if world.chance(0.5)])
        world.after(world.span(*_RESTART), self._boot_if_none)

    # --- what people and machines do to it

    def misfortune(self) -> None:
        """Now and then something happens to whatever runs."""
        world, rate = self.world, self.swarm.rate
        live = [each for each in self.running if not each.paused]
        if live and world.chance(rate("kill")):
            world.fault("kill")
            self._gone("killed", power=world.chance(rate("power_loss") * 5), one=live[-1])
        elif live and world.chance(rate("kill_at_effect")):
            self._effects_left = world.random.randint(1, 12)
        elif live and world.chance(rate("pause")):
            world.fault("pause")
            self._pause(live[-1], span=world.span(SECOND, 25 * SECOND))
        elif live and world.chance(rate("stuck")):
            world.fault("stuck")
            self._pause(live[-1], span=world.span(SECOND, 10 * SECOND))
        elif live and world.chance(rate("restart_storm")):
            world.fault("restart_storm")
            for number in range(world.random.randint(3, 6)):
                world.after(number * 2 * SECOND, self._storm)
        elif live and world.chance(rate("second_process")):
            world.fault("second_process")
            self._second(live[-1])
        if world.chance(rate("tick_burst")):
            world.fault("tick_burst")
            self._stalled_until = world.now + world.span(3 * SECOND, 12 * SECOND)
        self._people(live)
        if world.chance(rate("clock_step")):
            world.fault("clock_step")
            self._wall_step = world.span(0, 3600 * SECOND)
        if world.chance(rate("disk_full")):
            world.fault("disk_full")
            self.disk.room = 0
            world.after(world.span(3 * SECOND, 25 * SECOND), self._free_disk)

    def _free_disk(self) -> None:
        """Space is there again; a process that was on its reserve is started anew, as it says."""
        self.disk.room = self._full_room
        for running in [each for each in self.running if not each.paused]:
            if running.process.on_reserve:
                self._gone("restarted after a full disk", power=False, one=running)

    def _people(self, live: list[Running]) -> None:
        world = self.world
        for running in live[-1:]:
            if world.chance(self.swarm.rate("kill_switch")):
                level = world.random.choice((SafetyLevel.NO_NEW_RISK, SafetyLevel.CANCEL, SafetyLevel.FLATTEN))
                world.fault("kill_switch", level.name)
                self._say(running, level)
            elif world.chance(self.swarm.rate("lower")) and running.process.trading.level:
                world.fault("lower")
                self._say(running, SafetyLevel.NORMAL)

    def _say(self, running: Running, level: SafetyLevel) -> None:
        self._do(
            running,
            lambda: running.process.operator(level, by="somebody", reason="simulated", at=self._clock(running)),
        )

    def _second(self, first: Running) -> None:
        """Somebody starts another; while the first is there it must not come to anything."""
        renewed = first.renewed_at > self.world.now - 2 * SECOND
        starts = self.starts
        self.boot()
        if renewed and self.starts > starts and first in self.running:
            self.failures.append(f"process {first.number} was taken over from while it was well")

    def _storm(self) -> None:
        """One more of several deaths in a row; none once everything has come to rest."""
        live = [each for each in self.running if not each.paused]
        if live and not self.quiet:
            self._gone("killed in a storm", power=False, one=live[-1])

    def _pause(self, running: Running, *, span: int) -> None:
        """SIGSTOP; a second process may take over before it wakes."""
        world = self.world
        running.paused = True
        world.after(span, lambda: self._wake(running))
        if span > (LEASE_SECONDS + 1) * SECOND:
            world.after((LEASE_SECONDS + 1) * SECOND, self._boot_if_none)

    def _wake(self, running: Running) -> None:
        if running not in self.running:
            return
        running.paused = False
        waiting, running.waiting = running.waiting, []
        self.world.say(f"process {running.number} wakes")
        for what in waiting:
            self._do(running, what)
        self._do(running, lambda: running.process.tick(at=self._clock(running)))

    def settle(self) -> None:
        """No more faults: everything that sleeps wakes, and something runs."""
        self.quiet = True
        self._effects_left = -1
        self._free_disk()
        for running in list(self.running):
            if running.paused:
                self._wake(running)
        self._boot_if_none()
