"""Damaged bytes give bars or a clear refusal, never another exception."""

from __future__ import annotations

import io
import json
import random
import zipfile
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from tests.unit.market.made import NSE, minutes, series_of
from tradsys.core.errors import TradSysError
from tradsys.market.importing import clean
from tradsys.market.loading import RawFile
from tradsys.market.loading import series_of as validated
from tradsys.market.quality import check
from tradsys.market.readers import FORMATS
from tradsys.market.readers.native import encode
from tradsys.market.readers.raw import Request

COLUMNS = {name: [1.0] * 5 for name in ("open", "high", "low", "close", "volume")}
PIECES = [b"", b"-", b"9", b"nan", b"1e400", b'"', b",", b"\n", b"\x00", b"\xff", b"9" * 20, b"null", b"[", b"24:61"]


def _columnar() -> bytes:
    table = pa.table({"date": [20150401] * 5, "time": [f"09:{minute}" for minute in range(16, 21)], **COLUMNS})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _feather() -> bytes:
    sink = io.BytesIO()
    starts = pa.array(minutes(5)).cast(pa.timestamp("ns", "UTC"))
    feather.write_feather(pa.table({"date": starts, **COLUMNS}), sink)
    return sink.getvalue()


def _zip() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("20150401_x_minute_trade.csv", "33300000,10,10,10,10,5\n33360000,10,10,10,10,5\n")
    return sink.getvalue()


CANDLE = ["2015-04-01T09:15:00+0530", 1, 1, 1, 1, 5]
WHOLE: dict[str, tuple[str, bytes]] = {
    "csv": ("X.csv", b"datetime,open,high,low,close,volume\n2015-04-01 09:15,1,1,1,1,5\n2015-04-01 09:16,1,1,1,1,5\n"),
    "parquet": ("X.parquet", _columnar()),
    "kite": ("X.json", json.dumps({"data": {"candles": [CANDLE, CANDLE]}}).encode()),
    "ccxt": ("X.json", b"[[1427859900000,1,1,1,1,5],[1427859960000,1,1,1,1,5]]"),
    "freqtrade": ("A_B-1m.feather", _feather()),
    "lean": ("equity/india/minute/x/20150401_trade.zip", _zip()),
    "nse_1min_mit": ("X_1min_2015.parquet", _columnar()),
    "nse_bhavcopy": (
        "cm.csv",
        b"SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,TOTTRDQTY,TIMESTAMP\nX,EQ,1,1,1,1,5,01-APR-2015\nY,N1,1,1,1,1,5,01-APR-2015\n",
    ),
    "nse_daily": ("X.csv", b'"010415","1","1","1","1","5","5","5"\n"060415","1","1","1","1","5","5","5"\n'),
    "tradsys": ("bars.parquet", encode(series_of(minutes(30)))),
}


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The bytes with one to four places changed, inserted, removed or cut off."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed)) if changed else 0
        kind = chance.randrange(4)
        if kind == 0 and changed:
            changed[place] = chance.randrange(256)
        elif kind == 1:
            changed[place : place + chance.randint(0, 8)] = chance.choice(PIECES)
        elif kind == 2:
            del changed[place : place + chance.randint(1, 50)]
        elif chance.random() < 0.3:
            del changed[place:]
    return bytes(changed)


def used(name: str, path: str, content: bytes) -> None:
    """Everything that is done with a file's bytes."""
    shape = FORMATS[name]
    for bars in shape.parse(content, Request(path=Path(path), zone=shape.zone or "Asia/Kolkata")):
        raw = RawFile(bars, Path(path), "0" * 64)
        interval, label = None if bars.span else "1m", None if bars.label else "start"
        with suppress(TradSysError):
            check([raw], calendar=NSE)
        with suppress(TradSysError):
            clean(raw, calendar=NSE, interval=interval, label=label)
        with suppress(TradSysError):
            validated(raw, interval=interval, label=label, calendar=NSE)


def test_every_shape_is_covered() -> None:
    assert WHOLE.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_damage_is_refused_or_harmless(name: str) -> None:
    path, content = WHOLE[name]
    chance = random.Random(name)
    assert FORMATS[name].parse(content, Request(path=Path(path), zone="Asia/Kolkata"))
    for _ in range(200):
        with suppress(TradSysError):
            used(name, path, damaged(content, chance))
