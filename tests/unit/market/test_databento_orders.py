"""Databento's order-by-order files: what is told of which order, when the market trades, and what is refused."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.errors import DataError, InputRefused, MissingData
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.market.databento_orders import Told, read_databento

FUTURE = Instrument(
    id="CME:X",
    exchange="CME",
    symbol="X",
    segment=Segment.FUTURE,
    ticks=(DatedStep(0, SCALE // 4),),
    lots=(DatedStep(0, SCALE),),
)
HEADER = "i,ts_recv,ts_event,action,side,price_1e-9,size,order_id,flags,sequence"
Row = tuple[str, str, float, int, int, int]
"""Action, side, price, size, order, flags."""


def written(folder: Path, *rows: Row, header: str = HEADER, at: int = 1_000) -> Path:
    lines = [header]
    for number, (action, side, price, size, order, flags) in enumerate(rows):
        cost = round(price * 10**9)
        lines.append(
            f"{number},{at + 10 * number},{at + 10 * number - 3},{action},{side},{cost},{size},{order},{flags},1"
        )
    (folder / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "orders.csv"


def told(folder: Path, *rows: Row) -> list[tuple[str, int, int, float, float]]:
    changes, _ = read_databento(written(folder, *rows), FUTURE)
    return [(each.told.name.lower(), each.number, each.side, each.price, each.quantity) for each in changes]


BID: Row = ("A", "B", 100.0, 5, 1, 130)
ASK: Row = ("A", "A", 100.25, 4, 2, 130)
TAKEN: tuple[Row, ...] = (("T", "B", 100.25, 1, 9, 0), ("F", "A", 100.25, 1, 2, 0), ("M", "A", 100.25, 3, 2, 130))
"""A buyer takes one of the ask."""


def test_a_market_is_collecting_until_it_has_traded(tmp_path: Path) -> None:
    assert told(tmp_path, BID, ASK, *TAKEN) == [
        ("collect", 0, 0, 0.0, 0.0),
        ("add", 1, 1, 100.0, 5),
        ("add", 2, -1, 100.25, 4),
        ("open", 0, 0, 0.0, 0.0),
        ("trade", 0, 1, 100.25, 1),
        ("reduce", 2, -1, 100.25, 1),
    ]


def test_an_auction_opens_once_what_it_filled_is_gone(tmp_path: Path) -> None:
    auction: tuple[Row, ...] = (
        ("A", "B", 101.0, 2, 3, 130),
        ("T", "N", 100.25, 2, 0, 0),
        ("F", "N", 100.25, 2, 3, 0),
        ("C", "B", 101.0, 2, 3, 0),
        ("M", "A", 100.25, 2, 2, 128),
        ("A", "B", 99.0, 1, 4, 130),
    )
    assert [(name, number) for name, number, *_ in told(tmp_path, BID, ASK, *auction)][3:] == [
        ("add", 3),
        ("print", 0),
        ("delete", 3),
        ("open", 0),
        ("reduce", 2),
        ("add", 4),
    ]


def test_an_order_that_would_have_traded_and_did_not_begins_an_auction(tmp_path: Path) -> None:
    crossing: Row = ("A", "B", 100.5, 1, 5, 130)
    assert [name for name, *_ in told(tmp_path, BID, ASK, *TAKEN, crossing)][-2:] == ["collect", "add"]


def test_an_order_joins_after_its_owners_others_have_made_room(tmp_path: Path) -> None:
    at = "1060,1060"
    path = written(tmp_path, BID, ASK, *TAKEN)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"5,{at},A,B,100250000000,1,6,0,7\n6,{at},C,A,100250000000,3,2,130,7\n")
    changes, _ = read_databento(path, FUTURE)
    assert [(each.told, each.number) for each in changes][-2:] == [(Told.DELETE, 2), (Told.ADD, 6)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("C", "B", 100.0, 2, 1, 130), [("reduce", 1, 1, 100.0, 2)]),
        (("C", "B", 100.0, 5, 1, 130), [("delete", 1, 1, 100.0, 5)]),
        (("M", "B", 100.0, 3, 1, 130), [("reduce", 1, 1, 100.0, 2)]),
        (("M", "B", 100.0, 5, 1, 130), [("delete", 1, 1, 100.0, 0.0), ("add", 1, 1, 100.0, 5)]),
        (("M", "B", 99.75, 3, 1, 130), [("delete", 1, 1, 99.75, 0.0), ("add", 1, 1, 99.75, 3)]),
        (("M", "B", 99.75, 3, 8, 130), [("add", 8, 1, 99.75, 3)]),
        (("C", "B", 100.0, 2, 8, 130), []),
        (("R", "N", 0.0, 0, 0, 130), [("delete", 1, 1, 0.0, 0.0)]),
    ],
)
def test_what_a_record_does_to_its_order(
    tmp_path: Path, change: Row, expected: list[tuple[str, int, int, float, float]]
) -> None:
    assert told(tmp_path, BID, change)[2:] == expected


def test_what_stood_before_a_snapshot_has_its_time(tmp_path: Path) -> None:
    changes, _ = read_databento(written(tmp_path, ("A", "B", 100.0, 5, 1, 40), ASK), FUTURE)
    assert [(each.at, each.exchange_at) for each in changes] == [(1000, 1000), (1000, 1000), (1010, 1007)]


def test_columns_as_databento_writes_them(tmp_path: Path) -> None:
    header = (
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,"
        "ts_in_delta,sequence"
    )
    line = "1000,997,160,1,17,A,B,100000000000,5,0,1,130,0,4"
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(f"{header}\n{line}\n".encode()))
    changes, _ = read_databento(path, FUTURE)
    assert (changes[1].number, changes[1].price, changes[1].quantity) == (1, 100.0, 5)
    path.write_bytes(gzip.compress(f"{header}\n{line}\n{line.replace(',17,', ',18,')}\n".encode()))
    with pytest.raises(DataError, match="several instruments"):
        read_databento(path, FUTURE)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("A", "B", 100.1, 5, 1, 130), "tick or lot"),
        (("A", "B", -100.0, 5, 1, 130), "tick or lot"),
        (("Z", "B", 100.0, 5, 1, 130), "line 3 cannot be read"),
    ],
)
def test_records_that_do_not_fit_are_refused(tmp_path: Path, row: Row, what: str) -> None:
    with pytest.raises(DataError, match=what):
        read_databento(written(tmp_path, BID, row), FUTURE)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (HEADER + "\n", MissingData),
        ("time,bid,ask\n1,2,3\n", DataError),
        (HEADER + "\n0,1000,997,A,B,100000000000,five,1,130,4\n", DataError),
        (HEADER + "\n0,1000,997,A,B\n", DataError),
        (HEADER + "\n0,1000,997,A,B,100000000000,5,1,130,4\r5", DataError),
        (HEADER + f"\n0,{10**19},997,A,B,100000000000,5,1,130,4\n", DataError),
        (HEADER + f"\n0,1000,997,A,B,{10**19},5,1,130,4\n", DataError),
        (HEADER + f"\n0,1000,997,A,B,100000000000,{10**19},1,130,4\n", DataError),
        (HEADER + "\n0,1000,997,A,B,100000000000,-5,1,130,4\n", DataError),
        (HEADER + "\n0,1000,997,A,B,100000000000,5,1,130,4\n0,999,997,A,B,100000000000,5,2,130,4\n", DataError),
    ],
)
def test_what_is_no_file_of_orders_is_refused(tmp_path: Path, text: str, error: type[InputRefused]) -> None:
    (tmp_path / "orders.csv").write_text(text, encoding="utf-8")
    with pytest.raises(error):
        read_databento(tmp_path / "orders.csv", FUTURE)


@given(content=st.binary(max_size=200), header=st.booleans())
def test_any_bytes_are_read_or_refused(content: bytes, header: bool) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        path.write_bytes((HEADER.encode() + b"\n" if header else b"") + content)
        with suppress(InputRefused):
            read_databento(path, FUTURE)
