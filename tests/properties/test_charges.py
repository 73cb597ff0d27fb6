"""Laws of charges: one order pays one brokerage however it fills, nothing is negative, sums are exact."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.events import Fill, Product, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import DAY, SCALE
from tradsys.reference.charge_plans import charge_plan
from tradsys.reference.charges import ITEMS, funding_amount, rates_on, total

NOON = (date(2026, 11, 20) - date(1970, 1, 1)).days * DAY + DAY // 4
PRODUCTS = {
    Segment.EQUITY: [Product.CNC, Product.MIS],
    Segment.FUTURE: [Product.NRML, Product.MIS],
    Segment.OPTION: [Product.NRML],
}
TICK = SCALE // 20

prices = st.integers(1, 2_000_000).map(lambda ticks: ticks * TICK)
quantities = st.integers(1, 100_000).map(lambda units: units * SCALE)
sides = st.sampled_from(Side)


@st.composite
def held(draw: st.DrawFn) -> tuple[Instrument, Product]:
    segment = draw(st.sampled_from(list(PRODUCTS)))
    exchange = draw(st.sampled_from(["NSE", "BSE"]))
    instrument = Instrument(id=f"{exchange}:X", exchange=exchange, symbol="X", segment=segment)
    return instrument, draw(st.sampled_from(PRODUCTS[segment]))


def fill(instrument: Instrument, product: Product, side: Side, price: int, quantity: int, order_id: int = 1) -> Fill:
    return Fill(
        at=NOON,
        exchange_at=NOON,
        order_id=order_id,
        strategy="s",
        instrument=instrument.id,
        side=side,
        quantity=quantity,
        price=price,
        product=product,
    )


@given(held(), sides, prices, st.lists(quantities, min_size=1, max_size=8))
def test_partial_fills_pay_the_brokerage_of_the_whole_order(
    kind: tuple[Instrument, Product], side: Side, price: int, parts: list[int]
) -> None:
    instrument, product = kind
    whole = dict(charge_plan("zerodha").on_fill(fill(instrument, product, side, price, sum(parts)), instrument))
    plan = charge_plan("zerodha")
    pieces = [dict(plan.on_fill(fill(instrument, product, side, price, part), instrument)) for part in parts]
    for once in ("brokerage", "dp"):
        assert sum(piece[once] for piece in pieces) == whole[once]
    for rated in ("stt", "exchange", "ipft", "sebi", "stamp"):
        assert abs(sum(piece[rated] for piece in pieces) - whole[rated]) <= len(parts)
    # brokerage of at most Rs 20 an order
    assert 0 <= whole["brokerage"] <= 20 * SCALE


@given(held(), sides, prices, quantities)
def test_items_are_complete_and_never_negative(
    kind: tuple[Instrument, Product], side: Side, price: int, quantity: int
) -> None:
    instrument, product = kind
    items = charge_plan("zerodha").on_fill(fill(instrument, product, side, price, quantity), instrument)
    assert tuple(name for name, _ in items) == ITEMS
    assert all(amount >= 0 for _, amount in items)
    assert total(items) == sum(dict(items).values())


@given(sides, prices, quantities)
def test_each_item_is_the_nearest_unit_to_its_exact_fraction(side: Side, price: int, quantity: int) -> None:
    rates = rates_on(date(2026, 11, 20), plan="zerodha", exchange="NSE", segment="intraday", side=side)
    turnover = price * quantity
    items = dict(rates.items(turnover, brokerage=0))
    for name, rate in (("stt", rates.stt), ("exchange", rates.exchange), ("stamp", rates.stamp)):
        exact = Fraction(turnover, SCALE) * Fraction(rate, 10**12)
        assert abs(items[name] - exact) <= Fraction(1, 2)


@given(st.floats(0, 0.1), prices, quantities)
def test_flat_rate_is_the_fraction_of_notional(rate: float, price: int, quantity: int) -> None:
    instrument = Instrument(id="X", exchange="CRYPTO", symbol="X", segment=Segment.CRYPTO_SPOT)
    plan = charge_plan("flat", rate=rate)
    ((name, amount),) = plan.on_fill(fill(instrument, Product.SPOT, Side.BUY, price, quantity), instrument)
    exact = Fraction(price * quantity, SCALE) * Fraction(round(rate * 10**12), 10**12)
    assert name == "brokerage"
    assert abs(amount - exact) <= Fraction(1, 2)


@given(st.floats(-0.01, 0.01), st.floats(0.01, 200_000), st.integers(1, 10**12))
def test_funding_never_creates_money(rate: float, mark: float, quantity: int) -> None:
    long = funding_amount(rate=rate, mark=mark, quantity=quantity)
    short = funding_amount(rate=rate, mark=mark, quantity=-quantity)
    assert -1 <= long + short <= 0
