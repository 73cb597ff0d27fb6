"""A campaign that was interrupted goes on where it was, and says what it found."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.simulation import campaign
from tests.simulation.campaign import (
    MEASURES,
    Campaign,
    Chunk,
    Failure,
    counted,
    done_before,
    entered,
    run_chunk,
    shown,
)
from tests.simulation.recording import record


def chunk(first: int, failures: list[Failure] | None = None) -> Chunk:
    return Chunk(
        first=first, measures={name: [first, 2] for name in MEASURES}, kinds={"fault kill": 3}, failures=failures or []
    )


def test_a_line_that_was_cut_off_is_run_again(tmp_path: Path) -> None:
    path = tmp_path / "done.jsonl"
    whole = [msgspec.json.encode(chunk(first)) for first in (0, 50, 100)]
    path.write_bytes(b"\n".join(whole)[:-10])
    assert sorted(done_before(path)) == [0, 50]
    assert done_before(tmp_path / "none.jsonl") == {}


def test_a_campaign_says_what_its_seeds_were_like() -> None:
    failure = Failure(seed=1, law="D2", line="", again="")
    said = shown([chunk(0, [failure]), chunk(50)])
    assert said[0] == "4 seeds, 1 failures"
    assert "| events | 2 | 0 | 50 | 54 |" in said
    assert "| kill | 6 |" in said


def test_numbers_go_between_the_marks_of_a_document(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- campaign -->\nold\n<!-- end of campaign -->\nafter\n")
    record("campaign", lines=["new"], document=page)
    record("campaign", lines=["newer"], document=page)
    assert page.read_text() == "before\n<!-- campaign -->\n\nnewer\n\n<!-- end of campaign -->\nafter\n"
    with pytest.raises(ValueError, match="defects"):
        record("defects", lines=[], document=page)


def test_it_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "done.jsonl"
    monkeypatch.setattr(campaign, "progress_file", lambda *, first, seeds: path)
    path.write_bytes(msgspec.json.encode(chunk(0)) + b"\n")
    assert campaign.campaign(first=0, seeds=51, workers=1) == 0
    assert sorted(done_before(path)) == [0, 50]
    assert "50 seeds were done before" in capsys.readouterr().out


def test_it_stops_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "done.jsonl"
    monkeypatch.setattr(campaign, "progress_file", lambda *, first, seeds: path)
    monkeypatch.setattr(campaign, "run_chunk", lambda job: chunk(job[0]))
    assert campaign.campaign(first=0, seeds=150, workers=1, minutes=0) == 0
    assert sorted(done_before(path)) == [0]


def test_campaigns_are_added_up_and_one_that_goes_on_counts_once(tmp_path: Path) -> None:
    book = tmp_path / "book.json"
    entered(Campaign(commit="a", first=0, seeds=100, failures=1), book=book)
    entered(Campaign(commit="b", first=0, seeds=50, failures=0), book=book)
    rows = entered(Campaign(commit="a", first=0, seeds=1200, failures=2), book=book)
    assert counted(rows)[2:] == ["| b | 0 | 50 | 0 |", "| a | 0 | 1,200 | 2 |", "| all | | 1,250 | 2 |"]


def test_a_chunk_is_as_its_seeds() -> None:
    found = run_chunk((4, 2))
    assert found.first == 4
    assert {len(numbers) for numbers in found.measures.values()} == {2}
    assert min(found.measures["events"]) > 500
