"""Splits, bonuses and dividends from a CSV file, as events at the open of the ex-date.

Columns: `instrument` (`NSE:RELIANCE`), `ex_date` (`YYYY-MM-DD`), `kind` (split, bonus, dividend), `ratio`, `cash`,
`source`. Ratios as announced: bonus `1:2` is one new share for two held; split `2:10` is face value 10 cut to 2, one
share becomes five. A dividend gives `cash` a share in its currency and no ratio. Every row needs its source.
"""

from __future__ import annotations

import csv
from datetime import date
from math import gcd
from pathlib import Path

from tradsys.core.errors import ConfigError, DataError, MissingData
from tradsys.core.events import ActionKind, CorporateAction
from tradsys.core.instruments import Segment
from tradsys.core.units import from_text
from tradsys.reference.calendar import Calendar, calendar_for
from tradsys.reference.dated import DATA

COLUMNS = ("instrument", "ex_date", "kind", "ratio", "cash", "source")


def read_corporate_actions(path: Path, *, calendar: Calendar | None = None) -> list[CorporateAction]:
    """Events of a file, oldest first. Sessions are those of each instrument's exchange, or of `calendar` for all.

    Raises `MissingData` for no file, `DataError` naming file, line and value for anything else.
    """
    if not path.is_file():
        raise MissingData(f"no corporate actions at {path}", value=str(path), fix="check the path")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        _check_columns(path, tuple(reader.fieldnames or ()))
        actions = [_action(_Line(path, reader.line_num, line), calendar) for line in reader]
    _check_unique(path, actions)
    return sorted(actions, key=lambda action: (action.at, action.instrument, action.kind))


def actions_for(path: Path | None) -> list[CorporateAction]:
    """Events of a user's file, or with None the shipped ones, which cover the sample data. Raises as the reader."""
    return read_corporate_actions(DATA / "corporate_actions.csv" if path is None else path)


class _Line:
    """One line of the file and the way to complain about it."""

    def __init__(self, path: Path, number: int, cells: dict[str, str | None]) -> None:
        self._where = f"{path}, line {number}"
        self._cells = cells

    def cell(self, name: str, *, required: bool = False) -> str:
        value = (self._cells.get(name) or "").strip()
        if required and not value:
            raise self.error(f"no {name}", value="", fix=f"fill in {name}")
        return value

    def error(self, problem: str, *, value: str, fix: str) -> DataError:
        return DataError(f"{self._where}: {problem}", value=value, fix=fix)


def _check_columns(path: Path, found: tuple[str, ...]) -> None:
    if found != COLUMNS:
        raise DataError(
            f"{path}: columns of corporate actions",
            value=",".join(found),
            limit=",".join(COLUMNS),
            fix=f"write {COLUMNS}",
        )


def _check_unique(path: Path, actions: list[CorporateAction]) -> None:
    seen: set[tuple[int, str, str]] = set()
    for action in actions:
        key = (action.at, action.instrument, action.kind)
        if key in seen:
            raise DataError(f"{path}: {action.kind} of {action.instrument} given twice for one ex-date", value=str(key))
        seen.add(key)


def _action(line: _Line, calendar: Calendar | None) -> CorporateAction:
    instrument, kind = line.cell("instrument", required=True), _kind(line)
    old, new = _shares(line, kind)
    return CorporateAction(
        at=_open_of_ex_date(line, instrument, calendar),
        instrument=instrument,
        kind=kind,
        old=old,
        new=new,
        cash=_cash(line, kind),
        source=line.cell("source", required=True),
    )


def _kind(line: _Line) -> ActionKind:
    text = line.cell("kind", required=True)
    if text not in tuple(ActionKind):
        raise line.error("unknown kind", value=text, fix="write split, bonus or dividend")
    return ActionKind(text)


def _shares(line: _Line, kind: ActionKind) -> tuple[int, int]:
    if kind is ActionKind.DIVIDEND:
        if line.cell("ratio"):
            raise line.error("a dividend has no ratio", value=line.cell("ratio"), fix="leave ratio empty")
        return 1, 1
    first, second = _ratio(line)
    old, new = (second, first + second) if kind is ActionKind.BONUS else (first, second)
    if old == new:
        raise line.error("a split that changes nothing", value=line.cell("ratio"), fix="write new:old face value")
    shared = gcd(old, new)
    return old // shared, new // shared


def _ratio(line: _Line) -> tuple[int, int]:
    text = line.cell("ratio", required=True)
    parts = text.split(":")
    if len(parts) != 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise line.error("not a ratio", value=text, fix="write two whole numbers such as 1:1")
    return int(parts[0]), int(parts[1])


def _cash(line: _Line, kind: ActionKind) -> int:
    text = line.cell("cash", required=kind is ActionKind.DIVIDEND)
    if kind is not ActionKind.DIVIDEND:
        if text:
            raise line.error(f"a {kind} pays no cash", value=text, fix="give the dividend a line of its own")
        return 0
    try:
        cash = from_text(text)
    except ConfigError as error:
        raise line.error(error.message, value=text, fix=error.fix) from None
    if cash <= 0:
        raise line.error("a dividend must be positive", value=text, fix="give cash a share")
    return cash


def _open_of_ex_date(line: _Line, instrument: str, calendar: Calendar | None) -> int:
    text = line.cell("ex_date", required=True)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise line.error("not a date", value=text, fix="write YYYY-MM-DD") from None
    exchange = instrument.partition(":")[0]
    session = (calendar or calendar_for(exchange, Segment.EQUITY)).session(day)
    if session is None:
        raise line.error(f"{exchange} has no session on the ex-date", value=text, fix="give the first day without it")
    return session.open
