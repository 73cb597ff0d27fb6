"""`tradsys exchange match`: answers and the book at the end, or a message with the line and nothing written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tradsys.cli.application import verbs
from tradsys.core.errors import ConfigError, DataError, MissingData, ResourceError, TradSysError

HUGE = 10**30
FLOW = [
    {"i": 7, "op": "limit", "id": -1, "side": "B", "qty": 5, "price": 100, "expect": "ignored"},
    {"op": "limit", "id": HUGE, "side": "S", "qty": 3, "price": 100},
    {"op": "cancel", "id": 12},
    {"op": "limit", "id": HUGE, "side": "S", "qty": 3, "price": 101},
    {"op": "market", "id": 3, "side": "S", "qty": 0},
    {"op": "ioc", "id": 3, "side": "B", "qty": 1, "price": HUGE},
    {"op": "post_only", "id": 3, "side": "S", "qty": 4, "price": 101},
    {"op": "replace", "id": 3, "qty": 3, "price": 100},
]
ANSWERS = [
    {"i": 7, "status": "open", "trades": []},
    {"i": 1, "status": "filled", "trades": [[HUGE, -1, 100, 3]]},
    {"i": 2, "status": "rejected", "trades": [], "reason": "unknown_order"},
    {"i": 3, "status": "rejected", "trades": [], "reason": "duplicate_order"},
    {"i": 4, "status": "rejected", "trades": [], "reason": "bad_quantity"},
    {"i": 5, "status": "rejected", "trades": [], "reason": "bad_price"},
    {"i": 6, "status": "open", "trades": []},
    {"i": 7, "status": "open", "trades": [[3, -1, 100, 2]]},
]
FINAL = {
    "ops": 8,
    "trades": 2,
    "qty_traded": 5,
    "final_bids": [],
    "final_asks": [[100, 1]],
    "final_queue": {"3": ["S", 100, 1]},
}

Match = Callable[..., Result]


@pytest.fixture
def match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Match:
    """Runs the verb in a folder of its own on lines of text or bytes."""
    monkeypatch.chdir(tmp_path)

    def run(content: bytes, *arguments: str, name: str = "flow.jsonl", out: str = "out.jsonl") -> Result:
        Path(name).write_bytes(content)
        result = CliRunner().invoke(verbs, ["exchange", "match", name, "--out", out, *arguments])
        if isinstance(result.exception, TradSysError):
            raise result.exception
        return result

    return run


def as_lines(operations: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(operation) for operation in operations).encode()


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_answers_and_the_book_at_the_end(match: Match) -> None:
    result = match(as_lines(FLOW) + b"\n\n")
    assert result.exit_code == 0
    assert read_lines(Path("out.jsonl").read_text()) == ANSWERS
    assert json.loads(Path("out.final.json").read_text()) == FINAL
    assert sorted(path.name for path in Path().iterdir()) == ["flow.jsonl", "out.final.json", "out.jsonl"]


def test_json_prints_the_counts(match: Match) -> None:
    result = match(as_lines(FLOW), "--json")
    expected = {"operations": 8, "rejected": 4, "trades": 2, "traded": 5, "out": "out.jsonl", "final": "out.final.json"}
    assert json.loads(result.stdout) == expected


def test_compressed_files_are_the_same_each_time(match: Match) -> None:
    packed = gzip.compress(as_lines(FLOW))
    match(packed, name="flow.jsonl.gz", out="out.jsonl.gz")
    first = Path("out.jsonl.gz").read_bytes()
    match(packed, name="flow.jsonl.gz", out="out.jsonl.gz")
    assert Path("out.jsonl.gz").read_bytes() == first
    assert read_lines(gzip.decompress(first).decode()) == ANSWERS
    assert json.loads(Path("out.final.json").read_text()) == FINAL


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"op": "stop", "id": 1}',
        b'{"id": 1, "side": "B", "qty": 1, "price": 1}',
        b'{"op": "cancel"}',
        b'{"op": "limit", "id": 1, "side": "B", "qty": 1}',
        b'{"op": "limit", "id": 1, "side": "BUY", "qty": 1, "price": 1}',
        b'{"op": "limit", "id": 1, "side": "B", "qty": 1, "price": 1.5}',
        b'{"op": "limit", "id": 1, "side": "B", "qty": true, "price": 1}',
        b'{"op": "limit", "id": "1", "side": "B", "qty": 1, "price": 1}',
        b'{"op": "reduce", "id": 1, "qty": null}',
        b'{"op": "cancel", "id": 1} {"op": "cancel", "id": 1}',
        b'{"op": "cancel", "id": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"op": "cancel", "id": 1e400}',
    ],
)
def test_a_malformed_line_is_named_and_nothing_is_written(match: Match, line: bytes) -> None:
    with pytest.raises(DataError, match=r"line 3 of flow\.jsonl") as refused:
        match(as_lines(FLOW[:1]) + b"\n\n" + line)
    assert refused.value.exit_code == 2
    assert [path.name for path in Path().iterdir()] == ["flow.jsonl"]


def test_a_damaged_archive_is_refused(match: Match) -> None:
    with pytest.raises(DataError, match="not whole gzip"):
        match(gzip.compress(as_lines(FLOW))[:-9], name="flow.jsonl.gz")


def test_a_missing_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(verbs, ["exchange", "match", "nothing.jsonl", "--out", "out.jsonl"])
    assert isinstance(result.exception, MissingData)
    assert list(Path().iterdir()) == []


def test_a_folder_is_no_file_of_operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(verbs, ["exchange", "match", ".", "--out", "out.jsonl"])
    assert isinstance(result.exception, ResourceError)
    assert "Is a directory" in result.exception.message
    assert list(Path().iterdir()) == []


def test_a_mark_of_byte_order_is_passed_over(match: Match) -> None:
    match(b"\xef\xbb\xbf" + as_lines(FLOW))
    assert read_lines(Path("out.jsonl").read_text()) == ANSWERS


def test_the_operations_are_not_overwritten(match: Match) -> None:
    with pytest.raises(ConfigError, match="overwrite"):
        match(as_lines(FLOW), out="flow.jsonl")
    assert Path("flow.jsonl").read_bytes() == as_lines(FLOW)


def test_an_output_that_cannot_be_written_is_a_resource_error(match: Match) -> None:
    with pytest.raises(ResourceError, match="cannot write") as failed:
        match(as_lines(FLOW), out="nowhere/out.jsonl")
    assert failed.value.exit_code == 3
