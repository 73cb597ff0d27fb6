"""Half an answer is none: it is named, thrown away and asked for again."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from tests.asked_venue import Books, dealt
from tradsys.core.units import SCALE, SECOND
from tradsys.core.venue import Ask, AskFailed, OrderRow, Page, Report, Subject, TradeRow
from tradsys.execution.reconciliation_answers import AnswerRefused, AskingLimits
from tradsys.execution.venue_snapshot import SnapshotCollector

replace = msgspec.structs.replace


def traded(page_rows: int = 2) -> Books:
    """Three trades of one order, on two pages."""
    books = Books(page_rows=page_rows, at=10)
    order = books.place("t1")
    for _ in range(3):
        books.fill(order, 1)
    return books


def begun(at: int = 0) -> SnapshotCollector:
    collector = SnapshotCollector(limits=AskingLimits())
    collector.begin(at=at)
    return collector


def subjects(collector: SnapshotCollector, books: Books) -> list[tuple[Subject, int]]:
    """Answer everything well; what was asked, in order."""
    asked = []
    while collector.running:
        asks = collector.questions(at=0)
        assert asks
        for ask in asks:
            asked.append((ask.subject, ask.page))
            assert collector.on_report(books.page(ask), at=0) is None
    return asked


def test_trades_are_asked_for_before_and_after_the_rest_page_by_page() -> None:
    books, collector = traded(), begun()
    trades = [(Subject.TRADES, 0), (Subject.TRADES, 1)]
    rest = [(subject, 0) for subject in (Subject.ORDERS, Subject.POSITIONS, Subject.CASH)]
    assert subjects(collector, books) == [*trades, *rest, *trades]
    result = collector.result
    assert result is not None
    assert result.trades == books.rows(Subject.TRADES)
    assert result.orders == books.rows(Subject.ORDERS)
    assert result.positions == books.rows(Subject.POSITIONS)
    assert result.cash == books.rows(Subject.CASH)
    assert result.moved == ()
    assert collector.next_at is None


def test_pages_of_one_answer_have_one_number_and_no_number_comes_twice() -> None:
    books, collector = traded(page_rows=1), begun()
    numbers: list[tuple[int, Subject]] = []
    while collector.running:
        for ask in collector.questions(at=0):
            numbers.append((ask.request, ask.subject))
            collector.on_report(books.page(ask), at=0)
    assert list(dict(numbers)) == [1, 2, 3, 4, 5]
    collector.begin(at=0)
    assert [ask.request for ask in collector.questions(at=0)] == [6]


MONEY = Books().rows(Subject.CASH)


def other(page: Page, trade_id: int) -> TradeRow:
    return replace(page.trades[0], trade_id=trade_id)


def other_row(page: Page, change: Callable[[TradeRow], TradeRow]) -> Page:
    return replace(page, trades=(page.trades[0], change(page.trades[0])))


SPOILT: dict[str, tuple[Callable[[Page], Report], str]] = {
    "a row too few": (lambda page: replace(page, trades=page.trades[:1]), "2 rows came of 3"),
    "a row too many": (lambda page: replace(page, trades=(*page.trades, other(page, 99))), "4 rows"),
    "another count": (lambda page: replace(page, rows=4), "changed while it was read"),
    "more pages": (lambda page: replace(page, pages=3), "changed while it was read"),
    "no pages": (lambda page: replace(page, pages=0), "page 0 of 0"),
    "too many pages": (lambda page: replace(page, pages=10_001), "limit 10000 pages"),
    "another page": (lambda page: replace(page, page=7), "page 7 was not asked for"),
    "another subject": (lambda page: replace(page, subject=Subject.ORDERS), "asked about trades, got orders"),
    "rows of another subject": (lambda page: replace(page, cash=MONEY), "1 rows of other subjects"),
    "a trade twice": (lambda page: other_row(page, lambda row: row), "is there twice"),
    "a trade with two prices": (lambda page: other_row(page, lambda row: replace(row, price=1)), "different content"),
    "no quantity": (lambda page: other_row(page, lambda row: replace(row, trade_id=99, quantity=0)), "impossible row"),
    "from before": (lambda page: replace(page, at=9), "older than what the venue had told"),
    "a failure": (lambda page: AskFailed(at=page.at, request=page.request, why="HTTP 502, HTML"), "HTTP 502, HTML"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT)
def test_a_half_answer_is_named_and_asked_again(kind: str) -> None:
    spoil, why = SPOILT[kind]
    books, collector = traded(), begun()
    collector.on_report(dealt(books.rows(Subject.TRADES)[0]), at=0)
    refused: list[AnswerRefused] = []
    for which in (0, 1):
        for ask in collector.questions(at=0):
            page = books.page(ask)
            said = collector.on_report(spoil(page) if which == 0 else page, at=0)
            refused += [said] if said else []
    assert len(refused) == 1
    assert why in refused[0].why
    assert collector.result is None
    assert refused[0].again_at == SECOND == collector.next_at
    assert collector.questions(at=SECOND - 1) == []
    (again,) = collector.questions(at=SECOND)
    assert again == Ask(request=2, subject=Subject.TRADES, page=0)


def test_an_impossible_order_is_refused() -> None:
    books, collector = traded(page_rows=9), begun()
    for _ in range(2):
        (ask,) = collector.questions(at=0)
        page = books.page(ask)
        bad: tuple[OrderRow, ...] = tuple(replace(row, filled=-SCALE) for row in page.orders)
        said = collector.on_report(replace(page, orders=bad), at=0)
    assert said is not None
    assert "impossible row" in said.why


def test_a_page_that_comes_twice_counts_once_and_late_answers_not_at_all() -> None:
    books, collector = traded(), begun()
    (ask,) = collector.questions(at=0)
    page = books.page(ask)
    assert collector.on_report(page, at=0) is None
    assert collector.on_report(page, at=0) is None
    assert collector.on_report(replace(page, rows=9), at=0) is not None
    assert collector.on_report(page, at=0) is None
    assert [each.request for each in collector.questions(at=SECOND)] == [2]


def test_silence_is_asked_again_after_one_two_four_and_at_most_thirty_seconds() -> None:
    collector, at, waits = begun(), 0, []
    for _ in range(8):
        assert len(collector.questions(at=at)) == 1
        at += 2 * SECOND
        assert collector.next_at == at
        assert collector.on_time(at=at - 1) is None
        refused = collector.on_time(at=at)
        assert refused is not None
        assert refused.why == "no answer in 2 s"
        waits.append((refused.again_at - at) // SECOND)
        at = refused.again_at
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_venue_that_set_its_clock_back_is_believed_the_second_time() -> None:
    books, collector = traded(page_rows=9), begun()
    collector.on_report(dealt(replace(books.rows(Subject.TRADES)[0], at=10**12)), at=0)
    (ask,) = collector.questions(at=0)
    assert collector.on_report(books.page(ask), at=0) is not None
    (ask,) = collector.questions(at=SECOND)
    assert collector.on_report(books.page(ask), at=0) is None


def ask_all(collector: SnapshotCollector, books: Books, *, deal: int) -> None:
    """Deal in the first order whenever positions are asked for, as often as `deal` says."""
    order = next(iter(books.orders.values()))
    while collector.running:
        for ask in collector.questions(at=0):
            if ask.subject is Subject.POSITIONS and deal:
                books.fill(order, 1)
                deal -= 1
            collector.on_report(books.page(ask), at=0)


def test_a_trade_between_two_questions_starts_it_again() -> None:
    books, collector = traded(page_rows=9), begun()
    ask_all(collector, books, deal=2)
    result = collector.result
    assert result is not None
    assert result.moved == ()
    assert result.positions[0].quantity == sum(row.quantity for row in result.trades) == 5 * SCALE
    assert result.orders[0].filled == 5 * SCALE
    assert len(books.trades) == 5


def test_all_was_read_after_the_first_trades_were_asked_for() -> None:
    books, collector, at, asked = traded(page_rows=9), begun(), 0, {}
    while collector.running:
        for ask in collector.questions(at=at):
            asked[ask.request] = at
            at += 1
            if ask.request == 1:
                collector.on_report(AskFailed(at=10, request=1, why="busy"), at=at)
                at += SECOND
            else:
                collector.on_report(books.page(ask), at=at)
    assert collector.result is not None
    assert collector.result.asked_at == asked[2]
    assert {each.request: each.asked_at for each in collector.result.answers} == {
        each: when for each, when in asked.items() if each > 2
    }


def test_what_never_rests_is_named_after_five_passes() -> None:
    books, collector = traded(page_rows=9), begun()
    ask_all(collector, books, deal=7)
    result = collector.result
    assert result is not None
    assert [instrument for instrument, _ in result.moved] == ["A"]
    assert len(books.trades) == 3 + 5


def test_half_a_snapshot_survives_a_restart() -> None:
    books, collector = traded(), begun()
    while collector.running:
        for ask in collector.questions(at=0):
            collector.on_report(books.page(ask), at=0)
            other = SnapshotCollector(limits=AskingLimits())
            other.restore(collector.state())
            assert other.state() == collector.state()
            collector = other
    assert collector.result is not None
    assert collector.result.trades == books.rows(Subject.TRADES)


def test_nothing_is_asked_once_stopped() -> None:
    collector = begun()
    collector.stop()
    assert collector.questions(at=0) == []
    assert collector.next_at is None
    assert collector.on_time(at=10**12) is None
