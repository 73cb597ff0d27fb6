"""Tags: what a venue keeps, the same for ever, no two alike."""

from __future__ import annotations

from tradsys.execution.tags import tag_of


def test_a_tag_is_the_same_for_ever() -> None:
    assert tag_of("run", 1) == "cofslxs2ix6o6sdi3xve"


def test_tags_are_what_a_venue_keeps() -> None:
    tags = {tag_of(run, number) for run in ("a", "b", "a/1") for number in range(500)}
    assert len(tags) == 1500
    assert {len(each) for each in tags} == {20}
    assert set("".join(sorted(tags))) <= set("abcdefghijklmnopqrstuvwxyz234567")
