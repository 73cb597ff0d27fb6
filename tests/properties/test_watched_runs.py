"""Laws of whole runs under watch, over random strategies and prices: read off the decision log alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import Case
from tests.properties.test_engine import check_log, encoded, random_case
from tradsys.core.events import Approved, CorporateAction, Entry, Fill, Order, Product
from tradsys.core.risk_events import BreakerReset, BreakerTripped, HaltScope, Liquidating
from tradsys.core.units import SCALE
from tradsys.engine.accounts import fold, reconcile
from tradsys.engine.assemble import Prepared
from tradsys.engine.liquidation import LIQUIDATION

RISK = {
    "monitoring": {
        "drawdown": 0.01, "daily_loss": 200, "gross_exposure": 0.4, "margin_call": 0.2, "stale_seconds": 90,
        "liquidate_gross": 0.6, "liquidate_margin": 0.3,
    },
    "breakers": {
        "volatility": {"limit": 0.02, "window_seconds": 180, "reset": "after", "reset_seconds": 240},
        "daily_loss": {"limit": 300, "reset": "next_day"},
        "loss_streak": {"limit": 3, "reset": "after", "reset_seconds": 600},
        "instrument_streak": {"limit": 2, "reset": "after", "reset_seconds": 120},
        "low_profit": {"trades": 4, "limit": 10.0, "reset": "next_day"},
        "liquidation": {"reset": "after", "reset_seconds": 300},
    },
}  # fmt: skip


def watched(folder: Path, seed: int) -> Case:
    case = random_case(folder, seed, cheap=True)
    return replace(case, sections={**case.sections, "risk": RISK})


class Account:
    """Positions and halts as the lines of a log tell them, one after the other."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str, Product], int] = {}
        self.halts: dict[tuple[str, str], HaltScope] = {}

    def take(self, entry: Entry) -> None:
        body = entry.body
        if isinstance(body, Approved):
            self.judge(body.order)
        elif isinstance(body, Fill):
            self.book(body)
        elif isinstance(body, CorporateAction):
            self.carry(body)
        elif isinstance(body, BreakerTripped):
            assert (body.breaker, body.subject) not in self.halts, "a halt is told once"
            self.halts[body.breaker, body.subject] = body.scope
        elif isinstance(body, BreakerReset):
            del self.halts[body.breaker, body.subject]

    def judge(self, order: Order) -> None:
        held = -self.held.get((order.strategy, order.instrument, order.product), 0) * order.side
        if self.is_halted(order):
            assert order.quantity <= held, f"order {order.order_id} opens under a halt"
        if order.reason == LIQUIDATION:
            assert order.quantity <= held, f"order {order.order_id} closes more than is held"

    def carry(self, action: CorporateAction) -> None:
        """Whole shares after an ex-date."""
        for key, held in self.held.items():
            if key[1] == action.instrument:
                size = abs(held) * action.new // action.old // SCALE * SCALE
                self.held[key] = size if held > 0 else -size

    def is_halted(self, order: Order) -> bool:
        scopes = {(scope, subject) for (_, subject), scope in self.halts.items()}
        mine = ((HaltScope.ACCOUNT, ""), (HaltScope.STRATEGY, order.strategy), (HaltScope.INSTRUMENT, order.instrument))
        return any(each in scopes for each in mine)

    def book(self, fill: Fill) -> None:
        key = (fill.strategy, fill.instrument, fill.product)
        before = self.held.get(key, 0)
        self.held[key] = before + fill.side * fill.quantity
        if fill.reason == LIQUIDATION:
            assert before * self.held[key] >= 0 and abs(self.held[key]) < abs(before), "a forced closing never turns"


def run_of(seed: int, *, stepped: bool = False) -> Prepared:
    with TemporaryDirectory() as folder:
        return watched(Path(folder), seed).run(stepped=stepped)


@given(st.integers(0, 10**9))
@settings(max_examples=40)
def test_nothing_opens_under_a_halt_and_forced_closings_only_close(seed: int) -> None:
    prepared = run_of(seed)
    check_log(prepared)
    history = fold(prepared.backtest.log, prepared.instruments, cash=prepared.ledger.start, currency="INR")
    reconcile(history, prepared.ledger)
    account = Account()
    for entry in prepared.backtest.log:
        account.take(entry)


@given(st.integers(0, 10**9))
@settings(max_examples=10)
def test_a_run_says_the_same_again_and_stepped_as_live(seed: int) -> None:
    ahead, again, stepped = run_of(seed), run_of(seed), run_of(seed, stepped=True)
    assert encoded(ahead.backtest.log) == encoded(again.backtest.log) == encoded(stepped.backtest.log)


def test_the_runs_above_are_no_idle_ones() -> None:
    kinds = {type(each.body) for seed in range(6) for each in run_of(seed).backtest.log}
    assert {BreakerTripped, BreakerReset, Liquidating} <= kinds
