"""The rows by date; a book with overlapping, misspelt or missing rows is refused when it is read."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tradsys.compliance.sebi.book import TITLES, RuleBook, sebi_rules
from tradsys.compliance.sebi.conduct import OrderRate
from tradsys.compliance.sebi.facts import AUTOMATIC, StatedFacts
from tradsys.compliance.sebi.order_kinds import MarketOrder
from tradsys.compliance.sebi.vectors import TODAY, claim, moment, order, share
from tradsys.core.errors import ConfigError, UncoveredDate, UnknownName
from tradsys.core.events import OrderType
from tradsys.core.instruments import Segment
from tradsys.reference.dated import DatedTable, chained

BOOK = sebi_rules()
KEY = ("sebi-order-rate", "NSE", "equity", "threshold")
DAY = timedelta(days=1)


def book(*rows: dict[str, str], key: tuple[str, ...] = KEY) -> RuleBook:
    blank = {"value": "10", "severity": "block", "effective_from": "2026-04-01", "effective_to": "", "source": "a test"}
    return RuleBook(DatedTable("test", chained([(key, blank | row) for row in rows])))


def test_a_rule_holds_from_its_first_day_until_the_day_before_its_last() -> None:
    found = book({"effective_to": "2026-06-01"})
    for day, holds in (
        (date(2026, 3, 31), False),
        (date(2026, 4, 1), True),
        (date(2026, 5, 31), True),
        (date(2026, 6, 1), False),
    ):
        assert bool(found.rules_on(day)) is holds
        assert bool(found.in_force(KEY[0], day, exchange="NSE", segment=Segment.EQUITY)) is holds


def test_a_later_row_ends_the_one_before() -> None:
    found = book({}, {"effective_from": "2026-08-01", "value": "5"})
    assert [rule.value for rule in found.rules_on(date(2026, 7, 31))] == ["10"]
    assert [rule.value for rule in found.rules_on(date(2026, 8, 1))] == ["5"]
    assert [rule.value for rule in found.history(KEY[0])] == ["10", "5"]


@pytest.mark.parametrize("end", ["2026-08-02", "2027-01-01"])
def test_rows_that_overlap_are_refused(end: str) -> None:
    with pytest.raises(ConfigError, match="overlap"):
        book({"effective_to": end}, {"effective_from": "2026-08-01", "value": "5"})
    assert book({"effective_to": "2026-08-01"}, {"effective_from": "2026-08-01", "value": "5"})


def test_two_rows_of_one_day_are_refused() -> None:
    with pytest.raises(ConfigError, match="overlap"):
        book({}, {"value": "5"})


@pytest.mark.parametrize(
    ("row", "key", "error"),
    [
        ({"severity": "perhaps"}, KEY, "no such severity"),
        ({}, ("sebi-order-rats", *KEY[1:]), "unknown rule 'sebi-order-rats'"),
        ({}, (*KEY[:2], "shares", "threshold"), "unknown segment 'shares'"),
        ({"effective_to": "2026-03-01"}, KEY, "ends before it begins"),
    ],
)
def test_a_row_with_an_error_is_refused(row: dict[str, str], key: tuple[str, ...], error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        book(row, key=key)


def test_a_book_without_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match="no rules"):
        RuleBook(DatedTable("test", []))


def test_an_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="sebi-order-rate"):
        BOOK.history("order-rate")


def test_a_rule_of_which_only_some_figures_hold_does_not_judge() -> None:
    check = OrderRate(book({}), StatedFacts())
    placed = order(share())
    with pytest.raises(UncoveredDate, match="sebi-order-rate lacks own"):
        check(placed, share(), claim(placed))


def test_today_every_rule_is_in_force_and_in_2023_only_the_old_ones() -> None:
    today = [rule.id for rule in BOOK.rules_on(TODAY)]
    assert list(dict.fromkeys(today)) == list(TITLES)
    old = {rule.id for rule in BOOK.rules_on(date(2023, 6, 1))}
    assert old == {
        "sebi-product",
        "sebi-stop-market-option",
        "sebi-price-band",
        "sebi-limit-protection",
        "sebi-freeze-quantity",
        "sebi-surveillance",
        "sebi-short-sale",
        "sebi-ban-period",
        "sebi-expiry-day",
        "sebi-order-to-trade",
        "sebi-self-trade",
    }


@pytest.mark.parametrize(
    ("rule", "exchange", "segment", "first"),
    [
        ("sebi-order-rate", "NSE", Segment.EQUITY, date(2026, 4, 1)),
        ("sebi-market-order", "NSE", Segment.EQUITY, date(2025, 7, 7)),
        ("sebi-market-order", "CDS", Segment.FUTURE, date(2025, 5, 5)),
        ("sebi-closing-auction", "NSE", Segment.EQUITY, date(2026, 8, 3)),
        ("sebi-index-position", "NFO", Segment.OPTION, date(2025, 10, 1)),
        ("sebi-limit-protection", "NFO", Segment.OPTION, date(2022, 10, 31)),
    ],
)
def test_first_days(rule: str, exchange: str, segment: Segment, first: date) -> None:
    assert BOOK.in_force(rule, first, exchange=exchange, segment=segment)
    assert not BOOK.in_force(rule, first - DAY, exchange=exchange, segment=segment)


@pytest.mark.parametrize(
    ("day", "as_of", "refused"),
    [
        (date(2023, 6, 1), None, False),
        (date(2023, 6, 1), TODAY, True),
        (TODAY, None, True),
        (TODAY, date(2023, 6, 1), False),
    ],
)
def test_an_order_is_judged_by_its_own_day_or_as_of_another(day: date, as_of: date | None, refused: bool) -> None:
    check = MarketOrder(BOOK, StatedFacts(), as_of=as_of)
    placed = order(share(), type=OrderType.MARKET, at=moment(day))
    assert (check(placed, share(), claim(placed)) is not None) is refused


def test_the_day_begins_at_midnight_in_india() -> None:
    check = MarketOrder(BOOK, StatedFacts())
    first: Any = moment(date(2025, 7, 7), "00:00")
    for at, refused in ((first - 1, False), (first, True)):
        placed = order(share(), type=OrderType.MARKET, at=at)
        assert (check(placed, share(), claim(placed)) is not None) is refused


def test_a_row_that_warns_refuses_nothing() -> None:
    found = book({"severity": "warn", "value": "MARKET"}, key=("sebi-market-order", "NSE", "equity", "barred"))
    placed = order(share(), type=OrderType.MARKET)
    assert MarketOrder(found, StatedFacts())(placed, share(), claim(placed)) is None


def test_stated_facts_say_the_same_of_every_instant() -> None:
    facts = StatedFacts(protection=AUTOMATIC)
    assert facts.market_protection(order(share())) == AUTOMATIC
