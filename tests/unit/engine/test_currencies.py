"""Runs with a share in dollars in an account in rupees: what is booked, sized, refused and left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import Case, Row, at_bar, bodies, conserve, days, fills, flat, scripted
from tradsys.core.errors import ConfigError, DataError, MissingData
from tradsys.core.events import CashMoved, Charged, Refused
from tradsys.core.rates import RateSet
from tradsys.core.units import SCALE
from tradsys.engine import settings as layered
from tradsys.engine.bookings import tax_report_of
from tradsys.engine.replay import replay
from tradsys.engine.results import collect
from tradsys.engine.run import backtest
from tradsys.engine.run_diff import difference
from tradsys.engine.runner import mark_open
from tradsys.engine.saved_run import open_run
from tradsys.engine.trading.assembly import wired_for_live
from tradsys.engine.trading.engine_state import engine_state, restore_engine
from tradsys.portfolio.currencies import CurrencyLedger
from tradsys.risk.kill_switch import KillSwitch
from tradsys.risk.kill_triggers import KillSettings

ABROAD = {"segment": "equity", "currency": "USD"}
RATES = "2024-06-03,USD,80\n2024-06-05,USD,82\n2024-06-06,USD,81\n"
BUY_AND_SELL = {0: lambda s, b: s.buy(b, 10), 2: lambda s, b: s.sell(b, 10)}


def case(
    folder: Path,
    plan: Mapping[int, Any] = BUY_AND_SELL,
    *,
    rates: str | None = RATES,
    bars: Sequence[Row] | None = None,
    details: Mapping[str, Any] = ABROAD,
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    **strategy: Any,
) -> Case:
    """A share at 100, 100, 110, 120 and 120 dollars, from Monday, 3 June 2024 on; orders trade on the day after."""
    folder.mkdir(parents=True, exist_ok=True)
    given: dict[str, dict[str, Any]] = {"charges": {"plan": "flat", "rate": 0.001}, "data": {"timezone": "UTC"}}
    for name, section in (sections or {}).items():
        given[name] = {**given.get(name, {}), **section}
    if rates is not None:
        (folder / "rates.csv").write_text("date,currency,rate\n" + rates)
        given["data"]["rates"] = "rates.csv"
    return Case(
        folder,
        {"US:A": bars or days(flat(100, 100, 110, 120, 120))},
        [scripted("plan", at_bar(plan), **strategy)],
        instruments={"US:A": details},
        sections=given,
        interval="1d",
    )


def test_fills_are_booked_at_the_rate_of_their_day(tmp_path: Path) -> None:
    """Ten for 100 dollars at 80, sold at 120 dollars at 81; a thousandth of each is charged."""
    run = case(tmp_path).run(watch=conserve)
    assert [each.price // SCALE for each in fills(run)] == [100, 120], "the log has what the venue said"
    assert [(each.rate // SCALE) for each in bodies(run, RateSet)] == [80, 82, 81]
    assert [each.total // SCALE for each in bodies(run, Charged)] == [80, 97]
    assert run.ledger.realised == (97_200 - 80_000) * SCALE
    assert run.ledger.equity() == 1_000_000 * SCALE + 17_200 * SCALE - run.ledger.charges


def test_what_is_held_is_worth_the_latest_rate(tmp_path: Path) -> None:
    run = case(tmp_path, {0: lambda s, b: s.buy(b, 10)}).run(watch=conserve)
    mark_open(run.ledger, run.engine.markets)
    assert run.ledger.unrealised() == (10 * 120 * 81 - 80_000) * SCALE


def test_results_are_in_the_currency_of_the_account(tmp_path: Path) -> None:
    run = case(tmp_path).run()
    result, _ = collect(run, {})
    assert [each / SCALE for each in result.fills.price] == [8000.0, 9720.0]
    (trip,) = result.trades
    assert (trip.gross, trip.exit_price) == (17_200 * SCALE, 9720 * SCALE)
    held = np.array([0, 10 * 100 * 80, 10 * 110 * 82, 0, 0])
    paid = np.array([0, 80_080, 80_080, 80_177.2 - 97_200, 80_177.2 - 97_200])
    assert result.equity / SCALE == pytest.approx(1_000_000 - paid + held)
    assert sum(each.amount for each in result.attribution) == run.ledger.equity() - run.ledger.start
    assert result.prices[0].close.tolist() == pytest.approx([8000, 8000, 9020, 9720, 9720])
    (note,) = [each for each in result.assumptions if "USD" in each]
    assert "booked in INR" in note and "3 rates, from 80 (2024-06-03) to 81 (2024-06-06)" in note


def test_signals_are_sized_by_what_a_share_costs_here(tmp_path: Path) -> None:
    sizer = {"kind": "fraction_of_equity", "value": 0.5}
    run = case(tmp_path, {0: lambda s, b: s.signal(b, 1.0)}, sizer=sizer).run()
    assert [each.quantity // SCALE for each in fills(run)] == [500_000 // 8000]


def test_what_cannot_be_paid_is_refused_in_the_currency_of_the_account(tmp_path: Path) -> None:
    (found,) = bodies(case(tmp_path, {0: lambda s, b: s.buy(b, 126)}).run(), Refused)
    assert (found.rule, found.value) == ("insufficient-cash", "₹10,08,000.00")
    assert not bodies(case(tmp_path, {0: lambda s, b: s.buy(b, 124)}).run(), Refused)


def test_dividends_are_converted(tmp_path: Path) -> None:
    (tmp_path / "actions.csv").write_text(
        "instrument,ex_date,kind,ratio,cash,source\nNSE:A,2024-06-06,dividend,,1,made up\n"
    )
    bars = days(flat(100, 100, 110, 120, 120))
    made = case(tmp_path, {0: lambda s, b: s.buy(b, 10)}, sections={"data": {"corporate_actions": "actions.csv"}})
    made.bars, made.instruments = {"NSE:A": bars}, {"NSE:A": {"currency": "USD"}}
    (moved,) = bodies(made.run(watch=conserve), CashMoved)
    assert (moved.amount, moved.reason) == (10 * 81 * SCALE, "dividend")


def test_a_rate_before_the_run_is_in_force_when_it_begins(tmp_path: Path) -> None:
    run = case(tmp_path, rates="2024-05-29,USD,70\n2024-05-31,USD,79.5\n2024-06-06,USD,81\n").run()
    assert [each.rate / SCALE for each in bodies(run, RateSet)] == [79.5, 81.0]


def test_a_rate_with_an_instant_is_known_from_then_on(tmp_path: Path) -> None:
    run = case(tmp_path, rates="2024-06-03,USD,80\n2024-06-07T06:00:00+00:00,USD,99\n").run(watch=conserve)
    assert run.ledger.realised == (10 * 120 * 80 - 80_000) * SCALE


@pytest.mark.parametrize(
    ("rates", "kind", "words"),
    [
        (None, ConfigError, "data.rates names no rates"),
        ("2024-06-05,USD,82\n", MissingData, "no rate of USD for US:A on 2024-06-0"),
        ("2024-05-20,USD,82\n", MissingData, "no rate of USD for US:A on 2024-06-0"),
        ("2024-06-03,EUR,82\n", MissingData, "no rate of USD"),
        ("2024-06-03,USD,0\n", DataError, "line 2: a rate must be positive"),
        ("2024-06-03,USD,abc\n", DataError, "line 2: not a number"),
        ("2024-06-03,USD,1\n2024-06-03,USD,2\n", DataError, "line 3: a second rate"),
        ("03/06/2024,USD,1\n", DataError, "not a date"),
        ("2024-06-03,,1\n", DataError, "no currency"),
        ("2024-06-03,USD,0.0000005\n", ConfigError, "too small"),
    ],
)
def test_what_cannot_be_converted_is_refused_before_the_run(
    tmp_path: Path, rates: str | None, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        case(tmp_path, rates=rates).prepare()


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    made = case(tmp_path)
    (tmp_path / "rates.csv").write_text("date,rate\n2024-06-03,80\n")
    with pytest.raises(DataError, match="columns of rates"):
        made.prepare()
    (tmp_path / "rates.csv").unlink()
    with pytest.raises(MissingData, match="no rates at"):
        made.prepare()


def test_a_contract_settled_by_difference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="settled by difference"):
        case(tmp_path, details={"segment": "crypto_perpetual", "currency": "USD"}).prepare()


@pytest.mark.parametrize("name", ["limits", "monitoring", "breakers"])
def test_what_measures_instruments_in_their_own_currency_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"risk.{name} would measure"):
        case(tmp_path, sections={"risk": {name: {}}}).prepare()


def test_a_live_run_has_one_currency(tmp_path: Path) -> None:
    settings = layered.load(case(tmp_path).write(), environment={})
    with pytest.raises(ConfigError, match="account's currency alone"):
        wired_for_live(settings, switch=KillSwitch(KillSettings()))


def test_a_saved_run_is_repeated_compared_and_reported(tmp_path: Path) -> None:
    outcome = backtest(case(tmp_path).write(), environment={}, out=tmp_path / "runs")
    saved = open_run(outcome.folder)
    assert any(path.name == "rates.csv" for path in saved.inputs)
    assert replay(saved).verdict()["verified"]
    (lot,) = tax_report_of(saved).lots
    assert (lot.cost, lot.consideration) == (80_000 * SCALE, 97_200 * SCALE)
    dearer = backtest(
        case(tmp_path / "other", rates="2024-06-03,USD,90\n").write(), environment={}, out=tmp_path / "runs"
    )
    gap = difference(a=saved, b=open_run(dearer.folder))["gap"]
    assert gap["total"] == dearer.prepared.ledger.equity() - outcome.prepared.ledger.equity()
    assert sum(amount for name, amount in gap.items() if name != "total") == gap["total"]


def test_a_snapshot_carries_the_rates(tmp_path: Path) -> None:
    made = case(tmp_path, {0: lambda s, b: s.buy(b, 10)})
    run = made.run(stepped=True)
    schedule, cutoffs = run.backtest._schedule, run.backtest._cutoffs
    state = engine_state(run.engine, schedule=schedule, cutoffs=cutoffs)
    fresh = made.prepare(stepped=True)
    restore_engine(fresh.engine, schedule=fresh.backtest._schedule, cutoffs=fresh.backtest._cutoffs, state=state)
    assert isinstance(fresh.ledger, CurrencyLedger) and fresh.ledger.rates == {"USD": 81 * SCALE}
    assert fresh.ledger.equity() == run.ledger.equity()
    assert fresh.engine.markets["US:A"].conversion == 81.0
    again = engine_state(fresh.engine, schedule=fresh.backtest._schedule, cutoffs=fresh.backtest._cutoffs)
    assert again == state
