"""What an operator may ask of a live run: a kill raises the level or leaves it, only lowering lowers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.live_desk import coin_settings, process_of
from tradsys.core.errors import ConfigError, InputRefused
from tradsys.core.safety import SafetyLevel
from tradsys.engine.control.protocol import Kill, Lower
from tradsys.engine.live_status import said_level
from tradsys.engine.trading.process import Process


@pytest.fixture
def cancelling(tmp_path: Path) -> Process:
    """A process whose level is `CANCEL`."""
    process = process_of(coin_settings(tmp_path, seconds=10))
    process.trading.switch.on_operator(SafetyLevel.CANCEL, by="asha", reason="news", at=1)
    return process


@pytest.mark.parametrize("level", ["cancel", "flatten"])
def test_a_kill_raises_the_level_or_leaves_it(cancelling: Process, level: str) -> None:
    assert said_level(cancelling, Kill(level=level)) == SafetyLevel[level.upper()]


@pytest.mark.parametrize(("level", "limit"), [("no_new_risk", "CANCEL"), ("normal", "no_new_risk, cancel, flatten")])
def test_a_kill_lowers_nothing(cancelling: Process, level: str, limit: str) -> None:
    with pytest.raises(InputRefused, match="does not lower") as refused:
        said_level(cancelling, Kill(level=level))
    assert refused.value.limit == limit


@pytest.mark.parametrize("level", ["cancel", "flatten"])
def test_lowering_raises_nothing(cancelling: Process, level: str) -> None:
    with pytest.raises(ConfigError, match="the level is CANCEL"):
        said_level(cancelling, Lower(level=level, by="asha", reason="over"))


def test_lowering_needs_a_name_and_a_reason(cancelling: Process) -> None:
    assert said_level(cancelling, Lower(level="normal", by="asha", reason="over")) == SafetyLevel.NORMAL
    with pytest.raises(ConfigError, match="a name and a reason"):
        said_level(cancelling, Lower(level="normal", by="asha", reason=" "))
