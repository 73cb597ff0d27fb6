"""Laws of an account's lots over several strategies: nothing is lost between the day's queue and the account's."""

from __future__ import annotations

from collections import defaultdict, deque

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.test_ledger import COIN, FUTURE, SHARE, STRATEGIES
from tradsys.core.events import ActionKind, CorporateAction, Fill, Product, Side
from tradsys.core.units import DAY, SCALE
from tradsys.portfolio.account_lots import AccountLots, days_of
from tradsys.portfolio.ledger import Ledger

INSTRUMENTS = {each.id: each for each in (SHARE, FUTURE, COIN)}
Row = tuple[str, str, Side, int, int, int, bool]

rows = st.lists(
    st.tuples(
        st.sampled_from(sorted(INSTRUMENTS)),
        st.sampled_from(STRATEGIES),
        st.sampled_from(Side),
        st.integers(1, 40),
        st.integers(1, 999),
        st.integers(0, 99),
        st.booleans(),
    ),
    max_size=40,
)
kinds = st.sampled_from([ActionKind.SPLIT, ActionKind.BONUS])
actions = st.lists(st.tuples(st.integers(0, 40), kinds, st.integers(1, 4), st.integers(1, 4)), max_size=3)


def trade(row: Row, *, day: int, number: int) -> Fill:
    name, strategy, side, quantity, price, _, _ = row
    lot = 7 if name == COIN.id else SCALE
    return Fill(
        at=day * DAY + number, exchange_at=day * DAY + number, order_id=number, strategy=strategy, instrument=name,
        side=side, quantity=quantity * lot, price=price * SCALE // 20, product=Product.CNC,
    )  # fmt: skip


@given(rows, actions)
def test_the_account_holds_and_earns_what_its_ledger_does(
    given_rows: list[Row], given_actions: list[tuple[int, ActionKind, int, int]]
) -> None:
    ledger, lots, day = Ledger(0), AccountLots(zone="UTC"), 0
    for number, row in enumerate(given_rows):
        for _, kind, old, new in (each for each in given_actions if each[0] == number):
            day += 1
            action = CorporateAction(at=day * DAY, instrument=SHARE.id, kind=kind, old=old, new=new)
            ledger.apply(action, price=SCALE)
            lots.apply(action)
        day += row[-1]
        fill, charge = trade(row, day=day, number=number), row[5]
        instrument = INSTRUMENTS[fill.instrument]
        ledger.book(fill, charge, (("fee", charge),), ledger.place(fill.strategy, instrument, fill.product))
        lots.fill(fill, (("fee", charge),), instrument)
    closed, queues = lots.closed(), lots.open_lots()
    for name, queue in queues.items():
        places = [each for each in ledger.positions.values() if each.instrument.id == name]
        money = sum(lot.money for lot in queue.lots)
        realised = sum(each.gross for each in closed if each.instrument.id == name)
        assert money - realised == sum(each.cost - each.realised for each in places)
        assert queue.held == sum(lot.side * lot.quantity for lot in queue.lots)
        if queue.lots or not given_actions:
            assert queue.held == sum(each.quantity for each in places)
    charges = sum(sum(each.charges.values()) for each in closed)
    left = sum(amount for queue in queues.values() for lot in queue.lots for _, amount in lot.charges)
    assert charges + left == ledger.charges


@given(rows)
def test_shares_of_one_day_are_matched_within_it(given_rows: list[Row]) -> None:
    """The obvious implementation: single shares, the day's own first, then the oldest of earlier days."""
    shares = [row for row in given_rows if row[0] == SHARE.id]
    lots, day = AccountLots(zone="UTC"), 0
    days: dict[int, list[Fill]] = defaultdict(list)
    for number, row in enumerate(shares):
        day += row[-1]
        days[day].append(trade(row, day=day, number=number))
        lots.fill(days[day][-1], (), SHARE)
    expected: list[tuple[int, int, int]] = []
    account: deque[tuple[int, int, int]] = deque()
    for today, fills in days.items():
        within: deque[tuple[int, int, int]] = deque()
        for fill in fills:
            for _ in range(fill.quantity // SCALE):
                _match(within, (int(fill.side), today, fill.price), expected)
        for share in within:
            _match(account, share, expected)
    found = [
        (*(each.toordinal() - 719163 for each in days_of(lot, "UTC")), lot.gross * SCALE // lot.quantity)
        for lot in lots.closed()
        for _ in range(lot.quantity // SCALE)
    ]
    assert sorted(found) == sorted(expected)


def _match(queue: deque[tuple[int, int, int]], share: tuple[int, int, int], pairs: list[tuple[int, int, int]]) -> None:
    if queue and queue[0][0] != share[0]:
        side, opened, price = queue.popleft()
        pairs.append((opened, share[1], side * (share[2] - price)))
    else:
        queue.append(share)
