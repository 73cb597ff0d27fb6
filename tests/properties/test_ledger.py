"""Laws of the ledger over random fills, charges, corporate actions and marks, against an oracle in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Fill, Product, Side
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.portfolio.ledger import Ledger

START = 1_000_000 * SCALE
TICK = SCALE // 20
SHARE = Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY)
OTHER = Instrument(id="NSE:B", exchange="NSE", symbol="B", segment=Segment.EQUITY)
FUTURE = Instrument(id="NSE:F", exchange="NSE", symbol="F", segment=Segment.FUTURE, multiplier=3)
COIN = Instrument(
    id="X:COIN",
    exchange="X",
    symbol="COIN",
    segment=Segment.CRYPTO_SPOT,
    ticks=(DatedStep(0, 1),),
    lots=(DatedStep(0, 1),),
)
EXACT = (SHARE, OTHER, FUTURE)
EVERY = (*EXACT, COIN)
STRATEGIES = ("one", "two")

sides = st.sampled_from([Side.BUY, Side.SELL])
amounts = st.integers(-500 * SCALE, 500 * SCALE)


def grid(instrument: Instrument) -> st.SearchStrategy[tuple[int, int]]:
    """Quantity and price on the instrument's lot and tick."""
    lot, tick = instrument.lot_at(0), instrument.tick_at(0)
    quantities = st.integers(1, 300 if lot == SCALE else 10**10).map(lambda n: n * lot)
    return st.tuples(quantities, st.integers(1, 400 * SCALE // tick).map(lambda n: n * tick))


@st.composite
def fills(draw: st.DrawFn, instruments: tuple[Instrument, ...] = EVERY) -> tuple[Fill, int, Instrument]:
    instrument = draw(st.sampled_from(instruments))
    quantity, price = draw(grid(instrument))
    fill = Fill(
        at=0,
        exchange_at=0,
        order_id=1,
        strategy=draw(st.sampled_from(STRATEGIES)),
        instrument=instrument.id,
        side=draw(sides),
        quantity=quantity,
        price=price,
        product=draw(st.sampled_from([Product.CNC, Product.MIS])),
    )
    return fill, draw(st.integers(-5, 50 * SCALE)), instrument


def book(ledger: Ledger, trade: tuple[Fill, int, Instrument]) -> None:
    fill, charges, instrument = trade
    items = (("brokerage", charges // 2), ("tax", charges - charges // 2))
    ledger.book(fill, charges, items, ledger.place(fill.strategy, instrument, fill.product))


def state(ledger: Ledger) -> object:
    """Everything the ledger knows but the order in which it learned it."""
    held = {
        key: (each.quantity, each.cost, each.realised, each.charges) for key, each in sorted(ledger.positions.items())
    }
    return ledger.cash, held, sorted(ledger.charge_items.items()), sorted(ledger.open_positions)


class Account(RuleBasedStateMachine):
    """The oracle owns no average cost and no realised profit: equity is what came in plus what closing would bring."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(START)
        self.money = Fraction(START)
        self.held: dict[tuple[str, str, Product], int] = defaultdict(int)
        self.marks: dict[str, int] = {}
        self.roundings = 0

    @rule(trade=fills())
    def trade(self, trade: tuple[Fill, int, Instrument]) -> None:
        fill, charges, instrument = trade
        book(self.ledger, trade)
        signed = fill.side * fill.quantity
        self.money -= Fraction(fill.price * signed * instrument.multiplier, SCALE) + charges
        self.held[(fill.strategy, fill.instrument, fill.product)] += signed
        self.marks.setdefault(fill.instrument, fill.price)
        self.roundings += 2 if instrument is COIN else 0

    @rule(instrument=st.sampled_from(EVERY), price=st.integers(1, 10**6))
    def mark(self, instrument: Instrument, price: int) -> None:
        self.marks[instrument.id] = price * TICK
        self.ledger.mark(instrument.id, price * TICK)

    @rule(strategy=st.sampled_from([*STRATEGIES, ""]), amount=amounts)
    def move(self, strategy: str, amount: int) -> None:
        self.ledger.move_cash(CashMoved(at=0, strategy=strategy, instrument="", amount=amount, reason="deposit"))
        self.money += amount

    @rule(instrument=st.sampled_from([SHARE, OTHER]), cash=st.integers(0, 20 * SCALE))
    def dividend(self, instrument: Instrument, cash: int) -> None:
        action = CorporateAction(at=0, instrument=instrument.id, kind=ActionKind.DIVIDEND, cash=cash)
        self.ledger.apply(action, price=0)
        for (_, name, _), quantity in self.held.items():
            if name == instrument.id:
                self.money += Fraction(cash * quantity, SCALE)
                self.roundings += 1

    @rule(
        instrument=st.sampled_from([SHARE, OTHER]),
        kind=st.sampled_from([ActionKind.SPLIT, ActionKind.BONUS]),
        old=st.integers(1, 10),
        new=st.integers(1, 10),
        price=st.integers(1, 8000),
    )
    def split(self, instrument: Instrument, kind: ActionKind, old: int, new: int, price: int) -> None:
        action = CorporateAction(at=0, instrument=instrument.id, kind=kind, old=old, new=new)
        self.ledger.apply(action, price=price * TICK)
        for key, quantity in self.held.items():
            if key[1] == instrument.id:
                whole = int(Fraction(quantity * new, old * SCALE)) * SCALE
                self.money += (Fraction(quantity * new, old) - whole) * price * TICK / SCALE
                self.held[key] = whole
                self.roundings += 1
        self.mark(instrument, price)

    @rule(instrument=st.sampled_from(EVERY), price=st.integers(0, 8000), tax=st.integers(0, SCALE))
    def expire(self, instrument: Instrument, price: int, tax: int) -> None:
        settled = self.ledger.settle_expiry(
            instrument, price=price * TICK, at=0, charge=lambda fill, instrument: (("tax", tax),)
        )
        holders = [key for key, quantity in self.held.items() if key[1] == instrument.id and quantity]
        assert len(settled) == len(holders)
        for key in holders:
            self.money += Fraction(price * TICK * self.held.pop(key) * instrument.multiplier, SCALE) - tax
            self.roundings += 1

    @invariant()
    def laws_hold(self) -> None:
        self.ledger.check()

    @invariant()
    def nothing_is_created(self) -> None:
        multipliers = {each.id: each.multiplier for each in EVERY}
        worth = self.money + sum(
            Fraction(quantity * self.marks[name] * multipliers[name], SCALE)
            for (_, name, _), quantity in self.held.items()
        )
        allowed = self.roundings + sum(1 for quantity in self.held.values() if quantity)
        assert 0 <= worth - self.ledger.equity() <= allowed

    @invariant()
    def cash_before_charges_knows_no_average(self) -> None:
        paid = self.money + self.ledger.charges
        assert 0 <= paid - self.ledger.cash_before_charges <= self.roundings

    @invariant()
    def positions_are_the_sum_of_fills(self) -> None:
        for key, quantity in self.held.items():
            assert self.ledger.position(*key) == quantity

    @invariant()
    def strategies_add_up(self) -> None:
        profits = sum(self.ledger.profit(name) for name in self.ledger.strategies)
        assert profits == self.ledger.equity() - START


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(fills(), max_size=20))
def test_fills_in_different_instruments_commute(trades: list[tuple[Fill, int, Instrument]]) -> None:
    grouped = sorted(trades, key=lambda trade: trade[2].id)
    first, second = Ledger(START), Ledger(START)
    for trade in trades:
        book(first, trade)
    for trade in grouped:
        book(second, trade)
    assert state(first) == state(second)


@given(st.lists(fills(EXACT), min_size=1, max_size=20), st.data())
def test_splitting_a_fill_changes_nothing(trades: list[tuple[Fill, int, Instrument]], data: st.DataObject) -> None:
    whole, parts = Ledger(START), Ledger(START)
    for fill, charges, instrument in trades:
        book(whole, (fill, charges, instrument))
        cut = data.draw(st.integers(0, fill.quantity // SCALE - 1)) * SCALE
        for quantity, cost in ((cut, 0), (fill.quantity - cut, charges)):
            if quantity:
                values = {name: getattr(fill, name) for name in fill.__struct_fields__}
                book(parts, (Fill(**{**values, "quantity": quantity}), cost, instrument))
    whole.check()
    parts.check()
    assert whole.cash == parts.cash or any(each[2] is FUTURE for each in trades)
    assert whole.equity() == parts.equity()
    for key, held in whole.positions.items():
        assert held.quantity == parts.positions[key].quantity
        assert abs(held.cost - parts.positions[key].cost) <= 2 * len(trades)
        assert abs(held.realised - parts.positions[key].realised) <= 2 * len(trades)
