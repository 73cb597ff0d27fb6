"""Defects that are known to be in real files, and planted ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.market.made import NSE, OPEN, minutes, nanos, series_of
from tradsys.core.errors import MissingData
from tradsys.core.units import DAY, MINUTE
from tradsys.market.loading import RawFile, read_raw
from tradsys.market.quality import KINDS, Finding, Report, check
from tradsys.market.readers.raw import RawBars
from tradsys.market.series import CLOSE, HIGH, LOW, VOLUME
from tradsys.market.series import OPEN as OPEN_PRICE


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


def total(report: Report, kind: str) -> int:
    return sum(finding.count for finding in of_kind(report, kind))


def raw_of(at: np.ndarray[tuple[int], np.dtype[np.int64]], *, zone: str = "Asia/Kolkata") -> RawFile:
    series = series_of(at)
    bars = RawBars(instrument="X", labels=at, matrix=series.matrix, zone=zone, label="end", span=MINUTE)
    return RawFile(bars, Path("made"), "0" * 64)


def checked(raw: RawFile) -> Report:
    return check([raw], calendar=NSE)


def test_defects_of_the_downloaded_minutes(shared_data: Path) -> None:
    raw = read_raw(shared_data / "india/minute/INFY-EQ_1min_2024-04_2025-04.parquet", format="parquet")
    report = check(raw.values(), calendar=NSE)
    assert (report.rows, report.sessions) == (91_850, 248)
    assert total(report, "duplicate") == 6
    cut = {finding.first // DAY: finding.count for finding in of_kind(report, "cut_day")}
    assert cut[nanos(2025, 1, 7, 12) // DAY] == 375 - 125
    # Muhurat 2024-11-01 18:00 and the Saturdays 2024-05-18 and 2025-02-01 are sessions.
    assert not of_kind(report, "outside_session")
    assert "taken as start" in " ".join(report.notes)


@pytest.mark.parametrize(
    ("name", "rows", "repeated"),
    [
        ("FEDERALBNK_1min_2014-12_2015-10", 78_267, 10_102),
        ("FORTIS_1min_2014-12_2015-10", 73_552, 8_747),
        ("FINCABLES_1min_2014-12_2015-10", 62_851, 8_445),
    ],
)
def test_defects_of_the_sample_stocks(repository: Path, name: str, rows: int, repeated: int) -> None:
    raw = read_raw(repository / f"data/sample/nse_1min_mit/{name}.parquet", format="nse_1min_mit")
    report = check(raw.values(), calendar=NSE)
    assert (report.rows, report.sessions) == (rows, 183)
    assert total(report, "duplicate") == repeated
    assert of_kind(report, "unsorted")
    assert of_kind(report, "outside_session")


@pytest.mark.parametrize(("name", "rows"), [("NIFTY", 92_624), ("BANKNIFTY", 92_565)])
def test_the_sample_indices(repository: Path, name: str, rows: int) -> None:
    raw = read_raw(repository / f"data/sample/nse_1min_mit/{name}_1min_2015.parquet", format="nse_1min_mit")
    report = check(raw.values(), calendar=NSE)
    assert (report.rows, report.sessions) == (rows, 247)
    assert not of_kind(report, "duplicate") and not of_kind(report, "zero_volume")


def test_only_the_halving_of_the_sample_looks_like_a_split(repository: Path) -> None:
    raw = read_raw(repository / "data/sample/nse_1min_mit", format="nse_1min_mit")
    found = of_kind(check(raw.values(), calendar=NSE), "split_suspect")
    assert [(each.instrument, each.last) for each in found] == [("FEDERALBNK", nanos(2015, 7, 3, 9, 16))]


def test_splits_and_bonuses_of_five_years(shared_data: Path) -> None:
    raw = read_raw(shared_data / "india/daily_2017_2022", format="nse_daily")
    found = of_kind(check(raw.values(), calendar=NSE), "split_suspect")
    # Ex-dates as the exchange announced them.
    assert {(each.instrument, each.last) for each in found} == {
        ("RELIANCE", nanos(2017, 9, 7, 15, 30)),
        ("LT", nanos(2017, 7, 13, 15, 30)),
        ("TCS", nanos(2018, 5, 31, 15, 30)),
        ("INFY", nanos(2018, 9, 4, 15, 30)),
        ("HDFCBANK", nanos(2019, 9, 19, 15, 30)),
    }


def test_a_clean_day_has_no_findings() -> None:
    report = checked(raw_of(minutes(375)))
    assert report.findings == []
    assert (report.rows, report.sessions, report.instruments) == (375, 1, ["X"])


def test_planted_defects_of_time() -> None:
    day = minutes(375)
    report = checked(raw_of(np.concatenate([day[:10], day[9:100], day[103:375], [day[374] + MINUTE]])))
    assert [(each.kind, each.count) for each in report.findings] == [
        ("duplicate", 1),
        ("outside_session", 1),
        ("gap", 3),
    ]
    hole = of_kind(report, "gap")[0]
    assert (hole.first, hole.last) == (OPEN + 100 * MINUTE, OPEN + 103 * MINUTE)


def test_a_day_without_its_morning_is_cut() -> None:
    assert [(each.kind, each.count) for each in checked(raw_of(minutes(375)[60:])).findings] == [("cut_day", 60)]


def test_missing_sessions_are_one_gap() -> None:
    later = nanos(2015, 4, 9, 9, 15)
    report = checked(raw_of(np.concatenate([minutes(375), minutes(375, start=later)])))
    # 2 and 3 April 2015 were holidays, 4 and 5 a weekend: 6, 7 and 8 April are missing.
    assert [(each.kind, each.count) for each in report.findings] == [("gap", 3)]


@pytest.mark.parametrize(
    ("row", "value"),
    [(OPEN_PRICE, np.nan), (CLOSE, -1.0), (LOW, 0.0), (HIGH, 50.0), (HIGH, 120.0), (LOW, 80.0), (VOLUME, np.nan)],
)
def test_impossible_and_stray_values_are_outliers(row: int, value: float) -> None:
    raw = raw_of(minutes(375))
    raw.bars.matrix[row, 7] = value
    report = checked(raw)
    assert [(each.kind, each.count, each.first) for each in report.findings] == [("outlier", 1, OPEN + 8 * MINUTE)]


def test_minutes_without_volume_are_found_only_where_there_is_volume() -> None:
    raw = raw_of(minutes(375))
    raw.bars.matrix[VOLUME, :2] = 0.0
    assert [(each.kind, each.count) for each in checked(raw).findings] == [("zero_volume", 2)]
    raw.bars.matrix[VOLUME] = 0.0
    assert checked(raw).findings == []


def test_mixed_zones_are_found() -> None:
    raw = raw_of(minutes(375))
    mixed = np.zeros(375, dtype=bool)
    mixed[5] = True
    report = checked(replace(raw, bars=replace(raw.bars, mixed=mixed)))
    assert [(each.kind, each.count) for each in report.findings] == [("mixed_zone", 1)]


def test_a_label_that_the_bars_contradict_is_noted() -> None:
    raw = raw_of(minutes(375) - MINUTE)
    assert any("labelled by their start" in note for note in checked(raw).notes)


def test_no_rows_are_an_error() -> None:
    with pytest.raises(MissingData, match="has no bars"):
        checked(raw_of(minutes(0)))


def test_the_report_has_the_promised_fields() -> None:
    body = checked(raw_of(minutes(375)[60:])).as_dict()
    assert {"findings", "rows", "sessions", "instruments"} <= body.keys()
    assert body["findings"] == [
        {
            "kind": "cut_day",
            "instrument": "X",
            "from": "2015-04-01T09:15:00+05:30",
            "to": "2015-04-01T10:15:00+05:30",
            "count": 60,
        }
    ]
    assert len(KINDS) == 9
