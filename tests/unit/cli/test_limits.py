"""`tradsys limits` on a process that trades: one person lowers a limit, two of different roles raise it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tools.kill_scene import ServedVenue, Trader, write_scene
from tradsys.cli.application import verbs
from tradsys.core.errors import ConfigError, InputRefused, ResourceError
from tradsys.engine.control.protocol import Stop


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[ServedVenue]:
    served = ServedVenue(tmp_path, delay_ms=0)
    yield served
    served.close()


def limited(venue: ServedVenue, folder: Path, limits: str = "order_value = 1e6\nrepeated_executions = 1000") -> Path:
    path = write_scene(folder, port=venue.port, seconds=60)
    path.write_text(path.read_text() + f"\n[risk.limits]\n{limits}\n")
    return path


def limits(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(verbs, ["limits", str(folder), *words])


def figures(folder: Path) -> dict[str, Any]:
    done = limits(folder, "--json")
    assert done.exit_code == 0, done.output
    return {
        f"{each['kind']} {each['name']}".strip() + f" {each['limit']}": each["most"]
        for each in json.loads(done.stdout)["limits"]
    }


def test_people_change_limits_and_a_restart_keeps_them(venue: ServedVenue, tmp_path: Path) -> None:
    run_file, run = limited(venue, tmp_path), tmp_path / "run"
    trader = Trader(run_file, run)
    trader.wait_for("reconciled")
    assert figures(run) == {"account order_value": 1e6, "account repeated_executions": 1000}
    assert limits(run, "order_value", "5e5", "--by", "asha:trader", "--reason", "thin book").exit_code == 0
    raised = limits(run, "order_value", "6e5", "--by", "asha:trader", "--reason", "again")
    assert isinstance(raised.exception, InputRefused) and "two people of two roles" in str(raised.exception)
    both = ("--by", "asha:trader", "--by", "ravi:compliance", "--reason", "agreed")
    assert limits(run, "order_value", "600,000", *both).exit_code == 0
    assert limits(run, "open_value", "2e6", "--of", "segment:equity", *both[:2], *both[4:]).exit_code == 0
    assert limits(run, "repeated_executions", "none", *both).exit_code == 0
    after = {"account order_value": 6e5, "segment equity open_value": 2e6}
    assert figures(run) == after
    trader.process.kill()
    again = Trader(run_file, run)
    again.wait_for("reconciled")
    assert figures(run) == after
    line = limits(run).stdout.splitlines()[0]
    assert "600,000" in line and "changed by asha (trader) and ravi (compliance)" in line
    again.ask(Stop(reason="seen"))
    assert again.wait() == 0


WRONG = (
    (("order_valu", "5"), "order_value"),
    (("order_value", "5", "--of", "strategy:nobody"), "nobody"),
    (("order_value", "5", "--of", "sector:it"), "sector"),
    (("--", "order_value", "-5"), "positive"),
    (("order_value", "five"), "not a figure"),
    (("order_value",), "both, or none"),
    (("order_value", "1e6"), "already"),
)


def test_what_cannot_be_is_refused_and_not_journaled(venue: ServedVenue, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trader = Trader(limited(venue, tmp_path), run)
    trader.wait_for("reconciled")
    before = figures(run)
    for words, message in WRONG:
        done = limits(run, "--by", "asha:trader", "--reason", "why not", *words)
        assert isinstance(done.exception, InputRefused) and message in f"{done.exception} {done.exception.fix}"
    for people, reason in (((), "why"), (("--by", "asha:viewer"), "why"), (("--by", "asha:trader"), " ")):
        refused = limits(run, "order_value", "5", *people, "--reason", reason)
        assert isinstance(refused.exception, InputRefused)
    assert figures(run) == before
    trader.ask(Stop(reason="seen"))
    assert trader.wait() == 0


def test_a_run_without_limits_and_one_that_does_not_run(venue: ServedVenue, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert isinstance(limits(run).exception, ResourceError)
    trader = Trader(write_scene(tmp_path, port=venue.port, seconds=60), run)
    trader.wait_for("reconciled")
    assert isinstance(limits(run).exception, ConfigError)
    changed = limits(run, "order_value", "5", "--by", "asha:trader", "--reason", "why")
    assert "no limits" in str(changed.exception)
    trader.ask(Stop(reason="seen"))
    assert trader.wait() == 0
