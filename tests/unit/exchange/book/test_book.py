"""The compiled book's own doors: in batch, one by one and by the full command; and what it refuses at the border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tools.book_commands import INSTRUMENTS, commands
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.matching import (
    MAX_PRICE,
    MAX_QUANTITY,
    POST_ONLY,
    Action,
    BookEvent,
    BookPhase,
    Command,
    Kind,
    Outcome,
    Reason,
    Status,
    TimeInForce,
)
from tradsys.exchange.book import COMMAND, OUTCOME, PLAIN_COMMAND, Book
from tradsys.exchange.book.rows import write

New = Action.NEW


def rows_of(some: list[Command]) -> np.ndarray[Any, Any]:
    rows = bytearray(len(some) * COMMAND.itemsize)
    for number, command in enumerate(some):
        write(command, rows, number * COMMAND.itemsize)
    return np.frombuffer(rows, COMMAND)


def events_of(rows: np.ndarray[Any, Any]) -> list[BookEvent]:
    return [BookEvent(*(int(row[name]) for name in BookEvent._fields)) for row in rows]


def outcomes_of(rows: np.ndarray[Any, Any]) -> list[Outcome]:
    return [Outcome(*(int(row[name]) for name in Outcome._fields)) for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_does_what_its_commands_do_one_by_one(seed: int) -> None:
    some = list(commands(seed, 3_000))
    single, many = Book(INSTRUMENTS), Book(INSTRUMENTS)
    answers = [single.submit(command) for command in some]
    outcomes, events = many.apply(rows_of(some))
    assert outcomes_of(outcomes) == [outcome for outcome, _ in answers]
    assert events_of(events) == [event for _, its_events in answers for event in its_events]
    assert many.state_hash() == single.state_hash()
    assert many.traded == single.traded
    assert len(events) > 100


@pytest.mark.parametrize("order", ["new", "twice", "stop waits", "band", "halted", "account"])
def test_the_short_calls_do_what_the_full_command_does(order: str) -> None:
    chance = np.random.default_rng(11)
    short, full = Book(2), Book(2)
    for book in (short, full):
        prepare(book, order)
    for order_id in range(400):
        side, price, quantity, instrument = (int(chance.integers(*ends)) for ends in ((2,), (90, 110), (1, 9), (2,)))
        gtc = {"time_in_force": TimeInForce.GTC, "instrument": instrument}
        draw = chance.random()
        if draw < 0.6:
            got = short.limit(order_id, side=side, price=price, quantity=quantity, instrument=instrument)
            outcome, _ = full.submit(Command(New, order_id, side, price, quantity, **gtc))
            assert got == (outcome.open or -outcome.reason)
        elif draw < 0.8:
            got = short.market(order_id, side=side, quantity=quantity, instrument=instrument)
            outcome, _ = full.submit(Command(New, order_id, side, 0, quantity, Kind.MARKET, **gtc))
            assert got == (-outcome.reason if outcome.status == Status.REJECTED else outcome.filled)
        else:
            target = int(chance.integers(order_id + 1))
            assert short.cancel(target) == -full.submit(Command(Action.CANCEL, target))[0].reason
        assert short.state_hash() == full.state_hash()
    assert short.events() == full.events()
    assert short.best(1) == full.best(1)


def prepare(book: Book, state: str) -> None:
    if state == "stop waits":
        book.submit(Command(New, -1, 0, 0, 5, Kind.STOP, trigger=105))
        book.submit(Command(New, -2, 1, 0, 5, Kind.TRAILING, trigger=80, trail=4))
    elif state == "band":
        book.submit(Command(Action.SET_BAND, price=95, trigger=104))
    elif state == "halted":
        book.submit(Command(Action.SET_PHASE, price=BookPhase.HALTED, instrument=1))
    elif state == "account":
        book.submit(Command(New, -1, 0, 100, 5, account=4, display=2))


def test_plain_rows_are_commands_with_nothing_in_the_rest() -> None:
    some = [c for c in commands(3, 4_000) if c.action in (New, Action.CANCEL)]
    some = [Command(*command[:9]) for command in some]
    rows = rows_of(some)
    plain = np.zeros(len(rows), PLAIN_COMMAND)
    for name in PLAIN_COMMAND.names or ():
        plain[name] = rows[name]
    first, second = Book(INSTRUMENTS), Book(INSTRUMENTS)
    outcomes, events = first.apply(rows)
    into = np.zeros(len(rows), OUTCOME)
    same, same_events = second.apply(plain, outcomes=into)
    assert same is into
    assert outcomes_of(outcomes) == outcomes_of(same)
    assert events_of(events) == events_of(same_events)
    assert first.state_hash() == second.state_hash()


HUGE = 2**70

REFUSED = {
    Reason.UNKNOWN_INSTRUMENT: Command(New, 9, 0, 100, 1, instrument=1),
    Reason.UNKNOWN_ORDER: Command(Action.CANCEL, 99),
    Reason.DUPLICATE_ORDER: Command(New, 1, 0, 100, 1),
    Reason.BAD_QUANTITY: Command(New, 9, 0, 100, MAX_QUANTITY + 1),
    Reason.BAD_COMBINATION: Command(New, 9, 0, 100, 1, Kind.MARKET, flags=POST_ONLY),
    Reason.BAD_PRICE: Command(New, 9, 0, MAX_PRICE + 1, 1),
    Reason.BAD_DISPLAY: Command(New, 9, 0, 100, 5, display=6),
    Reason.ALREADY_EXPIRED: Command(New, 9, 0, 100, 5, time_in_force=TimeInForce.GTD, expires_at=7, at=7),
    Reason.NO_REFERENCE: Command(New, 9, 1, 0, 5, Kind.TRAILING, trail=5),
    Reason.WOULD_TRADE: Command(New, 9, 0, 110, 5, flags=POST_ONLY),
}
IN_PHASE = {
    Reason.CLOSED: (BookPhase.CLOSED, Command(New, 9, 0, 100, 1)),
    Reason.HALTED: (BookPhase.HALTED, Command(Action.REPLACE, 1, 0, 100, 1)),
    Reason.NOT_IN_AUCTION: (BookPhase.AUCTION, Command(New, 9, 0, 100, 1, time_in_force=TimeInForce.IOC)),
    Reason.MARKET_FROZEN: (BookPhase.AUCTION_LIMIT, Command(New, 9, 0, 0, 1, Kind.MARKET)),
}
BEYOND = {
    "quantity": (Command(New, 9, 0, 100, HUGE), Reason.BAD_QUANTITY),
    "negative quantity": (Command(New, 9, 0, 100, -HUGE), Reason.BAD_QUANTITY),
    "price": (Command(New, 9, 0, HUGE, 1), Reason.BAD_PRICE),
    "side": (Command(New, 9, 2, 100, 1), Reason.BAD_COMBINATION),
    "negative side": (Command(New, 9, -1, 100, 1), Reason.BAD_COMBINATION),
    "kind": (Command(New, 9, 0, 100, 1, 999), Reason.BAD_COMBINATION),
    "flags": (Command(New, 9, 0, 100, 1, flags=256), Reason.BAD_COMBINATION),
    "instrument": (Command(New, 9, 0, 100, 1, instrument=HUGE), Reason.UNKNOWN_INSTRUMENT),
    "negative instrument": (Command(New, 9, 0, 100, 1, instrument=-1), Reason.UNKNOWN_INSTRUMENT),
    "action": (Command(999), Reason.BAD_COMBINATION),
    "band": (Command(Action.SET_BAND, price=-HUGE), Reason.BAD_PRICE),
    "phase": (Command(Action.SET_PHASE, price=HUGE), Reason.BAD_COMBINATION),
}


def quoted() -> Book:
    book = Book()
    book.limit(1, side=0, price=90, quantity=5)
    book.limit(2, side=1, price=110, quantity=5)
    return book


def assert_refused(book: Book, command: Command, reason: Reason) -> None:
    before, orders = book.state_hash(), book.orders()
    assert book.submit(command) == ((Status.REJECTED, reason, 0, 0), [])
    assert (book.state_hash(), book.orders()) == (before, orders)


@pytest.mark.parametrize("reason", REFUSED, ids=lambda reason: reason.name.lower())
def test_a_refused_command_changes_nothing(reason: Reason) -> None:
    assert_refused(quoted(), REFUSED[reason], reason)


@pytest.mark.parametrize("reason", IN_PHASE, ids=lambda reason: reason.name.lower())
def test_a_command_refused_by_the_phase_changes_nothing(reason: Reason) -> None:
    phase, command = IN_PHASE[reason]
    book = quoted()
    book.submit(Command(Action.SET_PHASE, price=phase))
    assert_refused(book, command, reason)


def test_a_command_refused_by_band_or_crossed_sides_changes_nothing() -> None:
    book = quoted()
    book.submit(Command(Action.SET_BAND, price=80, trigger=120))
    assert_refused(book, Command(New, 9, 0, 79, 1), Reason.OUTSIDE_BAND)
    book.submit(Command(Action.SET_PHASE, price=BookPhase.AUCTION))
    book.submit(Command(New, 9, 0, 115, 1))
    assert_refused(book, Command(Action.SET_PHASE, price=BookPhase.CONTINUOUS), Reason.CROSSED)


@pytest.mark.parametrize("what", BEYOND)
def test_numbers_beyond_any_field_are_refused_like_others(what: str) -> None:
    assert_refused(quoted(), *BEYOND[what])


SHORT: dict[str, tuple[Callable[[Book], int], Reason]] = {
    "price": (lambda book: book.limit(9, side=0, price=HUGE, quantity=1), Reason.BAD_PRICE),
    "quantity": (lambda book: book.market(9, side=0, quantity=-HUGE), Reason.BAD_QUANTITY),
    "side": (lambda book: book.limit(9, side=HUGE, price=1, quantity=1), Reason.BAD_COMBINATION),
    "negative side": (lambda book: book.market(9, side=-1, quantity=1), Reason.BAD_COMBINATION),
    "instrument": (lambda book: book.limit(9, side=0, price=1, quantity=1, instrument=1), Reason.UNKNOWN_INSTRUMENT),
    "far instrument": (lambda book: book.market(9, side=0, quantity=1, instrument=-1), Reason.UNKNOWN_INSTRUMENT),
    "order": (lambda book: book.cancel(77), Reason.UNKNOWN_ORDER),
    "twice": (lambda book: book.limit(1, side=0, price=1, quantity=1), Reason.DUPLICATE_ORDER),
}


@pytest.mark.parametrize("what", SHORT)
def test_short_calls_give_minus_the_reason(what: str) -> None:
    call, reason = SHORT[what]
    book = quoted()
    before = book.state_hash()
    assert call(book) == -reason
    assert book.state_hash() == before


def test_what_has_no_nearest_value_is_an_error() -> None:
    book = quoted()
    before = book.state_hash()
    for call in (
        lambda: book.submit(Command(New, HUGE, 0, 100, 1)),
        lambda: book.submit(Command(New, 9, 0, 100, 1, account=-HUGE)),
        lambda: book.cancel(HUGE),
        lambda: book.best(1),
        lambda: book.orders(-1),
        lambda: book.apply(np.zeros(3)),  # type: ignore[arg-type]
        lambda: book.apply(np.zeros((2, 2), COMMAND)),
        lambda: book.apply(np.zeros(4, COMMAND)[::2]),
        lambda: book.apply(np.zeros(4, COMMAND), outcomes=np.zeros(3, OUTCOME)),
    ):
        with pytest.raises(DataError):
            call()
    with pytest.raises(TypeError):
        book.limit(9, side=0, price=100.5, quantity=1)  # type: ignore[arg-type]
    assert book.state_hash() == before


@pytest.mark.parametrize("name", ["quantity", "price", "order_id", "at"])
def test_a_number_that_is_not_whole_is_an_error_and_changes_nothing(name: str) -> None:
    book = Book(1)
    before = book.state_hash()
    with pytest.raises(DataError, match=f"{name} is no whole number"):
        book.submit(Command(New, 1, 0, 100, 5)._replace(**{name: 1.5}))  # type: ignore[arg-type]
    assert book.state_hash() == before


@pytest.mark.parametrize(("instruments", "prepared"), [(0, 0), (2**16, 0), (1, -1), (1, 2**30)])
def test_a_book_of_no_or_too_many_instruments_is_an_error(instruments: int, prepared: int) -> None:
    with pytest.raises(ConfigError):
        Book(instruments, prepared=prepared)


def test_many_instruments_share_one_book() -> None:
    book = Book(65_535, prepared=100)
    for instrument in (0, 1, 32_768, 65_534):
        assert book.limit(instrument, side=0, price=7, quantity=instrument + 1, instrument=instrument) == instrument + 1
        assert book.best(instrument) == (7, instrument + 1, 0, 0)
    assert book.limit(-5, side=1, price=7, quantity=1, instrument=65_534) == 0
    assert [(event.instrument, event.other_id) for event in book.events()] == [(65_534, 65_534)]
    assert book.best(32_768) == (7, 32_769, 0, 0)


def test_the_largest_numbers_do_not_overflow() -> None:
    book = Book()
    for order_id in range(64):
        book.limit(order_id, side=1, price=MAX_PRICE, quantity=MAX_QUANTITY)
    assert book.levels(0, 1, count=1) == [(MAX_PRICE, 64 * MAX_QUANTITY, 64)]  # type: ignore[arg-type]
    whole = Command(New, 100, 0, MAX_PRICE, MAX_QUANTITY, time_in_force=TimeInForce.FOK)
    assert book.submit(whole)[0] == (Status.FILLED, 0, MAX_QUANTITY, 0)
    assert book.market(101, side=0, quantity=MAX_QUANTITY) == MAX_QUANTITY
    assert book.traded == (2, 2 * MAX_QUANTITY)
