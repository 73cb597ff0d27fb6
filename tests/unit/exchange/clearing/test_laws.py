"""The check finds what it is there for: every total that is tampered with, by the name of the law it breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.exchange.clearing.market import BUYER, FUTURE, LONG, PUT, SELLER, SHARE, SHORT, Market, market
from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Side
from tradsys.core.units import SCALE
from tradsys.exchange.clearing import MakerTaker
from tradsys.exchange.clearing.accounts import Account, Line
from tradsys.exchange.clearing.books import Batch, Books


def busy() -> Market:
    """Open orders, pending and settled trades, positions on margin, fees on their way."""
    made = market(fees=MakerTaker(maker=0.001, taker=0.001))
    made.trade(BUYER, SELLER, quantity=5, price=100)
    made.end_day()
    made.end_day()
    made.trade(BUYER, SELLER, quantity=5, price=100)
    made.end_day()
    made.trade(LONG, SHORT, quantity=5, price=100, of=FUTURE)
    made.trade(LONG, SHORT, quantity=5, price=10, of=PUT)
    made.trade(LONG, SELLER, quantity=5, price=100, intraday="b")
    made.enter(BUYER, Side.BUY, quantity=5, price=100)
    made.enter(SELLER, Side.SELL, quantity=5, price=110)
    return made


def books(made: Market) -> Books:
    return made.clearing._books


def account(made: Market) -> Account:
    return books(made).accounts[BUYER]


def line(made: Market, name: str = SHARE.id, number: int = BUYER, intraday: bool = False) -> Line:
    return books(made).accounts[number].lines[name, intraday]


def batch(made: Market) -> Batch:
    (each,) = books(made).batches.values()
    return each


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    made = busy()
    made.clearing.check()
    assert len(books(made).batches) == 1
    assert books(made).fees_due


TAMPERED: list[tuple[str, Callable[[Market], object], str, int]] = [
    ("cash of all accounts", account, "cash", 1),
    ("cash of all accounts", books, "fee_account", -1),
    ("cash of all accounts", books, "deposited", 1),
    ("cash of all accounts", books, "exchange_account", 1),
    ("what some are owed", account, "due", 1),
    ("what some are owed", books, "fees_due", 1),
    ("what some are owed", batch, "fees", 1),
    ("what some are owed", lambda made: line(made, number=LONG, intraday=True), "cost", SCALE),
    ("positions in NSE:S", line, "quantity", SCALE),
    ("positions in NSE:S", lambda made: line(made, number=LONG, intraday=True), "quantity", SCALE),
    ("positions in NFO:F", lambda made: line(made, FUTURE.id, LONG), "quantity", SCALE),
    ("settled units of NSE:S", line, "settled", SCALE),
    ("what NFO:F cost", lambda made: line(made, FUTURE.id, LONG), "cost", 1),
    ("account 1 holds the worst", account, "reserved", -1),
    ("account 1 holds the margin", account, "margin", 1),
    ("what account 1 is instructed", account, "pending", 1),
    ("account 1 in NSE:S buys", line, "buying", SCALE),
    ("account 2 in NSE:S sells", lambda made: line(made, number=SELLER), "selling", SCALE),
    ("account 1 in NSE:S was instructed", line, "booked", SCALE),
]


@pytest.mark.parametrize(("law", "part", "name", "by"), TAMPERED)
def test_a_total_that_was_tampered_with_is_found(
    law: str, part: Callable[[Market], object], name: str, by: int
) -> None:
    made = busy()
    tampered = part(made)
    setattr(tampered, name, getattr(tampered, name) + by)
    with pytest.raises(InvariantBroken, match=law):
        made.clearing.check()
    setattr(tampered, name, getattr(tampered, name) - by)
    made.clearing.check()


def test_tampered_settlements_issues_and_orders_are_found() -> None:
    def pay_less(made: Market) -> None:
        batch(made).cash[account(made)] += 1

    def deliver_less(made: Market) -> None:
        batch(made).units[line(made)] -= SCALE

    def issue(made: Market) -> None:
        books(made).issued[SHARE.id] += SCALE

    def shrink(made: Market) -> None:
        next(iter(books(made).orders.values())).open -= SCALE

    def forget(made: Market) -> None:
        books(made).orders.clear()

    for tamper, law in (
        (pay_less, "payments due"),
        (deliver_less, "deliveries of NSE:S"),
        (issue, "positions in NSE:S"),
        (shrink, "account 1 holds the worst"),
        (forget, "account 1 holds the worst"),
    ):
        made = busy()
        tamper(made)
        with pytest.raises(InvariantBroken, match=law):
            made.clearing.check()


def test_margin_that_no_longer_fits_the_mark_is_found() -> None:
    made = busy()
    books(made).listings[FUTURE.id].mark += SCALE
    with pytest.raises(InvariantBroken, match="holds the margin"):
        made.clearing.check()
