"""`tradsys strategies` lists what can be named; `tradsys new strategy` starts one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tradsys.cli.application import app

SHIPPED = {"bollinger_rsi", "donchian_breakout", "ema_trend", "opening_range"}

Said = tuple[int, str, str]
Asked = Callable[..., Said]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asked:
    """Exit code, standard output and standard error of a `tradsys` command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def ask(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["tradsys", *words])
        with pytest.raises(SystemExit) as stopped:
            app()
        assert isinstance(stopped.value.code, int)
        return stopped.value.code, *capsys.readouterr()

    return ask


def test_the_shipped_ones_are_listed_with_their_parameters(asked: Asked) -> None:
    code, out, _ = asked("strategies", "--json")
    listed = {each["use"]: each for each in json.loads(out)["strategies"]}
    assert code == 0 and set(listed) == SHIPPED
    assert all(each["summary"] and each["parameters"] and not each["problem"] for each in listed.values())
    code, out, _ = asked("strategies")
    assert code == 0 and all(name in out for name in SHIPPED)


def test_a_file_that_does_not_load_is_shown_with_its_problem(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "broken.py").write_text("x = 1\ndef:\n")
    code, out, _ = asked("strategies")
    assert code == 1 and "line 2" in out and "ema_trend" in out
    code, out, _ = asked("strategies", "--json")
    problems = {each["use"]: each["problem"] for each in json.loads(out)["strategies"] if each["problem"]}
    assert code == 1 and len(problems) == 1
    assert [("broken.py" in use, "line 2" in problem) for use, problem in problems.items()] == [(True, True)]


def test_a_new_one_is_listed(asked: Asked) -> None:
    code, out, _ = asked("new", "strategy", "my_idea")
    assert code == 0 and 'use = "strategies/my_idea.py:MyIdea"' in out
    code, out, _ = asked("strategies", "--json")
    assert code == 0
    assert {each["use"] for each in json.loads(out)["strategies"]} - SHIPPED == {"strategies/my_idea.py:MyIdea"}


@pytest.mark.parametrize("name", ["my-idea", "1st", "class", "a b", "../up", ""])
def test_a_name_that_python_refuses(asked: Asked, tmp_path: Path, name: str) -> None:
    code, out, err = asked("new", "strategy", name)
    assert code == 2 and not out and "is no Python identifier" in err and "fix:" in err
    assert not list(tmp_path.iterdir())


def test_a_file_that_exists_is_left_alone(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "my_idea.py").write_text("mine")
    code, out, err = asked("new", "strategy", "my_idea", "--folder", "mine")
    assert code == 2 and not out and "exists already" in err
    assert (tmp_path / "mine" / "my_idea.py").read_text() == "mine"
