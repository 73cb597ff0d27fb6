"""Corporate actions from files: ratios as announced become holdings, and every bad cell is named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tradsys.core.errors import DataError, MissingData, UnknownName
from tradsys.core.events import ActionKind
from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE
from tradsys.reference.calendar import calendar_for
from tradsys.reference.corporate_actions import actions_for, read_corporate_actions

HEADER = "instrument,ex_date,kind,ratio,cash,source\n"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "actions.csv"
    path.write_text(HEADER + "".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("kind", "ratio", "old", "new"),
    [
        ("bonus", "1:1", 1, 2),
        ("bonus", "1:2", 2, 3),
        ("bonus", "2:1", 1, 3),
        ("split", "2:10", 1, 5),
        ("split", "1:10", 1, 10),
        ("split", "10:2", 5, 1),
    ],
)
def test_ratios_as_announced(tmp_path: Path, kind: str, ratio: str, old: int, new: int) -> None:
    (action,) = read_corporate_actions(written(tmp_path, f"NSE:X,2024-05-17,{kind},{ratio},,notice"))
    assert (action.kind, action.old, action.new, action.cash) == (kind, old, new, 0)


def test_events_fall_on_the_open_of_the_ex_date_in_time_order(tmp_path: Path) -> None:
    path = written(tmp_path, "NSE:B,2024-05-21,dividend,,7.25,notice", "NSE:A,2024-05-17,bonus,1:1,,notice")
    first, second = read_corporate_actions(path)
    opens = [calendar_for("NSE", Segment.EQUITY).session(day) for day in (date(2024, 5, 17), date(2024, 5, 21))]
    assert [action.at for action in (first, second)] == [session.open for session in opens if session]
    assert (first.instrument, second.cash, second.old, second.new) == ("NSE:A", 725 * SCALE // 100, 1, 1)


def test_the_shipped_file_covers_the_sample_data() -> None:
    known = {action.instrument: action for action in actions_for(None)}
    assert set(known) == {"NSE:FEDERALBNK", "NSE:RELIANCE"}
    for instrument, day in (("NSE:FEDERALBNK", date(2015, 7, 3)), ("NSE:RELIANCE", date(2017, 9, 7))):
        session = calendar_for("NSE", Segment.EQUITY).session(day)
        assert session is not None
        action = known[instrument]
        assert (action.at, action.kind, action.old, action.new) == (session.open, ActionKind.BONUS, 1, 2)
        assert action.source


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (",2024-05-17,bonus,1:1,,n", "no instrument"),
        ("NSE:X,17/05/2024,bonus,1:1,,n", "not a date"),
        ("NSE:X,2024-05-19,bonus,1:1,,n", "no session on the ex-date"),
        ("NSE:X,2024-05-17,bonsu,1:1,,n", "unknown kind"),
        ("NSE:X,2024-05-17,bonus,,,n", "no ratio"),
        ("NSE:X,2024-05-17,bonus,1:0,,n", "not a ratio"),
        ("NSE:X,2024-05-17,bonus,1.5,,n", "not a ratio"),
        ("NSE:X,2024-05-17,split,5:5,,n", "changes nothing"),
        ("NSE:X,2024-05-17,split,2:10,3,n", "pays no cash"),
        ("NSE:X,2024-05-17,dividend,,,n", "no cash"),
        ("NSE:X,2024-05-17,dividend,,-1,n", "must be positive"),
        ("NSE:X,2024-05-17,dividend,,ten,n", "not a number"),
        ("NSE:X,2024-05-17,dividend,1:1,5,n", "has no ratio"),
        ("NSE:X,2024-05-17,bonus,1:1,,", "no source"),
    ],
)
def test_bad_lines_are_refused_with_their_number(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_corporate_actions(written(tmp_path, "NSE:OK,2024-05-17,bonus,1:1,,notice", line))
    assert said in str(caught.value)
    assert "line 3" in str(caught.value)


def test_bad_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData):
        read_corporate_actions(tmp_path / "absent.csv")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("symbol,date\nX,2024-05-17\n", encoding="utf-8")
    with pytest.raises(DataError, match="columns"):
        read_corporate_actions(wrong)
    twice = written(tmp_path, *["NSE:X,2024-05-17,bonus,1:1,,notice"] * 2)
    with pytest.raises(DataError, match="given twice"):
        read_corporate_actions(twice)
    with pytest.raises(UnknownName):
        read_corporate_actions(written(tmp_path, "NASDAQ:X,2024-05-17,bonus,1:1,,notice"))


def test_one_calendar_may_stand_for_all(tmp_path: Path) -> None:
    path = written(tmp_path, "NASDAQ:X,2024-05-18,bonus,1:1,,notice")
    calendar = calendar_for("CRYPTO", Segment.CRYPTO_SPOT)
    (action,) = read_corporate_actions(path, calendar=calendar)
    session = calendar.session(date(2024, 5, 18))
    assert session is not None
    assert action.at == session.open
