"""The document names every column of every file, in its order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tradsys.engine.reports import assessment, orders, risk_sheets, trades, violations
from tradsys.engine.reports.sheets import Heading

SHEETS: dict[str, tuple[Heading, ...]] = {
    "orders": orders.HEADINGS,
    "trades": trades.HEADINGS,
    "account_moves": trades.MOVE_HEADINGS,
    "violations": violations.HEADINGS,
    "violations_by_rule": violations.COUNT_HEADINGS,
    "daily_risk": risk_sheets.HEADINGS,
    "exposures": risk_sheets.EXPOSURE_HEADINGS,
    "self_assessment": assessment.HEADINGS,
}


@pytest.mark.parametrize("name", SHEETS)
def test_columns_are_documented_in_their_order(name: str, repository: Path) -> None:
    text = (repository / "docs" / "reports.md").read_text()
    section = text.partition(f"## {name}.csv\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ((?:`\w+` ?)+)\|", section, re.M)
    assert re.findall(r"\w+", " ".join(cells)) == [each.name for each in SHEETS[name]]
