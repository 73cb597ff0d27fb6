"""What a run leaves behind of its holdings: the result, the file and the tear sheet."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.builders import Case, at_bar, days, flat, scripted
from tradsys.engine.results import collect
from tradsys.engine.run import Outcome, backtest

PLAN = {
    0: lambda s, b: s.buy(b, 10),
    3: lambda s, b: s.buy(b, 5),
    4: lambda s, b: s.buy(b, 4),
    5: lambda s, b: s.sell(b, 3),
}


def case(folder: Path, plan: Mapping[int, Any] = PLAN, **details: Any) -> Case:
    """Seven days from a Monday on: bought on Tuesday, Friday and Monday, sold on the last day, a Tuesday."""
    instrument = details.pop("instrument", "NSE:A")
    return Case(
        folder,
        {instrument: days(flat(*[100.0] * 7))},
        [scripted("plan", at_bar(plan), **details.pop("section", {}))],
        instruments={instrument: details},
        interval="1d",
    )


def test_the_last_day_is_told_apart(tmp_path: Path) -> None:
    result, _ = collect(case(tmp_path).run(), {})
    (held,) = result.holdings
    found = (held.settled, held.awaiting, held.bought_today, held.sold_today, held.quantity)
    assert [each // 10**8 for each in found] == [15, 4, 0, 3, 16]


def test_a_bonus_is_carried(tmp_path: Path) -> None:
    (tmp_path / "actions.csv").write_text(
        "instrument,ex_date,kind,ratio,cash,source\nNSE:A,2024-06-11,bonus,1:1,,made up\n"
    )
    made = case(tmp_path)
    made.sections = {"data": {"corporate_actions": "actions.csv"}}
    result, _ = collect(made.run(), {})
    (held,) = result.holdings
    assert [each // 10**8 for each in (held.settled, held.awaiting, held.bought_today)] == [15, 4, 19]


def test_nothing_is_said_of_what_no_table_covers(tmp_path: Path) -> None:
    for number, details in enumerate(({"instrument": "NYSE:A", "segment": "equity"}, {"instrument": "X:COIN"})):
        result, _ = collect(case(tmp_path / str(number), {0: lambda s, b: s.buy(b, 10)}, **details).run(), {})
        assert result.holdings == []


def finished(folder: Path, plan: Mapping[int, Any]) -> Outcome:
    return backtest(case(folder, plan).write(), environment={}, out=folder / "runs")


def test_the_file_and_the_page(tmp_path: Path) -> None:
    outcome = finished(tmp_path, PLAN)
    with (outcome.folder / "holdings.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert {name: row[name] for name in ("instrument", "quantity", "awaiting", "deliverable")} == {
        "instrument": "NSE:A", "quantity": "16", "awaiting": "4", "deliverable": "12",
    }  # fmt: skip
    assert "Awaiting settlement" in (outcome.folder / "report.html").read_text()


def test_a_run_that_ends_flat_has_none(tmp_path: Path) -> None:
    outcome = finished(tmp_path, {0: lambda s, b: s.buy(b, 10), 1: lambda s, b: s.sell(b, 10)})
    assert not (outcome.folder / "holdings.csv").exists()
    assert "Awaiting settlement" not in (outcome.folder / "report.html").read_text()
