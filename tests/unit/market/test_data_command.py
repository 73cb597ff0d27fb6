"""`tradsys data` as scripts see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tradsys.cli.data import data_app
from tradsys.core.errors import ConfigError, MissingData, UnknownName

SAMPLE = "data/sample/nse_1min_mit"


def asked(*words: str | Path, code: int = 0) -> Any:
    """The one JSON object that a verb prints."""
    result = CliRunner().invoke(data_app, [str(word) for word in (*words, "--json")])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def shown(*words: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(data_app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.output


def test_check_lists_findings_and_exits_1(repository: Path) -> None:
    body = asked("check", repository / SAMPLE / "FEDERALBNK_1min_2014-12_2015-10.parquet", code=1)
    assert body.keys() >= {"findings", "rows", "sessions", "instruments"}
    assert (body["rows"], body["sessions"], body["instruments"]) == (78_267, 183, ["FEDERALBNK"])
    assert all(finding.keys() == {"kind", "instrument", "from", "to", "count"} for finding in body["findings"])
    halving = [finding for finding in body["findings"] if finding["kind"] == "split_suspect"]
    assert [finding["to"] for finding in halving] == ["2015-07-03T09:16:00+05:30"]


def test_check_exits_0_without_findings(tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    path.write_text("date,open,high,low,close,volume\n2024-04-22,1,1,1,1,1\n2024-04-23,1,1,1,1,1\n")
    assert asked("check", path, "--interval", "1d")["findings"] == []
    assert "No findings" in shown("check", path, "--interval", "1d")


def test_import_list_resample_and_check_again(repository: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    imported = asked("import", repository / SAMPLE, "--format", "nse_1min_mit", "--to", store)["imported"]
    federal = next(each for each in imported if each["instrument"] == "FEDERALBNK")
    assert {repair["count"] for repair in federal["repairs"] if repair["action"] == "dropped"} == {8, 10_102}
    assert len(federal["source_sha256"]) == len(federal["stored_sha256"]) == 64
    hourly = asked("resample", "FEDERALBNK", "--to", "1h", "--store", store)
    assert hourly["rows_read"] == federal["rows_kept"]
    held = {(row["instrument"], row["interval"]): row["rows"] for row in asked("list", "--store", store)["holdings"]}
    assert held[("FEDERALBNK", "1h")] == hourly["rows"]
    kinds = {finding["kind"] for finding in asked("check", store, "--interval", "1m", code=1)["findings"]}
    assert not kinds & {"duplicate", "unsorted", "outside_session", "mixed_zone"}


def test_people_see_tables(repository: Path, tmp_path: Path) -> None:
    path = repository / SAMPLE / "FINCABLES_1min_2014-12_2015-10.parquet"
    assert "8,445" in shown("check", path, code=1)
    assert "FINCABLES" in shown("import", path, "--format", "nse_1min_mit", "--to", tmp_path)
    assert "FINCABLES" in shown("list", "--store", tmp_path)
    assert "of 1d" in shown("resample", "FINCABLES", "--to", "1d", "--store", tmp_path)
    assert "is empty" in shown("list", "--store", tmp_path / "none")


def test_mistakes_are_errors_with_a_remedy(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no data at"):
        asked("check", tmp_path / "none.csv")
    with pytest.raises(UnknownName, match="did you mean 'nse_1min_mit'"):
        asked("import", repository / SAMPLE, "--format", "nse_1min_mitt")
    with pytest.raises(UnknownName, match="FEDERALBNK"):
        asked("check", repository / SAMPLE, "--instrument", "FEDERALBANK")
    with pytest.raises(UnknownName, match="exchange"):
        asked("check", repository / SAMPLE, "--exchange", "NASDAQ")
    with pytest.raises(ConfigError, match="unknown rule"):
        asked("import", repository / SAMPLE, "--format", "nse_1min_mit", "--keep", "both", "--to", tmp_path)
    assert not list(tmp_path.iterdir())
