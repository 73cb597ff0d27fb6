"""Rows of reference data that hold for a range of dates, each with its source, and the look-up by date.

`effective_from` is the first date the source vouches for, not always the day a law began; a blank `effective_to` means
until the next row of the same key. Key columns may list several values with `|`: the row then holds for each of them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from itertools import product
from pathlib import Path

import msgspec

from tradsys.core.errors import UncoveredDate

DATA = Path(__file__).parent / "data"


class DatedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One value in force from `effective_from` up to, not including, `until` (`date.max`: open end)."""

    key: tuple[str, ...]
    effective_from: date
    until: date
    fields: dict[str, str]
    source: str

    @property
    def value(self) -> str:
        """The value as written in the file."""
        return self.fields["value"]


class DatedTable:
    """Rows of one kind, by key and date. Keys are tuples of text in the order of the file's key columns."""

    def __init__(self, name: str, rows: Iterable[DatedRow]) -> None:
        self.name = name
        self._rows: dict[tuple[str, ...], list[DatedRow]] = {}
        for row in rows:
            self._rows.setdefault(row.key, []).append(row)

    def __iter__(self) -> Iterator[DatedRow]:
        return (row for rows in self._rows.values() for row in rows)

    def all_keys(self) -> list[tuple[str, ...]]:
        """Every key, in the order of the file."""
        return list(self._rows)

    def history(self, *key: str) -> list[DatedRow]:
        """All rows of a key, oldest first; empty for an unknown key."""
        return self._rows.get(key, [])

    def on(self, day: date, *key: str, fix: str = "") -> DatedRow:
        """The row of `key` in force on `day`. Raises `UncoveredDate` naming table, key, date and what is covered."""
        rows = self._rows.get(key, [])
        for row in reversed(rows):
            if row.effective_from <= day < row.until:
                return row
        covered = f"covered from {rows[0].effective_from}" if rows else "no row at any date"
        raise UncoveredDate(
            f"no {self.name} row for {' '.join(key)} on {day}: {covered}",
            value=day.isoformat(),
            limit=covered,
            fix=fix,
        )


def _date(text: str, default: date) -> date:
    return date.fromisoformat(text) if text else default


def _expand(line: dict[str, str], key_columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return product(*(line[column].split("|") for column in key_columns))


@cache
def read_table(name: str, *key_columns: str) -> DatedTable:
    """The table in `reference/data/NAME.csv`, read once; rows of a key end where the next one begins."""
    lines: list[tuple[tuple[str, ...], dict[str, str]]] = []
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            lines.extend((key, line) for key in _expand(line, key_columns))
    return DatedTable(name.replace("_", " "), chained(lines))


def chained(lines: Iterable[tuple[tuple[str, ...], dict[str, str]]]) -> Iterator[DatedRow]:
    """Rows from keys and cells, sorted, each ending at its `effective_to` or where the next of its key begins."""
    ordered = sorted(lines, key=lambda entry: (entry[0], entry[1]["effective_from"]))
    following = [*ordered[1:], ((), {})]
    for (key, line), (next_key, next_line) in zip(ordered, following, strict=True):
        superseded = _date(next_line["effective_from"], date.max) if next_key == key else date.max
        yield DatedRow(
            key=key,
            effective_from=_date(line["effective_from"], date.min),
            until=_date(line["effective_to"], superseded),
            fields=line,
            source=line["source"],
        )
