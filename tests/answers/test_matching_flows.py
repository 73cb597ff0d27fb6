"""Recorded flows of orders, whose answers other engines gave: each trade, each status, and the book at the end."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.books import MakeBook, each_book
from tradsys.exchange.operations import OperationRun, read_operations

FLOWS = [("limit_cancel", 1500, 393), ("all_types", 2000, 624)]


@each_book
@pytest.mark.parametrize(("flow", "operations", "trades"), FLOWS)
def test_flow(make_book: MakeBook, flow: str, operations: int, trades: int, shared_data: Path) -> None:
    folder = shared_data / "matching"
    path = folder / f"{flow}_sample.jsonl.gz"
    with gzip.open(path) as lines:
        expected = [msgspec.json.decode(line) for line in lines]
    run = OperationRun(make_book(1))
    answers = [plain(answer) for answer in run.answers(read_operations(path))]
    assert len(answers) == operations
    for line, answer in zip(expected, answers, strict=True):
        assert answer | {"reason": None} == {"i": line["i"], **line["expect"], "reason": None}
    end = plain(run.final())
    assert end["trades"] == trades
    recorded = msgspec.json.decode((folder / f"{flow}_sample.final.json").read_bytes())
    assert end == {name: value for name, value in recorded.items() if name != "confirmed_by"}


def plain(value: Any) -> dict[str, Any]:
    """A record as its JSON reads."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return decoded
