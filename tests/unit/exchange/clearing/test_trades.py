"""Trades through both accounts, the fees they pay, and trades that do not fit their orders."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exchange.clearing.market import (
    BUYER,
    FRIDAY,
    FUTURE,
    LONG,
    SELLER,
    SHARE,
    SHORT,
    TUESDAY,
    WORLD,
    Market,
    market,
    only,
    rule_of,
    rupees,
)
from tradsys.core.errors import UncoveredDate
from tradsys.core.events import Product, Side
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.exchange.clearing import Fees, MakerTaker, TariffFees
from tradsys.exchange.clearing.records import (
    AccountKind,
    AccountOpened,
    CashDeposited,
    Confirmation,
    Listed,
    Rule,
    Trade,
    UnitsDeposited,
)
from tradsys.reference.charges import rates_on, total

BUY, SELL = Side.BUY, Side.SELL


def test_both_sides_are_confirmed_with_their_fees() -> None:
    made = market(fees=MakerTaker(maker=-0.001, taker=0.002))
    buy, sell = made.enter(BUYER, BUY, quantity=10, price=100), made.enter(SELLER, SELL, quantity=10, price=100)
    trade = made.match(buy, sell, quantity=10, price=100, parties=(BUYER, SELLER))
    terms: dict[str, Any] = {
        "trade_id": trade.trade_id,
        "instrument": SHARE.id,
        "quantity": 10 * SCALE,
        "price": 100 * SCALE,
        "value": 1_000 * SCALE,
        "settlement_day": TUESDAY,
    }
    assert made.do(trade) == (
        Confirmation(order_id=buy, account=BUYER, side=1, fee=2 * SCALE, maker=False, **terms),
        Confirmation(order_id=sell, account=SELLER, side=-1, fee=-SCALE, maker=True, **terms),
    )
    assert (made.held(BUYER), made.held(SELLER)) == ((10, 0), (90, 100))
    assert (made.free(BUYER), made.free(SELLER)) == (10_000 - 1_002, 10_000 + 1_001)
    assert (made.cash(BUYER), made.cash(SELLER), made.clearing.fee_account) == (10_000, 10_000, 0)


def test_coins_and_cash_change_hands_at_the_trade() -> None:
    made = Market(exchange="CRYPTO", fees=MakerTaker(maker=0.001, taker=0.002))
    coin = Instrument(
        id="X:C",
        exchange="CRYPTO",
        symbol="C",
        segment=Segment.CRYPTO_SPOT,
        ticks=(DatedStep(0, SCALE // 100),),
        lots=(DatedStep(0, SCALE // 10**5),),
    )
    made.do(Listed(instrument=coin, mark=SCALE))
    for account in (BUYER, SELLER):
        made.do(AccountOpened(account=account, kind=AccountKind.CASH))
        made.do(CashDeposited(account=account, amount=1_000 * SCALE))
        made.do(UnitsDeposited(account=account, instrument=coin.id, quantity=SCALE))
    made.trade(BUYER, SELLER, quantity=1, price=500, of=coin)
    assert (made.cash(BUYER), made.cash(SELLER)) == (499, 1_499.5)
    assert rupees(made.clearing.fee_account) == 1.5
    assert (made.held(BUYER, coin), made.held(SELLER, coin)) == ((2, 2), (0, 0))


def test_a_trade_with_oneself_costs_the_fees() -> None:
    made = market(fees=MakerTaker(maker=0.001, taker=0.001))
    made.trade(SELLER, SELLER, quantity=10, price=100)
    assert made.free(SELLER) == 10_000 - 2
    assert made.held(SELLER) == (100, 100)


def test_a_future_moves_no_money_but_the_fee() -> None:
    made = market(fees=MakerTaker(maker=0.0, taker=0.001))
    made.trade(LONG, SHORT, quantity=10, price=100, of=FUTURE)
    assert (made.free(LONG), made.free(SHORT)) == (10_000 - 200 - 1, 10_000 - 200)


def wrong(**change: Any) -> dict[str, Any]:
    return change


BAD_TRADES: list[tuple[dict[str, Any], Rule]] = [
    (wrong(trade_id=1000), Rule.DUPLICATE_TRADE),
    (wrong(instrument=FUTURE.id), Rule.WRONG_INSTRUMENT),
    (wrong(sell_order=902), Rule.WRONG_INSTRUMENT),
    (wrong(buyer=SELLER), Rule.WRONG_ACCOUNT),
    (wrong(seller=BUYER), Rule.WRONG_ACCOUNT),
    (wrong(buy_order=901, buyer=SELLER), Rule.WRONG_SIDE),
    (wrong(sell_order=900, seller=BUYER), Rule.WRONG_SIDE),
    (wrong(price=0), Rule.BAD_PRICE),
    (wrong(price=100 * SCALE + 1), Rule.BEYOND_LIMIT),
    (wrong(price=90 * SCALE - 1), Rule.BEYOND_LIMIT),
    (wrong(quantity=0), Rule.BAD_QUANTITY),
    (wrong(quantity=11 * SCALE), Rule.BEYOND_OPEN),
    (wrong(quantity=SCALE // 2), Rule.BAD_QUANTITY),
    (
        wrong(
            buy_order=0,
            buyer=WORLD,
            sell_order=0,
            seller=WORLD,
            price=SCALE + 1,
            instrument="NSE:T",
            quantity=SCALE // 4,
        ),
        Rule.INEXACT,
    ),
    (wrong(buy_order=999), Rule.UNKNOWN_ORDER),
    (wrong(sell_order=0), Rule.UNKNOWN_ORDER),
    (wrong(sell_order=0, seller=77), Rule.UNKNOWN_ACCOUNT),
    (wrong(buy_order=0, buyer=WORLD, instrument="NSE:X"), Rule.UNKNOWN_INSTRUMENT),
    (wrong(buy_order=0, buyer=WORLD, instrument="NSE:I"), Rule.NOT_TRADABLE),
]


@pytest.mark.parametrize(("change", "rule"), BAD_TRADES)
def test_a_trade_that_does_not_fit_is_refused_and_changes_nothing(change: dict[str, Any], rule: Rule) -> None:
    made = market()
    quarters = msgspec.structs.replace(
        SHARE, id="NSE:T", ticks=(DatedStep(0, SCALE),), lots=(DatedStep(0, SCALE // 4),)
    )
    made.do(Listed(instrument=quarters, mark=SCALE))
    made.numbers = 899
    made.enter(BUYER, BUY, quantity=10, price=100)
    made.enter(SELLER, SELL, quantity=10, price=90)
    made.enter(LONG, SELL, quantity=10, price=90, of=FUTURE)
    made.numbers = 999
    made.do(made.match(0, 0, quantity=1, price=1, parties=(WORLD, WORLD)))
    good = made.match(900, 901, quantity=10, price=95, parties=(BUYER, SELLER))
    values = {name: getattr(good, name) for name in good.__struct_fields__}
    before = [made.clearing.balance(account) for account in made.clearing.accounts]
    assert rule_of(made.try_(Trade(**{**values, **change}))) is rule
    assert [made.clearing.balance(account) for account in made.clearing.accounts] == before
    made.do(good)


SCHEDULES = (MakerTaker(maker=-0.00012345678, taker=0.00098765432), TariffFees())
for schedule in SCHEDULES:
    schedule.begin(date(2026, 11, 20))


@given(
    schedule=st.sampled_from(SCHEDULES),
    product=st.sampled_from([Product.CNC, Product.MIS]),
    side=st.sampled_from([BUY, SELL]),
    fills=st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), st.booleans()), min_size=1, max_size=8),
)
def test_what_is_held_covers_the_fees_of_any_fills(
    schedule: Fees, product: Product, side: Side, fills: list[tuple[int, int, bool]]
) -> None:
    """After every fill, what was held before covers its fee and what is held after it."""
    worth = [price * SCALE // 20 * quantity * SCALE for price, quantity, _ in fills]
    for number, (_, _, maker) in enumerate(fills):
        left = [sum(worth[start:]) for start in (number, number + 1)]
        before, after = (
            schedule.most(SHARE, product=product, side=side, turnover=turnover, fills=len(fills) - number - place)
            for place, turnover in enumerate(left)
        )
        fee = schedule.due(SHARE, product=product, side=side, maker=maker, turnover=worth[number])
        assert before >= fee + (after if left[1] else 0)


@given(
    turnover=st.integers(1, 10**24),
    segment=st.sampled_from([("delivery", Product.CNC), ("intraday", Product.MIS)]),
    side=st.sampled_from([BUY, SELL]),
)
def test_the_tariff_is_that_of_a_contract_note_without_brokerage(
    turnover: int, segment: tuple[str, Product], side: Side
) -> None:
    rates = rates_on(date(2026, 11, 20), plan="zerodha", exchange="NSE", segment=segment[0], side=side)
    fee = SCHEDULES[1].due(SHARE, product=segment[1], side=side, maker=True, turnover=turnover)
    assert fee == total(rates.items(turnover, brokerage=0))


def test_a_tariff_without_a_row_for_the_day_raises_and_holds_nothing() -> None:
    made = Market(fees=TariffFees(), day=date(2024, 1, 2))
    made.do(Listed(instrument=SHARE, mark=SCALE))
    made.do(AccountOpened(account=BUYER, kind=AccountKind.CASH))
    made.do(CashDeposited(account=BUYER, amount=SCALE * 1_000))
    with pytest.raises(UncoveredDate, match="2024-01-02"):
        made.clearing.apply(made.order(BUYER, BUY, quantity=1, price=1))
    made.clearing.check()
    assert made.free(BUYER) == 1_000


def test_a_fixed_tariff_prices_every_day() -> None:
    made = market(fees=TariffFees(as_of=date(2026, 11, 20)))
    assert made.clearing.day == FRIDAY
    buy, sell = made.enter(BUYER, BUY, quantity=50, price=100), made.enter(SELLER, SELL, quantity=50, price=100)
    confirmations = only(made.do(made.match(buy, sell, quantity=50, price=100, parties=(BUYER, SELLER))), Confirmation)
    rates = [
        rates_on(date(2026, 11, 20), plan="zerodha", exchange="NSE", segment="delivery", side=side)
        for side in (BUY, SELL)
    ]
    turnover = 5_000 * SCALE * SCALE
    assert [each.fee for each in confirmations] == [total(each.items(turnover, brokerage=0)) for each in rates]
