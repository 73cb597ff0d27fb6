"""What regulators ask of algorithmic trading as a whole: the rows that a self-assessment goes through.

RTS 6 (Delegated Regulation (EU) 2017/589), articles 9 to 18, and the rules of SEBI and NSE that ask the same. The words
are ours: whoever signs an assessment compares them with the text.
"""

from __future__ import annotations

import re
from datetime import date

import msgspec

from tradsys.reference.dated import DatedRow, read_table

KEY = ("regime", "article", "item")


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is asked for. `control` names what would meet it; `in_force` whether it was asked on the date."""

    regime: str
    article: str
    item: str
    control: str
    text: str
    effective_from: date
    in_force: bool
    source: str


def requirements(on: date) -> list[Requirement]:
    """Every requirement by regime and article, each by its row in force on a date, or by its first."""
    table = read_table("self_assessment", *KEY)
    return [_requirement(table.history(*key), on) for key in sorted(table.all_keys(), key=_place)]


def seconds_of(control: str) -> int:
    """The figure, in seconds, that the latest row gives which names a control. Raises `ValueError` where none does."""
    table = read_table("self_assessment", *KEY)
    rows = [row for row in table if row.fields["control"] == control and row.value]
    return int(max(rows, key=lambda row: row.effective_from).value)


def _place(key: tuple[str, ...]) -> tuple[str, int, tuple[str, ...]]:
    """Articles in the order of their numbers."""
    regime, article, _ = key
    digits = re.match("[0-9]*", article)
    return regime, int(digits.group() or 0) if digits else 0, key


def _requirement(rows: list[DatedRow], on: date) -> Requirement:
    row = next((each for each in rows if each.effective_from <= on < each.until), None)
    shown = row or rows[0]
    regime, article, item = shown.key
    return Requirement(
        regime=regime,
        article=article,
        item=item,
        control=shown.fields["control"],
        text=shown.fields["requirement"],
        effective_from=shown.effective_from,
        in_force=row is not None,
        source=shown.source,
    )
