"""Recorded orders as events: who is taken for one trader, and what became of each order."""

from __future__ import annotations

from tests.unit.compliance.surveillance.streams import NAME
from tradsys.compliance.surveillance.events import Cancelled, Changed, Entered, OrderMessage, Traded
from tradsys.compliance.surveillance.recorded_orders import (
    Seen,
    SeenOrder,
    SplitAmong,
    StrategicRuns,
    events_of_records,
)
from tradsys.core.units import MILLISECOND


def record(at: int, seen: Seen, number: int, quantity: int = 5, *, side: int = 1, price: int = 100) -> SeenOrder:
    return SeenOrder(at * MILLISECOND, seen, number, side, price, quantity)


def accounts(*records: SeenOrder) -> list[str]:
    events = events_of_records(records, NAME, StrategicRuns())
    return [each.account for each in events if isinstance(each, Entered)]


def test_an_order_of_the_same_side_and_size_soon_after_a_withdrawal_is_of_the_same_trader() -> None:
    gone = [record(0, Seen.ADD, 1), record(10, Seen.DELETE, 1)]
    assert accounts(*gone, record(110, Seen.ADD, 2)) == ["run-1", "run-1"]
    assert accounts(*gone, record(111, Seen.ADD, 2)) == ["run-1", "run-2"]
    assert accounts(*gone, record(20, Seen.ADD, 2, side=-1)) == ["run-1", "run-2"]
    assert accounts(*gone, record(20, Seen.ADD, 2, quantity=6)) == ["run-1", "run-2"]
    assert accounts(*gone, record(20, Seen.ADD, 2), record(21, Seen.ADD, 3)) == ["run-1", "run-1", "run-2"]


def test_what_stood_before_the_recording_is_nobodys() -> None:
    assert accounts(record(0, Seen.ADD, -7), record(1, Seen.ADD, 7)) == ["", "run-1"]


def test_orders_shrink_move_trade_and_leave() -> None:
    records = [
        record(0, Seen.ADD, 1),
        record(1, Seen.REDUCE, 1, 2),
        record(2, Seen.EXECUTE, 1, 1),
        record(3, Seen.CHANGE, 1, 9, price=101),
        record(4, Seen.DELETE, 1, 9),
        record(5, Seen.DELETE, 1, 9),
        record(6, Seen.HIDDEN, 0, 4, side=-1),
        record(7, Seen.ADD, 2),
        record(8, Seen.EXECUTE, 2, 5),
        record(9, Seen.DELETE, 2, 5),
    ]
    events = list(events_of_records(records, NAME, StrategicRuns()))
    assert [type(each) for each in events] == [Entered, Changed, Traded, Changed, Cancelled, Traded, Entered, Traded]
    assert [(each.price, each.quantity) for each in events if isinstance(each, Changed)] == [(100, 3), (101, 9)]
    first, hidden, last = (each for each in events if isinstance(each, Traded))
    assert (first.buyer, first.buy_order, first.seller, first.side) == ("run-1", 1, "", -1)
    assert (hidden.buyer, hidden.seller, hidden.side) == ("", "", 1)
    assert (last.trade_id, last.quantity) == (3, 5)


def test_orders_split_among_accounts_spread_evenly_and_stay_with_theirs() -> None:
    records = [record(n, Seen.ADD, 2 * n) for n in range(1, 1_001)]
    records += [record(2_000 + n, Seen.DELETE, 2 * n) for n in range(1, 1_001)]
    events = [each for each in events_of_records(records, NAME, SplitAmong(10)) if isinstance(each, OrderMessage)]
    by_account: dict[str, int] = {}
    owners: dict[int, str] = {}
    for each in events:
        by_account[each.account] = by_account.get(each.account, 0) + 1
        assert owners.setdefault(each.order_id, each.account) == each.account
    assert len(by_account) == 10
    assert min(by_account.values()) > 100
