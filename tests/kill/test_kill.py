"""Real processes killed with SIGKILL, and stopped with SIGSTOP, against a served venue that records: nothing is sent
twice, nothing is lost. `make kill` does the same a thousand times."""

from __future__ import annotations

from pathlib import Path

from tools.kill_campaign import Batch, failures, histogram, summary
from tools.kill_checks import BETWEEN


def test_twenty_kills_and_a_pause_leave_the_account_as_the_venue_has_it(tmp_path: Path) -> None:
    batch = Batch(tmp_path / "batch", kills=20, pauses=1, seed=7, life=0.5, delay_ms=50).run()
    assert failures(batch) == []
    assert batch["kills"] == sum(batch["where"].values()) == 20
    assert batch["where"].get(BETWEEN, 0) >= 2, "some fall where it matters"
    assert batch["compared"]["orders"] > 3 and batch["compared"]["trades"] > 3, "it traded, however slow the machine"
    assert [each["exit_code"] for each in batch["pauses"]] == [70]
    assert BETWEEN in histogram(summary([batch]))
