"""CSV that no spreadsheet runs, with numbers that stay numbers, headings where there is nothing, and a way back."""

from __future__ import annotations

import csv
import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.units import SCALE
from tradsys.engine.reports.sheets import Heading, Sheet, csv_text, safe

HEADINGS = (
    Heading("words"), Heading("number", "count"), Heading("units", "exact"), Heading("paid", "money"),
    Heading("part", "share"), Heading("made_utc", "utc"), Heading("made_exchange", "local"), Heading("day", "date"),
)  # fmt: skip


def sheet(*rows: tuple[object, ...]) -> Sheet:
    return Sheet(name="s", title="S", lead="", headings=HEADINGS, rows=list(rows), zone="Asia/Kolkata", currency="INR")


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "  =1", "\t=1", "\r=1", "\n=1", "＝1+1", "'=1", "-₹5", "=-1"],
)
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "fast over slow", "a=b", "-5", "+12.50", "-0.25", "1e5", "in -> out"])
def test_plain_words_and_plain_numbers_stay(text: str) -> None:
    assert safe(text) == text


@given(st.text())
def test_a_cell_never_begins_a_formula_and_can_be_read_back(text: str) -> None:
    cell = safe(text)
    assert cell.removeprefix("'") == text if cell != text else not text.startswith("'")
    first = cell.lstrip()[:1]
    assert first not in tuple("=+-@") or float(cell) is not None


def test_values_are_written_as_what_they_are() -> None:
    at = 1_717_386_360 * 10**9
    row = ("=x", 7, -150_000_000, 5 * SCALE // 2, 0.25, at, at, date(2024, 6, 3))
    (found,) = csv.DictReader(csv_text(sheet(row)).splitlines())
    assert found == {
        "words": "'=x",
        "number": "7",
        "units": "-1.5",
        "paid": "2.5",
        "part": "0.25",
        "made_utc": "2024-06-03T03:46:00+00:00",
        "made_exchange": "2024-06-03T09:16:00+05:30",
        "day": "2024-06-03",
    }


def test_what_is_not_known_is_empty_and_nothing_has_its_headings() -> None:
    (found,) = csv.DictReader(csv_text(sheet(("", None, None, None, math.nan, None, None, None))).splitlines())
    assert set(found.values()) == {""}
    assert csv_text(sheet()).splitlines() == [",".join(each.name for each in HEADINGS)]
