"""What `tradsys backtest --verify` tells a person about a decision that looks ahead."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tradsys.cli.backtest import _notes
from tradsys.core.units import SECOND

FOUND = {
    "at": int(datetime(2024, 6, 3, 4, 15, tzinfo=UTC).timestamp()) * SECOND,
    "strategy": "Whole",
    "instrument": "NSE:A",
    "kind": "cut",
    "why": "the decision differs when the data end at the instant: it rests on later prices",
}


def notes(first: dict[str, Any] | None, *, zone: str = "Asia/Kolkata") -> list[str]:
    result: Any = SimpleNamespace(halted=(), why_no_trades=(), interrupted=False, zone=zone)
    outcome: Any = SimpleNamespace(result=result)
    return _notes(outcome, {"verified": first is None, "instants": 24, "first": first})


@pytest.mark.parametrize(("zone", "clock"), [("Asia/Kolkata", "09:45:00 IST"), ("UTC", "04:15:00 UTC")])
def test_a_guilty_decision_is_a_sentence_in_exchange_time(zone: str, clock: str) -> None:
    (line,) = notes(FOUND, zone=zone)
    assert line == (f"verified   24 instants: LOOK-AHEAD by Whole on NSE:A at 2024-06-03 {clock}: {FOUND['why']}")


def test_what_is_not_known_is_not_named() -> None:
    assert "LOOK-AHEAD by Whole at 2024" in notes({**FOUND, "instrument": None})[0]
    assert "LOOK-AHEAD by the run at 2024" in notes({**FOUND, "instrument": None, "strategy": None})[0]


def test_an_honest_run() -> None:
    assert notes(None) == ["verified   24 instants: no decision looks ahead"]
