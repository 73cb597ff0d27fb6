"""A line to a venue that logs on by itself and stays alive: connection and session in one."""

from __future__ import annotations

from collections.abc import Callable

from tradsys.core.durable import DurableIntent, EmergencyIntent
from tradsys.core.errors import ProtocolError
from tradsys.core.units import SECOND
from tradsys.core.venue import Ask, Incoming, Unwelcome, Welcome
from tradsys.execution.own.client import Happening, LinkDown, LinkUp, VenueClient
from tradsys.execution.own.protocol import ClientSession

BEAT_EVERY = 5 * SECOND
SILENCE = 15 * SECOND
"""A venue that says nothing for so long, heartbeats notwithstanding, is not there."""


class VenueLine:
    """One account's line, logged on under the lease that `epoch` gives at that moment.

    `on_time` and `on_ready` answer with reports and with `LinkUp` (welcomed) and `LinkDown`. Times are nanoseconds.
    """

    def __init__(self, client: VenueClient, *, account: int, key: str, epoch: Callable[[], int]) -> None:
        self._client = client
        self._account, self._key, self._epoch_of = account, key, epoch
        self._session = ClientSession(account=account, key=key)
        self._heard_at = self._beat_at = 0
        self.epoch = 0
        """The lease of the last logon: what intents must carry."""
        self.unwelcome: Unwelcome | None = None
        """Why the venue did not let us in, the last time."""

    @property
    def up(self) -> bool:
        """Welcomed, and not lost since."""
        return self._session.ready

    @property
    def next_at(self) -> int | None:
        """When `on_time` has something to do."""
        if not self.up:
            return self._client.next_at
        return min(self._beat_at + BEAT_EVERY, self._heard_at + SILENCE)

    def on_time(self, *, at: int) -> list[Incoming | LinkUp | LinkDown]:
        """Connect, beat, or give up a venue that is silent."""
        if not self.up:
            return self._happened(self._client.on_time(at=at), at)
        if at >= self._heard_at + SILENCE:
            return self._happened(self._client.drop("the venue is silent", at=at), at)
        if at >= self._beat_at + BEAT_EVERY:
            self._beat_at = at
            return self._send(self._session.heartbeat(), at)
        return []

    def on_ready(self, mask: int, *, at: int) -> list[Incoming | LinkUp | LinkDown]:
        """What the socket has to say."""
        return self._happened(self._client.on_ready(mask, at=at), at)

    def ask(self, question: Ask, *, at: int) -> list[Incoming | LinkUp | LinkDown]:
        """A question; dropped while not `up`. What the attempt caused."""
        return self._send(self._session.ask(question), at) if self.up else []

    def command(self, intent: DurableIntent | EmergencyIntent, *, at: int) -> list[Incoming | LinkUp | LinkDown]:
        """A command; dropped while not `up`. What the attempt caused."""
        return self._send(self._session.send(intent), at) if self.up else []

    def close(self) -> None:
        """End for good."""
        self._client.close()

    def _send(self, data: bytes, at: int) -> list[Incoming | LinkUp | LinkDown]:
        return self._happened(self._client.send(data, at=at), at)

    def _happened(self, happenings: list[Happening], at: int) -> list[Incoming | LinkUp | LinkDown]:
        found: list[Incoming | LinkUp | LinkDown] = []
        for happening in happenings:
            if isinstance(happening, LinkUp):
                self._session = ClientSession(account=self._account, key=self._key)
                self.epoch = self._epoch_of()
                found += self._send(self._session.logon(epoch=self.epoch), at)
            elif isinstance(happening, LinkDown):
                self._session = ClientSession(account=self._account, key=self._key)
                found.append(happening)
            else:
                found += self._received(happening, at)
        return found

    def _received(self, data: bytes, at: int) -> list[Incoming | LinkUp | LinkDown]:
        self._heard_at = at
        try:
            reports = self._session.receive(data)
        except ProtocolError as error:
            return self._happened(self._client.drop(error.message, at=at), at)
        found: list[Incoming | LinkUp | LinkDown] = []
        for report in reports:
            if isinstance(report, Welcome):
                self._client.settled()
                self._beat_at, self.unwelcome = at, None
                found.append(LinkUp())
            elif isinstance(report, Unwelcome):
                self.unwelcome = report
            found.append(report)
        if self.unwelcome is not None and not self._session.ready:
            found += self._happened(self._client.drop(f"not welcome: {self.unwelcome.rule}", at=at), at)
        return found
