"""Files of single orders: what they say, and what is refused."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradsys.core.errors import DataError, InputRefused, MissingData
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import Action, BookPhase, Command, Kind, TimeInForce
from tradsys.core.units import SECOND
from tradsys.market.order_records import RecordedChange, first_price, read_lobster, read_orders

COIN = Instrument(id="X:Y", exchange="X", symbol="Y", segment=Segment.CRYPTO_SPOT)
NAME = "X_2024-06-03_34200000_57600000_message_1.csv"
NOON = 1_717_430_400 * SECOND
"""12:00 in New York."""

ROW: dict[str, Any] = {
    "at": 5,
    "command": 0,
    "event": "new",
    "phase": "continuous",
    "order_id": 3,
    "account": 7,
    "side": "sell",
    "kind": "limit",
    "validity": "gtc",
    "flags": 0,
    "price": 100.05,
    "quantity": 12.0,
    "trigger": 0.0,
    "trail": 0.0,
    "display": 0.0,
    "expires_at": 0,
    "status": "open",
    "reason": "none",
    "filled": 0.0,
    "open": 12.0,
}


def lobster(folder: Path, messages: str, *, name: str = NAME) -> Path:
    (folder / name).write_text(messages, encoding="utf-8")
    (folder / name.replace("message", "orderbook")).write_text("1001000,7,1000000,5\n", encoding="utf-8")
    return folder / name


def orders(folder: Path, *rows: dict[str, Any]) -> Path:
    pq.write_table(pa.Table.from_pylist([{**ROW, **row} for row in rows]), folder / "orders.parquet")
    return folder / "orders.parquet"


def test_the_book_before_the_first_message_then_every_change(tmp_path: Path) -> None:
    lines = "43200.5,1,11,5,1000000,1\n43201,1,12,3,1000000,1\n43202,4,11,2,1000000,1\n43203,2,12,1,1000000,1\n"
    path = lobster(tmp_path, lines + "43204,3,77,7,1001000,-1\n43205,5,0,4,1000500,1\n43206,7,0,0,-1,-1\n")
    changes, _ = read_lobster(path)
    assert changes == [
        RecordedChange(NOON + SECOND // 2, 1, -2_002_000, -1, 100.1, 7),
        RecordedChange(NOON + SECOND // 2, 1, -2_000_001, 1, 100.0, 5),
        RecordedChange(NOON + 1 * SECOND, 1, 12, 1, 100.0, 3),
        RecordedChange(NOON + 2 * SECOND, 4, -2_000_001, 1, 100.0, 2),
        RecordedChange(NOON + 3 * SECOND, 2, 12, 1, 100.0, 1),
        RecordedChange(NOON + 4 * SECOND, 2, -2_002_000, -1, 100.1, 7),
        RecordedChange(NOON + 5 * SECOND, 5, -2_001_001, 1, 100.05, 4),
    ]


@pytest.mark.parametrize(
    ("name", "lines", "error"),
    [
        ("X_message.csv", "43200,1,11,5,1000000,1\n", DataError),
        ("X_2024-06-03.csv", "43200,1,11,5,1000000,1\n", DataError),
        (NAME, "43200,1,11,5,1000000,1\n43199,1,12,5,1000000,1\n", DataError),
        (NAME, "43200,1,11,5,1000000\n", DataError),
        (NAME, "", MissingData),
    ],
)
def test_what_is_no_lobster_file_is_refused(tmp_path: Path, name: str, lines: str, error: type[InputRefused]) -> None:
    with pytest.raises(error):
        read_lobster(lobster(tmp_path, lines, name=name))


def test_commands_come_back_in_ticks_and_lots(tmp_path: Path) -> None:
    path = orders(
        tmp_path,
        {},
        {"event": "triggered", "order_id": 3, "status": "open"},
        {"event": "new", "kind": "stop_limit", "trigger": 99.95, "validity": "day", "display": 4.0, "order_id": 4},
        {"event": "set_phase", "phase": "auction", "price": 0.0, "quantity": 0.0, "order_id": 0, "account": 0},
        {"event": "set_band", "price": 90.0, "trigger": 110.0, "flags": 1, "quantity": 0.0, "order_id": 0},
        {"event": "uncross", "phase": "auction", "price": 100.0, "flags": 2, "quantity": 0.0, "order_id": 0},
    )
    times, commands, _ = read_orders(path, COIN)
    assert times == [5] * 5
    assert commands[0] == Command(Action.NEW, 3, 1, 2001, 12, 0, TimeInForce.GTC, account=7, at=5)
    assert commands[1][:7] == (Action.NEW, 4, 1, 2001, 12, Kind.STOP_LIMIT, TimeInForce.DAY)
    assert (commands[1].trigger, commands[1].display) == (1999, 4)
    assert (commands[2].action, commands[2].price) == (Action.SET_PHASE, BookPhase.AUCTION)
    assert (commands[3].price, commands[3].trigger, commands[3].quantity, commands[3].flags) == (1800, 2200, 1, 0)
    assert (commands[4].price, commands[4].quantity) == (2000, 2)


@pytest.mark.parametrize(
    "rows",
    [
        [{"at": 5}, {"at": 4}],
        [{"side": "long"}],
        [{"price": 100.051}],
        [{"quantity": 1.5}],
        [{"price": float("nan")}],
        [{"price": 1e300}],
        [{"display": float("inf")}],
        [{"phase": "noon"}],
        [{"order_id": None}],
        [{"price": "dear"}],
    ],
)
def test_orders_that_do_not_fit_are_refused(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError):
        read_orders(orders(tmp_path, *rows), COIN)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = orders(tmp_path, {}, {"order_id": 4}).read_bytes()
    chance = random.Random(3)
    for content in (b"", b"PAR1", whole[:-9], whole[:200], *(_damaged(whole, chance) for _ in range(200))):
        (tmp_path / "damaged.parquet").write_bytes(content)
        with suppress(InputRefused):
            first_price(tmp_path / "damaged.parquet", "orders")
        with suppress(InputRefused):
            read_orders(tmp_path / "damaged.parquet", COIN)


def _damaged(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 20)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"time": [1], "bid": [2.0]}), tmp_path / "ticks.parquet")
    with pytest.raises(DataError, match="not the orders of a simulated day"):
        read_orders(tmp_path / "ticks.parquet", COIN)
    with pytest.raises(MissingData):
        read_orders(orders(tmp_path, {"event": "expired"}), COIN)
