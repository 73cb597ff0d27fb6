"""Planted defects: each patch is of the code as it is, and the simulator finds those that show soonest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.simulation.cases import ROOT
from tests.simulation.defects.hunting import hunt
from tests.simulation.defects.patches import Defect, DoesNotApply, Hunk, defects, read

QUICKEST = ("no_fsync", "resend_on_timeout", "timeout_is_reject", "no_dedupe", "queued_while_down")


def copied(defect: Defect, folder: Path) -> Path:
    """Only the files that a defect changes."""
    for path in {hunk.path for hunk in defect.hunks}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    return folder


def test_there_are_many_and_no_two_alike() -> None:
    found = defects()
    assert len(found) >= 60
    assert len({each.title for each in found}) == len(found)


@pytest.mark.parametrize("defect", defects(), ids=lambda each: each.name)
def test_a_patch_is_of_the_code_as_it_is(defect: Defect, tmp_path: Path) -> None:
    defect.apply(copied(defect, tmp_path))
    for hunk in defect.hunks:
        compile((tmp_path / hunk.path).read_text("utf-8"), hunk.path, "exec")
        assert (tmp_path / hunk.path).read_text("utf-8") != (ROOT / hunk.path).read_text("utf-8")


@pytest.mark.parametrize("name", QUICKEST)
def test_what_shows_soonest_is_found(name: str) -> None:
    (defect,) = [each for each in defects() if each.name == name]
    caught = hunt(defect, limit=40, seconds=60)
    assert caught.seeds, f"{name} was not found"
    assert caught.law


def test_a_patch_of_other_code_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2\ny = 2\n")
    for gone in ("x = 3\n", "y = 2\n"):
        defect = Defect(name="gone", title="", hunks=(Hunk(path="a.py", old=gone, new="z = 1\n"),))
        with pytest.raises(DoesNotApply):
            defect.apply(tmp_path)
    assert (tmp_path / "a.py").read_text() == "x = 1\ny = 2\ny = 2\n"


def test_a_patch_is_read_as_diff_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "swapped.patch"
    head = "Two lines are swapped.\n\nMore of it.\n--- a/m/x.py\n+++ b/m/x.py\n"
    path.write_text(f"{head}@@ -1,3 +1,3 @@\n-a\n b\n+a\n c\n@@ -9 +9 @@\n-d\n")
    defect = read(path)
    assert defect.title == "Two lines are swapped"
    assert defect.hunks == (
        Hunk(path="m/x.py", old="a\nb\nc\n", new="b\na\nc\n"),
        Hunk(path="m/x.py", old="d\n", new=""),
    )


def test_a_patch_that_changes_nothing_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "nothing.patch"
    path.write_text("Nothing.\n")
    with pytest.raises(DoesNotApply):
        read(path)
