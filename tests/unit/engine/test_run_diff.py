"""Two runs side by side: the first decision that differs, and a gap in money that adds up to the last unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, Case, at_bar, days, flat, minutes, scripted
from tests.saved_runs import PLAN, PRICES, kept, planned, sample_store, shipped
from tradsys.core.errors import ConfigError
from tradsys.core.units import SCALE, from_text
from tradsys.engine.profit_gap import CAUSES
from tradsys.engine.run import backtest
from tradsys.engine.run_diff import difference
from tradsys.engine.saved_run import SavedRun, open_run

IN_AND_OUT = {0: lambda s, b: s.buy(b, 10, reason="in"), 2: lambda s, b: s.sell(b, 10, reason="out")}


def compared(a: SavedRun, b: SavedRun) -> dict[str, Any]:
    """The difference, whose causes add up exactly, and to the negative the other way round."""
    found = difference(a=a, b=b)
    gap, back = found["gap"], difference(a=b, b=a)["gap"]
    assert sum(gap[cause] for cause in CAUSES) == gap["total"] == -back["total"]
    assert gap["total"] == from_text(found["final_equity"]["b"]) - from_text(found["final_equity"]["a"])
    assert set(gap) == {*CAUSES, "total"}
    return found


def money(found: dict[str, Any]) -> dict[str, float]:
    """What is not nothing, in rupees."""
    return {cause: amount / SCALE for cause, amount in found["gap"].items() if amount and cause != "total"}


def test_the_same_run_twice_is_equal(tmp_path: Path) -> None:
    found = compared(kept(planned(tmp_path / "a")), kept(planned(tmp_path / "b")))
    assert found["equal"] and found["first_difference"] is None and not any(found["gap"].values())
    assert found["decisions"]["a"] == found["decisions"]["b"] == found["decisions"]["in_both"] > 5
    assert found["settings"] == {} == found["data"] and found["code"].keys() <= {"tradsys"}


def test_slippage_is_a_cause_of_its_own(tmp_path: Path) -> None:
    """Bought 10 at 101 instead of 100 and sold them at 103.95 instead of 105, without charges."""
    case = planned(tmp_path, IN_AND_OUT, charges={"plan": "none"})
    found = compared(kept(case), kept(case, flags=["execution.slippage_bps=100"]))
    assert money(found) == {"prices": -20.5} and not found["equal"]
    first = found["first_difference"]
    assert (first["kind"], first["fields"], first["a"]["body"]["event"]) == ("changed", ["body.price"], "Fill")
    for side in ("a", "b"):
        assert first["inputs"][side]["cause"]["body"]["event"] == "Approved"
        (bar,) = first["inputs"][side]["data"]
        assert bar["kind"] == "Bar" and bar["at"] == first[side]["at"] and bar["open"] == 100.0
    assert found["settings"] == {"execution.slippage_bps": {"a": 0, "b": 100}}


def test_charges_and_the_opening_balance(tmp_path: Path) -> None:
    case = planned(tmp_path, IN_AND_OUT)
    found = compared(kept(case), kept(case, flags=["charges.rate=0.002", "run.cash=1000001"]))
    assert money(found) == {"charges": -2.05, "start": 1.0}


def test_a_trade_missing_is_quantity(tmp_path: Path) -> None:
    """b never sells: it holds 10 at the last price 97, where a sold them at 105."""
    a = kept(planned(tmp_path / "a", IN_AND_OUT, charges={"plan": "none"}))
    b = kept(planned(tmp_path / "b", {0: IN_AND_OUT[0]}, charges={"plan": "none"}))
    found = compared(a, b)
    assert money(found) == {"quantities": -80.0}
    assert found["first_difference"]["kind"] == "only_a" and found["first_difference"]["b"] is None


def test_a_trade_earlier_is_timing(tmp_path: Path) -> None:
    """b sells a bar earlier, at 102 instead of 105."""
    earlier = {0: IN_AND_OUT[0], 1: IN_AND_OUT[2]}
    a = kept(planned(tmp_path / "a", IN_AND_OUT, charges={"plan": "none"}))
    b = kept(planned(tmp_path / "b", earlier, charges={"plan": "none"}))
    assert money(compared(a, b)) == {"timing": -30.0}


def test_a_line_more_is_told_from_a_line_changed(tmp_path: Path) -> None:
    """b has a trade more in between; all its numbers are others from there on, its content is not."""
    more = {**PLAN, 1: lambda s, b: s.buy(b, 1, limit=1.0, reason="far away")}
    a, b = kept(planned(tmp_path / "a")), kept(planned(tmp_path / "b", more))
    found = compared(a, b)
    assert found["first_difference"]["kind"] == "only_b"
    assert found["first_difference"]["b"]["body"]["reason"] == "far away"
    assert found["decisions"]["in_both"] == found["decisions"]["a"], "every line of a has its counterpart"
    assert money(found) == {}, "it never traded"
    other = {**PLAN, 0: lambda s, b: s.buy(b, 11, reason="in")}
    found = compared(a, kept(planned(tmp_path / "c", other)))
    assert (found["first_difference"]["kind"], found["first_difference"]["fields"]) == ("changed", ["body.quantity"])


def test_dividends_are_cash_moves_and_splits_are_no_gain(tmp_path: Path) -> None:
    bars = {"NSE:A": days(flat(100, 100, 100, 50, 50, 50))}
    hold = [scripted("hold", at_bar({0: lambda s, b: s.buy(b, 7)}), product="CNC")]
    (tmp_path / "actions.csv").write_text(
        "instrument,ex_date,kind,ratio,cash,source\n"
        "NSE:A,2024-06-05,dividend,,2.5,test\nNSE:A,2024-06-06,split,1:2,,test\n"
    )
    case = Case(tmp_path, bars, hold, interval="1d", sections={"data": {"corporate_actions": "actions.csv"}})
    both = kept(case)
    (tmp_path / "actions.csv").write_text(
        "instrument,ex_date,kind,ratio,cash,source\nNSE:A,2024-06-06,split,1:2,,test\n"
    )
    split = kept(case)
    assert money(compared(both, split)) == {"cash_moves": -17.5}
    found = compared(split, kept(case, flags=["execution.slippage_bps=100"]))
    assert money(found) == {"prices": -7.0}
    note = difference(a=both, b=split)["first_difference"]["inputs"]["a"]["note"]
    assert "actions.csv is not what the run read" in note


def test_other_last_prices_of_what_is_held(tmp_path: Path) -> None:
    a = kept(planned(tmp_path / "a", {0: IN_AND_OUT[0]}, charges={"plan": "none"}))
    case = planned(tmp_path / "b", {0: IN_AND_OUT[0]}, charges={"plan": "none"})
    path = case.write()
    bars = tmp_path / "b" / "bars0.csv"
    bars.write_text(bars.read_text().replace("98,99,96,97", "98,99,96,98"))
    b = open_run(backtest(path, environment={}, out=tmp_path / "out").folder)
    found = compared(a, b)
    assert money(found) == {"valuation": 10.0} and list(found["data"]) == ["NSE:A"]
    assert found["first_difference"] is None and not found["equal"]


@pytest.fixture(scope="module")
def through_a_bonus(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> list[SavedRun]:
    """A strategy that ships, through a bonus issue, on two assumptions."""
    folder = tmp_path_factory.mktemp("bonus")
    store = sample_store(repository, folder / "store")
    use = "strategies/two_day_reversal.py:TwoDayReversal"
    first = shipped(use, store=store, repository=repository, folder=folder)
    flags = ["execution.slippage_bps=12", "execution.participation=0.03", "charges.as_of=2025-06-02"]
    second = backtest(folder / "run.toml", flags=flags, environment={}, out=folder / "other").folder
    return [open_run(first), open_run(second)]


def test_a_real_run_adds_up(through_a_bonus: list[SavedRun]) -> None:
    found = compared(*through_a_bonus)
    assert found["gap"]["prices"] < 0 and found["gap"]["charges"] != 0 != found["gap"]["quantities"]
    assert abs(found["gap"]["rounding"]) < 200 * SCALE, "a fraction of a share at most"


def test_two_currencies_are_not_compared(tmp_path: Path) -> None:
    a = kept(planned(tmp_path / "a"))
    dollars = Case(
        tmp_path / "b",
        {"SIM:X": minutes(MONDAY, PRICES)},
        [scripted("idle", lambda s, b, a: None)],
        instruments={"SIM:X": {"segment": "crypto_spot", "tick": 0.01, "lot": 1}},
        sections={"run": {"currency": "USD"}, "data": {"timezone": "Asia/Kolkata"}},
    )
    with pytest.raises(ConfigError, match="two currencies"):
        difference(a=a, b=kept(dollars))
