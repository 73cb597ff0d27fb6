"""A failing seed becomes small, breaks the same law, and can be told in one line."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.simulation import cases
from tests.simulation.cases import Case, again, attempt, case_of, keep, kept, line
from tests.simulation.faults import drawn
from tests.simulation.scenario import run
from tests.simulation.shrinking import SHORTEST, shrunk


def test_what_does_not_matter_is_left_out() -> None:
    case = Case(seed=1, rates=dict.fromkeys("abcdefgh", 0.1), trouble=240, law="D2")

    def fails(some: Case) -> bool:
        return {"b", "g"} <= set(some.rates) and some.trouble >= 100

    small = shrunk(case, fails=fails)
    assert set(small.rates) == {"b", "g"}
    assert 100 <= small.trouble <= 100 + SHORTEST
    assert small.law == "D2"


def test_the_budget_ends_it() -> None:
    tried = []

    def fails(some: Case) -> bool:
        tried.append(some)
        return False

    case = Case(seed=1, rates=dict.fromkeys("abcdefgh", 0.1), trouble=240, law="D2")
    assert shrunk(case, fails=fails, budget=5) == case
    assert len(tried) == 5


def test_a_case_runs_as_its_seed_does() -> None:
    seed = 7
    assert attempt(case_of(seed)).trace == run(seed).trace


def test_less_time_and_fewer_faults_are_another_run() -> None:
    kind = drawn(Random(9)).kinds[0]
    short = case_of(9, without=(kind,), trouble=60)
    assert kind not in short.rates
    report = attempt(short)
    assert report.trace != attempt(case_of(9)).trace
    assert report.kinds.get(f"fault {kind}") is None


def test_a_line_says_how_to_see_it_again() -> None:
    case = case_of(9, without=drawn(Random(9)).kinds[:1], trouble=60)
    said = line(case, attempt(case))
    for part in ("SEED=9 ", "COMMIT=", "PY=3.", "SCENARIO=", "/60s", "EVENT#=", "INVARIANT="):
        assert part in said
    assert "\n" not in said
    kind = drawn(Random(9)).kinds[0]
    assert again(case) == f"python -m tests.simulation --seed 9 --without {kind} --trouble 60 --log"


def test_what_is_kept_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "KEPT", tmp_path / "kept.json")
    cases.KEPT.write_text("[]")
    first = Case(seed=3, rates={"kill": 0.01}, trouble=30, law="D1")
    keep(first)
    keep(Case(seed=4, rates={}, law="P2"))
    keep(first)
    assert [each.seed for each in kept()] == [4, 3]
    assert kept()[1] == first
