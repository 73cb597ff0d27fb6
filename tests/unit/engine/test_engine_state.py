"""A snapshot goes into the engine it was taken of and no other, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import MONDAY, Case, flat, minutes
from tradsys.core.errors import ConfigError, InvariantBroken, StrategyError
from tradsys.core.events import Bar, Fill, Product, Side
from tradsys.core.order_terms import Terms, stated
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared
from tradsys.engine.log import Numbers
from tradsys.engine.schedule import Schedule
from tradsys.engine.trading.engine_state import can_snapshot, engine_state, restore_engine, state_hash
from tradsys.engine.trading.engine_state_identity import identity_of
from tradsys.numerics.indicators import EMA, SMA, Custom
from tradsys.reference.charge_plans import charge_plan
from tradsys.strategies.base import Strategy
from tradsys.strategies.context import Context
from tradsys.strategies.parameters import Param

HERE = "tests.unit.engine.test_engine_state"
BARS = {
    "NSE:A": minutes(MONDAY, flat(100, 101, 102, 103)) + minutes(date(2024, 6, 4), flat(104, 105)),
    "NSE:B": minutes(MONDAY, flat(50, 51, 52, 53)),
}


def summed(close: Any) -> Any:
    return np.cumsum(close)


def step(memory: dict[str, Any], close: float) -> float:
    memory.setdefault("closes", []).append(close)
    return float(sum(memory["closes"]))


class Plain(Strategy):
    """Buys a share a bar, with an indicator of ours and one of the author's."""

    length: int = Param(2, low=1, high=9)

    def on_start(self, ctx: Context) -> None:
        self.mean = ctx.indicator(SMA(self.length))
        self.sum = ctx.indicator(Custom(function=summed, warmup=0, step=step))
        self.n = 0

    def on_bar(self, bar: Bar, account: Any) -> Iterator[Any]:
        self.n += 1
        yield self.buy(bar, self.n, limit=bar.close, reason=f"{self.mean.value!r} {self.sum.value!r}")


class Particular(Plain):
    """Asks for terms."""

    def on_bar(self, bar: Bar, account: Any) -> Iterator[Any]:
        yield self.buy(bar, 5, limit=1.0, display=2, post_only=True)
        yield self.buy(bar, 5, limit=1.0, validity="GTD", expires_at=bar.at + 10**12)


class Smooth(Plain):
    """The same with another indicator."""

    def on_start(self, ctx: Context) -> None:
        super().on_start(ctx)
        self.mean = ctx.indicator(EMA(self.length))


class Stuck(Plain):
    """Holds what cannot be kept."""

    def on_bar(self, bar: Bar, account: Any) -> Iterator[Any]:
        self.waiting = iter(())
        yield from super().on_bar(bar, account)


def prepared(folder: Path, *, use: str = "Plain", stepped: bool = True, **sections: Any) -> Prepared:
    details = sections.pop("instruments", {})
    names = sections.pop("names", list(BARS))
    given = sections.pop("strategies", [{"use": f"{HERE}:{use}", "params": sections.pop("params", {})}])
    bars = {name: BARS[name] for name in names}
    return Case(folder, bars, given, instruments=details, sections=sections).prepare(stepped=stepped)


def begun(folder: Path, *, rows: int = 3, **sections: Any) -> Prepared:
    """After some bars, its orders not yet carried to a venue."""
    run = prepared(folder, **sections)
    feed = run.backtest._bar_feed  # type: ignore[attr-defined]
    for bar in feed.bars(slice(0, rows)):
        for due in run.backtest._schedule.before(bar.at):
            run.backtest._due(due)
        run.engine.process(bar)
    return run


def taken(run: Prepared) -> bytes:
    return engine_state(run.engine, schedule=run.backtest._schedule, cutoffs=run.backtest._cutoffs)


def give(run: Prepared, state: bytes) -> None:
    restore_engine(run.engine, schedule=run.backtest._schedule, cutoffs=run.backtest._cutoffs, state=state)


def test_what_the_venue_has_not_heard_is_kept(tmp_path: Path) -> None:
    run, fresh = begun(tmp_path), prepared(tmp_path)
    give(fresh, taken(run))
    assert fresh.engine.outbox == run.engine.outbox and len(run.engine.outbox) == 3
    assert list(fresh.engine.working) == list(run.engine.working) == [1, 2, 3]
    assert fresh.backtest._cutoffs == run.backtest._cutoffs != {}
    bar = next(run.backtest._bar_feed.bars(slice(3, 4)))  # type: ignore[attr-defined]
    assert fresh.engine.process(bar) == run.engine.process(bar) != ()
    assert taken(fresh) == taken(run)


def test_the_terms_of_orders_are_kept(tmp_path: Path) -> None:
    run, fresh = begun(tmp_path, use="Particular"), prepared(tmp_path, use="Particular")
    give(fresh, taken(run))
    kept = [live.order.terms for live in fresh.engine.working.values()]
    assert kept == [live.order.terms for live in run.engine.working.values()]
    assert kept[0] == Terms(display=2 * SCALE, post_only=True)
    assert stated(kept[1]).expires_at > 0


def test_the_hash_is_of_the_state(tmp_path: Path) -> None:
    run, other = begun(tmp_path, rows=3), begun(tmp_path, rows=2)
    hashes = [
        state_hash(each.engine, schedule=each.backtest._schedule, cutoffs=each.backtest._cutoffs)
        for each in (run, other, begun(tmp_path, rows=3))
    ]
    assert hashes[0] == hashes[2] != hashes[1]


OTHERS: dict[str, dict[str, Any]] = {
    r"strategies\[0\].parameters.length is 2 there and 3 here": {"params": {"length": 3}},
    r"strategies\[0\].kind is 'Plain' there and 'Smooth' here": {
        "strategies": [{"use": f"{HERE}:Smooth", "name": "Plain"}]
    },
    r"strategies\[0\].name is 'Plain' there and 'other' here": {
        "strategies": [{"use": f"{HERE}:Plain", "name": "other"}]
    },
    r"strategies\[0\].product is 'CNC' there and 'MIS' here": {"execution": {"product": "MIS"}},
    r"strategies\[1\] is .* there and 'nothing' here": {"names": ["NSE:A"]},
    r"instruments.NSE:A.lots\[0\].step is 100000000 there and 500000000 here": {"instruments": {"NSE:A": {"lot": 5.0}}},
    r"cash is 100000000000000 there and 5000000000 here": {"run": {"cash": 50.0}},
}


@pytest.mark.parametrize("said", OTHERS)
def test_the_state_of_another_engine_is_refused(tmp_path: Path, said: str) -> None:
    state = taken(begun(tmp_path / "one"))
    other = prepared(tmp_path / "other", **OTHERS[said])
    before = taken(other)
    with pytest.raises(ConfigError, match=f"the snapshot is of another engine: {said}"):
        give(other, state)
    assert taken(other) == before, "nothing was changed"


def test_only_the_past_of_the_calendar_must_be_the_same(tmp_path: Path) -> None:
    run = begun(tmp_path)
    due = list(run.backtest._schedule.first(100))
    past = run.backtest._schedule.past
    state = taken(run)
    longer, fewer = Schedule([*due, due[-1]]), Schedule(due[1:])
    restore_engine(prepared(tmp_path).engine, schedule=longer, cutoffs={}, state=state)
    assert longer.past == past and longer.next_at == due[past].at
    with pytest.raises(ConfigError, match="calendar is"):
        restore_engine(prepared(tmp_path).engine, schedule=fewer, cutoffs={}, state=state)


def test_indicators_belong_to_the_identity(tmp_path: Path) -> None:
    run = prepared(tmp_path, use="Smooth")
    indicators = identity_of(run.engine, run.backtest._schedule, past=0).indicators["NSE:A"]
    assert [each.partition("(")[0] for each in indicators] == ["SMA", "Custom", "EMA"]
    assert " at 0x" not in str(indicators)


def test_bytes_that_are_no_state_are_refused(tmp_path: Path) -> None:
    state, fresh = taken(begun(tmp_path)), prepared(tmp_path)
    before = taken(fresh)
    for end in [*range(0, len(state), 97), len(state) - 1]:
        with pytest.raises(ConfigError, match="the state of an engine: it is none"):
            give(fresh, state[:end])
    assert state.count(b"\xa7version\x01") == 1
    with pytest.raises(ConfigError, match="version 2 wrote it, this one reads 1"):
        give(fresh, state.replace(b"\xa7version\x01", b"\xa7version\x02"))
    assert taken(fresh) == before


def test_only_a_fresh_engine_takes_a_state(tmp_path: Path) -> None:
    run = begun(tmp_path)
    with pytest.raises(InvariantBroken, match="processed nothing"):
        give(begun(tmp_path), taken(run))


def test_an_engine_whose_indicators_are_computed_ahead_has_no_state(tmp_path: Path) -> None:
    run = prepared(tmp_path, stepped=False)
    with pytest.raises(ConfigError, match="computed ahead"):
        taken(run)
    assert "wire the engine stepped" in can_snapshot(run.engine)


def test_a_strategy_that_cannot_be_kept_means_no_snapshot(tmp_path: Path) -> None:
    assert can_snapshot(prepared(tmp_path, use="Stuck").engine) == ""
    run = begun(tmp_path, use="Stuck")
    assert can_snapshot(run.engine).startswith("Stuck.waiting holds a tuple_iterator")
    with pytest.raises(StrategyError):
        taken(run)
    for runner in run.engine.runners:
        run.engine.silence(runner)
    assert can_snapshot(run.engine) == "", "a halted strategy needs nothing any more"


def test_money_beyond_64_bits_means_no_snapshot(tmp_path: Path) -> None:
    run = begun(tmp_path)
    run.ledger.cash = 2**70
    assert "cannot be kept" in can_snapshot(run.engine)


def test_a_halted_strategy_stays_halted(tmp_path: Path) -> None:
    run, fresh = begun(tmp_path), prepared(tmp_path)
    run.engine.silence(run.engine.runners[0])
    give(fresh, taken(run))
    assert [each.halted for each in fresh.engine.runners] == [True, False]
    bars = run.backtest._bar_feed.bars(slice(3, 8))  # type: ignore[attr-defined]
    told = {entry.body.instrument for bar in bars for entry in fresh.engine.process(bar) if entry.cause == -1}  # type: ignore[union-attr]
    assert told == {"NSE:B"}


def test_numbers_pass_over_what_was_given() -> None:
    numbers = Numbers(1)
    take = numbers.take
    assert [take(), take(), numbers.upcoming] == [1, 2, 3]
    numbers.pass_over(10**5)
    assert [numbers.upcoming, take(), numbers.upcoming] == [100_003, 100_003, 100_004]


def test_a_charge_plan_takes_its_own_counts_only() -> None:
    free, tariff = charge_plan("none", as_of=None), charge_plan("zerodha", as_of=None)
    tariff.restore(tariff.state())
    free.restore(free.state())
    with pytest.raises(ConfigError, match="charges: not a state"):
        free.restore(tariff.state())
    with pytest.raises(ConfigError, match="charges: not a state"):
        tariff.restore(free.state())


def test_turnover_beyond_64_bits_is_counted_on(tmp_path: Path) -> None:
    """Price times quantity in 1e-16: a million shares at a thousand rupees are more than 64 bits."""
    plan, other = charge_plan("zerodha", as_of=date(2025, 12, 1)), charge_plan("zerodha", as_of=date(2025, 12, 1))
    run = prepared(tmp_path)
    instrument = run.instruments["NSE:A"]
    fill = Fill(
        at=0, order_id=1, exchange_at=0, strategy="s", instrument="NSE:A", side=Side.SELL,
        quantity=10**6 * SCALE, price=1000 * SCALE, product=Product.CNC,
    )  # fmt: skip
    first = plan.on_fill(fill, instrument)
    other.restore(plan.state())
    assert other.on_fill(fill, instrument) == plan.on_fill(fill, instrument) != first
    assert other.state() == plan.state()
