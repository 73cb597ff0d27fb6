"""The end of a day, netting, settlement over a holiday, shares that are not there, expiry."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.exchange.clearing.market import (
    BUYER,
    FRIDAY,
    FUTURE,
    INDEX,
    LONG,
    PUT,
    SELLER,
    SHARE,
    SHORT,
    TUESDAY,
    WEDNESDAY,
    WORLD,
    Market,
    market,
    only,
    rule_of,
    rupees,
)
from tradsys.core.errors import UncoveredDate
from tradsys.core.events import Side
from tradsys.core.units import SCALE
from tradsys.exchange.clearing import MakerTaker, TariffFees
from tradsys.exchange.clearing.records import (
    CloseOut,
    ContractExpired,
    DayEnded,
    Instruction,
    MarginCall,
    Marked,
    Obligation,
    Rule,
    Settled,
    SettlementDue,
)
from tradsys.reference.charges import exercise_tax


def test_a_day_is_netted_by_account_and_instrument_and_settles_after_the_holiday() -> None:
    made = market(fees=MakerTaker(maker=0.001, taker=0.001))
    made.trade(BUYER, SELLER, quantity=30, price=100)
    made.trade(SELLER, BUYER, quantity=10, price=110)
    answer = made.do(DayEnded(day=FRIDAY))
    assert only(answer, Obligation) == [
        Obligation(
            account=account,
            instrument=SHARE.id,
            settlement_day=TUESDAY,
            units=sign * 20 * SCALE,
            cash=-sign * 1_900 * SCALE,
        )
        for account, sign in ((BUYER, 1), (SELLER, -1))
    ]
    fee = 41 * SCALE // 10
    assert only(answer, Instruction) == [
        Instruction(
            account=account,
            settlement_day=TUESDAY,
            cash=-sign * 1_900 * SCALE - fee,
            units=((SHARE.id, sign * 20 * SCALE),),
        )
        for account, sign in ((BUYER, 1), (SELLER, -1))
    ]
    assert (made.clearing.day, made.clearing.settlement_day) == (TUESDAY, WEDNESDAY)
    assert (made.cash(BUYER), made.held(BUYER)) == (10_000, (20, 0))
    settled = only(made.do(SettlementDue(day=TUESDAY)), Settled)
    assert [(each.account, each.cash, each.units) for each in settled] == [
        (BUYER, -1_900 * SCALE - fee, ((SHARE.id, 20 * SCALE),)),
        (SELLER, 1_900 * SCALE - fee, ((SHARE.id, -20 * SCALE),)),
    ]
    assert (made.cash(BUYER), made.held(BUYER), made.held(SELLER)) == (8_095.9, (20, 20), (80, 80))
    assert made.clearing.fee_account == 2 * fee


def test_a_day_does_not_end_before_what_is_due_is_settled() -> None:
    made = market()
    made.trade(BUYER, SELLER, quantity=1, price=100)
    assert rule_of(made.try_(DayEnded(day=TUESDAY))) is Rule.WRONG_DAY
    made.do(DayEnded(day=FRIDAY))
    assert rule_of(made.try_(DayEnded(day=TUESDAY))) is Rule.UNSETTLED
    assert rule_of(made.try_(SettlementDue(day=WEDNESDAY))) is Rule.WRONG_DAY
    made.do(SettlementDue(day=TUESDAY))
    assert made.do(SettlementDue(day=TUESDAY)) == ()
    made.do(DayEnded(day=TUESDAY))


def test_before_january_2023_trades_settled_after_two_sessions() -> None:
    made = Market(day=date(2023, 1, 24))
    assert made.clearing.settlement_day == date(2023, 1, 27)
    made.end_day()
    assert (made.clearing.day, made.clearing.settlement_day) == (date(2023, 1, 25), date(2023, 1, 30))
    made.end_day()
    assert (made.clearing.day, made.clearing.settlement_day) == (date(2023, 1, 27), date(2023, 1, 30))


def test_where_the_calendar_ends_nothing_is_done() -> None:
    made = Market(day=date(2026, 12, 30))
    with pytest.raises(UncoveredDate):
        made.clearing.apply(DayEnded(day=date(2026, 12, 30)))
    assert made.clearing.day == date(2026, 12, 30)


def test_an_order_that_outlives_the_day_holds_the_fees_of_the_next() -> None:
    made = market(fees=TariffFees())
    order = made.enter(BUYER, Side.BUY, quantity=10, price=100)
    while made.clearing.day < date(2026, 2, 27):
        made.end_day()
    before = made.clearing.held_for(order)
    made.end_day()
    assert made.clearing.day == date(2026, 3, 2)
    assert made.clearing.held_for(order) != before


def test_futures_are_paid_by_their_change_in_value_every_day() -> None:
    made = market()
    made.trade(LONG, SHORT, quantity=10, price=100, of=FUTURE)
    made.do(Marked(instrument=FUTURE.id, price=104 * SCALE))
    variations = only(made.end_day(), Obligation)
    assert [(each.account, each.units, rupees(each.cash)) for each in variations] == [(LONG, 0, 40), (SHORT, 0, -40)]
    made.do(Marked(instrument=FUTURE.id, price=101 * SCALE))
    variations = only(made.end_day(), Obligation)
    assert [rupees(each.cash) for each in variations] == [-30, 30]
    assert (made.cash(LONG), made.cash(SHORT)) == (10_040, 9_960)
    made.end_day()
    assert (made.cash(LONG), made.cash(SHORT)) == (10_010, 9_990)


def test_day_trades_that_were_closed_settle_in_cash_alone() -> None:
    made = market()
    made.trade(LONG, SHORT, quantity=50, price=100, intraday="bs")
    made.trade(SHORT, LONG, quantity=50, price=103, intraday="bs")
    assert made.clearing.balance(LONG).margin == 0
    assert [(each.units, rupees(each.cash)) for each in only(made.end_day(), Obligation)] == [(0, 150), (0, -150)]
    made.end_day()
    assert (made.cash(LONG), made.cash(SHORT)) == (10_150, 9_850)


def test_a_day_trade_that_stays_open_is_delivered_and_paid_in_full() -> None:
    made = market()
    made.trade(LONG, SELLER, quantity=80, price=100, intraday="b")
    assert made.free(LONG) == 10_000 - 1_600
    made.end_day()
    assert made.free(LONG) == 2_000
    made.end_day()
    assert (made.cash(LONG), made.held(LONG)) == (2_000, (80, 80))


def short_sale(made: Market, *, units: int = 30) -> None:
    """Sells to both what is not there; the day after, the share trades at 115."""
    made.trade(LONG, SHORT, quantity=units - 10, price=100, intraday="s")
    made.trade(BUYER, SHORT, quantity=10, price=100, intraday="s")
    made.end_day()
    made.do(made.match(0, 0, quantity=1, price=115, parties=(WORLD, WORLD)))


def test_shares_that_are_not_there_are_closed_out_a_fifth_above_the_close() -> None:
    made = market()
    short_sale(made)
    made.do(Marked(instrument=SHARE.id, price=120 * SCALE))
    answer = made.do(SettlementDue(day=TUESDAY))
    assert [(each.buyer, each.quantity // SCALE, rupees(each.price)) for each in only(answer, CloseOut)] == [
        (LONG, 20, 144),
        (BUYER, 10, 144),
    ]
    assert made.cash(SHORT) == 10_000 + 3_000 - 30 * 144
    assert (made.cash(LONG), made.cash(BUYER)) == (10_000 - 2_000 + 2_880, 10_000 - 1_000 + 1_440)
    assert [made.held(account) for account in (LONG, BUYER, SHORT)] == [(0, 0)] * 3


def test_a_close_out_costs_no_less_than_the_highest_trade_since() -> None:
    made = market()
    made.do(made.match(0, 0, quantity=1, price=150, parties=(WORLD, WORLD)))
    short_sale(made)
    (first, _) = only(made.do(SettlementDue(day=TUESDAY)), CloseOut)
    assert rupees(first.price) == 150


def test_only_what_is_missing_is_closed_out() -> None:
    made = market()
    made.trade(SHORT, SELLER, quantity=25, price=100)
    made.end_day()
    made.end_day()
    made.trade(LONG, SHORT, quantity=30, price=100, intraday="s")
    made.end_day()
    (close_out,) = only(made.do(SettlementDue(day=made.clearing.day)), CloseOut)
    assert close_out.quantity == 5 * SCALE
    assert made.held(LONG) == (25, 25)


def test_who_sold_on_what_never_came_is_closed_out_in_turn() -> None:
    made = market()
    made.trade(BUYER, SHORT, quantity=10, price=100, intraday="s")
    made.end_day()
    made.trade(LONG, BUYER, quantity=10, price=100)
    assert [each.seller for each in only(made.end_day(), CloseOut)] == [SHORT]
    made.do(Marked(instrument=SHARE.id, price=200 * SCALE))
    assert [each.seller for each in only(made.end_day(), CloseOut)] == [BUYER]
    assert made.held(BUYER) == made.held(LONG) == (0, 0)


def test_a_loss_beyond_the_cash_is_called_for() -> None:
    made = market(cash=1_000)
    made.trade(LONG, SHORT, quantity=50, price=100, of=FUTURE)
    made.do(Marked(instrument=FUTURE.id, price=50 * SCALE))
    made.end_day()
    made.end_day()
    assert made.cash(LONG) == -1_500
    made.trade(WORLD, LONG, quantity=50, price=50, of=FUTURE)
    (call,) = only(made.end_day(), MarginCall)
    assert (call.account, rupees(call.equity), call.maintenance, rupees(call.amount)) == (LONG, -1_500, 0, 1_500)


def test_a_future_expires_at_its_final_price() -> None:
    made = market()
    made.trade(LONG, SHORT, quantity=10, price=100, of=FUTURE)
    made.end_day()
    expired = made.do(ContractExpired(instrument=FUTURE.id, price=93 * SCALE))
    assert [rupees(each.cash) for each in only(expired, Obligation)] == [-70, 70]
    assert made.held(LONG, FUTURE) == (0, 0)
    assert (made.free(LONG), made.free(SHORT)) == (9_930, 10_070)
    assert rule_of(made.try_(ContractExpired(instrument=FUTURE.id, price=SCALE))) is Rule.EXPIRED


@pytest.mark.parametrize(("final", "intrinsic"), [(900, 100), (1_000, 0), (1_100, 0)])
def test_an_option_expires_at_what_it_is_worth(final: int, intrinsic: int) -> None:
    made = market()
    made.trade(BUYER, SHORT, quantity=10, price=12, of=PUT)
    made.do(ContractExpired(instrument=PUT.id, price=final * SCALE))
    made.end_day()
    made.end_day()
    assert made.cash(BUYER) == 10_000 - 120 + 10 * intrinsic
    assert made.cash(SHORT) == 10_000 + 120 - 10 * intrinsic
    assert made.clearing.balance(SHORT).margin == 0


def test_the_holder_of_an_exercised_option_pays_the_tax() -> None:
    made = market(fees=TariffFees())
    made.trade(BUYER, SHORT, quantity=10, price=12, of=PUT)
    before = made.clearing.balance(BUYER).due, made.clearing.balance(SHORT).due
    made.do(ContractExpired(instrument=PUT.id, price=900 * SCALE))
    tax = exercise_tax(1_000 * SCALE, day=FRIDAY, plan="zerodha", exchange="NFO")
    assert tax > 0
    assert made.clearing.balance(BUYER).due == before[0] + 1_000 * SCALE - tax
    assert made.clearing.balance(SHORT).due == before[1] - 1_000 * SCALE


def test_a_contract_with_orders_does_not_expire_nor_does_a_share() -> None:
    made = market()
    made.enter(LONG, Side.BUY, quantity=1, price=100, of=FUTURE)
    for instrument, price, rule in (
        (FUTURE.id, SCALE, Rule.OPEN_ORDERS),
        (FUTURE.id, 0, Rule.BAD_PRICE),
        (SHARE.id, SCALE, Rule.NOT_A_CONTRACT),
        (INDEX.id, SCALE, Rule.NOT_A_CONTRACT),
        ("NFO:X", SCALE, Rule.UNKNOWN_INSTRUMENT),
    ):
        assert rule_of(made.try_(ContractExpired(instrument=instrument, price=price))) is rule
