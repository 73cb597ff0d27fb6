"""A live run afterwards: its journal decides the same again, what differs is named, an order's way is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.kill_scene import STRATEGY
from tools.live_desk import Desk, coin_settings, coin_venue, process_of
from tradsys.core.errors import DataError
from tradsys.core.events import Fill
from tradsys.engine.explanation import explain_order
from tradsys.engine.live_folder import run_of
from tradsys.engine.live_replay import open_any, open_live, replayed
from tradsys.engine.run_diff import difference
from tradsys.engine.saved_run import SavedRun
from tradsys.journal import FolderDisk, open_journal


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder in which a process has traded for sixty ticks."""
    root = tmp_path_factory.mktemp("live")
    settings = coin_settings(root)
    folder = root / "run"
    run = run_of(folder, settings, stamp=7)
    journal = open_journal(FolderDisk(folder / "journal"), segment_bytes=2**18, reserve_bytes=2**12)
    desk = Desk(process_of(settings, run=run), venue=coin_venue(), journal=journal)
    desk.trade(60)
    journal.close()
    return root


@pytest.fixture
def root(kept: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copytree(kept, tmp_path / "copy"))


def filled(saved: SavedRun) -> int:
    return next(each.body.order_id for each in saved.entries() if isinstance(each.body, Fill))


def test_the_journal_decides_the_same_again(root: Path) -> None:
    found = replayed(open_any(root / "run"), verify=True)
    assert found["verified"] and found["first_difference"] is None and found["code_changed"] == []
    assert found["identical"] == found["decisions"] > 100
    assert found["rows"] == 60
    assert "verified" not in replayed(open_any(root / "run"), verify=False)


def test_another_strategy_is_named_with_the_first_record_that_differs(root: Path) -> None:
    (root / "churn.py").write_text(STRATEGY.replace("1 + self.seen % 3", "1 + self.seen % 4"))
    found = replayed(open_live(root / "run"), verify=True)
    assert found["code_changed"] == ["strategies.Churn"]
    assert not found["verified"] and 0 < found["identical"] < found["decisions"]
    first = found["first_difference"]
    assert first["journal"]["kind"] == "entry" and first["replay"] != first["journal"]["payload"]


def test_an_order_is_explained_with_its_way_to_the_venue(root: Path) -> None:
    saved = open_live(root / "run")
    found = explain_order(saved, filled(saved))
    assert found["values"]["state"]["seen"] > 0 and found["notes"] == []
    assert found["checks"][0]["check"] == "safety"
    assert found["state"] == "filled"
    assert [each["what"] for each in found["venue"]][:3] == ["PlaceOrder", "Taken", "Dealt"]
    placed, taken = found["venue"][:2]
    assert placed["record"] < taken["record"]
    assert taken["latency_ns"] == taken["at"] - placed["at"] == taken["since_ns"]
    (dealt,) = [each for each in found["steps"] if each["event"] == "Fill"]
    assert dealt["venue_at"] == dealt["body"]["exchange_at"] and "since_exchange_ns" not in dealt, "two clocks"


def test_a_withdrawal_is_on_the_way_too(root: Path) -> None:
    saved = open_live(root / "run")
    chains = [explain_order(saved, each)["venue"] for each in range(1, 12)]
    withdrawn = [[step["what"] for step in each] for each in chains]
    assert ["PlaceOrder", "Taken", "CancelOrder", "Ended"] in withdrawn


def test_two_live_runs_are_compared_as_those_of_backtests_are(root: Path) -> None:
    saved = open_live(root / "run")
    found = difference(a=saved, b=saved)
    assert found["equal"] and found["gap"]["total"] == 0
    assert found["decisions"]["a"] == len(list(saved.lines()))


def test_a_folder_of_anything_else_is_refused(root: Path) -> None:
    path = root / "run" / "manifest.json"
    body: dict[str, Any] = json.loads(path.read_bytes())
    path.write_text(json.dumps(body | {"kind": "other"}))
    with pytest.raises(DataError, match="no live run"):
        open_live(root / "run")
