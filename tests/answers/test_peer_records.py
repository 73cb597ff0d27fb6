"""The recorded trades of the peers agree with an exact computation of the same rules in fractions."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

RECORDS = Path(__file__).parent / "peers"
PEERS = ["backtesting_py", "backtrader"]


def record(peer: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((RECORDS / f"orcl_sma_cross_{peer}.json").read_text())
    return loaded


def exact(rows: list[dict[str, str]]) -> tuple[list[tuple[str, int, Fraction]], list[Fraction]]:
    """Fills and daily equity of SMA(10) over SMA(30), 100 shares, next open, 0.1 % commission, cash 100,000."""
    opens, closes = ([Fraction(row[name]) for row in rows] for name in ("Open", "Close"))
    held, wanted, cash = 0, 0, Fraction(100_000)
    fills: list[tuple[str, int, Fraction]] = []
    equity: list[Fraction] = []
    for i, row in enumerate(rows):
        if wanted != held:
            fills.append((row["Date"], wanted - held, opens[i]))
            cash -= (wanted - held) * opens[i] + 100 * opens[i] / 1000
            held = wanted
        equity.append(cash + held * closes[i])
        if i >= 29:
            wanted = 100 if 3 * sum(closes[i - 9 : i + 1]) > sum(closes[i - 29 : i + 1]) else 0
    return fills, equity


@pytest.mark.parametrize("peer", PEERS)
def test_record_agrees_with_exact_computation(peer: str, shared_data: Path) -> None:
    recorded = record(peer)
    path = shared_data / "peers" / "backtrader" / recorded["data"]["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == recorded["data"]["sha256"]
    with gzip.open(path, "rt") as lines:
        fills, equity = exact(list(csv.DictReader(lines)))
    entries = [(t["entry_date"], t["size"], t["entry_price"]) for t in recorded["trades"] + recorded["open_trades"]]
    exits = [(t["exit_date"], -t["size"], t["exit_price"]) for t in recorded["trades"]]
    assert len(fills) == len(entries) + len(exits) == 197
    for (date, size, price), (day, quantity, opened) in zip(sorted(entries + exits), fills, strict=True):
        assert (date, size) == (day, quantity)
        assert price == pytest.approx(float(opened), abs=1e-9)
    assert recorded["equity"] == pytest.approx([float(value) for value in equity], abs=1e-6)


def test_peers_agree_with_each_other() -> None:
    first, second = (record(peer) for peer in PEERS)
    assert first["dates"] == second["dates"]
    assert first["equity"] == pytest.approx(second["equity"], abs=1e-6)
    for one, other in zip(first["trades"], second["trades"], strict=True):
        assert one.keys() == other.keys()
        assert [one[key] for key in one if "date" in key] == [other[key] for key in one if "date" in key]
        assert [one[key] for key in one if "date" not in key] == pytest.approx(
            [other[key] for key in one if "date" not in key], abs=1e-6
        )
