"""The policy file: strict keys, strict actions, defaults that take no risk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.units import SCALE
from tradsys.execution.reconciliation_policy import Policy, PolicyFile, load_policy, parse_policy


def test_nothing_said_is_the_defaults() -> None:
    assert parse_policy("") == PolicyFile()
    assert PolicyFile().policy(attended=False) == Policy()
    assert Policy().unexplained_positions == "halt"
    attended = PolicyFile().policy(attended=True)
    assert (attended.external_orders, attended.external_positions) == ("halt", "halt")


def test_a_table_changes_its_own_defaults(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[unattended]\nexternal_orders = "cancel"\ncash_tolerance = "12.5"\n[attended]\ncash = "halt"\n')
    unattended, attended = (load_policy(path).policy(attended=watched) for watched in (False, True))
    assert (unattended.external_orders, unattended.tolerance()) == ("cancel", 12 * SCALE + SCALE // 2)
    assert unattended.external_positions == "adopt"
    assert (attended.cash, attended.external_positions) == ("halt", "halt")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("[unatended]", "unattended"),
        ('[attended]\nexternal_order = "halt"', "external_orders"),
        ('[attended]\nexternal_orders = "adpot"', "adopt"),
        ('[attended]\nended_orders = "cancle"', "cancel"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(text: str, near: str) -> None:
    with pytest.raises(UnknownName) as caught:
        parse_policy(text, where="p.toml")
    assert caught.value.fix == f"did you mean {near!r}?"
    assert "p.toml" in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "attended = 1",
        "[attended",
        "[attended]\ncash_tolerance = 5",
        '[attended]\ncash_tolerance = "-1"',
        '[attended]\ncash_tolerance = "much"',
    ],
)
def test_a_wrong_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_policy(text)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_policy(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_policy(tmp_path / "bytes.toml")
