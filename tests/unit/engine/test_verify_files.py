"""Copies of data files: every shape is cut and poisoned in its own format, and its own reader takes the copy."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from tradsys.core.instruments import Segment
from tradsys.engine.verify_files import decode, row_times
from tradsys.market.loading import load_many
from tradsys.reference.calendar import calendar_for

DAYS = ("2024-06-03", "2024-06-04", "2024-06-05", "2024-06-06")
CLOSES = (101.0, 103.0, 102.0, 99.5)
ROWS = [[close - 1, close + 2, close - 2, close, 5000 + n] for n, close in enumerate(CLOSES)]
NAMES = ["open", "high", "low", "close", "volume"]
NSE = calendar_for("NSE", Segment.EQUITY)
ALWAYS = calendar_for("CRYPTO", Segment.CRYPTO_SPOT)


def table(**columns: Any) -> pa.Table:
    return pa.table(columns | {name: [row[n] for row in ROWS] for n, name in enumerate(NAMES)})


def csv_text(*, separator: str = ",") -> str:
    lines = [separator.join([day, *map(str, row)]) for day, row in zip(DAYS, ROWS, strict=True)]
    return "\n".join([separator.join(["Date", *NAMES]), *lines]) + "\n"


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(date=pa.array(DAYS)), sink)
    return sink.getvalue()


def ccxt() -> bytes:
    return json.dumps([[1717372800000 + n * 86_400_000, *row] for n, row in enumerate(ROWS)]).encode()


def kite() -> bytes:
    candles = [[f"{day}T00:00:00+0530", *row] for day, row in zip(DAYS, ROWS, strict=True)]
    return json.dumps({"status": "success", "data": {"candles": candles}}).encode()


def freqtrade() -> bytes:
    sink = io.BytesIO()
    moments = pa.array([1717372800000 + n * 86_400_000 for n in range(len(DAYS))], pa.timestamp("ms", "UTC"))
    feather.write_feather(table(date=moments), sink)
    return sink.getvalue()


def lean() -> bytes:
    sink = io.BytesIO()
    lines = [
        ",".join([day.replace("-", "") + " 00:00", *(str(int(value * 10_000)) for value in row[:4]), str(row[4])])
        for day, row in zip(DAYS, ROWS, strict=True)
    ]
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("abc.csv", "\n".join(lines))
    return sink.getvalue()


def nse_daily() -> bytes:
    lines = [
        f"{day[8:]}{day[5:7]}{day[2:4]},{row[0]},{row[1]},{row[2]},{row[3]},1000,{row[4]},7"
        for day, row in zip(DAYS, ROWS, strict=True)
    ]
    return "\n".join(lines).encode()


SHAPES: dict[str, tuple[str, str, bytes]] = {
    "csv": ("csv", "abc.csv", csv_text().encode()),
    "semicolons": ("csv", "abc.csv", csv_text(separator=";").encode()),
    "packed": ("csv", "abc.csv.gz", gzip.compress(csv_text().encode())),
    "parquet": ("parquet", "abc.parquet", parquet()),
    "ccxt": ("ccxt", "abc.json", ccxt()),
    "kite": ("kite", "abc.json", kite()),
    "freqtrade": ("freqtrade", "ABC_USDT-1d.feather", freqtrade()),
    "lean": ("lean", "equity/india/daily/abc.zip", lean()),
    "nse_daily": ("nse_daily", "abc.csv", nse_daily()),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_reader_takes_copies_cut_and_poisoned(tmp_path: Path, shape: str) -> None:
    format, name, content = SHAPES[shape]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    calendar = ALWAYS if format in ("ccxt", "freqtrade") else NSE

    def closes(written: bytes) -> tuple[list[int], list[float]]:
        path.write_bytes(written)
        (series,) = load_many(path, format=format, interval="1d", calendar=calendar).values()
        return series.at.tolist(), series.close.tolist()

    at, before = closes(content)
    assert before == pytest.approx(CLOSES)
    times = row_times(
        content,
        path=path,
        format=format,
        interval="1d",
        label=None,
        timezone=None,
        date_order=None,
        calendar=calendar,
    )
    assert times.tolist() == at
    after = times > at[1]
    assert closes(cut(content, format=format, name=path.name, after=after)) == (at[:2], before[:2])
    then, changed = closes(poison(content, format=format, name=path.name, after=after))
    assert then == at
    assert changed[:2] == before[:2]
    assert all(abs(new / old - 1) > 0.5 for new, old in zip(changed[2:], before[2:], strict=True))


def cut(content: bytes, *, format: str, name: str, after: NDArray[np.bool_]) -> bytes:
    return decode(content, format=format, name=name).kept(np.flatnonzero(~after)).encode()


def poison(content: bytes, *, format: str, name: str, after: NDArray[np.bool_]) -> bytes:
    return decode(content, format=format, name=name).poisoned(after).encode()


def _close(day: str) -> int:
    session = NSE.session(date.fromisoformat(day))
    assert session is not None
    return session.close


def test_rows_of_several_instruments_in_any_order_find_their_times(tmp_path: Path) -> None:
    rows = [("2024-06-05", "B"), ("2024-06-03", "A"), ("2024-06-04", "B"), ("2024-06-04", "A")]
    text = "date,symbol,open,high,low,close,volume\n" + "".join(f"{d},{s},10,11,9,10,5\n" for d, s in rows)
    times = row_times(
        text.encode(),
        path=tmp_path / "all.csv",
        format="csv",
        interval="1d",
        label=None,
        timezone=None,
        date_order=None,
        calendar=NSE,
    )
    expected = [_close(day) for day, _ in rows]
    assert times.tolist() == expected
    kept = cut(text.encode(), format="csv", name="all.csv", after=times > expected[2]).decode()
    assert [line.split(",")[:2] for line in kept.splitlines()[1:]] == [list(row) for row in rows[1:]]


def test_integer_prices_stay_integers() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"date": list(DAYS)} | {name: pa.array([100, 101, 102, 103]) for name in NAMES}), sink)
    changed = poison(sink.getvalue(), format="parquet", name="abc.parquet", after=np.array([False, False, True, True]))
    read = pq.ParquetFile(pa.BufferReader(changed)).read()
    assert read.schema.field("close").type == pa.int64()
    assert read["close"].to_pylist()[:2] == [100, 101]
    assert read["close"].to_pylist()[2] != 102
