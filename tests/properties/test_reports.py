"""What the trade log says adds up, exactly, to the account: read back from the CSV as a stranger would."""

from __future__ import annotations

import csv
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.test_ledger import EVERY, SHARE, START, fills
from tests.unit.engine.reports.lines import record_of
from tradsys.core.events import ActionKind, CashMoved, Charged, CorporateAction, Entry, Fill, Outcome, Stray, StrayKind
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE, from_text, to_text
from tradsys.engine.reports.account import Move, Trade, booked
from tradsys.engine.reports.algo_ids import algo_ids
from tradsys.engine.reports.sheets import csv_text
from tradsys.engine.reports.trades import ITEMS, move_sheet, trade_sheet
from tradsys.portfolio.ledger import Ledger

Step = tuple[Fill, int, Instrument] | CorporateAction | CashMoved
actions = st.builds(
    CorporateAction, at=st.just(0), instrument=st.just(SHARE.id), kind=st.sampled_from(ActionKind),
    old=st.integers(1, 4), new=st.integers(1, 4), cash=st.integers(0, 5 * SCALE), price=st.integers(1, 100 * SCALE),
)  # fmt: skip
moves = st.builds(
    CashMoved, at=st.just(0), strategy=st.just("one"), instrument=st.sampled_from([each.id for each in EVERY]),
    amount=st.integers(-500 * SCALE, 500 * SCALE), reason=st.sampled_from(["funding", "=2+2"]),
)  # fmt: skip
steps = st.lists(st.one_of(fills(), actions, moves), max_size=30)


def played(given_steps: list[Step], ledger: Ledger) -> list[Entry]:
    """The log of an account that these steps happened to, told as an engine tells it."""
    bodies: list[Outcome] = []
    for number, each in enumerate(given_steps):
        if isinstance(each, CorporateAction):
            bodies += [each, *ledger.apply(each, price=each.price)]
        elif isinstance(each, CashMoved):
            ledger.move_cash(each)
            bodies.append(each)
        else:
            fill, charge, instrument = each
            items = ((ITEMS[number % len(ITEMS)], charge), ("other", 3))
            ledger.book(fill, charge + 3, items, ledger.place(fill.strategy, instrument, fill.product))
            stray = Stray(at=0, order_id=1, kind=StrayKind.LATE, fill=fill)
            bodies += [stray if number % 5 == 0 else fill, Charged(at=0, order_id=1, total=charge + 3, items=items)]
    return [Entry(number, -1, 0, "one", body) for number, body in enumerate(bodies)]


@given(steps)
def test_trades_and_moves_add_up_to_cash_positions_and_charges(given_steps: list[Step]) -> None:
    ledger = Ledger(START)
    record = record_of(played(given_steps, ledger), cash=START / SCALE)
    record.instruments = {each.id: each for each in EVERY}
    found = list(booked(record))
    ids = algo_ids(record.saved.settings)
    trades = list(
        csv.DictReader(csv_text(trade_sheet(record, [t for t in found if isinstance(t, Trade)], ids)).splitlines())
    )
    others = list(csv.DictReader(csv_text(move_sheet(record, [m for m in found if isinstance(m, Move)])).splitlines()))

    assert START + sum(from_text(row["cash"]) for row in [*trades, *others]) == ledger.cash
    held: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in trades:
        sign = 1 if row["side"] == "buy" else -1
        held[row["strategy"], row["instrument"], row["product"]] += sign * from_text(row["quantity"])
    for row in others:
        held[row["strategy"], row["instrument"], row["product"]] += from_text(row["quantity"])
    assert {key: units for key, units in held.items() if units} == {
        (name, instrument, str(product)): position.quantity
        for (name, instrument, product), position in ledger.positions.items()
        if position.quantity
    }
    items = {name: sum(from_text(row[f"charge_{name}"]) for row in trades) for name in (*ITEMS, "other")}
    assert {name: paid for name, paid in items.items() if paid} == {
        name: paid for name, paid in ledger.charge_items.items() if paid
    }
    assert sum(from_text(row["charges"]) for row in trades) == ledger.charges
    for row in trades:
        assert from_text(row["charges"]) == sum(from_text(row[f"charge_{name}"]) for name in (*ITEMS, "other"))
    assert all(row["reason"] != "=2+2" for row in others)
    last = {(row["strategy"], row["instrument"], row["product"]): row["position"] for row in trades}
    if not any(isinstance(each, CorporateAction) for each in given_steps):
        assert last == {key: to_text(held[key]) for key in last}
