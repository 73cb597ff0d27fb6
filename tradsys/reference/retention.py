"""How long records have to be kept."""

from __future__ import annotations

from datetime import date

import msgspec

from tradsys.core.errors import UnknownName
from tradsys.reference.dated import read_table


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """Records are kept to the end of the day before `until`; `source` says which rule asks for it."""

    years: int
    until: date
    source: str


def retention(records: str, *, last: date) -> Retention:
    """How long a set of records (`order trail`, `broker books`) is kept whose latest is of a date.

    Records older than a rule are kept as the rule asks that came first. Raises `UnknownName`.
    """
    table = read_table("retention", "records")
    rows = table.history(records)
    if not rows:
        raise UnknownName("kind of records", records, [key[0] for key in table.all_keys()], where="retention")
    row = table.on(max(last, rows[0].effective_from), records)
    years = int(row.fields["years"])
    return Retention(years=years, until=_years_later(last, years), source=row.source)


def _years_later(day: date, years: int) -> date:
    """The same date years later; of 29 February the 1 March, where that year has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
