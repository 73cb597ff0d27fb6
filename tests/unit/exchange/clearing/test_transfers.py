"""Listing, accounts, deposits and withdrawals, and how each is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.exchange.clearing.market import (
    BUYER,
    FIFTH,
    FUTURE,
    INDEX,
    PUT,
    SELLER,
    SHARE,
    WORLD,
    Market,
    market,
    rule_of,
)
from tradsys.core.errors import UnknownName
from tradsys.core.instruments import DatedStep
from tradsys.core.units import SCALE
from tradsys.exchange.clearing.records import (
    AccountKind,
    AccountOpened,
    CashDeposited,
    CashWithdrawn,
    ClearingEvent,
    Listed,
    Margins,
    MarginsChanged,
    Marked,
    Rule,
    UnitsDeposited,
    UnitsWithdrawn,
)


def future(**change: Any) -> Listed:
    """A future of its own name, with changes."""
    instrument = msgspec.structs.replace(FUTURE, **{"id": "NFO:G", **change})
    return Listed(instrument=instrument, mark=SCALE, margins=FIFTH)


REFUSED: list[tuple[ClearingEvent, Rule]] = [
    (Listed(instrument=SHARE, mark=SCALE), Rule.DUPLICATE_INSTRUMENT),
    (future(currency="USD"), Rule.OTHER_CURRENCY),
    (future(physical_settlement=True), Rule.PHYSICAL_SETTLEMENT),
    (future(ticks=(DatedStep(0, SCALE), DatedStep(1, 1)), lots=(DatedStep(0, 10),)), Rule.INEXACT),
    (msgspec.structs.replace(future(), margins=None), Rule.NO_MARGIN_RATE),
    (msgspec.structs.replace(future(), mark=0), Rule.BAD_PRICE),
    (msgspec.structs.replace(future(), margins=Margins(initial=1, maintenance=2)), Rule.BAD_AMOUNT),
    (msgspec.structs.replace(future(), margins=Margins(initial=1, maintenance=0)), Rule.BAD_AMOUNT),
    (
        Listed(instrument=msgspec.structs.replace(PUT, id="NFO:Q", underlying="NSE:X"), mark=SCALE, margins=FIFTH),
        Rule.UNKNOWN_INSTRUMENT,
    ),
    (MarginsChanged(instrument="NSE:X", margins=FIFTH), Rule.UNKNOWN_INSTRUMENT),
    (MarginsChanged(instrument=SHARE.id, margins=Margins(initial=1, maintenance=2)), Rule.BAD_AMOUNT),
    (Marked(instrument="NSE:X", price=SCALE), Rule.UNKNOWN_INSTRUMENT),
    (Marked(instrument=SHARE.id, price=0), Rule.BAD_PRICE),
    (AccountOpened(account=BUYER, kind=AccountKind.CASH), Rule.DUPLICATE_ACCOUNT),
    (AccountOpened(account=0, kind=AccountKind.CASH), Rule.BAD_ACCOUNT),
    (CashDeposited(account=77, amount=SCALE), Rule.UNKNOWN_ACCOUNT),
    (CashDeposited(account=BUYER, amount=0), Rule.BAD_AMOUNT),
    (CashWithdrawn(account=77, amount=SCALE), Rule.UNKNOWN_ACCOUNT),
    (CashWithdrawn(account=BUYER, amount=-1), Rule.BAD_AMOUNT),
    (CashWithdrawn(account=BUYER, amount=10_000 * SCALE + 1), Rule.INSUFFICIENT_CASH),
    (UnitsDeposited(account=77, instrument=SHARE.id, quantity=SCALE), Rule.UNKNOWN_ACCOUNT),
    (UnitsDeposited(account=BUYER, instrument="NSE:X", quantity=SCALE), Rule.UNKNOWN_INSTRUMENT),
    (UnitsDeposited(account=BUYER, instrument=SHARE.id, quantity=SCALE + 1), Rule.BAD_QUANTITY),
    (UnitsDeposited(account=BUYER, instrument=FUTURE.id, quantity=SCALE), Rule.NOT_DELIVERABLE),
    (UnitsDeposited(account=BUYER, instrument=INDEX.id, quantity=SCALE), Rule.NOT_DELIVERABLE),
    (UnitsWithdrawn(account=SELLER, instrument=SHARE.id, quantity=101 * SCALE), Rule.INSUFFICIENT_UNITS),
]


@pytest.mark.parametrize(("event", "rule"), REFUSED)
def test_bad_input_is_refused_by_its_rule(event: ClearingEvent, rule: Rule) -> None:
    made = market()
    before = [made.clearing.balance(account) for account in made.clearing.accounts]
    assert rule_of(made.try_(event)) is rule
    assert [made.clearing.balance(account) for account in made.clearing.accounts] == before


def test_an_inexact_mark_is_refused() -> None:
    made = market(units=0)
    fine = msgspec.structs.replace(SHARE, id="NSE:F", ticks=(DatedStep(0, SCALE),), lots=(DatedStep(0, SCALE // 4),))
    made.do(Listed(instrument=fine, mark=SCALE))
    assert rule_of(made.try_(Marked(instrument=fine.id, price=SCALE + 1))) is Rule.INEXACT


def test_what_comes_in_can_go_out() -> None:
    made = market()
    made.do(CashWithdrawn(account=BUYER, amount=10_000 * SCALE))
    made.do(UnitsWithdrawn(account=SELLER, instrument=SHARE.id, quantity=100 * SCALE))
    assert (made.cash(BUYER), made.held(SELLER)) == (0, (0, 0))


def test_cash_owed_on_an_earlier_day_does_not_leave_for_what_is_owed_to_us_later() -> None:
    made = market(cash=1_000)
    made.trade(SELLER, WORLD, quantity=10, price=90)
    made.end_day()
    made.trade(WORLD, SELLER, quantity=10, price=90)
    balance = made.clearing.balance(SELLER)
    assert (balance.free, balance.spendable) == (1_000 * SCALE, 100 * SCALE)


def test_units_owed_do_not_leave() -> None:
    made = market()
    made.trade(WORLD, SELLER, quantity=60, price=100)
    made.end_day()
    made.trade(SELLER, WORLD, quantity=60, price=100)
    out = UnitsWithdrawn(account=SELLER, instrument=SHARE.id, quantity=41 * SCALE)
    assert rule_of(made.try_(out)) is Rule.INSUFFICIENT_UNITS
    made.do(msgspec.structs.replace(out, quantity=40 * SCALE))


def test_units_sold_today_do_not_leave() -> None:
    made = market()
    made.trade(WORLD, SELLER, quantity=60, price=100)
    out = UnitsWithdrawn(account=SELLER, instrument=SHARE.id, quantity=41 * SCALE)
    assert rule_of(made.try_(out)) is Rule.INSUFFICIENT_UNITS


def test_margins_follow_new_rates() -> None:
    made = market()
    made.trade(3, 4, quantity=10, price=100, of=FUTURE)
    made.do(MarginsChanged(instrument=FUTURE.id, margins=Margins(initial=SCALE // 2, maintenance=SCALE // 2)))
    assert made.clearing.balance(3).margin == 500 * SCALE


def test_an_exchange_without_a_settlement_cycle_is_refused() -> None:
    with pytest.raises(UnknownName, match="LSE"):
        Market(exchange="LSE")
