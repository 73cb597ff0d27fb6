"""docs/configuration.md names every key of the run file with its default, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradsys.engine.run_file import (
    ChargesSection,
    DataSection,
    ExecutionSection,
    FactsSection,
    InstrumentSection,
    JournalSection,
    ProtectionSection,
    RiskSection,
    RulesSection,
    RunSection,
    SafetySection,
    StrategySection,
    VenueSection,
)
from tradsys.risk.breaker_settings import BreakersSection
from tradsys.risk.greek_limits import GreeksSection
from tradsys.risk.limits import LimitsSection
from tradsys.risk.monitoring.settings import MonitoringSettings

SECTIONS: dict[str, type[msgspec.Struct]] = {
    "run": RunSection,
    "data": DataSection,
    "data.instruments.0": InstrumentSection,
    "strategies.0": StrategySection,
    "execution": ExecutionSection,
    "execution.protection": ProtectionSection,
    "charges": ChargesSection,
    "rules": RulesSection,
    "rules.facts": FactsSection,
    "risk": RiskSection,
    "risk.monitoring": MonitoringSettings,
    "risk.breakers": BreakersSection,
    "risk.limits": LimitsSection,
    "risk.greeks": GreeksSection,
    "venue": VenueSection,
    "safety": SafetySection,
    "journal": JournalSection,
}
ROW = re.compile(r"^\| `([\w.]+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", re.M)


def documented(repository: Path) -> dict[str, str]:
    text = (repository / "docs" / "configuration.md").read_text("utf-8")
    return {key: default.strip() for key, default, _ in ROW.findall(text)}


def defaults() -> dict[str, str]:
    found = {}
    for prefix, section in SECTIONS.items():
        for field in msgspec.structs.fields(section):
            found[f"{prefix}.{field.encode_name}"] = _written(field)
    return found


def _written(field: msgspec.structs.FieldInfo) -> str:
    value: Any = field.default
    if value is msgspec.NODEFAULT:
        if field.default_factory is msgspec.NODEFAULT:
            return "required"
        value = field.default_factory()
    return "none" if value is None else json.dumps(msgspec.to_builtins(value))


def test_every_key_is_documented_and_every_documented_key_exists(repository: Path) -> None:
    assert sorted(documented(repository)) == sorted(defaults())


@pytest.mark.parametrize("key", sorted(defaults()))
def test_documented_default(repository: Path, key: str) -> None:
    assert documented(repository)[key] == defaults()[key]
