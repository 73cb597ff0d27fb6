"""The watchdog's loop: heartbeats in, and when they end, the venue. Clock, sockets and disk are handed in."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Sequence
from typing import Protocol

from tradsys.core.units import SECOND
from tradsys.core.venue import Ask, Incoming, Unwelcome
from tradsys.engine.watchdog.keeping import Acting, Keeper
from tradsys.engine.watchdog.line import VenueLine
from tradsys.engine.watchdog.server import BeatServer
from tradsys.execution.flattening_parts import FlatReport, Sent
from tradsys.execution.own.client import LinkDown, LinkUp, VenueClient
from tradsys.execution.watchdog import Beat, Watchdog

_LONGEST_WAIT = SECOND


class Fence(Protocol):
    """The dead process's lease on its journal, taken over, so that it writes and sends nothing if it wakes."""

    @property
    def epoch(self) -> int:
        """Of the lease."""

    def renew(self) -> bool:
        """Say that it is still held; whether it is."""

    def release(self) -> None:
        """Whoever starts next may have it."""


class WatchdogProcess:
    """One run of the watchdog, until the account is at rest (`run`), turn by turn.

    `clock` gives steady UTC nanoseconds; `fence` takes over the trading process's journal, or None where it cannot;
    `unanswered` gives the orders that it sent last, of so many records (-1: of all); `say` hears what a person should
    know, one line each. `unended`: the run and the lease of a process that was begun and did not end as it should,
    which may be dead already.
    """

    def __init__(
        self,
        dog: Watchdog,
        *,
        beats: BeatServer,
        client: Callable[[selectors.BaseSelector], VenueClient],
        account: int,
        key: str,
        keeper: Keeper,
        clock: Callable[[], int],
        fence: Callable[[], Fence | None],
        unanswered: Callable[[int], Sequence[Sent]],
        say: Callable[[str], None],
        unended: Beat | None = None,
    ) -> None:
        self._dog, self._beats, self._keeper = dog, beats, keeper
        self._clock, self._take_fence, self._say = clock, fence, say
        self._unanswered = unanswered
        self._selector = selectors.DefaultSelector()
        self._selector.register(beats, selectors.EVENT_READ, beats)
        self._line = VenueLine(client(self._selector), account=account, key=key, epoch=lambda: dog.epoch)
        self._fence: Fence | None = None
        self._fence_at = 0
        self._written_epoch = 0
        self._said_rest = False
        self._resume()
        # A higher lease is of a process that began after an earlier watchdog was through.
        if unended is not None and unended.epoch > keeper.rested:
            dog.presume(unended.run, epoch=unended.epoch, at=clock())

    def _resume(self) -> None:
        unfinished = self._keeper.unfinished
        if unfinished is not None:
            acting = unfinished.acting
            reason = f"an earlier watchdog did not finish: {acting.reason}"
            at = self._clock()
            self._dog.resume(run=acting.run, epoch=acting.epoch, reason=reason, sent=unfinished.sent, at=at)

    def run(self) -> FlatReport:
        """Watch, act, and return when the account is at rest and stayed so."""
        while self._dog.report is None:
            self.turn()
        self._keeper.rests(self._dog.report, at=self._clock())
        if self._fence is not None:
            self._fence.release()
        self._line.close()
        self._beats.close()
        return self._dog.report

    def turn(self) -> None:
        """Wait for what comes first, and deal with it."""
        keys = self._selector.select(self._wait() / SECOND)
        at = self._clock()
        for beat in self._beats.ready():
            self._dog.on_beat(beat, at=at)
        for key, mask in keys:
            if key.data is not self._beats:
                self._hear(self._line.on_ready(mask, at=at), at)
        if self._dog.reason:
            self._hear(self._line.on_time(at=at), at)
        self._act(at)

    def _wait(self) -> int:
        """Nanoseconds until something is due, at most a second."""
        due = [self._dog.next_at, self._line.next_at if self._dog.reason else None]
        first = min((each for each in due if each is not None), default=self._clock() + _LONGEST_WAIT)
        return min(max(first - self._clock(), 0), _LONGEST_WAIT)

    def _hear(self, heard: list[Incoming | LinkUp | LinkDown], at: int) -> None:
        for each in heard:
            if isinstance(each, LinkUp):
                self._say(f"at the venue, under lease {self._dog.epoch}")
                self._dog.on_link(up=True, at=at)
            elif isinstance(each, LinkDown):
                self._say(f"not at the venue: {each.why}")
                self._dog.on_link(up=False, at=at)
            elif isinstance(each, Unwelcome):
                self._outbid(each)
            else:
                self._dog.on_report(each, at=at)

    def _outbid(self, unwelcome: Unwelcome) -> None:
        """Whoever replaced us, or is known with a higher lease, is not to trade while this account comes to rest."""
        if unwelcome.rule in ("superseded", "replaced") and isinstance(unwelcome.limit, int):
            self._dog.outbid(unwelcome.limit + 1)

    def _act(self, at: int) -> None:
        departing = self._dog.advance(at=at)
        if not self._dog.reason:
            return
        self._prepare(at)
        heard: list[Incoming | LinkUp | LinkDown] = []
        for question in departing:
            if isinstance(question, Ask):
                heard += self._line.ask(question, at=at)
        commands = [each for each in departing if not isinstance(each, Ask)]
        failed_before = self._keeper.failure
        for intent in self._keeper.permit(commands, epoch=self._line.epoch, at=at):
            heard += self._line.command(intent, at=at)
        if self._keeper.failure and not failed_before:
            self._say(f"nothing can be recorded any more, going on: {self._keeper.failure}")
        self._hear(heard, at)
        if self._dog.at_rest is not None and not self._said_rest:
            self._said_rest = True
            self._say(f"at rest after {self._dog.at_rest.seconds_to_flat:.3f} s, on guard")

    def _prepare(self, at: int) -> None:
        """Once acting began: take the dead process's lease, and write down what is about to be done."""
        self._hold_fence(at)
        if not self._written_epoch:
            self._dog.expect(self._unanswered(self._dog.durable))
        if self._written_epoch != self._dog.epoch:
            self._written_epoch = self._dog.epoch
            self._say(f"acting for run {self._dog.run}: {self._dog.reason}")
            self._keeper.acts(Acting(run=self._dog.run, epoch=self._dog.epoch, reason=self._dog.reason), at=at)

    def _hold_fence(self, at: int) -> None:
        """Once a second: keep the lease, or try to get it, but not in the middle of a session under another."""
        if at < self._fence_at:
            return
        self._fence_at = at + SECOND
        if self._fence is not None and not self._fence.renew():
            self._fence = None
        if self._fence is None and not self._line.up:
            self._fence = self._take_fence()
            if self._fence is not None:
                self._dog.outbid(self._fence.epoch)
