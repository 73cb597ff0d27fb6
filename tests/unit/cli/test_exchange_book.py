"""`tradsys exchange book`: one JSON object a feed, lines for people, an exit code that says whether to believe it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tradsys.cli.exchange_book import book
from tradsys.core.errors import ConfigError, DataError, MissingData, TradSysError, UnknownName

SNAPSHOT = '{"lastUpdateId":5,"bids":[["100.5","2"],["100","1"]],"asks":[["101","3"]]}'

application = typer.Typer()
application.command()(book)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(application, list(arguments), catch_exceptions=True)
    if isinstance(result.exception, TradSysError):
        raise result.exception
    return result.exit_code, result.stdout


def delta(first: int, last: int, bid: str = "100.5", quantity: str = "0") -> str:
    return json.dumps(
        {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last, "b": [[bid, quantity]], "a": []}
    )


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    return tmp_path / "feed"


def answer(feed: Path, *lines: str) -> tuple[int, dict[str, Any]]:
    feed.write_text("\n".join(lines))
    code, output = run(str(feed), "--format", "binance", "--json")
    body: dict[str, Any] = json.loads(output)
    return code, body


def test_json(feed: Path) -> None:
    code, body = answer(feed, delta(1, 3), delta(4, 6), SNAPSHOT, delta(7, 8, quantity="4"))
    assert code == 0
    assert body["instruments"] == {
        "BTCUSDT": {
            "state": "synced",
            "messages": 4,
            "snapshots": 1,
            "applied": 2,
            "stale": 1,
            "unused": 0,
            "gaps": 0,
            "checksums": {"checked": 0, "failed": 0},
            "best_bid": 100.5,
            "best_bid_quantity": 4.0,
            "bid_levels": 2,
            "best_ask": 101.0,
            "best_ask_quantity": 3.0,
            "ask_levels": 1,
            "spread": 0.5,
            "imbalance": 1 / 7,
            "microprice": (101 * 4 + 100.5 * 3) / 7,
        }
    }
    assert (body["messages"], body["applied"], body["stale"], body["gaps"], body["malformed"]) == (4, 2, 1, 0, 0)
    assert body["checksums"] == {"checked": 0, "failed": 0}


def test_a_gap_a_damaged_message_and_a_missing_snapshot_are_exit_code_1(feed: Path) -> None:
    code, body = answer(feed, delta(5, 6), SNAPSHOT, delta(8, 9))
    assert (code, body["gaps"], body["instruments"]["BTCUSDT"]["state"]) == (1, 1, "broken")
    code, body = answer(feed, delta(5, 6), SNAPSHOT, "{")
    assert (code, body["gaps"], body["malformed"]) == (1, 0, 1)
    code, body = answer(feed, delta(5, 6))
    assert (code, body["instruments"]["BTCUSDT"]["best_bid"]) == (1, None)


def test_lines_for_people(feed: Path) -> None:
    feed.write_bytes(gzip.compress("\n".join([delta(5, 6), SNAPSHOT, "{"]).encode()))
    code, output = run(str(feed), "--format", "binance")
    assert code == 1
    assert output.splitlines() == [
        "BTCUSDT: synced, 2 messages, 1 applied, 0 stale, 0 gaps, best 100 / 101",
        "1 messages could not be read",
    ]


def test_order_by_order(tmp_path: Path) -> None:
    message = tmp_path / "AAPL_2012-06-21_message_1.csv"
    message.write_text("34200.0,1,5,18,5853300,1\n34200.1,1,6,2,5853300,1\n")
    message.with_name("AAPL_2012-06-21_orderbook_1.csv").write_text("5859400,200,5853300,18\n")
    code, output = run(str(message), "--format", "lobster", "--json")
    body = json.loads(output)["instruments"]["AAPL"]
    assert (code, body["applied"], body["orders"]) == (0, 1, 3)
    assert (body["best_bid"], body["best_bid_quantity"], body["best_ask"]) == (585.33, 20, 585.94)


def test_people_are_told_why_a_book_is_not_to_be_believed(feed: Path, tmp_path: Path) -> None:
    feed.write_text("\n".join([delta(5, 6), SNAPSHOT, delta(8, 9), delta(10, 11)]))
    code, output = run(str(feed), "--format", "binance")
    assert (code, output) == (
        1,
        "BTCUSDT: broken, 4 messages, 1 applied, 0 stale, 1 gaps, 2 unused for want of a snapshot, best 100 / 101\n",
    )
    message = tmp_path / "AAPL_message_1.csv"
    message.write_text("34200.0,1,5,18,5853300,1\n34200.1,3,999,2,5850000,1\n")
    message.with_name("AAPL_orderbook_1.csv").write_text("5859400,200,5853300,18\n")
    code, output = run(str(message), "--format", "lobster")
    assert (code, "1 not to be applied as told" in output) == (1, True)


DATABENTO = """ts_recv,ts_event,action,side,price,size,order_id,flags,sequence,instrument_id
10,9,A,B,4800000000000,3,1,128,1,17077
11,10,A,A,4800250000000,2,2,128,2,17077
12,11,C,B,4800000000000,1,1,128,3,17077
"""


@pytest.mark.parametrize("packed", [False, True])
def test_databento_s_csv_is_read_as_the_backtest_reads_it(feed: Path, packed: bool) -> None:
    feed.write_bytes(gzip.compress(DATABENTO.encode()) if packed else DATABENTO.encode())
    code, output = run(str(feed), "--format", "databento", "--json")
    body = json.loads(output)["instruments"]["17077"]
    assert (code, body["messages"], body["orders"]) == (0, 3, 2)
    assert (body["best_bid"], body["best_bid_quantity"], body["best_ask"]) == (4800.0, 2, 4800.25)


def test_refusals(feed: Path) -> None:
    with pytest.raises(MissingData):
        run(str(feed), "--format", "binance")
    feed.write_text("{}")
    with pytest.raises(DataError, match="no book of binance"):
        run(str(feed), "--format", "binance")
    with pytest.raises(UnknownName, match="did you mean 'kraken'"):
        run(str(feed), "--format", "karken")
    with pytest.raises(DataError, match="not Databento's orders"):
        run(str(feed), "--format", "databento")
    with pytest.raises(ConfigError, match="LOBSTER"):
        run(str(feed), "--format", "lobster")
