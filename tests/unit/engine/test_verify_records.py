"""Copies of recorded files: every format is cut and poisoned in its own shape, and its own reader takes the copy."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.market.test_order_records import ROW
from tradsys.core.errors import DataError
from tradsys.core.events import Depth
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE, SECOND
from tradsys.engine.verify_records import LOBSTER_BOOK, decode, files_of, row_times, step_of
from tradsys.market.books.recording import read_depth
from tradsys.market.books.trades import FeedTrade
from tradsys.market.databento_orders import read_databento, read_messages
from tradsys.market.order_records import read_lobster, read_orders
from tradsys.market.tick_files import read_ticks

COIN = Instrument(
    id="X:Y",
    exchange="X",
    symbol="Y",
    segment=Segment.CRYPTO_SPOT,
    ticks=(DatedStep(0, SCALE // 100),),
    lots=(DatedStep(0, SCALE),),
)
FUTURE = Instrument(
    id="CME:X",
    exchange="CME",
    symbol="X",
    segment=Segment.FUTURE,
    ticks=(DatedStep(0, SCALE // 4),),
    lots=(DatedStep(0, SCALE),),
)
Read = Callable[[Path], tuple[list[int], list[float]]]
"""Reads a copy: times, and a price for each."""


def columns(count: int = 40) -> dict[str, list[Any]]:
    bids = [round(100 + number % 5 / 100, 2) for number in range(count)]
    return {
        "time": [f"2024-06-03 10:00:{number:02}" for number in range(count)],
        "bid": bids,
        "ask": [round(bid + 0.01, 2) for bid in bids],
        "last_quantity": [1.0] * count,
    }


def ticks_csv(path: Path) -> None:
    table = columns()
    lines = [",".join(table), *(",".join(map(str, row)) for row in zip(*table.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ticks_parquet(path: Path) -> None:
    pq.write_table(pa.table(columns()), path)


def read_tick_bids(path: Path) -> tuple[list[int], list[float]]:
    series = read_ticks(path, instrument="X:Y", timezone="Asia/Kolkata")
    return series.at.tolist(), series.matrix[2].tolist()


def orders(path: Path) -> None:
    rows = [{**ROW, "at": 5 + number, "order_id": number, "price": 100.05 + number / 100} for number in range(40)]
    pq.write_table(pa.Table.from_pylist(rows), path)


def read_order_prices(path: Path) -> tuple[list[int], list[float]]:
    times, commands, _ = read_orders(path, COIN)
    return times, [each.price / 100 for each in commands]


def lobster(path: Path) -> None:
    lines = [f"43200.{number:03},1,{11 + number},5,{1_000_000 + 100 * number},1" for number in range(39)]
    path.write_text("\n".join([*lines, "43201,7,0,0,-1,-1"]) + "\n", encoding="utf-8")
    book = "\n".join([f"{1_001_000 + 100 * number},7,9999999999,0" for number in range(40)])
    path.with_name(path.name.replace("message", "orderbook")).write_text(book + "\n", encoding="utf-8")


def read_lobster_prices(path: Path) -> tuple[list[int], list[float]]:
    changes, _ = read_lobster(path)
    return [each.at for each in changes[1:]], [each.price for each in changes[1:]]


def databento_csv(path: Path) -> None:
    head = "ts_recv,ts_event,action,side,price_1e-9,size,order_id,flags,sequence"
    rows = [f"{1000 + number},{990 + number},A,B,{(100 + number) * 10**9},1,{number},130,1" for number in range(39)]
    path.write_bytes(
        gzip.compress("\n".join([head, *rows, "1100,1100,C,N,9223372036854775807,1,3,130,2", ""]).encode())
    )


def read_databento_prices(path: Path) -> tuple[list[int], list[float]]:
    read_databento(path, FUTURE)
    added = [each for each in read_messages(path)[0] if each.action == b"A"]
    return [each.at for each in added], [each.price / 10**9 for each in added]


def depth(path: Path) -> None:
    """A snapshot, then bids that walk up; the level before goes."""
    whole = {"lastUpdateId": 1, "symbol": "XY", "bids": [["100.00", "1.0"]], "asks": [["200.00", "1.0"]]}
    lines = [f"{SECOND * 10**9} {json.dumps(whole)}"]
    for number in range(1, 40):
        bids = [[f"{100 + number}.00", "1.0"], [f"{99 + number}.00", "0.0"]]
        said = {"e": "depthUpdate", "E": 1, "s": "XY", "U": number + 1, "u": number + 1, "b": bids, "a": []}
        lines.append(f"{SECOND * 10**9 + number} {json.dumps(said)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_added_bids(path: Path) -> tuple[list[int], list[float]]:
    events, quotes = read_depth(path, format="binance", name="XY", instrument="X:Y")
    depths = [each for each in events if isinstance(each, Depth)]
    assert len(quotes) == len(events)
    return [each.at for each in depths], [each.bids[0][0] for each in depths]


def depth_with_trades(path: Path) -> None:
    """The same, and between its lines trades at prices that walk up."""
    depth(path)
    lines = []
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        told = {"e": "trade", "E": 1, "s": "XY", "t": number, "p": f"{150 + number}.50", "q": "2.0", "T": 1, "m": True}
        lines += [line, f"{line.partition(' ')[0]} {json.dumps({'stream': 'xy@trade', 'data': told})}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_trade_prices(path: Path) -> tuple[list[int], list[float]]:
    events, _ = read_depth(path, format="binance", name="XY", instrument="X:Y")
    trades = [each for each in events if isinstance(each, FeedTrade)]
    return [each.at for each in trades], [each.price for each in trades]


SHAPES: dict[str, tuple[str, str, Callable[[Path], None], Read, Instrument]] = {
    "csv": ("ticks", "ticks.csv", ticks_csv, read_tick_bids, COIN),
    "parquet": ("ticks", "ticks.parquet", ticks_parquet, read_tick_bids, COIN),
    "orders": ("orders", "orders.parquet", orders, read_order_prices, COIN),
    "lobster": ("lobster", "X_2024-06-03_1_2_message_1.csv", lobster, read_lobster_prices, COIN),
    "databento": ("databento", "orders.csv.gz", databento_csv, read_databento_prices, FUTURE),
    "depth": ("binance", "feed", depth, read_added_bids, COIN),
    "depth and trades": ("binance", "feed", depth_with_trades, read_added_bids, COIN),
    "trades": ("binance", "feed", depth_with_trades, read_trade_prices, COIN),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_reader_takes_copies_cut_and_poisoned(tmp_path: Path, shape: str) -> None:
    format, name, write, reads, instrument = SHAPES[shape]
    path = tmp_path / name
    write(path)
    at, before = reads(path)
    times = row_times(path, format=format, timezone=None, zone="Asia/Kolkata")
    assert set(at) <= set(times.tolist())
    rows = decode(path.read_bytes(), format=format, step=step_of(instrument, format=format))
    after = times > at[20]
    path.write_bytes(rows.kept(np.flatnonzero(~after)).encode())
    assert reads(path) == (at[:21], before[:21])
    path.write_bytes(rows.poisoned(after).encode())
    then, changed = reads(path)
    assert then == at
    assert changed[:21] == before[:21]
    assert all(abs(new / old - 1) > 0.4 for new, old in zip(changed[21:], before[21:], strict=True))


def test_books_beside_messages_go_with_them(tmp_path: Path) -> None:
    path = tmp_path / "X_2024-06-03_1_2_message_1.csv"
    lobster(path)
    (_, _), (book, format) = files_of(path, format="lobster")
    assert format == LOBSTER_BOOK
    times = row_times(book, format=format, timezone=None, zone="UTC")
    assert times.tolist() == row_times(path, format="lobster", timezone=None, zone="UTC").tolist()
    rows = decode(book.read_bytes(), format=format, step=step_of(COIN, format=format))
    changed = rows.poisoned(times > times[20]).encode().split()
    assert changed[:21] == book.read_bytes().split()[:21]
    price, *others = changed[21].split(b",")
    assert (int(price) == 1_003_100, int(price) % 100, others) == (False, 0, [b"7", b"9999999999", b"0"])
    book.write_bytes(b"\n".join(book.read_bytes().split()[:30]))
    with pytest.raises(DataError, match="30 rows"):
        row_times(book, format=format, timezone=None, zone="UTC")


def test_a_line_without_a_time_has_that_before_it(tmp_path: Path) -> None:
    said = {"e": "depthUpdate", "E": 7, "s": "XY", "U": 1, "u": 1, "b": [], "a": []}
    path = tmp_path / "feed"
    path.write_text(
        f"configuration: x\n{json.dumps(said)}\n{{}}\n1723161253937085768 {{}}\nno message\n", encoding="utf-8"
    )
    times = row_times(path, format="binance", timezone=None, zone="UTC").tolist()
    assert times == [0, 7_000_000, 7_000_000, *[1723161253937085768] * 3]


def test_binary_records_are_cut_and_poisoned(tmp_path: Path, shared_data: Path) -> None:
    original = shared_data / "l3/cme_mbo/esm4_20240508_000000_000002.mbo.dbn.zst"
    if not original.exists():
        pytest.skip("the shared sample data are not there")
    path = Path(shutil.copy(original, tmp_path))
    whole, _ = read_messages(path)
    times = row_times(path, format="databento", timezone=None, zone="UTC")
    after = times > times[13_700]
    rows = decode(path.read_bytes(), format="databento", step=step_of(FUTURE, format="databento"))
    path.write_bytes(rows.kept(np.flatnonzero(~after)).encode())
    assert read_messages(path)[0] == whole[: int((~after).sum())]
    path.write_bytes(rows.poisoned(after).encode())
    changed, _ = read_messages(path)
    read_databento(path, FUTURE)
    assert [each._replace(price=0) for each in changed] == [each._replace(price=0) for each in whole]
    differ = [new.price != old.price for new, old in zip(changed, whole, strict=True)]
    assert not any(differ[: int((~after).sum())])
    assert all(differ[int((~after).sum()) :])
