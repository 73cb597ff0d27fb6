"""Laws that any order book must keep, checked from what it says alone, and the comparison of two books."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tools.book_commands import INSTRUMENTS
from tradsys.core.matching import (
    Action,
    BookEvent,
    BookEventKind,
    BookPhase,
    Command,
    MatchingBook,
    Outcome,
    Status,
)

BETWEEN_CHECKS = 100
TAKES_FROM_BOTH = (BookEventKind.TRADE, BookEventKind.DECREMENTED)
REMOVES = (BookEventKind.CANCELLED, BookEventKind.EXPIRED)


class Broken(AssertionError):
    """Two books disagree, or one breaks a law; `at` is the position of the command that shows it."""

    at = 0


class Laws:
    """What each live order has open and each instrument's phase, by outcomes and events alone.

    Every unit an order asked for is traded, decremented, dropped, taken off or still open; nothing trades that is not
    there, or more than is open; in continuous trading the best bid is below the best ask.
    """

    def __init__(self) -> None:
        self.open: dict[int, int] = {}
        self.phases: list[int] = [BookPhase.CONTINUOUS] * INSTRUMENTS

    def record(self, command: Command, outcome: Outcome, events: Iterable[BookEvent]) -> None:
        """Account for one command."""
        if outcome.status == Status.REJECTED:
            return
        if command.action in (Action.NEW, Action.REPLACE):
            self.open[command.order_id] = command.quantity
        elif command.action == Action.REDUCE:
            self._take(command.order_id, min(command.quantity, self.open[command.order_id]))
        elif command.action == Action.SET_PHASE:
            self.phases[command.instrument] = command.price
        for event in events:
            self._apply(event)
        if outcome.status == Status.CANCELLED:
            self.open.pop(command.order_id, None)

    def _apply(self, event: BookEvent) -> None:
        if event.kind in TAKES_FROM_BOTH:
            self._take(event.order_id, event.quantity)
            self._take(event.other_id, event.quantity)
        elif self.open.get(event.order_id) != event.quantity:
            raise Broken(f"{event}: the order has {self.open.get(event.order_id)} open")
        elif event.kind in REMOVES:
            del self.open[event.order_id]

    def _take(self, order_id: int, quantity: int) -> None:
        left = self.open.get(order_id, 0) - quantity
        if left < 0 or quantity < 1:
            raise Broken(f"{quantity} taken of order {order_id}, which has {self.open.get(order_id)} open")
        if left:
            self.open[order_id] = left
        else:
            del self.open[order_id]

    def check(self, book: MatchingBook) -> None:
        """The book holds what the events left, to the last unit, and no instrument is crossed."""
        live = {order.order_id: order.shown + order.hidden for i in range(INSTRUMENTS) for order in book.orders(i)}
        if live != self.open:
            raise Broken(f"the book holds {live}, the events left {self.open}")
        for instrument in range(INSTRUMENTS):
            self.check_not_crossed(book, instrument)

    def check_not_crossed(self, book: MatchingBook, instrument: int) -> None:
        """The best bid is below the best ask while orders trade."""
        if self.phases[instrument] == BookPhase.CONTINUOUS:
            bid, _, ask, _ = book.best(instrument)
            if bid >= ask > 0:
                raise Broken(f"instrument {instrument} is crossed: bid {bid}, ask {ask}")


def compare(
    commands: Iterable[Command], *, expected: MatchingBook, given: MatchingBook, between_hashes: int
) -> list[int]:
    """Run commands through two books that must agree, and hold the given one to the laws.

    Returns: the state hash after every `between_hashes` commands and at the end.
    Raises: `Broken` with the position of the command at the first difference.
    """
    laws, hashes = Laws(), list[int]()
    number, command = -1, None
    try:
        for number, command in enumerate(commands):
            answer = given.submit(command)
            if answer != (wanted := expected.submit(command)):
                raise Broken(f"gave {answer}, expected {wanted}")
            laws.record(command, *answer)
            if 0 <= command.instrument < INSTRUMENTS:
                laws.check_not_crossed(given, command.instrument)
            if not (number + 1) % between_hashes:
                hashes.append(_agreed_hash(expected, given))
            if not (number + 1) % BETWEEN_CHECKS:
                laws.check(given)
        hashes.append(_agreed_hash(expected, given))
        laws.check(given)
    except Broken as broken:
        located = Broken(f"command {number}, {command}: {broken}")
        located.at = number
        raise located from None
    return hashes


def _agreed_hash(expected: MatchingBook, given: MatchingBook) -> int:
    if (state := given.state_hash()) != expected.state_hash():
        states = [[book.orders(i) for i in range(INSTRUMENTS)] for book in (given, expected)]
        raise Broken(f"the hashes differ; given {states[0]}, expected {states[1]}")
    return state


def replayed_hashes(commands: Iterable[Command], book: MatchingBook, *, between_hashes: int) -> list[int]:
    """The state hashes of one book alone, as `compare` returns them."""
    hashes = []
    for number, command in enumerate(commands, 1):
        book.submit(command)
        if not number % between_hashes:
            hashes.append(book.state_hash())
    return [*hashes, book.state_hash()]


def shortest(commands: list[Command], *, fails: Callable[[list[Command]], bool]) -> list[Command]:
    """Commands of a failing run that it fails with too, none of which can be left out."""
    step = max(len(commands) // 2, 1)
    while True:
        at = 0
        while at < len(commands):
            fewer = commands[:at] + commands[at + step :]
            if fails(fewer):
                commands = fewer
            else:
                at += step
        if step == 1:
            return commands
        step //= 2
