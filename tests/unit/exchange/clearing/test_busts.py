"""Busted trades at every stage: taken back to the last unit, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.exchange.clearing.market import (
    BUYER,
    FUTURE,
    LONG,
    PUT,
    SELLER,
    SHARE,
    SHORT,
    WORLD,
    Market,
    market,
    only,
    rule_of,
)
from tradsys.core.events import Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.exchange.clearing import MakerTaker, TariffFees
from tradsys.exchange.clearing.records import (
    CashWithdrawn,
    ContractExpired,
    DayEnded,
    Marked,
    Reversal,
    Rule,
    SettlementDue,
    Stage,
    TradeBusted,
    UnitsWithdrawn,
)


def finished(made: Market, days: int) -> list[tuple[float, tuple[int, int]]]:
    """Cash and shares of all accounts once everything is settled."""
    for _ in range(days):
        made.end_day()
    return [(made.clearing.balance(each).cash, made.held(each)) for each in made.clearing.accounts]


def no_time(made: Market) -> None:
    """Busted on the same day."""


def a_day(made: Market) -> None:
    """Busted before it settles."""
    made.end_day()


def a_settlement(made: Market) -> None:
    """Busted once it is settled, the day still on."""
    made.end_day()
    made.do(SettlementDue(day=made.clearing.day))


def three_days(made: Market) -> None:
    """Busted long after."""
    for _ in range(3):
        made.end_day()


@pytest.mark.parametrize("intraday", ["", "b", "s", "bs"])
@pytest.mark.parametrize(
    ("wait", "stage"),
    [(no_time, Stage.OPEN), (a_day, Stage.PENDING), (a_settlement, Stage.SETTLED), (three_days, Stage.SETTLED)],
)
def test_a_busted_trade_leaves_nothing_behind(wait: Callable[[Market], None], stage: Stage, intraday: str) -> None:
    made, untouched = market(fees=TariffFees()), market(fees=TariffFees())
    for each in (made, untouched):
        each.trade(SHORT, SELLER, quantity=40, price=90)
        each.end_day()
        each.end_day()
        each.trade(LONG, SELLER, quantity=3, price=97)
    trade = made.trade(LONG, SHORT, quantity=10, price=101, intraday=intraday)
    wait(made)
    reversals = only(made.do(TradeBusted(trade_id=trade.trade_id)), Reversal)
    assert [(each.account, each.side, each.stage) for each in reversals] == [(LONG, 1, stage), (SHORT, -1, stage)]
    assert all(each.fee > 0 and each.value == 1_010 * SCALE for each in reversals)
    assert finished(made, 3) == finished(untouched, 3)
    assert made.clearing.fee_account == untouched.clearing.fee_account


@pytest.mark.parametrize("instrument", [FUTURE, PUT])
@pytest.mark.parametrize("wait", [no_time, a_day, three_days])
def test_a_busted_contract_gives_back_every_variation(wait: Callable[[Market], None], instrument: Instrument) -> None:
    made = market(fees=MakerTaker(maker=0.0001, taker=0.0002))
    trade = made.trade(LONG, SHORT, quantity=10, price=12, of=instrument)
    made.do(Marked(instrument=instrument.id, price=17 * SCALE))
    wait(made)
    made.do(TradeBusted(trade_id=trade.trade_id))
    assert finished(made, 3) == finished(market(), 3)
    assert made.held(LONG, instrument) == made.held(SHORT, instrument) == (0, 0)
    assert [made.clearing.balance(account).margin for account in (LONG, SHORT)] == [0, 0]
    assert made.clearing.fee_account == 0


def test_a_trade_is_busted_once() -> None:
    made = market()
    assert rule_of(made.try_(TradeBusted(trade_id=5))) is Rule.UNKNOWN_TRADE
    trade = made.trade(BUYER, SELLER, quantity=10, price=100)
    made.do(TradeBusted(trade_id=trade.trade_id))
    assert rule_of(made.try_(TradeBusted(trade_id=trade.trade_id))) is Rule.ALREADY_BUSTED


@pytest.mark.parametrize("wait", [no_time, a_day, a_settlement])
def test_shares_that_were_sold_on_or_offered_cannot_be_given_back(wait: Callable[[Market], None]) -> None:
    for sold in (True, False):
        made = market()
        trade = made.trade(BUYER, SELLER, quantity=10, price=100)
        wait(made)
        if sold:
            made.trade(LONG, BUYER, quantity=1, price=100)
        else:
            made.enter(BUYER, Side.SELL, quantity=1, price=100)
        before = finished_view(made)
        assert rule_of(made.try_(TradeBusted(trade_id=trade.trade_id))) is Rule.INSUFFICIENT_UNITS
        assert finished_view(made) == before


def finished_view(made: Market) -> list[object]:
    """All that accounts have now."""
    clearing = made.clearing
    return [(clearing.balance(each), clearing.position(each, SHARE.id)) for each in clearing.accounts]


@pytest.mark.parametrize("wait", [no_time, a_day, a_settlement])
def test_money_that_was_spent_cannot_be_given_back(wait: Callable[[Market], None]) -> None:
    made = market(cash=1_000)
    trade = made.trade(WORLD, SELLER, quantity=10, price=100)
    wait(made)
    made.enter(SELLER, Side.BUY, quantity=1, price=1_001)
    before = finished_view(made)
    assert rule_of(made.try_(TradeBusted(trade_id=trade.trade_id))) is Rule.INSUFFICIENT_CASH
    assert finished_view(made) == before


def test_what_was_withdrawn_cannot_be_given_back() -> None:
    made = market()
    trade = made.trade(BUYER, SELLER, quantity=10, price=100)
    three_days(made)
    made.do(UnitsWithdrawn(account=BUYER, instrument=SHARE.id, quantity=SCALE))
    assert rule_of(made.try_(TradeBusted(trade_id=trade.trade_id))) is Rule.INSUFFICIENT_UNITS
    made.do(CashWithdrawn(account=SELLER, amount=11_000 * SCALE))
    assert rule_of(made.try_(TradeBusted(trade_id=trade.trade_id))) is Rule.INSUFFICIENT_UNITS


def test_a_margin_that_would_be_missing_refuses_a_bust() -> None:
    made = market(cash=200)
    made.trade(LONG, WORLD, quantity=10, price=100, of=FUTURE)
    closing = made.trade(WORLD, LONG, quantity=10, price=100, of=FUTURE)
    made.do(CashWithdrawn(account=LONG, amount=100 * SCALE))
    assert rule_of(made.try_(TradeBusted(trade_id=closing.trade_id))) is Rule.INSUFFICIENT_CASH


def test_a_bust_does_not_make_a_writer_of_a_cash_account() -> None:
    made = market()
    bought = made.trade(BUYER, SHORT, quantity=10, price=12, of=PUT)
    made.trade(WORLD, BUYER, quantity=10, price=12, of=PUT)
    assert rule_of(made.try_(TradeBusted(trade_id=bought.trade_id))) is Rule.INSUFFICIENT_UNITS


def test_a_trade_of_an_expired_contract_stands() -> None:
    made = market()
    trade = made.trade(LONG, SHORT, quantity=10, price=100, of=FUTURE)
    made.do(ContractExpired(instrument=FUTURE.id, price=90 * SCALE))
    assert rule_of(made.try_(TradeBusted(trade_id=trade.trade_id))) is Rule.EXPIRED


def test_a_trade_in_a_settlement_that_was_closed_out_stands() -> None:
    made = market()
    trade = made.trade(LONG, SHORT, quantity=10, price=100, intraday="s")
    made.end_day()
    made.do(SettlementDue(day=made.clearing.day))
    assert rule_of(made.try_(TradeBusted(trade_id=trade.trade_id))) is Rule.CLOSED_OUT


def test_a_short_sale_busted_in_time_is_not_closed_out() -> None:
    made = market()
    trade = made.trade(LONG, SHORT, quantity=10, price=100, intraday="s")
    made.do(DayEnded(day=made.clearing.day))
    made.do(TradeBusted(trade_id=trade.trade_id))
    assert made.do(SettlementDue(day=made.clearing.day)) == ()
    assert finished(made, 1) == finished(market(), 1)
