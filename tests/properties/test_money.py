"""Money over random strategies on futures, spot and shares, and every random life of an account under random ends."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import MONDAY, Case, Row, conserve, fills, minutes, scripted
from tests.properties.test_engine import wishes
from tradsys.core.events import Charged, Fill, Product
from tradsys.core.units import SCALE
from tradsys.engine.accounts import fold, reconcile

COIN, SHARE = "BINANCE:COIN", "NSE:A"


def noise(chance: random.Random, count: int, *, start: float, tick: float) -> list[Row]:
    rows, price = [], start
    for _ in range(count):
        opened, closed = (price * (1 + chance.uniform(-0.02, 0.02)) for _ in range(2))
        high, low = max(opened, closed) * 1.005, min(opened, closed) * 0.995
        prices = [round(round(each / tick) * tick, 8) for each in (opened, high, low, closed)]
        rows.append((*prices, float(chance.choice([0, 3, 1000]))))
        price = prices[3]
    return minutes(MONDAY, rows)


@given(st.integers(0, 10**9))
@settings(max_examples=25)
def test_cash_is_what_fills_and_charges_made_of_it(seed: int) -> None:
    """An oracle without positions: cash = start − Σ signed notional − charges, all paid in full on a spot market."""
    chance = random.Random(seed)

    def script(strategy: Any, bar: Any, account: Any) -> Any:
        yield from wishes(random.Random(f"{seed}{bar.at}"), strategy, bar)

    with TemporaryDirectory() as folder:
        run = Case(
            Path(folder),
            {COIN: noise(chance, 60, start=0.731, tick=0.0001)},
            [scripted(f"coin{seed}", script, product="SPOT")],
            instruments={COIN: {"tick": 0.0001, "lot": 0.001}},
            sections={
                "run": {"currency": "USDT", "cash": 5_000.0},
                "execution": {"slippage_bps": 3, "participation": 0.5},
                "charges": {"plan": "crypto", "maker": 0.0002, "taker": 0.0011},
            },
        ).run(watch=conserve)
    paid = sum(fill.side * fill.price * fill.quantity for fill in fills(run))
    assert paid % SCALE == 0, "price steps times lots are whole units of money"
    charges = sum(each.body.total for each in run.backtest.log if type(each.body) is Charged)
    assert run.ledger.cash == 5_000 * SCALE - paid // SCALE - charges
    held = sum(fill.side * fill.quantity for fill in fills(run))
    assert run.ledger.position(f"coin{seed}", COIN, Product.SPOT) == held >= 0


@given(st.integers(0, 10**9))
@settings(max_examples=15)
def test_futures_keep_the_law_through_their_expiry(seed: int) -> None:
    chance = random.Random(seed)

    def script(strategy: Any, bar: Any, account: Any) -> Any:
        own = random.Random(f"{seed}{bar.at}")
        if own.random() < 0.3:
            yield strategy.target(bar, own.choice([-50.0, -25.0, 0.0, 25.0, 75.0]))

    rows = noise(chance, 40, start=200.0, tick=0.05)
    expiring = [(row[0].replace("2024-06-03", "2024-06-27"), *row[1:]) for row in rows]
    after = [(row[0].replace("2024-06-03", "2024-06-28"), *row[1:]) for row in rows[:3]]
    with TemporaryDirectory() as folder:
        run = Case(
            Path(folder),
            {"NFO:FUT": [*expiring, *after]},
            [scripted(f"future{seed}", script)],
            instruments={"NFO:FUT": {"segment": "future", "expiry": "2024-06-27", "underlying": "X:Y", "lot": 25.0}},
            sections={"run": {"cash": 20_000.0}, "charges": {"plan": "zerodha", "as_of": "2025-12-01"}},
        ).run(watch=conserve)
    assert not run.ledger.open_positions
    assert not run.engine.working
    gains = sum(-fill.side * fill.price * fill.quantity // SCALE for fill in fills(run))
    charges = sum(each.body.total for each in run.backtest.log if type(each.body) is Charged)
    assert run.ledger.cash == 20_000 * SCALE + gains - charges
    history = fold(run.backtest.log, run.instruments, cash=run.ledger.start, currency="INR")
    reconcile(history, run.ledger)
    assert len([each for each in run.backtest.log if type(each.body) is Fill]) == len(history.fills)
