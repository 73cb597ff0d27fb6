"""`tradsys replay`, `diff` and `why` on the command line: what they print, and their exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.saved_runs import BUYER, kept, planned, with_file
from tradsys.cli.application import app

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run `tradsys` in this process: exit code, standard output and error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tradsys", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            app()
        out = capsys.readouterr()
        return int(str(stopped.value.code)), out.out, out.err

    return run


def body(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_replay_says_identical_or_what_differs_first(ran: Ran, tmp_path: Path) -> None:
    saved = kept(with_file(tmp_path))
    code, out, _ = ran("replay", saved.folder)
    assert code == 0 and "replayed   5 bars" in out and saved.manifest["state_sha256"] in out and "verified" not in out
    code, out, _ = ran("replay", saved.folder, "--verify")
    assert code == 0 and out.splitlines()[-1] == f"verified   all {len(list(saved.lines()))} decisions identical"
    code, out, _ = ran("replay", saved.folder, "--verify", "--until", "0.4", "--json")
    assert code == 0 and body(out)["first_difference"] is None and body(out)["bars"] == 2
    (tmp_path / "buyer.py").write_text(BUYER.replace("self.size if", "self.size + 1 if"))
    code, out, _ = ran("replay", saved.folder, "--verify")
    assert code == 1 and "strategies.Buyer" in out and "DIFFERENT" in out and '"quantity": 11.0' in out
    code, out, _ = ran("replay", saved.folder, "--verify", "--json")
    assert code == 1 and set(body(out)) >= {"decisions", "identical", "first_difference", "code_changed"}


def test_replay_refuses_changed_data(ran: Ran, tmp_path: Path) -> None:
    saved = kept(planned(tmp_path))
    (tmp_path / "bars0.csv").write_text("nothing")
    code, out, _ = ran("replay", saved.folder, "--verify", "--json")
    assert code == 2 and body(out)["error"]["value"].endswith("bars0.csv")


def test_diff_is_equal_or_not_or_unreadable(ran: Ran, tmp_path: Path) -> None:
    case = planned(tmp_path)
    a, b = kept(case), kept(case, flags=["execution.slippage_bps=100"])
    code, out, _ = ran("diff", a.folder, a.folder)
    assert code == 0 and "no decision differs" in out
    code, out, _ = ran("diff", a.folder, b.folder)
    assert code == 1 and "settings   execution.slippage_bps: 0.0 | 100.0" in out
    assert "not the same: body.price" in out and "2024-06-03 09:17:00 IST" in out
    assert "  prices                    -₹20.50" in out.splitlines()
    code, out, _ = ran("diff", a.folder, b.folder, "--json")
    gap = body(out)["gap"]
    assert code == 1 and sum(gap.values()) == 2 * gap["total"] < 0
    code, _, err = ran("diff", a.folder, tmp_path)
    assert code == 2 and "no run at" in err


def test_why_tells_the_chain_as_a_tree(ran: Ran, tmp_path: Path) -> None:
    saved = kept(planned(tmp_path))
    code, out, _ = ran("why", 1, "--run", saved.folder)
    assert code == 0 and out.startswith("order 1 of plan in NSE:A: filled")
    for told in (
        "Bar of 2024-06-03 09:16:00 IST",
        "✓ balance: ₹1,000.00 against ₹10,00,000.00",
        "buy 10 NSE:A MARKET CNC DAY",
        "reason in",
        "+1 min  Fill: 10 at ₹100.00",
        "Charged: ₹1.00",
    ):
        assert told in out
    code, out, _ = ran("why", 3, "--run", saved.folder)
    assert code == 0 and "✗ delivery" in out and "short-in-delivery" in out
    code, out, _ = ran("why", "--line", 0, "--run", saved.folder, "--json")
    assert code == 0 and body(out)["related"] == [{"order": 1, "as": "made by it"}]


def test_why_of_nothing_is_refused(ran: Ran, tmp_path: Path) -> None:
    saved = kept(planned(tmp_path))
    code, _, err = ran("why", 99, "--run", saved.folder)
    assert code == 2 and "unknown order '99'" in err and "the nearest are 1, 2, 3, 4" in err
    assert ran("why", "--run", saved.folder)[0] == ran("why", 1, "--line", 1, "--run", saved.folder)[0] == 2
    assert ran("why", 1)[0] == 2
