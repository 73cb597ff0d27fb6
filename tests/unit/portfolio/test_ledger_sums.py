"""The ledger against sums worked by hand."""

from __future__ import annotations

import pytest

from tradsys.core.errors import ConfigError, InvariantBroken
from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Fill, Product, Side
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import SCALE
from tradsys.portfolio.ledger import Ledger, settlement_value

SHARE = Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY)
FUTURE = Instrument(id="NSE:F", exchange="NSE", symbol="F", segment=Segment.FUTURE)
CALL = Instrument(
    id="NSE:C", exchange="NSE", symbol="C", segment=Segment.OPTION, strike=100 * SCALE, right=OptionRight.CALL
)
PUT = Instrument(
    id="NSE:P", exchange="NSE", symbol="P", segment=Segment.OPTION, strike=100 * SCALE, right=OptionRight.PUT
)


def trade(
    ledger: Ledger, side: Side, quantity: float, price: float, instrument: Instrument = SHARE, charges: int = 0
) -> None:
    fill = Fill(
        at=1,
        exchange_at=1,
        order_id=1,
        strategy="s",
        instrument=instrument.id,
        side=side,
        quantity=round(quantity * SCALE),
        price=round(price * SCALE),
        product=Product.NRML,
    )
    ledger.book(fill, charges, (("brokerage", charges),), ledger.place("s", instrument, Product.NRML))
    ledger.check()


def test_average_cost_over_two_buys_and_a_part_sold() -> None:
    ledger = Ledger(10_000 * SCALE)
    trade(ledger, Side.BUY, 10, 100)
    trade(ledger, Side.BUY, 30, 120)
    held = ledger.positions[("s", "NSE:A", Product.NRML)]
    assert held.average_price == 115 * SCALE
    trade(ledger, Side.SELL, 20, 125, charges=3 * SCALE)
    assert (ledger.realised, ledger.charges, held.quantity) == (200 * SCALE, 3 * SCALE, 20 * SCALE)
    assert ledger.cash == (10_000 - 1_000 - 3_600 + 2_500 - 3) * SCALE
    assert ledger.cash_before_charges == ledger.cash + 3 * SCALE
    ledger.mark("NSE:A", 130 * SCALE)
    assert ledger.unrealised() == 300 * SCALE
    assert ledger.equity() == (10_000 + 200 + 300 - 3) * SCALE


def test_through_zero_closes_then_opens() -> None:
    ledger = Ledger(10_000 * SCALE)
    trade(ledger, Side.BUY, 10, 100)
    trade(ledger, Side.SELL, 25, 110)
    held = ledger.positions[("s", "NSE:A", Product.NRML)]
    assert (held.quantity, held.realised, held.cost) == (-15 * SCALE, 100 * SCALE, -15 * 110 * SCALE)
    assert held.average_price == 110 * SCALE


def test_a_place_counts_from_its_first_fill_on() -> None:
    ledger = Ledger(10_000 * SCALE)
    place = ledger.place("s", SHARE, Product.NRML)
    assert (ledger.positions, ledger.strategies) == ({}, {})
    trade(ledger, Side.BUY, 10, 100)
    trade(ledger, Side.SELL, 10, 100)
    trade(ledger, Side.BUY, 5, 100)
    assert ledger.positions == {place.key: place}
    assert ledger.strategies == {"s": [place]}
    assert place.quantity == 5 * SCALE


def test_a_fill_of_another_instrument_is_not_booked() -> None:
    ledger = Ledger(10_000 * SCALE)
    fill = Fill(
        at=1, exchange_at=1, order_id=1, strategy="s", instrument="NSE:F", side=Side.BUY,
        quantity=SCALE, price=SCALE, product=Product.NRML,
    )  # fmt: skip
    with pytest.raises(InvariantBroken, match="another instrument"):
        ledger.book(fill, 0, (), ledger.place("s", SHARE, Product.NRML))
    assert (ledger.cash, ledger.positions) == (10_000 * SCALE, {})


def test_futures_move_cash_by_realised_profit_only() -> None:
    ledger = Ledger(10_000 * SCALE)
    trade(ledger, Side.SELL, 65, 24_000, FUTURE)
    assert ledger.cash == 10_000 * SCALE
    ledger.mark("NSE:F", 23_990 * SCALE)
    assert ledger.equity() == 10_650 * SCALE
    assert ledger.cash_before_charges == (10_000 + 65 * 24_000) * SCALE
    trade(ledger, Side.BUY, 65, 24_010, FUTURE)
    assert ledger.cash == ledger.equity() == 9_350 * SCALE


def test_bonus_doubles_the_quantity_and_keeps_cost_and_value() -> None:
    ledger = Ledger(10_000 * SCALE)
    trade(ledger, Side.BUY, 10, 100)
    bonus = CorporateAction(at=2, instrument="NSE:A", kind=ActionKind.BONUS, old=1, new=2)
    assert ledger.apply(bonus, price=50 * SCALE) == []
    assert ledger.position("s", "NSE:A", Product.NRML) == 20 * SCALE
    assert ledger.equity() == 10_000 * SCALE
    trade(ledger, Side.SELL, 20, 60)
    assert ledger.realised == 200 * SCALE


def test_fraction_of_a_share_is_paid_in_cash() -> None:
    ledger = Ledger(10_000 * SCALE)
    trade(ledger, Side.BUY, 7, 100)
    split = CorporateAction(at=2, instrument="NSE:A", kind=ActionKind.SPLIT, old=2, new=3)
    (moved,) = ledger.apply(split, price=60 * SCALE)
    assert ledger.position("s", "NSE:A", Product.NRML) == 10 * SCALE
    assert moved.amount == 30 * SCALE
    ledger.check()


def test_consolidation_that_leaves_nothing_realises_the_cost() -> None:
    ledger = Ledger(10_000 * SCALE)
    trade(ledger, Side.BUY, 1, 100)
    ledger.apply(CorporateAction(at=2, instrument="NSE:A", kind=ActionKind.SPLIT, old=10, new=1), price=1_000 * SCALE)
    ledger.check()
    assert not ledger.open_positions
    assert ledger.equity() == 10_000 * SCALE
    assert ledger.realised == -100 * SCALE


@pytest.mark.parametrize(("side", "amount"), [(Side.BUY, 25), (Side.SELL, -25)])
def test_dividend_is_received_by_the_long_and_paid_by_the_short(side: Side, amount: int) -> None:
    ledger = Ledger(10_000 * SCALE)
    trade(ledger, side, 10, 100)
    dividend = CorporateAction(at=2, instrument="NSE:A", kind=ActionKind.DIVIDEND, cash=5 * SCALE // 2)
    (moved,) = ledger.apply(dividend, price=100 * SCALE)
    assert moved.amount == amount * SCALE
    assert ledger.equity() == (10_000 + amount) * SCALE
    assert ledger.profit("s") == amount * SCALE


@pytest.mark.parametrize(("instrument", "value"), [(CALL, 15), (PUT, 0), (FUTURE, 115)])
def test_settlement_value(instrument: Instrument, value: int) -> None:
    assert settlement_value(instrument, 115 * SCALE) == value * SCALE


def test_options_expire_in_the_money_with_tax_and_worthless() -> None:
    ledger = Ledger(10_000 * SCALE)
    trade(ledger, Side.BUY, 65, 4, CALL)
    trade(ledger, Side.SELL, 65, 3, PUT)
    tax = 65 * 15 * SCALE * 15 // 10_000
    ((fill, items),) = ledger.settle_expiry(
        CALL, price=115 * SCALE, at=9, charge=lambda fill, instrument: (("stt", tax),)
    )
    assert (fill.side, fill.price, items) == (Side.SELL, 15 * SCALE, (("stt", tax),))
    assert ledger.realised == 65 * 11 * SCALE
    ((fill, _),) = ledger.settle_expiry(PUT, price=115 * SCALE, at=9, charge=lambda fill, instrument: ())
    assert (fill.side, fill.price, ledger.realised) == (Side.BUY, 0, 65 * (11 + 3) * SCALE)
    ledger.check()
    assert ledger.cash == (10_000 + 65 * 14) * SCALE - tax


def test_cash_moves_enter_equity() -> None:
    ledger = Ledger(SCALE)
    ledger.move_cash(CashMoved(at=1, strategy="", instrument="", amount=5 * SCALE, reason="deposit"))
    ledger.check()
    assert ledger.equity() == 6 * SCALE


def test_refuses_what_it_cannot_hold() -> None:
    ledger = Ledger(SCALE)
    index = Instrument(id="NSE:I", exchange="NSE", symbol="I", segment=Segment.INDEX)
    dollars = Instrument(id="X:D", exchange="X", symbol="D", segment=Segment.CRYPTO_SPOT, currency="USDT")
    with pytest.raises(ConfigError, match="index"):
        trade(ledger, Side.BUY, 1, 1, index)
    with pytest.raises(ConfigError, match="currency"):
        trade(ledger, Side.BUY, 1, 1, dollars)
    with pytest.raises(InvariantBroken, match="no quantity"):
        trade(ledger, Side.BUY, 0, 1)
    trade(ledger, Side.BUY, 1, 1, FUTURE)
    with pytest.raises(ConfigError, match="shares"):
        ledger.apply(CorporateAction(at=1, instrument="NSE:F", kind=ActionKind.DIVIDEND, cash=1), price=1)


def test_check_finds_a_unit_out_of_place() -> None:
    ledger = Ledger(SCALE)
    trade(ledger, Side.BUY, 1, 1)
    ledger.cash += 1
    with pytest.raises(InvariantBroken, match=r"equity is off by 0\.00000001"):
        ledger.check()


def test_charge_items_must_add_up() -> None:
    ledger = Ledger(SCALE)
    fill = Fill(
        at=1,
        exchange_at=1,
        order_id=1,
        strategy="s",
        instrument="NSE:A",
        side=Side.BUY,
        quantity=SCALE,
        price=SCALE,
        product=Product.CNC,
    )
    ledger.book(fill, 10, (("stt", 9),), ledger.place("s", SHARE, Product.CNC))
    with pytest.raises(InvariantBroken, match="charges by item"):
        ledger.check()
