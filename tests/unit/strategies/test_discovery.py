"""Strategies are found by file, package and name; what cannot be loaded says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradsys.core.errors import StrategyError, UnknownName
from tradsys.strategies.discovery import available, load

PLAIN = (
    'from tradsys import Param, Strategy\n\n\nclass One(Strategy):\n    """Buys {what}."""\n\n    n: int = Param(3)\n'
)


def test_a_class_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(PLAIN)
    found = load("one.py:One", folder=tmp_path)
    assert found.__name__ == "One" and found.parameters["n"].default == 3


def test_two_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.py").write_text(PLAIN.replace("Param(3)", f"Param({len(folder) + ord(folder)})"))
    first, second = (load("one.py:One", folder=tmp_path / folder) for folder in ("a", "b"))
    assert first.parameters["n"].default != second.parameters["n"].default


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(PLAIN)
    load("one.py:One", folder=tmp_path)
    (tmp_path / "one.py").write_text(PLAIN.replace("Param(3)", "Param(4)"))
    assert load("one.py:One", folder=tmp_path).parameters["n"].default == 4


def test_a_package_and_a_shipped_name(tmp_path: Path) -> None:
    assert load("tests.builders:Scripted", folder=tmp_path).__name__ == "Scripted"
    assert load("ema_trend", folder=tmp_path).parameters


@pytest.mark.parametrize(
    ("use", "error", "says"),
    [
        ("ema_trnd", UnknownName, "ema_trend"),
        ("one.py:Onn", UnknownName, "'One'"),
        ("one.py:Strategy", UnknownName, "One"),
        ("absent.py:One", StrategyError, "absent.py"),
        ("no_such_package:One", StrategyError, "no_such_package"),
        ("broken.py:One", StrategyError, "line 2"),
    ],
)
def test_what_cannot_be_found(tmp_path: Path, use: str, error: type[Exception], says: str) -> None:
    (tmp_path / "one.py").write_text(PLAIN)
    (tmp_path / "broken.py").write_text("x = 1\ndef:\n")
    with pytest.raises(error) as raised:
        load(use, folder=tmp_path)
    assert says in str(raised.value)


def test_the_list_goes_on_past_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def:\n")
    (tmp_path / "one.py").write_text(PLAIN)
    listed = {each.name: each for each in available(tmp_path)}
    assert "line 1" in listed["broken"].problem
    assert listed["One"].summary == "Buys {what}." and listed["One"].parameters == {"n": "int = 3"}
    assert listed["ema_trend"].summary
