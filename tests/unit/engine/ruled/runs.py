"""Small runs with SEBI's rules in their gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tests.builders import Case, Row, bodies, flat, minutes
from tradsys.core.events import Refused
from tradsys.engine.assemble import Prepared

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
FACTS: dict[str, Any] = {"paper_access": True, "generic_algo_id": True, "surveillance": "surveillance.csv"}
CALM = "*,none,2020-01-01,,list"
HEAD = "instrument,value,effective_from,effective_to,source\n"


def two_days(*closes: float, before: float = 100.0, first: date = MONDAY) -> list[Row]:
    """A minute of the day before, which gives a band, and the closes of the day, from 09:16."""
    following = date.fromordinal(first.toordinal() + 1)
    return minutes(first, flat(before)) + minutes(following, flat(*closes))


def case(
    folder: Path,
    strategies: Sequence[Mapping[str, Any]],
    *,
    bars: Mapping[str, Sequence[Row]] | None = None,
    instruments: Mapping[str, Mapping[str, Any]] | None = None,
    facts: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    **sections: Mapping[str, Any],
) -> Case:
    """A share at 100 on Monday and Tuesday; `files` are rows of facts by their key."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {"surveillance": CALM, **(files or {})}
    for key, text in rows.items():
        (folder / f"{key}.csv").write_text(f"{HEAD}{text}\n", encoding="utf-8")
    given = {**FACTS, **{key: f"{key}.csv" for key in rows}, **(facts or {})}
    execution = {"product": "CNC", "price_band": 0.2, "market_protection": 2.0, **sections.pop("execution", {})}
    rules = {"pack": "sebi", "facts": given, **sections.pop("rules", {})}
    return Case(
        folder,
        bars or {"NSE:A": two_days(*[100.0] * 6)},
        strategies,
        instruments=instruments or {},
        sections={"execution": execution, "rules": rules, **sections},
    )


def refused(prepared: Prepared) -> list[tuple[str, str, str]]:
    """Rule, value and limit of every refusal, in order."""
    return [(each.rule, each.value, each.limit) for each in bodies(prepared, Refused)]


def rules(prepared: Prepared) -> list[str]:
    """The rules that refused, in order."""
    return [each.rule for each in bodies(prepared, Refused)]
