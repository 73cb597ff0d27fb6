"""`tradsys reset` on a process that trades: a halt that outlives a killed process ends by a person's word alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tools.kill_scene import ServedVenue, Trader, write_scene
from tradsys.cli.application import verbs
from tradsys.core.errors import InputRefused
from tradsys.engine.control.protocol import Status, Stop


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[ServedVenue]:
    served = ServedVenue(tmp_path, delay_ms=0)
    yield served
    served.close()


def reset(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(verbs, ["reset", str(folder), *words])


def halts(trader: Trader) -> list[tuple[Any, Any]]:
    return [(each["breaker"], each["subject"]) for each in trader.ask(Status())["halts"]]


def test_a_halt_outlives_the_process_and_ends_by_a_persons_word(venue: ServedVenue, tmp_path: Path) -> None:
    """It loses the spread with every trade."""
    run_file, run = write_scene(tmp_path, port=venue.port, seconds=60), tmp_path / "run"
    run_file.write_text(run_file.read_text() + "\n[risk.breakers]\nloss_streak = { limit = 3 }\n")
    trader = Trader(run_file, run)
    trader.wait_for("breaker loss-streak of Churn tripped: 3, limit 3")
    assert halts(trader) == [("loss-streak", "Churn")]
    trader.process.kill()
    again = Trader(run_file, run)
    again.wait_for("reconciled")
    assert halts(again) == [("loss-streak", "Churn")]
    who = ("--by", "asha", "--reason", "looked at")
    assert isinstance(reset(run, "drawdown", *who).exception, InputRefused)
    assert isinstance(reset(run, "loss-streak", "--of", "Churn", "--reason", " ").exception, InputRefused)
    done = reset(run, "loss_streak", "--of", "Churn", *who)
    assert (done.exit_code, done.stdout) == (0, "loss_streak is reset; still tripped: none\n"), done.output
    again.wait_for("breaker loss-streak of Churn reset by asha: looked at")
    again.ask(Stop(reason="seen"))
    assert again.wait() == 0
