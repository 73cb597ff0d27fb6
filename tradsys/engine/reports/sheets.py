"""A report as columns and rows, and as CSV that no spreadsheet takes for formulas.

One row holds plain values: exact ints in 1e-8, instants as UTC nanoseconds, floats, dates, text. What a value is, its
column says; `None` is a value that there is none of.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from tradsys.core.units import to_text
from tradsys.reference.clock import iso

Kind = Literal["text", "count", "exact", "money", "share", "figure", "estimate", "utc", "local", "date"]

_FORMULA = frozenset("=+-@＝＋－＠")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")


class Heading(NamedTuple):
    """A column: its name in the CSV, what its values are, and its name for people (the same in words, unless given).

    `exact` and `money` are 1e-8 units, `share`, `figure` and `estimate` (of money) floats, `utc` and `local` instants.
    """

    name: str
    kind: Kind = "text"
    label: str = ""

    @property
    def words(self) -> str:
        """The name for people."""
        return self.label or self.name.replace("_", " ").capitalize()


class Sheet(NamedTuple):
    """One table of a report: `name` is that of its file. `zone` is the exchange's, of the `local` instants."""

    name: str
    title: str
    lead: str
    headings: Sequence[Heading]
    rows: Sequence[tuple[Any, ...]]
    zone: str
    currency: str


def csv_text(sheet: Sheet) -> str:
    """The table as CSV with its headings, always all of them in their order. Decimals are exact, instants ISO-8601 with
    offset, what is not known is empty; text is made `safe`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(each.name for each in sheet.headings)
    writers = [_writer(each.kind, sheet.zone) for each in sheet.headings]
    for row in sheet.rows:
        writer.writerow("" if value is None else write(value) for write, value in zip(writers, row, strict=True))
    return text.getvalue()


def safe(text: str) -> str:
    """Text that a spreadsheet does not run: an apostrophe before what it would take for a formula (OWASP, CSV
    Injection: = + - @ and their full-width forms, tab, line ends), and before an apostrophe, so that taking one away
    gives back the text. A plain number is no formula."""
    first = text.lstrip()[:1]
    risky = first in _FORMULA and not _NUMBER.fullmatch(text)
    return f"'{text}" if risky or text[:1] in ("'", "\t", "\r", "\n") else text


def _writer(kind: Kind, zone: str) -> Callable[[Any], str]:
    """How values of a column are written."""
    writers: dict[Kind, Callable[[Any], str]] = {
        "text": lambda value: safe(str(value)),
        "count": lambda value: str(int(value)),
        "exact": to_text,
        "money": to_text,
        "share": _figure,
        "figure": _figure,
        "estimate": _figure,
        "utc": lambda value: iso(value, "UTC"),
        "local": lambda value: iso(value, zone),
        "date": lambda value: value.isoformat(),
    }
    return writers[kind]


def _figure(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else ""
