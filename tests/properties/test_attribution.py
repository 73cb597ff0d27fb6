"""The parts of a profit are the profit, whatever was traded, carried over and moved; against the ledger."""

from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.test_ledger import COIN, FUTURE, SHARE, STRATEGIES, fills
from tests.unit.portfolio.test_trades import fill as traded
from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Fill, Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.portfolio.attribution import CASH, CHARGES, Attribution, grouped, total
from tradsys.portfolio.ledger import Ledger
from tradsys.portfolio.result import Prices, ProfitPart

Trade = tuple[Fill, int, Instrument]

closes = st.lists(st.one_of(st.floats(0.05, 400), st.just(float("nan"))), min_size=1, max_size=10)
actions = st.builds(
    CorporateAction,
    at=st.just(0),
    instrument=st.just(SHARE.id),
    kind=st.sampled_from(ActionKind),
    old=st.integers(1, 5),
    new=st.integers(1, 5),
    cash=st.integers(0, SCALE),
)
moves = st.builds(
    CashMoved,
    at=st.just(0),
    strategy=st.sampled_from(["", *STRATEGIES]),
    instrument=st.sampled_from(["", SHARE.id]),
    amount=st.integers(-SCALE, SCALE),
    reason=st.sampled_from(["funding", "deposit"]),
)
trades = st.tuples(fills((SHARE, FUTURE, COIN)), st.sampled_from(["", "up", "down"]), st.integers(0, 1))
events = st.lists(st.one_of(trades, actions, moves), max_size=40)


def series(instrument: str, values: list[float]) -> Prices:
    column = np.array(values)
    return Prices(instrument, np.arange(len(values), dtype=np.int64) * 3 + 1, column, column, column, column)


@given(events, closes, closes, st.integers(1, 10**11))
def test_parts_add_up_to_the_profit(rows: list[object], first: list[float], second: list[float], mark: int) -> None:
    ledger = Ledger(1000 * SCALE)
    attribution = Attribution([series(SHARE.id, first), series(COIN.id, second)])
    for at, row in enumerate(rows):
        if isinstance(row, CorporateAction):
            action = msgspec.structs.replace(row, at=at)
            attribution.apply(action)
            for moved in ledger.apply(action, price=mark):
                attribution.move_cash(moved)
        elif isinstance(row, CashMoved):
            ledger.move_cash(row)
            attribution.move_cash(row)
        elif isinstance(row, tuple):
            (fill, charges, instrument), reason, order_id = row
            fill = msgspec.structs.replace(fill, at=at, order_id=order_id, reason=reason)
            items = (("stt", charges // 2), ("fee", charges - charges // 2))
            ledger.book(fill, charges, items, ledger.place(fill.strategy, instrument, fill.product))
            attribution.fill(fill, items, instrument)
    for name in (SHARE.id, FUTURE.id, COIN.id):
        ledger.mark(name, mark)
    parts = attribution.finish(ledger.marks)
    assert total(parts) == ledger.equity() - ledger.start
    assert -sum(each.amount for each in parts if each.cause == CHARGES) == ledger.charges
    assert sum(each.amount for each in parts if each.cause == CASH) == sum(ledger.cash_moves.values())
    assert_groups(parts, ledger)


def assert_groups(parts: list[ProfitPart], ledger: Ledger) -> None:
    for field in ("strategy", "instrument", "reason"):
        assert sum(sum(sums.values()) for sums in grouped(parts, field).values()) == total(parts)
    strategies = grouped(parts, "strategy")
    for name in ledger.strategies:
        assert sum(strategies.get(name, {}).values()) == ledger.profit(name)
    instruments = grouped(parts, "instrument")
    for name, profit in ledger.profit_by_instrument().items():
        assert sum(instruments.get(name, {}).values()) == profit
    for item, amount in ledger.charge_items.items():
        assert -sum(each.amount for each in parts if (each.cause, each.item) == (CHARGES, item)) == amount


@given(st.integers(1, 200), st.integers(1, 400), st.integers(1, 400), st.sampled_from(Side))
def test_execution_is_the_price_against_the_last_one_known(quantity: int, known: int, paid: int, side: Side) -> None:
    attribution = Attribution([series(SHARE.id, [float(known), 1.0])])
    attribution.fill(traded(2, side, quantity, paid), (), SHARE)
    parts = {each.cause: each.amount for each in attribution.finish({SHARE.id: known * SCALE})}
    assert parts == ({"execution": side * quantity * (known - paid) * SCALE} if known != paid else {})
