"""What orders hold, and what is refused before the book sees them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.exchange.clearing.market import (
    BUYER,
    FIFTH,
    FUTURE,
    INDEX,
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
    rupees,
)
from tradsys.core.events import Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.exchange.clearing import MakerTaker
from tradsys.exchange.clearing.records import (
    AccountKind,
    AccountOpened,
    CashDeposited,
    CashWithdrawn,
    ContractExpired,
    Listed,
    MarginCall,
    Marked,
    OrderChanged,
    OrderEntered,
    OrderFinished,
    Refusal,
    Rule,
    UnitsWithdrawn,
)

BUY, SELL = Side.BUY, Side.SELL


def test_a_purchase_holds_its_price_and_fee_and_releases_all_of_it() -> None:
    made = market(fees=MakerTaker(maker=0.001, taker=0.002))
    order = made.enter(BUYER, BUY, quantity=50, price=100)
    assert rupees(made.clearing.held_for(order)) == 5_010
    assert made.free(BUYER) == 4_990
    made.do(OrderFinished(order_id=order))
    assert (made.clearing.held_for(order), made.free(BUYER)) == (0, 10_000)


def test_a_partial_fill_below_the_limit_frees_what_it_did_not_cost() -> None:
    made = market(fees=MakerTaker(maker=0.001, taker=0.002))
    buy, sell = made.enter(BUYER, BUY, quantity=50, price=100), made.enter(SELLER, SELL, quantity=20, price=90)
    made.do(made.match(buy, sell, quantity=20, price=90, parties=(BUYER, SELLER)))
    assert rupees(made.clearing.held_for(buy)) == 3_006
    assert made.free(BUYER) == 10_000 - 3_006 - 1_800 - 3.6
    assert made.clearing.held_for(sell) == 0
    made.do(OrderFinished(order_id=buy))
    assert made.free(BUYER) == 10_000 - 1_803.6


def test_an_order_is_held_for_to_the_last_unit_of_cash() -> None:
    made = market()
    assert rule_of(made.try_(made.order(BUYER, BUY, quantity=1, price=10_001))) is Rule.INSUFFICIENT_CASH
    made.enter(BUYER, BUY, quantity=1, price=10_000)
    (refusal,) = made.try_(made.order(BUYER, BUY, quantity=1, price=1))
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.value, refusal.limit) == (Rule.INSUFFICIENT_CASH, SCALE, 0)


def test_only_what_is_held_can_be_offered() -> None:
    made = market()
    made.enter(SELLER, SELL, quantity=60, price=100)
    (refusal,) = made.try_(made.order(SELLER, SELL, quantity=41, price=100))
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.value, refusal.limit) == (Rule.INSUFFICIENT_UNITS, 41 * SCALE, 40 * SCALE)
    made.enter(SELLER, SELL, quantity=40, price=100)
    taken = UnitsWithdrawn(account=SELLER, instrument=SHARE.id, quantity=SCALE)
    assert rule_of(made.try_(taken)) is Rule.INSUFFICIENT_UNITS


def test_shares_bought_today_can_be_sold_today() -> None:
    made = market()
    made.trade(BUYER, SELLER, quantity=10, price=100)
    made.enter(BUYER, SELL, quantity=10, price=100)


def test_money_of_a_sale_buys_today_and_leaves_when_settled() -> None:
    made = market(cash=0)
    made.trade(WORLD, SELLER, quantity=100, price=100)
    assert rule_of(made.try_(CashWithdrawn(account=SELLER, amount=1))) is Rule.INSUFFICIENT_CASH
    order = made.enter(SELLER, BUY, quantity=1, price=10_000)
    made.do(OrderFinished(order_id=order))
    made.end_day()
    made.end_day()
    made.do(CashWithdrawn(account=SELLER, amount=10_000 * SCALE))
    assert made.cash(SELLER) == 0


def test_a_future_holds_margin_on_the_worse_side_of_its_orders() -> None:
    made = market()
    made.enter(LONG, BUY, quantity=30, price=100, of=FUTURE)
    made.enter(LONG, SELL, quantity=20, price=100, of=FUTURE)
    assert rupees(made.clearing.balance(LONG).margin) == 600
    made.enter(LONG, SELL, quantity=20, price=100, of=FUTURE)
    assert rupees(made.clearing.balance(LONG).margin) == 800


def test_a_future_bought_above_the_mark_holds_the_loss_too() -> None:
    made = market()
    order = made.enter(LONG, BUY, quantity=10, price=130, of=FUTURE)
    assert rupees(made.clearing.held_for(order)) == 300
    made.trade(LONG, SHORT, quantity=10, price=90, of=FUTURE)
    assert rupees(made.clearing.balance(SHORT).margin) == 200 + 100


def test_margin_has_a_limit_and_getting_out_has_none() -> None:
    made = market(cash=1_000)
    made.trade(LONG, SHORT, quantity=50, price=100, of=FUTURE)
    assert made.free(LONG) == 0
    assert rule_of(made.try_(made.order(LONG, BUY, quantity=1, price=100, of=FUTURE))) is Rule.INSUFFICIENT_MARGIN
    made.do(Marked(instrument=FUTURE.id, price=90 * SCALE))
    assert made.free(LONG) == 1_000 - 900 - 500
    made.enter(LONG, SELL, quantity=50, price=89, of=FUTURE)


def test_a_writer_holds_margin_of_the_underlying_and_the_premium() -> None:
    made = market()
    made.enter(SHORT, SELL, quantity=10, price=10, of=PUT)
    assert rupees(made.clearing.balance(SHORT).margin) == 10 * (200 + 10)
    made.do(Marked(instrument=INDEX.id, price=2_000 * SCALE))
    assert rupees(made.clearing.balance(SHORT).margin) == 10 * (400 + 10)


def test_a_cash_account_sells_the_options_it_has_and_no_more() -> None:
    made = market()
    made.trade(BUYER, SHORT, quantity=5, price=10, of=PUT)
    made.enter(BUYER, SELL, quantity=5, price=10, of=PUT)
    assert made.clearing.balance(BUYER).margin == 0
    assert rule_of(made.try_(made.order(BUYER, SELL, quantity=1, price=10, of=PUT))) is Rule.INSUFFICIENT_UNITS


def test_day_trades_hold_a_fifth_and_work_short() -> None:
    made = market()
    made.enter(LONG, BUY, quantity=100, price=100, intraday=True)
    made.enter(SHORT, SELL, quantity=100, price=100, intraday=True)
    assert [rupees(made.clearing.balance(account).margin) for account in (LONG, SHORT)] == [2_000, 2_000]


def test_a_changed_order_holds_for_its_new_terms_or_stays() -> None:
    made = market()
    order = made.enter(BUYER, BUY, quantity=50, price=100)
    dear = OrderChanged(order_id=order, price=201 * SCALE, quantity=50 * SCALE)
    assert rule_of(made.try_(dear)) is Rule.INSUFFICIENT_CASH
    assert rupees(made.clearing.held_for(order)) == 5_000
    made.do(OrderChanged(order_id=order, price=200 * SCALE, quantity=50 * SCALE))
    assert made.free(BUYER) == 0
    made.do(OrderChanged(order_id=order, price=100 * SCALE, quantity=1 * SCALE))
    assert made.free(BUYER) == 9_900
    sale = made.enter(SELLER, SELL, quantity=10, price=100)
    more = OrderChanged(order_id=sale, price=SCALE, quantity=101 * SCALE)
    assert rule_of(made.try_(more)) is Rule.INSUFFICIENT_UNITS
    assert made.clearing.position(SELLER, SHARE.id).selling == 10 * SCALE


def test_a_mark_against_a_position_calls_for_what_is_missing_once() -> None:
    made = market(cash=1_000)
    made.trade(LONG, SHORT, quantity=50, price=100, of=FUTURE)
    assert made.do(Marked(instrument=FUTURE.id, price=91 * SCALE)) == ()
    (call,) = only(made.do(Marked(instrument=FUTURE.id, price=88 * SCALE)), MarginCall)
    equity, maintenance, initial = 1_000 - 600, 440, 880
    assert call == MarginCall(
        account=LONG, equity=equity * SCALE, maintenance=maintenance * SCALE, amount=(initial - equity) * SCALE
    )
    assert made.do(Marked(instrument=FUTURE.id, price=88 * SCALE)) == ()
    made.do(CashDeposited(account=LONG, amount=480 * SCALE))
    assert made.free(LONG) == 0
    assert made.do(Marked(instrument=FUTURE.id, price=87 * SCALE)) == ()


def test_an_order_may_always_shrink() -> None:
    made = market(cash=1_100)
    order = made.enter(LONG, BUY, quantity=1, price=100)
    made.trade(LONG, SHORT, quantity=50, price=100, of=FUTURE)
    made.do(Marked(instrument=FUTURE.id, price=98 * SCALE))
    assert made.free(LONG) == -80
    made.do(OrderChanged(order_id=order, price=50 * SCALE, quantity=SCALE))
    assert made.free(LONG) == -30


def test_equity_at_maintenance_is_enough() -> None:
    made = market(cash=1_040)
    made.trade(LONG, SHORT, quantity=50, price=100, of=FUTURE)
    assert made.do(Marked(instrument=FUTURE.id, price=88 * SCALE)) == ()
    assert only(made.do(Marked(instrument=FUTURE.id, price=88 * SCALE - 1)), MarginCall)


def test_everybody_else_is_not_limited() -> None:
    made = market(cash=0, units=0)
    made.trade(WORLD, WORLD, quantity=10**6, price=10**6)
    made.enter(WORLD, SELL, quantity=10**6, price=1)
    made.do(CashWithdrawn(account=WORLD, amount=SCALE))
    made.do(UnitsWithdrawn(account=WORLD, instrument=SHARE.id, quantity=SCALE))
    assert (made.cash(WORLD), made.held(WORLD)) == (-1, (-1, -1))


GOOD: dict[str, Any] = {
    "order_id": 900,
    "account": BUYER,
    "instrument": SHARE.id,
    "side": BUY,
    "quantity": SCALE,
    "price": SCALE,
}
BAD_ORDERS: list[tuple[dict[str, Any], Rule]] = [
    ({"account": 99}, Rule.UNKNOWN_ACCOUNT),
    ({"instrument": "NSE:X"}, Rule.UNKNOWN_INSTRUMENT),
    ({"order_id": 0}, Rule.BAD_ORDER),
    ({"order_id": 800}, Rule.DUPLICATE_ORDER),
    ({"side": 0}, Rule.WRONG_SIDE),
    ({"quantity": 0}, Rule.BAD_QUANTITY),
    ({"quantity": -SCALE}, Rule.BAD_QUANTITY),
    ({"quantity": SCALE + 1}, Rule.BAD_QUANTITY),
    ({"price": 0}, Rule.BAD_PRICE),
    ({"instrument": INDEX.id}, Rule.NOT_TRADABLE),
    ({"instrument": FUTURE.id}, Rule.NOT_A_MARGIN_ACCOUNT),
    ({"intraday": True}, Rule.NOT_A_MARGIN_ACCOUNT),
    ({"intraday": True, "account": LONG, "instrument": FUTURE.id}, Rule.NO_MARGIN_RATE),
    ({"quantity": 10**30 * SCALE}, Rule.INSUFFICIENT_CASH),
]


@pytest.mark.parametrize(
    ("change", "rule"), BAD_ORDERS, ids=[f"{rule}-{number}" for number, (_, rule) in enumerate(BAD_ORDERS)]
)
def test_a_bad_order_is_refused_and_changes_nothing(change: dict[str, Any], rule: Rule) -> None:
    made = market()
    made.do(OrderEntered(**{**GOOD, "order_id": 800}))
    before = [made.clearing.balance(account) for account in made.clearing.accounts]
    assert rule_of(made.try_(OrderEntered(**{**GOOD, **change}))) is rule
    assert [made.clearing.balance(account) for account in made.clearing.accounts] == before


def test_an_order_that_is_not_open_cannot_be_changed_or_finished() -> None:
    made = market()
    assert rule_of(made.try_(OrderFinished(order_id=7))) is Rule.UNKNOWN_ORDER
    assert rule_of(made.try_(OrderChanged(order_id=7, price=SCALE, quantity=SCALE))) is Rule.UNKNOWN_ORDER
    order = made.enter(BUYER, BUY, quantity=1, price=1)
    assert rule_of(made.try_(OrderChanged(order_id=order, price=SCALE, quantity=0))) is Rule.BAD_QUANTITY


def test_an_expired_contract_takes_no_order() -> None:
    made = market()
    made.do(ContractExpired(instrument=FUTURE.id, price=SCALE))
    assert rule_of(made.try_(made.order(LONG, BUY, quantity=1, price=1, of=FUTURE))) is Rule.EXPIRED


def test_without_a_rule_for_shares_not_delivered_none_are_sold_short() -> None:
    made = Market(exchange="CRYPTO")
    made.do(Listed(instrument=SHARE, mark=SCALE, margins=FIFTH))
    made.do(AccountOpened(account=LONG, kind=AccountKind.MARGIN))
    order = made.order(LONG, SELL, quantity=1, price=1, intraday=True)
    assert rule_of(made.try_(order)) is Rule.NO_CLOSE_OUT_RULE


def test_a_coin_is_held_for_in_parts() -> None:
    made = Market(exchange="CRYPTO", fees=MakerTaker(maker=0.0, taker=0.001))
    coin = Instrument(id="X:C", exchange="CRYPTO", symbol="C", segment=Segment.CRYPTO_SPOT)
    made.do(Listed(instrument=coin, mark=SCALE))
    made.do(AccountOpened(account=BUYER, kind=AccountKind.CASH))
    made.do(CashDeposited(account=BUYER, amount=1_001 * SCALE))
    made.enter(BUYER, BUY, quantity=10, price=100, of=coin)
    assert made.free(BUYER) == 0
