"""Random commands of every kind: both books agree after each of them, and the laws of an order book hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.books import MakeBook, each_book
from tools.book_commands import INSTRUMENTS, commands
from tools.book_laws import Broken, Laws, compare, replayed_hashes, shortest
from tradsys.core.matching import (
    Action,
    BookEvent,
    BookEventKind,
    BookPhase,
    BookSide,
    Command,
    Kind,
    Outcome,
    Reason,
    Status,
    TimeInForce,
)
from tradsys.exchange.book import COMMAND, Book
from tradsys.exchange.book_reference import ReferenceBook

SEEDS = range(20)
A_SEED = 5_000

Answer = tuple[Outcome, list[BookEvent]]


@pytest.mark.parametrize("seed", SEEDS)
def test_both_books_agree_after_every_command(seed: int) -> None:
    compare(commands(seed, A_SEED), expected=ReferenceBook(INSTRUMENTS), given=Book(INSTRUMENTS), between_hashes=1)


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_a_batch_gives_what_single_commands_give(seed: int) -> None:
    wanted, given = ReferenceBook(INSTRUMENTS), Book(INSTRUMENTS)
    some = [command for command in commands(seed, A_SEED) if fits_a_row(command)]
    assert len(some) > 0.9 * A_SEED
    expected = [wanted.submit(command) for command in some]
    rows = np.array([tuple(getattr(command, name) for name in COMMAND.names or ()) for command in some], COMMAND)
    outcomes, events = given.apply(rows)
    assert [Outcome(*row) for row in outcomes.tolist()] == [outcome for outcome, _ in expected]
    given_events = [tuple(row) for row in events[list(BookEvent._fields)].tolist()]
    assert given_events == [tuple(event) for _, told in expected for event in told]
    assert given.state_hash() == wanted.state_hash()


def fits_a_row(command: Command) -> bool:
    """Whether the small numbers of a command, bad ones too, can be written into a row."""
    bytes_only = command.action, command.side, command.kind, command.time_in_force, command.flags
    return all(0 <= value < 2**8 for value in bytes_only) and 0 <= command.instrument < 2**16


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_the_plain_methods_give_what_commands_give(seed: int) -> None:
    wanted, given = ReferenceBook(INSTRUMENTS), Book(INSTRUMENTS)
    for command in commands(seed, A_SEED):
        plain = Command(
            command.action if command.action in (Action.NEW, Action.CANCEL) else Action.NEW,
            command.order_id,
            command.side,
            command.price,
            command.quantity,
            Kind.MARKET if command.kind == Kind.MARKET else Kind.LIMIT,
            TimeInForce.GTC,
            instrument=command.instrument,
        )
        outcome, events = wanted.submit(plain)
        assert by_method(given, plain) == in_short(plain, outcome)
        assert given.events() == events
    assert given.state_hash() == wanted.state_hash()


def by_method(book: Book, command: Command) -> int:
    """Ask by the method for the command's kind."""
    order, place = {"side": command.side, "quantity": command.quantity}, {"instrument": command.instrument}
    if command.action == Action.CANCEL:
        return book.cancel(command.order_id)
    if command.kind == Kind.MARKET:
        return book.market(command.order_id, **order, **place)
    return book.limit(command.order_id, price=command.price, **order, **place)


def in_short(command: Command, outcome: Outcome) -> int:
    """What a method says of an outcome."""
    if outcome.status == Status.REJECTED:
        return -outcome.reason
    return outcome.filled if command.kind == Kind.MARKET else outcome.open


@each_book
def test_a_replay_gives_the_same_states(make_book: MakeBook) -> None:
    first, again = (
        replayed_hashes(commands(100, A_SEED), make_book(INSTRUMENTS), between_hashes=100) for _ in range(2)
    )
    assert first == again
    assert len(set(first)) > 0.9 * len(first)


@each_book
def test_what_is_rejected_changes_nothing(make_book: MakeBook) -> None:
    book = make_book(INSTRUMENTS)
    before, rejected = book.state_hash(), 0
    for command in commands(101, 2_000):
        outcome, events = book.submit(command)
        after = book.state_hash()
        if outcome.status == Status.REJECTED:
            assert (after, events, outcome.filled, outcome.open) == (before, [], 0, 0)
            rejected += 1
        before = after
    assert rejected > 200


def test_the_commands_reach_every_answer() -> None:
    reached: set[object] = set()
    for seed in range(8):
        book = ReferenceBook(INSTRUMENTS)
        for command in commands(seed, A_SEED):
            outcome, events = book.submit(command)
            reached.update([Reason(outcome.reason), Status(outcome.status), *phases(command, outcome)])
            reached.update(kind for event in events for kind in (BookEventKind(event.kind), Reason(event.reason)))
    everything = {*Reason, *Status, *BookEventKind, *BookPhase}
    assert everything - reached == set()


def phases(command: Command, outcome: Outcome) -> list[BookPhase]:
    """The phase that a command entered."""
    entered = command.action == Action.SET_PHASE and outcome.status == Status.DONE
    return [BookPhase(command.price)] if entered else []


def test_a_seed_gives_the_same_commands_and_a_shorter_run_their_start() -> None:
    long = list(commands(7, 10_100))
    assert list(commands(7, 10_100)) == long
    assert list(commands(7, 300)) == long[:300]
    assert list(commands(8, 300)) != long[:300]


class Altered(ReferenceBook):
    """A reference book whose answers are altered, as a defect would."""

    def __init__(self, instruments: int, alter: Callable[[Answer], Answer]) -> None:
        super().__init__(instruments)
        self.alter = alter

    def submit(self, command: Command) -> Answer:
        """The altered answer."""
        return self.alter(super().submit(command))


def one_unit_more(answer: Answer) -> Answer:
    outcome, events = answer
    return outcome, [event._replace(quantity=event.quantity + 1) for event in events]


def forget_removals(answer: Answer) -> Answer:
    outcome, events = answer
    return outcome, [event for event in events if event.kind != BookEventKind.CANCELLED]


def forget_trades(answer: Answer) -> Answer:
    outcome, events = answer
    return outcome, [event for event in events if event.kind != BookEventKind.TRADE]


def resting_instead_of_filled(answer: Answer) -> Answer:
    outcome, events = answer
    status = Status.OPEN if outcome.status == Status.CANCELLED else outcome.status
    return outcome._replace(status=status), events


DEFECTS = [one_unit_more, forget_removals, forget_trades, resting_instead_of_filled]


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_a_difference(defect: Callable[[Answer], Answer]) -> None:
    with pytest.raises(Broken, match="expected") as broken:
        differ(list(commands(3, 1_000)), defect)
    fewest = shortest(
        list(commands(3, 1_000))[: broken.value.at + 1], fails=lambda some: fails(lambda: differ(some, defect))
    )
    assert len(fewest) <= 4


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_of_both_books_breaks_a_law(defect: Callable[[Answer], Answer]) -> None:
    books = [Altered(INSTRUMENTS, defect) for _ in range(2)]
    with pytest.raises(Broken, match=r"open|left"):
        compare(commands(3, 1_000), expected=books[0], given=books[1], between_hashes=1_000)


def test_equal_answers_from_different_states_are_caught_by_the_hash() -> None:
    ahead = ReferenceBook(INSTRUMENTS)
    ahead.submit(Command(Action.SET_BAND, price=1))
    with pytest.raises(Broken, match="hashes differ"):
        compare([Command(99)], expected=ReferenceBook(INSTRUMENTS), given=ahead, between_hashes=1)


def test_a_crossed_book_breaks_a_law() -> None:
    book, laws = ReferenceBook(INSTRUMENTS), Laws()
    book.submit(Command(Action.SET_PHASE, price=BookPhase.AUCTION))
    book.submit(Command(Action.NEW, 1, BookSide.BUY, 100, 5))
    laws.check_not_crossed(book, 0)
    book.submit(Command(Action.NEW, 2, BookSide.SELL, 100, 5))
    with pytest.raises(Broken, match="crossed"):
        laws.check_not_crossed(book, 0)


def differ(some: list[Command], defect: Callable[[Answer], Answer]) -> None:
    compare(some, expected=ReferenceBook(INSTRUMENTS), given=Altered(INSTRUMENTS, defect), between_hashes=1_000)


def fails(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except Broken:
        return True
    return False
