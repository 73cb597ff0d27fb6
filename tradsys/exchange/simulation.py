"""A whole day of a market: participants, a venue's phases and a matching book, in the order of events.

One instrument, number 0 of the book. The same seed and the same participants give the same day, event for event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Protocol

from tradsys.core.errors import InvariantBroken
from tradsys.core.matching import (
    Action,
    BookEvent,
    BookEventKind,
    BookPhase,
    BookSide,
    Command,
    MatchingBook,
    Outcome,
    Status,
)
from tradsys.core.units import SECOND
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.participant import NEVER, Notice, Participant, Request, View
from tradsys.exchange.simulation_record import SimulationRecord

_NEW, _REPLACE, _CANCEL, _REDUCE = int(Action.NEW), int(Action.REPLACE), int(Action.CANCEL), int(Action.REDUCE)
_SET_PHASE = int(Action.SET_PHASE)
_OWN_ORDER = (_NEW, _REPLACE, _CANCEL, _REDUCE)
_CANCELLED, _REJECTED = int(Status.CANCELLED), int(Status.REJECTED)
_TRADE, _TRIGGERED = int(BookEventKind.TRADE), int(BookEventKind.TRIGGERED)
_TAKES_ORDERS = (BookPhase.CONTINUOUS, BookPhase.AUCTION, BookPhase.AUCTION_LIMIT)
_EXCHANGE = -1
ASK_EVERY = 1024


class Venue(Protocol):
    """Who governs the day: the phases, auctions and bands. `sessions.InstrumentDay` or a `FixedTimeline`."""

    @property
    def next_at(self) -> int | None:
        """When its next command is due, UTC nanoseconds; None after the day."""

    def advance(self, at: int, book: MatchingBook) -> Iterator[Command]:
        """Commands due at an instant; each is submitted before the next is taken."""

    def on_trade(self, at: int, *, price: int, quantity: int) -> None:
        """A trade of the book."""


class Information(Protocol):
    """What drives the day from outside; `InformationFlow` or `Still`."""

    value: float
    activity: float
    ripple: float

    def advance(self, at: int, draws: Draws) -> bool:
        """Bring it to an instant; whether anything changed."""


class Simulation:
    """One day at a `venue`. Depth is taken every `depth_every` nanoseconds while the market takes orders,
    `depth_levels` a side.

    Not modelled: one participant seeing the market later than another (their commands may travel).
    """

    def __init__(
        self,
        book: MatchingBook,
        participants: Sequence[Participant],
        *,
        seed: int,
        venue: Venue,
        information: Information,
        depth_every: int = SECOND,
        depth_levels: int = 5,
    ) -> None:
        self.book = book
        self.view = View()
        names = {each.account: each.name for each in participants}
        self.record = SimulationRecord(depth_levels=depth_levels, names=names)
        self._participants = participants
        self._draws = [Draws(seed, stream=number) for number in range(1, len(participants) + 1)]
        self._information = information
        self._information_draws = Draws(seed, stream=0)
        self._venue = venue
        self._depth_every = depth_every
        self._next_depth = 0
        self._queue: list[tuple[int, int, int, Request | None]] = []
        self._queued = 0
        self._asleep = list(range(len(participants)))
        self._accounts = [*(each.account for each in participants), 0]
        self._owner: dict[int, int] = {}
        self._open: dict[int, int] = {}
        self._commands = 0

    def run(
        self, *, progress: Callable[[int], None] = lambda at: None, stop: Callable[[], bool] = lambda: False
    ) -> SimulationRecord:
        """The day to its end, or until `stop` says so; `progress` is told the instant reached now and then."""
        queue, handled = self._queue, 0
        while (due := self._venue.next_at) is not None:
            if queue and queue[0][0] < due:
                self._step(*heappop(queue))
            else:
                self._govern(due)
            handled += 1
            if handled % ASK_EVERY == 0:
                progress(self.view.at)
                if stop():
                    return self.record
        self.record.complete = True
        return self.record

    def _push(self, at: int, owner: int, request: Request | None) -> None:
        """`owner` wakes at an instant, or its request arrives; what was queued first comes first at one instant."""
        self._queued += 1
        heappush(self._queue, (at, self._queued, owner, request))

    def _step(self, at: int, queued: int, owner: int, request: Request | None) -> None:
        self._advance(at)
        if request is None:
            self._wake(owner)
        elif not request.while_live or request.command.order_id in self._open:
            self._execute(owner, request.command._replace(at=at), answered=request.answered)

    def _advance(self, at: int) -> None:
        """Bring the view to an instant."""
        if at >= self._next_depth:
            self._take_depth(at)
        view, information = self.view, self._information
        if information.advance(at, self._information_draws) or not view.at:
            view.value, view.activity, view.ripple = information.value, information.activity, information.ripple
        view.at = at

    def _take_depth(self, at: int) -> None:
        """The book has stood still since the last event, so every instant until now sees the same."""
        every = self._depth_every
        if self.view.phase in _TAKES_ORDERS:
            bids = self.book.levels(0, BookSide.BUY, count=self.record.depth_levels)
            asks = self.book.levels(0, BookSide.SELL, count=self.record.depth_levels)
            for instant in range(self._next_depth, at + 1, every):
                self.record.depth(instant, bids=bids, asks=asks)
        self._next_depth = (at // every + 1) * every

    def _wake(self, owner: int) -> None:
        view = self.view
        if view.phase not in _TAKES_ORDERS:
            self._asleep.append(owner)
            return
        participant, draws = self._participants[owner], self._draws[owner]
        view.bid, view.bid_quantity, view.ask, view.ask_quantity = self.book.best(0)
        for request in participant.act(view, draws):
            if request.at > view.at:
                self._push(request.at, owner, request)
            else:
                self._execute(owner, request.command, answered=request.answered)
        self._ask_when(owner)

    def _ask_when(self, owner: int) -> None:
        at = self._participants[owner].wake_at(self.view, self._draws[owner])
        if at < NEVER:
            self._push(max(at, self.view.at + 1), owner, None)

    def _govern(self, at: int) -> None:
        """Everything the venue does at an instant."""
        self._advance(at)
        for command in self._venue.advance(at, self.book):
            if self._execute(_EXCHANGE, command) == _REJECTED:
                raise InvariantBroken(f"the book refused the venue's own {Action(command.action).name}", value=command)
            if command.action == _SET_PHASE:
                self._enter(BookPhase(command.price))

    def _enter(self, phase: BookPhase) -> None:
        self.view.phase = phase
        if phase in _TAKES_ORDERS:
            asleep, self._asleep = self._asleep, []
            for owner in asleep:
                self._ask_when(owner)

    def _execute(self, owner: int, command: Command, *, answered: bool = False) -> int:
        """One command through the book, into the record and to those it concerns; its status."""
        outcome, events = self.book.submit(command)
        number = self._commands
        self._commands += 1
        self.record.command(
            at=self.view.at, number=number, phase=self._phase(command), command=command, outcome=outcome
        )
        self._enter_order(owner, command, outcome)
        status = outcome.status
        if answered:
            self._acknowledge(owner, command, outcome)
        for event in events:
            if event.kind == _TRADE:
                self._traded(event, owner, number=number, own=command.order_id, left=outcome.open)
            else:
                self._changed(event, number, own=command.order_id, left=outcome.open)
        if status == _CANCELLED or (status == _REJECTED and not answered):
            self._answer(self._owner.get(command.order_id, owner), command, outcome.reason)
        return status

    def _phase(self, command: Command) -> int:
        """The phase that a command leaves the book in."""
        return command.price if command.action == _SET_PHASE else int(self.view.phase)

    def _enter_order(self, owner: int, command: Command, outcome: Outcome) -> None:
        """What a command's own order has open, before what others in the same command do to it."""
        if command.action not in _OWN_ORDER or outcome.status == _REJECTED:
            return
        order_id = command.order_id
        if command.action == _NEW:
            self._owner[order_id] = owner
        if outcome.open:
            self._open[order_id] = outcome.open
        else:
            self._open.pop(order_id, None)

    def _traded(self, event: BookEvent, owner: int, *, number: int, own: int, left: int) -> None:
        """A trade; `left` is what the command's own order has open once it is done."""
        taker, maker, names = owner, self._owner[event.other_id], self._accounts
        if event.order_id != own:
            taker, left = self._owner[event.order_id], self._shrink(event.order_id, event.quantity)
        maker_left = self._shrink(event.other_id, event.quantity)
        self.record.trade(at=self.view.at, number=number, event=event, taker=names[taker], maker=names[maker])
        self.view.last = event.price
        self._venue.on_trade(self.view.at, price=event.price, quantity=event.quantity)
        self._tell(taker, Notice(event.order_id, event.side, event.price, event.quantity, left))
        self._tell(maker, Notice(event.other_id, 1 - event.side, event.price, event.quantity, maker_left, maker=True))

    def _changed(self, event: BookEvent, number: int, *, own: int, left: int) -> None:
        """A removal, a trigger, or a decrement of two orders."""
        owner, phase = self._owner[event.order_id], int(self.view.phase)
        self.record.removal(at=self.view.at, number=number, phase=phase, event=event, account=self._accounts[owner])
        if event.kind == _TRIGGERED:
            self._tell(owner, Notice(event.order_id, event.side, 0, 0, event.quantity))
            return
        if event.order_id != own:
            left = self._shrink(event.order_id, event.quantity)
        self._tell(owner, Notice(event.order_id, event.side, 0, 0, left, event.reason))
        if event.other_id:
            left = self._shrink(event.other_id, event.quantity)
            maker = self._owner[event.other_id]
            self._tell(maker, Notice(event.other_id, 1 - event.side, 0, 0, left, event.reason))

    def _shrink(self, order_id: int, quantity: int) -> int:
        """Take off what an order lost; what it has left."""
        left = self._open[order_id] - quantity
        if left:
            self._open[order_id] = left
        else:
            del self._open[order_id]
        return left

    def _acknowledge(self, owner: int, command: Command, outcome: Outcome) -> None:
        """Whether the book took a command whose sender asked to be told."""
        taken = outcome.status != _REJECTED
        left = command.quantity if taken else self._open.get(command.order_id, 0)
        reason = 0 if taken else outcome.reason
        self._tell(owner, Notice(command.order_id, command.side, 0, 0, left, reason, taken=taken))

    def _answer(self, owner: int, command: Command, reason: int) -> None:
        """A rejection or a removal that no event tells of."""
        if owner != _EXCHANGE:
            left = self._open.get(command.order_id, 0)
            self._tell(owner, Notice(command.order_id, command.side, 0, 0, left, reason))

    def _tell(self, owner: int, notice: Notice) -> None:
        for request in self._participants[owner].told(notice) or ():
            self._push(max(request.at, self.view.at), owner, request)
