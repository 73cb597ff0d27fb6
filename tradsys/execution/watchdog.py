"""The dead man's switch: when the trading process falls silent or says that it failed, somebody else brings the account
to rest.

No I/O, no clock: the process around it (`engine/watchdog`) hands in beats, reports and instants, and sends what leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tradsys.core.durable import EmergencyIntent
from tradsys.core.errors import ConfigError
from tradsys.core.events import Word
from tradsys.core.safety import SafetyLevel
from tradsys.core.venue import Ask, CancelOrder, PlaceOrder, Report
from tradsys.execution.flattening import Flattener, closing_prefix
from tradsys.execution.flattening_parts import SECOND, FlatReport, FlattenSettings, Sent


class Pulse(Word):
    """What the trading process says of itself."""

    ALIVE = "alive"
    FAILED = "failed"
    """It can no longer trade or record (storage failed, a law was broken): act at once."""
    ENDED = "ended"
    """It ended as it should, with the account as it was meant to be: nothing to watch any more."""


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One heartbeat: which run, under which lease it trades; where it failed why, and how many of its records are
    durable (-1: not said): a command that is recorded after these never left."""

    run: str
    epoch: int
    pulse: Pulse = Pulse.ALIVE
    why: str = ""
    durable: int = -1


class WatchdogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`silence` nanoseconds until no beat means dead; `level` what is done then (CANCEL or FLATTEN). What it found at
    rest is looked at every `recheck_every` until `guard` after it began: orders of the dead process may appear late.

    Raises `ConfigError` for a span that is not positive or a level that does nothing.
    """

    silence: int = 5 * SECOND
    level: SafetyLevel = SafetyLevel.FLATTEN
    guard: int = 120 * SECOND
    recheck_every: int = 5 * SECOND
    flatten: FlattenSettings = FlattenSettings()

    def __post_init__(self) -> None:
        """See the class."""
        if self.silence <= 0 or self.recheck_every <= 0 or self.guard < 0:
            raise ConfigError("watchdog: spans must be positive", value=self.silence, limit="> 0", fix="raise them")
        if self.level < SafetyLevel.CANCEL:
            raise ConfigError(
                "watchdog: this level withdraws nothing",
                value=self.level.name,
                limit="CANCEL or FLATTEN",
                fix="raise it",
            )


class Watchdog:
    """Watches until there is a reason to act, then drives a `Flattener` until the account is at rest and stays so.

    `reason` is empty while it watches; from then on `epoch` is what to log on with, above the dead process's. Latched:
    a process that beats again does not stop it. `report` is the end.
    """

    def __init__(self, settings: WatchdogSettings) -> None:
        self._settings = settings
        self._beat: Beat | None = None
        self._heard_at = 0
        self._presumed = False
        self._began_at = 0
        self._attempt = 0
        self._flattener: Flattener | None = None
        self.at_rest: FlatReport | None = None
        """The account was found at rest so far; it is still looked at."""
        self._totals = (0, 0)
        self._look_at: int | None = None
        self._up = False
        self._sent: tuple[Sent, ...] = ()
        self.reason = ""
        self.epoch = 0
        self.report: FlatReport | None = None
        self.failed_attempts = 0

    @property
    def run(self) -> str:
        """The run that it watches, empty before the first beat, or before it was told of one."""
        return self._beat.run if self._beat is not None else ""

    @property
    def durable(self) -> int:
        """How many records of the process that failed are durable, by its own word; -1 where it did not say."""
        return self._beat.durable if self._beat is not None and self._beat.pulse is Pulse.FAILED else -1

    # --- watching

    def presume(self, run: str, *, epoch: int, at: int) -> None:
        """A process began this run, last under lease `epoch`, and did not end as it should: silence counts from now on,
        though nobody was heard. Without it, it counts from the first beat."""
        if self._beat is None:
            self._beat, self._heard_at, self._presumed = Beat(run=run, epoch=epoch), at, True

    def on_beat(self, beat: Beat, *, at: int) -> None:
        """A heartbeat, with the instant at which it was received. One of a lower lease than known is a ghost's."""
        if self.reason or (self._beat is not None and beat.epoch < self._beat.epoch):
            return
        self._beat, self._heard_at, self._presumed = beat, at, False
        if beat.pulse is Pulse.FAILED:
            self._act(f"the trading process failed: {beat.why or 'it did not say why'}", at)

    def resume(self, *, run: str, epoch: int, reason: str, sent: tuple[Sent, ...], at: int) -> None:
        """Go on with what an earlier watchdog began under lease `epoch` and did not finish; `sent` may still appear."""
        self._beat = Beat(run=run, epoch=epoch)
        self._sent = sent
        self._act(reason, at)

    def expect(self, sent: Sequence[Sent]) -> None:
        """Orders of the dead process that may still appear: what they could trade is not closed."""
        if self._flattener is not None:
            self._flattener.expect(sent)

    def outbid(self, highest: int) -> None:
        """The venue knows a lease higher than ours, and answers only to one that is not lower."""
        self.epoch = max(self.epoch, highest)

    def _act(self, reason: str, at: int) -> None:
        assert self._beat is not None
        self.reason, self.epoch = reason, self._beat.epoch + 1
        self._began_at = at
        self._start(at, self._sent)

    def _start(self, at: int, sent: tuple[Sent, ...]) -> None:
        self._attempt += 1
        self._flattener = Flattener(
            level=self._settings.level,
            prefix=closing_prefix(f"{self.run}/watchdog/{self._attempt}/{at}", epoch=self.epoch),
            settings=self._settings.flatten,
            at=at,
            sent=sent,
            first_request=self._attempt * 10**6,
        )
        self._flattener.on_link(up=self._up, at=at)

    # --- acting

    def on_link(self, *, up: bool, at: int) -> None:
        """We are logged on at the venue, or not any more."""
        self._up = up
        if self._flattener is not None:
            self._flattener.on_link(up=up, at=at)

    def on_report(self, report: Report, *, at: int) -> None:
        """Anything the venue says."""
        if self._flattener is not None:
            self._flattener.on_report(report, at=at)
            self._look_whether_it_ended(at)

    def advance(self, *, at: int) -> list[Ask | CancelOrder | PlaceOrder]:
        """What leaves now. Call it after every beat and report, and at `next_at`."""
        if self.report is not None:
            return []
        if not self.reason and self._is_silent(at):
            since = " since the watchdog began" if self._presumed else ""
            self._act(f"no heartbeat for {(at - self._heard_at) / SECOND:.1f} s{since}", at)
        if self._look_at is not None and at >= self._look_at:
            self._look_at = None
            self._start(at, ())
        if self._flattener is None:
            return []
        departing = self._flattener.advance(at=at)
        self._look_whether_it_ended(at)
        return departing

    def _look_whether_it_ended(self, at: int) -> None:
        if self._flattener is not None and self._flattener.report is not None:
            self._attempted(self._flattener.report, at)

    def not_sent(self, order: PlaceOrder) -> None:
        """A closing order of `advance` did not leave, for certain."""
        if self._flattener is not None:
            self._flattener.not_sent(order)

    @property
    def next_at(self) -> int | None:
        """When `advance` has something to do, at the latest; None where only a beat changes anything."""
        if self.report is not None:
            return None
        if self._flattener is not None:
            return self._flattener.next_at
        if self._look_at is not None:
            return self._look_at
        watches = self._beat is not None and self._beat.pulse is Pulse.ALIVE
        return self._heard_at + self._settings.silence if watches else None

    def _is_silent(self, at: int) -> bool:
        alive = self._beat is not None and self._beat.pulse is Pulse.ALIVE
        return alive and at >= self._heard_at + self._settings.silence

    def _attempted(self, report: FlatReport, at: int) -> None:
        """An attempt ended: at rest is looked at again, anything else tried again at once."""
        assert self._flattener is not None
        cancelled, closed = self._totals
        self._totals = (cancelled + report.orders_cancelled, closed + report.positions_closed)
        pending, self._flattener = self._flattener.pending, None
        if not report.flat:
            self.failed_attempts += 1
            self._start(at, pending)
            return
        if self.at_rest is None or report.orders_cancelled or report.positions_closed:
            self.at_rest = self._summed(report, at)
        if at >= self._began_at + self._settings.guard:
            self.report = self._summed(self.at_rest, None)
        else:
            self._look_at = min(at + self._settings.recheck_every, self._began_at + self._settings.guard)

    def _summed(self, report: FlatReport, at: int | None) -> FlatReport:
        """A report with the counts of all attempts, and the time since acting began."""
        cancelled, closed = self._totals
        seconds = report.seconds_to_flat if at is None else (at - self._began_at) / SECOND
        return FlatReport(flat=True, seconds_to_flat=seconds, orders_cancelled=cancelled, positions_closed=closed)


def emergency(command: CancelOrder | PlaceOrder, *, epoch: int, why: str) -> EmergencyIntent:
    """Permission to withdraw or close though it cannot be recorded: `why` names the failure of storage."""
    return EmergencyIntent(epoch=epoch, command=command, why=why)
