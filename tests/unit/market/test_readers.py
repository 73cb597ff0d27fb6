"""Readers on real files, against the numbers published beside them, and on files that are wrong."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from tests.unit.market.made import NSE, nanos
from tradsys.core.errors import ConfigError, DataError, MissingData, UnknownName
from tradsys.core.units import DAY, MINUTE
from tradsys.market.loading import load, load_many, read_raw
from tradsys.market.readers import FORMATS, recognise

CSV = "datetime,open,high,low,close,volume\n"
ROWS = "2024-04-22 09:15,100,102,99,101,500\n2024-04-22 09:16,101,103,100,102,600\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_sample_has_its_published_rows(repository: Path) -> None:
    raw = read_raw(repository / "data/sample/nse_1min_mit", format="nse_1min_mit")
    rows = {name: len(one.bars) for name, one in raw.items()}
    assert rows == {"BANKNIFTY": 92_565, "FEDERALBNK": 78_267, "FINCABLES": 62_851, "FORTIS": 73_552, "NIFTY": 92_624}
    first = raw["NIFTY"].bars
    assert first.labels[0] == nanos(2015, 4, 1, 9, 16)
    assert first.matrix[:, 0].tolist() == [8479.75, 8482.75, 8466.35, 8468.8, 0.0]


def test_the_sample_is_labelled_by_its_end(repository: Path) -> None:
    with pytest.raises(ConfigError, match="labels bars by their end"):
        load(repository / "data/sample/nse_1min_mit/NIFTY_1min_2015.parquet", format="nse_1min_mit", label="start")


def test_minutes_as_downloaded(shared_data: Path) -> None:
    path = shared_data / "india/minute/INFY-EQ_1min_2024-04_2025-04.parquet"
    bars = read_raw(path, format="parquet")["INFY-EQ"].bars
    assert len(bars) == 91_850
    assert bars.labels[0] == nanos(2024, 4, 22, 9, 15)
    assert bars.matrix[:, 0].tolist() == [1419.9, 1419.9, 1413.05, 1417.65, 212006.0]


def test_ten_years_of_daily_stocks(shared_data: Path) -> None:
    loaded = load_many(shared_data / "india/daily_2017_2022", format="nse_daily", calendar=NSE)
    assert {len(series) for series in loaded.values()} == {1_277}
    assert len(loaded) == 10
    reliance = loaded["RELIANCE"]
    day = int(np.searchsorted(reliance.at, nanos(2017, 9, 7, 15, 30)))
    assert reliance.at[day] == nanos(2017, 9, 7, 15, 30)
    assert reliance.close[day - 1] == 1645.40
    assert reliance.open[day] == 823.00


def test_bhavcopy_of_one_day(shared_data: Path) -> None:
    loaded = load_many(shared_data / "india/bhavcopy", format="nse_bhavcopy", calendar=NSE)
    assert len(loaded) == 1_910
    assert loaded["3MINDIA"].matrix[:, 0].tolist() == [21350.7, 21820.9, 21348.85, 21721.95, 773.0]
    assert loaded["3MINDIA"].at.tolist() == [nanos(2020, 1, 1, 15, 30)]


def test_bhavcopy_gives_only_what_is_asked_for(shared_data: Path) -> None:
    loaded = load_many(shared_data / "india/bhavcopy", format="nse_bhavcopy", instruments=["INFY"])
    assert list(loaded) == ["INFY"]


def test_bhavcopy_since_july_2024(tmp_path: Path) -> None:
    head = (
        "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,OpnPric,HghPric,LwPric,ClsPric,TtlTradgVol"
    )
    rows = "2024-07-08,2024-07-08,CM,NSE,STK,1,INE1,AAA,EQ,10,11,9,10.5,100\n"
    bond = "2024-07-08,2024-07-08,CM,NSE,STK,2,INE2,AAA,N1,1000,1000,1000,1000,5\n"
    loaded = load_many(written(tmp_path, "udiff.csv", f"{head}\n{rows}{bond}"), format="nse_bhavcopy")
    assert {name: series.close[0] for name, series in loaded.items()} == {"AAA": 10.5, "AAA-N1": 1000.0}


def test_indian_minutes_of_lean(shared_data: Path) -> None:
    series = load(shared_data / "lean/equity/india/minute/yesbank", format="lean")
    assert series.instrument == "YESBANK"
    assert series.at[0] == nanos(2019, 7, 9, 9, 16)
    assert series.matrix[:, 0].tolist() == [95.0, 95.0, 93.9, 94.85, 1730100.0]


def test_index_prices_of_lean_are_not_scaled(shared_data: Path) -> None:
    series = load(shared_data / "lean/index/india/minute/nifty50", format="lean")
    assert series.open[0] == 10881.7


def test_american_minutes_of_lean_are_in_new_york_time(shared_data: Path) -> None:
    series = load(shared_data / "lean/equity/usa/minute/aapl", format="lean")
    assert series.at[0] == nanos(2014, 6, 5, 4, 16, zone="America/New_York")
    assert series.open[0] == 644.8


def test_american_days_of_lean(shared_data: Path) -> None:
    series = load(shared_data / "lean/equity/usa/daily/aapl.zip", format="lean")
    assert series.span == DAY
    assert series.at[0] == nanos(1998, 1, 3, zone="America/New_York")
    assert series.matrix[:, 0].tolist() == [13.63, 16.25, 13.5, 16.25, 6315000.0]


def test_candles_of_freqtrade(shared_data: Path) -> None:
    series = load(shared_data / "crypto/freqtrade/ETH_BTC-5m.feather", format="freqtrade")
    assert (series.instrument, len(series), series.span) == ("ETH/BTC", 5_760, 5 * MINUTE)
    assert series.at[0] == nanos(2018, 1, 10, 5, 0, zone="UTC")
    perpetual = read_raw(shared_data / "crypto/freqtrade/futures/XRP_USDT_USDT-1h-futures.feather", format="freqtrade")
    assert list(perpetual) == ["XRP/USDT:USDT"]


def test_candles_of_kite(shared_data: Path) -> None:
    path = shared_data / "kite/mocks/historical_minute.json"
    series = load(path, format="kite", interval="minute", instrument="NSE:X", calendar=NSE)
    assert series.instrument == "NSE:X"
    assert series.at.tolist() == [nanos(2017, 12, 15, 9, minute) for minute in range(16, 22)]
    assert series.matrix[:, 0].tolist() == [1704.5, 1705.0, 1699.25, 1702.8, 2499.0]


def test_lists_of_ccxt(tmp_path: Path) -> None:
    rows = [[1_513_309_500_000, 1.0, 2.0, 0.5, 1.5, 10], [1_513_309_560_000, 1.5, 2.0, 1.0, 1.0, 0.25]]
    series = load(written(tmp_path, "BTC.json", json.dumps(rows)), format="ccxt", interval="1m")
    assert series.at.tolist() == [1_513_309_560 * 10**9, 1_513_309_620 * 10**9]
    assert series.volume.tolist() == [10.0, 0.25]


def test_daily_files_of_the_peers(shared_data: Path) -> None:
    oracle = load(shared_data / "peers/backtrader/orcl-1995-2014.txt.gz", format="csv", interval="1d", timezone="UTC")
    assert oracle.at[0] == nanos(1995, 1, 4, zone="UTC")
    assert oracle.matrix[:, 0].tolist() == [2.179012, 2.191358, 2.117284, 2.117284, 36301200.0]


def test_files_of_the_index_publisher(shared_data: Path) -> None:
    raw = read_raw(shared_data / "india/index/NIFTY50_2023_2025.csv", format="csv")["NIFTY 50"].bars
    assert raw.labels[0] == nanos(2023, 12, 29)
    assert raw.matrix[:4, 0].tolist() == [21737.65, 21770.3, 21676.9, 21731.4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("Date Time,O,H,L,C,V", "2024-04-22 09:15"),
        ("timestamp,Open Price,High Price,Low Price,Close Price,Vol", "1713757500"),
        ("TIMESTAMP,open,high,low,close,Volume", "1713757500000"),
        ("ts,OPEN,HIGH,LOW,CLOSE,qty", "22-04-2024 09:15:00"),
    ],
)
def test_columns_under_many_names(tmp_path: Path, delimiter: str, header: str, moment: str) -> None:
    text = f"{header}\n{moment},100,102,99,101,500\n".replace(",", delimiter)
    series = load(written(tmp_path, "X.csv", text), format="csv", interval="1m", label="start")
    assert series.at.tolist() == [nanos(2024, 4, 22, 9, 16)]
    assert series.matrix[:, 0].tolist() == [100.0, 102.0, 99.0, 101.0, 500.0]


def test_date_and_time_in_two_columns(tmp_path: Path) -> None:
    text = "Date,Time,Open,High,Low,Close\n2024-04-22,09:15,100,102,99,101\n"
    series = load(written(tmp_path, "X.csv", text), format="csv", interval="1m", label="end")
    assert series.at.tolist() == [nanos(2024, 4, 22, 9, 15)]
    assert series.notes == ("no volume: taken as 0",)


def test_the_same_bars_from_csv_gzip_parquet_and_feather(tmp_path: Path) -> None:
    (tmp_path / "X.csv.gz").write_bytes(gzip.compress((CSV + ROWS).encode()))
    plain = load(written(tmp_path, "X.csv", CSV + ROWS), format="csv", interval="1m", label="start", timezone="UTC")
    columns = {name: plain.matrix[row] for row, name in enumerate(["open", "high", "low", "close", "volume"])}
    starts = pa.array(plain.at - MINUTE).cast(pa.timestamp("ns"))
    table = pa.table({"date": starts, **columns})
    pq.write_table(table, tmp_path / "X.parquet")
    feather.write_feather(table, tmp_path / "A_B-1m.feather")
    zipped = load(tmp_path / "X.csv.gz", format="csv", interval="1m", label="start", timezone="UTC")
    columnar = load(tmp_path / "X.parquet", format="parquet", interval="1m", label="start", timezone="UTC")
    for other in (zipped, columnar, load(tmp_path / "A_B-1m.feather", format="freqtrade")):
        assert other.at.tolist() == plain.at.tolist()
        assert np.array_equal(other.matrix, plain.matrix)
        assert other.matrix.flags.c_contiguous and other.matrix.flags.writeable


def test_many_instruments_in_one_file(tmp_path: Path) -> None:
    head = "symbol,date,open,high,low,close,volume\n"
    path = written(
        tmp_path, "many.csv", head + "B,2024-04-22,1,1,1,1,1\nA,2024-04-22,2,2,2,2,2\nB,2024-04-23,3,3,3,3,3\n"
    )
    loaded = load_many(path, format="csv", interval="1d")
    assert {name: series.close.tolist() for name, series in loaded.items()} == {"A": [2.0], "B": [1.0, 3.0]}
    with pytest.raises(UnknownName, match="did you mean"):
        load_many(path, format="csv", interval="1d", instruments=["AA"])
    with pytest.raises(ConfigError, match="holds 2 instruments"):
        load(path, format="csv", interval="1d")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (CSV, "no bars"),
        (CSV + "2024-04-22 09:15,100,102,99,101\n", "Expected 6 columns"),
        (CSV + ROWS + "2024-04-22 09:17,abc,102,99,101,5\n", "row 3: open is not a number"),
        (CSV + ROWS + "2024-04-22 09:17,,102,99,101,5\n", "open is not a number in row 3"),
        (CSV + ROWS + "2024-04-22 09:17,nan,102,99,101,5\n", "open is not a number in row 3"),
        (CSV + ROWS + "2024-04-22 09:17,100,102,-99,101,5\n", "low is not above zero in row 3"),
        (CSV + ROWS + "2024-04-22 09:17,100,102,99,101,-5\n", "volume is negative in row 3"),
        (CSV + ROWS + "2024-04-22 09:17,100,98,99,99,5\n", "high is below low in row 3"),
        (CSV + ROWS + "2024-04-22 09:17,103,102,99,101,5\n", "open lies outside low … high in row 3"),
        (CSV + ROWS + "2024-04-22 09:16,101,103,100,102,600\n", "a time stands twice in row 3"),
        (CSV + ROWS + "2024-04-22 09:14,101,103,100,102,600\n", "a time stands out of order in row 3"),
        (CSV + ROWS + "whenever,101,103,100,102,600\n", "row 3: not a date"),
        (CSV + ROWS + "2024-04-22 09:17+05:30,101,103,100,102,600\n", "another zone"),
        ("when,open,high,low,close\n1,2,3,4,5\n", "no column for time"),
        ("date,open,high,low\n2024-04-22,1,1,1\n", "no column for close"),
        ("date,open,o,high,low,close\n2024-04-22,1,1,1,1,1\n", "several columns could be the open"),
        ("2024-04-22,100,102,99,101,5\n", "no header row"),
        ("", "no header row"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        load(written(tmp_path, "X.csv", body), format="csv", interval="1m", label="start")
    assert says in str(caught.value)
    assert "X.csv" in str(caught.value)


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff" * 40, b"[]", b"[[1]]", b"{}", b"\x1f\x8bbroken", b"PK\x03\x04broken"]
)
def test_no_reader_takes_rubbish(tmp_path: Path, name: str, body: bytes) -> None:
    path = tmp_path / "equity" / "india" / "A_B-1m.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    with pytest.raises(DataError):
        load(path, format=name, interval="1m", label=None if FORMATS[name].label else "start")


def test_quotes_of_lean_are_not_bars(tmp_path: Path) -> None:
    path = tmp_path / "equity/usa/minute/aapl/20140605_quote.zip"
    path.parent.mkdir(parents=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("20140605_aapl_minute_quote.csv", "14400000,1,1,1,1,1,1,1,1,1,1\n")
    path.write_bytes(content.getvalue())
    with pytest.raises(MissingData, match="holds no bars"):
        load(path, format="lean")


def test_settings_that_the_file_does_not_prove_are_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "X.csv", CSV + ROWS)
    with pytest.raises(ConfigError, match="start or its end"):
        load(path, format="csv", interval="1m")
    with pytest.raises(ConfigError, match="interval is needed"):
        load(path, format="csv", label="start")
    with pytest.raises(DataError, match="60 s apart"):
        load(path, format="csv", interval="5m", label="start")
    with pytest.raises(UnknownName, match="did you mean 'csv'"):
        load(path, format="cvs")
    with pytest.raises(ConfigError, match="unknown time zone"):
        load(path, format="csv", interval="1m", label="start", timezone="Asia/Bombay")


def test_a_label_that_the_bars_contradict_is_refused(tmp_path: Path) -> None:
    clocks = [f"2015-04-01 {minute // 60:02d}:{minute % 60:02d}" for minute in range(9 * 60 + 15, 15 * 60 + 30)]
    path = written(tmp_path, "X.csv", CSV + "".join(f"{clock},1,1,1,1,1\n" for clock in clocks))
    assert len(load(path, format="csv", interval="1m", label="start", calendar=NSE)) == 375
    with pytest.raises(DataError, match="labelled by their start"):
        load(path, format="csv", interval="1m", label="end", calendar=NSE)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no data at"):
        load(tmp_path / "none.csv", format="csv")
    with pytest.raises(MissingData, match="no data at"):
        load(tmp_path, format="csv")


def test_shapes_are_recognised(shared_data: Path, repository: Path) -> None:
    names = {
        "india/minute": "parquet",
        "india/bhavcopy": "nse_bhavcopy",
        "india/daily_2017_2022": "nse_daily",
        "india/index": "csv",
        "lean/equity/india": "lean",
        "crypto/freqtrade/ETH_BTC-5m.feather": "freqtrade",
        "kite/mocks/historical_minute.json": "kite",
    }
    assert {path: recognise(shared_data / path) for path in names} == names
    assert recognise(repository / "data/sample/nse_1min_mit") == "nse_1min_mit"
