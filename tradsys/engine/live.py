"""A live run with its real clock, sockets, disk and signals: the loop that drives a `Process`.

One turn: wait for what comes first, take in what the venue says, the rows of the feed that are known by now, timers and
people; make all of it durable at once; then let leave what may. Nothing here decides anything.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable

import msgspec

from tradsys.core.errors import Fenced, InputRefused, InvariantBroken, JournalFailed, TradSysError
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import SECOND
from tradsys.engine.control.protocol import Kill, Lower, Reset, SetLimit, Stop, refusal
from tradsys.engine.control.server import ControlServer, Request
from tradsys.engine.live_status import Rest, said_level, said_limit, said_reset, status
from tradsys.engine.trading.day_seals import DaySeals
from tradsys.engine.trading.process import GROUP, Process
from tradsys.engine.trading.reconciling import journaled
from tradsys.engine.trading.records import Alert
from tradsys.engine.trading.recovery import Say, Snapshots
from tradsys.engine.watchdog.client import BeatClient
from tradsys.execution.order_life import TrackedState
from tradsys.execution.own.client import Happening, LinkDown, LinkUp, VenueClient
from tradsys.execution.reconciliation_lines import describe
from tradsys.execution.watchdog import Beat, Pulse
from tradsys.journal import Journal, Lease

_LONGEST_WAIT = 0.25
"""Seconds; a signal is seen after so long at most."""
_GROUPS = 4
"""Groups of rows in one turn at most, so that the venue is heard in between."""
_SEALED_AT_STOP = 200_000
"""Records that are read for a seal at the stop, some two seconds; more are left to `tradsys audit seal`."""
_AWAITED = (TrackedState.WAITING, TrackedState.SENT, TrackedState.UNKNOWN)


class RunClock:
    """UTC nanoseconds that never go back: `start` at the moment it is made, then `speed` times as fast as the machine's
    steady clock."""

    def __init__(self, *, start: int, speed: float = 1.0) -> None:
        self._start, self._speed = start, speed
        self._anchor = time.monotonic_ns()

    def __call__(self) -> int:
        return self._start + round((time.monotonic_ns() - self._anchor) * self._speed)

    def seconds_until(self, at: int) -> float:
        """Seconds of the machine's clock until an instant; not below zero."""
        return max(0.0, (at - self()) / self._speed / SECOND)


def steady() -> int:
    """The machine's steady clock, nanoseconds: for leases, and for a connection's patience."""
    return time.monotonic_ns()


def stamp() -> int:
    """The machine's UTC nanoseconds, once: for names, and for when records were made."""
    return time.time_ns()


class LiveParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a live run is made of. `until_fed`: it ends with its feed. `say` hears what a person should know."""

    process: Process
    journal: Journal
    lease: Lease
    client: Callable[[selectors.BaseSelector], VenueClient]
    control: ControlServer
    beats: BeatClient
    snapshots: Snapshots
    seals: DaySeals
    clock: RunClock
    until_fed: bool
    say: Say


class LiveProcess:
    """One process of a live run, from its start to its end. `stopping` is set by whoever hears signals."""

    def __init__(self, parts: LiveParts) -> None:
        self._parts = parts
        self.process = parts.process
        self._clock = parts.clock
        self._selector = selectors.DefaultSelector()
        self._client = parts.client(self._selector)
        parts.control.register(self._selector)
        self._rest = Rest(parts.process)
        self._renew_at = 0
        self._said: tuple[SafetyLevel, bool, bool] = (SafetyLevel.NORMAL, False, False)
        self.stopping = ""

    def run(self) -> None:
        """Trade until told to stop, or fed where that is the end.

        Raises `Fenced` when another process took over, `JournalFailed`, and any other `TradSysError` that ends a run;
        nothing leaves after it, and the watchdog knows.
        """
        try:
            self._begin()
            while not self.stopping:
                self.turn()
            self._stop()
        except TradSysError as error:
            self._fail(error.message)
            raise
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")
            raise InvariantBroken(f"a defect: {type(error).__name__}: {error}", fix="restart, and report it") from error

    # --- start and end

    def _begin(self) -> None:
        self._keep_alive()
        # What a journal led to was shown by the process that wrote it.
        self.process.trading.reconciling.opening = None
        machine = RunClock(start=stamp())
        self.process.start(self._parts.journal, epoch=self._parts.lease.epoch, at=self._clock(), machine=machine)

    def _stop(self) -> None:
        """As one should: strategies are told, everything is durable, the watchdog knows."""
        self._parts.say(f"stops: {self.stopping}")
        self.process.stop(at=self._clock())
        self._carry()
        self._parts.snapshots.take(at=self.process.now)
        self._beat(Pulse.ENDED, self.stopping)
        self._silence()
        self._seal()
        self._parts.journal.close()
        self._parts.lease.release()

    def _seal(self) -> None:
        """The whole run, unless that takes longer than a stop may."""
        seals = self._parts.seals
        if seals.behind <= _SEALED_AT_STOP:
            seals.seal()
        else:
            self._parts.say(f"{seals.behind} records are not sealed: `tradsys audit seal` does it")

    def _fail(self, why: str) -> None:
        """Nothing leaves any more, from this instant on; then the watchdog is told."""
        self._client.close()
        if self._overtaken():
            # The folder is another's now: its control socket stays, and the watchdog hears from that process.
            return
        self._beat(Pulse.FAILED, why)
        self._silence()

    def _overtaken(self) -> bool:
        """Whether another process runs this, whatever it was that failed when this one woke."""
        try:
            self._parts.lease.check()
        except Fenced:
            return True
        except JournalFailed:
            return False
        return False

    def _silence(self) -> None:
        self._client.close()
        self._parts.control.close()
        self._parts.beats.close()
        self._selector.close()

    # --- one turn

    def turn(self) -> None:
        """Wait, at most a quarter of a second, and do what there is to do."""
        keys = self._selector.select(self._wait())
        self._keep_alive()
        for key, mask in keys:
            if key.data is self._client:
                self._hear(self._client.on_ready(mask, at=steady()))
        self._hear(self._client.on_time(at=steady()))
        self._read()
        for request in self._parts.control.ready():
            self._parts.control.answer(request, self._answered(request))
        self.process.tick(at=self._clock())
        self._settle()
        self._after()

    def _wait(self) -> float:
        process, clock = self.process, self._clock
        waits = [_LONGEST_WAIT, (self._renew_at - steady()) / SECOND]
        row = process.next_row
        if row is not None:
            waits.append(clock.seconds_until(process.feed.known_at(row)))
        if process.next_at is not None:
            waits.append(clock.seconds_until(process.next_at))
        if self._client.next_at is not None:
            waits.append((self._client.next_at - steady()) / SECOND)
        return max(0.0, min(waits))

    def _hear(self, happenings: list[Happening]) -> None:
        process = self.process
        for each in happenings:
            if isinstance(each, LinkUp):
                process.connected(at=self._clock())
            elif isinstance(each, LinkDown):
                self._parts.say(f"not at the venue: {each.why}")
                process.disconnected(each.why, at=self._clock())
            else:
                process.received(each, at=self._clock())
        if process.up and happenings:
            self._client.settled()

    def _read(self) -> None:
        """The rows that are known by now, group by group; what each leads to leaves before the next is read."""
        process = self.process
        for _ in range(_GROUPS):
            at, row = self._clock(), process.next_row
            if row is None or (last := self._last_known(row, at)) < row:
                return
            process.read(last, at=at)
            self._carry()

    def _last_known(self, row: int, at: int) -> int:
        feed, last = self.process.feed, row - 1
        until = min(len(feed), row + GROUP)
        while last + 1 < until and feed.known_at(last + 1) <= at:
            last += 1
        return last

    def _settle(self) -> None:
        """Everything durable, then out; once more where the connection broke under it."""
        self.process.flush(at=self._clock())
        self._carry()
        if self._parts.journal.waiting:
            self.process.flush(at=self._clock())

    def _carry(self) -> None:
        process = self.process
        outgoing, process.outgoing = process.outgoing, []
        if outgoing:
            self._hear(self._client.send(b"".join(outgoing), at=steady()))
        if process.hang_up:
            why, process.hang_up = process.hang_up, ""
            self._hear(self._client.drop(why, at=steady()))

    # --- beside trading

    def _keep_alive(self) -> None:
        """Once a second, and first of all after a pause: hold the lease, and beat."""
        now = steady()
        if now >= self._renew_at:
            self._renew_at = now + SECOND
            self._parts.lease.renew(now)
            # A server may be gone while there is nothing to write.
            self._parts.journal.check()
            self._beat(Pulse.ALIVE)

    def _beat(self, pulse: Pulse, why: str = "") -> None:
        run, durable = self.process.run.run, self._parts.journal.durable
        epoch = self._parts.lease.epoch
        self._parts.beats.send(Beat(run=run, epoch=epoch, pulse=pulse, why=why, durable=durable))

    def _after(self) -> None:
        self._parts.snapshots.take_if_due(at=self.process.now)
        self._parts.seals.look()
        self._rest.look()
        self._announce()
        self._report()
        if self._parts.until_fed and self.process.fed and not self._awaited():
            self.stopping = "the feed has ended"

    def _awaited(self) -> bool:
        return any(each.state in _AWAITED for each in self.process.trading.tracker.live)

    def _announce(self) -> None:
        """Say what has changed since the last turn."""
        trading = self.process.trading
        now = (trading.level, trading.reconciling.reconciled, self.process.on_reserve)
        before, self._said = self._said, now
        if now == before:
            return
        for changed, what in zip((a != b for a, b in zip(now, before, strict=True)), _told(*now), strict=True):
            if changed:
                self._parts.say(what)

    def _report(self) -> None:
        """What alarms, and of a reconciliation the whole plan at the start and after a reconnect, later the lines that
        do something; with the evidence."""
        notices, self.process.notices = self.process.notices, []
        reconciling = self.process.trading.reconciling
        plan, reconciling.opening = reconciling.opening, None
        shown = [] if plan is None else [journaled(each) for each in plan.lines]
        if plan is not None:
            self._parts.say(describe(plan))
        for each in notices:
            if isinstance(each, Alert):
                self._parts.say(each.what)
            elif each in shown:
                shown.remove(each)
            elif not each.action.startswith("ignore"):
                self._parts.say(f"{each.action}, {each.subject}: {each.evidence}")

    # --- people

    def status(self) -> dict[str, object]:
        """See `live_status.status`."""
        return status(self.process, self._rest, epoch=self._parts.lease.epoch)

    def _answered(self, request: Request) -> dict[str, object]:
        command = request.command
        try:
            if isinstance(command, Kill | Lower):
                level = said_level(self.process, command)
                self.process.operator(level, by=command.by, reason=command.reason, at=self._clock())
                self._settle()
                self._rest.look()
            elif isinstance(command, Reset):
                self.process.said(said_reset(self.process, command), at=self._clock())
                self._settle()
            elif isinstance(command, SetLimit):
                self.process.said(said_limit(self.process, command), at=self._clock())
                self._settle()
            elif isinstance(command, Stop):
                self.stopping = command.reason or "stopped by a person"
        except InputRefused as error:
            return refusal(error)
        return self.status()


def _told(level: SafetyLevel, reconciled: bool, on_reserve: bool) -> tuple[str, str, str]:
    return (
        f"safety level {level.name}",
        "reconciled" if reconciled else "not reconciled",
        "the disk is full: only what closes and records goes on" if on_reserve else "the disk has space",
    )
