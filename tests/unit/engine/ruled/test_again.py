"""A run with rules, run again: from its folder, on copies of its data, and to explain one order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.engine.ruled.runs import case
from tradsys.core.errors import DataError
from tradsys.engine.explanation import explain_order
from tradsys.engine.live_replay import open_any
from tradsys.engine.replay import replay
from tradsys.engine.run import backtest
from tradsys.engine.verify import verify

STRATEGY = """from tradsys import Strategy


class Two(Strategy):
    def on_start(self, ctx):
        self.n = 0

    def on_bar(self, bar, account):
        self.n += 1
        if self.n == 4:
            yield self.buy(bar, 1, limit=101.0)
            yield self.buy(bar, 1, limit=130.0)
"""


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One order that passes and one outside the band; the facts lie beside the run file."""
    folder = tmp_path_factory.mktemp("again")
    (folder / "two.py").write_text(STRATEGY)
    return case(folder, [{"use": "two.py:Two"}]).write()


def test_its_folder_decides_the_same_again(run_file: Path) -> None:
    outcome = backtest(run_file, environment={}, out=run_file.parent / "out")
    found = replay(open_any(outcome.folder)).verdict()
    assert found["verified"] and found["first_difference"] is None
    assert [each.rule for each in outcome.result.refusals] == ["sebi-price-band"]


def test_copies_of_its_data_have_its_facts(run_file: Path) -> None:
    found = verify(run_file)
    assert (found["verified"], found["first"]) == (True, None)


def test_changed_facts_are_other_data(run_file: Path) -> None:
    outcome = backtest(run_file, environment={}, out=run_file.parent / "changed")
    facts = run_file.parent / "surveillance.csv"
    before = facts.read_text()
    facts.write_text(before.replace("none", "T2T"))
    try:
        with pytest.raises(DataError, match=r"surveillance\.csv"):
            replay(open_any(outcome.folder))
    finally:
        facts.write_text(before)


def test_each_rule_says_its_word_on_an_order(run_file: Path) -> None:
    """Fused in the run, one by one in the explanation."""
    saved = open_any(backtest(run_file, environment={}, out=run_file.parent / "why").folder)
    passed, refused = (
        {each["check"]: each["passed"] for each in explain_order(saved, order)["checks"]} for order in (1, 2)
    )
    rules = {name for name in passed if name.startswith("sebi-")}
    assert {"sebi-algo-id", "sebi-price-band", "sebi-self-trade", "sebi-order-rate"} <= rules
    assert all(passed.values())
    assert refused["sebi-price-band"] is False
    assert "sebi-order-rate" not in refused, "nobody asks after a refusal"
