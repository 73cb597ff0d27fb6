"""Facts of one's own as dated rows: what exchanges publish by the day and a run cannot know, read from CSV files.

Columns: the keys, `value`, `effective_from`, `effective_to` (the first day the row does not hold, or blank) and
`source`, which a row must have. `*` as a key stands for everything that the file does not name.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from itertools import pairwise, product
from pathlib import Path

from tradsys.core.errors import ConfigError, MissingData
from tradsys.reference.dated import DatedRow, chained

OTHERS = "*"
_DATES = ("effective_from", "effective_to")


class DatedFacts:
    """Rows of one file by key and date. `DatedFacts` without rows knows nothing."""

    def __init__(self, rows: tuple[DatedRow, ...] = ()) -> None:
        self._rows: dict[tuple[str, ...], list[DatedRow]] = {}
        for row in rows:
            self._rows.setdefault(row.key, []).append(row)

    def rows(self) -> Iterator[DatedRow]:
        """Every row, by key."""
        return (row for rows in self._rows.values() for row in rows)

    def on(self, day: date, *key: str) -> DatedRow | None:
        """The row of a key that holds on a date, else that of everything else, else None: not known."""
        for name in (key, (OTHERS, *key[1:])):
            for row in self._rows.get(name, ()):
                if row.effective_from <= day < row.until:
                    return row
        return None


def read_facts(path: Path, *, keys: tuple[str, ...] = ("instrument",), extra: tuple[str, ...] = ()) -> DatedFacts:
    """The rows of a file; a key may list several names with `|`, `extra` columns may be empty.

    Raises:
        MissingData: there is no such file.
        ConfigError: a column or a source is missing, a date is none, or rows of one key overlap. The line is named.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except FileNotFoundError:
        raise MissingData(f"no file {path}", value=str(path), fix="give the file, or leave its key out") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read: {error}", value=str(path), fix="write a CSV file") from error
    columns = (*keys, "value", *extra, *_DATES, "source")
    if not lines:
        raise ConfigError(f"{path} has no rows", value=str(path), fix=f"give rows under {','.join(columns)}")
    needed = (*keys, "value", "effective_from", "source")
    for number, line in enumerate(lines, start=2):
        _demand_whole(line, columns, needed, where=f"{path}, line {number}")
    rows = tuple(chained((key, line) for line in lines for key in product(*(line[each].split("|") for each in keys))))
    _refuse_overlaps(rows, path)
    return DatedFacts(rows)


def _demand_whole(line: dict[str, str], columns: tuple[str, ...], needed: tuple[str, ...], *, where: str) -> None:
    missing = [column for column in columns if line.get(column) is None]
    if missing or len(line) > len(columns):
        raise ConfigError(f"{where}: not the columns", value=",".join(map(str, line)), limit=",".join(columns))
    for column in columns:
        if column in needed and not line[column]:
            raise ConfigError(f"{where}: {column} is empty", fix=f"give {column}")
        if column in _DATES and line[column]:
            _demand_date(line[column], f"{where}: {column}")


def _demand_date(text: str, what: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{what} is no date", value=text, limit="YYYY-MM-DD", fix="write 2026-11-21") from error


def _refuse_overlaps(rows: tuple[DatedRow, ...], path: Path) -> None:
    for row in rows:
        if row.until <= row.effective_from:
            raise ConfigError(
                f"{path}: a row of {' '.join(row.key)} ends before it begins, or overlaps", value=row.effective_from
            )
    for earlier, later in pairwise(rows):
        if earlier.key == later.key and earlier.until > later.effective_from:
            raise ConfigError(
                f"{path}: rows of {' '.join(later.key)} overlap",
                value=later.effective_from,
                limit=f"after {earlier.until}",
                fix="end the earlier row where the later begins",
            )
