"""What a venue has, collected by asking: orders, trades, positions and cash that belong together.

Trading goes on while we ask. So trades are asked for twice, before and after the rest: where both answers are equal,
nothing was dealt in between, and orders, positions and cash are those of these very trades. Where they are not, it
starts again with the second answer as the first, up to `passes` times; what still moved then is named in `moved`, and
nothing may be concluded from the position of it.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from tradsys.core.events import Product
from tradsys.core.venue import Ask, AskFailed, CashRow, OrderRow, Page, PositionRow, Report, Subject, TradeRow
from tradsys.execution.reconciliation_answers import AnswerRefused, AskingLimits, Question

BETWEEN = (Subject.ORDERS, Subject.POSITIONS, Subject.CASH)

Holding = tuple[str, Product]
"""What a position is of."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer taken: its request, when we asked (our clock), when it was given (the venue's)."""

    subject: Subject
    request: int
    asked_at: int
    venue_at: int


class VenueSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue has. All of it was read after `asked_at`; holdings in `moved` were dealt in while it was."""

    asked_at: int
    at: int
    orders: tuple[OrderRow, ...]
    trades: tuple[TradeRow, ...]
    positions: tuple[PositionRow, ...]
    cash: tuple[CashRow, ...]
    moved: tuple[Holding, ...] = ()
    answers: tuple[Answered, ...] = ()

    def answer(self, subject: Subject) -> Answered | None:
        """The answer about a subject."""
        return next((each for each in self.answers if each.subject == subject), None)


class _State(msgspec.Struct, kw_only=True):
    next_request: int
    heard: int = 0
    passes: int = 0
    asked_at: int = 0
    open: Question | None = None
    before: tuple[TradeRow, ...] | None = None
    between: list[Question] = []
    result: VenueSnapshot | None = None


class SnapshotCollector:
    """Asks until it has a `VenueSnapshot`. Sans I/O: `questions` are to be sent, what comes back is to be told.

    Requests are numbered from `first_request` on and never reused, so that a late answer to an older question is known.
    """

    def __init__(self, *, limits: AskingLimits, first_request: int = 1) -> None:
        self._limits = limits
        self._state = _State(next_request=first_request)

    @property
    def result(self) -> VenueSnapshot | None:
        """The snapshot, once it is whole."""
        return self._state.result

    @property
    def running(self) -> bool:
        """Whether a question is open."""
        return self._state.open is not None

    @property
    def next_at(self) -> int | None:
        """When `questions` or `on_time` has something to do. UTC ns."""
        return None if self._state.open is None else self._state.open.next_at()

    def begin(self, *, at: int) -> None:
        """Start from nothing; answers to earlier questions are no longer taken."""
        old = self._state
        first = Question(subject=Subject.TRADES, again_at=at)
        self._state = _State(next_request=old.next_request, heard=old.heard, open=first)

    def stop(self) -> None:
        """Ask no more: nobody is there to answer."""
        self._state = _State(next_request=self._state.next_request, heard=self._state.heard)

    def questions(self, *, at: int) -> list[Ask]:
        """What to ask now; each is given once."""
        state = self._state
        if state.open is None:
            return []
        asks = state.open.asks(request=state.next_request, heard=state.heard, at=at, limits=self._limits)
        state.next_request += any(ask.request == state.next_request for ask in asks)
        return asks

    def on_report(self, report: Report, *, at: int) -> AnswerRefused | None:
        """Something the venue said: an answer of ours is taken or refused, all else only tells the venue's time."""
        refused, state = None, self._state
        if isinstance(report, Page | AskFailed) and state.open is not None and state.open.request == report.request:
            refused = self._answered(state.open, report, at=at)
        set_back = isinstance(report, Page) and refused is not None and report.at < state.heard
        # A venue that set its clock back is believed the next time.
        self._state.heard = report.at if set_back else max(state.heard, report.at)
        return refused

    def _answered(self, question: Question, report: Page | AskFailed, *, at: int) -> AnswerRefused | None:
        if isinstance(report, AskFailed):
            why = f"not answered: {report.why}"
        else:
            why = question.take(report, limits=self._limits)
        if why:
            return question.fail(why=why, at=at, limits=self._limits)
        if question.complete():
            self._advance(question, at=at)
        return None

    def on_time(self, *, at: int) -> AnswerRefused | None:
        """Give up what was not answered in time, to ask again."""
        question = self._state.open
        if question is None or not question.waiting or question.next_at() > at:
            return None
        return question.fail(why=f"no answer in {self._limits.deadline / 1e9:g} s", at=at, limits=self._limits)

    def _advance(self, done: Question, *, at: int) -> None:
        """From trades to the rest, from the rest to trades again, from these to the snapshot or round again."""
        state = self._state
        if done.subject != Subject.TRADES:
            state.between.append(done)
            rest = [*BETWEEN, Subject.TRADES]
            state.open = Question(subject=rest[rest.index(done.subject) + 1], again_at=at)
            return
        trades = cast(tuple[TradeRow, ...], done.rows())
        moved = () if state.before is None else _moved(before=state.before, after=trades)
        if state.before is None or (moved and state.passes + 1 < self._limits.passes):
            state.passes += state.before is not None
            state.before, state.asked_at, state.between = trades, done.asked_at, []
            state.open = Question(subject=BETWEEN[0], again_at=at)
            return
        state.result, state.open = self._snapshot(done, moved, at=at), None

    def _snapshot(self, trades: Question, moved: tuple[Holding, ...], *, at: int) -> VenueSnapshot:
        whole = [trades, *self._state.between]
        rows: dict[str, Any] = {each.subject.value: each.rows() for each in whole}
        answers = tuple(
            Answered(subject=each.subject, request=each.request, asked_at=each.asked_at, venue_at=each.venue_at())
            for each in whole
        )
        return VenueSnapshot(asked_at=self._state.asked_at, at=at, moved=moved, answers=answers, **rows)

    def state(self) -> bytes:
        """Everything, for `restore`."""
        return msgspec.msgpack.encode(self._state)

    def restore(self, state: bytes) -> None:
        """Go on from a `state`. Raises `msgspec.ValidationError` for anything else."""
        self._state = msgspec.msgpack.decode(state, type=_State)


def _moved(*, before: tuple[TradeRow, ...], after: tuple[TradeRow, ...]) -> tuple[Holding, ...]:
    """Holdings with trades that only one of the answers has."""
    first, second = ({(row.trade_id, row.venue_id): row for row in rows} for rows in (before, after))
    found = {
        (row.instrument, row.product)
        for one, other in ((first, second), (second, first))
        for number, row in one.items()
        if other.get(number) != row
    }
    return tuple(sorted(found))
