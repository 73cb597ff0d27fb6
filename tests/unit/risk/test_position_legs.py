"""`execution.positions = "hedging"` through whole runs: legs side by side, what each check says, funding of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Case, Row, Scripted, at_bar, bodies, conserve, fills, scripted
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Bar, CashMoved, Decision, Product, Refused
from tradsys.core.units import SCALE
from tradsys.engine import settings as layered
from tradsys.engine.assemble import Prepared
from tradsys.engine.results import collect
from tradsys.engine.trading.assembly import wired_for_live
from tradsys.engine.trading.engine_state import engine_state, restore_engine
from tradsys.risk.kill_switch import KillSwitch
from tradsys.risk.kill_triggers import KillSettings

COIN = "X:COIN"
PERPETUAL = {"segment": "crypto_perpetual"}


def both(strategy: Scripted, bar: Bar) -> list[Decision]:
    """Three bought for one leg, two sold for the other."""
    return [strategy.buy(bar, 3, product="LONG"), strategy.sell(bar, 2, product="SHORT")]


LEGS = {
    0: both,
    2: lambda s, b: s.sell(b, 1, product="LONG"),
    3: lambda s, b: s.buy(b, 2, product="SHORT"),
}


def bars(*closes: float) -> list[Row]:
    return [(f"2024-06-03 00:{n + 1:02}:00", c, c, c, c, 1e6) for n, c in enumerate(closes)]


def case(folder: Path, plan: Mapping[int, Any], *, hedging: bool = True, **details: Any) -> Case:
    return Case(
        folder,
        {COIN: bars(100, 100, 110, 120, 120, 120)},
        [scripted("plan", at_bar(plan), **details.pop("section", {}))],
        instruments={COIN: {**PERPETUAL, **details}},
        sections={
            "run": {"currency": "USDT"},
            "data": {"timezone": "UTC"},
            "execution": {"positions": "hedging"} if hedging else {},
        },
    )


def play(folder: Path, plan: Mapping[int, Any], *, hedging: bool = True, **details: Any) -> Prepared:
    return case(folder, plan, hedging=hedging, **details).run(watch=conserve)


def held(run: Prepared, product: Product) -> float:
    return run.ledger.position("plan", COIN, product) / SCALE


def test_both_legs_are_held_and_closed_apart(tmp_path: Path) -> None:
    """Three bought at 100, one of them sold at 120; two sold at 100 and bought back at 120."""
    run = play(tmp_path, LEGS)
    assert [(each.product, each.side * each.quantity // SCALE, each.price // SCALE) for each in fills(run)] == [
        ("LONG", 3, 100), ("SHORT", -2, 100), ("LONG", -1, 120), ("SHORT", 2, 120),
    ]  # fmt: skip
    assert (held(run, Product.LONG), held(run, Product.SHORT)) == (2, 0)
    legs = {key[2]: each.realised // SCALE for key, each in run.ledger.positions.items()}
    assert legs == {"LONG": 20, "SHORT": -40}
    result, _ = collect(run, {})
    assert sum(each.amount for each in result.attribution) == run.ledger.equity() - run.ledger.start == 20 * SCALE
    assert sorted((trip.product, trip.side) for trip in result.trades) == [("LONG", 1), ("LONG", 1), ("SHORT", -1)]


def test_a_strategy_sees_its_legs_and_their_sum(tmp_path: Path) -> None:
    seen = []

    def look(strategy: Any, bar: Any, account: Any) -> Any:
        seen.append([account.position(COIN), *(account.position(COIN, product=leg) for leg in ("LONG", "SHORT"))])
        return both(strategy, bar) if strategy.n == 0 else None

    made = case(tmp_path, {})
    made.strategies = [scripted("plan", look)]
    made.run()
    assert seen[0] == [0, 0, 0] and seen[-1] == [1, 3, -2]


@pytest.mark.parametrize(
    ("intent", "limit", "value"),
    [
        (lambda s, b: s.sell(b, 4, product="LONG"), "3", "4"),
        (lambda s, b: s.buy(b, 5, product="SHORT"), "2", "5"),
        (lambda s, b: [s.sell(b, 2, limit=500.0, product="LONG"), s.sell(b, 2, product="LONG")], "1", "2"),
    ],
)
def test_a_leg_is_closed_by_what_it_holds(tmp_path: Path, intent: Any, limit: str, value: str) -> None:
    (found,) = bodies(play(tmp_path, {0: both, 2: intent}), Refused)
    assert (found.rule, found.limit, found.value) == ("close-beyond-leg", limit, value)


def test_closing_a_leg_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (found,) = bodies(play(tmp_path, {0: lambda s, b: s.buy(b, 1, product="SHORT")}), Refused)
    assert (found.rule, found.limit) == ("close-beyond-leg", "0")


def test_the_children_of_a_bracket_close_its_leg(tmp_path: Path) -> None:
    run = play(tmp_path, {0: lambda s, b: s.sell(b, 2, product="SHORT", stop=115.0)})
    assert not bodies(run, Refused)
    assert held(run, Product.SHORT) == 0
    assert [each.side * each.quantity // SCALE for each in fills(run)] == [-2, 2]


@pytest.mark.parametrize(("hedging", "product", "limit"), [(True, "NRML", "LONG, SHORT"), (False, "LONG", "NRML")])
def test_an_account_is_in_one_mode(tmp_path: Path, hedging: bool, product: str, limit: str) -> None:
    (found,) = bodies(play(tmp_path, {0: lambda s, b: s.buy(b, 1, product=product)}, hedging=hedging), Refused)
    assert (found.rule, found.limit, found.value) == ("position-mode", limit, product)


def test_a_target_moves_the_leg_of_its_strategy(tmp_path: Path) -> None:
    run = play(
        tmp_path, {0: lambda s, b: s.target(b, -2), 2: lambda s, b: s.target(b, 0)}, section={"product": "SHORT"}
    )
    assert [each.side * each.quantity // SCALE for each in fills(run)] == [-2, 2]


def test_both_legs_leave_their_margin(tmp_path: Path) -> None:
    plan = {0: lambda s, b: [s.buy(b, 6000, product="LONG"), s.sell(b, 6000, product="SHORT")]}
    (found,) = bodies(play(tmp_path, plan), Refused)
    assert (found.rule, found.order.product) == ("insufficient-margin", "SHORT")


def test_funding_is_of_each_leg(tmp_path: Path) -> None:
    (tmp_path / "funding.csv").write_text("time,rate\n2024-06-03T00:04:30Z,0.01\n")
    run = play(tmp_path, {0: both}, funding="funding.csv")
    assert [each.amount / SCALE for each in bodies(run, CashMoved)] == [-3.6, 2.4]


def test_only_perpetuals_have_legs(tmp_path: Path) -> None:
    (found,) = bodies(play(tmp_path, {0: lambda s, b: s.buy(b, 1, product="LONG")}, segment="crypto_spot"), Refused)
    assert (found.rule, found.limit) == ("product-not-allowed", "SPOT")


def test_a_mode_that_is_none_is_refused(tmp_path: Path) -> None:
    made = case(tmp_path, {})
    made.sections = {**made.sections, "execution": {"positions": "gross"}}
    with pytest.raises(UnknownName, match="gross"):
        made.prepare()


def test_a_live_run_nets(tmp_path: Path) -> None:
    settings = layered.load(case(tmp_path, {}).write(), environment={})
    with pytest.raises(ConfigError, match="one net position"):
        wired_for_live(settings, switch=KillSwitch(KillSettings()))


def test_a_snapshot_carries_the_legs(tmp_path: Path) -> None:
    made = case(tmp_path, {0: both})
    run, fresh = made.run(stepped=True), made.prepare(stepped=True)
    state = engine_state(run.engine, schedule=run.backtest._schedule, cutoffs=run.backtest._cutoffs)
    restore_engine(fresh.engine, schedule=fresh.backtest._schedule, cutoffs=fresh.backtest._cutoffs, state=state)
    assert (held(fresh, Product.LONG), held(fresh, Product.SHORT)) == (3, -2)
