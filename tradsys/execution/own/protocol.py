"""Our end of the own protocol, without sockets: intents and questions become bytes, bytes become reports.

`docs/own_protocol.md` is the specification. One session is one connection; a new connection is a new session.
"""

from __future__ import annotations

from tradsys.core.durable import DurableIntent, EmergencyIntent
from tradsys.core.errors import InvariantBroken, ProtocolError
from tradsys.core.venue import Ask, CancelOrder, Heartbeat, Incoming, Logon, PlaceOrder, Request, Unwelcome, Welcome
from tradsys.core.wire import encode, incoming_reader


class ClientSession:
    """One connection of an account. It has to log on first, and may speak once the venue said `Welcome`.

    `gap` says that reports are missing: a pushed number was left out, or what came could not be read to its end. What
    is missing is found by asking over another connection.
    """

    def __init__(self, *, account: int, key: str) -> None:
        self._account = account
        self._key = key
        self._reader = incoming_reader()
        self._epoch: int | None = None
        self._pushed = 0
        self._failed: ProtocolError | None = None
        self.ready = False
        self.gap = False

    # --- out

    def logon(self, *, epoch: int) -> bytes:
        """First, and once. Raises `InvariantBroken` the second time."""
        if self._epoch is not None:
            raise InvariantBroken("a session logs on once", value=epoch, limit=self._epoch, fix="begin another one")
        self._epoch = epoch
        return encode(Logon(account=self._account, key=self._key, epoch=epoch))

    def send(self, intent: DurableIntent | EmergencyIntent) -> bytes:
        """A command, which leaves in no other way: minted by the journal once it was durable, or the watchdog's.

        Raises `InvariantBroken` for anything else, for an intent of another lease than this session's, and for an
        emergency that could open a position.
        """
        if type(intent) is not DurableIntent and type(intent) is not EmergencyIntent:
            raise InvariantBroken(
                "only what is durable may leave", value=type(intent).__name__, limit="DurableIntent", fix="mint it"
            )
        if intent.epoch != self._epoch:
            raise InvariantBroken("an intent of another lease", value=intent.epoch, limit=self._epoch)
        if type(intent) is EmergencyIntent and not _only_reduces(intent):
            raise InvariantBroken("an emergency may cancel and close, no more", value=repr(intent.command))
        return self._said(intent.command)

    def ask(self, question: Ask) -> bytes:
        """A question. Raises `InvariantBroken` before `Welcome`."""
        return self._said(question)

    def heartbeat(self) -> bytes:
        """We are there; allowed at any time after `logon`."""
        return encode(Heartbeat())

    def _said(self, request: Request) -> bytes:
        if not self.ready:
            raise InvariantBroken("the venue has not welcomed this session", value=type(request).__name__)
        return encode(request)

    # --- in

    def receive(self, data: bytes) -> list[Incoming]:
        """What the venue says, in order, however the bytes are cut.

        What came before something unreadable is given first, and `gap` is set; the next call, or this one if nothing
        did, raises `ProtocolError`. Nothing follows an `Unwelcome`.
        """
        if self._failed is not None:
            raise self._failed
        heard: list[Incoming] = []
        try:
            for report in self._reader.feed(data):
                self._take(report)
                heard.append(report)
        except ProtocolError as error:
            self._end(error)
            if not heard:
                raise
        return heard

    def _take(self, report: Incoming) -> None:
        if self._failed is not None:
            raise self._failed
        kind = type(report)
        if kind is Unwelcome:
            self.ready = False
            self._failed = ProtocolError("a report after the end of the session", value="", limit="nothing")
        elif kind is Welcome:
            self._welcomed(report)
        elif not self.ready:
            raise ProtocolError("a report before the session began", value=kind.__name__, limit=Welcome.__name__)
        elif report.number:
            self._count(report.number)

    def _welcomed(self, report: Incoming) -> None:
        epoch = report.epoch if isinstance(report, Welcome) else None
        if self.ready or epoch != self._epoch:
            raise ProtocolError("a welcome to another session", value=epoch, limit=self._epoch)
        self.ready = True

    def _count(self, number: int) -> None:
        """Numbers go up by one; one that was there before is no report of this connection."""
        if number <= self._pushed:
            raise ProtocolError("a report twice", value=number, limit=f"> {self._pushed}")
        self.gap = self.gap or number != self._pushed + 1
        self._pushed = number

    def _end(self, error: ProtocolError) -> None:
        self._failed = error
        self.ready = False
        self.gap = True


def _only_reduces(intent: EmergencyIntent) -> bool:
    command = intent.command
    return isinstance(command, CancelOrder) or (isinstance(command, PlaceOrder) and command.reduces)
