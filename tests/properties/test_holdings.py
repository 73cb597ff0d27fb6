"""Laws of delivery holdings over random days of trading: nothing appears or is lost while shares settle."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import conserve
from tests.properties.test_engine import random_case
from tests.properties.test_ledger import OTHER, SHARE, STRATEGIES
from tradsys.core.events import ActionKind, Approved, CorporateAction, Fill, Product, Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import DAY, SCALE
from tradsys.portfolio.holdings import Holdings, HoldingsLedger
from tradsys.reference.clock import local_date

KEY = ("one", SHARE.id, Product.CNC)
FIRST = date(2024, 6, 3)
EPOCH = date(1970, 1, 1)
SESSIONS = [FIRST + timedelta(days=number) for number in range(60) if (FIRST + timedelta(days=number)).weekday() < 5]

Row = tuple[Side, int, int]
rows = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 40), st.integers(0, 2)), max_size=40)
cycles = st.integers(0, 2)


def trade(
    side: Side, quantity: int, *, day: date, number: int = 0, strategy: str = "one", name: str = SHARE.id
) -> Fill:
    at = (day - EPOCH).days * DAY + number
    return Fill(
        at=at, exchange_at=at, order_id=number, strategy=strategy, instrument=name, side=side,
        quantity=quantity * SCALE, price=100 * SCALE, product=Product.CNC,
    )  # fmt: skip


def later(sessions: int, traded: date) -> date:
    """So many sessions after a date."""
    return SESSIONS[SESSIONS.index(traded) + sessions]


def single_shares(fills: list[tuple[date, int]], today: date, *, cycle: int) -> Counter[str]:
    """The obvious implementation: from all fills again, one share at a time, each with the date it was bought on."""
    settled: list[date] = []
    owed = 0
    found: Counter[str] = Counter()
    for day in sorted({each for each, _ in fills}):
        bought = sum(quantity for each, quantity in fills if each == day and quantity > 0)
        sold = -sum(quantity for each, quantity in fills if each == day and quantity < 0)
        if day == today:
            found.update(bought=bought, sold=sold)
            continue
        settled += [day] * (bought - sold)
        paid = min(max(sold - bought, 0), len(settled))
        settled.sort()
        settled = settled[paid:]
        owed += max(sold - bought, 0) - paid
    for day in settled:
        found["settled" if later(cycle, day) < today else "awaiting"] += 1
    found["settled"] -= owed
    return found


@given(rows, cycles)
def test_every_share_is_where_single_shares_are(given_rows: list[Row], cycle: int) -> None:
    holdings = Holdings(zone="UTC", settles=lambda instrument, traded: later(cycle, traded))
    fills: list[tuple[date, int]] = []
    session = held = 0
    for number, (side, quantity, gap) in enumerate(given_rows):
        session = min(session + gap, len(SESSIONS) - 5)
        day = SESSIONS[session]
        # What is owed is paid with what is bought next, whenever that settles: a case of its own, below.
        if held + side * quantity < 0:
            continue
        held += side * quantity
        fill = trade(side, quantity, day=day, number=number)
        holdings.fill(fill, SHARE)
        fills.append((day, side * quantity))
        found, expected = holdings.at(KEY, SHARE, fill.at), single_shares(fills, day, cycle=cycle)
        assert found.quantity == held * SCALE
        assert (found.settled, found.awaiting) == (expected["settled"] * SCALE, expected["awaiting"] * SCALE)
        assert (found.bought_today, found.sold_today) == (expected["bought"] * SCALE, expected["sold"] * SCALE)
        assert 0 <= found.deliverable <= max(found.settled, 0)
        assert found.settled >= 0


@given(rows, cycles)
def test_asking_changes_nothing(given_rows: list[Row], cycle: int) -> None:
    asked, silent = (Holdings(zone="UTC", settles=lambda _, traded: later(cycle, traded)) for _ in range(2))
    session = 0
    for number, (side, quantity, gap) in enumerate(given_rows):
        for between in range(session, min(session + gap, len(SESSIONS) - 5)):
            asked.at(KEY, SHARE, (SESSIONS[between] - EPOCH).days * DAY)
        session = min(session + gap, len(SESSIONS) - 5)
        fill = trade(side, quantity, day=SESSIONS[session], number=number)
        asked.fill(fill, SHARE)
        silent.fill(fill, SHARE)
    end = (SESSIONS[session] - EPOCH).days * DAY + 10**9
    assert asked.at(KEY, SHARE, end) == silent.at(KEY, SHARE, end)


INSTRUMENTS: dict[str, Instrument] = {each.id: each for each in (SHARE, OTHER)}
orders = st.tuples(
    st.sampled_from(STRATEGIES), st.sampled_from(sorted(INSTRUMENTS)), st.sampled_from([Product.CNC, Product.MIS]),
    st.sampled_from(Side), st.integers(1, 40), st.integers(0, 2),
)  # fmt: skip
actions = st.tuples(st.sampled_from(list(ActionKind)), st.integers(1, 5), st.integers(1, 5))


@given(st.lists(st.one_of(orders, actions), max_size=40))
def test_holdings_are_the_positions_of_the_ledger(given_events: list[tuple[Any, ...]]) -> None:
    """Over strategies, products and corporate actions; `check` compares them after every event."""
    ledger, session = HoldingsLedger(0, "INR", zone="Asia/Kolkata"), 0
    for number, event in enumerate(given_events):
        if len(event) == 3:
            kind, old, new = event
            session = min(session + 1, len(SESSIONS) - 5)
            at = (SESSIONS[session] - EPOCH).days * DAY
            action = CorporateAction(at=at, instrument=SHARE.id, kind=kind, old=old, new=new, cash=SCALE)
            ledger.apply(action, price=SCALE)
        else:
            strategy, name, product, side, quantity, gap = event
            session = min(session + gap, len(SESSIONS) - 5)
            fill = trade(side, quantity, day=SESSIONS[session], number=number, strategy=strategy, name=name)
            fill = msgspec.structs.replace(fill, product=product)
            ledger.book(fill, 0, (), ledger.place(strategy, INSTRUMENTS[name], product))
        ledger.check()
    at = (SESSIONS[session] - EPOCH).days * DAY + 10**9
    assert local_date(at, "Asia/Kolkata") == SESSIONS[session]
    for key, held in ledger.positions.items():
        if key[2] is Product.CNC:
            assert ledger.holdings.at(key, held.instrument, at).quantity == held.quantity


@given(st.integers(0, 10**9))
@settings(max_examples=8)
def test_no_sale_of_a_run_is_approved_beyond_what_is_settled(seed: int) -> None:
    """Whole runs under `risk.sell_unsettled = false`: at each approval the holding is folded again from the log."""
    with TemporaryDirectory() as folder:
        case = random_case(Path(folder), seed)
        case.sections = {**case.sections, "risk": {"sell_unsettled": False}}
        run = case.run(watch=conserve)
    holdings, log = Holdings(zone="Asia/Kolkata"), run.backtest.log
    for entry in log:
        body = entry.body
        if isinstance(body, Fill):
            holdings.fill(body, run.instruments[body.instrument])
        elif isinstance(body, CorporateAction):
            holdings.apply(body, run.instruments[body.instrument])
        elif isinstance(body, Approved) and body.order.side is Side.SELL and body.order.product is Product.CNC:
            order = body.order
            key = (order.strategy, order.instrument, order.product)
            assert order.quantity <= holdings.at(key, run.instruments[order.instrument], order.at).deliverable
