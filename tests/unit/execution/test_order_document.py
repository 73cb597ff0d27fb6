"""The table that the manual draws is the table that the code looks up."""

from __future__ import annotations

from tests.house.sources import ROOT
from tradsys.execution.order_life import LIFE, Cell, Happening, Move, TrackedState
from tradsys.execution.venue_limits import SECOND, Patience, VenueLimits

MANUAL = (ROOT / "docs" / "order_management.md").read_text("utf-8")
SIGNS = {Move.IGNORE: "·", Move.DEFECT: "✗", Move.ALARM: "!"}


def drawn() -> str:
    """A row an event, a column a state."""
    states = list(TrackedState)
    lines = ["| | " + " | ".join(states) + " |", "|---" * (len(states) + 1) + "|"]
    for happening in Happening:
        cells = [_sign(state, LIFE[state][happening]) for state in states]
        lines.append(f"| **{happening}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _sign(state: TrackedState, cell: Cell) -> str:
    if cell.move in SIGNS:
        return SIGNS[cell.move]
    word = cell.move.replace("_", " ") if cell.to is state else cell.to.value
    return f"{word} !" if cell.why else word


def test_the_manual_draws_the_table() -> None:
    assert drawn() in MANUAL


def test_the_manual_gives_the_limits_that_hold() -> None:
    limits, patience = VenueLimits(), Patience()
    for name, value in (
        ("per_second", limits.per_second),
        ("per_minute", limits.per_minute),
        ("per_day", limits.per_day),
        ("open_orders", limits.open_orders),
        ("in_flight", limits.in_flight),
        ("max_changes", limits.max_changes),
        ("max_decision_age", f"{limits.max_decision_age / SECOND:g} s"),
        ("jitter", f"{limits.jitter / SECOND:g} s"),
        ("answer", f"{patience.answer / SECOND:g} s"),
        ("bracket", f"{patience.bracket / SECOND:g} s"),
        ("quarantine", f"{patience.quarantine / SECOND:g} s"),
        ("failures", patience.failures),
        ("rest", f"{patience.rest / SECOND:g} s"),
    ):
        assert f"| `{name}` | {value} |" in MANUAL
