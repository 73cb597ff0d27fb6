"""Files of facts: which row holds on a day, and every file that is not what it should be is named with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tradsys.core.errors import ConfigError, MissingData
from tradsys.engine.ruled.dated_facts import DatedFacts, read_facts

HEAD = "instrument,value,effective_from,effective_to,source\n"


def written(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "facts.csv"
    path.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def value(facts: DatedFacts, name: str, day: date) -> str | None:
    row = facts.on(day, name)
    return None if row is None else row.value


def test_a_row_holds_from_its_first_day_up_to_its_end(tmp_path: Path) -> None:
    facts = read_facts(written(tmp_path, "NSE:A|NSE:B,yes,2026-11-02,2026-11-04,list", "NSE:A,no,2026-11-10,,list"))
    for name in ("NSE:A", "NSE:B"):
        found = [value(facts, name, date(2026, 11, day)) for day in (1, 2, 3, 4)]
        assert found == [None, "yes", "yes", None]
    assert value(facts, "NSE:A", date(2030, 1, 1)) == "no"
    assert value(facts, "NSE:C", date(2026, 11, 2)) is None


def test_a_star_stands_for_what_is_not_named_on_that_day(tmp_path: Path) -> None:
    facts = read_facts(written(tmp_path, "NSE:A,yes,2026-11-02,2026-11-04,list", "*,no,2026-11-01,2026-12-01,list"))
    assert value(facts, "NSE:A", date(2026, 11, 3)) == "yes"
    assert value(facts, "NSE:A", date(2026, 11, 4)) == "no"
    assert value(facts, "NSE:Z", date(2026, 11, 30)) == "no"
    assert value(facts, "NSE:Z", date(2026, 12, 1)) is None


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((), "has no rows"),
        (("NSE:A,yes,2026-11-02,,",), "line 2: source is empty"),
        ((",yes,2026-11-02,,list",), "line 2: instrument is empty"),
        (("NSE:A,,2026-11-02,,list",), "line 2: value is empty"),
        (("NSE:A,yes,,,list",), "line 2: effective_from is empty"),
        (("NSE:A,yes,2026-11-02,,list", "NSE:B,yes,02/11/2026,,list"), "line 3: effective_from is no date"),
        (("NSE:A,yes,2026-11-02,soon,list",), "line 2: effective_to is no date"),
        (("NSE:A,yes,2026-11-02",), "line 2: not the columns"),
        (("NSE:A,yes,2026-11-02,,list,of today",), "line 2: not the columns"),
        (("NSE:A,yes,2026-11-02,2026-11-02,list",), "ends before it begins"),
        (("NSE:A,yes,2026-11-02,2026-11-09,a", "NSE:A,no,2026-11-08,,b"), "rows of NSE:A overlap"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_facts(written(tmp_path, *lines))


def test_other_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 2: not the columns") as caught:
        read_facts(written(tmp_path, "NSE:A,yes,2026-11-02,list", head="instrument,value,date,source\n"))
    assert caught.value.limit == "instrument,value,effective_from,effective_to,source"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no file"):
        read_facts(tmp_path / "facts.csv")
