"""A trading process without its sockets and its clock: inputs are journaled, then decided on, then made durable, and
only then does anything leave. `engine/live.py` drives it with real ones.

Starting again is reading the journal: every input is decided on once more, and every output must be the one that was
written. What had left without an answer is unknown from there on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from tradsys.core.errors import ConfigError, InvariantBroken, TradSysError
from tradsys.core.safety import SafetyLevel
from tradsys.core.venue import AnyCommand, Beat, Incoming, Page, PlaceOrder, Unwelcome, Welcome
from tradsys.engine.trading import records
from tradsys.engine.trading.feed import Feed, digest
from tradsys.engine.trading.pages import PageMemory
from tradsys.engine.trading.records import (
    Alert,
    ClockRead,
    EpochBegun,
    KeptBack,
    LinkChanged,
    MarketRead,
    OperatorSaid,
    PageAgain,
    PlanLine,
    Replayed,
    ResetSaid,
    RunBegun,
    Stopped,
)
from tradsys.engine.trading.terms import LiveSettings
from tradsys.engine.trading.trading import Output, Trading
from tradsys.engine.trading.unwelcome import why_unwelcome
from tradsys.execution.own.protocol import ClientSession
from tradsys.journal.journal import Journal
from tradsys.journal.records import Record
from tradsys.risk.limit_changes import LimitWish

GROUP = 64
"""Rows of the feed, and records, that go together at most."""
_HEARTBEAT = 10**9
_SILENCE = 5 * 10**9
_SENSELESS = 30 * 10**9
"""Bytes may come for so long without a whole report among them."""


class Process:
    """One run, from its journal on. `outgoing` are bytes for the venue; `hang_up` asks to end the connection.

    `at` is a steady clock, UTC nanoseconds. Where it stands behind the last record (somebody set the wall clock back),
    it is taken to be that record's.

    Every method may raise `JournalFailed`: then nothing leaves any more, and the process is to end. `speed`: how many
    seconds of its clock pass in one of the venue's.
    """

    def __init__(
        self,
        *,
        trading: Trading,
        feed: Feed,
        session: Callable[[], ClientSession],
        run: RunBegun,
        terms: LiveSettings,
        speed: float = 1.0,
    ) -> None:
        self.trading = trading
        self.feed = feed
        self.run = run
        self.terms = terms
        self.outgoing: list[bytes] = []
        self.hang_up = ""
        self.notices: list[PlanLine | Alert] = []
        """What a person should read, durable with the next flush: whoever shows it takes it out."""
        self.failed: TradSysError | None = None
        self.replayed = Replayed()
        self._new_session = session
        self._session: ClientSession | None = None
        self._journal: Journal | None = None
        self._epoch = 0
        self._machine: Callable[[], int] | None = None
        self.pages = PageMemory()
        self._now = 0
        self._ahead = 0
        self._begun = False
        self._expected: deque[Output] = deque()
        self._intents: list[tuple[int, AnyCommand]] = []
        self._beat_at = self._heard_at = self._told_at = 0
        self._up = False
        self._heartbeat, self._silence, self._senseless = (
            round(span * speed) for span in (_HEARTBEAT, _SILENCE, _SENSELESS)
        )

    # --- from the journal

    def resume(self, *, at: int) -> None:
        """The state of a snapshot was taken up, which was taken at an instant: what is told from here on came after."""
        self._begun, self._now = True, max(self._now, at)

    def told(self, record: Record) -> None:
        """One record of the journal that is there already. Raises `InvariantBroken` where this run would not have
        written it, `JournalDamaged` for what cannot be read."""
        if record.kind in records.INPUTS:
            self._again(record)
        elif record.kind in records.OUTPUTS:
            self._compare(record)
        elif record.kind == records.SNAPSHOT:
            self.pages.clear()
        elif record.kind != records.SEAL:
            records.decode(record.kind, record.payload, sequence=record.sequence)

    def _again(self, record: Record) -> None:
        if self._expected:
            self._differs(record, self._expected[0])
        item = records.decode(record.kind, record.payload, sequence=record.sequence)
        events = self._found(item, record) if type(item) is MarketRead else ()
        if type(item) is PageAgain:
            item = self.pages.restored(item, sequence=record.sequence)
        elif type(item) is Page:
            self.pages.noted(item)
        elif type(item) is RunBegun:
            self._same_run(item)
        elif type(item) is EpochBegun:
            self._epoch = item.epoch
            self.pages.clear()
        self._now = max(self._now, record.at)
        self._expected.extend(self.trading.handle(item, at=record.at, events=events))
        self.trading.questions.clear()
        self.replayed.inputs += 1

    def _found(self, read: MarketRead, record: Record) -> Any:
        events = self.feed.events(read.first, last=read.last)
        if digest(events) != read.sha256:
            raise InvariantBroken(
                f"rows {read.first} to {read.last} of the feed are not those that record {record.sequence} read",
                value=digest(events),
                limit=read.sha256,
                fix="restore the data that the run was fed with",
            )
        return events

    def _same_run(self, begun: RunBegun) -> None:
        self._begun = True
        for name in ("run", "configuration", "feed"):
            ours, theirs = getattr(self.run, name), getattr(begun, name)
            if ours != theirs:
                raise InvariantBroken(
                    f"the journal is of another {name}", value=ours, limit=theirs, fix="use another data folder"
                )

    def _compare(self, record: Record) -> None:
        """As bytes: a decision may hold a number that is none, which equals nothing."""
        made = self._expected.popleft() if self._expected else None
        self.replayed.outputs += 1
        same = made is not None and records.output_kind(made) == record.kind
        if not same or records.encode(made) != record.payload:
            self._differs(record, made)

    def _differs(self, record: Record, made: Output | None) -> None:
        if self.replayed.first_difference is None:
            self.replayed.first_difference = {
                "sequence": record.sequence,
                "journal": {"kind": record.kind, "payload": record.payload.decode()},
                "replay": None if made is None else records.encode(made).decode(),
            }
        raise InvariantBroken(
            f"record {record.sequence} ({record.kind}) is not what its inputs lead to",
            value=record.payload.decode(errors="replace"),
            limit=repr(made),
            fix="run it with the code and strategies that wrote it",
        )

    # --- start

    def start(self, journal: Journal, *, epoch: int, at: int, machine: Callable[[], int] | None = None) -> None:
        """Become the one that writes, after all records were told. What a crash kept of the last outputs is written
        now: none of them had left. `machine`: UTC ns of the machine's clock, for `recorded_at` alone."""
        self._journal, self._epoch, self._machine = journal, epoch, machine
        self._ahead = max(0, self._now - at)
        at += self._ahead
        for output in self._expected:
            self._write(output, at=self._now, cause=-1)
        self._expected.clear()
        self._intents.clear()
        if not self._begun:
            self._take(records.RUN, self.run, at=at)
            self._begun = True
        self.pages.clear()
        self._take(records.EPOCH, EpochBegun(epoch=epoch, terms=self.terms), at=at)
        self.flush(at=at)

    # --- the venue

    def connected(self, *, at: int) -> None:
        """A connection is there: log on."""
        at += self._ahead
        self._session = self._new_session()
        self._heard_at = self._told_at = self._beat_at = at
        self.hang_up = ""
        self.outgoing.append(self._session.logon(epoch=self._epoch))

    def received(self, data: bytes, *, at: int) -> None:
        """Bytes of the venue, however cut."""
        at += self._ahead
        if self._session is None:
            return
        self._heard_at = at
        try:
            reports = self._session.receive(data)
        except TradSysError as error:
            self.hang_up = error.message
            return
        if reports:
            self._told_at = at
        for report in reports:
            self._heard(report, at)
        if self._session.gap:
            self.hang_up = "reports are missing"

    def _heard(self, report: Incoming, at: int) -> None:
        kind = type(report)
        if kind is Welcome:
            self._up = True
            self._take(records.LINK, LinkChanged(up=True), at=at)
        elif kind is Unwelcome:
            self.hang_up = why_unwelcome(report)  # type: ignore[arg-type]
        elif type(report) is Page:
            written = self.pages.shortened(report)
            self._take(records.REPORT if written is report else records.PAGE, report, at=at, written=written)
        elif kind is not Beat:
            self._take(records.REPORT, report, at=at)

    def disconnected(self, reason: str, *, at: int) -> None:
        """The connection is gone; what it had not carried is lost."""
        at += self._ahead
        self._session = None
        self.outgoing.clear()
        if self._up:
            self._up = False
            self._take(records.LINK, LinkChanged(up=False, reason=reason), at=at)

    # --- time and people

    @property
    def next_at(self) -> int | None:
        """When `tick` has something to do, if nothing else happens."""
        due = [self.trading.next_at]
        if self._session is not None:
            due += [self._beat_at + self._heartbeat, self._heard_at + self._silence, self._told_at + self._senseless]
        first = min((each for each in due if each is not None), default=None)
        return None if first is None else first - self._ahead

    @property
    def up(self) -> bool:
        """Whether the venue has welcomed us and is still there."""
        return self._up

    @property
    def now(self) -> int:
        """The instant of the last record."""
        return self._now

    @property
    def recorded_at(self) -> int:
        """When a record is made: now by the machine's clock, or the run's where there is no other."""
        return self._now if self._machine is None else self._machine()

    @property
    def on_reserve(self) -> bool:
        """Whether the disk is full, and only what is essential is kept."""
        return self._journal is not None and self._journal.on_reserve

    @property
    def durable(self) -> int:
        """Records on stable storage."""
        return 0 if self._journal is None else self._journal.durable

    @property
    def fed(self) -> bool:
        """Whether the whole feed was read."""
        return self.trading.rows >= len(self.feed)

    def tick(self, *, at: int) -> None:
        """Do what is due, and say that we are there."""
        at += self._ahead
        due = self.trading.next_at
        if due is not None and due <= at:
            self._take(records.CLOCK, ClockRead(), at=at)
        if self._session is None:
            return
        if at - self._heard_at >= self._silence or at - self._told_at >= self._senseless:
            self.hang_up = "the venue is silent"
        elif at - self._beat_at >= self._heartbeat:
            self._beat_at = at
            self.outgoing.append(self._session.heartbeat())
            if self._journal is not None and self._journal.nearly_full:
                self._open_nothing("the disk is nearly full", at)

    @property
    def next_row(self) -> int | None:
        """The row of the feed that is read next; none at its end, and while the disk keeps only what is essential."""
        return None if self.fed or self.on_reserve else self.trading.rows

    def read(self, last: int, *, at: int) -> None:
        """The feed has rows up to `last`: decide on those not read yet."""
        at += self._ahead
        while (first := self.next_row) is not None and first <= last:
            until = min(last, first + GROUP - 1)
            events = self.feed.events(first, last=until)
            read = MarketRead(first=first, last=until, sha256=digest(events))
            self._take(records.MARKET, read, at=at, events=events)
            self.flush(at=at)

    def operator(self, level: SafetyLevel, *, by: str, reason: str, at: int, trigger: str = "operator") -> None:
        """A person asks for another safety level. Raises `ConfigError` for a lower one without a name and a reason; it
        is not journaled then, since no restart could read what nobody could do."""
        if level < self.trading.level and not (by.strip() and reason.strip()):
            raise ConfigError("lowering needs a name and a reason", value=level.name, fix="give both")
        said = OperatorSaid(level=level, trigger=trigger, by=by, reason=reason)
        self._take(records.OPERATOR, said, at=at)

    def said(self, words: ResetSaid | LimitWish, *, at: int) -> None:
        """A person ends a halt or changes a limit; see `live_status.said_reset` and `said_limit`."""
        self._take(records.RESET if isinstance(words, ResetSaid) else records.LIMIT, words, at=at)

    def stop(self, *, at: int) -> None:
        """The end, as it should be: strategies are told, orders and positions stay as they are."""
        self._take(records.STOPPED, Stopped(), at=at)
        self.flush(at=at)

    # --- durable, then out

    def _take(self, kind: str, item: Any, *, at: int, events: Any = (), written: Any = None) -> None:
        """Journal an input, or what is `written` for it, decide on it, journal what follows."""
        if self._journal is None:
            raise InvariantBroken("the process has not started")
        self._now = at = max(at, self._now)
        essential = kind != records.MARKET
        sequence = self._journal.append(
            kind, records.encode(written or item), at=at, recorded_at=self.recorded_at, essential=essential
        )
        for output in self.trading.handle(item, at=at, events=events):
            self._write(output, at=at, cause=sequence)

    def _write(self, output: Output, *, at: int, cause: int) -> None:
        journal = self._journal
        if journal is None:
            raise InvariantBroken("the process has not started")
        if isinstance(output, AnyCommand):
            sequence = journal.append_intent(output, at=at, recorded_at=self.recorded_at, cause=cause)
            self._intents.append((sequence, output))
        else:
            kind, payload = records.output_kind(output), records.encode(output)
            journal.append(kind, payload, at=at, recorded_at=self.recorded_at, cause=cause, essential=True)
            if isinstance(output, PlanLine | Alert):
                self.notices.append(output)

    def flush(self, *, at: int) -> None:
        """Make everything durable, then let leave what may."""
        journal, session = self._journal, self._session
        if journal is None:
            return
        try:
            journal.commit()
        except TradSysError as error:
            self.failed = error
            self.outgoing.clear()
            raise
        listening = session if self._up and not self.hang_up else None
        for tag in self._send(listening):
            self._take(records.KEPT_BACK, KeptBack(tag=tag), at=at)
        if journal.on_reserve:
            self._open_nothing("the disk is full", at)
        if listening is not None:
            self.outgoing += [listening.ask(each) for each in self.trading.questions]
        self.trading.questions.clear()

    def _open_nothing(self, reason: str, at: int) -> None:
        if self.trading.level < SafetyLevel.NO_NEW_RISK:
            self.operator(SafetyLevel.NO_NEW_RISK, by="journal", reason=reason, at=at, trigger="storage")
            self.flush(at=at)

    def _send(self, session: ClientSession | None) -> list[str]:
        """Let leave what may; the tags of orders that never will, since the disk is full and they open something."""
        journal, intents, kept = self._journal, self._intents, list[str]()
        if journal is None or session is None:
            intents.clear()
            return kept
        for sequence, command in intents:
            if type(command) is PlaceOrder and journal.on_reserve and not command.reduces:
                kept.append(command.tag)
                continue
            self.outgoing.append(session.send(journal.mint(sequence, epoch=self._epoch, command=command)))
        intents.clear()
        return kept
